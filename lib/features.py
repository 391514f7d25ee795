"""What each user's past looks like at a cutoff: numbers known at that instant, nothing later.

Pure numpy over the complete `daily_activity` rows of some users, so that Spark can apply it to its
partitions and a test to five rows. A row is visible at a cutoff when both its day and the day on which
it became known lie before the cutoff. All integer sums are exact and rows are sorted first, so neither
order nor partitioning moves a value.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha1
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

WINDOWS = (7, 28, 90, None)  # days; None is the whole history
NEVER_DAYS = 365  # a recency is capped here, so that "never" does not grow with the log's age
OTHER = "other"  # column prefix of the event types pooled beyond the most used ones
DEFINITION = "2"  # raise when any value below changes its meaning: cached features are then rebuilt

USER_FEATURES = (
    *(f"{what}_{window or 'all'}" for what in ("events", "days", "value", "items") for window in WINDOWS),
    "recency", "tenure", "gap_mean", "gap_std", "overdue", "trend_7_28", "trend_28_90", "weekend_share",
    "covered_7", "covered_28", "covered_90", "log_age",
)  # fmt: skip
TYPE_FEATURES = (
    *(f"events_{window or 'all'}" for window in WINDOWS),
    "days_28", "days_90", "value_28", "recency", "covered_90",
)  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """The event types that a cutoff knows, in column order, and the day on which each one's log starts.

    Types beyond the most used ones share `other`.
    """

    types: tuple[str, ...]
    pooled: tuple[str, ...]
    starts: tuple[date, ...]  # of `types`, then, where anything is pooled, of `other`
    log_start: date  # by when the types that most users know had begun: one odd early type does not move it

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The slots of per-type features: `types`, then `other` where anything is pooled."""
        own = tuple(map(_prefix, self.types))
        return (*own, OTHER) if self.pooled else own


def vocabulary(first_seen: Mapping[str, Sequence[tuple[date, int]]], cutoff: date, most: int) -> Vocabulary:
    """Choose the event types that get columns of their own at a cutoff, from the history before it only.

    Parameters
    ----------
    first_seen : {event type: [(day, users)]}
        How many users showed the type for the first time, visibly, on each day.
    most : int
        How many types, ranked by users (ties by name), keep their own columns.
    """
    users = Counter({kind: sum(n for day, n in days if day < cutoff) for kind, days in first_seen.items()})
    known = sorted((kind for kind, n in users.items() if n), key=lambda kind: (-users[kind], kind))
    kept, pooled = sorted(known[:most]), sorted(known[most:])
    starts = {kind: min(day for day, _ in first_seen[kind]) for kind in known}
    ends = [min(starts[kind] for kind in pooled)] if pooled else []
    return Vocabulary(
        tuple(kept), tuple(pooled), (*(starts[kind] for kind in kept), *ends), _median(starts, users, cutoff)
    )


def _median(starts: Mapping[str, date], users: Mapping[str, int], empty: date) -> date:
    """The median start of the types, each weighted by its users."""
    half, seen = sum(users[kind] for kind in starts) / 2, 0
    for start, kind in sorted((start, kind) for kind, start in starts.items()):
        seen += users[kind]
        if seen >= half:
            return start
    return empty


def type_column(kind: str, feature: str) -> str:
    """Name one per-type column: letters, digits and underscores only, distinct for distinct types."""
    return f"{_prefix(kind)}__{feature}"


def _prefix(kind: str) -> str:
    safe = re.sub(r"[^0-9a-z]+", "_", kind.lower())
    plain = safe == kind and kind != OTHER  # a type of that name must not share the pool's columns
    return safe if plain else f"{safe}_{sha1(kind.encode(), usedforsecurity=False).hexdigest()[:6]}"


def columns(words: Vocabulary) -> list[str]:
    """List the feature columns of one cutoff, in order."""
    return [*USER_FEATURES, *(f"{kind}__{name}" for kind in words.prefixes for name in TYPE_FEATURES)]


def schema(names: Sequence[str]) -> pa.Schema:
    """Arrow schema of a features table with these feature columns."""
    keys = [pa.field("user_id", pa.string()), pa.field("cutoff", pa.date32())]
    return pa.schema([*keys, *(pa.field(name, pa.float32()) for name in names)])


