"""The README's own code, run as it stands there: a champion is scored without any code of this project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import write_deltalake

from lib.config.question import Question
from lib.models.blueprint import make_models
from lib.registry.mlflow_registry import MlflowRegistry
from lib.training.fit import fit_pair
from tests.builders.runs import EVIDENCE, ago, labelled

README = Path(__file__).parents[2] / "README.md"
QUESTION = Question(actions=("buy_deli",), horizon_days=14, cohort_days=90)


def run(heading, home, *names):
    """Run the first block of Python below a heading of the README in a process of its own, beside a home.

    Returns the values that some names have at the end, and what was printed.
    """
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    code = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    ask = "".join(f"\nprint(json.dumps(list({name}), default=str))" for name in names)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json{ask}"],
        cwd=home.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    first = len(lines) - len(names)
    return [json.loads(line) for line in lines[first:]], lines[:first]


@pytest.fixture
def home(tmp_path, monkeypatch, empty_store):
    """The home of a project, with its experiment."""
    from mlflow import MlflowClient

    home = tmp_path / ".home"
    home.mkdir()
    shutil.copy(empty_store, home)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{home}/mlflow.db")
    MlflowClient().create_experiment("propensity", artifact_location=str(home / "artifacts"))
    return home


@pytest.mark.job
def test_the_champion_is_scored_in_plain_mlflow(home):
    registry = MlflowRegistry("spark_catalog.propensity.propensity", "propensity")
    rows = labelled(ago(0), ago(7))
    params = {"family": "logistic", "C": 0.1, "lifetime": True}
    for learnt in (ago(0), ago(7)):  # the second one is not in use
        registry.register(QUESTION, fit_pair(rows.at([learnt]), params, QUESTION, learnt, 0), rows.X, EVIDENCE)
    registry.promote(QUESTION, "1", ago(0))
    features = rows.frame.drop(columns="label")
    features["recency"] = features["recency"].where(features["recency"] > 3, np.nan).astype(np.float32)
    features["later"] = np.float32(1)  # a column that the pair does not know
    write_deltalake(home / "warehouse" / "propensity" / "features", features)

    asked = ("newest['user_id']", "map(float, propensity)")
    (users, propensity), _ = run("Load the models without our code", home, *asked)

    newest = features[(features["cutoff"] == ago(0)) & (features["recency"] <= 90)]
    ours = registry.load(QUESTION, "1").score(newest)
    assert users == newest["user_id"].tolist()
    assert propensity == pytest.approx(ours, rel=0, abs=1e-12)
    assert len(set(propensity)) > 50


@pytest.mark.job
def test_an_own_model_that_is_logged_as_the_readme_says_can_compete(home):
    rng = np.random.default_rng(0)
    frames = []
    for weeks, total in ((4, 20), (3, 21), (2, 22), (0, 23)):  # the cutoffs of a horizon of two weeks
        numbers = pd.DataFrame(rng.poisson(3, (80, 4)), columns=["recency", "events_28", *map("buy_deli__{}".format, (
            "recency", "events_28"))])  # fmt: skip
        more = numbers["recency"] % 2 * (total - 20)  # so half of the users did it between any two
        frames.append(numbers.assign(
            user_id=[f"u{n}" for n in range(80)], cutoff=ago(7 * weeks), buy_deli__events_90=numbers["events_28"],
            buy_deli__events_all=20 + more,
        ))  # fmt: skip
    features = pd.concat(frames, ignore_index=True)
    write_deltalake(home / "warehouse" / "propensity" / "features", features)

    asked = ("[before, after]", "map(int, y)", "columns", "own.predict_proba(rows[columns])[:, 1].tolist()")
    (days, y, names, scores), printed = run("A model of your own", home, *asked)

    assert days == [str(ago(28)), str(ago(14))]
    assert 10 < sum(y) < 70
    own = MlflowRegistry("spark_catalog.propensity.propensity", "propensity").load_own(printed[-1])
    assert own.columns == tuple(names)
    X = features[features["cutoff"] == ago(28)].drop(columns=["user_id", "cutoff"])
    transformer, model, columns, params = make_models(X, np.array(y), own, 0)
    assert (columns, params["challenger"]) == (own.columns, printed[-1])
    assert model.predict_proba(transformer.transform(X[list(columns)]))[:, 1] == pytest.approx(scores)
