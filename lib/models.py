"""What the two models of a pair are made of: scikit-learn and numpy classes only, so that anybody can load them."""

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, StandardScaler

from lib.errors import ContractBroken, ModelError
from lib.features import prefix

Floats = npt.NDArray[np.float64]
Params = Mapping[str, Any]
Calibration: TypeAlias = Any  # a fitted CalibratedClassifierCV

SIGNED = ("trend_7_28", "trend_28_90", "expected")  # already logarithms; all others are counts, sums or spans
BINS = 10  # of equally many rows, for the scale that keeps nothing but their order
SHARPNESS = (0.8, 1.25)  # how far a calibration may go: one fold of one season is not to turn a model round
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
        return positive_probability(self.prediction, self.preprocessing.transform(self.inputs(features)))

    def inputs(self, features: pd.DataFrame) -> pd.DataFrame:
        """Rows of `features` as the preprocessing model reads them: its columns, in order, 0 for what is not known."""
        # In single precision a score would depend, in its eighth digit, on which rows share its batch.
        return features.reindex(columns=list(self.columns)).astype(np.float64).fillna(0.0)


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
    kept = {"", *map(prefix, actions)}
    lean = params.get("groups", "all") == "lean"
    return [column for column in columns if not lean or column.rpartition("__")[0] in kept]


def preprocessing(columns: Sequence[str], params: Params) -> Pipeline:
    """Choose columns, bring counts and spans to one scale, and standardise.

    `params["lifetime"]` says whether features that grow with the log's age take part, `params["scale"]` whether
    numbers are taken as logarithms ("log") or as the tenth of the rows that they fall into ("bins").
    """
    kept = [c for c in columns if params["lifetime"] or not is_lifetime(c)]
    if params.get("scale", "log") == "bins":
        # "averaged_inverted_cdf" is the one that weights leave as it is, and scikit-learn's coming default
        bins = KBinsDiscretizer(BINS, encode="ordinal", quantile_method="averaged_inverted_cdf", random_state=0)
        return Pipeline([("choose", ColumnTransformer([("bins", bins, kept)])), ("scale", StandardScaler())])
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
    # Newton's steps need double precision: in single, nearly equal columns make its equations unsolvable.
    Z = transformed(transformer, X, fit=True)
    return transformer, prediction(params, seed).fit(Z, y, sample_weight=weight)


def transformed(transformer: Pipeline, X: pd.DataFrame, *, fit: bool = False) -> Floats:
    """Apply a preprocessing model in double precision, fitting it first if asked to."""
    wide = X.astype(np.float64)
    with warnings.catch_warnings():
        # most counts are mostly 0, and some always
        warnings.filterwarnings("ignore", r"Bins whose width|Feature \d+ is constant", UserWarning)
        return np.asarray(transformer.fit_transform(wide) if fit else transformer.transform(wide))


def calibration(
    model: Any,
    Z: Floats,
    y: npt.NDArray[np.int64],
    weight: Floats | None = None,
    limits: tuple[float, float] = SHARPNESS,
) -> Calibration:
    """Find out on rows that a model has not seen how much surer, or less sure, its probabilities should be.

    Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", 2017): one factor on the log-odds.
    It leaves the overall rate to the model, which has seen more seasons than one fold.
    """
    with warnings.catch_warnings():
        # The model is fitted already: that the weights are for the calibration alone is what is wanted.
        warnings.filterwarnings("ignore", "Since FrozenEstimator does not appear", UserWarning)
        found = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(Z, y, sample_weight=weight)
    scaling, unit = found.calibrated_classifiers_[0].calibrators[0], _unit(model)
    scaling.beta_ = float(np.clip(scaling.beta_ / unit, *limits)) * unit
    return found


def sharpness(found: Calibration) -> float:
    """The factor that a calibration puts on the log-odds: above 1 it makes probabilities surer."""
    return float(found.calibrated_classifiers_[0].calibrators[0].beta_) / _unit(found.estimator)


def _unit(model: Any) -> float:
    """What scikit-learn calls a temperature of 1 for a model: one with a decision function it takes by halves."""
    return 0.5 if hasattr(model, "decision_function") else 1.0


def recalibrated(found: Calibration, model: Any) -> Calibration:
    """Put the calibration that one fit has earned on another fit of the same parameters."""
    twin, frozen = copy(found), FrozenEstimator(model)
    twin.estimator = frozen
    twin.calibrated_classifiers_ = [copy(found.calibrated_classifiers_[0])]
    twin.calibrated_classifiers_[0].estimator = frozen
    return twin


def parted(model: Any) -> tuple[Any, Calibration | None]:
    """Take a prediction model from under its calibration, if it has one: a frozen model cannot be fitted anew."""
    if isinstance(model, CalibratedClassifierCV) and isinstance(model.estimator, FrozenEstimator):
        return model.estimator.estimator, model
    return model, None
