"""What a run reads of a source, and whether it may: its as_of, the days, the rows, the newest week."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from lib import timeline
from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import clocks, counting, loads, unusable, weeks
from lib.features.days import LATE_DAYS, Ingestion
from lib.features.loads import ComparedDays, EventCounts
from lib.features.source import Reading
from lib.sources.part import Part
from lib.timeline import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Source:
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


def find_days(
    config: ExtractConfig, source: Source, rows: Sequence[Any], begin: date | None
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


def plan_ingestion(
    config: ExtractConfig, source: Source, rows: Sequence[Any], as_of: date
) -> tuple[Ingestion, list[str]]:
    """Say which days to read, and what a person is told of them.

    Raises
    ------
    SourceError
        If too many of the rows that are to be read cannot be used, or if days read before hold far fewer events now.
    """
    start = None if source.anew else source.start
    sound = [row for row in rows if not row["broken"]] if config.max_bad_rows else rows
    days = loads.compare_days(source.compared, sound, recent_days(start), as_of) if start else ComparedDays({}, {})
    if days.fallen_days:
        days = days.after(counting.first_day(source.events))
    changed = {*days.changed_days, *_days_that_gained(source, as_of)}
    plan = Ingestion(start, as_of, tuple(sorted(changed)))
    notes = [] if plan.is_empty else _check_rows(config, source, rows, plan)
    loads.check_not_shrunk(config.events, days, as_of, config.accept_shrunk)
    return plan, notes


def _days_that_gained(source: Source, as_of: date) -> set[date]:
    """The stored days on which a new column holds something."""
    first = min((source.reading.since[ours] for ours in source.gained if ours in source.reading.since), default=None)
    return {known_day for known_day, _ in source.compared if first and first <= known_day < as_of}


def _check_rows(config: ExtractConfig, source: Source, rows: Sequence[Any], plan: Ingestion) -> list[str]:
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


def check_weeks(
    config: ExtractConfig,
    source: Source,
    rows: Sequence[Any],
    plan: Ingestion,
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


def recent_days(start: date) -> Window:
    """The days read before to which rows may have been added since."""
    return Window.lookback(start, LATE_DAYS)
