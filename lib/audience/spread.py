"""How the propensities of a list are spread, and who stands where: counted and ranked where the rows lie, by SQL.

A total order in one piece would bring all rows to one task. So users are counted by steps of the propensity first;
whole steps make pieces, each is ranked by itself, and how many users and actions lie above it is known by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.audience.ranking import BANDS
from lib.tables.sql import number_sql

STEPS = 100_000  # of the propensity, from 0 to 1
PIECE = 500_000  # users: so many are ranked by one task, or those of one step where that has more
MOST_PIECES = 200
STEP = f"COALESCE(TRY_CAST(FLOOR(propensity * {STEPS}) AS INT), 0)"  # what is no number is for the checks to refuse
RANKED = ("rank", "decile", "percentile", "band", "expected_actions")  # what a row gets


@dataclass(frozen=True)
class Spread:
    """Users by step of their propensity, the highest first, and the sum of the propensities of each."""

    steps: npt.NDArray[np.int64]
    users: npt.NDArray[np.int64]
    expected: npt.NDArray[np.float64]

    @classmethod
    def of(cls, counts: pd.DataFrame) -> "Spread":
        """From what `spread_sql` gives."""
        rows = counts.sort_values("step", ascending=False)
        return cls(rows["step"].to_numpy(np.int64), rows["users"].to_numpy(np.int64), rows["expected"].to_numpy(float))

    @property
    def size(self) -> int:
        """How many users there are."""
        return int(self.users.sum())

    @property
    def total(self) -> float:
        """How many actions are expected of all."""
        return float(self.expected.sum())

    @property
    def mean(self) -> float:
        """The mean propensity; NaN of nobody."""
        return self.total / self.size if self.size else float("nan")

    def below(self, step: int) -> int:
        """How many users stand below a step."""
        return int(self.users[self.steps < step].sum())

    def histogram(self, bins: int) -> npt.NDArray[np.int64]:
        """Users in so many equal parts of the span from 0 to 1."""
        places = np.minimum(self.steps * bins // STEPS, bins - 1)
        return np.bincount(places, self.users, minlength=bins).astype(np.int64)


def spread_sql(rows: str) -> str:
    """SQL for how rows with a propensity are spread: step, users, expected."""
    return f"SELECT {STEP} AS step, COUNT(*) AS users, SUM(propensity) AS expected FROM ({rows}) r GROUP BY {STEP}"


def ranked_sql(rows: str, spread: Spread, columns: Sequence[str]) -> str:
    """SQL for the rows of a list with their places: these columns, then `RANKED`.

    Rank 1 is the highest propensity, equal ones stand in the order of `user_id`, as bytes of UTF-8. Decile and
    percentile 1 are the highest; `band` says how the propensity compares with the mean of all by their odds;
    `expected_actions` is the sum of the propensities down to the row.

    Parameters
    ----------
    rows : SELECT with user_id, propensity and these columns; each user once
    spread : Spread
        Of these very rows.
    """
    lows = cut_pieces(spread)
    above = [spread.steps >= low for low in (STEPS + 1, *lows)]
    users = of_piece_sql([f"CAST({spread.users[part].sum()} AS BIGINT)" for part in above])
    expected = of_piece_sql([number_sql(spread.expected[part].sum()) for part in above])
    over = "OVER (PARTITION BY piece ORDER BY propensity DESC, user_id ROWS UNBOUNDED PRECEDING)"
    names = ", ".join(columns)
    placed = (
        f"SELECT {names}, {users} + ROW_NUMBER() OVER (PARTITION BY piece ORDER BY propensity DESC, user_id) AS place, "
        f"{expected} + SUM(propensity) {over} AS expected_actions "
        f"FROM (SELECT *, {piece_sql(lows)} AS piece FROM ({rows}) r) p"
    )
    return (
        f"SELECT {names}, CAST(place AS INT) AS rank, {_part_sql(10, spread)} AS decile, "
        f"{_part_sql(100, spread)} AS percentile, {_band_sql(spread.mean)} AS band, expected_actions FROM ({placed}) s"
    )


def by_decile_sql(rows: str, spread: Spread) -> str:
    """SQL for the deciles of rows with a propensity: decile, users, expected, share, lowest, highest."""
    return counted_sql(ranked_sql(rows, spread, ("propensity",)), "decile")


def counted_sql(ranked: str, column: str) -> str:
    """SQL for the users of a ranked list by decile or band, the highest first.

    `expected` is the sum of the propensities, `share` its mean.
    """
    return (
        f"SELECT {column}, COUNT(*) AS users, SUM(propensity) AS expected, SUM(propensity) / COUNT(*) AS share, "
        f"MIN(propensity) AS lowest, MAX(propensity) AS highest FROM ({ranked}) l GROUP BY {column} "
        "ORDER BY MIN(rank)"
    )


def cut_pieces(spread: Spread) -> list[int]:
    """The pieces of a list, the highest first: of each but the last its lowest step."""
    above = np.cumsum(spread.users) - spread.users
    size = max(PIECE, -(-spread.size // MOST_PIECES))
    _, firsts = np.unique(above // size, return_index=True)  # of each piece its highest step
    return [int(spread.steps[first - 1]) for first in firsts[1:]]


def piece_sql(lows: Sequence[int]) -> str:
    """The piece of a row, counted from 0."""
    whens = " ".join(f"WHEN {STEP} >= {low} THEN {number}" for number, low in enumerate(lows))
    return f"CASE {whens} ELSE {len(lows)} END" if lows else "0"


def of_piece_sql(values: Sequence[str]) -> str:
    """One of some values by the column `piece`."""
    whens = " ".join(f"WHEN {number} THEN {value}" for number, value in enumerate(values))
    return f"CASE piece {whens} END" if len(values) > 1 else values[0]


def _part_sql(parts: int, spread: Spread) -> str:
    """Which of so many equal parts of the ranks a place is in: the quotient of whole numbers, exact to 10^13 users."""
    return f"CAST(FLOOR((place - 1) * {parts} / {max(spread.size, 1)}) AS INT) + 1"


def _band_sql(mean: float) -> str:
    """The propensity beside the mean, by odds multiplied out: none of 1 is divided by 0."""
    mean = 0.0 if np.isnan(mean) else mean
    odds, usual = f"propensity * {number_sql(1 - mean)}", f"({number_sql(mean)} * (1 - propensity))"
    names, limits = list(BANDS), [f"{number_sql(limit)} * {usual}" for limit in list(BANDS.values())[:4]]
    signs = (">", ">", ">=", ">=")  # at the limit a band is the one that is nearer to the average
    cases = zip(names[:4], signs, limits, strict=True)
    whens = " ".join(f"WHEN {odds} {sign} {limit} THEN '{name}'" for name, sign, limit in cases)
    return f"CASE {whens} ELSE '{names[4]}' END"