def build_features(activity: pa.Table, plan: Mapping[date, Vocabulary]) -> pa.Table:
    """Summarise what each user did before each cutoff.

    Parameters
    ----------
    activity : Table[user_id string, day date, event_type string, known_day date, count long, value double, items list]
        All `daily_activity` rows of some users, any order. `value` null = none given; `items` null = unknown.
    plan : {cutoff: Vocabulary}
        The cutoffs wanted and the event types that each one knows.

    Returns
    -------
    Table[user_id string, cutoff date, <feature> float]
        One row per user and cutoff at which the user has been seen. Windows are `[cutoff - n, cutoff)` in days.
        `recency` (days since the last event) is at least 1, `NEVER_DAYS` for never; `gap_*` in days between
        active days, whole history; `covered_n` the share of the window that lies inside the log. A column
        that another cutoff of the plan has and this one lacks is 0. Float32: counts are exact to 16 million.
    """
    names = list(dict.fromkeys(name for words in plan.values() for name in columns(words)))
    target = schema(names)
    tables = []
    for words in dict.fromkeys(plan.values()):
        chunk = _Chunk(activity, words)
        for cutoff in [cutoff for cutoff, own in plan.items() if own == words]:
            values = chunk.at(_number(cutoff), words)
            seen = chunk.seen
            blank = np.zeros(int(seen.sum()), np.float32)
            own = {name: value[seen].astype(np.float32) for name, value in values.items()}
            arrays: list[Any] = [chunk.users.filter(pa.array(seen)), pa.array([cutoff] * len(blank), pa.date32())]
            tables.append(pa.table([*arrays, *(own.get(name, blank) for name in names)], schema=target))
    return pa.concat_tables(tables) if tables else target.empty_table()


class _Chunk:
    """The sorted activity of some users: sorted once, then read at every cutoff."""

    def __init__(self, activity: pa.Table, words: Vocabulary) -> None:
        activity = activity.combine_chunks()
        encoded = activity["user_id"].combine_chunks().dictionary_encode()
        self.users = encoded.dictionary
        self.width = len(words.prefixes)
        self.n_users = len(self.users)
        own = pc.index_in(activity["event_type"], value_set=pa.array(words.types, pa.string()))
        kind = own.fill_null(len(words.types)).to_numpy()  # types that this cutoff does not know go last, unread
        pooled = pc.is_in(activity["event_type"], value_set=pa.array(words.pooled, pa.string())).to_numpy()
        kept = (kind < len(words.types)) | pooled
        user = encoded.indices.to_numpy()[kept].astype(np.int64)
        kind = kind[kept].astype(np.int64)
        day, known = _days(activity["day"])[kept], _days(activity["known_day"])[kept]
        count = activity["count"].to_numpy()[kept].astype(np.int64)
        value = activity["value"].fill_null(0.0).to_numpy()[kept]
        group = user * self.width + kind
        order = _order(group, day, known)
        self.by_type = _Series(group[order], day[order], known[order], self.n_users * self.width)
        self.count, self.value = count[order], value[order]
        days = _order(user, day, known)
        first = _first(user[days], day[days])
        self.by_user = _Series(user[days][first], day[days][first], known[days][first], self.n_users)
        self.items = _Items.of(activity["items"], np.flatnonzero(kept), user, day, known, self.n_users)
        self.seen: Bools = np.zeros(self.n_users, bool)

    def at(self, cutoff: int, words: Vocabulary) -> dict[str, Floats]:
        """Return every feature of every user at one cutoff; `seen` then says who has a past there."""
        types = self.by_type.at(cutoff)
        users = self.by_user.at(cutoff)
        shape = (self.n_users, self.width)
        counts = {w: types.total(self.count, w).reshape(shape) for w in WINDOWS}
        values = {w: types.total(self.value, w).reshape(shape) for w in WINDOWS}
        days = {w: users.distinct_days(w) for w in WINDOWS}
        out: dict[str, Floats] = {}
        for name, by_window in (
            ("events", {w: counts[w].sum(axis=1) for w in WINDOWS}),
            ("days", days),
            ("value", {w: values[w].sum(axis=1) for w in WINDOWS}),
            ("items", self.items.distinct(cutoff)),
        ):
            out |= {f"{name}_{w or 'all'}": by_window[w].astype(float) for w in WINDOWS}
        self.seen = days[None] > 0
        out |= users.rhythm()
        out["trend_7_28"] = np.log((out["events_7"] + 1) / (out["events_28"] * 7 / 28 + 1))
        out["trend_28_90"] = np.log((out["events_28"] + 1) / (out["events_90"] * 28 / 90 + 1))
        age = float(max(0, cutoff - _number(words.log_start)))
        out |= {f"covered_{w}": np.full(self.n_users, min(1.0, age / w)) for w in WINDOWS if w}
        out["log_age"] = np.full(self.n_users, age)
        recency = types.recency().reshape(shape)
        days_28, days_90 = (types.distinct_days(w).reshape(shape) for w in (28, 90))
        for slot, (kind, start) in enumerate(zip(words.prefixes, words.starts, strict=True)):
            out |= {f"{kind}__events_{w or 'all'}": counts[w][:, slot].astype(float) for w in WINDOWS}
            out[f"{kind}__days_28"] = days_28[:, slot].astype(float)
            out[f"{kind}__days_90"] = days_90[:, slot].astype(float)
            out[f"{kind}__value_28"] = values[28][:, slot]
            out[f"{kind}__recency"] = recency[:, slot]
            out[f"{kind}__covered_90"] = np.full(self.n_users, min(1.0, max(0, cutoff - _number(start)) / 90))
        return out


