"""What past lists say together of how many act: a bias that lasts."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.audience.contacts import ARM
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


def _spread(low: "pd.Series[float]", high: "pd.Series[float]") -> float:
    """The usual uncertainty of one list's ratio, as a standard deviation of its logarithm."""
    return float(np.median(np.log(high.to_numpy(float) / low.to_numpy(float)) / (2 * ARM)))
