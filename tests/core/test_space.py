"""The space of the search: what it draws can be fitted, and what it did not draw is known as such."""

import optuna
import pytest
from made import PLAIN, ago, labelled
from optuna.trial import FixedTrial

from lib import space
from lib.models import fit
from lib.space import place, suggest

LOGISTIC = PLAIN | {"family": "logistic", "C": 0.5}


def test_every_start_lies_in_the_space():
    for start in space.STARTS:
        assert suggest(FixedTrial(dict(start))) == start
        assert place(start) == start


@pytest.mark.parametrize("family", ["logistic", "boosting", "blend"])
def test_whatever_is_suggested_can_be_fitted(family):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial({"family": family, "max_iter": 40})
    few = labelled(ago(14), users=60)
    params = suggest(study.ask())
    assert params["family"] == family
    assert set(PLAIN) < set(params)
    fit(few.X, few.y, params, seed=0)


def test_the_plainest_values_are_those_of_pairs_that_knew_no_choice():
    assert space.PLAIN == PLAIN
    assert place({"family": "logistic", "C": 0.5, "lifetime": False}) == LOGISTIC | {"lifetime": False}


@pytest.mark.parametrize("C", [1e-4, 1e2])
def test_the_ends_of_a_range_are_points_of_the_space(C):
    assert place(LOGISTIC | {"C": C}) == LOGISTIC | {"C": C}


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
    assert place(params) is None


def test_a_trial_of_another_space_is_known_as_such(monkeypatch):
    study = optuna.create_study()
    study.enqueue_trial(LOGISTIC)
    suggest(trial := study.ask())
    study.tell(trial, 0.5)
    (kept,) = study.trials
    assert space.still_draws(kept)
    with monkeypatch.context() as patch:
        patch.setattr(space, "CHOICES", {**space.CHOICES, "history": (0, 13)})
        assert not space.still_draws(kept)
    with monkeypatch.context() as patch:
        patch.setattr(space, "CHOICES", {**space.CHOICES, "scale": ("log",)})
        assert not space.still_draws(kept)
