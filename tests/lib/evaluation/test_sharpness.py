"""How sure scores should have been is measured apart from how many were expected."""

import numpy as np
import pytest

from lib.evaluation.metrics import DRAWS
from lib.evaluation.sharpness import measure_sharpness

USERS = np.array([f"u{n}" for n in range(4000)], object)


def drawn(factor, shift, seed=0, n=4000):
    """Labels whose true log-odds are `factor` times those of the scores, and `shift` more."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1.5, 1.2, n)
    return (rng.random(n) < 1 / (1 + np.exp(-(factor * odds + shift)))).astype(np.int64), 1 / (1 + np.exp(-odds))


@pytest.mark.parametrize("shift", [0.0, -0.5])
@pytest.mark.parametrize("factor", [1.0, 0.6, 1.5])
def test_a_sharpness_is_found_whatever_the_level(factor, shift):
    found = measure_sharpness(*drawn(factor, shift), USERS, 0)
    arm = (found.high - found.low) / 2
    assert abs(found.value - factor) < 2 * arm  # the interval is one of 90 %
    assert 0.03 < arm < 0.15


def test_weights_count_as_copies_do():
    y, scores = drawn(1.0, 0.0, n=600)
    twice = 1 + (np.arange(600) % 3 == 0)
    copies = np.repeat(np.arange(600), twice)
    weighted = measure_sharpness(y, scores, USERS[:600], 0, twice.astype(float))
    copied = measure_sharpness(y[copies], scores[copies], USERS[copies], 0)
    assert (weighted.value, weighted.low, weighted.high) == pytest.approx((copied.value, copied.low, copied.high))


@pytest.mark.parametrize(("y", "scores"), [
    ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),  # one class
    ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]),  # one score
    ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),  # they part the classes
], ids=["class", "score", "parted"])  # fmt: skip
def test_where_there_is_no_slope_there_is_none(y, scores):
    assert measure_sharpness(np.array(y), np.array(scores), USERS[:4], 0) is None


def test_a_draw_is_as_good_as_a_fit_of_its_own():
    from sklearn.linear_model import LogisticRegression

    y, scores = drawn(1.2, 0.3)
    x = np.log(scores / (1 - scores))[:, None]
    rng = np.random.default_rng(0)
    slopes = []
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(0, 4000, 4000), minlength=4000)
        slopes.append(LogisticRegression(C=np.inf).fit(x, y, sample_weight=weight).coef_[0, 0])
    found = measure_sharpness(y, scores, USERS, 0)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(slopes, [5, 95])), abs=0.02)
