"""Sorted activity rows of many users, summed up over windows at any cutoff: the arithmetic under the features.

A row is visible at a cutoff when both its day and the day on which it became known lie before it. Days are
integers since 1970-01-01. All integer sums are exact and rows are sorted first, so neither their order nor
their partitioning moves a value.
"""

from collections.abc import Mapping, Sequence
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
DAY_BITS = 23  # of a day number, counted from any day of Python's calendar
SUREST = float(np.log(np.finfo(float).max))  # about 710: log-odds of having left; no doubt is left long before


class Series:
    """Rows sorted by (group, day, known day), and where each group's rows lie.

    `count` and `value` are numbers of each row. What is summed up of the rows is so once, whatever is asked later.
    """

    def __init__(
        self, group: Ints, day: Ints, known: Ints, groups: int, count: Ints | None = None, value: Floats | None = None
    ) -> None:
        self.group, self.day, self.known, self.groups = group, day, known, groups
        self.count, self.value = count, value
        self.base = int(day.min(initial=0))
        self.span = int(day.max(initial=0)) - self.base + 2
        self.key = group * self.span + (day - self.base)
        self.new_day = first_of_run(group, day)
        self.has_late = bool((known > day).any())
        self.offset = np.append(day - self.base, 0)  # and one more, so that a group without rows can be looked up
        self.days_before = _running(self.new_day)
        self.events_before = None if count is None else _running(count)
        self._gaps: tuple[Ints, Ints, Ints] | None = None

    def at(self, cutoff: int) -> "VisiblePast":
        hidden = (self.known >= cutoff) & (self.day < cutoff) if self.has_late else np.zeros(0, bool)
        return VisiblePast(self.without(hidden) if hidden.any() else self, cutoff)

    def without(self, hidden: Bools) -> "Series":
        """The same but for some rows."""
        kept = ~hidden
        count = None if self.count is None else self.count[kept]
        value = None if self.value is None else self.value[kept]
        return Series(self.group[kept], self.day[kept], self.known[kept], self.groups, count, value)

    def position(self, day: int) -> Ints:
        """Of each group the first row of a day or later."""
        offset = min(max(day - self.base, 0), self.span - 1)
        return np.searchsorted(self.key, np.arange(self.groups, dtype=np.int64) * self.span + offset)

    def gaps(self) -> tuple[Ints, Ints, Ints]:
        """Running sums of the gaps between a group's active days, of their squares, and of days of weekends."""
        if self._gaps is None:
            same = self.group[1:] == self.group[:-1]
            gap = np.append(np.zeros(1, np.int64), np.where(same, self.day[1:] - self.day[:-1], 0))[: len(self.day)]
            weekend = self.new_day & ((self.day + 3) % 7 >= 5)  # day 0, 1970-01-01, was a Thursday
            self._gaps = _running(gap), _running(gap**2), _running(weekend)
        return self._gaps


