"""Whether an attribute knows what happened later: one without times may have been written after the day it is used for.

Three signs, each enough by itself (docs/adr has why):

- A date between the cutoff and today: what it tells of came after.
- Alone it separates those who act from the others better than all that they did before, and well: of all users, or
  of those who never did it before, where whatever is written at the first time shows best.
- What it tells beyond that fades, by half or more, from the newest cutoff to an old one. What holds anyway tells as
  much of either; what is written when somebody acts tells most of the days just gone.

Users are parted into halves: what is counted of the values of an attribute on one is held against the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.attributes.codes import encode_texts
from lib.attributes.columns import Attribute, Kind, is_attribute
from lib.labels.rows import Rows, user_half
from lib.models.estimators import group_columns, make_prediction, make_preprocessing, transform
from lib.models.pair import positive_probability

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SOUND, UNKNOWN, LEAK = "nothing found", "not checked", "knows what happened"
LEAST = 15  # users of each class in either half, without which nothing can be told
AFTER = 0.01  # share of the users whose date came after the cutoff
ALONE = 0.7  # AUC that an attribute must have alone to be suspected for it
BEYOND = 3.0  # standard errors by which it must be above the events
ADDS = 5.0  # standard errors of what it adds, without which nothing can fade
FADES = 4.0  # standard errors by which it must have faded
LEFT = 0.5  # of what it added, or less, an old cutoff has left
PRIOR = 10.0  # users at the overall rate by which each value's rate is drawn towards it
FEW, DECILES = 20, 10  # values held by fewer users are one; numbers are parted in so many
PARAMS = {"lifetime": True, "groups": "lean", "scale": "log", "family": "logistic", "C": 0.05}  # what reads the events


@dataclass(frozen=True)
class Finding:
    """What was found of one attribute."""

    attribute: Attribute
    finding: str = UNKNOWN
    auc: float | None = None
    events_auc: float | None = None
    added: float | None = None
    added_before: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Cutoff:
    """The labelled rows of one cutoff, and what the events before it say of each."""

    day: date
    rows: Rows
    half: Bools
    events: Floats  # the propensity by what the user did, learnt from the other half

    @classmethod
    def of(cls, rows: Rows, actions: Sequence[str], seed: int) -> "Cutoff | None":
        """Learn what the events say; None where too few users of a class are there."""
        half = user_half(rows.users, seed)
        counts = [int(np.sum(rows.y[side] == kind)) for side in (half, ~half) for kind in (0, 1)]
        if min(counts) < LEAST:
            return None
        X = rows.X
        columns = [c for c in group_columns(list(map(str, X)), PARAMS, actions) if not is_attribute(c)]
        X, events = X[columns], np.zeros(len(rows))
        for side in (half, ~half):
            preprocessing = make_preprocessing(columns, PARAMS)
            Z = transform(preprocessing, X[side], fit=True)
            model = make_prediction(PARAMS, seed).fit(Z, rows.y[side])
            events[~side] = positive_probability(model, transform(preprocessing, X[~side]))
        return cls(rows.frame["cutoff"].iloc[0], rows, half, np.clip(events, 1e-4, 1 - 1e-4))


def check_attribute(
    attribute: Attribute, rows: Rows, newest: Cutoff | None, beginners: Cutoff | None, old: Cutoff | None, today: date
) -> Finding:
    """Look for signs that an attribute knows what happened from the cutoffs on.

    Parameters
    ----------
    rows : the labelled rows of the newest matured cutoff
    newest : the same, with what the events say; None: too few users acted, or did not
    beginners : those of its rows whose users had never acted before; None: too few of them
    old : one whose horizon ended long before the newest one's; None: there is none
    """
    if attribute.kind is Kind.DATE and len(rows) and (share := _share_after(attribute, rows, today)) > AFTER:
        day = rows.frame["cutoff"].iloc[0]
        why = f"For {share:.1%} of the users its day lies between {day} and {today}: it came after."
        return Finding(attribute, LEAK, why=why)
    if newest is None:
        return Finding(attribute, why="Too few users acted, or did not.")
    levels, levels_old = _levels(attribute, newest, old)
    worth = _worth(levels, newest, levels, newest)
    added, added_error = _measure_added(worth, newest)
    finding = Finding(attribute, SOUND, added=added)
    for whose, some in ((" of users who never did it before", beginners), ("", newest)):
        if some is None:
            continue
        own = worth if some is newest else _worth_of(attribute, some)
        auc, events_auc, error = compare_areas(some.rows.y, own, some.events)
        finding = replace(finding, auc=auc, events_auc=events_auc)
        if auc >= ALONE and auc - events_auc > BEYOND * error:
            why = f"Alone it has an AUC of {auc:.3f}{whose}, and all that users did before has {events_auc:.3f}."
            return replace(finding, finding=LEAK, why=why)
    if old is None:
        return replace(finding, why="No cutoff is old enough to tell whether what it adds fades.")
    before, before_error = _measure_added(_worth(levels, newest, levels_old, old), old)
    finding = replace(finding, added_before=before)
    fades = added - before > FADES * np.hypot(added_error, before_error) and before <= LEFT * added
    if added > ADDS * added_error and fades:
        why = (
            f"What it tells beyond the events fades: on {old.day} {max(before, 0.0) / added:.0%} of it is left of what "
            f"it tells of {newest.day}."
        )
        return replace(finding, finding=LEAK, why=why)
    return finding


def compare_areas(y: Ints, one: Floats, other: Floats) -> tuple[float, float, float]:
    """The areas under the ROC curves of two scores of the same rows, and the standard error of their difference.

    By DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", Biometrics 44,
    1988: each row's place among the rows of the other class.
    """
    acted, areas, places = y == 1, [], []
    for scores in (one, other):
        up, down = scores[acted], scores[~acted]
        above = _mean_place(np.sort(down), up)
        below = 1 - _mean_place(np.sort(up), down)
        areas.append(float(above.mean()))
        places.append((above, below))
    parts = [np.var(a - b, ddof=1) / len(a) for a, b in zip(*places, strict=True)]
    return areas[0], areas[1], float(np.sqrt(sum(parts)))


def _mean_place(ordered: Floats, values: Floats) -> Floats:
    """The share of some ordered values that lie below each value; equal ones count half."""
    sides = [np.searchsorted(ordered, values, side=side) for side in ("left", "right")]
    return np.asarray(np.mean(sides, axis=0) / len(ordered))


def _share_after(attribute: Attribute, rows: Rows, today: date) -> float:
    days, known = (rows.frame[name].to_numpy(float) for name in attribute.columns)
    left = (today - rows.frame["cutoff"].iloc[0]).days
    return float(np.mean((known == 1) & (days <= 0) & (days > -left)))


def _levels(attribute: Attribute, newest: Cutoff, old: Cutoff | None) -> tuple[Ints, Ints]:
    """The number of each row's value, the same at both cutoffs: rare ones are one, and so is what is not known."""
    frames = [cutoff.rows.frame[list(attribute.columns)] for cutoff in (newest, old) if cutoff is not None]
    both = encode_texts(pd.concat(frames, ignore_index=True))
    values = both[attribute.columns[0]].to_numpy(float)
    if len(attribute.columns) > 1:
        known = both[attribute.columns[1]].to_numpy(float) == 1
        edges = np.unique(np.quantile(values[known], np.arange(1, DECILES) / DECILES)) if known.any() else np.zeros(0)
        values = np.where(known, np.searchsorted(edges, values, side="right"), -1.0)
    numbers = np.unique(values, return_inverse=True)[1]
    n = len(newest.rows)
    counts = np.bincount(numbers[:n], minlength=int(numbers.max()) + 1)
    numbers = np.where(counts[numbers] < FEW, -1, numbers) + 1
    return numbers[:n], numbers[n:]


