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


def sums_of_both(now: pd.DataFrame, before: pd.DataFrame, held_out: Collection[str]) -> pd.DataFrame:
    """What `lib.audience.habits.habit_sql` gives of two frames with user_id, propensity and label."""
    both = now.merge(before, on="user_id", suffixes=("", "_before"))
    beyond, beyond_before = (
        (both[f"label{when}"] - both[f"propensity{when}"]).to_numpy(float) for when in ("", "_before")
    )
    return sum_beyond(beyond, beyond_before, both["user_id"].isin(list(held_out)).to_numpy(bool))


def sum_beyond(
    now: npt.NDArray[np.float64], before: npt.NDArray[np.float64], held: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """The same, of what each user did beyond the propensity on either list."""
    terms = {"users": np.ones(len(held), int), "now": now, "before": before, "now_squared": now**2,
             "before_squared": before**2, "product": now * before}  # fmt: skip
    sides = (held == side for side in (False, True))
    return pd.DataFrame([{name: values[side].sum() for name, values in terms.items()} for side in sides]).assign(
        side=[False, True]
    )
