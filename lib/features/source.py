"""The user's own events: checked, brought to one shape, and summed up per user, day and type.

Spark frames in, Spark frames out; nothing here reads or writes a table.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lib.errors import ConfigError, SourceError
from lib.tables.sql import days_sql

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LATE_DAYS = 30  # how far back a run looks for rows that were added to days it had already read
NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
TEXTS = ("string", "tinyint", "smallint", "int", "bigint")
TIMES = ("timestamp", "timestamp_ntz", "date")
FIRST = "TIMESTAMP '0001-01-01'"  # Python knows no earlier day
LARGEST = 1e30  # of a value: what is larger was mistyped, and would overflow
MOST = 10**12  # of a count: so many, every day for thousands of years, can still be summed up
WRITTEN_DAY = r"^\s*\d{4}-\d{1,2}-\d{1,2}"  # a text that is only a time of day would be read as a time of today
# column -> (types taken as they are, type it becomes, whether it must be there); texts are parsed where they can be
EVENTS: Mapping[str, tuple[tuple[str, ...], str, bool]] = {
    "user_id": (TEXTS, "string", True),
    "event_time": (TIMES, "timestamp", True),
    "event_type": (TEXTS, "string", True),
    "value": (NUMBERS, "double", False),
    "item_id": (TEXTS, "string", False),
    "count": (NUMBERS, "bigint", False),  # given: a row stands for so many events of that day
    "known_at": (TIMES, "timestamp", False),  # when the warehouse learnt of the event
}


def standardise(source: "DataFrame", names: Mapping[str, str]) -> "DataFrame":
    """Bring a source to one shape.

    Parameters
    ----------
    source : DataFrame
        One row per event. Times without a zone are taken as they stand, as UTC.
    names : {our column: theirs}
        A name in quotes is a constant instead: `event_type='purchase'`.

    Returns
    -------
    DataFrame[user_id string, event_type string, day date, known_day date, known_time timestamp, count bigint,
              value double, item_id string, broken string]
        `known_day` is never before `day`; both are null where the event is older than the year 1. `known_time`, of
        which it is the day, is the source's own column where that can be: a filter on it costs little, and may skip
        whole files. `broken` names the first column of the row that is null or unreadable and must not be; null for
        a sound row. `item_id` is null for aggregated rows.

    Raises
    ------
    SourceError
        If a column is missing or has a type that cannot be read; the message names it and what was found.
    ConfigError
        If `names` maps a column that the events do not have.
    """
    from pyspark.sql import functions as F

    unknown = sorted(set(names) - set(EVENTS))
    if unknown:
        raise ConfigError(f"event_columns maps {unknown[0]!r}, which is none of {', '.join(EVENTS)}.")
    types = dict(source.dtypes)
    parsed = {ours: _parsed_column(ours, names.get(ours, ours), types, ours in names) for ours in EVENTS}
    given = {ours for ours, column in parsed.items() if column is not None}
    must = [
        ours for ours, (_, _, needed) in EVENTS.items() if ours in given and (needed or ours in ("count", "known_at"))
    ]
    columns = {ours: F.lit(None).cast(EVENTS[ours][1]) if column is None else column for ours, column in parsed.items()}
    columns["count"] = F.when(columns["count"] <= MOST, columns["count"])  # a larger one is as unreadable as a word
    ill = [F.when(columns[ours].isNull(), ours) for ours in must]
    early = columns["event_time"] < F.expr(FIRST)
    ill.append(F.when(early, "event_time"))
    if "count" in given:  # a fraction is no number of events, and a cast would cut it off unseen
        raw = _source_column(names.get("count", "count"))
        ill.append(F.when((columns["count"] < 1) | (raw.try_cast("double") != columns["count"]), "count"))
    if "value" in given:  # a missing value is fine, an unreadable or infinite one is not
        raw = _source_column(names.get("value", "value"))
        ill.append(F.when(raw.isNotNull() & (columns["value"].isNull() | ~_is_finite(columns["value"])), "value"))
    day = F.when(~early, F.to_date(columns["event_time"]))
    known = F.greatest(columns["event_time"], columns["known_at"]) if "known_at" in given else columns["event_time"]
    item = F.lit(None).cast("string") if "count" in given else columns["item_id"]
    return source.select(
        columns["user_id"].alias("user_id"), columns["event_type"].alias("event_type"),
        day.alias("day"), F.when(~early, F.to_date(known)).alias("known_day"), known.alias("known_time"),
        (columns["count"] if "count" in given else F.lit(1).cast("bigint")).alias("count"),
        columns["value"].alias("value"), item.alias("item_id"), F.coalesce(*ill).alias("broken"),
    )  # fmt: skip


def sum_by_day(events: "DataFrame") -> "DataFrame":
    """Sum standard events up to `daily_activity`; exact duplicate rows are real and count."""
    from pyspark.sql import functions as F

    # collect_set leaves nulls out and comes empty where nothing had a name: what the items were is then unknown.
    items = F.collect_set("item_id")
    return events.groupBy("user_id", "day", "event_type", "known_day").agg(
        F.sum("count").alias("count"),
        F.sum("value").alias("value"),
        F.when(F.size(items) > 0, F.sort_array(items)).alias("items"),
    ).select("user_id", "day", "event_type", "known_day", "count", "value", "items")  # fmt: skip


@dataclass(frozen=True)
class Ingestion:
    """Which days of a source a run still has to read: `[start, as_of)` by known day, and days that changed."""

    start: date | None  # None: nothing has been read yet
    as_of: date
    changed_days: tuple[date, ...] = ()

    @property
    def where_sql(self) -> str:
        """SQL condition on known_day for the rows to read and to replace."""
        fresh = f"known_day < DATE '{self.as_of}'" + (f" AND known_day >= DATE '{self.start}'" if self.start else "")
        late = f" OR known_day IN ({days_sql(self.changed_days)})"
        return f"(({fresh}){late})" if self.changed_days else f"({fresh})"

    @property
    def span_sql(self) -> str:
        """SQL condition on known_time that holds for all rows to read, and for others between them."""
        since = f"known_time >= DATE '{self.first_day()}' AND " if self.start else ""
        return f"({since}known_time < DATE '{self.as_of}')"

    def is_read(self, day: date) -> bool:
        """Whether rows known on this day are to be read: what `where` says, for one day."""
        return day in self.changed_days or (day < self.as_of and (self.start is None or day >= self.start))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return self.start is not None and self.start >= self.as_of and not self.changed_days

    def first_day(self) -> date:
        """The earliest day whose features may be out of date after this ingestion."""
        days = [*self.changed_days, *([self.start] if self.start and self.start < self.as_of else [])]
        return min(days, default=date.min if self.start is None else self.as_of)


def find_changed_days(ours: Mapping[date, int], theirs: Mapping[date, int]) -> tuple[date, ...]:
    """Days on which the source now holds another number of events than was read."""
    return tuple(sorted(day for day in ours.keys() | theirs.keys() if ours.get(day, 0) != theirs.get(day, 0)))


def check_actions(actions: Collection[str], kinds: Collection[str], as_of: date) -> None:
    """Refuse a question about an event type that the log has never shown.

    Raises
    ------
    SourceError
        The message names the type, and the ones there are.
    """
    from difflib import get_close_matches

    for action in actions:
        if action not in kinds:
            near = get_close_matches(action, kinds, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SourceError(
                f"Nobody has ever done {action!r} before {as_of}.{hint} "
                f"Set action to one or more of: {', '.join(sorted(kinds))}."
            )


def _source_column(theirs: str) -> "Column":
    from pyspark.sql import functions as F

    return F.lit(theirs[1:-1]) if theirs[:1] == theirs[-1:] == "'" else F.col(f"`{theirs.replace('`', '``')}`")


def _parsed_column(ours: str, theirs: str, types: Mapping[str, str], mapped: bool) -> "Column | None":
    from pyspark.sql import functions as F

    taken, becomes, needed = EVENTS[ours]
    constant = theirs[:1] == theirs[-1:] == "'"
    if not constant and theirs not in types:
        if not needed and not mapped:
            return None
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        raise SourceError(
            f"The events have no column {theirs!r} for {ours}. Found: {columns}. "
            f"Name the right one with event_columns, like {ours}=their_name."
        )
    kind = "string" if constant else types[theirs]
    if kind.partition("(")[0] not in (*taken, "string"):
        raise SourceError(
            f"Column {theirs!r} of the events must be {' or '.join(taken)} to serve as {ours}, found {kind}. "
            "Cast it in the warehouse, or map another column with event_columns."
        )
    raw = _source_column(theirs)
    if becomes == "timestamp" and kind == "string":
        raw = F.when(raw.rlike(WRITTEN_DAY), raw)
    return raw.try_cast(becomes)


def _is_finite(column: "Column") -> "Column":
    """Whether a number can be summed up in a float32, in which features are; NaN, to Spark the largest, cannot."""
    from pyspark.sql import functions as F

    return F.abs(column) < LARGEST
