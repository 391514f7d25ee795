"""Scoring a batch of feature rows, wherever it lies."""

import pickle
from dataclasses import replace

import pyarrow as pa
import pytest

from lib.config.bases import ModelConfig
from lib.errors import ContractBroken
from lib.explain import reasons
from lib.stages.scoring import make_scorer
from lib.tables.contracts import PREDICTIONS
from lib.tables.schemas import arrow_schema
from lib.training.fit import fit_pair
from tests.builders.runs import ago, asked, labelled

QUESTION = asked(ModelConfig, action="rent,buy").question
ROWS = labelled(ago(0), users=40)


@pytest.fixture(scope="module")
def pair():
    made = fit_pair(ROWS, {"family": "logistic", "C": 0.1, "lifetime": True}, QUESTION, ago(0), 0)
    notes = reasons.explanation_notes(made, ROWS.X, ROWS, ["buy"], seed=0)
    return replace(made, preprocessing_version="3", prediction_version="4", notes=notes)


@pytest.fixture(scope="module")
def features():
    return pa.Table.from_pandas(ROWS.frame.drop(columns="label"), preserve_index=False)


def test_a_row_of_features_becomes_a_row_of_predictions(pair, features):
    scored = make_scorer(pair, QUESTION, "run-1", 3)(features)
    assert scored.schema == arrow_schema(PREDICTIONS)
    assert scored.slice(5, 1).to_pylist() == [{
        "question": QUESTION.slug, "action": "buy,rent", "horizon_days": 7, "user_id": "u5", "cutoff": ago(0),
        "propensity": pytest.approx(pair.score(ROWS.X)[5], abs=1e-9), "preprocessing_version": "3",
        "prediction_version": "4", "run_id": "run-1", "reasons": reasons.format_reasons(pair, ROWS.X, 3)[5],
        "starts_in_days": 0,
    }]  # fmt: skip


def test_batches_do_not_matter(pair, features):
    score = make_scorer(pair, QUESTION, "run-1", 3)
    whole = score(features)["propensity"].to_pylist()
    parts = [score(features.slice(n, 7)) for n in range(0, 40, 7)]
    apart = [p for part in parts for p in part["propensity"].to_pylist()]
    assert apart == pytest.approx(whole, rel=0, abs=1e-12)
    assert [text for part in parts for text in part["reasons"].to_pylist()] == score(features)["reasons"].to_pylist()


def test_reasons_are_told_as_many_as_asked_for_and_change_no_score(pair, features):
    none, one, two = (make_scorer(pair, QUESTION, "run-1", most)(features) for most in (0, 1, 2))
    assert none["reasons"].null_count == 40
    assert [{text.count("; ") for text in some["reasons"].to_pylist() if text} for some in (one, two)] == [{0}, {0, 1}]
    assert none.drop_columns(["reasons"]).equals(two.drop_columns(["reasons"]))


def test_an_empty_batch_has_the_same_columns(pair, features):
    assert make_scorer(pair, QUESTION, "run-1", 3)(features.slice(0, 0)).equals(arrow_schema(PREDICTIONS).empty_table())


def test_a_pair_can_be_sent_to_where_the_rows_lie(pair):
    assert pickle.loads(pickle.dumps(pair)).score(ROWS.X).tolist() == pair.score(ROWS.X).tolist()


def test_a_score_that_is_no_probability_stops_the_batch(pair, features, monkeypatch):
    monkeypatch.setattr(type(pair.prediction), "predict_proba", lambda _, X: [[0.0, 2.0]] * len(X))
    with pytest.raises(ContractBroken, match="40 of 40 propensities are not probabilities between 0 and 1"):
        make_scorer(pair, QUESTION, "run-1", 3)(features)
