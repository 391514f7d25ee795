"""The two models of a pair: what they are given, what they may answer."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression

from lib.errors import ContractBroken, ModelError
from lib.features.vocabulary import type_column
from lib.models.estimators import (
    MARK,
    fit_models,
    group_columns,
    is_lifetime,
    make_prediction,
    make_preprocessing,
    transform,
)
from lib.models.pair import Pair, positive_probability

LOGISTIC = {"family": "logistic", "C": 1.0, "lifetime": True}
TREES = {
    "learning_rate": 0.1, "max_iter": 3, "max_leaf_nodes": 4, "min_samples_leaf": 5, "l2_regularization": 1.0,
    "max_features": 0.5,
}  # fmt: skip


class Passing:
    """A preprocessing model that hands its frame on."""

    def transform(self, X):
        return X


class Answering:
    """A prediction model that answers from its first column, with classes in a given order."""

    def __init__(self, classes=(0, 1)):
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        one = np.asarray(X)[:, 0].astype(float)
        return np.column_stack([one if label == 1 else 1 - one for label in self.classes_])


def pair(**changes):
    return replace(Pair(Passing(), Answering(), ("recency",), "buy_7d_cohort28d", "2024-05-01"), **changes)


def frame(**columns):
    return pd.DataFrame(columns, dtype=np.float32)


@pytest.mark.parametrize("classes", [(0, 1), (1, 0), (-1, 1, 0)])
def test_the_propensity_is_that_of_class_one_wherever_it_stands(classes):
    assert pair(prediction=Answering(classes)).score(frame(recency=[0.25, 1, 0])).tolist() == [0.25, 1, 0]


def test_a_model_that_does_not_know_class_one_is_refused():
    with pytest.raises(ModelError, match=r"knows the classes \[.*False.*\], not 1 for the action. Retrain it"):
        positive_probability(Answering(["True", "False"]), frame(recency=[0.5]))


@pytest.mark.parametrize("bad", [np.nan, 1.25, -0.25, np.inf])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ContractBroken, match="1 of 3 propensities are not probabilities between 0 and 1"):
        positive_probability(Answering(), np.array([[0.0], [bad], [1.0]]))


def test_columns_that_a_pair_does_not_know_are_ignored_and_missing_ones_are_zero():
    both = pair(columns=("gone__events_7", "recency"))
    assert both.score(frame(recency=[0.5], unknown=[9.0])).tolist() == [0]  # it answers from gone__events_7
    other_way = pair(columns=("recency", "gone__events_7"))
    assert other_way.score(frame(unknown=[9.0], recency=[0.5])).tolist() == [0.5]
    assert pair().score(pd.DataFrame({"recency": [None, 0.5]})).tolist() == [0, 0.5]


def test_nobody_to_score_is_no_error():
    X = frame(recency=[1, 2, 3, 4])
    fitted = fit_models(X, np.array([0, 1, 0, 1]), LOGISTIC, seed=0)
    assert pair(preprocessing=fitted[0], prediction=fitted[1]).score(X.head(0)).tolist() == []


def test_features_that_grow_with_the_log_are_known_by_name():
    lifetime = ["tenure", "log_age", "gap_mean", "gap_std", "overdue", "events_all", "items_all", "buy__events_all"]
    assert all(map(is_lifetime, lifetime))
    assert not any(map(is_lifetime, ["recency", "events_90", "covered_90", "buy__recency", "all__events_7"]))


def test_preprocessing_puts_counts_on_a_log_scale_and_leaves_trends():
    X = frame(events_7=[0, 1, 100], value_28=[-50, 0, 50], trend_7_28=[-1, 0, 1], buy__trend_28_90=[-2, 0, 2])
    chosen = make_preprocessing(list(X.columns), {"lifetime": True})["choose"].fit(X)
    assert chosen.transform(X) == pytest.approx(np.column_stack([np.arcsinh(X.iloc[:, :2]), X.iloc[:, 2:]]))


def test_preprocessing_by_bins_keeps_the_order_of_numbers_only():
    X = frame(events_7=np.r_[np.zeros(50), np.arange(1, 51) ** 3], trend_7_28=np.arange(100) - 50, never=0)
    params = {"lifetime": True, "scale": "bins"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # bins without rows are no news
        Z = transform(make_preprocessing(list(X.columns), params), X, fit=True)
    assert sorted({int(n) for n in np.bincount(np.unique(Z[:, 1], return_inverse=True)[1])}) == [10]
    assert (Z[:, 2] == 0).all()
    assert len(np.unique(Z[:, 0])) == 6  # half of the rows are 0: one bin
    order = np.argsort(X["events_7"], kind="stable")
    assert (np.diff(Z[order, 0]) >= 0).all()
    assert Z.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_negative_sum_of_refunds_stays_a_number():
    X = frame(value_28=[-1e6, -3, 0, 4, 1e6])
    scaled = make_preprocessing(["value_28"], {"lifetime": True}).fit_transform(X)[:, 0]
    assert np.isfinite(scaled).all()
    assert (np.diff(scaled) > 0).all()  # order survives
    assert (scaled.mean(), scaled.std()) == pytest.approx((0, 1), abs=1e-6)


def test_a_feature_that_never_varies_is_no_error():
    X = frame(recency=[3, 3, 3], events_7=[1, 2, 3])
    assert np.isfinite(make_preprocessing(list(X.columns), {"lifetime": True}).fit_transform(X)).all()


def test_lifetime_features_take_part_by_choice():
    columns = ["tenure", "events_7", "events_all", "buy__events_all", "buy__recency"]
    X = frame(**{name: [n, 2 * n, 1] for n, name in enumerate(columns)})
    assert make_preprocessing(columns, {"lifetime": True}).fit_transform(X).shape == (3, 5)
    assert make_preprocessing(columns, {"lifetime": False}).fit_transform(X).shape == (3, 2)


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        (LOGISTIC, LogisticRegression),
        ({"family": "boosting"} | TREES, HistGradientBoostingClassifier),
        ({"family": "blend", "C": 1.0} | TREES, VotingClassifier),
    ],
)
def test_every_family_learns_and_repeats_exactly(params, kind):
    X = frame(recency=np.arange(60) % 7, events_7=np.arange(60) % 11)
    y = (np.arange(60) % 7 < 3).astype(np.int64)
    scores = []
    for _ in range(2):
        transformer, model = fit_models(X, y, {"lifetime": True} | params, seed=3)
        assert type(model) is kind
        scores.append(positive_probability(model, transformer.transform(X)))
    assert scores[0].tolist() == scores[1].tolist()
    assert scores[0][y == 1].mean() > scores[0][y == 0].mean()


def test_a_blend_averages_the_probabilities_of_its_parts():
    X, y = np.arange(40, dtype=float).reshape(-1, 1), (np.arange(40) % 3 == 0).astype(np.int64)
    blend = make_prediction({"family": "blend", "C": 1.0} | TREES, seed=0).fit(X, y)
    kinds = [type(part) for part in blend.estimators_]
    assert kinds == [LogisticRegression, HistGradientBoostingClassifier, ExtraTreesClassifier]
    parts = [part.predict_proba(X)[:, 1] for part in blend.estimators_]
    assert positive_probability(blend, X) == pytest.approx(np.mean(parts, axis=0))


def test_an_unknown_family_is_refused():
    with pytest.raises(ModelError, match="Unknown model family 'forest': logistic, boosting or blend"):
        make_prediction({"family": "forest"}, seed=0)


def test_lean_columns_are_those_of_the_user_and_of_the_questions_actions():
    own, odd = ["buy__events_7", "buy__recency"], type_column("buy!", "recency")  # a name that ends like a separator
    columns = ["recency", *own, "buy_more__events_7", odd, "other__events_7", "events_all"]
    assert group_columns(columns, {"groups": "lean"}, ["buy"]) == ["recency", *own, "events_all"]
    assert group_columns(columns, {"groups": "lean"}, ["buy", "buy!"]) == ["recency", *own, odd, "events_all"]
    assert group_columns(columns, {"groups": "all"}, ["buy"]) == columns
    assert group_columns(columns, {}, ["buy"]) == columns  # a pair from before there was a choice


@pytest.mark.parametrize("family", ["logistic", "boosting", "blend"])
def test_a_row_that_weighs_twice_counts_like_two(family):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"recency": rng.integers(1, 90, 400), "events_7": rng.poisson(2, 400)}).astype(np.float32)
    y = (rng.random(400) < 1 / (1 + X["recency"] / 20)).to_numpy(np.int64)
    params = LOGISTIC | TREES | {"family": family, "C": 1e2}
    weight = np.where(y == 1, 2.0, 1.0)
    means = [
        positive_probability(model, transformer.transform(X)).mean()
        for transformer, model in (fit_models(X, y, params, 0), fit_models(X, y, params, 0, weight))
    ]
    assert means[0] == pytest.approx(y.mean(), abs=0.03)
    assert means[1] == pytest.approx(np.average(y, weights=weight), abs=0.05)


def test_the_solver_converges_on_columns_that_say_the_same(recwarn):
    rng = np.random.default_rng(0)
    one = rng.poisson(3, 500)
    X = pd.DataFrame({f"events_{n}": one + (n == 3) * 1e-3 * rng.normal(size=500) for n in range(6)}).astype(np.float32)
    fit_models(X, (rng.random(500) < 0.3).astype(np.int64), LOGISTIC | {"C": 1e2}, 0)
    assert [str(warning.message) for warning in recwarn] == []


def test_attributes_are_marked_and_not_weighed_by_how_rare_they_are():
    rng, n = np.random.default_rng(0), 4000
    country = rng.choice([11.0, 12.0, 13.0, 14.0], n, p=[0.6, 0.388, 0.01, 0.002])
    X = pd.DataFrame({
        "recency": rng.integers(1, 90, n).astype(float), "attribute_text_country": country,
        "attribute_number_age": rng.integers(18, 80, n).astype(float), "attribute_known_age": np.ones(n),
        "attribute_days_joined": rng.integers(0, 900, n).astype(float), "attribute_known_joined": np.ones(n),
    })  # fmt: skip
    for scale in ("log", "bins"):
        made = make_preprocessing(list(X), {"lifetime": True, "scale": scale})
        Z = transform(made, X, fit=True)
        assert Z.shape[1] == 1 + 4 + 2 * 10 + 2  # 11, 12, 13 and the rare ones; deciles; whether each is known
        assert set(np.unique(Z[:, 1:])) == {0.0, MARK}
        strange = transform(made, X.assign(attribute_text_country=99.0))  # whom nobody knew then
        assert (strange == transform(made, X.assign(attribute_text_country=14.0))).all()
    without = make_preprocessing(list(X), {"lifetime": False, "scale": "log"})
    assert transform(without, X, fit=True).shape[1] == 1 + 4 + 10 + 2  # days since grow with the log


def test_without_attributes_the_steps_are_what_they_were():
    made = make_preprocessing(["recency", "events_7"], {"lifetime": True, "scale": "log"})
    assert [name for name, _ in made.steps] == ["choose", "scale"]
