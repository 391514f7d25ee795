"""The list that people act on: ranked, banded, and with some users whom nobody is to contact."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pandas as pd

# A band begins where the odds of the propensity are more than so many times those of the list's mean.
BANDS: Mapping[str, float] = {
    "far above average": 4.0, "above average": 1.5, "average": 1 / 1.5,
    "below average": 1 / 4, "far below average": 0.0,
}  # fmt: skip
DIGEST_BYTES = 8  # of a user's place among all users, from 0 to 1


@dataclass(frozen=True)
class HeldOut:
    """Which users nobody is to contact, so that what contacting adds can be measured: a share, by chance."""

    question: str  # slug: each question leaves other users alone
    share: float
    seed: int

    def flags(self, users: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Mark these users: the same ones every time, and with a larger share the same ones and more."""
        key, limit = f"{self.question} {self.seed}".encode(), self.share * 256**DIGEST_BYTES
        digests = (blake2b(str(user).encode(), key=key[-64:], digest_size=DIGEST_BYTES).digest() for user in users)
        return np.array([int.from_bytes(digest) < limit for digest in digests], bool)


def rank(predictions: pd.DataFrame, low_evidence: bool, held_out: HeldOut) -> pd.DataFrame:
    """Make a list of one question's predictions at one cutoff.

    Parameters
    ----------
    predictions : DataFrame
        Rows of the `predictions` table.

    Returns
    -------
    DataFrame
        Rows of the `audience` table, best first. Equal propensities are ranked by user_id; decile 1 and percentile 1
        are the highest.
    """
    flags = held_out.flags(predictions["user_id"])
    return _place(predictions.assign(low_evidence=low_evidence, held_out=flags))


def leave_out(ranked: pd.DataFrame, users: Collection[str]) -> pd.DataFrame:
    """The same list without some users: those behind them move up, and who is held out stays held out."""
    kept = ranked[~ranked["user_id"].isin(list(users))]
    return ranked if len(kept) == len(ranked) else _place(kept)


def _place(rows: pd.DataFrame) -> pd.DataFrame:
    ordered = order_by_propensity(rows)
    return ordered.assign(
        percentile=equal_parts(len(ordered), 100),
        band=name_bands(ordered["propensity"].to_numpy(float)),
        expected_actions=ordered["propensity"].cumsum(),
    )


def order_by_propensity(predictions: pd.DataFrame) -> pd.DataFrame:
    """Order users by propensity and user_id, and say for each its rank and decile: what lists are compared by."""
    ordered = predictions.sort_values(["propensity", "user_id"], ascending=[False, True], ignore_index=True)
    return ordered.assign(rank=np.arange(1, len(ordered) + 1, dtype=np.int32), decile=equal_parts(len(ordered), 10))


def equal_parts(users: int, number: int) -> npt.NDArray[np.int32]:
    """Part so many ranks into equal parts: 1 is the highest."""
    return (np.arange(users) * number // max(users, 1) + 1).astype(np.int32)


def name_bands(propensities: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Say in words how each propensity compares with the mean of all: by odds, so that no rate is too high for it."""
    mean = propensities.mean() if len(propensities) else 0.0
    odds, usual = propensities * (1 - mean), mean * (1 - propensities)  # multiplied out: no odds of 1 are divided by 0
    above = [odds > limit * usual for limit in list(BANDS.values())[:2]]
    below = [odds >= limit * usual for limit in list(BANDS.values())[2:4]]
    return np.select([*above, *below], list(BANDS)[:4], list(BANDS)[4]).astype(object)


def format_list(ranked: pd.DataFrame) -> list[str]:
    """A line for each row of a list: rank, user, propensity, and the strongest reason where there is one."""
    strongest = ranked["reasons"].fillna("").str.split("; ").str[0]
    columns = ranked["rank"], ranked["user_id"], ranked["propensity"], strongest
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [f"  {rank:>3}  {user:<20} {propensity:.4f}  {why}".rstrip() for rank, user, propensity, why in rows]