class VisiblePast:
    """One series as a cutoff sees it: all of its rows of earlier days."""

    def __init__(self, series: Series, cutoff: int) -> None:
        self.series, self.cutoff = series, cutoff
        self.end = series.position(cutoff)
        self.start = {w: series.position(series.base if w is None else cutoff - w) for w in WINDOWS}

    @property
    def active(self) -> Bools:
        """The first visible row of each group and day."""
        return self.series.new_day & (self.series.day < self.cutoff)

    def count(self, window: int | None) -> Ints:
        """Sum the rows' counts over one window of every group."""
        assert self.series.events_before is not None
        return self._span(self.series.events_before, window)

    def value(self, window: int | None) -> Floats:
        """Sum the rows' values over one window of every group.

        Segment by segment: the difference of two running sums would carry the rounding of everybody sorted before.
        """
        assert self.series.value is not None
        start, end = self.start[window], self.end
        bounds = np.stack([start, end], axis=1).ravel()
        sums = np.add.reduceat(np.append(self.series.value, 0.0), bounds)[::2]
        return np.where(end > start, sums, 0.0)

    def distinct_days(self, window: int | None) -> Ints:
        """Count the visible days of one window of every group."""
        return self._span(self.series.days_before, window)

    def _span(self, running: Ints, window: int | None) -> Ints:
        sums: Ints = running[self.end] - running[self.start[window]]
        return sums

    def recency(self) -> Floats:
        """Days since the last visible row of every group, at most `NEVER_DAYS`."""
        last = self._last()
        return np.where(last < 0, NEVER_DAYS, np.minimum(self.cutoff - self.series.base - last, NEVER_DAYS)).astype(
            float
        )

    def _last(self) -> Ints:
        return np.where(self.end > self.start[None], self.series.offset[self.end - 1], -1)

    def expected(self, since: Floats) -> Floats:
        """Log of the active days per day to expect from the cutoff on, by BG/NBD.

        `(r + x) / (alpha + T)` times the probability of being still there, for x repeats within T days: what the
        published expectation comes to for a short future. A group never seen has been silent for `since` days.

        Finite whatever the past. The odds of having left are raised to the number of active days, so for somebody
        who came daily for years and then stayed away they are no float any more. Their logs are then taken, up to
        `SUREST`: without a bound, a few such users would be all that a standardised column shows.
        """
        series, days, last = self.series, self.distinct_days(None), self._last()
        active = days > 0
        first = np.where(active, series.offset[self.start[None]], 0)
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
        series, n = self.series, self.distinct_days(None)
        total, squares, weekend = (self._span(running, None) for running in series.gaps())
        recency = self.recency()
        tenure = np.where(n > 0, total + self.cutoff - series.base - self._last(), 0.0)
        gaps = np.maximum(n - 1, 1)
        mean = np.where(n > 1, total / gaps, np.maximum(tenure, 1.0))  # one day seen: the gap is at least this long
        spread = np.where(n > 1, np.sqrt(np.maximum(squares / gaps - (total / gaps) ** 2, 0.0)), 0.0)
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


def distinct_items(
    lists: pa.ChunkedArray, rows: Ints, user: Ints, day: Ints, known: Ints, n_users: int, cutoffs: Sequence[int]
) -> dict[int | None, Ints]:
    """Count the items that each user met within each window before each of some cutoffs, the earliest first.

    A window holds an item when the item's last visible day does. `rows` are those of `lists` that count, `user`, `day`
    and `known` theirs. Arrays (n_users, cutoffs).

    That last day is a row's for a span of cutoffs: from when the row is visible until a later one of the same item is.
    So rows are looked at once and not at every cutoff: each raises a number where its span begins, and lowers it again.
    """
    column = lists.combine_chunks().take(pa.array(rows)) if len(rows) else lists.combine_chunks().slice(0, 0)
    parent = pc.list_parent_indices(column).to_numpy().astype(np.int64)
    item = pc.list_flatten(column).dictionary_encode().indices.to_numpy().astype(np.int64)
    order = sort_order(user[parent], item, day[parent])
    item, parent = item[order], parent[order]
    owner, on = user[parent], day[parent]
    since = np.maximum(on, known[parent])
    until = _next_of_run(since, first_of_run(owner, item))
    steps, width = np.asarray(cutoffs), len(cutoffs) + 1
    begin = np.searchsorted(steps, since, side="right")
    counts: dict[int | None, Ints] = {}
    for window in WINDOWS:
        end = np.searchsorted(steps, until if window is None else np.minimum(until, on + window), side="right")
        met = begin < end
        place = owner[met] * width
        rises, falls = (
            np.bincount(place + at[met], minlength=n_users * width).reshape(n_users, width) for at in (begin, end)
        )
        counts[window] = (rises - falls).cumsum(axis=1)[:, :-1]
    return counts


def _next_of_run(day: Ints, first: Bools) -> Ints:
    """Of each row the earliest day of the rows after it in its run, which begins where `first` is; or one far off."""
    run, low = np.cumsum(first), int(day.min(initial=0))
    packed = (run << DAY_BITS) + (day - low)
    later = np.append(np.minimum.accumulate(packed[::-1])[::-1][1:], np.iinfo(np.int64).max)
    return np.where(later >> DAY_BITS == run, later - (run << DAY_BITS) + low, np.iinfo(np.int64).max)


def _running(numbers: npt.NDArray[Any]) -> Ints:
    """Sums of the numbers before each place, and of all."""
    return np.concatenate([[0], np.cumsum(numbers)])


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
