"""Rows of a source that count as named actions: told apart while it is read, and kept beside the activity.

What was read once is read on by every later run, whatever it asks: a question that comes again finds it whole.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from lib.errors import ConfigError, SourceError
from lib.expressions.expression import has_columns
from lib.expressions.kinds import Type
from lib.expressions.named import NamedAction
from lib.features.columns import show_columns
from lib.features.days import Ingestion
from lib.features.named_note import Begin, NamedNote, find_begins
from lib.features.shapes import read_condition
from lib.sources.part import Part
from lib.tables.protocol import Tables
from lib.tables.sql import texts_sql

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MARKS, UNCLEAR = "named", "unclear"  # of a row: the named actions that it counts as; those of which it cannot be told


@dataclass(frozen=True)
class NamedRows:
    """The named actions that a run reads."""

    actions: tuple[NamedAction, ...] = ()  # those asked for, and those that were read before
    new: frozenset[str] = frozenset()  # kinds of which no day was read yet
    begins: Mapping[str, date] = field(default_factory=dict)  # by kind, of those whose first days the source had lost
    notes: tuple[str, ...] = ()  # what a person should know of it
    asked: frozenset[str] = frozenset()  # kinds that a question of this run names

    @property
    def added(self) -> tuple[NamedAction, ...]:
        """Those of which all is to be read."""
        return tuple(one for one in self.actions if one.kind in self.new)

    def without(self, kinds: Collection[str], notes: Sequence[str]) -> "NamedRows":
        """Those that are left without some, and what a person should know of that."""
        actions = tuple(one for one in self.actions if one.kind not in kinds)
        begins = {kind: day for kind, day in self.begins.items() if kind not in kinds}
        said = (*self.notes, *notes)
        return replace(self, actions=actions, new=self.new - frozenset(kinds), begins=begins, notes=said)

    def where_sql(self, plan: Ingestion) -> str:
        """SQL condition for the rows that are written."""
        parts = [f"event_type IN ({texts_sql([one.kind for one in self.added])})"] * bool(self.new)
        known = [one.kind for one in self.actions if one.kind not in self.new]
        if known and not plan.is_empty:
            parts.append(f"(event_type IN ({texts_sql(known)}) AND {plan.where_sql})")
        return " OR ".join(parts)


def choose_named(asked: Sequence[NamedAction], parts: Sequence[Part], noted: NamedNote, *, anew: bool) -> NamedRows:
    """The actions to read: those asked for, and those of before that the events can still tell.

    Raises
    ------
    ConfigError
        If one that is asked for reads a column that no part of any source has.
    """
    types = [part.types for part in parts]
    check_readable(asked, types)
    kinds = {one.kind: one for one in (*noted.actions, *asked)}
    known = set() if anew else {one.kind for one in noted.actions}
    begins = {kind: day for kind, day in noted.begins.items() if kind in known}
    actions = tuple(kinds[kind] for kind in sorted(kinds))
    named = NamedRows(actions, frozenset(kinds.keys() - known), begins, asked=frozenset(one.kind for one in asked))
    reasons = {one: _why_unreadable(one, types) for one in actions if one.kind not in named.asked}
    gone = {one: why for one, why in reasons.items() if why}
    return named.without({one.kind for one in gone}, [_tell_gone(one, why) for one, why in gone.items()])


def _why_unreadable(action: NamedAction, parts: Sequence[Mapping[str, Type]]) -> str:
    try:
        check_readable([action], parts)
    except ConfigError as error:
        return str(error)
    return ""


def _tell_gone(action: NamedAction, why: str) -> str:
    return f"{action.name} ({action.definition}) is read no longer, and no question of this run names it. {why}"


def check_readable(actions: Sequence[NamedAction], parts: Sequence[Mapping[str, Type]]) -> None:
    """Refuse an action that no part of any source can tell, or that one with its columns has in another type.

    Raises
    ------
    ConfigError
        The message names the column, or what else is wrong.
    """
    for one in actions:
        with_columns = [types for types in parts if _can_tell(one, [types])]
        for types in with_columns or parts[:1]:  # without the columns, the error says which is missing
            read_condition(one.where, types, _what(one))


def _can_tell(action: NamedAction, parts: Sequence[Mapping[str, Type]]) -> bool:
    return any(has_columns(action.where, names=types, what=_what(action)) for types in parts)


def _what(action: NamedAction) -> str:
    return f"actions: {action.name}"


def mark_rows(part: Part, actions: Sequence[NamedAction], event_type: "Column") -> "dict[str, Column]":
    """What the rows of a part count as: `MARKS` array<string>, kinds, and `UNCLEAR` array<string>, `kind: value`.

    A part without a column that a condition reads has no rows that meet it.

    Raises
    ------
    ConfigError
        If a condition cannot be read over the part's columns.
    """
    from pyspark.sql import functions as F

    kinds, unclear = [], []
    for one in actions:
        if not has_columns(one.where, names=part.types, what=_what(one)):
            continue
        condition = read_condition(one.where, part.types, _what(one))
        is_type = event_type == F.lit(one.event_type)
        kinds.append(F.when(is_type & F.coalesce(F.expr(condition.spark()), F.lit(False)), F.lit(one.kind)))
        if failure := condition.failure("spark"):
            shown = F.concat(F.lit(f"{one.kind}: "), show_columns(condition))
            unclear.append(F.when(is_type & F.coalesce(F.expr(failure), F.lit(False)), shown))
    nothing = F.array().cast("array<string>")
    return {
        name: F.array_compact(F.array(*those)) if those else nothing
        for name, those in ((MARKS, kinds), (UNCLEAR, unclear))
    }


@dataclass(frozen=True)
class Unclear:
    """Rows of which it cannot be told whether they count as a named action."""

    rows: int
    of: int  # rows of its event type
    shown: str  # what stands in one of them


def find_unclear(events: "DataFrame", actions: Sequence[NamedAction]) -> dict[str, Unclear]:
    """The rows of some actions, by kind, of which it cannot be told; without those that all can be told of."""
    from pyspark.sql import functions as F

    of_types = events.where(F.col("event_type").isin(sorted({one.event_type for one in actions})))
    counts = (F.count("*").alias("rows"), F.sum(F.size(UNCLEAR)).alias("marks"))
    types = {row["event_type"]: row for row in of_types.groupBy("event_type").agg(*counts).collect()}
    if not any(row["marks"] for row in types.values()):
        return {}
    marks = of_types.select(F.explode(UNCLEAR).alias("mark"))
    by_kind = marks.groupBy(F.substring_index("mark", ": ", 1).alias("kind"))
    kinds = {row["kind"]: row for row in by_kind.agg(F.count("*").alias("rows"), F.min("mark").alias("mark")).collect()}
    return {
        one.kind: Unclear(row["rows"], types[one.event_type]["rows"], row["mark"].partition(": ")[2])
        for one in actions
        if (row := kinds.get(one.kind))
    }


def settle_unclear(named: NamedRows, unclear: Mapping[str, Unclear], most: float) -> NamedRows:
    """Leave out up to a share of a type's rows; of more, refuse an action that is asked for, and let go of another.

    Raises
    ------
    SourceError
        The message has the number of rows, and one value as it stands.
    """
    lines, gone = [], dict[str, str]()
    for one in named.actions:
        if not (rows := unclear.get(one.kind)):
            continue
        what = f"actions: a condition cannot be read in {rows.rows} of {rows.of} rows, such as "
        said = what + repr(f"{one.name}: {rows.shown}")
        if rows.rows <= most * rows.of:
            lines.append(f"{said}; they count as not meant.")
        elif one.kind in named.asked:
            raise SourceError(
                f"{said}. Nothing was written. Say in the condition what is meant there, like "
                "coalesce(to_number(x), 0) > 50."
            )
        else:
            gone[one.kind] = _tell_gone(one, f"{said}.")
    return named.without(gone, [*lines, *gone.values()])


def check_new_names(events: "DataFrame", actions: Sequence[NamedAction]) -> None:
    """Refuse a name that the log has for an event type of its own.

    Raises
    ------
    SourceError
        The message names it.
    """
    from pyspark.sql import functions as F

    names = [name for one in actions for name in (one.name, one.kind)]
    taken = events.where(F.col("event_type").isin(names)).select("event_type").limit(1).collect()
    if taken:
        refuse_taken(taken[0]["event_type"])


def refuse_taken(name: str) -> None:
    """Say that a named action is called as an event type is."""
    raise SourceError(
        f"actions names {name!r}, and the events have a type of that name: which of them is meant could not be told. "
        "Call the action otherwise."
    )


def sum_named(events: "DataFrame") -> "DataFrame":
    """Sum marked events up to `named_activity`: one that counts as several actions counts for each of them."""
    from pyspark.sql import functions as F

    return events.withColumn("event_type", F.explode(MARKS)).groupBy("user_id", "day", "event_type", "known_day").agg(
        F.sum("count").alias("count"), F.sum("value").alias("value")
    ).select("user_id", "day", "event_type", "known_day", "count", "value")  # fmt: skip


def read_begins(tables: Tables, events: "DataFrame", actions: Sequence[NamedAction]) -> dict[str, Begin]:
    """Of actions that come to be read, by kind, since when the source has their type where it lost its first days."""
    from pyspark.sql import functions as F

    types = sorted({one.event_type for one in actions})
    if not types or not tables.exists("daily_activity"):
        return {}
    by_type = f"event_type IN ({texts_sql(types)}) GROUP BY event_type"
    then = tables.query(f"SELECT event_type, MIN(day) AS day FROM {{daily_activity}} WHERE {by_type}")
    rows = events.where(F.col("event_type").isin(types)).groupBy("event_type").agg(F.min("day").alias("day")).collect()
    return find_begins(actions, {row["event_type"]: row["day"] for row in rows}, dict(then.itertuples(index=False)))