class _Series:
    """Rows sorted by (group, day, known day), and where each group's rows lie."""

    def __init__(self, group: Ints, day: Ints, known: Ints, groups: int) -> None:
        self.day, self.known, self.group, self.groups = day, known, group, groups
        self.base = int(day.min(initial=0))
        self.span = int(day.max(initial=0)) - self.base + 2
        self.key = group * self.span + (day - self.base)
        self.new_day = _first(group, day)

    def at(self, cutoff: int) -> "_Past":
        return _Past(self, cutoff)


class _Past:
    """One series as a cutoff sees it."""

    def __init__(self, series: _Series, cutoff: int) -> None:
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
        seen = np.where(self.visible, weight, 0)
        if np.issubdtype(weight.dtype, np.integer):
            return self._span(seen, window)
        # Floats are summed segment by segment: the difference of two running sums would carry the
        # rounding of everybody sorted before.
        start, end = self.start[window], self.end
        bounds = np.stack([start, end], axis=1).ravel()
        sums = np.add.reduceat(np.append(seen, 0.0), bounds)[::2]
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

    def rhythm(self) -> dict[str, Floats]:
        """Recency, tenure, mean and spread of the gaps between active days, share of weekend days."""
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
            "tenure": tenure,
            "gap_mean": mean,
            "gap_std": spread,
            "overdue": recency / np.maximum(mean, 1.0),
            "weekend_share": weekend / np.maximum(n, 1),
        }


@dataclass(frozen=True)
class _Items:
    """Every (user, item, day), sorted: a window holds an item when the item's last visible day does."""

    pair: Ints  # row -> (user, item)
    user: Ints  # (user, item) -> user
    day: Ints
    known: Ints
    n_users: int

    @classmethod
    def of(cls, lists: pa.ChunkedArray, rows: Ints, user: Ints, day: Ints, known: Ints, n_users: int) -> "_Items":
        column = lists.combine_chunks().take(pa.array(rows)) if len(rows) else lists.combine_chunks().slice(0, 0)
        parent = pc.list_parent_indices(column).to_numpy().astype(np.int64)
        encoded = pc.list_flatten(column).dictionary_encode()
        item = encoded.indices.to_numpy().astype(np.int64)
        owner, on, since = user[parent], day[parent], known[parent]
        order = _order(owner, item, on)
        owner, item, on, since = owner[order], item[order], on[order], since[order]
        new = _first(owner, item)
        return cls(np.cumsum(new) - 1, owner[new], on, since, n_users)

    def distinct(self, cutoff: int) -> dict[int | None, Ints]:
        last = np.full(len(self.user), np.iinfo(np.int64).min)
        rows = np.flatnonzero((self.day < cutoff) & (self.known < cutoff))
        last[self.pair[rows]] = self.day[rows]
        floor = {w: np.iinfo(np.int64).min + 1 if w is None else cutoff - w for w in WINDOWS}
        return {w: np.bincount(self.user[last >= floor[w]], minlength=self.n_users).astype(np.int64) for w in WINDOWS}


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _days(column: pa.ChunkedArray) -> Ints:
    days: Ints = column.cast(pa.int32()).to_numpy().astype(np.int64)
    return days


def _first(*keys: Ints) -> Bools:
    """Mark the first row of each run of equal keys."""
    new = np.ones(len(keys[0]), bool)
    if len(new):
        new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return new


def _order(*keys: Ints) -> Ints:
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
