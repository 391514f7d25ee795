"""Sorted activity rows of many users, summed up over windows at any cutoff: the arithmetic under the features.

A row is visible at a cutoff when both its day and the day on which it became known lie before it. Days are
integers since 1970-01-01. All integer sums are exact and rows are sorted first, so neither their order nor
their partitioning moves a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lib.timeline import NEVER_DAYS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

WINDOWS = (7, 28, 90, None)  # days; None is the whole past
# BG/NBD of repeat buying (Fader, Hardie, Lee, "Counting Your Customers the Easy Way", Marketing Science 2005), with
# the parameters published there, alpha in days. What else a log needs, the model learns from the other columns.
BG_R, BG_ALPHA, BG_A, BG_B = 0.243, 4.414 * 7, 0.793, 2.426
SUREST = float(np.log(np.finfo(float).max))  # about 710: log-odds of having left; no doubt is left long before


class Series:
    """Rows sorted by (group, day, known day), and where each group's rows lie."""

    def __init__(self, group: Ints, day: Ints, known: Ints, groups: int) -> None:
        self.day, self.known, self.group, self.groups = day, known, group, groups
        self.base = int(day.min(initial=0))
        self.span = int(day.max(initial=0)) - self.base + 2
        self.key = group * self.span + (day - self.base)
        self.new_day = first_of_run(group, day)

    def at(self, cutoff: int) -> "VisiblePast":
        return VisiblePast(self, cutoff)


class VisiblePast:
    """One series as a cutoff sees it."""

    def __init__(self, series: Series, cutoff: int) -> None:
        self.series, self.cutoff = series, cutoff
        self.visible: Bools = (series.known < cutoff) & (series.day < cutoff)
        # Rows of one day are sorted by the day they became known: the day is visible when its first row is.
        self.active = self.visible & series.new_day
        self.end = self._position(cutoff)
        self.start = {w: self._position(series.base if w is None else cutoff - w) for w in WINDOWS}

    def _position(self, day: int) -> Ints:
        series = self.series
        offset = min(max(day - series.base, 0), series.span - 1)
        return np.searchsorted(series.key, np.arange(series.groups, dtype=np.int64) * series.span + offset)

    def total(self, weight: npt.NDArray[Any], window: int | None) -> npt.NDArray[Any]:
        """Sum a row weight over one window of every group."""
        visible = np.where(self.visible, weight, 0)
        if np.issubdtype(weight.dtype, np.integer):
            return self._span(visible, window)
        # Floats are summed segment by segment: the difference of two running sums would carry the
        # rounding of everybody sorted before.
        start, end = self.start[window], self.end
        bounds = np.stack([start, end], axis=1).ravel()
        sums = np.add.reduceat(np.append(visible, 0.0), bounds)[::2]
        return np.where(end > start, sums, 0.0)

    def distinct_days(self, window: int | None) -> Ints:
        """Count the visible days of one window of every group."""
        return self._span(self.active.astype(np.int64), window)

    def _span(self, weight: npt.NDArray[Any], window: int | None) -> npt.NDArray[Any]:
        running = np.concatenate([[0], np.cumsum(weight)])
        sums: npt.NDArray[Any] = running[self.end] - running[self.start[window]]
        return sums

    def recency(self) -> Floats:
        """Days since the last visible row of every group, at most `NEVER_DAYS`."""
        last = self._last()
        return np.where(last < 0, NEVER_DAYS, np.minimum(self.cutoff - self.series.base - last, NEVER_DAYS)).astype(
            float
        )

    def _last(self) -> Ints:
        series = self.series
        last = np.full(series.groups, -1, np.int64)
        rows = np.flatnonzero(self.active)
        last[series.group[rows]] = series.day[rows] - series.base  # rows are sorted: the last one written stays
        return last

    def expected(self, since: Floats) -> Floats:
        """Log of the active days per day to expect from the cutoff on, by BG/NBD.

        `(r + x) / (alpha + T)` times the probability of being still there, for x repeats within T days: what the
        published expectation comes to for a short future. A group never seen has been silent for `since` days.

        Finite whatever the past. The odds of having left are raised to the number of active days, so for somebody
        who came daily for years and then stayed away they are no float any more. Their logs are then taken, up to
        `SUREST`: without a bound, a few such users would be all that a standardised column shows.
        """
        series = self.series
        rows = np.flatnonzero(self.active)
        days = np.bincount(series.group[rows], minlength=series.groups)
        first = np.zeros(series.groups, np.int64)
        first[series.group[rows[::-1]]] = series.day[rows[::-1]] - series.base
        last = self._last()
        active = days > 0
        x = np.maximum(days - 1, 0)  # repeats
        age = np.where(active, self.cutoff - series.base - first, since)
        lived = np.where(active, last - first, 0)
        power, rate, silence = BG_R + x, BG_A / (BG_B + np.maximum(x, 1) - 1), (BG_ALPHA + age) / (BG_ALPHA + lived)
        with np.errstate(over="ignore"):
            gone = rate * silence**power
        surely = np.minimum(np.log(rate) + power * np.log(silence), SUREST)
        there = np.where(x > 0, -np.where(np.isfinite(gone), np.log1p(gone), surely), 0.0)
        return np.asarray(np.log(power / (BG_ALPHA + age)) + there)

    def rhythm(self) -> dict[str, Floats]:
        """Recency, silence, tenure, mean and spread of the gaps between active days, share of weekend days."""
        series = self.series
        rows = np.flatnonzero(self.active)
        group, day = series.group[rows], series.day[rows]
        n = np.bincount(group, minlength=series.groups)
        same = group[1:] == group[:-1]
        gap = np.where(same, day[1:] - day[:-1], 0)
        total = np.bincount(group[1:], gap, series.groups)
        squares = np.bincount(group[1:], gap.astype(float) ** 2, series.groups)
        recency = self.recency()
        tenure = np.where(n > 0, total + self.cutoff - series.base - self._last(), 0.0)
        gaps = np.maximum(n - 1, 1)
        mean = np.where(n > 1, total / gaps, np.maximum(tenure, 1.0))  # one day seen: the gap is at least this long
        spread = np.where(n > 1, np.sqrt(np.maximum(squares / gaps - (total / gaps) ** 2, 0.0)), 0.0)
        weekend = np.bincount(group, (day + 3) % 7 >= 5, series.groups)  # day 0, 1970-01-01, was a Thursday
        return {
            "recency": recency,
            "silence": np.where(n > 0, self.cutoff - series.base - self._last(), 0.0),
            "tenure": tenure,
            "gap_mean": mean,
            "gap_std": spread,
            "overdue": recency / np.maximum(mean, 1.0),
            "weekend_share": weekend / np.maximum(n, 1),
        }


