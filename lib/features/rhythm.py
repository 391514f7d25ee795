"""When users do an action: how it fades, what is usual between two days of it, what followed silences like today's.

All of it is computed from the visible days of one (user, action) alone, so that no other user moves it.
"""

import numpy as np

from lib.features.windows import Floats, Ints, VisiblePast, sort_order

HALVED = (14, 60)  # days after which an active day counts half
WITHIN = (7, 28, 90)  # days in which a silence may end
PRIOR_GAPS = 5.0  # what BG/NBD expects counts as much as so many of the user's own gaps
CERTAIN = 1e-6  # no chance is taken for smaller, or for larger than 1 less that


def action_rhythm(past: VisiblePast, since: Floats, expected: Floats) -> dict[str, Floats]:
    """Every feature of `ACTION_FEATURES` of every group.

    `faded_n` counts active days, each by half for every n days of its age. `gap_median` is the usual gap in days
    between two of them. `ends_within_n` says how much likelier than BG/NBD expects a silence like today's ended within
    the next n days, as a difference of log-odds: 0 for who has no gap as long.

    Parameters
    ----------
    past : VisiblePast
        Days of (user, action) groups.
    since : array
        Days since the user was first seen: how long one has been silent who never did it.
    expected : array
        What `past.expected(since)` gives.
    """
    rows = np.flatnonzero(past.active)
    group, age = past.series.group[rows], past.cutoff - past.series.day[rows]
    silence = np.maximum(since, 1.0)
    silence[group] = age  # rows are sorted: the newest one of each group is written last
    follows = group[1:] == group[:-1]
    gap, owner = (age[:-1] - age[1:])[follows], group[1:][follows]
    faded = {f"faded_{half}": np.bincount(group, 0.5 ** (age / half), len(since)).astype(float) for half in HALVED}
    return {**faded, "gap_median": _usual_gaps(gap, owner, silence), **_endings(gap, owner, silence, expected)}


def _usual_gaps(gap: Ints, owner: Ints, silence: Floats) -> Floats:
    """The middle one of each group's gaps, the smaller of two; for who has none, the silence so far stands for one."""
    many = np.bincount(owner, minlength=len(silence))
    middle = np.cumsum(many) - many + np.maximum(many - 1, 0) // 2
    ordered = np.append(gap[sort_order(owner, gap)], 0)
    return np.where(many > 0, ordered[np.minimum(middle, len(gap))], silence)


def _endings(gap: Ints, owner: Ints, silence: Floats, expected: Floats) -> dict[str, Floats]:
    """Of the user's own gaps that lasted at least as long as the present silence, the share that ended soon after.

    A silence of r days that ends within the next n was a gap of r to r + n - 1 days.
    """
    lasted = gap >= silence[owner]
    survived = np.bincount(owner[lasted], minlength=len(silence))
    endings = {}
    for days in WITHIN:
        ended = np.bincount(owner[lasted & (gap < silence[owner] + days)], minlength=len(silence))
        prior = -np.expm1(-np.exp(expected) * days)  # that a rate of so many active days a day gives one at all
        own = (ended + PRIOR_GAPS * prior) / (survived + PRIOR_GAPS)
        endings[f"ends_within_{days}"] = _log_odds(own) - _log_odds(prior)
    return endings


def _log_odds(chance: Floats) -> Floats:
    p = np.clip(chance, CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(p) - np.log1p(-p))
