"""How sure a model should be: one factor on its log-odds, agreed on by days that it has not seen; its level stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from lib.models.pair import Floats, positive_probability

LIMITS = (0.8, 1.25)  # how far a factor may go: a few days of one season are not to turn a model round
USUAL = 0.1  # how far factors usually lie from 1: what days of the past ask for is drawn towards 1 by it
EDGE = 1e-9  # a certainty counts as so much less than one: its log-odds would be no number


@dataclass(frozen=True)
class Asked:
    """The factor on the log-odds that one day asks for, and how surely: the variance of that estimate."""

    factor: float
    variance: float


def ask_for_sharpness(scores: Floats, y: npt.NDArray[np.int64], weight: Floats | None = None) -> Asked:
    """Find out how much surer, or less sure, probabilities of rows should have been that no model had seen.

    A logistic regression on the log-odds alone (Cox, "Two further applications of a model for binary regression",
    1958). Its intercept takes up how much the rate of these days differed, and is forgotten: the overall rate stays
    with the model, which has seen more seasons.
    """
    x = _log_odds(scores)
    line = LogisticRegression(C=np.inf).fit(x[:, None], y, sample_weight=weight)
    p = expit(line.intercept_[0] + line.coef_[0, 0] * x)
    known = p * (1 - p) * (1.0 if weight is None else weight)
    spread = float(known @ x**2 - (known @ x) ** 2 / max(float(known.sum()), EDGE))
    return Asked(float(line.coef_[0, 0]), 1 / max(spread, EDGE))


def pool_sharpness(asked: Sequence[Asked], limits: tuple[float, float] = LIMITS, usual: float = USUAL) -> float:
    """One factor from what several days ask for: their mean, drawn towards 1 the more the less they show or agree."""
    factors = np.array([one.factor for one in asked])
    trust = 1 / np.array([one.variance for one in asked])
    mean = float(np.average(factors, weights=trust))
    scatter = float(np.var(factors, ddof=1)) / len(asked) if len(asked) > 1 else 0.0
    noise = max(1 / float(trust.sum()), scatter)
    return float(np.clip(1 + (mean - 1) * usual**2 / (usual**2 + noise), *limits))


def apply_sharpness(factor: float, model: Any, Z: Floats, weight: Floats | None = None) -> Any:
    """Put a factor on the log-odds of a fitted model, so that its mean probability on some rows stays as it was.

    Scaled about 0, log-odds of a rare action would move its rate before anything else.
    """
    x = read_log_odds(model, Z)
    level, furthest = np.average(expit(x), weights=weight), abs(factor - 1) * float(np.abs(x).max(initial=1.0)) + EDGE
    offset = brentq(lambda a: np.average(expit(a + factor * x), weights=weight) - level, -furthest, furthest)
    calibrated = StackingClassifier(
        [("model", FrozenEstimator(model))], final_estimator=_scaling(), cv="prefit", stack_method="predict_proba"
    )
    calibrated.fit(np.resize(Z, (2, np.shape(Z)[1])), [0, 1])
    calibrated.final_estimator_ = _scaling().fit([[0.0], [1.0]], [0, 1])
    line = calibrated.final_estimator_[-1]
    line.coef_, line.intercept_ = np.array([[factor]]), np.array([offset])
    return calibrated


def _scaling() -> Pipeline:
    """From probabilities through log-odds, a factor and an offset to probabilities; unfitted."""
    return Pipeline([
        ("inside", MinMaxScaler((EDGE, 1 - EDGE))), ("log_odds", FunctionTransformer(logit)),
        ("scale", LogisticRegression()),
    ])  # fmt: skip


def read_log_odds(model: Any, Z: Floats) -> Floats:
    """Log-odds of the action of each row."""
    return _log_odds(positive_probability(model, Z))


def _log_odds(scores: Floats) -> Floats:
    return np.asarray(logit(np.clip(scores, EDGE, 1 - EDGE)))


def read_sharpness(model: Any) -> float:
    """The factor that a prediction model puts on the log-odds of the one under it; 1 without any."""
    fitted = _is_calibrated(model) and hasattr(model, "final_estimator_")
    return float(model.final_estimator_[-1].coef_[0, 0]) if fitted else 1.0


def split_calibration(model: Any) -> tuple[Any, float | None]:
    """Take a prediction model from under its calibration, if it has one: a frozen model cannot be fitted anew."""
    if _is_calibrated(model):
        return model.estimators[0][1].estimator, read_sharpness(model)
    if isinstance(model, CalibratedClassifierCV) and isinstance(model.estimator, FrozenEstimator):
        return model.estimator.estimator, None  # as pairs were calibrated until definition 4
    return model, None


def _is_calibrated(model: Any) -> bool:
    return isinstance(model, StackingClassifier) and isinstance(model.estimators[0][1], FrozenEstimator)