def type_features(
    past: VisiblePast, counts: Mapping[int | None, Ints], value_28: Floats, since: Floats
) -> dict[str, Floats]:
    """Every feature of `TYPE_FEATURES` of every group, but for what the log's own start tells, `covered_90`.

    Parameters
    ----------
    past : VisiblePast
        Days of (user, event type) groups.
    counts : {window: number of events of each group}
    value_28 : array
        Sum of the values of the last 28 days.
    since : array
        Days since the user was first seen.
    """
    return {
        **{f"events_{window or 'all'}": counts[window].astype(float) for window in WINDOWS},
        **{f"days_{window}": past.distinct_days(window).astype(float) for window in (28, 90)},
        "value_28": value_28,
        "recency": past.recency(),
        "expected": past.expected(since),
    }


@dataclass(frozen=True)
class Items:
    """Every (user, item, day), sorted: a window holds an item when the item's last visible day does."""

    pair: Ints  # row -> (user, item)
    user: Ints  # (user, item) -> user
    day: Ints
    known: Ints
    n_users: int

    @classmethod
    def of(cls, lists: pa.ChunkedArray, rows: Ints, user: Ints, day: Ints, known: Ints, n_users: int) -> "Items":
        column = lists.combine_chunks().take(pa.array(rows)) if len(rows) else lists.combine_chunks().slice(0, 0)
        parent = pc.list_parent_indices(column).to_numpy().astype(np.int64)
        encoded = pc.list_flatten(column).dictionary_encode()
        item = encoded.indices.to_numpy().astype(np.int64)
        owner, on, since = user[parent], day[parent], known[parent]
        order = sort_order(owner, item, on)
        owner, item, on, since = owner[order], item[order], on[order], since[order]
        new = first_of_run(owner, item)
        return cls(np.cumsum(new) - 1, owner[new], on, since, n_users)

    def distinct(self, cutoff: int) -> dict[int | None, Ints]:
        last = np.full(len(self.user), np.iinfo(np.int64).min)
        rows = np.flatnonzero((self.day < cutoff) & (self.known < cutoff))
        last[self.pair[rows]] = self.day[rows]
        floor = {w: np.iinfo(np.int64).min + 1 if w is None else cutoff - w for w in WINDOWS}
        return {w: np.bincount(self.user[last >= floor[w]], minlength=self.n_users).astype(np.int64) for w in WINDOWS}


def first_of_run(*keys: Ints) -> Bools:
    """Mark the first row of each run of equal keys."""
    new = np.ones(len(keys[0]), bool)
    if len(new):
        new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return new


def sort_order(*keys: Ints) -> Ints:
    """Sort by several integer keys, as one packed key where that fits into 63 bits: several times faster."""
    lows = [int(key.min(initial=0)) for key in keys]
    bits = [(int(key.max(initial=0)) - low).bit_length() for key, low in zip(keys, lows, strict=True)]
    if sum(bits) > 62:
        order: Ints = np.lexsort(keys[::-1])
        return order
    packed = np.zeros(len(keys[0]), np.int64)
    for key, low, width in zip(keys, lows, bits, strict=True):
        packed = (packed << width) | (key - low)
    return np.argsort(packed, kind="stable")
