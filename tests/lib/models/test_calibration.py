"""How sure a pair may be is earned on rows that it has not seen, and put on the fit of all rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from lib.config.question import Question
from lib.evaluation.naive_rule import NaiveRule
from lib.labels.split import Split
from lib.models.calibration import (
    LIMITS,
    Asked,
    apply_sharpness,
    ask_for_sharpness,
    pool_sharpness,
    read_sharpness,
    split_calibration,
)
from lib.models.pair import positive_probability
from lib.training import comparison, folds
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


def ask(model, Z, y, weight=None):
    return ask_for_sharpness(positive_probability(model, Z), y, weight)


@pytest.fixture(scope="module")
def believer():
    return LogisticRegression(C=1e6).fit(*world(50_000, 1.0))


@pytest.mark.parametrize("shift", [0.0, np.log(1.3)])  # the level of the unseen days, beside what was learnt
@pytest.mark.parametrize("factor", [1.0, 1.15, 0.9])
def test_the_factor_on_the_log_odds_is_found_whatever_the_level_of_the_days(believer, factor, shift):
    found = ask(believer, *world(50_000, factor, seed=1, shift=shift))
    assert found.factor == pytest.approx(factor, abs=0.03)
    assert abs(found.factor - factor) < 3 * np.sqrt(found.variance) < 0.06


@pytest.mark.parametrize(("factors", "variance", "found"), [
    ((1.2, 1.2), 0.0, 1.2),  # two days agree and are sure
    ((1.2, 1.2), 0.02, 1.1),  # as far as they know: their mean has the variance 0.01, as factors have among days
    ((1.4, 1.0), 0.0, 1.04),  # they differ, and so their mean has the variance 0.04
    ((1.1, 0.9), 0.0, 1.0),
    ((3.0, 3.0), 0.0, LIMITS[1]),
    ((0.1, 0.1, 0.1), 0.0, LIMITS[0]),
])  # fmt: skip
def test_what_days_ask_for_is_drawn_towards_1_the_less_they_show_or_agree(factors, variance, found):
    assert pool_sharpness([Asked(factor, variance or 1e-12) for factor in factors]) == pytest.approx(found)


def test_a_surer_day_counts_more():
    assert pool_sharpness([Asked(1.2, 1e-9), Asked(1.0, 1e-6)], usual=10) == pytest.approx(1.2, abs=1e-3)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("rare", [0.0, 3.0, 6.0])
def test_a_sharpness_leaves_the_level_and_moves_the_log_odds(believer, factor, rare):
    model = LogisticRegression(C=1e6).fit(*world(50_000, 1.0, seed=2, shift=-rare))
    Z, _ = world(3_000, 1.0, seed=3)
    weight = 1.0 + (Z[:, 0] > 0)
    sharp = apply_sharpness(factor, model, Z, weight)
    plain, moved = positive_probability(model, Z), positive_probability(sharp, Z)
    assert np.average(moved, weights=weight) == pytest.approx(np.average(plain, weights=weight), rel=1e-6)
    steps = np.diff(np.log(moved / (1 - moved))) / np.diff(np.log(plain / (1 - plain)))
    assert steps == pytest.approx(factor, rel=1e-4)
    assert read_sharpness(sharp) == factor
    assert (list(sharp.classes_), sharp.n_features_in_) == ([0, 1], 1)


def test_a_certainty_stays_one(believer):
    Z = np.array([[-1e9], [0.0], [1e9]])
    assert positive_probability(apply_sharpness(1.25, believer, Z), Z)[[0, 2]] == pytest.approx([0, 1], abs=1e-8)


def challenged(users, **changes):
    weeks = [ago(7 * n) for n in range(1, 6)]
    rows = labelled(*weeks, users=users, **changes)
    parts = Split(tuple(weeks[1:]), (weeks[0],))
    return rows, parts, fit_and_compare(rows, parts, PARAMS, QUESTION, None, False, THRESHOLDS, seed=0)


def test_a_challenger_is_calibrated_on_its_training_cutoffs_alone(monkeypatch):
    seen = []

    def spied(scores, y, *rest):
        seen.append(len(y))
        return ask_for_sharpness(scores, y, *rest)

    monkeypatch.setattr(folds, "ask_for_sharpness", spied)
    rows, parts, trained = challenged(users=800)
    assert seen == [800, 800, 800]  # three cutoffs, not the holdout's
    assert trained.pair.notes.sharpness == trained.sharpness == read_sharpness(trained.pair.prediction) != 1.0
    again = comparison.refit(rows, parts, trained, QUESTION, seed=0)
    assert again.notes.sharpness == trained.pair.notes.sharpness
    plain, _ = split_calibration(again.prediction)
    Z = again.preprocessing.transform(rows.X.astype(np.float64))
    assert again.score(rows.X).mean() == pytest.approx(plain.predict_proba(Z)[:, 1].mean(), rel=1e-6)


def test_the_weights_of_a_sample_count_in_silence(believer, recwarn):
    """Twice the weight is what a copy is: scikit-learn would warn that a fitted model takes no weights."""
    Z, y = world(5_000, 1.0, seed=1)
    twice = 1 + (np.arange(len(y)) % 3 == 0)
    weighted = ask(believer, Z, y, twice.astype(float))
    copied = ask(believer, np.repeat(Z, twice, axis=0), np.repeat(y, twice))
    assert (weighted.factor, weighted.variance) == pytest.approx((copied.factor, copied.variance), abs=1e-4)
    assert weighted.factor != pytest.approx(ask(believer, Z, y).factor, abs=1e-4)
    assert [str(warning.message) for warning in recwarn] == []


def test_few_positives_earn_no_calibration():
    _, _, trained = challenged(users=120)
    acted = int(labelled(ago(14), users=120).y.sum())
    assert acted < folds.CALIBRATING
    assert trained.sharpness is None
    assert trained.pair.notes.sharpness == 1.0
    assert type(trained.pair.prediction) is LogisticRegression


@pytest.mark.parametrize("older", [1, 2])  # training cutoffs: with two, one of them is a day to ask
def test_one_day_teaches_nothing(older):
    weeks = [ago(7 * n) for n in range(1, 2 + older)]
    rows = labelled(*weeks, users=800)
    trained = fit_and_compare(rows, Split(tuple(weeks[1:]), (weeks[0],)), PARAMS, QUESTION, None, False, THRESHOLDS, 0)
    assert trained.sharpness is None
    assert trained.pair.notes.sharpness == 1.0


def test_nearly_equal_columns_are_fitted_without_a_complaint(recwarn):
    from lib.models.estimators import fit_models

    rng = np.random.default_rng(0)
    base = rng.gamma(1.0, 30.0, 4000)
    X = pd.DataFrame({f"events_{n}": base * (1 + 1e-4 * rng.normal(size=4000)) for n in range(30)}, dtype=np.float32)
    y = (rng.random(4000) < 1 / (1 + np.exp(-(base - 30) / 30))).astype(np.int64)
    fit_models(X, y, PARAMS | {"C": 100.0}, seed=0)
    assert [str(w.message) for w in recwarn] == []


def test_a_model_comes_out_from_under_its_calibration(believer):
    Z, y = world(5_000, 1.0, seed=1)
    assert split_calibration(apply_sharpness(1.1, believer, Z)) == (believer, 1.1)
    assert split_calibration(believer) == (believer, None)
    as_before = CalibratedClassifierCV(FrozenEstimator(believer), method="temperature").fit(Z, y)
    assert split_calibration(as_before) == (believer, None)


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
