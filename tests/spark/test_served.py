"""The servable of a pair as a function of Spark: the propensities of the list."""

import shutil

import pytest

from lib.config.question import Question
from lib.registry.mlflow_registry import MlflowRegistry
from lib.registry.versions import model_names
from tests.builders.runs import ago, labelled, registered


def test_spark_udf_of_the_servable_scores_as_our_own_code(spark, tmp_path, monkeypatch, empty_store):
    import mlflow

    shutil.copy(empty_store, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.MlflowClient().create_experiment("tests", artifact_location=f"{tmp_path}/artifacts")
    registry, question = (
        MlflowRegistry("app.propensity", "tests"),
        Question(actions=("buy",), horizon_days=7, cohort_days=28),
    )
    pair = registered(registry, question)
    version = registry.client.get_model_version(model_names("app.propensity", question)[1], pair.prediction_version)
    rows = labelled(ago(7))
    kinds = dict.fromkeys(pair.columns, "float32")  # as the table `features` has them
    features = spark.createDataFrame(rows.frame[["user_id", *pair.columns]].astype(kinds)).coalesce(1)
    score = mlflow.pyfunc.spark_udf(spark, version.tags["servable"], env_manager="local")
    found = features.select("user_id", score(*pair.columns).alias("propensity")).toPandas().set_index("user_id")
    assert found["propensity"][rows.users].tolist() == pytest.approx(pair.score(rows.X).tolist(), abs=1e-9)
