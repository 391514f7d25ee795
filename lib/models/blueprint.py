"""How a pair is made: by parameters of the search space, or after somebody's own models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import has_fit_parameter

from lib.errors import ModelError, shorten_reason
from lib.models.calibration import split_calibration
from lib.models.estimators import fit_models
from lib.models.pair import Floats, Params, positive_probability


@dataclass(frozen=True)
class OwnModels:
    """A data scientist's own models: only their settings are used, nothing that they have learnt.

    Whoever fitted them may have seen the holdout, so they are cloned and fitted anew like any challenger.
    """

    preprocessing: Any
    prediction: Any
    columns: tuple[str, ...]  # feature columns that they read, in order
    params: Params  # what is recorded of them

    @classmethod
    def of(cls, where: str, steps: Sequence[tuple[str, Any]], prediction: Any, columns: tuple[str, ...] = ()) -> Self:
        """Take preprocessing steps, in order, and a classifier, fitted or read as `read_settings` does.

        `where` is the URI they come from; `columns` are those that they know where none of their names is given.

        Raises
        ------
        ModelError
            If they were fitted without column names, do not give probabilities, or know other classes than 0 and 1.
        """
        first = next((step for _, step in steps if step != "passthrough"), prediction)
        columns = columns or tuple(map(str, getattr(first, "feature_names_in_", ())))
        if not columns:
            raise ModelError(
                f"The challenger {where} was fitted without column names. Fit it on a DataFrame of features."
            )
        if isinstance(prediction, StackingClassifier) and prediction.final_estimator is None:
            prediction.final_estimator = LogisticRegression()  # as its fit would; unfitted it says of itself nothing
        if not hasattr(prediction, "predict_proba"):
            raise ModelError(
                f"The challenger {where} ends in {type(prediction).__name__}, which gives no probabilities. "
                "Take a classifier with predict_proba."
            )
        known = getattr(prediction, "classes_", None)
        classes = [] if known is None else np.asarray(known).tolist()
        if classes and set(classes) != {0, 1}:  # not every classifier notes them
            raise ModelError(f"The challenger {where} knows the classes {classes}. Fit it on labels 0 and 1.")
        prediction, _ = split_calibration(prediction)
        if any(_holds_frozen(part) for part in (prediction, *(step for _, step in steps))):
            raise ModelError(
                f"The challenger {where} holds a FrozenEstimator, and nothing that a model has learnt is read. Take "
                "what is in it by itself."
            )
        # The first step hands its columns on, so that the whole knows their names even without any other step.
        named = FunctionTransformer(feature_names_out="one-to-one")
        params = {"family": "own", "challenger": where, "prediction": " ".join(str(prediction).split())[:250]}
        return cls(Pipeline([("features", named), *steps]), prediction, columns, params)


Blueprint = Params | OwnModels


def make_models(
    X: pd.DataFrame, y: npt.NDArray[np.int64], blueprint: Blueprint, seed: int, weight: Floats | None = None
) -> tuple[Any, Any, tuple[str, ...], Params]:
    """Fit both models as a blueprint says.

    Parameters
    ----------
    X : DataFrame[feature float]
    y : array of 0 and 1
    weight : array or None
        How many rows each row stands for; None where each stands for itself.

    Returns
    -------
    preprocessing model, prediction model, the feature columns that they read, the parameters to be recorded

    Raises
    ------
    ModelError
        If own models read columns that are no features, cannot weigh sampled rows or cannot be fitted; the message
        says which and why.
    """
    if not isinstance(blueprint, OwnModels):
        return (*fit_models(X, y, blueprint, seed, weight), tuple(X.columns), dict(blueprint))
    where = f"The challenger {blueprint.params.get('challenger', 'of before')}"
    missing = [column for column in blueprint.columns if column not in X]
    if missing:
        close = get_close_matches(missing[0], list(X.columns), 1)
        raise ModelError(
            f"{where} reads {', '.join(missing)}, which this run's {X.shape[1]} features lack."
            f"{f' Did you mean {close[0]}?' if close else ''} Fit it on columns of the table features."
        )
    if weight is not None and not has_fit_parameter(blueprint.prediction, "sample_weight"):
        raise ModelError(
            f"{where} ends in {type(blueprint.prediction).__name__}, which takes no sample_weight, and the {len(y)} "
            "rows are a sample. Take another one, or set max_training_rows to 0."
        )
    try:
        fitted = _fit_own(X[list(blueprint.columns)], y, blueprint, seed, weight)
    except Exception as error:  # somebody's settings fail in any way, and that is no fault of the job's
        why = shorten_reason(str(error)).rstrip(".")
        raise ModelError(
            f"{where} cannot be fitted on this run's {len(y)} rows: {type(error).__name__}: {why}. Change its "
            "settings; the table features has such rows to try it on."
        ) from error
    return (*fitted, blueprint.columns, blueprint.params)


def _fit_own(
    X: pd.DataFrame, y: npt.NDArray[np.int64], blueprint: OwnModels, seed: int, weight: Floats | None
) -> tuple[Any, Any]:
    """Both models, cloned unfitted and fitted; the model inputs are dense, whatever the steps before make of them."""
    X = X.astype(np.float64)  # as they are scored
    transformer = _seed_parts(clone(blueprint.preprocessing), seed)
    Z = transformer.fit_transform(X, y)
    if issparse(Z):
        dense = ColumnTransformer([("all", "passthrough", slice(0, None))], sparse_threshold=0)
        Z = dense.fit_transform(Z)
        transformer = Pipeline([*transformer.steps, ("dense", dense)])
    weights = {} if weight is None else {"sample_weight": weight}
    model = _seed_parts(clone(blueprint.prediction), seed).fit(Z, y, **weights)
    positive_probability(model, Z[:1])  # a neighbour too many is told by scoring only
    return transformer, model


def _holds_frozen(part: Any) -> bool:
    parts = [part, *part.get_params(deep=True).values()] if hasattr(part, "get_params") else []
    return any(isinstance(one, FrozenEstimator) for one in parts)


def _seed_parts(model: Any, seed: int) -> Any:
    """Give every part that would draw by chance the run's seed: the same run then makes the same pair."""
    open_ends: Mapping[str, Any] = model.get_params(deep=True)
    names = [name for name, value in open_ends.items() if name.rpartition("__")[2] == "random_state" and value is None]
    return model.set_params(**dict.fromkeys(names, seed)) if names else model
