"""From the user's events to features: what is new is read, what changed is read again, the rest is kept."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from lib import timeline
from lib.config.stages import ExtractConfig, PublishConfig
from lib.errors import SourceError
from lib.features import cache, clocks, counting, loads, unusable, weeks
from lib.features import source as event_rules
from lib.features.loads import ComparedDays, EventCounts
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


@dataclass(frozen=True)
class _Source:
    """The source as it is now, and what is stored of it."""

    parts: Sequence[Part]
    reading: Reading
    events: "DataFrame"
    stored: EventCounts
    anew: bool  # all is read again
    gained: Sequence[str] = ()  # columns that it did not have before

    @property
    def start(self) -> date | None:
        """The first day that was never read; None where none was."""
        return max(self.stored)[0] + timeline.ONE_DAY if self.stored else None

    @property
    def compared(self) -> EventCounts:
        """What is stored and stays."""
        return {} if self.anew else self.stored


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
        note = replace(note, since=dict(source.reading.since))
        rows = _count(config, source)
        as_of, begin, notes = _find_days(config, source, rows, note.begin)
        note = replace(note, begin=begin)
        rows = counting.before(rows, as_of, begin)
        if anew:
            check_reaches_back(config, stored, rows, as_of)
        plan, more = _plan_ingestion(config, source, rows, as_of)
    notes = [*notes, *more, *_tell_gained(gained, note)]
    notes += _check_weeks(config, source, rows, plan, {} if anew else acts)
    _check_not_stale(config.events, config.max_source_gap_days, _event_days(source.compared, rows, plan), as_of)
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
) -> _Source:
    """The source as it is now; where a column came later, since which day it is there."""
    plain = Reading.of(config, note.since)
    events = event_rules.standardise(parts, plain)
    since = counting.find_since(events, [ours for ours in gained if ours not in note.since]) if gained else {}
    if not stored and not since:
        since = counting.find_since_where_missing(events, parts)
    full = replace(plain, since={**note.since, **since})
    events = event_rules.standardise(parts, full) if since else events
    return _Source(parts, full, events, stored, anew, gained)


def read_newest_day(config: ExtractConfig, spark: "SparkSession") -> date:
    """The newest day of a source, by the rule of a blank as_of.

    Raises
    ------
    SourceError
        If the source cannot be read, or no event has a readable time.
    """
    parts = open_source(spark, config.events, config.event_options)
    with reading(config.events):
        source = _look(config, parts, describe_source(config, parts, None), {}, False, [])
        blank = replace(config, as_of=None)
        return _find_days(blank, source, _count(blank, source), None)[0]


def _tell_gained(gained: Sequence[str], note: SourceNote) -> list[str]:
    return [
        f"the events have a column for {ours} since {note.since[ours]}; days from then on were read again."
        if ours in note.since
        else f"the events have a column for {ours} now, which holds nothing yet."
        for ours in gained
    ]


def _count(config: ExtractConfig, source: _Source) -> Sequence[Any]:
    """Look once over what is new and what is recent."""
    start = None if source.anew else source.start
    since = _recent_days(start).start if start else None
    looked_at = counting.look_at(source.events, source.reading, since, config.as_of)
    return counting.count_days(looked_at, start, config.question.actions, tolerant=config.max_bad_rows > 0)


def _find_days(
    config: ExtractConfig, source: _Source, rows: Sequence[Any], begin: date | None
) -> tuple[date, date | None, list[str]]:
    """The run's as_of, the day on which the log begins where that is not its first event's, and what is told of both.

    Raises
    ------
    SourceError
        If no event has a readable time.
    """
    counts: Counter[date] = Counter()
    recent = {row["known_day"] for row in rows if row["known_day"]}
    for row in rows:
        if row["day"] and row["day"] < date.max and not row["broken"]:
            counts[row["day"]] += int(row["n"])
    for (known_day, day), n in source.compared.items():
        if known_day not in recent:
            counts[day] += n
    early = None
    if begin is None and (source.anew or not source.stored) and counts:
        begin, early = clocks.find_begin(counts)
    if config.as_of is not None:
        return config.as_of, begin, clocks.Span(config.as_of, begin, None, early).notes()
    if not counts:
        unusable.check_usable(config.events, source.parts, source.reading, unusable.count_broken(rows),
                              sum(int(row["rows"]) for row in rows), 0)  # fmt: skip
        raise SourceError("The events are empty, or none has a readable event_time. Load events, or name other ones.")
    newest, ahead = clocks.find_newest(counts, config.run_date)
    following = source.start or date.min
    return max(newest, following), begin, clocks.Span(newest, begin, ahead, early).notes()


def _plan_ingestion(
    config: ExtractConfig, source: _Source, rows: Sequence[Any], as_of: date
) -> tuple[event_rules.Ingestion, list[str]]:
    """Say which days to read, and what a person is told of them.

    Raises
    ------
    SourceError
        If too many of the rows that are to be read cannot be used, or if days read before hold far fewer events now.
    """
    start = None if source.anew else source.start
    sound = [row for row in rows if not row["broken"]] if config.max_bad_rows else rows
    days = loads.compare_days(source.compared, sound, _recent_days(start), as_of) if start else ComparedDays({}, {})
    if days.fallen_days:
        days = days.after(counting.first_day(source.events))
    changed = {*days.changed_days, *_days_that_gained(source, as_of)}
    plan = event_rules.Ingestion(start, as_of, tuple(sorted(changed)))
    notes = [] if plan.is_empty else _check_rows(config, source, rows, plan)
    loads.check_not_shrunk(config.events, days, as_of, config.accept_shrunk)
    return plan, notes


def _days_that_gained(source: _Source, as_of: date) -> set[date]:
    """The stored days on which a new column holds something."""
    first = min((source.reading.since[ours] for ours in source.gained if ours in source.reading.since), default=None)
    return {known_day for known_day, _ in source.compared if first and first <= known_day < as_of}


def _check_rows(config: ExtractConfig, source: _Source, rows: Sequence[Any], plan: event_rules.Ingestion) -> list[str]:
    """Refuse rows that cannot be used and ids that name nobody; returns what is told of them."""
    fresh = [
        row for row in rows
        if row["known_day"] is None or (plan.is_read(row["known_day"]) and row["known_day"] not in plan.changed_days)
    ]  # fmt: skip
    changed = [row for row in rows if row["known_day"] in set(plan.changed_days)]
    broken = unusable.count_broken(fresh)
    if plan.changed_days:
        broken += (
            unusable.count_broken(changed) if config.max_bad_rows
            else counting.count_broken(source.events, plan.changed_days)
        )  # fmt: skip
    total = sum(int(row["rows"]) for row in [*fresh, *changed])
    left_out = unusable.check_usable(config.events, source.parts, source.reading, broken, total, config.max_bad_rows)
    return [*([left_out] if left_out else []), *unusable.check_ids(source.events, config.events, fresh)]


def _rows_to_read(source: _Source, plan: event_rules.Ingestion, begin: date | None) -> "DataFrame":
    """The rows of the days to read, each event once, summed up."""
    from pyspark.sql import functions as F

    start = None if source.anew else source.start
    looked_at = source.events.where(plan.span_sql)
    if source.reading.key:  # the same rows as were counted: a repeated event may lie on an earlier day
        since = min(plan.first_day(), _recent_days(start).start) if start else None
        looked_at = counting.look_at(source.events, source.reading, since, plan.as_of)
    rows = looked_at.where(plan.where_sql).where(F.col("broken").isNull())
    return event_rules.sum_by_day(rows if begin is None else rows.where(F.col("day") >= F.lit(begin)))


def _write(tables: DeltaTables, rows: "DataFrame", plan: event_rules.Ingestion, anew: bool) -> None:
    # Cached features that the new rows outdate go first: a kill in between costs a recomputation, no more.
    if tables.exists("features"):
        cache.drop_features(tables, f"cutoff > DATE '{plan.first_day()}'")
    if anew:  # whatever of it lies beyond as_of goes too: the next run reads it as new days
        tables.replace("daily_activity", rows, EVERYTHING)
    elif plan.changed_days:
        tables.replace("daily_activity", rows, plan.where_sql)
    else:  # nothing that is there has one of these days: no file need be looked for
        tables.append("daily_activity", rows)


def _check_weeks(
    config: ExtractConfig,
    source: _Source,
    rows: Sequence[Any],
    plan: event_rules.Ingestion,
    acts: EventCounts,
) -> list[str]:
    """Refuse a newest week far below its own past, of all events or of what is asked about; say what was accepted."""
    lines = []
    asked = " or ".join(map(repr, config.question.actions))
    for what, stored, column in (("all events", source.compared, "n"), (f"events {asked}", acts, "acts")):
        counts: Counter[date] = Counter()
        for (known_day, day), n in stored.items():
            if known_day < plan.as_of and not plan.is_read(known_day):
                counts[day] += n
        for row in rows:
            if row["known_day"] and plan.is_read(row["known_day"]):
                counts[row["day"]] += int(row[column])
        said = weeks.check_not_thin(config.events, what, counts, plan.as_of, config.accept_shrunk)
        lines += [said] if said else []
    return lines


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