def _worth(levels: Ints, newest: Cutoff, asked: Ints, cutoff: Cutoff) -> Floats:
    """The log-odds of each asked row's value beside the overall ones, as the other half of the newest cutoff acted."""
    worth = np.zeros(len(asked))
    for side in (True, False):
        there = newest.half != side
        y, of = newest.rows.y[there], levels[there]
        size = max(int(levels.max()), int(asked.max(initial=0))) + 1
        acted, users = np.bincount(of, y, size), np.bincount(of, minlength=size)
        base = y.mean()
        rate = (acted + PRIOR * base) / (users + PRIOR)
        odds = np.log(rate / (1 - rate)) - np.log(base / (1 - base))
        mine = cutoff.half == side
        worth[mine] = odds[asked[mine]]
    return worth


def _worth_of(attribute: Attribute, cutoff: Cutoff) -> Floats:
    levels, _ = _levels(attribute, cutoff, None)
    return _worth(levels, cutoff, levels, cutoff)


def _measure_added(worth: Floats, cutoff: Cutoff) -> tuple[float, float]:
    """How much of an attribute's log-odds is to be added to what the events say, with its standard error.

    One step of Newton's from nothing added: 1 where the attribute tells what the events do not, 0 where they tell all.
    """
    p, y = cutoff.events, cutoff.rows.y
    weight = p * (1 - p)
    centred = worth - np.average(worth, weights=weight)
    information = float(weight @ centred**2)
    if information <= 0:
        return 0.0, float("inf")
    scores = centred * (y - p)
    return float(scores.sum() / information), float(np.sqrt(np.sum(scores**2)) / information)
