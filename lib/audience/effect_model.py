"""What a contact adds to each user's chance: an R-learner (Nie and Wager, 2021) over past lists, cross-fitted by users.

What a user did beyond the propensity, beside what the user's side would have done on average, is explained by what was
known before. The same users are held out list after list, and their habits last: a model that has learnt how a user
turned out would tell that habit again and call it an effect. So nobody is estimated by what was learnt from themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

Floats = npt.NDArray[np.float64]
KEYS = ("user_id", "cutoff", "treated", "label", "propensity")  # of a row; its other columns are what was known before
LABEL_BY = "label_by_"  # of columns that hold what was known of a label by an earlier day, by `label_by`
BESIDE = 4  # contacted users beside one left alone that are learnt from
LEAF = 0.04  # share of the rows that a leaf has at least
BINS = 63  # of a column's values: leaves of that size need no more
FOLDS = 3  # of users: each is estimated by what was learnt from the others


@dataclass(frozen=True)
class EffectModel:
    """What a contact adds to each user's chance, by what was known of the user before."""

    columns: tuple[str, ...]
    regressors: tuple["HistGradientBoostingRegressor", ...]  # by fold; each learnt from the users of all others

    def estimate(self, known: pd.DataFrame) -> Floats:
        """Estimate it, from -1 to 1; a column that is not there any more counts as unknown.

        Parameters
        ----------
        known : DataFrame[user_id, propensity, and columns that were learnt from]
        """
        values, folds = _figures(known.reindex(columns=[*self.columns])), user_folds(known["user_id"])
        estimates = np.zeros(len(known))
        for fold, regressor in enumerate(self.regressors):
            if (mine := folds == fold).any():
                estimates[mine] = np.clip(regressor.predict(values[mine]), -1, 1)
        return estimates


def fit_effects(rows: pd.DataFrame) -> EffectModel:
    """Learn what a contact adds.

    Parameters
    ----------
    rows : DataFrame[KEYS, and what was known of the users at the cutoff]
        Of lists whose outcome is known; `treated` (boolean) says who was to be contacted, the others were left alone by
        chance. Columns of `label_by` are no figures.
    """
    figures = (name for name in rows.columns if name not in KEYS or name == "propensity")
    columns = tuple(name for name in figures if not name.startswith(LABEL_BY))
    rows = _thin(rows)
    side, folds = rows["treated"].to_numpy(float) - _treated_share(rows), user_folds(rows["user_id"])
    others = [folds != fold for fold in range(FOLDS)]
    return EffectModel(columns, tuple(_fit(rows[kept], columns, side[kept]) for kept in others))


def user_folds(users: Iterable[str]) -> npt.NDArray[np.int64]:
    """The fold of each user, from 0: the same one every time, whoever else is there and whoever is held out."""
    digests = (blake2b(str(user).encode(), key=b"effects", digest_size=8).digest() for user in users)
    return np.array([int.from_bytes(digest) % FOLDS for digest in digests], np.int64)


def label_by(day: date) -> str:
    """The column that holds labels as they were known on an earlier day."""
    return f"{LABEL_BY}{day:%Y_%m_%d}"


def _fit(rows: pd.DataFrame, columns: tuple[str, ...], side: Floats) -> "HistGradientBoostingRegressor":
    from sklearn.ensemble import HistGradientBoostingRegressor  # loaded where it is needed

    weight = side**2
    regressor = HistGradientBoostingRegressor(
        learning_rate=0.2, max_iter=20, max_leaf_nodes=6, min_samples_leaf=max(20, int(LEAF * len(rows))),
        l2_regularization=0.05 * float(weight.sum()), early_stopping=False, random_state=0, max_bins=BINS,
    )  # fmt: skip
    values = _figures(rows[list(columns)])
    values[:, np.isnan(values).all(axis=0)] = 0.0  # the learner takes no column that is unknown throughout
    return regressor.fit(values, _beyond_propensity(rows) / side, sample_weight=weight)


def _thin(rows: pd.DataFrame) -> pd.DataFrame:
    """So many of the contacted beside each user left alone that more would hardly make an effect surer."""
    left_alone = int((~rows["treated"]).sum())
    contacted = np.flatnonzero(rows["treated"])
    most = BESIDE * left_alone
    if len(contacted) <= most:
        return rows
    chosen = np.random.default_rng(0).choice(contacted, most, replace=False)
    return rows.iloc[np.sort(np.concatenate([chosen, np.flatnonzero(~rows["treated"])]))]


def _beyond_propensity(rows: pd.DataFrame) -> Floats:
    """What users did beyond their propensity, less what their list did on average: a level that is off is no effect."""
    beyond = rows["label"] - rows["propensity"]
    values: Floats = (beyond - beyond.groupby(rows["cutoff"]).transform("mean")).to_numpy(float)
    return values


def _treated_share(rows: pd.DataFrame) -> Floats:
    shares: Floats = rows["treated"].astype(float).groupby(rows["cutoff"]).transform("mean").to_numpy(float)
    return shares


def _figures(known: pd.DataFrame) -> Floats:
    values: Floats = known.to_numpy(float, na_value=np.nan)
    return values
