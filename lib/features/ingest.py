"""From the user's events to features: what is new is read, what changed is read again, the rest is kept."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from lib import timeline
from lib.config.stages import ExtractConfig, PublishConfig
from lib.errors import SourceError
from lib.features import cache, loads
from lib.features import source as event_rules
from lib.features.loads import ComparedDays, EventCounts
from lib.features.source_note import SOURCE, check_reaches_back, check_same_source, describe_source, is_other_rule
from lib.progress import Say
from lib.tables import csv_files
from lib.tables.delta import DeltaTables
from lib.tables.protocol import Tables
from lib.timeline import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def ingest(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> date:
    """Bring `daily_activity` up to date with the source, and return the run's as_of.

    Only days after the last known one are read, and recent days whose number of events has changed, of which far fewer
    are refused; all days where what is there was read by another rule than today's.

    Raises
    ------
    SourceError
        If the source is not readable, is another one than before, is stale, has shrunk, holds nothing before as_of, or
        is to be read anew and no longer has the first days.
        Nothing was written then.
    """
    source = tables.source(config.events)
    events = event_rules.standardise(source, config.event_columns)
    before, note = tables.get_property("daily_activity", SOURCE), describe_source(config, source.columns)
    if before is not None:
        check_same_source(config, before, note, source.columns)
    stored = _read_stored(tables)
    following = max(stored)[0] + timeline.ONE_DAY if stored else None
    anew = bool(stored) and is_other_rule(before, note)
    ours, start = ({}, None) if anew else (stored, following)
    with tables.reading(config.events):
        as_of = config.as_of or max(read_newest_day(events), following or date.min)
        theirs = _count_source(events, start, as_of)
        if anew:
            check_reaches_back(config, stored, theirs, as_of)
        plan = _plan_ingestion(config, events, ours, theirs, start, as_of)
    _check_not_stale(config.events, config.max_source_gap_days, _event_days(ours, theirs, plan), as_of)
    if anew:
        say(f"all of {config.events!r} is read anew, once: quotes in CSV are read by {csv_files.RULE} from now on")
    if not plan.is_empty:
        # Cached features that the new rows outdate go first: a kill in between costs a recomputation, no more.
        if tables.exists("features"):
            cache.drop_features(tables, f"cutoff > DATE '{plan.first_day()}'")
        rows = event_rules.sum_by_day(events.where(f"{plan.span_sql} AND {plan.where_sql}"))
        if anew:  # whatever of it lies beyond as_of goes too: the next run reads it as new days
            tables.replace("daily_activity", rows, "1 = 1")
        elif plan.changed_days:
            tables.replace("daily_activity", rows, plan.where_sql)
        else:  # nothing that is there has one of these days: no file need be looked for
            tables.append("daily_activity", rows)
    if before is None or anew:  # last: a kill leads to another reading; and a commit that most runs need not pay for
        tables.set_property("daily_activity", SOURCE, note)
    return as_of


def _read_stored(tables: Tables) -> EventCounts:
    """What `daily_activity` holds: one query tells the next day to read, the recent counts and the quiet days."""
    if not tables.exists("daily_activity"):
        return {}
    counts = tables.query("SELECT known_day, day, SUM(count) AS n FROM {daily_activity} GROUP BY known_day, day")
    return {(known_day, day): int(n) for known_day, day, n in counts.itertuples(index=False)}


def read_newest_day(events: "DataFrame") -> date:
    """The day of the last event; one that no date can name, beyond the year 9999, does not count.

    Raises
    ------
    SourceError
        If there is none.
    """
    from pyspark.sql import functions as F

    datable = events.where(F.col("day") <= F.lit(date.max))
    newest: date | None = datable.agg(F.max("day").alias("day")).collect()[0]["day"]
    if newest is None:
        raise SourceError("The events are empty, or none has a readable event_time. Load events, or name other ones.")
    return newest


def _first_day(events: "DataFrame") -> date | None:
    """The source's own first day, as days are counted; None where it holds nothing."""
    from pyspark.sql import functions as F

    datable = events.where(F.col("known_day") <= F.lit(date.max))
    first: date | None = datable.agg(F.min("known_day").alias("day")).collect()[0]["day"]
    return first


