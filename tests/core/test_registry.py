"""Pairs in a registry: MLflow on a local SQLite file and its twin in memory obey the same tests."""

from dataclasses import replace
from pathlib import Path

import pytest
from made import LOGISTIC, ago, labelled, registered

from lib.config import Question
from lib.errors import ModelError
from lib.memory_registry import MemoryRegistry
from lib.model_files import REQUIREMENTS
from lib.models import is_lifetime
from lib.registered import model_names

BLEND = {
    "family": "blend", "C": 0.001, "lifetime": False, "learning_rate": 0.1, "max_iter": 2, "max_leaf_nodes": 4,
    "min_samples_leaf": 20, "l2_regularization": 1.0, "max_features": 1.0,
}  # fmt: skip
ROWS = labelled(ago(7), ago(14))


@pytest.fixture(params=["memory", "mlflow"])
def registry(request):
    return MemoryRegistry() if request.param == "memory" else request.getfixturevalue("mlflow_registry")


def test_nothing_registered_is_no_champion(registry, question):
    assert registry.champion(question) is None


def test_the_champion_is_who_was_promoted_and_never_the_highest_version(registry, question):
    assert registered(registry, question).prediction_version == "1"
    assert registry.champion(question) is None  # registering does not promote
    registry.promote(question, "1", ago(0))
    assert registered(registry, question, through=14).prediction_version == "2"
    assert registry.champion(question) == "1"
    for version in ("2", "1"):  # there and back
        registry.promote(question, version, ago(0))
        assert registry.champion(question) == version


@pytest.mark.parametrize("params", [LOGISTIC, BLEND], ids=["logistic", "blend"])
def test_a_loaded_pair_is_the_pair_that_was_registered(registry, question, params):
    before = registered(registry, question, params=params)
    after = registry.load(question, before.prediction_version)
    assert after.score(ROWS.X).tolist() == before.score(ROWS.X).tolist()
    for name in ("columns", "question", "trained_through", "params", "metrics"):
        assert getattr(after, name) == getattr(before, name), name
    assert (after.preprocessing_version, after.prediction_version) == ("1", "1")
    assert after.columns == tuple(ROWS.X.columns)
    assert any(map(is_lifetime, after.columns))  # read, and left out inside where the parameters say so


def test_each_question_has_models_of_its_own(registry, question):
    registered(registry, question)
    registry.promote(question, "1", ago(0))
    other = replace(question, horizon_days=8)
    assert registry.champion(other) is None
    for asked, version in ((other, "1"), (question, "9")):
        message = f"Version {version} of .*{asked.slug}.* is not registered. Promote one that is"
        with pytest.raises(ModelError, match=message):
            registry.load(asked, version)
    registered(registry, other, through=14)
    assert registry.champion(question) == "1"
    assert registry.load(question, "1").trained_through == str(ago(7))


def test_models_are_pinned_to_what_the_job_installs():
    installed = Path(__file__).parents[2].joinpath("requirements.txt").read_text().split()
    assert set(REQUIREMENTS) <= set(installed)


def test_the_two_models_of_a_question_are_named_after_it():
    question = Question(actions=("buy",), horizon_days=7, cohort_days=28)
    assert model_names("main.app.propensity", question) == (
        "main.app.propensity_buy_7d_cohort28d_preprocessing",
        "main.app.propensity_buy_7d_cohort28d_prediction",
    )
