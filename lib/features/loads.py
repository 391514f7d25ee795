"""Days that were read before, held against what the source has of them now: what came late, and what was lost.

A day with more events has got late rows, and one with a few less was corrected. Far fewer are a load that broke.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from statistics import median
from typing import Any

from lib.config.thresholds import LoadLimits, exact
from lib.features.days import find_changed_days
from lib.features.remarks import ACCEPTED, CORRECTED, STOPPED, TOLD, LoadRefused, Remark, accept
from lib.timeline import ONE_DAY, Window

NAMED = 5  # days of an action that a message names
TWICE = (Fraction(19, 10), Fraction(21, 10))  # so much larger a day is that was loaded twice
FEW_DAYS = 3  # that may be so by chance
MIN_TOLD = 10  # of a single day: fewer are not even told by themselves
WHOLE_DAY = Fraction(1, 3)  # of the days' median: a day so large does not lose every event by corrections

EventCounts = Mapping[tuple[date, date], int]  # number of events of a table by known_day and day


@dataclass(frozen=True)
class ComparedDays:
    """Days that were read before: their numbers of events by known day, as stored and as the source has them now."""

    stored: Mapping[date, int]
    now: Mapping[date, int]
    uncounted: frozenset[date] = frozenset()  # the source has rows of these days whose count cannot be read

    @property
    def changed_days(self) -> tuple[date, ...]:
        """The days to read again: those with more or fewer events, or with some that cannot be counted."""
        return tuple(sorted({*find_changed_days(self.stored, self.now), *self.uncounted}))

    @property
    def fallen_days(self) -> tuple[date, ...]:
        """The days with fewer events than stored."""
        return tuple(sorted(day for day, n in self.stored.items() if self.now.get(day, 0) < n))

    def after(self, first: date | None) -> "ComparedDays":
        """Without the days that stay as stored: those before the source's own first day, and that day itself.

        A source may keep its newest days only, and part of the first. None: it holds nothing at all, and nothing stays.
        """
        if first is None:
            return self
        stored, now = ({day: n for day, n in one.items() if day > first} for one in (self.stored, self.now))
        return ComparedDays(stored, now, frozenset(day for day in self.uncounted if day > first))


def compare_days(
    ours: EventCounts,
    theirs: Sequence[Any],
    recent: Window,
    as_of: date,
    marked: Collection[date] = (),
    counted: str = "n",
) -> ComparedDays:
    """Lay the recent days of `daily_activity`, and marked ones, beside what the source holds of them before as_of.

    `counted` names the number of the source's rows: `n` of all events, `acts` of those that are asked about.
    """
    stored: Counter[date] = Counter()
    now: Counter[date] = Counter()
    for (known_day, _), n in ours.items():
        if (recent.start <= known_day < recent.end or known_day in marked) and known_day < as_of:
            stored[known_day] += n
    uncounted: set[date] = set()
    for row in theirs:
        if row["known_day"] and (recent.start <= row["known_day"] < recent.end or row["known_day"] in marked):
            now[row["known_day"]] += int(row[counted])
            uncounted |= {row["known_day"]} if row["broken"] else set()
    return ComparedDays(stored, now, frozenset(uncounted))


def has_shrunk(stored: Mapping[date, int], now: Mapping[date, int], limits: LoadLimits) -> bool:
    """Whether so much is gone of these days that it is no correction: of all together, or a whole day."""
    total = sum(stored.values())
    lost = total - sum(now.values())
    if lost >= limits.min_counted_events and lost > exact(limits.max_lost_share) * total:
        return True
    usual = Fraction(median(stored.values())) if stored else 0
    return limits.max_lost_share < 1 and any(n >= WHOLE_DAY * usual and not now.get(day) for day, n in stored.items())


def check_action_not_shrunk(
    source: str, what: str, days: ComparedDays, as_of: date, accepted: date | None, limits: LoadLimits
) -> None:
    """Refuse a source that has lost what was read of the events that are asked about, however few of all they are.

    Raises
    ------
    LoadRefused
        The message names the days that lost most, with both numbers.
    """
    total, left = sum(days.stored.values()), sum(days.now.values())
    if accepted == as_of or total - left < MIN_TOLD or not has_shrunk(days.stored, days.now, limits):
        return  # of a rare action a correction takes all that a day has
    most = sorted(days.fallen_days, key=lambda day: days.now.get(day, 0) - days.stored[day])[:NAMED]
    raise _refuse_lost(source, days, sorted(most), as_of, what)


def check_not_doubled(
    source: str, days: ComparedDays, as_of: date, accepted: date | None, limits: LoadLimits
) -> list[Remark]:
    """Refuse a source that has the rows of days twice that were read once; says where that is accepted.

    Late rows make days larger too, and not most of them as large again.

    Raises
    ------
    LoadRefused
        The message has the days with both numbers.
    """
    ratios = {day: Fraction(days.now.get(day, 0), n) for day, n in days.stored.items() if n >= MIN_TOLD}
    twice = [day for day, ratio in ratios.items() if TWICE[0] <= ratio <= TWICE[1]]
    if len(twice) < FEW_DAYS or len(twice) < exact(limits.max_doubled_share) * len(ratios):
        return []
    span = Window(min(twice), max(twice) + ONE_DAY)
    had, has = (sum(one.get(day, 0) for day in twice) for one in (days.stored, days.now))
    said = f"{len(twice)} days from {span.start} to {span.last} had {had} events and have {has}"
    if accepted == as_of:
        return [Remark(ACCEPTED, f"accepted: {said}.", span, None, had, has)]
    raise LoadRefused(
        f"The events {source!r} hold rows twice that were read once: {said}. Nothing was written. Mend the load, name "
        f"what tells events apart by event_key, or, where this is how it is to be, run with accept_shrunk={as_of}, "
        "which counts for this as_of alone.",
        Remark(STOPPED, f"{said}.", span, None, had, has),
        as_of,
    )


def check_not_shrunk(
    source: str, days: ComparedDays, as_of: date, accepted: date | None, limits: LoadLimits
) -> list[Remark]:
    """Refuse a source that has lost what was read of it, unless that is accepted for this very as_of.

    Returns what a person should know: of each day that lost more than a twentieth, which stays marked, and of smaller
    corrections together; or of each day with fewer events that it is accepted.

    Raises
    ------
    LoadRefused
        The message names each day with fewer events, with both numbers.
    """
    share = exact(limits.max_lost_share)
    if has_shrunk(days.stored, days.now, limits):
        if accepted == as_of:
            return [accept(_tell_fall(days, day, share)) for day in days.fallen_days]
        raise _refuse_lost(source, days, days.fallen_days, as_of)
    falls = {day: days.stored[day] - days.now.get(day, 0) for day in days.fallen_days}
    told_days = [day for day, lost in falls.items() if lost > share * days.stored[day] and lost >= MIN_TOLD]
    small = [day for day in falls if day not in told_days]
    lines = [_tell_fall(days, day, share) for day in told_days]
    if accepted == as_of:
        lines = [accept(one) for one in lines]
    if small:
        number, gone = len(small), sum(falls[day] for day in small)
        lines.append(Remark(CORRECTED, f"{number} days that were read before hold {gone} events fewer now."))
    return lines


def _refuse_lost(
    source: str, days: ComparedDays, named: Sequence[date], as_of: date, what: str | None = None
) -> LoadRefused:
    """The error for days that hold fewer events than were read before, some of them by name; None: events of all."""
    fell = "; ".join(f"{day} had {days.stored[day]} and has {days.now.get(day, 0)}" for day in named)
    total, left = sum(days.stored.values()), sum(days.now.values())
    said = f"{fell}; all days compared had {total} and have {left}"
    span = Window(min(days.fallen_days), max(days.fallen_days) + ONE_DAY)
    return LoadRefused(
        f"The events {source!r} hold fewer {f'{what} ' if what else ''}than were read before: {said}. Nothing was "
        f"written. Mend the load, or, where this is how it is to be, run with accept_shrunk={as_of}, which counts for "
        "this as_of alone.",
        Remark(STOPPED, f"{what}: {said}." if what else f"{said}.", span, what, total, left),
        as_of,
    )


def _tell_fall(days: ComparedDays, day: date, share: Fraction) -> Remark:
    had, has = days.stored[day], days.now.get(day, 0)
    needed = had - int(share * had)
    said = f"{day} had {had} events and has {has} now."
    return Remark(TOLD, said, Window(day, day + ONE_DAY), None, had, has, needed)
