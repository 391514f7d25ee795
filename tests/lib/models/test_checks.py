"""What is checked of the two halves of a pair before it scores anybody."""

from dataclasses import replace

import numpy as np
import pytest

from lib.config.question import Question
from lib.errors import ModelError
from lib.models.checks import check_pair
from tests.builders.runs import fitted_pair

PAIR = fitted_pair(Question(actions=("buy",), horizon_days=7, cohort_days=28))


class Halves:
    """A prediction model that says so many columns of itself, and scores whatever it is given."""

    classes_ = np.array([0, 1])

    def __init__(self, takes):
        self.n_features_in_ = takes

    def predict_proba(self, inputs):
        return np.full((len(inputs), 2), 0.5)


@pytest.mark.parametrize("takes", [5, 0])
def test_a_model_that_was_read_again_may_have_forgotten_what_it_takes(takes):
    check_pair(replace(PAIR, prediction=Halves(takes)), "Version 3")  # as CatBoost's does, and says 0


def test_a_model_that_takes_other_columns_is_named():
    with pytest.raises(ModelError) as refused:
        check_pair(replace(PAIR, prediction=Halves(3)), "Version 3")
    assert str(refused.value) == (
        "Version 3 cannot be loaded: its preprocessing model gives 5 columns and its prediction model takes 3. Promote "
        "another version, or run retrain."
    )
