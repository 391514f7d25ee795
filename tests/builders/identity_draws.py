"""Drawn joins of ids, and what is true of them: followed join by join, by moments, without a line of `lib`."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pandas as pd

from tests.builders import question_draws
from tests.builders.question_draws import MICROSECOND, USERS, Drawn, Event


@dataclass(frozen=True)
class Join:
    """One row of a table of identities; the moment is UTC."""

    id: str
    user: str
    known_at: datetime


@dataclass(frozen=True)
class Persons:
    """A drawn log and question, and joins of its users, who are ids here."""

    made: Drawn
    joins: tuple[Join, ...]

    def before(self, cutoff: date) -> "Persons":
        """The same without any event or join that was there at a cutoff, or later."""
        now = self.made.midnight(cutoff)
        events = tuple(one for one in self.made.events if one.moment < now and one.known_from < now)
        return Persons(replace(self.made, events=events), tuple(one for one in self.joins if one.known_at < now))


def draw(seed: int) -> Persons:
    """Joins on both sides of the midnights that matter: chains, ids that move, repeated rows, ids joined to themselves.

    Ids are joined to those of higher numbers only, so that none stands in a circle.
    """
    made = question_draws.draw(seed)
    rng = random.Random(f"joins {seed}")
    horizon = int(made.texts["starts_in_days"]) + int(made.texts["horizon_days"])
    edges = [day + timedelta(days=n) for day in made.cutoffs for n in (0, horizon, -7, -28, 3)] + [made.as_of]
    joins = []
    for number in range(USERS - 1):
        own = [_draw_moment(rng, made, edges) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
        if own and rng.random() < 0.2:  # says nothing, being known before anything else is
            joins.append(Join(f"u{number}", f"u{number}", min(own) - timedelta(days=1)))
        for moment in sorted(set(own)):
            least = number + 1 if rng.random() < 0.35 else max(number + 1, USERS // 2)
            joins.append(Join(f"u{number}", f"u{rng.randrange(least, USERS)}", moment))
            if rng.random() < 0.2:  # the same again, as a log of sign-ins has it
                joins.append(replace(joins[-1], known_at=moment + timedelta(seconds=1)))
    told = {(one.id, one.known_at): one for one in joins}
    return Persons(made, tuple(rng.sample(list(told.values()), len(told))))


def _draw_moment(rng: random.Random, made: Drawn, edges: Sequence[date]) -> datetime:
    midnight = made.midnight(rng.choice(edges))
    if rng.random() < 0.6:
        return midnight + rng.choice((-1, 0, 1)) * rng.choice((MICROSECOND, timedelta(hours=5)))
    return midnight + timedelta(minutes=rng.randrange(-40 * 24 * 60, 20 * 24 * 60))


def owner(persons: Persons, one: str, day: date, moment: date) -> str:
    """Whose what an id did on a day is, as it is known at the midnight on which another day begins."""
    now = persons.made.midnight(moment)
    known = sorted(
        (join for join in persons.joins if join.id == one and join.user != one and join.known_at < now),
        key=lambda join: join.known_at,
    )
    if not known:
        return one
    in_force = [join for join in known if persons.made.local_day(join.known_at) <= day]
    return owner(persons, in_force[-1].user if in_force else known[0].user, day, moment)


def seen_at(persons: Persons, moment: date) -> Drawn:
    """The log with the persons in the place of ids, as they are known at a midnight."""
    made = persons.made

    def of(event: Event) -> Event:
        return replace(event, user=owner(persons, event.user, made.local_day(event.moment), moment))

    return replace(made, events=tuple(map(of, made.events)))


def true_cohort(persons: Persons, cutoff: date) -> set[str]:
    """Who is asked about at a cutoff."""
    return question_draws.true_cohort(seen_at(persons, cutoff), cutoff)


def true_label(persons: Persons, cutoff: date, user: str) -> int:
    """Whether the person whom this one turned out to be, by the end of the days that are asked about, did it."""
    texts = persons.made.texts
    end = cutoff + timedelta(days=int(texts["starts_in_days"]) + int(texts["horizon_days"]))
    later = owner(persons, user, cutoff - timedelta(days=1), end)
    return question_draws.true_label(seen_at(persons, end), cutoff, later)


FEATURES = ["days_all", "events_28", "events_all", "recency", "tenure", "value_all"]


def true_features(persons: Persons, cutoff: date) -> pd.DataFrame:
    """Some features of everybody at a cutoff, by user, from the events alone."""
    made = seen_at(persons, cutoff)
    now = made.midnight(cutoff)
    events = [one for one in made.events if one.moment < now and one.known_from < now]
    frame = pd.DataFrame({
        "user_id": [one.user for one in events], "count": [one.count for one in events],
        "ago": [(cutoff - made.local_day(one.moment)).days for one in events],
        "value": [float(one.value or 0) for one in events],
    })  # fmt: skip
    by_user = frame.groupby("user_id")
    recent = frame[frame["ago"] <= 28].groupby("user_id")["count"].sum()
    return pd.DataFrame({
        "days_all": by_user["ago"].nunique(), "events_28": recent.reindex(by_user.size().index, fill_value=0),
        "events_all": by_user["count"].sum(), "recency": by_user["ago"].min().clip(upper=365),
        "tenure": by_user["ago"].max(), "value_all": by_user["value"].sum(),
    }).astype(float).sort_index()  # fmt: skip


def rows_of(persons: Persons) -> Iterable[dict[str, object]]:
    """The joins as a source is read: the moment, and its day by the log's clock."""
    for one in persons.joins:
        yield {
            "user_id": one.id, "person": one.user, "known_time": one.known_at.replace(tzinfo=None),
            "known_day": persons.made.local_day(one.known_at),
        }  # fmt: skip
