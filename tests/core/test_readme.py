"""The README's own code, run as it stands there: a champion is scored without any code of this project."""

import re
from pathlib import Path

import numpy as np
import pytest
from deltalake import write_deltalake
from made import EVIDENCE, ago, labelled

from lib.config import Question
from lib.learning import fitted
from lib.registry import MlflowRegistry

README = Path(__file__).parents[2] / "README.md"
QUESTION = Question(actions=("buy_deli",), horizon_days=14, cohort_days=90)


def block(heading, number=0):
    """A block of Python below a heading of the README."""
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)[number]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of a project in which the built-in question was answered: models, a newer version, and features."""
    import mlflow

    store = f"sqlite:///{tmp_path}/.home/mlflow.db"
    (tmp_path / ".home").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", store)
    before = mlflow.get_tracking_uri()
    yield tmp_path / ".home"
    mlflow.set_tracking_uri(before)


def test_the_champion_is_scored_in_plain_mlflow(home):
    from mlflow import MlflowClient

    MlflowClient().create_experiment("propensity", artifact_location=str(home / "artifacts"))
    registry = MlflowRegistry("spark_catalog.propensity.propensity", "propensity")
    rows = labelled(ago(0), ago(7))
    params = {"family": "logistic", "C": 0.1, "lifetime": True}
    for learnt in (ago(0), ago(7)):  # the second one is not in use
        registry.register(QUESTION, fitted(rows.at([learnt]), params, QUESTION, learnt, 0), rows.X, EVIDENCE)
    registry.promote(QUESTION, "1", ago(0))
    features = rows.frame.drop(columns="label")
    features["recency"] = features["recency"].where(features["recency"] > 3, np.nan).astype(np.float32)
    features["later"] = np.float32(1)  # a column that the pair does not know
    write_deltalake(home / "warehouse" / "propensity" / "features", features)

    found: dict = {}
    exec(block("Load the models without our code"), found)

    newest = features[features["cutoff"] == ago(0)]
    ours = registry.load(QUESTION, "1").score(newest)
    assert found["newest"]["user_id"].tolist() == newest["user_id"].tolist()
    assert found["propensity"] == pytest.approx(ours, rel=0, abs=1e-12)
    assert len(set(found["propensity"])) > 50
