"""How a pair is made: by parameters of the search space, or after somebody's own models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import has_fit_parameter

from lib.errors import ModelError
from lib.models.calibration import split_calibration
from lib.models.estimators import fit_models
from lib.models.pair import Floats, Params


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
    def of(cls, where: str, steps: Sequence[tuple[str, Any]], prediction: Any) -> Self:
        """Take fitted preprocessing steps, in order, and a fitted classifier; `where` is the URI they come from.

        Raises
        ------
        ModelError
            If they were fitted without column names, do not give probabilities, or know other classes than 0 and 1.
        """
        first = next((step for _, step in steps if step != "passthrough"), prediction)
        columns = tuple(map(str, getattr(first, "feature_names_in_", ())))
        if not columns:
            raise ModelError(
                f"The challenger {where} was fitted without column names. Fit it on a DataFrame of features."
            )
        if not hasattr(prediction, "predict_proba"):
            raise ModelError(
                f"The challenger {where} ends in {type(prediction).__name__}, which gives no probabilities. "
                "Take a classifier with predict_proba."
            )
        classes = list(np.asarray(prediction.classes_).tolist())
        if set(classes) != {0, 1}:
            raise ModelError(f"The challenger {where} knows the classes {classes}. Fit it on labels 0 and 1.")
        prediction, _ = split_calibration(prediction)
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
        If own models read columns that are no features, or cannot weigh sampled rows; the message says which.
    """
    if not isinstance(blueprint, OwnModels):
        return (*fit_models(X, y, blueprint, seed, weight), tuple(X.columns), dict(blueprint))
    missing = [column for column in blueprint.columns if column not in X]
    if missing:
        close = get_close_matches(missing[0], list(X.columns), 1)
        raise ModelError(
            f"The challenger {blueprint.params['challenger']} reads {', '.join(missing)}, which this run's "
            f"{X.shape[1]} features lack.{f' Did you mean {close[0]}?' if close else ''} Fit it on columns "
            "of the table features."
        )
    X = X[list(blueprint.columns)].astype(np.float64)  # as they are scored
    transformer = _seed_parts(clone(blueprint.preprocessing), seed)
    model = _seed_parts(clone(blueprint.prediction), seed)
    if weight is not None and not has_fit_parameter(model, "sample_weight"):
        raise ModelError(
            f"The challenger {blueprint.params['challenger']} ends in {type(model).__name__}, which takes no "
            f"sample_weight, and the {len(y)} rows are a sample. Take another one, or set max_training_rows to 0."
        )
    weights = {} if weight is None else {"sample_weight": weight}
    return transformer, model.fit(transformer.fit_transform(X, y), y, **weights), blueprint.columns, blueprint.params


def _seed_parts(model: Any, seed: int) -> Any:
    """Give every part that would draw by chance the run's seed: the same run then makes the same pair."""
    open_ends: Mapping[str, Any] = model.get_params(deep=True)
    names = [name for name, value in open_ends.items() if name.rpartition("__")[2] == "random_state" and value is None]
    return model.set_params(**dict.fromkeys(names, seed)) if names else model
