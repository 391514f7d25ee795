"""The one place where days are compared and subtracted. Every span of days is half-open, in UTC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Self

from lib.errors import NotEnoughHistory

FULL_HISTORY_DAYS = 90  # the longest bounded feature window: from here on no window is cut by the log's start
MIN_HISTORY_DAYS = 28  # a younger log has not even seen one monthly window
ENOUGH_CUTOFFS = 4  # with so many fully covered training cutoffs, younger ones are left out
CHANGING_HORIZONS = 4  # what fails so soon after a change of behaviour fails because of the same change
GROWTH = Fraction(7, 5)  # of the known days of a new behaviour, after which a pair made for it is fitted anew
MOST_DAYS = 3650  # of a span that is asked for, ten years: what is longer was mistyped, and at some length dates end
NEVER_DAYS = 365  # a recency is capped here, so that "never" does not grow with the log's age
TRACK_RECORD_HORIZONS = 4  # how far back a pair's track record is read: what is older speaks of other times

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """Half-open span of UTC days: `start` is inside, `end` is not."""

    start: date
    end: date

    @classmethod
    def lookback(cls, cutoff: date, days: int) -> Self:
        """The days before a cutoff that a feature may see."""
        return cls(cutoff - timedelta(days=days), cutoff)

    @classmethod
    def horizon(cls, cutoff: date, days: int) -> Self:
        """The days from a cutoff on that a label speaks of."""
        return cls(cutoff, cutoff + timedelta(days=days))

    @property
    def days(self) -> int:
        """How many days lie inside."""
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """The last day inside, as people name the end of a span."""
        return self.end - ONE_DAY


@dataclass(frozen=True)
class Cutoffs:
    """The cutoffs of one run: all features that it needs are those at `all`."""

    as_of: date
    matured: tuple[date, ...]  # newest first; their horizons have ended by as_of
    training: tuple[date, ...]  # newest first; at least one horizon before the holdout's newest cutoff

    @property
    def holdout(self) -> date:
        """The newest matured cutoff: what models are judged on."""
        return self.matured[0]

    @property
    def all(self) -> tuple[date, ...]:
        """Every cutoff whose features the run needs, newest first: as_of, then the matured ones."""
        return (self.as_of, *self.matured)


def newest_matured(as_of: date, horizon_days: int, delay_days: int) -> date:
    """The newest cutoff whose label is complete at as_of: its horizon ended so many days before."""
    return as_of - timedelta(days=horizon_days + delay_days)


def lay_out_cutoffs(
    as_of: date, log_start: date, *, horizon_days: int, cadence_days: int, most: int, delay_days: int = 0
) -> Cutoffs:
    """Lay out the run's cutoffs at `as_of - delay - horizon - k * cadence`.

    A training cutoff lies at least one horizon before the holdout, so that no label window overlaps
    the holdout's. Where the log is old enough, only cutoffs whose 90-day windows are fully covered
    are used: counts cut short by the log's start look like drift and are not. `most` is the largest
    number of training cutoffs, 0 for all.

    Raises
    ------
    NotEnoughHistory
        If no training cutoff is left; the message names the days that are needed.
    """
    newest = newest_matured(as_of, horizon_days, delay_days)
    ladder = _ladder(newest, log_start + timedelta(days=MIN_HISTORY_DAYS), cadence_days)
    last_training = newest - timedelta(days=horizon_days)
    training = [cutoff for cutoff in ladder if cutoff <= last_training]
    if not training:
        learning = -(-horizon_days // cadence_days) * cadence_days  # whole steps back over one horizon
        needed = MIN_HISTORY_DAYS + learning + horizon_days + delay_days
        waiting = f", {delay_days} until labels are complete" if delay_days else ""
        raise NotEnoughHistory(
            f"No cutoff is left to learn from: the log starts on {log_start} and as_of is {as_of}, "
            f"{(as_of - log_start).days} days; a {horizon_days}-day horizon in steps of {cadence_days} "
            f"needs {needed} days ({MIN_HISTORY_DAYS} of history, {learning} to learn, {horizon_days} to judge"
            f"{waiting}). "
            "Run with a later as_of, bring older events, or lower horizon_days."
        )
    covered = [cutoff for cutoff in training if (cutoff - log_start).days >= FULL_HISTORY_DAYS]
    chosen = covered if len(covered) >= ENOUGH_CUTOFFS else training
    chosen = chosen[:most] if most else chosen
    oldest = chosen[-1]
    return Cutoffs(as_of, tuple(cutoff for cutoff in ladder if cutoff >= oldest), tuple(chosen))


def _ladder(newest: date, oldest: date, cadence_days: int) -> list[date]:
    steps = (newest - oldest).days // cadence_days
    return [newest - timedelta(days=step * cadence_days) for step in range(steps + 1)]


def unlearnt_cutoffs(cutoffs: Sequence[date], trained_through: date, horizon_days: int) -> list[date]:
    """The cutoffs whose label windows begin when the newest one that was learnt from has ended, or later."""
    return [cutoff for cutoff in cutoffs if cutoff >= Window.horizon(trained_through, horizon_days).end]


def days_since_learnt(trained_through: date, horizon_days: int, as_of: date) -> int:
    """How old the newest label is that was learnt from: days since its horizon ended."""
    return (as_of - Window.horizon(trained_through, horizon_days).end).days


def is_outgrown(cutoff: date, since: date, learnt_through: date, horizon_days: int) -> bool:
    """Whether labels at a cutoff tell of so many more days after a change than a pair has learnt from.

    Steps that grow with what is known: each fit adds about as much to the last one as that did to the one before.
    """
    known_days, learnt_days = ((day - since).days + horizon_days for day in (cutoff, learnt_through))
    return known_days >= GROWTH * learnt_days


def is_soon_after(cutoff: date, since: date, horizon_days: int) -> bool:
    """Whether a cutoff follows a change so soon that few labels speak of the days after it."""
    return since <= cutoff <= Window.horizon(since, CHANGING_HORIZONS * horizon_days).end


def one_horizon_before(cutoff: date, horizon_days: int) -> date:
    """The newest cutoff whose label window ends before this one's begins."""
    return cutoff - timedelta(days=horizon_days)


