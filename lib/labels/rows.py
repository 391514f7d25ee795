"""Labelled feature rows, and seeded draws of their users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.attributes.codes import encode_texts
from lib.attributes.columns import is_text
from lib.errors import OneClass

KEYS = ("user_id", "cutoff", "label")
WEIGHT = "weight"  # column of sampled rows: how many rows of the population each one stands for


@dataclass(frozen=True)
class Rows:
    """Labelled feature rows of some cutoffs: one row per user and cutoff."""

    frame: pd.DataFrame  # user_id, cutoff, label and feature columns; weight where the rows are a sample

    @property
    def X(self) -> pd.DataFrame:
        """The features. A column that a row's cutoff did not know is 0 there; a text is its code."""
        names = [name for name in self.frame if name not in (*KEYS, WEIGHT)]
        texts = [name for name in names if is_text(str(name))]
        numbers = self.frame[[name for name in names if name not in texts]].astype(np.float32).fillna(0.0)
        if not texts:
            return numbers
        codes = encode_texts(self.frame[texts]).astype(np.float64)  # single precision would make others of them
        return pd.concat([numbers, codes.fillna(0.0)], axis=1)

    @property
    def y(self) -> npt.NDArray[np.int64]:
        """The labels, 0 or 1."""
        return self.frame["label"].to_numpy(np.int64)

    @property
    def users(self) -> npt.NDArray[np.object_]:
        """The user of each row."""
        return self.frame["user_id"].to_numpy(object)

    @property
    def weight(self) -> npt.NDArray[np.float64] | None:
        """How many rows each row stands for, beside the average one of these; None where each stands for itself.

        With a mean of 1 a penalty, or a prior, weighs as much against a sample as against so many plain rows.
        """
        if WEIGHT not in self.frame:
            return None
        weight = self.frame[WEIGHT].to_numpy(np.float64)
        return weight / weight.mean() if len(weight) else weight

    @property
    def positives(self) -> int:
        """How many rows acted."""
        return int(self.frame["label"].sum())

    def at(self, cutoffs: Sequence[date]) -> "Rows":
        """The rows of some cutoffs."""
        return Rows(self.frame[self.frame["cutoff"].isin(list(cutoffs))].reset_index(drop=True))

    def newest(self, history: int) -> "Rows":
        """The rows of the newest `history` cutoffs; all where it is 0, or where these hold one class only."""
        newest = self.at(sorted(set(self.frame["cutoff"]), reverse=True)[:history]) if history else self
        return newest if newest.has_both_classes else self

    @property
    def has_both_classes(self) -> bool:
        """Whether some acted and some did not."""
        return 0 < self.positives < len(self)

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Rows":
        """The rows that a mask chooses."""
        return Rows(self.frame[chosen].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.frame)


def thin_rows(rows: Rows, most: int, seed: int) -> Rows:
    """Sample about `most` rows: every n-th cutoff, the newest first, then some of the users by a seeded hash.

    Weekly cutoffs of one user say nearly the same, so cutoffs go before users. Every row has the same chance.
    """
    if len(rows) <= most:
        return rows
    cutoffs = sorted(set(rows.frame["cutoff"]), reverse=True)
    thinned = rows.at(cutoffs[:: min(-(-len(rows) // most), len(cutoffs))])
    if len(thinned) <= most:
        return thinned
    return thinned.of(user_hash(thinned.users, seed) < most / len(thinned))


def user_hash(users: npt.NDArray[np.object_], seed: int) -> npt.NDArray[np.float64]:
    """A place from 0 to 1 for each user, by a seeded hash: those below a share are a sample of about that share."""
    # pandas hashes a million texts in half a second, where a digest of each would take several
    return pd.util.hash_array(users, hash_key=f"{seed:016d}") / 2.0**64


def user_half(users: npt.NDArray[np.object_], seed: int) -> npt.NDArray[np.bool_]:
    """Mark about half of the users, by a seeded hash: the same half in every run and on every machine."""
    key = str(seed).encode()
    return np.array([blake2b(str(user).encode(), key=key, digest_size=1).digest()[0] < 128 for user in users])


def check_two_classes(y: npt.NDArray[np.int64], where: str, came_true: str) -> None:
    """Refuse labels that are all alike; `came_true` says what those of label 1 did, like `did buy`.

    Raises
    ------
    OneClass
        The message says which rows, and how many of them acted.
    """
    if len(y) == 0 or y.min() == y.max():
        raise OneClass(
            f"Of {len(y)} users {where}, {int(y.sum())} {came_true}: with one class only nothing can be learnt "
            "or judged. Choose an action that some do and some do not, a longer horizon, or another cohort."
        )
