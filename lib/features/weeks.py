"""The newest week of a log held against its own past: a load that is not whole yet, or broke, is thin.

A week is thin where it holds less than a share of what is usual, half if nobody says otherwise, and fell farther than
any of the 26 weeks before it did. Usual is the lower of two medians: of the four weeks before it, so that a log may die
out, and of the 26 before it, so that a season may end. Where few events are usual, chance alone makes thin weeks. One
that was accepted counts like a past one. A single day is held against the same days of the weeks before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from lib.features.remarks import ACCEPTED, STOPPED, LoadRefused, Remark
from lib.timeline import Window

WEEK = 7
BEFORE, PAST = 4, 26  # weeks that say what is usual; and so far back falls count
FARTHER = 0.8  # of the lowest that a past week came to
ALL, ITS = "all events", "its events"  # of a log, and of one of its sources


@dataclass(frozen=True)
class ThinDays:
    """Newest days that hold far less than they should."""

    days: Window
    events: int
    usual: float
    lowest: float | None  # the least share of what was usual that such days held before


def find_thin(
    counts: Mapping[date, int],
    as_of: date,
    *,
    below: float,
    least: int,
    width: int = WEEK,
    accepted: Sequence[date] = (),
) -> ThinDays | None:
    """The newest days before as_of, a week unless said, if they are thin.

    Parameters
    ----------
    counts : events by day
    below : the share of what is usual that is not thin
    least : so many events make a usual week; of fewer nothing is said
    accepted : as_of of weeks that were accepted as they were
    """
    first = min(counts, default=as_of)
    share, events, usual = _share(counts, as_of, first, width, least)
    if share is None or share >= below:
        return None
    ends = {as_of - timedelta(days=WEEK * back) for back in range(1, PAST + 1)}
    ends |= {end for end in accepted if min(ends) <= end < as_of}
    past = [one for end in sorted(ends) if (one := _share(counts, end, first, width, least)[0]) is not None]
    lowest = min(past, default=None)
    if lowest is not None and share >= FARTHER * lowest:
        return None
    return ThinDays(Window.lookback(as_of, width), events, usual, lowest)


def _share(
    counts: Mapping[date, int], end: date, first: date, width: int, least: int
) -> tuple[float | None, int, float]:
    """What the days before a day hold of what is usual, where that can be said; with both numbers."""
    ends = [end - timedelta(days=WEEK * back) for back in range(PAST + 1)]
    weeks = [_sum(counts, one, width) for one in ends if one - timedelta(days=width) >= first]
    if len(weeks) <= BEFORE:
        return None, 0, 0.0
    usual = min(median(weeks[1 : BEFORE + 1]), median(weeks[1:]))
    return (weeks[0] / usual if usual >= least else None), weeks[0], usual


def _sum(counts: Mapping[date, int], end: date, width: int) -> int:
    return sum(counts.get(end - timedelta(days=back), 0) for back in range(1, width + 1))


def check_not_thin(
    source: str,
    what: str,
    counts: Mapping[date, int],
    as_of: date,
    accepted: date | None,
    limits: tuple[float, int],
    remarks: Sequence[Remark] = (),
) -> Remark | None:
    """Refuse a thin newest week, unless that is accepted for this very as_of, which is then said.

    Parameters
    ----------
    limits : the share of what is usual that is not thin, and of how many events something is said
    remarks : what was said before, and of it what was accepted counts

    Raises
    ------
    LoadRefused
        The message has the days, both numbers and what to do.
    """
    about = {ALL: None, ITS: source}.get(what, what)
    ends = [one.days.end for one in remarks if one.kind == ACCEPTED and one.days and one.about == about]
    below, least = limits
    thin = find_thin(counts, as_of, below=below, least=least, accepted=ends)
    if thin is None:
        return None
    past = "" if thin.lowest is None else f", and no week of the last half year fell below {thin.lowest:.0%} of that"
    said = f"{what} from {thin.days.start} to {thin.days.last} are {thin.events}; usual is {thin.usual:g}{past}"
    kind, spoken = (ACCEPTED, f"accepted for this as_of: {said}.") if accepted == as_of else (STOPPED, f"{said}.")
    remark = Remark(kind, spoken, thin.days, about, round(thin.usual), thin.events)
    if kind == ACCEPTED:
        return remark
    raise LoadRefused(
        f"The newest week of the events {source!r} is thin: {said}. Nothing was written. Wait until the load is whole, "
        f"run with an earlier as_of, or, where this is how it is, with accept_shrunk={as_of}, which counts for this "
        "as_of alone.",
        remark,
        as_of,
    )
