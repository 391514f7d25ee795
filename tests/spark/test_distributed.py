"""What runs on Spark's workers gives what it gives here, however the rows are spread, without our code lying there."""

from datetime import date, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.config.question import Question
from lib.features.build import build_features, each_cutoff
from lib.features.vocabulary import choose_vocabulary, feature_columns, features_schema
from lib.models.estimators import fit_models
from lib.models.pair import Pair
from lib.stages.scoring import make_scorer
from lib.tables import batches
from lib.tables.contracts import DAILY_ACTIVITY, PREDICTIONS
from lib.tables.schemas import arrow_schema

START = date(2024, 3, 1)
CUTOFFS = [START + timedelta(days=days) for days in (60, 67, 95)]
QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)


@pytest.fixture
def tables(delta_tables):
    """Delta's: what is asked about runs where Spark's rows lie."""
    return delta_tables


@pytest.fixture
def activity(tables):
    """A hundred days of forty users, some rows known late, some without value or items; stored in Delta."""
    rng = np.random.default_rng(3)
    n = 2000
    day, late = rng.integers(0, 100, n), rng.integers(-20, 10, n).clip(0)
    frame = pd.DataFrame({
        "user_id": [f"u{user}" for user in rng.integers(0, 40, n)],
        "day": [START + timedelta(days=int(d)) for d in day],
        "event_type": rng.choice(["view", "buy", "It's odd"], n, p=[0.7, 0.2, 0.1]),
        "known_day": [START + timedelta(days=int(d)) for d in day + late],
        "count": rng.integers(1, 5, n),
        "value": np.where(rng.random(n) < 0.5, rng.normal(size=n), np.nan),
        "items": [None if x < 0.2 else [f"i{int(50 * x)}", "iz"] for x in rng.random(n)],
    })  # fmt: skip
    tables.replace("daily_activity", frame, "1 = 1")
    return pa.Table.from_pandas(frame, schema=arrow_schema(DAILY_ACTIVITY), preserve_index=False)


def planned(activity):
    """What every cutoff knows; here all types are known to all from the start."""
    seen = {kind: [(START, 40)] for kind in sorted(set(activity["event_type"].to_pylist()))}
    plan = {cutoff: choose_vocabulary(seen, cutoff, 24) for cutoff in CUTOFFS}
    return plan, features_schema(
        list(dict.fromkeys(name for words in plan.values() for name in feature_columns(words)))
    )


def ordered(table):
    return table.to_pandas().sort_values(["user_id", "cutoff"], ignore_index=True)


@pytest.mark.parametrize(("partitions", "piece"), [(1, 2**24), (4, 1_000)])
def test_features_are_those_of_the_core_however_the_users_are_spread(
    tables, spark, activity, partitions, piece, monkeypatch
):
    plan, target = planned(activity)
    monkeypatch.setattr(batches, "MOST_BYTES", piece)  # travels with our code to the workers
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    try:
        rows = tables.map_users("SELECT * FROM {daily_activity}", partial(each_cutoff, plan=plan), target)
        found = ordered(rows.toArrow())
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    pd.testing.assert_frame_equal(found, ordered(build_features(activity, plan)), check_exact=True)


def test_a_pair_scores_on_the_workers_what_it_scores_here(tables, activity):
    plan, target = planned(activity)
    features = build_features(activity, plan)
    rows = tables.map_users("SELECT * FROM {daily_activity}", partial(each_cutoff, plan=plan), target)
    tables.replace("features", rows, "1 = 1")
    X = features.drop_columns(["user_id", "cutoff"]).to_pandas()
    y = (np.random.default_rng(0).random(len(X)) < 0.4).astype(np.int64)
    params = {
        "family": "blend", "C": 0.1, "lifetime": True, "learning_rate": 0.1, "max_iter": 20, "max_leaf_nodes": 4,
        "min_samples_leaf": 5, "l2_regularization": 1.0, "max_features": 0.5,
    }  # fmt: skip
    pair = Pair(*fit_models(X, y, params, 0), tuple(X.columns), QUESTION.slug, "2024-05-01", params, "3", "4")
    scored = tables.map_rows(
        "SELECT * FROM {features}", make_scorer(pair, QUESTION, "run-1", 3), arrow_schema(PREDICTIONS)
    )
    tables.replace("predictions", scored, "1 = 1")
    found = ordered(scored.toArrow())
    local = features.to_pandas().assign(propensity=pair.score(X)).sort_values(["user_id", "cutoff"], ignore_index=True)
    assert list(found["user_id"]) == list(local["user_id"])
    np.testing.assert_allclose(found["propensity"], local["propensity"], rtol=0, atol=1e-12)
    same = ["question", "action", "horizon_days", "preprocessing_version", "prediction_version", "run_id"]
    assert found[same].drop_duplicates().values.tolist() == [[QUESTION.slug, "buy", 7, "3", "4", "run-1"]]


def test_the_workers_have_no_copy_of_our_code(tables, activity):
    def look(rows):
        import importlib.util

        there = importlib.util.find_spec("lib")
        return pa.table({"found": pa.array([str(there)])})

    rows = tables.map_rows("SELECT * FROM {daily_activity} LIMIT 1", look, pa.schema([("found", pa.string())]))
    assert [row.found for row in rows.collect()] == ["None"]


def test_a_replacement_is_one_commit(tables, spark):
    def version():
        return spark.sql(f"DESCRIBE HISTORY {tables.full_name('predictions')}").agg({"version": "max"}).first()[0]

    row = dict.fromkeys(PREDICTIONS, "x") | {"horizon_days": 7, "cutoff": START, "propensity": 0.5, "starts_in_days": 0}
    tables.replace("predictions", pd.DataFrame([row]), "question = 'x'")
    before = version()
    tables.replace("predictions", pd.DataFrame([row | {"user_id": "y"}]), "question = 'x'")
    assert version() == before + 1
