"""Own models by their address in MLflow: which are found and read, and how the others are told to be logged."""

import re
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.models import Model
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.errors import ModelError
from lib.registry.versions import model_names
from tests.builders.runs import EVIDENCE, ago, labelled, registered

ROWS = labelled(ago(7), ago(14))
USED = ["recency", "buy__events_90"]


def pipeline():
    whole = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=0.5))])
    return whole.fit(ROWS.X[USED], ROWS.y)


def logged(registry, how="skops", **models):
    """Log models to one run of their own; returns the run's id."""
    with mlflow.start_run(experiment_id=registry.runs.experiment_id()) as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow deplores a pickle too
        for name, model in models.items():
            mlflow.sklearn.log_model(model, name=name, serialization_format=how, pip_requirements=["scikit-learn"])
    return run.info.run_id


def refused(registry, uri, message):
    with pytest.raises(ModelError, match=re.escape(message)):
        registry.load_own(uri)


@pytest.fixture(scope="module")
def run_id(mlflow_registry):
    whole = pipeline()
    return logged(
        mlflow_registry, own=whole, bare=whole[-1].fit(ROWS.X[USED], ROWS.y), preprocessing=whole[:-1],
        prediction=LogisticRegression(C=2.0).fit(np.asarray(ROWS.X[USED]), ROWS.y),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("uri", "steps", "C"),
    [
        ("runs:/{}/own", ["features", "scale"], 0.5),
        ("runs:/{}/bare", ["features"], 0.5),
        ("runs:/{}", ["features", "preprocessing"], 2.0),
    ],
)
def test_the_models_of_a_run_are_found(mlflow_registry, run_id, uri, steps, C):
    own = mlflow_registry.load_own(uri.format(run_id))
    assert (own.columns, own.prediction.C) == (tuple(USED), C)
    assert [name for name, _ in own.preprocessing.steps] == steps
    assert own.params["challenger"] == uri.format(run_id)


def test_a_registered_pipeline_is_found_by_version_and_by_alias(mlflow_registry, run_id):
    client, name = mlflow_registry.client, "app.own"
    mlflow.register_model(f"runs:/{run_id}/own", name)
    client.set_registered_model_alias(name, "best", "1")
    for uri in (f"models:/{name}/1", f"models:/{name}@best"):
        own = mlflow_registry.load_own(uri)
        assert (own.columns, own.params["challenger"]) == (tuple(USED), uri)
    for uri in (f"models:/{name}/2", f"models:/{name}@worst", "models:/nobody/1"):
        refused(mlflow_registry, uri, f"The challenger {uri} cannot be found: ")


def test_a_registered_pair_brings_its_preprocessing_by_its_tag(mlflow_registry, question):
    registered(mlflow_registry, question, through=14)
    made = registered(mlflow_registry, question)
    _, name = model_names("app.propensity", question)
    for uri in (f"models:/{name}/2", f"models:/{name}@champion"):
        mlflow_registry.promote(question, "2", ago(0))
        own = mlflow_registry.load_own(uri)
        assert own.columns == made.columns
        assert own.preprocessing["preprocessing"].named_steps.keys() == made.preprocessing.named_steps.keys()
        assert own.prediction.C == made.prediction.C


def test_an_own_pair_is_registered_and_loaded_like_any(mlflow_registry, run_id, question):
    from lib.training import comparison

    own = mlflow_registry.load_own(f"runs:/{run_id}/own")
    pair = comparison.fit_pair(ROWS, own, question, ago(7), 0)
    made = mlflow_registry.register(question, pair, ROWS.X, EVIDENCE)
    loaded = mlflow_registry.load(question, made.prediction_version)
    assert loaded.score(ROWS.X).tolist() == pair.score(ROWS.X).tolist()
    assert (loaded.columns, dict(loaded.params)) == (tuple(USED), dict(own.params))


@pytest.mark.parametrize("how", ["cloudpickle", "pickle"])
def test_a_pickled_model_is_refused_with_the_words_how_to_log_it(mlflow_registry, how):
    uri = f"runs:/{logged(mlflow_registry, how, own=pipeline())}/own"
    refused(
        mlflow_registry, uri,
        f"The challenger {uri} is stored as {how}, and reading a pickle would run whatever it holds. "
        'Log it with mlflow.sklearn.log_model(..., serialization_format="skops").',
    )  # fmt: skip


