"""The newest week of a log held against its own past: a load that is not whole yet, or broke, is thin.

A week is thin where it holds less than half of what is usual, and fell farther than any of the 26 weeks before it did.
Usual is the lower of two medians: of the four weeks before it, so that a log may die out, and of the 26 before it, so
that a season may end. Where fewer than 50 events are usual, chance alone makes thin weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from lib.errors import SourceError
from lib.timeline import Window

WEEK = 7
BEFORE, PAST = 4, 26  # weeks that say what is usual; and so far back falls count
LEAST = 50  # events of a usual week
HALF = 0.5
FARTHER = 0.8  # of the lowest that a past week came to


@dataclass(frozen=True)
class ThinWeek:
    """A newest week that holds far less than it should."""

    days: Window
    events: int
    usual: float
    lowest: float | None  # the least share of what was usual that a past week held


def find_thin_week(counts: Mapping[date, int], as_of: date) -> ThinWeek | None:
    """The newest week before as_of, if it is thin; `counts` are events by day."""
    first = min(counts, default=as_of)
    share, events, usual = _share(counts, as_of, first)
    if share is None or share >= HALF:
        return None
    ends = [as_of - timedelta(days=WEEK * back) for back in range(1, PAST + 1)]
    past = [one for end in ends if (one := _share(counts, end, first)[0]) is not None]
    lowest = min(past, default=None)
    if lowest is not None and share >= FARTHER * lowest:
        return None
    return ThinWeek(Window.lookback(as_of, WEEK), events, usual, lowest)


def _share(counts: Mapping[date, int], end: date, first: date) -> tuple[float | None, int, float]:
    """What the week before a day holds of what is usual, where that can be said; with both numbers."""
    ends = [end - timedelta(days=WEEK * back) for back in range(PAST + 1)]
    weeks = [_sum(counts, one) for one in ends if one - timedelta(days=WEEK) >= first]
    if len(weeks) <= BEFORE:
        return None, 0, 0.0
    usual = min(median(weeks[1 : BEFORE + 1]), median(weeks[1:]))
    return (weeks[0] / usual if usual >= LEAST else None), weeks[0], usual


def _sum(counts: Mapping[date, int], end: date) -> int:
    return sum(counts.get(end - timedelta(days=back), 0) for back in range(1, WEEK + 1))


def check_not_thin(
    source: str, what: str, counts: Mapping[date, int], as_of: date, accepted: date | None
) -> str | None:
    """Refuse a thin newest week, unless that is accepted for this very as_of, which is then said.

    Raises
    ------
    SourceError
        The message has the days, both numbers and what to do.
    """
    thin = find_thin_week(counts, as_of)
    if thin is None:
        return None
    last = thin.days.end - timedelta(days=1)
    past = "" if thin.lowest is None else f", and no week of the last half year fell below {thin.lowest:.0%} of that"
    said = f"{what} from {thin.days.start} to {last} are {thin.events}; usual is {thin.usual:g}{past}"
    if accepted == as_of:
        return f"accepted for this as_of: {said}."
    raise SourceError(
        f"The newest week of the events {source!r} is thin: {said}. Nothing was written. Wait until the load is whole, "
        f"run with an earlier as_of, or, where this is how it is, with accept_shrunk={as_of}, which counts for this "
        "as_of alone."
    )
