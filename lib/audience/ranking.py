"""The list that people act on: ranked, banded, and with some users whom nobody is to contact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

# A band begins where the odds of the propensity are more than so many times those of the list's mean.
BANDS: Mapping[str, float] = {
    "far above average": 4.0, "above average": 1.5, "average": 1 / 1.5,
    "below average": 1 / 4, "far below average": 0.0,
}  # fmt: skip
QUESTION, HOME = "question", "home"  # for whom users are held out; no slug is so short
DIGEST_BYTES = 8  # of a user's place among all users, from 0 to 1


@dataclass(frozen=True)
class HeldOut:
    """Which users nobody is to contact, so that what contacting adds can be measured: a share, by chance."""

    question: str  # slug: each question leaves other users alone; HOME: all questions the same
    share: float
    seed: int

    @classmethod
    def of(cls, slug: str, held_for: str, share: float, seed: int) -> Self:
        """Those of one question, or of the home, as `hold_out_for` says."""
        return cls(HOME if held_for == HOME else slug, share, seed)

    @property
    def of_home(self) -> bool:
        """Whether they are held out of all questions."""
        return self.question == HOME

    def flags(self, users: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Mark these users: the same ones every time, and with a larger share the same ones and more."""
        key, limit = f"{self.question} {self.seed}".encode(), self.share * 256**DIGEST_BYTES
        digests = (blake2b(str(user).encode(), key=key[-64:], digest_size=DIGEST_BYTES).digest() for user in users)
        return np.array([int.from_bytes(digest) < limit for digest in digests], bool)


def equal_parts(users: int, number: int) -> npt.NDArray[np.int32]:
    """Part so many ranks into equal parts: 1 is the highest."""
    return (np.arange(users) * number // max(users, 1) + 1).astype(np.int32)


def format_list(ranked: pd.DataFrame) -> list[str]:
    """A line for each row of a list: rank, user, propensity, and the strongest reason where there is one."""
    strongest = ranked["reasons"].fillna("").str.split("; ").str[0]
    columns = ranked["rank"], ranked["user_id"], ranked["propensity"], strongest
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [f"  {rank:>3}  {user:<20} {propensity:.4f}  {why}".rstrip() for rank, user, propensity, why in rows]
