"""What a run reads of a source, and whether it may: its as_of, the days, the rows, the newest week."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import clocks, counting, loads, unusable, weeks
from lib.features.days import LATE_DAYS, Ingestion
from lib.features.freshness import check_not_stale
from lib.features.loads import ComparedDays, EventCounts
from lib.features.log import Log, Source
from lib.features.remarks import Remark, list_days, marked
from lib.timeline import Window


def find_days(
    config: ExtractConfig, log: Log, rows: Sequence[Any], begin: date | None
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
    for (known_day, day), n in log.compared.items():
        if known_day not in recent:
            counts[day] += n
    early = None
    if begin is None and (log.anew or not log.stored) and counts:
        begin, early = clocks.find_begin(counts)
    if config.as_of is not None:
        return config.as_of, begin, clocks.Span(config.as_of, begin, None, early).notes()
    if not counts:
        for number in range(len(log.sources)):
            own = [row for row in rows if row["source"] == number]
            unusable.check_usable(log, number, unusable.count_broken(own), sum(int(row["rows"]) for row in own), 0)
        raise SourceError("The events are empty, or none has a readable event_time. Load events, or name other ones.")
    newest, ahead = clocks.find_newest(counts, config.run_date)
    following = log.start or date.min
    return max(newest, following), begin, clocks.Span(newest, begin, ahead, early).notes()


@dataclass(frozen=True)
class Planned:
    """Which days to read, and what a person is told of them."""

    ingestion: Ingestion
    notes: list[str]
    remarks: list[Remark]
    kept: Mapping[date, int]  # days that stay as stored, since they lost too much: what the source has of them


def plan_ingestion(
    config: ExtractConfig, log: Log, rows: Sequence[Any], as_of: date, stored_acts: EventCounts
) -> Planned:
    """Say which days to read, and what a person is told of them.

    A day that lost more than corrections do is not taken as it is now, unless that is accepted: what was read stays.

    Raises
    ------
    SourceError
        If too many of the rows that are to be read cannot be used, or if days read before hold far fewer events now.
    """
    start = None if log.anew else log.start
    sound = [row for row in rows if not row["broken"]] if config.max_bad_rows else rows
    days = acts = ComparedDays({}, {})
    if start:
        compared = sound, recent_days(start), as_of, log.marked
        days, acts = (loads.compare_days(*one) for one in ((log.compared, *compared), (stored_acts, *compared, "acts")))
    if days.fallen_days or acts.fallen_days:
        first = counting.first_day(log.events)
        days, acts = days.after(first), acts.after(first)
    changed = {*days.changed_days, *_days_that_gained(log, as_of)}
    plan = Ingestion(start, as_of, tuple(sorted(changed)))
    notes = [] if plan.is_empty else _check_rows(config, log, rows, plan)
    now = as_of, config.accept_shrunk, config.load_limits
    remarks = loads.check_not_shrunk(log.name, days, *now)
    loads.check_action_not_shrunk(log.name, _name_asked(config), acts, *now)
    remarks += loads.check_not_doubled(log.name, days, *now)
    kept = {day: days.now.get(day, 0) for day in list_days(marked(remarks))}
    return Planned(replace(plan, changed_days=tuple(sorted(changed - kept.keys()))), notes, remarks, kept)


def _days_that_gained(log: Log, as_of: date) -> set[date]:
    """The stored days on which a new column holds something."""
    since = [
        one.reading.since[ours] for one in log.sources for ours in one.gained if ours in one.reading.since
    ]  # fmt: skip
    return {known_day for known_day, _ in log.compared if since and min(since) <= known_day < as_of}


def _check_rows(config: ExtractConfig, log: Log, rows: Sequence[Any], plan: Ingestion) -> list[str]:
    """Refuse rows that cannot be used and ids that name nobody; returns what is told of them."""
    lines = []
    for number in range(len(log.sources)):
        lines += _check_usable(config, log, number, [row for row in rows if row["source"] == number], plan)
    return [*lines, *unusable.check_ids(log.events, log.name, _fresh(rows, plan))]


def _fresh(rows: Sequence[Any], plan: Ingestion) -> list[Any]:
    """The rows of days that are read for the first time."""
    return [
        row for row in rows
        if row["known_day"] is None or (plan.is_read(row["known_day"]) and row["known_day"] not in plan.changed_days)
    ]  # fmt: skip


def _check_usable(config: ExtractConfig, log: Log, number: int, rows: Sequence[Any], plan: Ingestion) -> list[str]:
    fresh = _fresh(rows, plan)
    changed = [row for row in rows if row["known_day"] in set(plan.changed_days)]
    broken = unusable.count_broken(fresh)
    if plan.changed_days:
        broken += (
            unusable.count_broken(changed) if config.max_bad_rows
            else counting.count_broken(log.events_of(number), plan.changed_days)
        )  # fmt: skip
    total = sum(int(row["rows"]) for row in [*fresh, *changed])
    left_out = unusable.check_usable(log, number, broken, total, config.max_bad_rows)
    return [left_out] if left_out else []


def check_weeks(
    config: ExtractConfig,
    log: Log,
    rows: Sequence[Any],
    plan: Ingestion,
    acts: EventCounts,
    remarks: Sequence[Remark],
) -> list[Remark]:
    """Refuse a newest week far below its own past, of all events, of what is asked about or of a source.

    Says what was accepted; `remarks` are what was said before.
    """
    lines: list[Remark | None] = []
    limits, now = config.load_limits, (plan.as_of, config.accept_shrunk)
    least = limits.min_counted_events
    for one, own in _count_sources(log, rows, plan.as_of):
        lines += [weeks.check_not_thin(one.name, weeks.ITS, own, *now, (limits.min_source_share, least), remarks)]
    for what, stored, column, share in (
        (weeks.ALL, log.compared, "n", limits.min_week_share),
        (_name_asked(config), acts, "acts", limits.min_action_share),
    ):
        counts: Counter[date] = Counter()
        for (known_day, day), n in stored.items():
            if known_day < plan.as_of and not plan.is_read(known_day):
                counts[day] += n
        for row in rows:
            if row["known_day"] and plan.is_read(row["known_day"]):
                counts[row["day"]] += int(row[column])
        lines += [weeks.check_not_thin(log.name, what, counts, *now, (share, least), remarks)]
    return [line for line in lines if line]


def _name_asked(config: ExtractConfig) -> str:
    return f"events {' or '.join(map(repr, config.question.source_types))}"


def _count_sources(log: Log, rows: Sequence[Any], as_of: date) -> list[tuple[Source, Counter[date]]]:
    """Events by day of each of several sources, as far back as was looked."""
    counts: list[Counter[date]] = [Counter() for _ in log.sources]
    for row in rows:
        if row["known_day"] and row["known_day"] < as_of:
            counts[row["source"]][row["day"]] += int(row["n"])
    return list(zip(log.sources, counts, strict=True)) if log.has_several else []


def check_sources_fresh(log: Log, rows: Sequence[Any], as_of: date) -> None:
    """Refuse to run where one of several sources is stale, by the rule for the whole log.

    Raises
    ------
    SourceError
        The message names the source.
    """
    for one, counts in _count_sources(log, rows, as_of):
        check_not_stale(one.name, one.max_gap, counts, as_of, is_one_of=True)


def look_back(log: Log) -> date | None:
    """The first day that is looked at: of one source what may have changed, of several what tells how each usually is.

    What is stored does not say which source it is of.
    """
    start = None if log.anew else log.start
    if start is None:
        return None
    usual = Window.lookback(start, weeks.WEEK * (weeks.PAST + 1)) if log.has_several else recent_days(start)
    return min([usual.start, *log.marked])


def recent_days(start: date) -> Window:
    """The days read before to which rows may have been added since."""
    return Window.lookback(start, LATE_DAYS)
