"""How sure scores should have been, apart from how many were expected: the slope of what happened on their log-odds."""

import numpy as np

from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Floats, Labels, Users, bootstrap_interval, bootstrap_weights

STEPS = 25  # of Newton; a slope that is not found by then is none
TOLERANCE = 1e-8


def measure_sharpness(
    y: Labels, scores: Floats, users: Users, seed: int, weight: Floats | None = None
) -> Measured | None:
    """The factor by which log-odds should have been larger, with its 90 % interval over users; 1: as sure as is right.

    A logistic regression of what happened on the log-odds (Cox, 1958), with an intercept: a level that has moved leaves
    the slope alone. Each draw of users is one step of Newton from the slope of all. None where there is no slope: with
    one class, with scores that are all alike, or where they part the classes.
    """
    p = np.clip(scores, 1e-6, 1 - 1e-6)
    X = np.column_stack([np.ones(len(y)), np.log(p) - np.log1p(-p)])
    weights = bootstrap_weights(users, seed, weight)
    line = np.array([0.0, 1.0])
    whole = next(weights, np.ones(len(y)))
    for _ in range(STEPS):
        step = _step(X, y, line, whole)
        if step is None:
            return None
        line = line + step
        if np.abs(step).max() < TOLERANCE:
            steps = [_step(X, y, line, draw) for draw in weights]
            slopes = [line[1] + drawn[1] for drawn in steps if drawn is not None]
            return bootstrap_interval([float(line[1]), *map(float, slopes)]) if slopes else None
    return None


def _step(X: Floats, y: Labels, line: Floats, weights: Floats) -> Floats | None:
    """One step of Newton for a weighted logistic regression; None where its equations have no answer."""
    expected = 1 / (1 + np.exp(-np.clip(X @ line, -500, 500)))
    curvature = (X * (weights * expected * (1 - expected))[:, None]).T @ X
    if not np.isfinite(curvature).all() or np.linalg.cond(curvature) > 1 / np.finfo(float).eps:
        return None
    return np.asarray(np.linalg.solve(curvature, X.T @ (weights * (y - expected))))
