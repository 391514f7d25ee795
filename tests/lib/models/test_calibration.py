"""How sure a pair may be is earned on rows that it has not seen, and put on the fit of all rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from lib.config.question import Question
from lib.evaluation.naive_rule import NaiveRule
from lib.labels.split import Split
from lib.models.calibration import SHARPNESS, apply_calibration, fit_calibration, read_sharpness, split_calibration
from lib.models.pair import positive_probability
from lib.training import comparison
from lib.training import fit as fit_rules
from lib.training.comparison import fit_and_compare
from tests.builders.runs import THRESHOLDS, ago, labelled

QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
PARAMS = {"family": "logistic", "C": 0.25, "lifetime": True}


def world(n, factor, seed=0, shift=0.0):
    """One input whose true log-odds are `factor` times what a model believes that was fitted where it is 1."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 1)) * 1.5
    y = (rng.random(n) < 1 / (1 + np.exp(-(factor * Z[:, 0] + shift)))).astype(np.int64)
    return Z, y


@pytest.fixture(scope="module")
def believer():
    return LogisticRegression(C=1e6).fit(*world(50_000, 1.0))


@pytest.mark.parametrize(("factor", "found"), [(1.0, 1.0), (1.15, 1.15), (0.9, 0.9)])
def test_the_factor_on_the_log_odds_is_found(believer, factor, found):
    assert read_sharpness(fit_calibration(believer, *world(50_000, factor, seed=1))) == pytest.approx(found, abs=0.03)


@pytest.mark.parametrize(("factor", "end"), [(3.0, SHARPNESS[1]), (0.1, SHARPNESS[0])])
def test_one_odd_fold_does_not_turn_a_model_round(believer, factor, end):
    assert read_sharpness(fit_calibration(believer, *world(5_000, factor, seed=1))) == end


def test_a_calibration_moves_to_another_fit_and_leaves_the_first_as_it_was(believer):
    found = fit_calibration(believer, *world(50_000, 1.15, seed=1))
    other = LogisticRegression(C=1e6).fit(*world(50_000, 1.0, seed=2, shift=-1.0))
    moved = apply_calibration(found, other)
    Z = np.linspace(-3, 3, 7).reshape(-1, 1)
    for model, base in ((found, believer), (moved, other)):
        wanted = 1 / (1 + np.exp(-read_sharpness(found) * base.decision_function(Z)))
        assert positive_probability(model, Z) == pytest.approx(wanted)
    assert list(moved.classes_) == [0, 1]
    assert moved.n_features_in_ == 1


def challenged(users, **changes):
    weeks = [ago(7 * n) for n in range(1, 6)]
    rows = labelled(*weeks, users=users, **changes)
    parts = Split(tuple(weeks[1:]), (weeks[0],))
    return rows, parts, fit_and_compare(rows, parts, PARAMS, QUESTION, None, False, THRESHOLDS, seed=0)


def test_a_challenger_is_calibrated_on_its_newest_training_cutoff(monkeypatch):
    seen = {}

    def spied(model, Z, y, *rest):
        seen["rows"] = len(y)
        return fit_calibration(model, Z, y, *rest)

    monkeypatch.setattr(fit_rules, "fit_calibration", spied)
    rows, parts, trained = challenged(users=800)
    assert seen["rows"] == 800  # one cutoff, not the holdout's
    assert trained.pair.notes.sharpness == read_sharpness(trained.calibration) != 1.0
    again = comparison.refit(rows, parts, trained, QUESTION, seed=0)
    assert again.notes.sharpness == trained.pair.notes.sharpness
    plain = again.prediction.calibrated_classifiers_[0].estimator
    Z = again.preprocessing.transform(rows.X.astype(np.float64))
    odds = np.log(plain.predict_proba(Z)[:, 1] / plain.predict_proba(Z)[:, 0])
    assert again.score(rows.X) == pytest.approx(1 / (1 + np.exp(-again.notes.sharpness * odds)))


def test_the_weights_of_a_sample_count_in_silence(believer, recwarn):
    """Twice the weight is what a copy is: scikit-learn would warn that a fitted model takes no weights."""
    Z, y = world(5_000, 1.0, seed=1)
    twice = 1 + (np.arange(len(y)) % 3 == 0)
    weighted = fit_calibration(believer, Z, y, twice.astype(float))
    copied = fit_calibration(believer, np.repeat(Z, twice, axis=0), np.repeat(y, twice))
    assert read_sharpness(weighted) == pytest.approx(read_sharpness(copied), abs=1e-4)
    assert read_sharpness(weighted) != pytest.approx(read_sharpness(fit_calibration(believer, Z, y)), abs=1e-4)
    assert [str(warning.message) for warning in recwarn] == []


def test_few_positives_earn_no_calibration():
    _, _, trained = challenged(users=120)
    acted = int(labelled(ago(14), users=120).y.sum())
    assert acted < fit_rules.CALIBRATING
    assert trained.calibration is None
    assert trained.pair.notes.sharpness == 1.0
    assert type(trained.pair.prediction) is LogisticRegression


def test_one_training_cutoff_earns_no_calibration():
    rows = labelled(ago(7), ago(14), users=800)
    trained = fit_and_compare(rows, Split((ago(14),), (ago(7),)), PARAMS, QUESTION, None, False, THRESHOLDS, seed=0)
    assert trained.calibration is None


def test_nearly_equal_columns_are_fitted_without_a_complaint(recwarn):
    from lib.models.estimators import fit_models

    rng = np.random.default_rng(0)
    base = rng.gamma(1.0, 30.0, 4000)
    X = pd.DataFrame({f"events_{n}": base * (1 + 1e-4 * rng.normal(size=4000)) for n in range(30)}, dtype=np.float32)
    y = (rng.random(4000) < 1 / (1 + np.exp(-(base - 30) / 30))).astype(np.int64)
    fit_models(X, y, PARAMS | {"C": 100.0}, seed=0)
    assert [str(w.message) for w in recwarn] == []


def test_a_model_comes_out_from_under_its_calibration(believer):
    found = fit_calibration(believer, *world(5_000, 1.0, seed=1))
    assert split_calibration(found) == (believer, found)
    assert split_calibration(believer) == (believer, None)


def test_the_twin_of_a_calibrated_champion_learns_anew_and_keeps_its_calibration():
    rows, parts, trained = challenged(users=800)
    champion = comparison.refit(rows, parts, trained, QUESTION, seed=0)  # has learnt the holdout
    (judged,) = parts.holdout
    seen = fit_and_compare(rows, parts, PARAMS | {"C": 1.0}, QUESTION, champion, False, THRESHOLDS, seed=0)
    own = comparison.measure_pair(trained.pair, rows.at([judged]), learning_rule(rows, parts), 0)
    assert seen.champion.plain["log_loss"] == pytest.approx(own.plain["log_loss"], abs=1e-9)


def learning_rule(rows, parts):
    training = rows.at(parts.training)
    return NaiveRule.fit(QUESTION, training.X, training.y)
