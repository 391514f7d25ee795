"""The level of a pair, held against a known truth: one odd day may not move how many are expected to act."""

import numpy as np
import pytest

from benchmarks.level import RATES, expected_over_true
from lib.training.space import STARTS


@pytest.mark.parametrize("rate", [RATES[1], RATES[3]])
def test_one_odd_day_does_not_move_how_many_are_expected_to_act(rate):
    found = [expected_over_true(rate, seed, STARTS[0], users=2_000) for seed in range(4)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.06)
    assert max(abs(np.log(found))) < np.log(1.2)
