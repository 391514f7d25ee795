"""Whether the newest week is of the users that it should be of, and each event there once, by the four weeks before it.

Numbers of events tell nothing of whose they are. Where a part of the users is missing, fewer come back than usual,
however fast the log grows. Where ids are written otherwise, others have come besides. Where ids were exchanged, all are
there, and what each does is not what it did before. Where rows are there twice, every user's number of events of a type
and day is even.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

import numpy as np
import pandas as pd

from lib.config.thresholds import LoadLimits
from lib.features.remarks import ACCEPTED, STOPPED, LoadRefused, Remark
from lib.features.weeks import BEFORE, WEEK
from lib.timeline import ONE_DAY, Window

DAYS = WEEK * (1 + 2 * BEFORE)  # of the newest week, those before it, and those before the oldest of these
OFTEN_ODD = 0.3  # of users' daily counts: where fewer are odd, chance alone makes days of even ones
USERS, GONE = "users who were there before", "users who came back"
LIKENESS, TWICE = "what users do", "events that are there twice"
STEADY = 1 / 3  # of what is usual: where four weeks are farther apart, likeness tells nothing


@dataclass(frozen=True)
class WeekOfUsers:
    """What one week tells of whose its events are."""

    events: int
    known: int  # of users who were there in the four weeks before
    before: int  # users of the four weeks before
    returned: int  # of these are there again
    likeness: float | None  # of these: how far each does what it did before, beyond what any two do; None: none can be
    cells: int  # numbers of events of a user, a type and a day
    odd: int  # of these are odd

    @property
    def known_share(self) -> float:
        """Of the week's events, those of users who were there before."""
        return self.known / self.events

    @property
    def returned_share(self) -> float:
        """Of the users of the four weeks before, those who are there again."""
        return self.returned / self.before if self.before else 0.0

    @property
    def odd_share(self) -> float:
        """Of the week's cells, the odd ones."""
        return self.odd / self.cells


