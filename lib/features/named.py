"""Features of named actions: those of an event type that is asked about, kept apart from what all questions read.

A row is one user, cutoff and action, so that an action that comes to be named changes nobody else's rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.features.build import LARGEST, NOBODY, day_number, day_numbers
from lib.features.rhythm import action_rhythm
from lib.features.vocabulary import ACTION_FEATURES, TYPE_FEATURES
from lib.features.windows import WINDOWS, Bools, Floats, Series, first_of_run, sort_order, type_features
from lib.tables.contracts import NAMED_FEATURES
from lib.tables.protocol import Tables
from lib.tables.schemas import arrow_schema
from lib.tables.sql import days_sql, text_literal, texts_sql
from lib.tables.views import ACTIVITY, NAMED_ACTIONS

FEATURES = (*TYPE_FEATURES, *ACTION_FEATURES)
SCHEMA = arrow_schema({**NAMED_FEATURES, **dict.fromkeys(FEATURES, "float")})
Plan = Mapping[date, Mapping[str, date]]  # cutoff -> the named actions that it knows, and each one's first day


def read_first_days(tables: Tables, kinds: Sequence[str], as_of: date) -> dict[str, date]:
    """The day by when each of some named actions was first known, before as_of; without those never done."""
    if not kinds or not tables.exists("named_activity"):
        return {}
    rows = tables.query(
        "SELECT event_type, MIN(known_day) AS first_day FROM {named_activity} "
        f"WHERE event_type IN ({texts_sql(kinds)}) AND known_day < DATE '{as_of}' GROUP BY event_type"
    )
    return dict(rows.itertuples(index=False))


def build_missing(tables: Tables, first_days: Mapping[str, date], cutoffs: Sequence[date]) -> int:
    """Compute the features of some named actions at the cutoffs that lack them; how many cutoffs that were."""
    plan = _plan_lacking(tables, first_days, cutoffs)
    if plan:
        rows = tables.map_users(_rows_sql(list(first_days), max(plan)), partial(each_cutoff, plan=plan), SCHEMA)
        tables.replace("named_features", rows, _where_sql(plan))
    return len(plan)


def write_blanks(tables: Tables, first_days: Mapping[str, date], cutoffs: Sequence[date]) -> None:
    """Add the features of no event at all to the cutoffs that lack them, once those of users are there."""
    if plan := _plan_lacking(tables, first_days, cutoffs, f"user_id = '{NOBODY}'"):
        tables.append("named_features", blank_rows(plan))


def _plan_lacking(
    tables: Tables, first_days: Mapping[str, date], cutoffs: Sequence[date], whose: str = "1 = 1"
) -> Plan:
    """The cutoffs that have no row of some users, with the actions that they lack."""
    stored: set[tuple[str, date]] = set()
    if tables.exists("named_features"):
        at = f"cutoff IN ({days_sql(cutoffs)})"
        rows = tables.query(f"SELECT DISTINCT event_type, cutoff FROM {{named_features}} WHERE {whose} AND {at}")
        stored = set(rows.itertuples(index=False, name=None))
    lacking = {
        day: {kind: first for kind, first in first_days.items() if first < day and (kind, day) not in stored}
        for day in cutoffs
    }
    return {day: kinds for day, kinds in lacking.items() if kinds}


def _rows_sql(kinds: Sequence[str], before: date) -> str:
    """SQL for what was done before a day: rows of the actions, and without a type each day of a user with anything."""
    whose = "user_id, day, GREATEST(known_day, joined_after) AS known_day, joined_until"
    known = f"known_day < DATE '{before}' AND joined_after < DATE '{before}' AND known_day < joined_until"
    return (
        f"SELECT {whose}, event_type, count, value FROM {NAMED_ACTIONS} n "
        f"WHERE event_type IN ({texts_sql(kinds)}) AND {known} UNION ALL "
        f"SELECT DISTINCT {whose}, CAST(NULL AS STRING) AS event_type, CAST(0 AS BIGINT) AS count, "
        f"CAST(NULL AS DOUBLE) AS value FROM {ACTIVITY} d WHERE {known}"
    )


def _where_sql(plan: Plan) -> str:
    days: dict[str, list[date]] = {}
    for day, kinds in plan.items():
        for kind in kinds:
            days.setdefault(kind, []).append(day)
    each = [f"(event_type = {text_literal(kind)} AND cutoff IN ({days_sql(own)}))" for kind, own in days.items()]
    return " OR ".join(each)


def each_cutoff(activity: pa.Table, plan: Plan) -> Iterator[pa.Table]:
    """Summarise what each user did of the named actions before each cutoff: a row per user seen there, and action.

    Parameters
    ----------
    activity : Table[user_id string, day date, known_day date, joined_until date, event_type string, count long,
                     value double]
        Of some users all rows of the actions, any order, and with event_type null all days of whatever they did.
        `joined_until` is the last cutoff at which the user is somebody of their own.

    Returns
    -------
    Table[user_id string, cutoff date, event_type string, <feature> float]
        Each feature as `lib.features.build` has it of an event type that was asked about.
    """
    return _summarise(activity, plan, unseen=False)


def blank_rows(plan: Plan) -> pa.Table:
    """The features of somebody without any event: at each cutoff a row of `NOBODY` for each action that it knows."""
    later = {
        "user_id": [NOBODY], "day": [date.max], "known_day": [date.max], "joined_until": [date.max],
        "event_type": pa.nulls(1, pa.string()), "count": [0], "value": pa.nulls(1, pa.float64()),
    }  # fmt: skip
    return pa.concat_tables(_summarise(pa.table(later), plan, unseen=True))


def _summarise(activity: pa.Table, plan: Plan, *, unseen: bool) -> Iterator[pa.Table]:
    """A row per user, cutoff and action; `unseen` says whether users who have no past there have rows too."""
    kinds = sorted({kind for known in plan.values() for kind in known})
    chunk = _Chunk(activity, kinds)
    for cutoff, first_days in plan.items():
        features, seen = chunk.at(day_number(cutoff))
        seen = seen | unseen
        users = chunk.users.filter(pa.array(seen))
        for kind, first in first_days.items():
            own = {name: column[seen, kinds.index(kind)] for name, column in features.items()}
            own["covered_90"] = np.full(len(users), min(1.0, (cutoff - first).days / 90))
            columns = [pa.array(own[name].clip(-LARGEST, LARGEST).astype(np.float32)) for name in FEATURES]
            days, names = pa.array([cutoff] * len(users), pa.date32()), pa.array([kind] * len(users), pa.string())
            yield pa.table([users, days, names, *columns], schema=SCHEMA)


class _Chunk:
    """The sorted activity of some users: sorted once, then read at every cutoff."""

    def __init__(self, activity: pa.Table, kinds: Sequence[str]) -> None:
        activity = activity.combine_chunks()
        encoded = activity["user_id"].combine_chunks().dictionary_encode()
        self.users, self.width = encoded.dictionary, len(kinds)
        user = encoded.indices.to_numpy().astype(np.int64)
        day, known = day_numbers(activity["day"]), day_numbers(activity["known_day"])
        place = pc.index_in(activity["event_type"], value_set=pa.array(kinds, pa.string())).fill_null(-1).to_numpy()
        whatever = np.flatnonzero(activity["event_type"].is_null().to_numpy())
        order = whatever[sort_order(user[whatever], day[whatever], known[whatever])]
        order = order[first_of_run(user[order], day[order])]
        self.by_user = Series(user[order], day[order], known[order], len(self.users))
        rows = np.flatnonzero(place >= 0)
        group = user[rows] * self.width + place[rows]
        order = sort_order(group, day[rows], known[rows])
        value = np.nan_to_num(activity["value"].fill_null(0.0).to_numpy()[rows]).clip(-LARGEST, LARGEST)
        count = activity["count"].to_numpy()[rows][order].astype(np.int64)
        self.by_kind = Series(
            group[order], day[rows][order], known[rows][order], len(self.users) * self.width, count, value[order]
        )
        self.until = np.zeros(len(self.users), np.int64)
        self.until[user] = day_numbers(activity["joined_until"])

    def at(self, cutoff: int) -> tuple[dict[str, Floats], Bools]:
        """Every feature of every (user, action) at a cutoff but `covered_90`; and who has a past of their own."""
        past, users = self.by_kind.at(cutoff), self.by_user.at(cutoff)
        since = np.repeat(users.rhythm()["tenure"], self.width)
        counts = {window: past.count(window) for window in WINDOWS}
        features = type_features(past, counts, past.value(28), since)
        features |= action_rhythm(past, since, features["expected"])
        seen: Bools = (users.distinct_days(None) > 0) & (cutoff <= self.until)
        shape = (len(self.users), self.width)
        return {name: column.reshape(shape) for name, column in features.items()}, seen