def is_final(cutoff: date, horizon_days: int, as_of: date, late_days: int) -> bool:
    """Whether as_of lies so long after a cutoff's horizon that no late event is waited for any more."""
    return (as_of - Window.horizon(cutoff, horizon_days).end).days >= late_days


def track_record_window(as_of: date, horizon_days: int, delay_days: int = 0) -> Window:
    """The cutoffs of a pair's track record at as_of: matured, and not more than some horizons ago."""
    end = newest_matured(as_of, horizon_days, delay_days) + ONE_DAY
    return Window.lookback(end, TRACK_RECORD_HORIZONS * horizon_days)


def longest_gap(days: Sequence[date], window: Window) -> int:
    """The largest step between consecutive event days inside a window; 1 where fewer than two lie in it."""
    inside = sorted({day for day in days if window.start <= day < window.end})
    return max(((later - earlier).days for earlier, later in pairwise(inside)), default=1)


def days_behind(last: date, as_of: date) -> int:
    """How many whole days before as_of have no event after the last one: `as_of - 1 - last`."""
    return (as_of - last).days - 1


def apart(cutoffs: Iterable[date], horizon_days: int) -> list[date]:
    """Those of some cutoffs whose horizons do not overlap, the newest first: what happens in them is told once."""
    chosen: list[date] = []
    for cutoff in sorted(set(cutoffs), reverse=True):
        if not chosen or cutoff + timedelta(days=horizon_days) <= chosen[-1]:
            chosen.append(cutoff)
    return chosen


def known_on(cutoff: date, horizon_days: int, delay_days: int, later_lists: int = 0) -> date:
    """The day from which on the outcome of a list is known, or that of one so many horizons later."""
    return cutoff + timedelta(days=horizon_days * (1 + later_lists) + delay_days)
