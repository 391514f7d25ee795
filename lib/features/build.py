"""What each user's past looks like at a cutoff: numbers known at that instant, nothing later.

Pure numpy over the complete `daily_activity` rows of some users, so that Spark can apply it to its partitions
and a test to five rows. What a cutoff may see of them, `lib.features.windows` decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.features.rhythm import action_rhythm
from lib.features.vocabulary import Vocabulary, feature_columns, features_schema, type_column
from lib.features.windows import (
    WINDOWS,
    Bools,
    Floats,
    Ints,
    Series,
    distinct_items,
    first_of_run,
    sort_order,
    type_features,
)
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.schemas import arrow_schema

LARGEST = float(np.finfo(np.float32).max)
NOBODY = ""  # in the place of a user where features are those of no event at all: no source has such an id


def build_features(activity: pa.Table, plan: Mapping[date, Vocabulary]) -> pa.Table:
    """Summarise what each user did before each cutoff.

    Parameters
    ----------
    activity : Table[user_id string, day date, event_type string, known_day date, count long, value double, items list]
        All `daily_activity` rows of some users, any order. `value` null = none given; `items` null = unknown. Where
        ids are joined, `joined_until` date besides: the last cutoff at which the user is somebody of their own, the
        same in all of a user's rows.
    plan : {cutoff: Vocabulary}
        The cutoffs wanted and the event types that each one knows.

    Returns
    -------
    Table[user_id string, cutoff date, <feature> float]
        One row per user and cutoff at which the user has been seen, and is nobody else. Windows are
        `[cutoff - n, cutoff)` in days.
        `recency` (days since the last event) is at least 1, `NEVER_DAYS` for never; `silence` is the same without
        an end; `gap_*` in days between
        active days, over the whole past; `covered_n` the share of the window that lies inside the log. A column
        that another cutoff of the plan has and this one lacks is 0. Float32: counts are exact to 16 million, and
        a sum beyond its range, 3.4e38, is the largest that it holds. Every feature is finite.
    """
    tables = list(each_cutoff(activity, plan))
    return pa.concat_tables(tables) if tables else _schema_of(plan).empty_table()


def each_cutoff(activity: pa.Table, plan: Mapping[date, Vocabulary]) -> Iterator[pa.Table]:
    """The same, one cutoff after the other: no more than one cutoff's numbers are held at once."""
    target = _schema_of(plan)
    for vocabulary in dict.fromkeys(plan.values()):
        cutoffs = sorted(cutoff for cutoff, known in plan.items() if known == vocabulary)
        chunk = _Chunk(activity, vocabulary, [day_number(cutoff) for cutoff in cutoffs])
        for cutoff in cutoffs:
            values = chunk.at(day_number(cutoff), vocabulary)
            yield _shape_rows(chunk.users, cutoff, values, chunk.seen, target)


def blank_rows(plan: Mapping[date, Vocabulary]) -> pa.Table:
    """The features of somebody without any event: at each cutoff a row as `build_features` has, of `NOBODY`."""
    schema = _schema_of(plan)
    rows = [schema.empty_table()]
    for cutoff, vocabulary in plan.items():
        later = {
            "user_id": [NOBODY], "day": [date.max], "event_type": [vocabulary.types[0]], "known_day": [date.max],
            "count": [0], "value": [None], "items": [None],
        }  # fmt: skip
        number = day_number(cutoff)
        chunk = _Chunk(pa.Table.from_pydict(later, arrow_schema(DAILY_ACTIVITY)), vocabulary, [number])
        values = chunk.at(number, vocabulary)
        rows.append(_shape_rows(chunk.users, cutoff, values, np.ones(1, bool), schema))
    return pa.concat_tables(rows)


def _shape_rows(
    users: pa.Array, cutoff: date, values: Mapping[str, Floats], kept: Bools, schema: pa.Schema
) -> pa.Table:
    """The features of some users at a cutoff as the table holds them; what the cutoff does not know is 0."""
    blank = np.zeros(int(kept.sum()), np.float32)
    columns = {name: value[kept].clip(-LARGEST, LARGEST).astype(np.float32) for name, value in values.items()}
    arrays: list[Any] = [users.filter(pa.array(kept)), pa.array([cutoff] * len(blank), pa.date32())]
    return pa.table([*arrays, *(columns.get(name, blank) for name in schema.names[2:])], schema=schema)


def _schema_of(plan: Mapping[date, Vocabulary]) -> pa.Schema:
    return features_schema(list(dict.fromkeys(name for words in plan.values() for name in feature_columns(words))))


