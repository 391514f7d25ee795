"""Days that no clock of the log's own showed: events of 1970, or of a week that has not come, from a few devices.

The rule, by events a day. The newest day of a log is its last one that holds more than a fifth of what the four days of
its weekday before it usually held (their median), and is not beyond the run's date. A single day right behind it may be
thin: it has just begun. What else lies behind is ahead of its time. A log begins where no more than a thousandth of its
events lie before, a year or more away. Nothing is thin in a log whose days usually hold fewer than twenty events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

THIN = 5  # a day with a fifth of what is usual, or less
LEAST = 20  # usual events of a day; where they are fewer, chance alone makes thin days
WEEKS = 4
EARLY_DAYS = 365  # so long nobody did anything
EARLY_SHARE = 1000  # a thousandth of all events, or less


@dataclass(frozen=True)
class Apart:
    """Events that lie apart from the log."""

    events: int
    day: date  # the farthest


@dataclass(frozen=True)
class Span:
    """Where a log begins and ends."""

    newest: date
    begin: date | None = None  # None: with its first event
    ahead: Apart | None = None
    early: Apart | None = None

    def notes(self) -> list[str]:
        """What a person is told."""
        lines = []
        if self.ahead:
            lines.append(
                f"{self.ahead.events} events lie behind {self.newest}, the last day of the log, as far as "
                f"{self.ahead.day}: the clocks of some devices are ahead. They move nothing."
            )
        if self.early:
            lines.append(
                f"{self.early.events} events lie a year or more before {self.begin}, on which the log begins, as far "
                f"back as {self.early.day}. They are left out."
            )
        return lines


def find_newest(counts: Mapping[date, int], run_date: date | None) -> tuple[date, Apart | None]:
    """The newest day of a log that holds events on at least one day, and what lies ahead of it."""
    days = sorted(counts)
    known = [day for day in days if run_date is None or day <= run_date] or days[:1]
    place = len(known) - 1
    while place > 0 and _is_thin(counts, known[: place + 1]):
        place -= 1
    newest = known[place]
    behind = [day for day in days if day > newest]
    if behind == [newest + timedelta(days=1)] and behind[0] in known:  # it has just begun
        return behind[0], None
    ahead = Apart(sum(counts[day] for day in behind), behind[-1]) if behind else None
    return newest, ahead


def _is_thin(counts: Mapping[date, int], days: list[date]) -> bool:
    """Whether the last of some days holds far less than those before it."""
    day = days[-1]
    alike = [counts[other] for other in days[:-1] if other.weekday() == day.weekday()][-WEEKS:]
    usual = median(alike) if alike else 0
    return usual >= LEAST and counts[day] * THIN <= usual


def find_begin(counts: Mapping[date, int]) -> tuple[date | None, Apart | None]:
    """The first day of a log where a few events lie long before it; None where it is that of the first event."""
    days, total, passed = sorted(counts), sum(counts.values()), 0
    begin, early = None, None
    for day, following in pairwise(days):
        passed += counts[day]
        if passed * EARLY_SHARE > total:
            break
        if (following - day).days >= EARLY_DAYS:
            begin, early = following, Apart(passed, days[0])
    return begin, early
