"""40 loads of the week before a run: what a source has then, made of what it should have.

Each is a function of the sound rows before the run's as_of, as `daily_activity` has them, and of the week's first day.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

Rows = pd.DataFrame
Load = Callable[[Rows, date, str], Rows]


def ago(start: date, days: int) -> date:
    """The day so many days before the end of the week."""
    return start + timedelta(days=7 - days)


def _some(rows: Rows, share: float, seed: int = 0) -> "pd.Series[bool]":
    return pd.Series(np.random.default_rng(seed).random(len(rows)) < share, rows.index)


def _of(rows: Rows, share: float) -> "pd.Series[bool]":
    """Rows of a share of the users."""
    users = rows["user_id"].unique()
    chosen = np.random.default_rng(1).random(len(users)) < share
    return rows["user_id"].isin(users[chosen])


def _without(rows: Rows, gone: "pd.Series[bool]") -> Rows:
    return rows[~gone]


def _since(rows: Rows, start: date, days: int) -> "pd.Series[bool]":
    return rows["day"] >= ago(start, days)


def _between(rows: Rows, start: date, first: int, last: int) -> "pd.Series[bool]":
    """Days from `first` to `last` days before the end."""
    return (rows["day"] >= ago(start, first)) & (rows["day"] <= ago(start, last))


def _changed(rows: Rows, where: "pd.Series[bool]", **columns: Any) -> Rows:
    return rows.assign(**{name: rows[name].mask(where, value) for name, value in columns.items()})


def _twice(rows: Rows, where: "pd.Series[bool]") -> Rows:
    return _changed(rows, where, count=rows["count"] * 2, value=rows["value"] * 2)


def _commonest(rows: Rows, action: str) -> str:
    """The commonest other type; the action where there is none."""
    others = rows[rows["event_type"] != action]["event_type"]
    return str(others.mode().iloc[0]) if len(others) else action


def _with_new_users(rows: Rows, start: date) -> Rows:
    """Two fifths more users in the newest week, each with a week of somebody else."""
    week = rows[_since(rows, start, 7)]
    more = week[_of(week, 0.4)]
    return pd.concat([rows, more.assign(user_id="new-" + more["user_id"])], ignore_index=True)


def _moved(rows: Rows, where: "pd.Series[bool]", days: int) -> Rows:
    later = rows["day"] + timedelta(days=days)
    return _changed(rows, where, day=later, known_day=later)


def _shuffled(rows: Rows, where: "pd.Series[bool]") -> Rows:
    ids = rows["user_id"].to_numpy(object).copy()
    ids[where] = np.random.default_rng(2).permutation(ids[where])
    return rows.assign(user_id=ids)


SOUND: dict[str, Load] = {
    "as it should be": lambda rows, start, action: rows,
    "a tenth of last week's rows came late": lambda rows, start, action: rows,  # what was stored lacks them
    "2 in 1000 rows of a month corrected": lambda r, s, a: _without(r, _since(r, s, 37) & _some(r, 0.002)),
    "one user erased": lambda r, s, a: _without(r, r["user_id"] == r["user_id"].iloc[len(r) // 2]),
    "keeps its newest 60 days": lambda r, s, a: r[_since(r, s, 60)],
    "keeps its newest 9 days": lambda r, s, a: r[_since(r, s, 9)],
    "a holiday: one day with a tenth": lambda r, s, a: _without(r, _between(r, s, 4, 4) & _some(r, 0.9)),
    "two quiet days": lambda r, s, a: _without(r, _between(r, s, 5, 4) & _some(r, 0.6)),
    "two fifths more users": lambda r, s, a: _with_new_users(r, s),
    "half as many more events": lambda r, s, a: _changed(r, _since(r, s, 7) & _some(r, 0.5), count=r["count"] * 2),
    "a new event type": lambda r, s, a: _changed(r, _since(r, s, 7) & _some(r, 0.05), event_type="new type"),
    "a cohort dies out: last week 0.7": lambda r, s, a: _without(r, _since(r, s, 7) & _some(r, 0.3)),
    "events of days to come": lambda r, s, a: pd.concat([r, _moved(r[_since(r, s, 1)], _since(r, s, 1), 30)]),
}
BROKEN: dict[str, Load] = {
    "yesterday missing": lambda r, s, a: _without(r, _since(r, s, 1)),
    "the last two days missing": lambda r, s, a: _without(r, _since(r, s, 2)),
    "the last four days missing": lambda r, s, a: _without(r, _since(r, s, 4)),
    "half of yesterday": lambda r, s, a: _without(r, _since(r, s, 1) & _some(r, 0.5)),
    "half of last week's rows": lambda r, s, a: _without(r, _since(r, s, 7) & _some(r, 0.5)),
    "a third of last week's rows": lambda r, s, a: _without(r, _since(r, s, 7) & _some(r, 2 / 3)),
    "a tenth of last week's rows": lambda r, s, a: _without(r, _since(r, s, 7) & _some(r, 0.9)),
    "half of last week's users": lambda r, s, a: _without(r, _since(r, s, 7) & _of(r, 0.5)),
    "no action for a week": lambda r, s, a: _without(r, _since(r, s, 7) & (r["event_type"] == a)),
    "no action for three days": lambda r, s, a: _without(r, _since(r, s, 3) & (r["event_type"] == a)),
    "half of the action for a week": lambda r, s, a: _without(
        r, _since(r, s, 7) & (r["event_type"] == a) & _some(r, 0.5)
    ),
    "no action for a month": lambda r, s, a: _without(r, _since(r, s, 30) & (r["event_type"] == a)),
    "the commonest other type silent": lambda r, s, a: _without(
        r, _since(r, s, 7) & (r["event_type"] == _commonest(r, a)) & (r["event_type"] != a)
    ),
    "half of the users gone": lambda r, s, a: _without(r, _of(r, 0.5)),
    "a tenth of the users gone": lambda r, s, a: _without(r, _of(r, 0.1)),
    "one past day gone": lambda r, s, a: _without(r, _between(r, s, 12, 12)),
    "a past week gone": lambda r, s, a: _without(r, _between(r, s, 20, 14)),
    "half of a past day": lambda r, s, a: _without(r, _between(r, s, 12, 12) & _some(r, 0.5)),
    "half of a month": lambda r, s, a: _without(r, _between(r, s, 37, 8) & _some(r, 0.5)),
    "the newest week alone, a third of it": lambda r, s, a: r[_since(r, s, 7) & _some(r, 1 / 3)],
    "an empty file": lambda r, s, a: r.head(0),
    "last week twice": lambda r, s, a: _twice(r, _since(r, s, 7)),
    "a month twice": lambda r, s, a: _twice(r, _since(r, s, 37)),
    "ids of another form since last week": lambda r, s, a: _changed(r, _since(r, s, 7), user_id="x" + r["user_id"]),
    "ids of users exchanged last week": lambda r, s, a: _shuffled(r, _since(r, s, 7)),
    "the action under another name": lambda r, s, a: _changed(
        r, _since(r, s, 7) & (r["event_type"] == a), event_type="renamed"
    ),
    "values a hundred times as large": lambda r, s, a: _changed(r, _since(r, s, 7), value=r["value"] * 100),
}


def each_load() -> Iterator[tuple[str, bool, Load]]:
    """All loads: what they are, whether they are sound, and how they are made."""
    yield from ((name, True, load) for name, load in SOUND.items())
    yield from ((name, False, load) for name, load in BROKEN.items())