class _Chunk:
    """The sorted activity of some users: sorted once, then read at every cutoff, the earliest first."""

    def __init__(self, activity: pa.Table, vocabulary: Vocabulary, cutoffs: Sequence[int]) -> None:
        activity = activity.combine_chunks()
        encoded = activity["user_id"].combine_chunks().dictionary_encode()
        self.users = encoded.dictionary
        self.width = len(vocabulary.prefixes)
        self.n_users = len(self.users)
        place = pc.index_in(activity["event_type"], value_set=pa.array(vocabulary.types, pa.string()))
        kind = place.fill_null(len(vocabulary.types)).to_numpy()  # types that this cutoff does not know go last, unread
        pooled = pc.is_in(activity["event_type"], value_set=pa.array(vocabulary.pooled, pa.string())).to_numpy()
        used = (kind < len(vocabulary.types)) | pooled
        user = encoded.indices.to_numpy()[used].astype(np.int64)
        kind = kind[used].astype(np.int64)
        day, known = day_numbers(activity["day"])[used], day_numbers(activity["known_day"])[used]
        count = activity["count"].to_numpy()[used].astype(np.int64)
        # Beyond what a feature holds, values would meet their opposites as infinities, whose sum is no number.
        value = np.nan_to_num(activity["value"].fill_null(0.0).to_numpy()[used]).clip(-LARGEST, LARGEST)
        group = user * self.width + kind
        order = sort_order(group, day, known)
        groups = self.n_users * self.width
        self.by_type = Series(group[order], day[order], known[order], groups, count[order], value[order])
        days = sort_order(user, day, known)
        first = first_of_run(user[days], day[days])
        self.by_user = Series(user[days][first], day[days][first], known[days][first], self.n_users)
        # Of the actions alone, as many groups for each user as there are actions.
        self.slots = [vocabulary.types.index(kind) for kind in vocabulary.asked]
        place = np.full(self.width + 1, -1)
        place[self.slots] = np.arange(len(self.slots))
        of_action = place[kind[order]] >= 0
        action = user[order] * len(self.slots) + place[kind[order]]
        self.by_action = Series(
            action[of_action], day[order][of_action], known[order][of_action], self.n_users * len(self.slots)
        )
        self.cutoffs = cutoffs
        self.items = distinct_items(activity["items"], np.flatnonzero(used), user, day, known, self.n_users, cutoffs)
        self.seen: Bools = np.zeros(self.n_users, bool)
        self.until = np.full(self.n_users, day_number(date.max))
        if "joined_until" in activity.column_names:
            self.until[encoded.indices.to_numpy()] = day_numbers(activity["joined_until"])

    def at(self, cutoff: int, vocabulary: Vocabulary) -> dict[str, Floats]:
        """Return every feature of every user at one cutoff; `seen` then says who has a past there."""
        types = self.by_type.at(cutoff)
        users = self.by_user.at(cutoff)
        shape = (self.n_users, self.width)
        counts = {w: types.count(w).reshape(shape) for w in WINDOWS}
        values = {w: types.value(w).reshape(shape) for w in WINDOWS}
        days = {w: users.distinct_days(w) for w in WINDOWS}
        out: dict[str, Floats] = {}
        for name, by_window in (
            ("events", {w: counts[w].sum(axis=1) for w in WINDOWS}),
            ("days", days),
            ("value", {w: values[w].sum(axis=1) for w in WINDOWS}),
            ("items", {w: counts_at[:, self.cutoffs.index(cutoff)] for w, counts_at in self.items.items()}),
        ):
            out |= {f"{name}_{w or 'all'}": by_window[w].astype(float) for w in WINDOWS}
        self.seen = (days[None] > 0) & (cutoff <= self.until)
        out |= users.rhythm()
        out["trend_7_28"] = np.log((out["events_7"] + 1) / (out["events_28"] * 7 / 28 + 1))
        out["trend_28_90"] = np.log((out["events_28"] + 1) / (out["events_90"] * 28 / 90 + 1))
        age = float(max(0, cutoff - day_number(vocabulary.log_start)))
        out |= {f"covered_{w}": np.full(self.n_users, min(1.0, age / w)) for w in WINDOWS if w}
        out["log_age"] = np.full(self.n_users, age)
        out["expected"] = users.expected(out["tenure"])
        flat = {window: column.ravel() for window, column in counts.items()}
        since = np.repeat(out["tenure"], self.width)
        typed = {
            name: column.reshape(shape)
            for name, column in type_features(types, flat, values[28].ravel(), since).items()
        }
        for slot, (kind, start) in enumerate(zip(vocabulary.prefixes, vocabulary.starts, strict=True)):
            out |= {f"{kind}__{name}": column[:, slot] for name, column in typed.items()}
            out[f"{kind}__covered_90"] = np.full(self.n_users, min(1.0, max(0, cutoff - day_number(start)) / 90))
        if self.slots:
            rhythm = action_rhythm(
                self.by_action.at(cutoff), np.repeat(out["tenure"], len(self.slots)),
                typed["expected"][:, self.slots].ravel(),
            )  # fmt: skip
            for place, kind in enumerate(vocabulary.asked):
                out |= {type_column(kind, name): column[place :: len(self.slots)] for name, column in rhythm.items()}
        return out


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def day_numbers(column: pa.ChunkedArray) -> Ints:
    """The same of a column of days."""
    days: Ints = column.cast(pa.int32()).to_numpy().astype(np.int64)
    return days
