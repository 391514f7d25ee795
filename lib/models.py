"""What the two models of a pair are made of: scikit-learn and numpy classes only, so that anybody can load them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from lib.errors import ContractBroken, ModelError
from lib.features import type_column

Floats = npt.NDArray[np.float64]
Params = Mapping[str, Any]

SIGNED = ("trend_7_28", "trend_28_90", "expected")  # already logarithms; all others are counts, sums or spans
# Numbers that grow with the log's age: where all histories begin on one day, they drift as the log ages.
LIFETIME = ("tenure", "log_age", "gap_mean", "gap_std", "overdue")


@dataclass(frozen=True)
class Pair:
    """A preprocessing model and a prediction model that belong together."""

    preprocessing: Any
    prediction: Any
    columns: tuple[str, ...]  # feature columns that the preprocessing model reads, in order
    question: str  # slug
    trained_through: str  # newest cutoff learnt from, ISO
    params: Params = field(default_factory=dict)
    preprocessing_version: str = ""  # blank until registered
    prediction_version: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)  # as measured when it was registered
    notes: Mapping[str, Any] = field(default_factory=dict)  # what else is known of it: anything that JSON holds

    def score(self, features: pd.DataFrame) -> Floats:
        """Return P(action = 1) for rows of `features`; columns the pair does not know are ignored.

        A known event type without any event since has no column any more: it counts as 0.

        Raises
        ------
        ContractBroken
            If a score is missing or outside [0, 1].
        """
        if len(features) == 0:  # nobody to score: scikit-learn would refuse to transform no rows
            return np.zeros(0)
        # In single precision a score would depend, in its eighth digit, on which rows share its batch.
        X = features.reindex(columns=list(self.columns)).astype(np.float64).fillna(0.0)
        return positive_probability(self.prediction, self.preprocessing.transform(X))


def positive_probability(model: Any, X: Any) -> Floats:
    """Take the probability of class 1 by its label, whatever the column order, and check it."""
    labels = list(model.classes_)
    if 1 not in labels:
        raise ModelError(f"The prediction model knows the classes {labels}, not 1 for the action. Retrain it.")
    scores = np.asarray(model.predict_proba(X), float)[:, labels.index(1)]
    if not np.all((scores >= 0) & (scores <= 1)):  # NaN fails this too
        bad = int(np.sum(~((scores >= 0) & (scores <= 1))))
        raise ContractBroken(f"{bad} of {len(scores)} propensities are not probabilities between 0 and 1.")
    return scores


def is_lifetime(column: str) -> bool:
    """Whether a feature grows with the age of the log."""
    return column in LIFETIME or column.endswith("_all")


def group_columns(columns: Sequence[str], params: Params, actions: Sequence[str]) -> list[str]:
    """The feature columns that `params["groups"]` lets a pair read.

    "all", also where the parameters name no groups, keeps every one; "lean" those of the user and of the question's
    own actions.
    """
    kept = {"", *(type_column(action, "").removesuffix("__") for action in actions)}
    lean = params.get("groups", "all") == "lean"
    return [column for column in columns if not lean or column.rpartition("__")[0] in kept]


def preprocessing(columns: Sequence[str], params: Params) -> Pipeline:
    """Choose columns, put counts and spans on a log scale, and standardise.

    `params["lifetime"]` says whether features that grow with the log's age take part.
    """
    kept = [c for c in columns if params["lifetime"] or not is_lifetime(c)]
    logged = [c for c in kept if c.rpartition("__")[2] not in SIGNED]
    plain = [c for c in kept if c not in logged]
    # arcsinh is log(2x) for large x, linear at 0 and odd: a negative sum of refunds stays finite
    parts = [
        ("log", FunctionTransformer(np.arcsinh, feature_names_out="one-to-one"), logged),
        ("plain", "passthrough", plain),
    ]
    return Pipeline([("choose", ColumnTransformer(parts)), ("scale", StandardScaler())])


def prediction(params: Params, seed: int) -> Any:
    """Build the unfitted prediction model that the parameters describe."""
    family = params["family"]
    parts = []
    if family in ("logistic", "blend"):
        parts.append(("logistic", LogisticRegression(C=params["C"], solver="newton-cholesky")))
    if family in ("boosting", "blend"):
        boosting = {name: params[name] for name in (
            "learning_rate", "max_iter", "max_leaf_nodes", "min_samples_leaf", "l2_regularization", "max_features"
        )}  # fmt: skip
        parts.append(("boosting", HistGradientBoostingClassifier(**boosting, early_stopping=False, random_state=seed)))
    if not parts:
        raise ModelError(f"Unknown model family {family!r}: logistic, boosting or blend.")
    return parts[0][1] if len(parts) == 1 else VotingClassifier(parts, voting="soft")


def fit(
    X: pd.DataFrame, y: npt.NDArray[np.int64], params: Params, seed: int, weight: Floats | None = None
) -> tuple[Pipeline, Any]:
    """Fit both models on one set of rows.

    Parameters
    ----------
    X : DataFrame[feature float32]
    y : array of 0 and 1
    weight : array or None
        How many rows each row stands for; None where each stands for itself.
    """
    transformer = preprocessing(list(X.columns), params)
    # In single precision the solver's matrix is ill-conditioned, and it does not converge.
    Z = transformer.fit_transform(X.astype(np.float64))
    return transformer, prediction(params, seed).fit(Z, y, sample_weight=weight)