def measure_weeks(cells: pd.DataFrame, as_of: date) -> list[WeekOfUsers]:
    """The newest week before as_of and the four before it, the newest first; empty where the log is younger than that.

    Parameters
    ----------
    cells : DataFrame[user_id string, event_type string, day date, n int]
        How often a user did a thing on a day, of the last `DAYS` days before as_of or more; days may come in parts.
    """
    counts = _sum_up(cells)
    ago = (np.datetime64(as_of) - pd.to_datetime(counts["day"]).to_numpy("datetime64[D]")).astype(int) - 1
    counts = counts.assign(week=ago // WEEK)[(ago >= 0) & (ago < DAYS)]
    if counts["week"].max() != 2 * BEFORE:
        return []
    by_week = counts.groupby(["user_id", "event_type", "week"])["n"].sum().reset_index()
    return [_measure(counts[counts["week"] == week], by_week, week) for week in range(BEFORE + 1)]


def _sum_up(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.groupby(["user_id", "event_type", "day"])["n"].sum().reset_index()


def _measure(cells: pd.DataFrame, by_week: pd.DataFrame, week: int) -> WeekOfUsers:
    now = by_week[by_week["week"] == week]
    before = by_week[(by_week["week"] > week) & (by_week["week"] <= week + BEFORE)]
    past = before.groupby(["user_id", "event_type"])["n"].sum().reset_index()
    past["share"] = past["n"] / past.groupby("user_id")["n"].transform("sum")
    users = past["user_id"].unique()
    known = now[now["user_id"].isin(users)]
    return WeekOfUsers(
        int(now["n"].sum()), int(known["n"].sum()), len(users), known["user_id"].nunique(),
        _measure_likeness(known, past), len(cells), int((cells["n"] % 2 == 1).sum()),
    )  # fmt: skip


def _measure_likeness(known: pd.DataFrame, past: pd.DataFrame) -> float | None:
    """How far users do what they did before, beyond chance (Cohen's kappa): 0 where ids tell nothing, at most 1.

    Parameters
    ----------
    known : DataFrame[user_id, event_type, n], a week of users who were there before
    past : DataFrame[user_id, event_type, share], of what a user did before, the share of each type
    """
    events = known["n"].sum()
    if not events:
        return None
    own = known.merge(past[["user_id", "event_type", "share"]], on=["user_id", "event_type"])
    agreed = (own["n"] * own["share"]).sum() / events
    activity = past.merge(known.groupby("user_id")["n"].sum(), on="user_id", suffixes=("_past", ""))
    expected_types = (activity["n"] * activity["share"]).groupby(activity["event_type"]).sum() / events
    types = known.groupby("event_type")["n"].sum() / events
    by_chance = (types * expected_types.reindex(types.index, fill_value=0)).sum()
    return float((agreed - by_chance) / (1 - by_chance)) if by_chance < 1 - 1e-9 else None


def check_likeness(
    source: str,
    cells: pd.DataFrame,
    as_of: date,
    accepted: date | None,
    limits: LoadLimits,
    remarks: Sequence[Remark] = (),
) -> list[Remark]:
    """Refuse a newest week of fewer, other or exchanged users, or with rows twice; says where that is accepted.

    Parameters
    ----------
    cells : as `measure_weeks` takes them
    remarks : what was said before: days of which the same was accepted stop no run again

    Raises
    ------
    LoadRefused
        The message has the days, both numbers and what to do.
    """
    week = Window.lookback(as_of, WEEK)
    taken = {one.about for one in remarks if one.kind == ACCEPTED and one.days and one.days.end > week.start}
    odd = [one for one in find_odd(cells, as_of, limits) if one.about not in taken]
    if accepted == as_of:
        return [Remark(ACCEPTED, f"accepted for this as_of: {one.said}.", one.days, one.about) for one in odd]
    for one in odd:
        raise LoadRefused(
            f"The events {source!r} {one.what}: {one.said}. Nothing was written. {one.way}, or, where this is how it "
            f"is, run with accept_shrunk={as_of}, which counts for this as_of alone.",
            Remark(STOPPED, f"{one.said}.", one.days, one.about),
            as_of,
        )
    return []


@dataclass(frozen=True)
class Odd:
    """What is odd of a newest week."""

    about: str
    days: Window
    what: str
    said: str
    way: str  # out of it


def find_odd(cells: pd.DataFrame, as_of: date, limits: LoadLimits) -> list[Odd]:
    """What is odd of the newest week before as_of; nothing where the log is too young or too small to tell."""
    weeks = measure_weeks(cells, as_of)
    if not weeks or min(one.events for one in weeks) < limits.min_counted_events:
        return []
    days = Window.lookback(as_of, WEEK)
    other = _find_other_users(days, weeks, limits) or _find_gone(days, weeks, limits)
    return other or [*_find_exchanged(days, weeks[0], weeks[1:], limits), *_find_twice(cells, days, weeks, limits)]


def _find_gone(days: Window, weeks: Sequence[WeekOfUsers], limits: LoadLimits) -> list[Odd]:
    now, shares = weeks[0], [one.returned_share for one in weeks]
    usual = _usual_where_short(shares, now.before, limits.min_returning_share, limits)
    if usual is None:
        return []
    said = (
        f"from {days.start} to {days.last} {now.returned} of the {now.before} users of the four weeks before came "
        f"back; usual are {usual:.0%}"
    )
    return [Odd(GONE, days, "lack users", said, "Look whether the load is whole, and mend it")]


def _find_other_users(days: Window, weeks: Sequence[WeekOfUsers], limits: LoadLimits) -> list[Odd]:
    now, shares = weeks[0], [one.known_share for one in weeks]
    usual = _usual_where_short(shares, now.events, limits.min_known_share, limits)
    if usual is None:
        return []
    said = (
        f"from {days.start} to {days.last} {now.known} of {now.events} are of users who were there in the four weeks "
        f"before; usual are {usual:.0%}"
    )
    way = "Look whether ids are written as they were, and mend the load"
    return [Odd(USERS, days, "are of other users", said, way)]


def _usual_where_short(shares: Sequence[float], of: int, least: float, limits: LoadLimits) -> float | None:
    """The usual share of past weeks where the first, the newest, falls short of so much of it; None where it does not.

    Nothing is said where the usual share of `of` is a small number.
    """
    usual = median(shares[1:])
    return usual if usual * of >= limits.min_counted_events and shares[0] < least * usual else None


def _find_exchanged(days: Window, now: WeekOfUsers, past: Sequence[WeekOfUsers], limits: LoadLimits) -> list[Odd]:
    likenesses = [one.likeness for one in past if one.likeness is not None]
    usual = median(likenesses) if len(likenesses) == len(past) else 0.0
    is_steady = usual > 0 and max(likenesses) - min(likenesses) <= STEADY * usual
    share = limits.min_likeness_share
    if not (share and is_steady) or now.likeness is None or now.likeness >= share * usual:
        return []
    said = (
        f"from {days.start} to {days.last} what they did agrees to {now.likeness:.3f} with what they had done in the "
        f"four weeks before, where 0 is chance; usual is {usual:.3f}"
    )
    way = "Look whether ids stand beside their own events, and mend the load"
    return [Odd(LIKENESS, days, "are of exchanged users", said, way)]


def _find_twice(cells: pd.DataFrame, days: Window, weeks: Sequence[WeekOfUsers], limits: LoadLimits) -> list[Odd]:
    """The newest week, or else single days of it, with hardly any odd number."""
    usual = median(one.odd_share for one in weeks[1:])
    if usual < OFTEN_ODD:
        return []
    counts = cells[(cells["day"] >= days.start) & (cells["day"] < days.end)]
    counts = _sum_up(counts)
    by_day = (counts["n"] % 2 == 1).groupby(counts["day"]).agg(["size", "sum"])
    rows = [(days, weeks[0].cells, weeks[0].odd)]
    rows += [(Window(day, day + ONE_DAY), size, odd) for day, size, odd in by_day.itertuples()]
    for span, size, odd in rows:
        if size >= limits.min_counted_events and 1 - odd / size / usual > limits.max_repeated_share:
            said = (
                f"from {span.start} to {span.last} {odd / size:.0%} of the numbers of a user's events of a type and "
                f"day are odd; usual are {usual:.0%}"
            )
            way = "Mend the load, or name what tells events apart by event_key"
            return [Odd(TWICE, span, "are there twice", said, way)]
    return []
