"""What contacting users has added so far, by past lists together, and when that is known."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.audience.contacts import ARM
from lib.audience.habits import UNKNOWN, find_habit
from lib.audience.parts import DECILES, HELD_OUT, NOT_HELD_OUT
from lib.audience.sides import EFFECTS
from lib.evaluation.measured import Measured
from lib.timeline import apart, known_on

Basis = Literal["effect", "effect_chosen", "effect_contacted"]
WORTH_KNOWING = 0.1  # an effect of so much of the base rate, where no cost and value say more
YEARS = 5  # what takes longer to be known is not waited for


@dataclass(frozen=True)
class Effect:
    """What contacting has added, by the users held out of past lists: of 1 user, a share."""

    lists: int  # whose days do not overlap
    overall: Measured
    deciles: tuple[Measured, ...]  # each drawn towards all together as far as it is uncertain; () where not known
    basis: Basis = "effect"  # what was compared: of lists that differ in it, by whatever tells least
    habit: float = 0.0  # how alike users stray from their propensities list after list, as far as it was measured

    def turned(self) -> "Effect":
        """The effect on those who do the opposite."""
        return replace(self, overall=-self.overall, deciles=tuple(-one for one in self.deciles))

    def of_deciles(self) -> tuple[Measured, ...]:
        """The effect on a user of each decile."""
        return self.deciles or (self.overall,) * len(DECILES)

    def added(self, users_by_decile: Sequence[int]) -> Measured:
        """How many more of these users act since they are contacted."""
        users, of_one = np.asarray(users_by_decile, float), self.of_deciles()
        value, low, high = (float(users @ [getattr(one, end) for one in of_one]) for end in ("value", "low", "high"))
        return Measured(value, low, high)

    def of_users(self, deciles: Iterable[int]) -> npt.NDArray[np.float64]:
        """What a contact adds to each of some users, by their deciles."""
        values = np.array([one.value for one in self.of_deciles()])
        added: npt.NDArray[np.float64] = values[np.asarray(list(deciles), int) - 1]
        return added

    def is_known(self, wanted: float) -> bool:
        """Whether it is shown not to be none, or told as closely as `wanted`."""
        arm = self.overall.high - self.overall.value
        return self.overall.low > 0 or self.overall.high < 0 or arm <= wanted


def pool_effect(outcomes: pd.DataFrame, horizon_days: int) -> Effect | None:
    """Take together what the users held out of past lists show; None where no list had any.

    Of each list counts what tells of a contact most nearly: by who was contacted, else by who stood in a file, else by
    who was on the list. The users held out are the same ones list after list: what chance made of them would never
    average out. So where they were likelier to act than the others, or less likely, that much is allowed for; and as
    far as what users do beyond that comes back with every list, another list tells nothing new.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of `outcomes` of one question, each cutoff, part and metric once. Of lists whose days overlap one counts.
    """
    rows = _nearest(outcomes[outcomes["metric"].isin(EFFECTS)])
    whole = rows[rows["part"] == NOT_HELD_OUT]
    ahead = whole["cutoff"].map(_how_far_ahead(outcomes)).where(whole["metric"] == "effect", 0.0)
    whole = whole.assign(**{name: whole[name] - ahead.fillna(0.0) for name in ("measured", "low", "high")})
    cutoffs = apart(whole["cutoff"], horizon_days)
    if not cutoffs:
        return None
    whole = whole[whole["cutoff"].isin(cutoffs)]
    habit = find_habit(outcomes)
    alike = UNKNOWN if habit is None else habit
    overall = _pool(whole, alike)
    parts = [rows[(rows["part"] == name) & rows["cutoff"].isin(cutoffs)] for name in DECILES]
    measured = [_pool(part, alike) if len(part) else None for part in parts]
    deciles = tuple(_shrink(measured, overall)) if any(measured) else ()
    basis = max(whole["metric"], key=EFFECTS.index)
    return Effect(len(cutoffs), overall, deciles, basis, habit or 0.0)


def has_estimates(rows: pd.DataFrame) -> bool:
    """Whether effects were estimated user by user, so that the list is in their order."""
    return "effect" in rows and bool(rows["effect"].notna().any())


def with_effects(ranked: pd.DataFrame, effect: Effect | None, value: float | None, cost: float | None) -> pd.DataFrame:
    """A list in the order of whom to contact first, with what a contact adds to each user, `adds`, where that decides.

    Where effects were estimated user by user, the largest stand first. Else what a decile shows is added where it is
    known; that contacts pay nowhere counts as known where the whole interval says so.

    Parameters
    ----------
    ranked : DataFrame[rank, decile], and `effect` where it was estimated
    """
    if has_estimates(ranked):
        ordered = ranked.sort_values(["effect", "rank"], ascending=[False, True], ignore_index=True)
        return ordered.assign(adds=ordered["effect"].fillna(0.0))
    if effect is None or not value or cost is None or not effect.is_known(cost / value):
        return ranked
    pays = max(one.value for one in effect.of_deciles()) * value > cost
    if not pays and effect.overall.high * value > cost:
        return ranked  # where nobody is contacted nothing more is learnt: that has to be shown
    return ranked.assign(adds=effect.of_users(ranked["decile"]))


def lists_until_known(one_list: float, wanted: float, habit: float = 0.0) -> int | None:
    """How many lists it takes until the arm of an effect's interval is `wanted`, if one list's is `one_list`.

    None: never, since so much of what chance made of the users held out comes back with every list.
    """
    if wanted >= one_list:
        return 1
    beyond_habit = (wanted / one_list) ** 2 - habit
    return math.ceil((1 - habit) / beyond_habit) if beyond_habit > 0 else None


def effect_arm(rate: float, held: int, others: int) -> float:
    """How far the 90 % interval of an effect reaches, measured on one list where so many act by themselves."""
    return ARM * math.sqrt(rate * (1 - rate) * (1 / held + 1 / others))


def lists_to_wait(effect: Effect | None, rate: float, held: int, others: int, wanted: float) -> int | None:
    """After how many more lists an effect of `wanted` can be told; 0: now; None: never."""
    if effect is not None and effect.is_known(wanted):
        return 0
    if not held or not others or not 0 < rate < 1 or not wanted:
        return None
    habit, lists = (effect.habit, effect.lists) if effect else (0.0, 0)
    needed = lists_until_known(effect_arm(rate, held, others), wanted, habit)
    return None if needed is None else max(1, needed - lists)


def when_known(cutoff: date, horizon_days: int, delay_days: int, later: int | None) -> date | None:
    """The day on which so many more lists are known; None: not in `YEARS`."""
    if later is None or later * horizon_days > YEARS * 365:
        return None
    return known_on(cutoff, horizon_days, delay_days, later - 1) if later else cutoff


def _nearest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each list the rows of the metric of `EFFECTS` that its whole has and comes first."""
    whole = rows[rows["part"] == NOT_HELD_OUT]
    first = whole["metric"].map(EFFECTS.index).groupby(whole["cutoff"]).min()
    return rows[rows["metric"].map(EFFECTS.index) == rows["cutoff"].map(first)]


