"""The log of an invented club whose members differ by what a table of users says of them.

Members join evenly over the log, half of them before it begins, and stay. Each visits on a day with a probability of
their own, and on some visits buys. Of two members alike in all else one from `KEEN` buys twice as often as others, and
one on the plan `plus` one and a half times as often as one who is `free`. Members go over to plus by and by, and nobody
returns. Channel and year of birth mean nothing.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

START = date(2024, 1, 1)
COUNTRIES = {"DE": 0.35, "FR": 0.25, "ES": 0.2, "IT": 0.12, "PT": 0.05, "LU": 0.02, "MT": 0.01}
KEEN = ("ES", "PT")  # who buy twice as often
OF_KEEN, OF_PLUS = 2.0, 1.5
TO_PLUS = 1 / 250  # a day, of a member who is free
VISITS, VISITS_SPREAD = 0.15, 0.6  # of the typical member on a day; log scale
BUYS, BUYS_SPREAD = 0.06, 0.4  # purchases of a visit, of whom nothing makes more; log scale
EARLY = 0.5  # share of members who were there before the log
CHANNELS = ("search", "friend", "advert", "store")


@dataclass(frozen=True)
class Members:
    """What is drawn: `buys` and `visits` are [member, day] numbers of events."""

    start: date
    joined: npt.NDArray[np.int64]  # day of the log; negative: before it
    country: npt.NDArray[np.str_]
    plus_from: npt.NDArray[np.int64]  # the day from which on a member is on the plan plus; it may never come
    channel: npt.NDArray[np.str_]
    born: npt.NDArray[np.int64]
    visits: npt.NDArray[np.int64]
    buys: npt.NDArray[np.int64]

    @property
    def ids(self) -> npt.NDArray[np.str_]:
        return np.array([f"m{number:06d}" for number in range(len(self.joined))])

    def events(self) -> pd.DataFrame:
        """The log, summed up: user_id, day, event_type, count."""
        frames = []
        for kind, counts in (("visit", self.visits), ("buy", self.buys)):
            member, day = np.nonzero(counts)
            days = np.datetime64(self.start, "D") + day
            frames.append(pd.DataFrame(
                {"user_id": self.ids[member], "day": days, "event_type": kind, "count": counts[member, day]}
            ))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    def users(self) -> pd.DataFrame:
        """The table of users: a row from joining on and, of those who went over to plus in the log, one from then on.

        Columns: user_id, valid_from (the day before the first on which it holds), country, plan, channel, born, joined.
        """
        first = pd.DataFrame({
            "user_id": self.ids, "valid_from": [self._day(day) for day in self.joined - 1], "country": self.country,
            "plan": np.where(self.plus_from <= self.joined, "plus", "free"), "channel": self.channel,
            "born": self.born.astype(float), "joined": [self._day(day) for day in self.joined],
        })  # fmt: skip
        later = (self.plus_from > self.joined) & (self.plus_from < self.visits.shape[1])
        second = first[later].assign(plan="plus", valid_from=[self._day(day) for day in self.plus_from[later] - 1])
        return pd.concat([first, second], ignore_index=True)

    def _day(self, number: np.int64) -> date:
        return self.start + timedelta(days=int(number))


def draw(*, seed: int, members: int, days: int, start: date = START) -> Members:
    """Draw a club; the same arguments give the same rows."""
    rng = np.random.default_rng(seed)
    joined = np.where(rng.random(members) < EARLY, -rng.integers(1, 400, members), rng.integers(0, days, members))
    country = rng.choice(list(COUNTRIES), members, p=list(COUNTRIES.values()))
    plus_from = joined + rng.geometric(TO_PLUS, members)
    intensity = VISITS * np.exp(VISITS_SPREAD * rng.standard_normal(members))
    rate = BUYS * np.exp(BUYS_SPREAD * rng.standard_normal(members)) * np.where(np.isin(country, KEEN), OF_KEEN, 1.0)
    day = np.arange(days)
    there = day >= joined[:, None]
    visits = ((rng.random((members, days)) < -np.expm1(-intensity)[:, None]) | (day == joined[:, None])) & there
    buying = rate[:, None] * np.where(day >= plus_from[:, None], OF_PLUS, 1.0)
    return Members(
        start, joined, country, plus_from, rng.choice(CHANNELS, members), rng.integers(1940, 2006, members),
        visits.astype(np.int64), np.where(visits, rng.poisson(buying), 0),
    )  # fmt: skip
