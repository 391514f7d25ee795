"""Numbers of a source's events by day, asked of the engine: what is there, what is new, and since when columns are."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from lib.features.hints import NULL_TEXTS, ROUNDED, ZEROED
from lib.features.loads import EventCounts
from lib.features.log import Log
from lib.features.source import first_of_each
from lib.tables.protocol import Tables
from lib.tables.sql import texts_sql
from lib.timeline import ONE_DAY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def look_at(log: Log, since: date | None, as_of: date | None) -> "DataFrame":
    """The rows from a day on and before another, each event once; those without a time slip no filter."""
    bounds = [f"known_time >= DATE '{since}'"] * bool(since) + [f"known_time < DATE '{as_of}'"] * bool(as_of)
    rows = log.events.where(f"known_time IS NULL OR ({' AND '.join(bounds)})") if bounds else log.events
    return first_of_each(rows) if log.has_key else rows


def count_days(events: "DataFrame", start: date | None, actions: Sequence[str], *, tolerant: bool) -> Sequence[Any]:
    """Numbers of events, of actions and of rows by source, known_day, day and broken column, with ids that say nothing.

    What is recent was sound when it was read, so there `broken` is null unless rows are left out (`tolerant`): whoever
    finds its number changed looks again. Only a count that cannot be read is told at once, since no number shows it.
    Days that Python cannot name are its last one.
    """
    from pyspark.sql import functions as F

    new = F.col("known_time").isNull() | (F.col("known_time") >= F.lit(start)) if start else F.lit(True)
    uncounted = F.col("count").isNull()
    broken = F.col("broken") if tolerant else F.when(new | uncounted, F.col("broken"))
    last = F.lit(date.max)
    days = [F.when(F.col(name) > last, last).otherwise(F.col(name)).alias(name) for name in ("known_day", "day")]
    fresh, user = new & F.col("broken").isNull(), F.col("user_id")
    return (
        events.groupBy("source", *days, broken.alias("broken"))
        .agg(
            F.coalesce(F.sum("count"), F.lit(0)).alias("n"),
            F.coalesce(F.sum(F.when(F.col("event_type").isin(*actions), F.col("count"))), F.lit(0)).alias("acts"),
            F.count("*").alias("rows"),
            F.count(F.when(fresh & F.lower(user).isin(*NULL_TEXTS), 1)).alias("nulls"),
            F.count(F.when(fresh & user.endswith(".0"), 1)).alias("pointed"),
            F.count(F.when(fresh & user.contains("E+") & user.rlike(ROUNDED), 1)).alias("rounded"),
            F.count(F.when(fresh & user.startswith("0") & user.rlike(ZEROED), 1)).alias("zeroed"),
        )
        .collect()
    )


def before(rows: Sequence[Any], as_of: date, begin: date | None) -> Sequence[Any]:
    """The numbers of days that a run may know of."""
    return [
        row for row in rows
        if row["known_day"] is None or (row["known_day"] < as_of and (begin is None or row["day"] >= begin))
    ]  # fmt: skip


def count_broken(events: "DataFrame", days: Collection[date]) -> Counter[str]:
    """Count the rows that cannot be used on recent days that are to be read anew, by column."""
    from pyspark.sql import functions as F

    span = f"known_time >= DATE '{min(days)}' AND known_time < DATE '{max(days) + ONE_DAY}'"
    rows = events.where(span).where(F.col("known_day").isin(list(days)) & F.col("broken").isNotNull())
    return Counter({row["broken"]: row["count"] for row in rows.groupBy("broken").count().collect()})


def first_day(events: "DataFrame") -> date | None:
    """The source's own first day, as days are counted; None where it holds nothing."""
    from pyspark.sql import functions as F

    datable = events.where(F.col("known_day") <= F.lit(date.max))
    first: date | None = datable.agg(F.min("known_day").alias("day")).collect()[0]["day"]
    return first


def find_since(events: "DataFrame", columns: Sequence[str]) -> dict[str, date]:
    """The first event day on which each of some columns holds something; those that never do are left out."""
    from pyspark.sql import functions as F

    if not columns:
        return {}
    firsts = [F.min(F.when(F.col(f"has_{ours}"), F.col("day"))).alias(ours) for ours in columns]
    row = events.agg(*firsts).collect()[0]
    return {ours: row[ours] for ours in columns if row[ours] is not None}


def read_stored(tables: Tables, actions: Sequence[str]) -> tuple[EventCounts, EventCounts]:
    """What `daily_activity` holds, in all and of some types: one query tells next day, recent counts and quiet days."""
    if not tables.exists("daily_activity"):
        return {}, {}
    asked = f"SUM(CASE WHEN event_type IN ({texts_sql(actions)}) THEN count ELSE 0 END)"
    counts = tables.query(
        f"SELECT known_day, day, SUM(count) AS n, {asked} AS acts FROM {{daily_activity}} GROUP BY known_day, day"
    )
    rows = list(counts.itertuples(index=False))
    return {(known, day): int(n) for known, day, n, _ in rows}, {(known, day): int(n) for known, day, _, n in rows}