@pytest.fixture
def file(mlflow_registry, run_id):
    """The file of the model `own`; made whole again after the test."""
    outputs = mlflow_registry.client.get_run(run_id).outputs.model_outputs
    models = {mlflow_registry.client.get_logged_model(one.model_id).name: one.model_id for one in outputs}
    path = Path(mlflow.artifacts.download_artifacts(f"models:/{models['own']}"), "model.skops")
    whole = path.read_bytes()
    yield path
    path.write_bytes(whole)


def test_a_pickle_under_a_trusted_name_is_not_read(mlflow_registry, run_id, file):
    file.write_bytes(b"\x80\x04cos\nsystem\n.")
    refused(mlflow_registry, f"runs:/{run_id}/own", f"The challenger runs:/{run_id}/own cannot be loaded: BadZipFile: ")


class Home:
    """A type that is on nobody's list."""


def test_types_that_nobody_trusts_are_not_built(mlflow_registry, run_id, file):
    import skops.io

    skops.io.dump(Home(), file)
    kind = f"{Home.__module__}.Home, which is not read from a file. Take an estimator of scikit-learn, or of LightGBM"
    refused(mlflow_registry, f"runs:/{run_id}/own", f"The challenger runs:/{run_id}/own holds {kind}")


def test_a_file_that_was_logged_without_a_description_is_read_too(mlflow_registry, tmp_path):
    """What MLflow will not log, skops writes: nothing that a model has learnt is read."""
    import skops.io

    own = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(ROWS.X[USED], ROWS.y)
    skops.io.dump(own, tmp_path / "model.skops")
    with mlflow.start_run(experiment_id=mlflow_registry.runs.experiment_id()) as run:
        mlflow.log_artifact(str(tmp_path / "model.skops"), "own")
    read = mlflow_registry.load_own(f"runs:/{run.info.run_id}/own")
    assert (read.columns, read.prediction.n_estimators) == (tuple(USED), 3)
    assert not hasattr(read.prediction, "estimators_")


def test_a_described_classifier_is_read_by_class_and_parameters(mlflow_registry):
    described = {"class": "sklearn.ensemble.ExtraTreesClassifier", "params": {"max_depth": 3}, "columns": USED}
    with mlflow.start_run(experiment_id=mlflow_registry.runs.experiment_id()) as run:
        mlflow.log_dict(described, "own.json")
    read = mlflow_registry.load_own(f"runs:/{run.info.run_id}/own.json")
    assert (read.columns, read.prediction.max_depth) == (tuple(USED), 3)
    uri = f"runs:/{run.info.run_id}/other.json"
    refused(mlflow_registry, uri, f"The challenger {uri} cannot be loaded: ")


def test_a_booster_s_file_is_not_opened(mlflow_registry, tmp_path):
    about = Model()
    about.add_flavor("lightgbm", lgb_version="4.7.0", data="model.lgb")
    about.save(str(tmp_path / "MLmodel"))
    with mlflow.start_run(experiment_id=mlflow_registry.runs.experiment_id()) as run:
        mlflow.log_artifact(str(tmp_path / "MLmodel"), "own")
    uri = f"runs:/{run.info.run_id}/own"
    refused(
        mlflow_registry, uri,
        f"The challenger {uri} is a model of lightgbm, whose files are not opened. Log its class and parameters: "
        'mlflow.log_dict({"class": "lightgbm.LGBMClassifier", "params": model.get_params(), "columns": list(X)}, '
        '"own.json"), and challenge with runs:/<run>/own.json.',
    )  # fmt: skip


def test_what_is_no_scikit_learn_model_is_refused(mlflow_registry):
    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input):
            return model_input

    with mlflow.start_run(experiment_id=mlflow_registry.runs.experiment_id()) as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.log_model(name="own", python_model=Model(), pip_requirements=["mlflow"])
    uri = f"runs:/{run.info.run_id}/own"
    refused(mlflow_registry, uri, f"The challenger {uri} is no scikit-learn model, and reading a pickle would run")


def test_a_run_without_the_two_models_is_refused(mlflow_registry):
    uri = f"runs:/{logged(mlflow_registry, preprocessing=pipeline()[:-1])}"
    refused(mlflow_registry, uri, f"The challenger {uri} cannot be loaded: MlflowException: ")
    refused(mlflow_registry, "runs:/nobody/own", "The challenger runs:/nobody/own cannot be loaded: MlflowException: ")


def test_a_tag_that_names_no_partner_is_told(mlflow_registry, question):
    registered(mlflow_registry, question)
    _, name = model_names("app.propensity", question)
    mlflow_registry.client.set_model_version_tag(name, "1", "preprocessing_version", "9")
    refused(mlflow_registry, f"models:/{name}/1", f"The challenger models:/{name}/1 cannot be loaded: MlflowException")
