"""Lists in pandas, as they were made when a whole list was one frame: what the SQL of lists is held against."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.audience.ranking import BANDS, HeldOut, equal_parts


def rank(predictions: pd.DataFrame, low_evidence: bool, held_out: HeldOut) -> pd.DataFrame:
    """A list of one question's predictions, as it was made when the whole list was one frame."""
    return _place(predictions.assign(low_evidence=low_evidence, held_out=held_out.flags(predictions["user_id"])))


def leave_out(ranked: pd.DataFrame, users: Collection[str]) -> pd.DataFrame:
    """The same list without some users: those behind them move up, and who is held out stays held out."""
    return _place(ranked[~ranked["user_id"].isin(list(users))])


def _place(rows: pd.DataFrame) -> pd.DataFrame:
    ordered = rows.sort_values(["propensity", "user_id"], ascending=[False, True], ignore_index=True)
    return ordered.assign(
        rank=np.arange(1, len(ordered) + 1, dtype=np.int32),
        decile=equal_parts(len(ordered), 10),
        percentile=equal_parts(len(ordered), 100),
        band=name_bands(ordered["propensity"].to_numpy(float)),
        expected_actions=ordered["propensity"].cumsum(),
    )


def name_bands(propensities: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """How each propensity compares with the mean of all, by odds."""
    mean = propensities.mean() if len(propensities) else 0.0
    odds, usual = propensities * (1 - mean), mean * (1 - propensities)  # multiplied out: no odds of 1 are divided by 0
    above = [odds > limit * usual for limit in list(BANDS.values())[:2]]
    below = [odds >= limit * usual for limit in list(BANDS.values())[2:4]]
    return np.select([*above, *below], list(BANDS)[:4], list(BANDS)[4]).astype(object)
