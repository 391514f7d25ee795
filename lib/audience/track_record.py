"""What past lists say together: a bias that lasts, and what contacting users has added so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.audience.contacts import ARM
from lib.audience.outcomes import DECILES, HELD_OUT, NOT_HELD_OUT
from lib.evaluation.measured import Measured
from lib.timeline import apart

LONG = 6  # lists in a row on one side: by chance once in 32
SHORT = 3  # so many are enough where the whole interval of them together lies on that side too


@dataclass(frozen=True)
class Bias:
    """Lists in a row, up to the newest known one, that all expected too many actions, or all too few."""

    lists: int
    factor: Measured  # expected over observed actions of them together
    lasting: bool  # whether chance alone hardly explains it

    @property
    def too_many(self) -> bool:
        return self.factor.value > 1


def find_bias(past: pd.DataFrame, horizon_days: int) -> Bias | None:
    """See whether the newest lists all erred to one side.

    Parameters
    ----------
    past : DataFrame[cutoff, expected, observed, ratio_low, ratio_high]
        A row per list whose outcome is known, oldest first. Lists whose days overlap are not taken for independent.

    Returns
    -------
    Bias or None
        None without a list, or where nobody acted.
    """
    sides = np.sign((past["expected"] - past["observed"]).to_numpy(float))[::-1]
    if not len(sides) or not sides[0]:
        return None
    other = np.flatnonzero(sides != sides[0])
    lists = past.tail(int(other[0]) if len(other) else len(sides))
    observed = float(lists["observed"].sum())
    spread = _spread(lists["ratio_low"], lists["ratio_high"])
    if not observed or math.isnan(spread):
        return None
    value = float(lists["expected"].sum()) / observed
    arm = ARM * spread / math.sqrt(len(apart(lists["cutoff"], horizon_days)))
    factor = Measured(value, value * math.exp(-arm), value * math.exp(arm))
    one_sided = factor.low > 1 or factor.high < 1
    return Bias(len(lists), factor, len(lists) >= LONG or (len(lists) >= SHORT and one_sided))


@dataclass(frozen=True)
class Effect:
    """What contacting has added, by the users held out of past lists: of 1 user, a share."""

    lists: int  # whose days do not overlap
    overall: Measured
    deciles: tuple[Measured, ...]  # each drawn towards all together as far as it is uncertain; () where not known

    def turned(self) -> "Effect":
        """The effect on those who do the opposite."""
        return Effect(self.lists, -self.overall, tuple(-one for one in self.deciles))

    def added(self, users_by_decile: Sequence[int]) -> Measured:
        """How many more of these users act since they are contacted."""
        users = np.asarray(users_by_decile, float)
        of_one = self.deciles or (self.overall,) * len(users)
        value, low, high = (float(users @ [getattr(one, end) for one in of_one]) for end in ("value", "low", "high"))
        return Measured(value, low, high)


def pool_effect(outcomes: pd.DataFrame, horizon_days: int) -> Effect | None:
    """Take together what the users held out of past lists show; None where no list had any.

    The users held out are the same ones list after list: what chance made of them would never average out. So where
    they were likelier to act than the others, or less likely, that much is allowed for.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of `outcomes` of one question, each cutoff, part and metric once. Of lists whose days overlap one counts.
    """
    rows = outcomes[outcomes["metric"] == "effect"]
    whole = rows[rows["part"] == NOT_HELD_OUT]
    ahead = whole["cutoff"].map(_how_far_ahead(outcomes)).fillna(0.0).to_numpy(float)
    whole = whole.assign(**{name: whole[name] - ahead for name in ("measured", "low", "high")})
    cutoffs = apart(whole["cutoff"], horizon_days)
    if not cutoffs:
        return None
    overall = _pool(whole[whole["cutoff"].isin(cutoffs)])
    parts = [rows[(rows["part"] == name) & rows["cutoff"].isin(cutoffs)] for name in DECILES]
    deciles = tuple(_shrink([_pool(part) for part in parts], overall)) if all(map(len, parts)) else ()
    return Effect(len(cutoffs), overall, deciles)


def lists_until_known(one_list: float, wanted: float) -> int:
    """How many lists it takes until the arm of an effect's interval is `wanted`, if one list's is `one_list`."""
    return max(1, math.ceil((one_list / wanted) ** 2))


def effect_arm(rate: float, held: int, others: int) -> float:
    """How far the 90 % interval of an effect reaches, measured on one list where so many act by themselves."""
    return ARM * math.sqrt(rate * (1 - rate) * (1 / held + 1 / others))


def _how_far_ahead(outcomes: pd.DataFrame) -> "pd.Series[float]":
    """By list, how much likelier to act those not held out were than those held out, by their propensities alone."""
    rates = outcomes[outcomes["metric"] == "rate"].set_index("cutoff")
    others, held = (rates[rates["part"] == part] for part in (NOT_HELD_OUT, HELD_OUT))
    return (others["expected"] / others["users"] - held["expected"] / held["users"]).astype(float)


def _pool(rows: pd.DataFrame) -> Measured:
    """The mean of independent measurements, each by its certainty."""
    arms = ((rows["high"] - rows["low"]) / 2).to_numpy(float).clip(min=1e-9)
    weights = 1 / arms**2
    value, arm = float(weights @ rows["measured"].to_numpy(float) / weights.sum()), float(weights.sum() ** -0.5)
    return Measured(value, value - arm, value + arm)


def _shrink(parts: Sequence[Measured], overall: Measured) -> list[Measured]:
    """Draw each part towards all together, by how much parts differ beyond chance (empirical Bayes)."""
    values = np.array([part.value for part in parts])
    noise = np.array([part.high - part.value for part in parts]) / ARM
    between = max(0.0, float(((values - overall.value) ** 2 - noise**2).mean()))
    own = between / (between + noise**2)
    centre = own * values + (1 - own) * overall.value
    arms = np.hypot(np.sqrt(own) * noise * ARM, (1 - own) * (overall.high - overall.value))
    return [Measured(float(c), float(c - a), float(c + a)) for c, a in zip(centre, arms, strict=True)]


def _spread(low: "pd.Series[float]", high: "pd.Series[float]") -> float:
    """The usual uncertainty of one list's ratio, as a standard deviation of its logarithm."""
    return float(np.median(np.log(high.to_numpy(float) / low.to_numpy(float)) / (2 * ARM)))
