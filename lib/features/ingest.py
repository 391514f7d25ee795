"""From the user's events to features: what is new is read, what changed is read again, the rest is kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from lib import timeline
from lib.config.stages import ExtractConfig, PublishConfig
from lib.errors import SourceError
from lib.features import cache, counting
from lib.features import source as event_rules
from lib.features.days import Ingestion
from lib.features.loads import EventCounts
from lib.features.planning import Source, check_weeks, find_days, plan_ingestion, recent_days
from lib.features.shapes import COUNTED
from lib.features.source import Reading
from lib.features.source_note import (
    SOURCE,
    SourceNote,
    check_reaches_back,
    check_same_source,
    describe_source,
    is_other_rule,
)
from lib.progress import Say
from lib.sources.opening import open_source, reading
from lib.sources.part import Part
from lib.tables.delta import DeltaTables
from lib.tables.protocol import Tables
from lib.tables.sql import text_literal
from lib.timeline import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

EVERYTHING = "1 = 1"


@dataclass(frozen=True)
class Ingested:
    """What was read."""

    as_of: date
    notes: tuple[str, ...] = ()  # what a person should know of it


def ingest(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> Ingested:
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
    parts = open_source(tables.spark, config.events, config.event_options)
    text = tables.get_property("daily_activity", SOURCE)
    before = SourceNote.from_json(text) if text else None
    note = describe_source(config, parts, before)
    gained = check_same_source(config, before, note, parts) if before else []
    stored, acts = _read_stored(tables, config.question.actions)
    anew = bool(stored) and (before is None or is_other_rule(before, note)) and note.csv is not None
    with reading(config.events):
        source = _look(config, parts, note, stored, anew, gained)
        source, rows = _count_with_since(config, source)
        note = replace(note, since=dict(source.reading.since))
        as_of, begin, notes = find_days(config, source, rows, note.begin)
        note = replace(note, begin=begin)
        rows = counting.before(rows, as_of, begin)
        if anew:
            check_reaches_back(config, stored, rows, as_of)
        plan, more = plan_ingestion(config, source, rows, as_of)
    sound = [row for row in rows if not row["broken"]]  # the others were refused, or are left out
    _check_not_stale(config.events, config.max_source_gap_days, _event_days(source.compared, sound, plan), as_of)
    notes = [*notes, *more, *_tell_gained(gained, note)]
    notes += check_weeks(config, source, sound, plan, {} if anew else acts)
    if anew:
        say(f"all of {config.events!r} is read anew, once: text files are read by another rule from now on")
    if not plan.is_empty:
        _write(tables, _rows_to_read(source, plan, note.begin), plan, anew)
    if before != note:  # last: a kill leads to another reading; and a commit that most runs need not pay for
        tables.set_property("daily_activity", SOURCE, note.to_json())
    return Ingested(as_of, tuple(notes))


def _look(
    config: ExtractConfig,
    parts: Sequence[Part],
    note: SourceNote,
    stored: EventCounts,
    anew: bool,
    gained: Sequence[str],
) -> Source:
    """The source as it is now; where a column came later, since which day it is there."""
    plain = Reading.of(config, note.since)
    source = Source(parts, plain, event_rules.standardise(parts, plain), stored, anew, gained)
    return _with_since(source, [ours for ours in gained if ours not in note.since])


def _with_since(source: Source, columns: Sequence[str]) -> Source:
    """The same, told since which day it has some columns; before, they say nothing and are missed by nobody."""
    since = counting.find_since(source.events, columns)
    if not since:
        return source
    reading = replace(source.reading, since={**source.reading.since, **since})
    return replace(source, reading=reading, events=event_rules.standardise(source.parts, reading))


def read_newest_day(config: ExtractConfig, spark: "SparkSession") -> date:
    """The newest day of a source, by the rule of a blank as_of.

    Raises
    ------
    SourceError
        If the source cannot be read, or no event has a readable time.
    """
    parts = open_source(spark, config.events, config.event_options)
    with reading(config.events):
        blank = replace(config, as_of=None)
        first = _look(config, parts, describe_source(config, parts, None), {}, False, [])
        source, rows = _count_with_since(blank, first)
        return find_days(blank, source, rows, None)[0]


def _tell_gained(gained: Sequence[str], note: SourceNote) -> list[str]:
    return [
        f"the events have a column for {ours} since {note.since[ours]}; days from then on were read again."
        if ours in note.since
        else f"the events have a column for {ours} now, which holds nothing yet."
        for ours in gained
    ]


def _count_with_since(config: ExtractConfig, source: Source) -> tuple[Source, Sequence[Any]]:
    """Count; where rows of a first reading lack a column that must be there, it is asked whether it came later."""
    rows = _count(config, source)
    if source.compared or not {row["broken"] for row in rows} & set(COUNTED):
        return source, rows
    known = _with_since(source, COUNTED)
    return known, _count(config, known) if known is not source else rows


def _count(config: ExtractConfig, source: Source) -> Sequence[Any]:
    """Look once over what is new and what is recent."""
    start = None if source.anew else source.start
    since = recent_days(start).start if start else None
    looked_at = counting.look_at(source.events, source.reading, since, config.as_of)
    return counting.count_days(looked_at, start, config.question.actions, tolerant=config.max_bad_rows > 0)


def _rows_to_read(source: Source, plan: Ingestion, begin: date | None) -> "DataFrame":
    """The rows of the days to read, each event once, summed up."""
    from pyspark.sql import functions as F

    start = None if source.anew else source.start
    looked_at = source.events.where(plan.span_sql)
    if source.reading.key:  # the same rows as were counted: a repeated event may lie on an earlier day
        since = min(plan.first_day(), recent_days(start).start) if start else None
        looked_at = counting.look_at(source.events, source.reading, since, plan.as_of)
    rows = looked_at.where(plan.where_sql).where(F.col("broken").isNull())
    return event_rules.sum_by_day(rows if begin is None else rows.where(F.col("day") >= F.lit(begin)))


def _write(tables: DeltaTables, rows: "DataFrame", plan: Ingestion, anew: bool) -> None:
    # Cached features that the new rows outdate go first: a kill in between costs a recomputation, no more.
    if tables.exists("features"):
        cache.drop_features(tables, f"cutoff > DATE '{plan.first_day()}'")
    if anew:  # whatever of it lies beyond as_of goes too: the next run reads it as new days
        tables.replace("daily_activity", rows, EVERYTHING)
    elif plan.changed_days:
        tables.replace("daily_activity", rows, plan.where_sql)
    else:  # nothing that is there has one of these days: no file need be looked for
        tables.append("daily_activity", rows)


def _read_stored(tables: Tables, actions: Sequence[str]) -> tuple[EventCounts, EventCounts]:
    """What `daily_activity` holds, in all and of some types: one query tells next day, recent counts and quiet days."""
    if not tables.exists("daily_activity"):
        return {}, {}
    listed = ", ".join(map(text_literal, actions))
    asked = f"SUM(CASE WHEN event_type IN ({listed}) THEN count ELSE 0 END)"
    counts = tables.query(
        f"SELECT known_day, day, SUM(count) AS n, {asked} AS acts FROM {{daily_activity}} GROUP BY known_day, day"
    )
    rows = list(counts.itertuples(index=False))
    return {(known, day): int(n) for known, day, n, _ in rows}, {(known, day): int(n) for known, day, _, n in rows}


def _event_days(ours: EventCounts, theirs: Sequence[Any], plan: Ingestion) -> set[date]:
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
