"""A pair for whoever serves it without our code: scikit-learn pipelines whose `predict` gives what scoring gives."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from lib.errors import ModelError
from lib.models.pair import Pair, positive_probability

WIDEST = 2_000  # model inputs beyond which a preprocessing model is not served by itself: it would weigh 32 MB more
CLOSE = 1e-12  # how far a servable's propensities may lie from the pair's: it does the same arithmetic


def make_servable(pair: Pair, X: pd.DataFrame) -> Pipeline:
    """One pipeline from features to propensities: `predict` gives P(action = 1), a column of doubles.

    Parameters
    ----------
    X : DataFrame[feature float64]
        A few rows as `Pair.inputs` gives them, to see by that the pipeline scores as the pair does.

    Raises
    ------
    ModelError
        If it does not.
    """
    Z = np.asarray(pair.preprocessing.transform(X))
    scores = positive_probability(pair.prediction, Z)
    # As a step in between, a stack of one hands on its member's probability of the second of two classes.
    propensity = StackingClassifier(
        [("model", FrozenEstimator(pair.prediction))], final_estimator=DummyClassifier(), cv="prefit",
        stack_method="predict_proba",
    ).fit(np.resize(Z, (2, Z.shape[1])), [0, 1])  # fmt: skip
    steps = [("blank", _blank(X)), ("preprocessing", pair.preprocessing), ("propensity", propensity)]
    servable = Pipeline([*steps, ("value", _line(1.0, 0.0) if pair.prediction.classes_[1] == 1 else _line(-1.0, 1.0))])
    apart = np.abs(servable.predict(X) - scores).max(initial=0.0)
    if not apart <= CLOSE:
        raise ModelError(f"The pair of {pair.question} cannot be served: its pipeline scores up to {apart:.1e} apart.")
    return servable


def make_outputs_servable(preprocessing: Any, X: pd.DataFrame) -> Pipeline | None:
    """The preprocessing model as MLflow serves models, which it asks to `predict`: that gives the model inputs.

    None where these are very many.
    """
    width = int(np.shape(preprocessing.transform(X))[1])
    if width > WIDEST:
        return None
    unchanged = LinearRegression(fit_intercept=False).fit(np.zeros((1, width)), np.zeros((1, width)))
    unchanged.coef_ = np.eye(width)
    return Pipeline([("blank", _blank(X)), ("preprocessing", preprocessing), ("values", unchanged)])


def _blank(X: pd.DataFrame) -> SimpleImputer:
    """What a cutoff does not know counts as 0, as in `Pair.inputs`."""
    blank = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return blank.set_output(transform="pandas").fit(X)


def _line(slope: float, intercept: float) -> LinearRegression:
    """A last step whose `predict` gives its one input, or what is left of it to 1."""
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    model.coef_, model.intercept_ = np.array([slope]), intercept
    return model
