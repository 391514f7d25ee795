"""The space of the search: what it draws can be fitted, and what it did not draw is known as such."""

import optuna
import pytest
from optuna.trial import FixedTrial

from lib.models.estimators import fit_models
from lib.training import space
from lib.training.space import locate, suggest
from tests.builders.runs import PLAIN, ago, labelled

LOGISTIC = PLAIN | {"family": "logistic", "C": 0.5}


def test_every_start_lies_in_the_space():
    for start in space.STARTS:
        assert suggest(FixedTrial(dict(start))) == start
        assert locate(start) == start


@pytest.mark.parametrize("family", ["logistic", "boosting", "blend"])
def test_whatever_is_suggested_can_be_fitted(family):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial({"family": family, "max_iter": 40})
    few = labelled(ago(14), users=60)
    params = suggest(study.ask())
    assert params["family"] == family
    assert set(PLAIN) < set(params)
    fit_models(few.X, few.y, params, seed=0)


def test_the_plainest_values_are_those_of_pairs_that_knew_no_choice():
    assert space.PLAIN == PLAIN
    assert locate({"family": "logistic", "C": 0.5, "lifetime": False}) == LOGISTIC | {"lifetime": False}


@pytest.mark.parametrize("C", [1e-4, 1e2])
def test_the_ends_of_a_range_are_points_of_the_space(C):
    assert locate(LOGISTIC | {"C": C}) == LOGISTIC | {"C": C}


@pytest.mark.parametrize("params", [
    {},
    {"family": "forest", "C": 0.5},
    {"family": "logistic"},  # no C
    LOGISTIC | {"C": 0.99e-4},
    LOGISTIC | {"C": 1.01e2},
    LOGISTIC | {"C": "much"},
    LOGISTIC | {"C": None},
    LOGISTIC | {"history": 7},
    LOGISTIC | {"max_iter": 100},  # of another family
    LOGISTIC | {"n_estimators": 100},
])  # fmt: skip
def test_what_is_no_point_of_the_space_has_no_place(params):
    assert locate(params) is None


def test_a_trial_of_another_space_is_known_as_such(monkeypatch):
    study = optuna.create_study()
    study.enqueue_trial(LOGISTIC)
    suggest(trial := study.ask())
    study.tell(trial, 0.5)
    (kept,) = study.trials
    assert space.can_draw(kept)
    with monkeypatch.context() as patch:
        patch.setattr(space, "CHOICES", {**space.CHOICES, "history": (0, 13)})
        assert not space.can_draw(kept)
    with monkeypatch.context() as patch:
        patch.setattr(space, "CHOICES", {**space.CHOICES, "scale": ("log",)})
        assert not space.can_draw(kept)