def _how_far_ahead(outcomes: pd.DataFrame) -> "pd.Series[float]":
    """By list, how much likelier to act those not held out were than those held out, by their propensities alone."""
    rates = outcomes[outcomes["metric"] == "rate"].set_index("cutoff")
    others, held = (rates[rates["part"] == part] for part in (NOT_HELD_OUT, HELD_OUT))
    return (others["expected"] / others["users"] - held["expected"] / held["users"]).astype(float)


def _pool(rows: pd.DataFrame, habit: float) -> Measured:
    """The mean of measurements, each by its certainty, any two of which err alike by so much, as a correlation."""
    arms = ((rows["high"] - rows["low"]) / 2).to_numpy(float).clip(min=1e-9)
    weights = 1 / arms**2
    value = float(weights @ rows["measured"].to_numpy(float) / weights.sum())
    squared = (1 - habit) * weights.sum() + habit * (1 / arms).sum() ** 2  # variance of the weighted sum, in arms
    arm = float(np.sqrt(squared) / weights.sum())
    return Measured(value, value - arm, value + arm)


def _shrink(parts: Sequence[Measured | None], overall: Measured) -> list[Measured]:
    """Draw each part towards all together, by how much parts differ beyond chance (empirical Bayes).

    A part of which nothing was measured is taken for one as the others are.
    """
    known = np.array([part is not None for part in parts])
    values = np.array([overall.value if part is None else part.value for part in parts])
    noise = np.array([0.0 if part is None else part.high - part.value for part in parts]) / ARM
    between = max(0.0, float(((values - overall.value) ** 2 - noise**2)[known].mean()))
    own = np.where(known, between / np.maximum(between + noise**2, 1e-18), 0.0)
    centre = own * values + (1 - own) * overall.value
    apart_by = np.sqrt(np.where(known, own * noise**2, between)) * ARM
    arms = np.hypot(apart_by, (1 - own) * (overall.high - overall.value))
    return [Measured(float(c), float(c - a), float(c + a)) for c, a in zip(centre, arms, strict=True)]
