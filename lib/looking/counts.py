"""A number that was counted, or that a part of the rows tells of."""

from dataclasses import dataclass
from math import sqrt

SURE = 1.96  # standard errors on either side, between which an estimate lies in 95 of 100 cases


@dataclass(frozen=True)
class Count:
    """How many, or about how many."""

    number: int
    error: int | None = None  # to either side, with 95 % certainty; None where all were counted

    def __str__(self) -> str:
        return f"{self.number:,}" if self.error is None else f"~{self.number:,} ± {self.error:,}"


def scale(units: int, part: int, squares: int | None = None) -> Count:
    """What one of `part` equally likely shares of all tells of them.

    Parameters
    ----------
    units : int
        What was counted in that share.
    squares : int, optional
        The sum of the squares of what each drawn thing counts for; by default each counts for one.
    """
    if part == 1:
        return Count(units)
    spread = sqrt((units if squares is None else squares) * (1 - 1 / part))
    return Count(units * part, max(1, round(SURE * part * max(spread, 1))))
