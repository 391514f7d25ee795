"""The user's own events: checked, brought to one shape, and summed up per user, day and type.

Spark frames in, Spark frames out; nothing here reads or writes a table.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

from lib.config.event_kinds import quote_name
from lib.config.events import EventSource
from lib.errors import ConfigError, SourceError
from lib.expressions.expression import parse
from lib.expressions.named import NamedAction
from lib.features.columns import OurColumn, Zones, find_columns, show_columns, source_column
from lib.features.named_rows import MARKS, mark_rows
from lib.features.shapes import (
    EVENTS,
    NOTHING,
    find_asked,
    find_own_name,
    map_counts,
    map_parts,
    must_be_there,
    read_condition,
)
from lib.features.wide import spread, spread_columns
from lib.sources.part import FILE, Part

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

GAINED = tuple(ours for ours, (_, _, needed) in EVENTS.items() if not needed)  # columns that may come later
ROW, WHERE = "row", "event_where"  # what is named as broken where it is no column of ours
MOST_SHOWN = 50  # event types in a message


@dataclass(frozen=True)
class Reading:
    """What a person says of how events are to be read; part of what a source is."""

    columns: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    key: tuple[str, ...] = ()
    unpivot: Mapping[str, str] = field(default_factory=dict)  # event type -> the column that counts it
    zones: Zones = field(default_factory=Zones)
    since: Mapping[str, date] = field(default_factory=dict)  # column -> the first day that has it
    named: tuple[NamedAction, ...] = ()  # actions that rows may count as besides

    @classmethod
    def of(cls, config: EventSource, zone: str, since: Mapping[str, date] | None = None) -> "Reading":
        """As the parameters of a source say, in a log whose days are of `zone`."""
        mapping, zones = config.mapping, Zones(zone, config.time_zone)
        return cls(mapping.columns, mapping.where, mapping.key, mapping.unpivot, zones, since or {})


def standardise(parts: Sequence[Part], reading: Reading, kept: Sequence[str] = (), number: int = 0) -> "DataFrame":
    """Bring a source to one shape; `kept` are columns of the parts' frames that stay as they are.

    Times are what the clock of `reading.zones.log` showed; those without a zone are of the source's own clock.

    Returns
    -------
    DataFrame[user_id string, event_type string, day date, known_day date, known_time timestamp, count bigint,
              value double, item_id string, broken string, found string, has_<column> boolean of each of `GAINED`,
              file string, key array<string>, source int]
        `known_day` is never before `day`; both are null where the event is older than the year 1. `known_time`, of
        which it is the day, is the source's own column where that can be: a filter on it costs little, and may skip
        whole files. `broken` names the first column of the row that is null or unreadable and must not be, or `row`,
        or `event_where`; null for a sound row. `found` is what stands there, `file` where that is; `has_value` and its
        like tell whether the row has something there. `item_id` is null for aggregated rows. Rows with one `key` are
        one event; it is null where a row is an event of its own. `source` is `number`. Where `reading` has named
        actions, besides what `mark_rows` says.

    Raises
    ------
    SourceError
        If a column is missing or has a type that cannot be read; the message names it and what was shown.
    ConfigError
        If a column of ours is mapped that there is not, or an expression cannot be read.
    """
    unknown = sorted(set(reading.columns) - set(EVENTS))
    if unknown:
        raise ConfigError(f"event_columns maps {unknown[0]!r}, which is none of {', '.join(EVENTS)}.")
    types = [part.types for part in parts]
    mapped, counts = map_parts(reading.columns, types), map_counts(reading.unpivot, types)
    frames = [
        _standardise_part(part, replace(reading, columns=names, unpivot=wide), kept, number)
        for part, names, wide in zip(parts, mapped, counts, strict=True)
    ]
    return reduce(lambda one, other: one.unionByName(other), frames)


def _standardise_part(part: Part, reading: Reading, kept: Sequence[str], number: int) -> "DataFrame":
    from pyspark.sql import functions as F

    given = find_columns(part, find_asked(reading.columns, reading.unpivot), reading.zones)
    given |= spread_columns() if reading.unpivot else {}
    shaped = _shape(part, given, reading)
    rows = part.frame
    odd = F.lit(False) if part.row is None else F.col(part.row).isNotNull()
    fails = F.lit(False)
    if reading.where:
        condition = read_condition(reading.where, part.types, WHERE)
        failure = condition.failure("spark")
        fails = F.coalesce(F.expr(failure), F.lit(False)) & ~odd if failure else fails
        rows = rows.where(F.coalesce(F.expr(condition.spark()), F.lit(False)) | fails | odd)
        shaped["broken"] = F.coalesce(F.when(fails, WHERE), shaped["broken"])
        shaped["found"] = F.when(fails, show_columns(condition)).otherwise(shaped["found"])
    if reading.unpivot:
        rows = spread(part, rows, reading.unpivot, odd | fails)
    shaped["key"] = _key(part, reading, shaped["event_type"], number)
    shaped["source"] = F.lit(number)
    shaped |= mark_rows(part, reading.named, shaped["event_type"]) if reading.named else {}
    return rows.select(*(column.alias(name) for name, column in shaped.items()), *kept)


def _shape(part: Part, given: Mapping[str, OurColumn], reading: Reading) -> "dict[str, Column]":
    from pyspark.sql import functions as F

    def value(ours: str, becomes: str) -> "Column":
        return given[ours].value if ours in given else F.lit(None).cast(becomes)

    sound_time = ~given["event_time"].unreadable
    day = F.when(sound_time, F.to_date(given["event_time"].value))
    count, known_at = F.lit(1).cast("bigint"), given["event_time"].value
    since = {ours: day < F.lit(first) for ours, first in reading.since.items() if ours in given}
    if "count" in given:
        count = F.when(~given["count"].unreadable, given["count"].value)
        count = F.when(_is_before(given, "count", since), 1).otherwise(count).cast("bigint")
    if "known_at" in given:
        known_at = F.when(_is_before(given, "known_at", since), given["event_time"].value).otherwise(
            given["known_at"].value
        )
    known = F.greatest(given["event_time"].value, known_at) if "known_at" in given else given["event_time"].value
    broken, shown = _faults(part, given, since)
    return {
        "user_id": value("user_id", "string"),
        "event_type": value("event_type", "string"),
        "day": day,
        "known_day": F.when(sound_time, F.to_date(known)),
        "known_time": known,
        "count": count,
        "value": value("value", "double"),
        "item_id": F.lit(None).cast("string") if "count" in given else value("item_id", "string"),
        "broken": broken,
        "found": shown,
        **{f"has_{ours}": given[ours].shown.isNotNull() if ours in given else F.lit(False) for ours in GAINED},
        "file": F.col(FILE) if FILE in part.frame.columns else F.lit(None).cast("string"),
    }


def _is_before(given: Mapping[str, OurColumn], ours: str, since: "Mapping[str, Column]") -> "Column":
    """Whether nothing is there because the source had no such column yet."""
    from pyspark.sql import functions as F

    return given[ours].shown.isNull() & since[ours] if ours in since else F.lit(False)


def _faults(part: Part, given: Mapping[str, OurColumn], since: "Mapping[str, Column]") -> "tuple[Column, Column]":
    """The first column that cannot be used, and what stands there."""
    from pyspark.sql import functions as F

    conditions: dict[str, tuple[Column, Column]] = {}
    if part.row is not None:
        conditions[ROW] = (F.col(part.row).isNotNull(), F.col(part.row))
    for ours, column in given.items():
        missing = column.value.isNull() & ~_is_before(given, ours, since)
        fault = column.unreadable | missing if must_be_there(ours) else column.unreadable
        conditions[ours] = (fault, F.coalesce(column.shown, F.lit(NOTHING)))
    broken = F.coalesce(*(F.when(fault, F.lit(name)) for name, (fault, _) in conditions.items()))
    return broken, F.coalesce(*(F.when(fault, shown) for fault, shown in conditions.values()))


def _key(part: Part, reading: Reading, event_type: "Column", number: int) -> "Column":
    """What makes rows of a source one event; of a wide row each behaviour is one. Null where any of it is."""
    from pyspark.sql import functions as F

    names = [_key_column(part, name) for name in reading.key] + [event_type] * bool(reading.unpivot)
    if not reading.key:
        return F.lit(None).cast("array<string>")
    is_whole = reduce(lambda one, other: one & other, [name.isNotNull() for name in names])
    return F.when(is_whole, F.array(F.lit(str(number)), *names))


def _key_column(part: Part, name: str) -> "Column":
    from pyspark.sql import functions as F

    own = find_own_name(part.columns, part.twins, name, part.name)
    if own is not None:
        return source_column(own).cast("string")
    return F.expr(parse(name, names=part.types, what="event_key").spark()).cast("string")


def first_of_each(events: "DataFrame") -> "DataFrame":
    """Of rows that are one event the one known first; a row whose key is null is an event of its own."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = ["known_time", "day", "user_id", "event_type", "value", "count", "item_id"]
    order += [MARKS] * (MARKS in events.columns)
    apart = F.array("user_id", F.col("day").cast("string"))  # rows without a key, which one worker could not bear
    place = F.row_number().over(Window.partitionBy(F.coalesce("key", apart)).orderBy(*order))
    return events.withColumn("place", place).where(F.col("key").isNull() | (F.col("place") == 1)).drop("place")


