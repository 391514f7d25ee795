"""Versions as somebody serves them who has MLflow and none of our code: the propensities of the list."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from lib.config.question import Question
from lib.errors import ModelError
from lib.models import servable
from lib.registry.versions import model_names
from lib.training.fit import fit_pair
from lib.training.space import STARTS
from tests.builders.runs import EVIDENCE, ago, fitted_pair, labelled

QUESTION = Question(actions=("served",), horizon_days=7, cohort_days=28)
ROWS = labelled(ago(7), ago(14))
X = ROWS.X.astype(np.float32)  # as the table `features` has them


@pytest.fixture(scope="module")
def served(mlflow_registry):
    """A calibrated blend as MLflow serves it: a way to load each of its models, and what our own code scores."""
    made = fit_pair(ROWS, STARTS[1], QUESTION, ago(7), 0, earned=1.1)
    pair = mlflow_registry.register(QUESTION, made, X, EVIDENCE)
    transformers, predictors = model_names("app.propensity", QUESTION)
    uris = {
        "preprocessing": f"models:/{transformers}/{pair.preprocessing_version}",
        "prediction": f"models:/{predictors}/{pair.prediction_version}",
        "servable": mlflow_registry.client.get_model_version(predictors, pair.prediction_version).tags["servable"],
    }
    files = [Path(mlflow.artifacts.download_artifacts(uri)) for uri in uris.values()]
    return lambda name: mlflow.pyfunc.load_model(uris[name]), made.score(X), files


def test_each_half_is_served_and_both_after_one_another_score_as_the_list_does(served):
    load, scores, _ = served
    inputs = load("preprocessing").predict(X)
    propensities = load("prediction").predict(inputs)
    assert inputs.dtype == np.float64
    assert np.abs(propensities[:, 1] - scores).max() < 1e-9


def test_the_pair_is_served_as_one_model_that_gives_the_propensity(served):
    load, scores, _ = served
    blank = X.astype(np.float64)
    blank.loc[blank["buy__events_90"] == 0, "buy__events_90"] = np.nan  # as a cutoff has it that lacks the column
    for rows in (X, blank):
        assert np.abs(load("servable").predict(rows) - scores).max() < 1e-9


def test_the_signatures_say_double_as_scoring_is(served):
    load, *_ = served
    kinds = {name: load(name).metadata.signature for name in ("preprocessing", "prediction", "servable")}
    takes = ["double"] * X.shape[1]
    assert [str(kind).rpartition(".")[2] for kind in kinds["preprocessing"].inputs.input_types()] == takes
    assert kinds["servable"].inputs == kinds["preprocessing"].inputs
    assert kinds["prediction"].inputs == kinds["preprocessing"].outputs
    assert [str(one.type) for one in kinds["prediction"].inputs.inputs] == ["float64"]
    assert kinds["servable"].outputs.input_names() == ["propensity"]


def test_no_file_of_theirs_is_stored_as_it_is(served):
    *_, folders = served
    files = [file for folder in folders for file in folder.glob("*.skops")]
    assert len(files) == 4  # the preprocessing has one for generic servers besides
    for file in files:
        parts = ZipFile(file).infolist()
        assert {part.compress_type for part in parts} == {ZIP_DEFLATED}
        assert file.stat().st_size < 0.5 * sum(part.file_size for part in parts)
    assert not [file for folder in folders for file in folder.glob("*.draft")]


def test_a_pipeline_that_would_score_otherwise_is_not_written(monkeypatch):
    pair = fitted_pair(QUESTION)
    monkeypatch.setattr(servable, "_line", lambda *_: LinearRegression().fit([[0.0], [1.0]], [0.0, 0.5]))
    with pytest.raises(
        ModelError, match=r"The pair of served_7d_cohort28d cannot be served: its pipeline scores up to"
    ):
        servable.make_servable(pair, pair.inputs(X.head(5)))


def test_a_preprocessing_model_of_very_many_outputs_is_not_served_by_itself(monkeypatch):
    pair = fitted_pair(QUESTION)
    monkeypatch.setattr(servable, "WIDEST", 4)
    assert servable.make_outputs_servable(pair.preprocessing, pair.inputs(X.head(5))) is None
