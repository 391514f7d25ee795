"""How sure a model should be: one factor on its log-odds, learnt on rows that it has not seen."""

import warnings
from copy import copy
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from lib.models.pair import Floats

Calibration: TypeAlias = Any  # a fitted CalibratedClassifierCV
SHARPNESS = (0.8, 1.25)  # how far a calibration may go: one fold of one season is not to turn a model round


def fit_calibration(
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
        calibration = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
        calibration.fit(Z, y, sample_weight=weight)
    scaling, unit = calibration.calibrated_classifiers_[0].calibrators[0], _temperature_unit(model)
    scaling.beta_ = float(np.clip(scaling.beta_ / unit, *limits)) * unit
    return calibration


def read_sharpness(calibration: Calibration) -> float:
    """The factor that a calibration puts on the log-odds: above 1 it makes probabilities surer."""
    return float(calibration.calibrated_classifiers_[0].calibrators[0].beta_) / _temperature_unit(calibration.estimator)


def _temperature_unit(model: Any) -> float:
    """What scikit-learn calls a temperature of 1 for a model: one with a decision function it takes by halves."""
    return 0.5 if hasattr(model, "decision_function") else 1.0


def apply_calibration(calibration: Calibration, model: Any) -> Calibration:
    """Put the calibration that one fit has earned on another fit of the same parameters."""
    applied, frozen = copy(calibration), FrozenEstimator(model)
    applied.estimator = frozen
    applied.calibrated_classifiers_ = [copy(calibration.calibrated_classifiers_[0])]
    applied.calibrated_classifiers_[0].estimator = frozen
    return applied


def split_calibration(model: Any) -> tuple[Any, Calibration | None]:
    """Take a prediction model from under its calibration, if it has one: a frozen model cannot be fitted anew."""
    if isinstance(model, CalibratedClassifierCV) and isinstance(model.estimator, FrozenEstimator):
        return model.estimator.estimator, model
    return model, None