def sum_by_day(events: "DataFrame") -> "DataFrame":
    """Sum standard events up to `daily_activity`; exact duplicate rows are real and count."""
    from pyspark.sql import functions as F

    # collect_set leaves nulls out and comes empty where nothing had a name: what the items were is then unknown.
    items = F.collect_set("item_id")
    # All rows of a user meet first: else they are sorted and summed up twice, before they meet and after.
    return events.repartition("user_id").groupBy("user_id", "day", "event_type", "known_day").agg(
        F.sum("count").alias("count"),
        F.sum("value").alias("value"),
        F.when(F.size(items) > 0, F.sort_array(items)).alias("items"),
    ).select("user_id", "day", "event_type", "known_day", "count", "value", "items")  # fmt: skip


def check_actions(actions: Collection[str], kinds: Collection[str], as_of: date, parameter: str = "action") -> None:
    """Refuse a question about an event type that the log has never shown; `parameter` is where it was named.

    Raises
    ------
    SourceError
        The message names the type, and the ones there are.
    """
    from difflib import get_close_matches

    for action in actions:
        if action not in kinds:
            near = get_close_matches(action, kinds, n=1)
            hint = f" Did you mean {quote_name(near[0])!r}?" if near else ""
            raise SourceError(
                f"Nobody has ever done {action!r} before {as_of}.{hint} "
                f"Set {parameter} to one or more of: {_list_kinds(kinds)}."
            )


def _list_kinds(kinds: Collection[str]) -> str:
    """The event types as they can be asked for; of very many the first."""
    shown = [quote_name(kind) for kind in sorted(kinds)]
    more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more
