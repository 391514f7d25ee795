"""The rules of an invented recipe app: who uses it, what they do, and what a drift changes.

One day after the other:

1. A user arrives, visits on that first day, and at the end of every day leaves for good with the
   same small probability of their own.
2. On every later day of their stay they visit, at most once, with a probability that follows from
   their own intensity, the weekday and the time of year.
3. A visit has at least one `open`, and of every event type an independent Poisson number whose mean
   is the user's own.
4. From `drift_day` on, taste turns round: who liked recipes most (and viewed most) now favours, cooks
   and shares least, and the other way about; viewing itself keeps its fans. Everybody visits less and
   views more.

All that differs between users is drawn once and stays, so the past tells the future; given these
traits the days are independent, which is what makes the probability of an action exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Per event type, its mean number in a visit of the typical user (open: beyond the first one) ...
PER_VISIT = {"open": 0.3, "search": 0.8, "view": 2.0, "favorite": 0.12, "cook": 0.10, "share": 0.02}
# ... and how much that number grows with the interest in recipes: log scale, per standard deviation.
INTEREST = {"open": 0.0, "search": 0.2, "view": 0.8, "favorite": 0.8, "cook": 0.9, "share": 0.7}
TYPES = tuple(PER_VISIT)
OWN_TASTE = 0.4  # spread (log scale) of what is a user's own in each type, beside that interest

INTENSITY = 0.25  # of the typical user; they visit on a day with probability 1 - exp(-intensity)
INTENSITY_SPREAD = 0.9  # log scale: one user in six has 2.5 times as much or more, one in six 2.5 times less
STAY_DAYS = 300.0  # mean stay of the typical user
STAY_SPREAD = 0.5  # log scale
STAY_OF_KEEN = 0.3  # log scale, per standard deviation of intensity: who comes often stays longer
EARLY = 0.5  # share of users who are there when the log begins; the others arrive evenly over it

WEEK = np.array([0.90, 0.85, 0.85, 0.90, 1.05, 1.25, 1.20])  # Monday to Sunday; the mean is 1
YEAR_SWING = 0.2  # intensity: this much more in mid-January, this much less in mid-July
YEAR_PEAK = date(2024, 1, 15).toordinal()

REVERSED = ("favorite", "cook", "share")  # what a drift turns round: taste for these changes its sign
DRIFT_VISITS = 0.8  # from the drift on, everybody's intensity is multiplied by this,
DRIFT_VIEWS = 1.4  # and everybody's views in a visit by this

CHUNK = 2000  # users drawn at a time, which bounds the memory


@dataclass(frozen=True, kw_only=True)
class World:
    """What the log is to be like. Days are counted from `start`, which is day 0."""

    seed: int
    users: int
    days: int
    start: date
    drift_day: int | None
    activity: float  # multiplies everybody's intensity

    def __post_init__(self) -> None:
        if min(self.users, self.days) < 1 or min(self.seed, self.drift_day or 0) < 0 or self.activity <= 0:
            raise DatasetError(
                f"No such log: users={self.users}, days={self.days}, seed={self.seed}, "
                f"drift_day={self.drift_day}, activity={self.activity}. "
                "Ask for users and days >= 1, seed and drift_day >= 0, activity > 0."
            )

    def population(self) -> Iterator[tuple["Users", np.random.Generator]]:
        """All users, chunk by chunk, each with the generator that is to draw what they do."""
        for first in range(0, self.users, CHUNK):
            traits, behaviour = np.random.default_rng([self.seed, first]).spawn(2)
            yield Users.draw(traits, self.days, first, min(CHUNK, self.users - first)), behaviour

    def regime(self, day: Ints) -> Ints:
        """0 before the drift, 1 from it on."""
        return np.zeros_like(day) if self.drift_day is None else (day >= self.drift_day).astype(np.int64)

    def demand(self, day: Ints) -> Floats:
        """What multiplies everybody's intensity on each day: weekday, season, drift and `activity`."""
        ordinal = self.start.toordinal() + day
        weekday = (ordinal + 6) % 7  # Monday is 0
        season = 1 + YEAR_SWING * np.cos(2 * np.pi * (ordinal - YEAR_PEAK) / 365.2425)
        drift = np.array([1.0, DRIFT_VISITS])[self.regime(day)]
        return np.asarray(self.activity * WEEK[weekday] * season * drift)


@dataclass(frozen=True, kw_only=True)
class Users:
    """The latent state of some users: one position of every array is one user."""

    number: Ints
    arrives: Ints  # the day of the first visit; -1: before the log began
    leaves: Ints  # the first day without them
    leaving: Floats  # probability of leaving at the end of a day
    intensity: Floats  # before `World.demand` multiplies it
    per_visit: Floats  # [regime, user, type]: mean number of events in a visit

    @classmethod
    def draw(cls, rng: np.random.Generator, days: int, first: int, size: int) -> "Users":
        """Draw `size` users of a log of `days` days, numbered from `first` on."""
        keen, interest, stay = rng.standard_normal((3, size))
        individual = OWN_TASTE * rng.standard_normal((size, len(TYPES)))
        taste = np.outer(interest, list(INTEREST.values())) + individual
        taste_drifted = np.where(np.isin(TYPES, REVERSED), -taste, taste)
        typical = np.array(list(PER_VISIT.values()))
        typical_drifted = typical * np.where(np.isin(TYPES, "view"), DRIFT_VIEWS, 1.0)

        arrives = np.where(rng.random(size) < EARLY, -1, rng.integers(0, days, size))
        leaving = 1 / (1 + STAY_DAYS * np.exp(STAY_SPREAD * stay + STAY_OF_KEEN * keen))
        return cls(
            number=np.arange(first, first + size),
            arrives=arrives,
            leaves=np.maximum(arrives, 0) + rng.geometric(leaving),  # the early ones are still there on day 0
            leaving=leaving,
            intensity=INTENSITY * np.exp(INTENSITY_SPREAD * keen),
            per_visit=np.stack([typical * np.exp(taste), typical_drifted * np.exp(taste_drifted)]),
        )

    def visit_probability(self, demand: Floats) -> Floats:
        """[user, day]: probability that a user who is there visits."""
        return np.asarray(-np.expm1(-np.outer(self.intensity, demand)))
