"""Pairs in a registry: MLflow on a local SQLite file and the kind in memory obey the same tests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from lib.config.question import Question
from lib.errors import ModelError
from lib.labels.rows import Rows
from lib.models.estimators import is_lifetime
from lib.models.pair import Pair
from lib.registry.memory import MemoryRegistry
from lib.registry.mlflow_writing import REQUIREMENTS
from lib.registry.versions import model_names
from lib.training.fit import fit_pair
from tests.builders.runs import EVIDENCE, LOGISTIC, ago, fitted_pair, labelled, registered

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


def test_a_pair_that_was_removed_is_gone_and_its_number_stays_its_own(registry, question):
    for through in (7, 14, 7):
        registered(registry, question, through=through)
    registry.promote(question, "2", ago(0))
    second, first = registry.versions(question)[1:]
    registry.remove(question, first)
    registry.remove(question, first)  # again, as after a kill
    assert [one.prediction_version for one in registry.versions(question)] == ["3", "2"]
    with pytest.raises(ModelError, match=r"Version 1 of .* is not registered. Promote one that is"):
        registry.load(question, "1")
    assert registry.load(question, second.prediction_version).trained_through == str(ago(14))
    registry.remove(question, registry.versions(question)[0])
    assert registered(registry, question).prediction_version == "4"


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


def test_a_pair_that_reads_attributes_comes_back_as_it_was(registry, question):
    country = np.array(["DE", "FR", None, "rare"], object)[np.arange(len(ROWS)) % 4]
    known = np.arange(len(ROWS)) % 3 > 0
    frame = ROWS.frame.assign(
        attribute_text_country=country, attribute_number_age=np.where(known, np.arange(len(ROWS)) % 50, np.nan),
        attribute_known_age=known.astype(float),
    )  # fmt: skip
    rows = Rows(frame)
    made = fit_pair(rows, BLEND | {"lifetime": True, "groups": "all", "scale": "bins"}, question, ago(7), 0)
    before = registry.register(question, replace(made, metrics={"auc": 0.5}), rows.X, EVIDENCE)
    after = registry.load(question, before.prediction_version)
    new = frame.assign(attribute_text_country="XX")
    assert after.score(frame).tolist() == made.score(rows.X).tolist()
    assert after.score(new).tolist() == made.score(new).tolist()
    assert after.score(new).tolist() != made.score(frame).tolist()


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


def test_every_version_tells_how_it_did_and_since_when_it_was_in_use(registry, question):
    assert registry.versions(question) == []
    for through in (7, 14, 7):
        registered(registry, question, through=through)
    for version, day in (("1", ago(3)), ("2", ago(2)), ("2", ago(1)), ("1", ago(0))):
        registry.promote(question, version, day)
    found = registry.versions(question)
    assert [v.prediction_version for v in found] == ["3", "2", "1"]  # the newest first
    assert [(v.champion_since, v.champion_until, v.in_use, v.was_in_use) for v in found] == [
        ("", "", False, False),
        (str(ago(2)), str(ago(0)), False, True),  # promoted twice: since the first time
        (str(ago(0)), "", True, True),
    ]
    one = found[1]
    assert (one.preprocessing_version, one.as_of, one.holdout, one.trained_through, one.decision, one.why) == (
        "2", "2024-06-03", "2024-05-27", str(ago(14)), "promoted", "First model.",
    )  # fmt: skip
    assert (one.params, one.metrics, one.intervals) == (
        LOGISTIC, {"auc": 0.75, "log_loss": 0.5}, {"auc": (0.6, 0.8)},
    )  # fmt: skip
    assert registry.columns(question, "2") == tuple(ROWS.X.columns)


def test_what_is_not_registered_is_neither_promoted_nor_read(registry, question):
    registered(registry, question)
    for call in (lambda: registry.promote(question, "4", ago(0)), lambda: registry.columns(question, "4")):
        with pytest.raises(ModelError, match=r"Version 4 of .* is not registered. Promote one that is"):
            call()
    assert registry.champion(question) is None


def test_a_pair_whose_classes_stand_the_other_way_round_scores_the_action(registry, question):
    """A peer publishes the first column: where the order of the classes changes, that is the other's probability."""
    pair = fitted_pair(question)
    flipped = Pipeline([("model", LogisticRegression())]).fit(pair.preprocessing.transform(ROWS.X), ROWS.y)
    plain = flipped.predict_proba(pair.preprocessing.transform(ROWS.X))[:, 1]
    model = flipped["model"]
    model.classes_, model.coef_, model.intercept_ = model.classes_[::-1].copy(), -model.coef_, -model.intercept_
    made = registry.register(question, replace(pair, prediction=flipped), ROWS.X, EVIDENCE)
    loaded = registry.load(question, made.prediction_version)
    assert list(loaded.prediction.classes_) == [1, 0]
    assert loaded.score(ROWS.X) == pytest.approx(plain, abs=1e-6)


def test_a_pair_that_does_not_know_the_action_is_refused_when_it_is_loaded(registry, question):
    pair = fitted_pair(question)
    named = LogisticRegression().fit(pair.preprocessing.transform(ROWS.X), np.where(ROWS.y == 1, "yes", "no"))
    with pytest.raises(ModelError, match=r"knows the classes \[.*no.*yes.*\], not 1 for the action. Retrain it"):
        registry.load(
            question, registry.register(question, replace(pair, prediction=named), ROWS.X, EVIDENCE).prediction_version
        )


def test_a_pair_whose_halves_do_not_fit_is_refused_by_name(registry, question):
    pair = fitted_pair(question)
    narrow = LogisticRegression().fit(pair.preprocessing.transform(ROWS.X)[:, :3], ROWS.y)
    wide = Pair(pair.preprocessing, narrow, pair.columns, question.slug, pair.trained_through)
    with pytest.raises((ModelError, ValueError), match=r"gives 5 columns and its prediction model takes 3|expecting 3"):
        registry.load(question, registry.register(question, wide, ROWS.X, EVIDENCE).prediction_version)


def test_models_are_pinned_to_what_the_job_installs():
    installed = Path(__file__).parents[2].joinpath("requirements.txt").read_text().split()
    assert set(REQUIREMENTS) <= set(installed)


def test_the_two_models_of_a_question_are_named_after_it():
    question = Question(actions=("buy",), horizon_days=7, cohort_days=28)
    assert model_names("main.app.propensity", question) == (
        "main.app.propensity_buy_7d_cohort28d_preprocessing",
        "main.app.propensity_buy_7d_cohort28d_prediction",
    )