def _count_source(events: "DataFrame", start: date | None, as_of: date) -> Sequence[Any]:
    """Look once over what is new and what is recent: numbers by known_day, day and, of what is new, broken column.

    What is recent was sound when it was read; `_broken_since` looks again where its number has changed. Only a count
    that cannot be read is told at once, since no number shows it.
    """
    from pyspark.sql import functions as F

    since = f"known_time >= DATE '{_recent_days(start).start}' AND " if start else ""
    sums = F.coalesce(F.sum("count"), F.lit(0)).alias("n"), F.count("*").alias("rows")
    # a null time would slip every later filter
    looked_at = events.where(f"known_time IS NULL OR ({since}known_time < DATE '{as_of}')")
    new = F.col("known_time").isNull() | (F.col("known_time") >= F.lit(start)) if start else F.lit(True)
    uncounted = F.col("count").isNull() | (F.col("count") < 1)
    broken = F.when(new | uncounted, F.col("broken")).alias("broken")
    return looked_at.groupBy("known_day", "day", broken).agg(*sums).collect()


def _count_broken(events: "DataFrame", days: Collection[date]) -> Counter[str]:
    """Count the rows with a null or unreadable value on recent days that are to be read anew, by column."""
    from pyspark.sql import functions as F

    span = f"known_time >= DATE '{min(days)}' AND known_time < DATE '{max(days) + timeline.ONE_DAY}'"
    rows = events.where(span).where(F.col("known_day").isin(list(days)) & F.col("broken").isNotNull())
    return Counter({row["broken"]: row["count"] for row in rows.groupBy("broken").count().collect()})


def _plan_ingestion(
    config: ExtractConfig,
    events: "DataFrame",
    ours: EventCounts,
    theirs: Sequence[Any],
    start: date | None,
    as_of: date,
) -> event_rules.Ingestion:
    """Say which days to read.

    Raises
    ------
    SourceError
        If a row that is to be read holds a null or unreadable value, or if days read before hold far fewer events now.
    """
    days = loads.compare_days(ours, theirs, _recent_days(start), as_of) if start else ComparedDays({}, {})
    if days.fallen_days:
        days = days.after(_first_day(events))
    plan = event_rules.Ingestion(start, as_of, days.changed_days)
    broken = _count_broken(events, plan.changed_days) if plan.changed_days else Counter()
    for row in theirs:
        day = row["known_day"]  # of days that changed all rows were looked at above
        if row["broken"] and (day is None or (plan.is_read(day) and day not in plan.changed_days)):
            broken[row["broken"]] += int(row["rows"])
    if broken and not plan.is_empty:
        values = ", ".join(f"{column} in {rows} rows" for column, rows in sorted(broken.items()))
        raise SourceError(
            f"The events hold null or unreadable values: {values}. Nothing was read. Mend or leave out these rows."
        )
    loads.check_not_shrunk(config.events, days, as_of, config.accept_shrunk)
    return plan


def _recent_days(start: date) -> Window:
    """The days read before to which rows may have been added since."""
    return Window.lookback(start, event_rules.LATE_DAYS)


def _event_days(ours: EventCounts, theirs: Sequence[Any], plan: event_rules.Ingestion) -> set[date]:
    """The event days that `daily_activity` will hold, as they are known at as_of."""
    stored = {day for known_day, day in ours if known_day < plan.as_of and not plan.is_read(known_day)}
    return stored | {row["day"] for row in theirs if row["known_day"] and plan.is_read(row["known_day"])}


def check_fresh(config: PublishConfig, tables: Tables, as_of: date) -> None:
    """Refuse to publish what rests on a stale source: by the rule of `ingest`, on what it has read.

    Raises
    ------
    SourceError
        The message names both dates.
    """
    days = tables.query(f"SELECT DISTINCT day FROM {{daily_activity}} WHERE known_day < DATE '{as_of}'")["day"]
    _check_not_stale(f"of {config.schema}", config.max_source_gap_days, days, as_of)


def _check_not_stale(source: str, allowed: int | None, held: Collection[date], as_of: date) -> None:
    """Refuse to run on a source whose last event day is further back than its quiet spells ever were."""
    days = sorted(day for day in held if day < as_of)
    if not days:
        raise SourceError(
            f"The events {source!r} hold nothing before as_of {as_of}. Run with a later as_of, or load older events."
        )
    if allowed is None:
        allowed = timeline.longest_gap(days, Window.lookback(as_of, 90))
    behind = timeline.days_behind(days[-1], as_of)
    if behind > allowed:
        raise SourceError(
            f"The events end on {days[-1]} and as_of is {as_of}: {behind} days are missing, at most {allowed} are "
            "usual. Wait for the load, run with an earlier as_of, or raise max_source_gap_days."
        )
