"""What MLflow keeps of a pair, and everything that keeps a pair from being used."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.ensemble import VotingClassifier

from lib.config.question import Question
from lib.errors import ConfigError, ModelError
from lib.features.vocabulary import DEFINITION
from lib.models.checks import take_probe
from lib.registry.mlflow_registry import MlflowRegistry
from lib.registry.mlflow_runs import ensure_experiment
from lib.registry.mlflow_writing import REQUIREMENTS
from lib.registry.versions import model_names
from lib.training.fit import fit_pair
from lib.training.space import STARTS
from lib.training.trials import Trial
from tests.builders.runs import EVIDENCE, LOGISTIC, ago, labelled, registered

TRIALS = (Trial(0, LOGISTIC, (0.5, 0.25), False, seconds=2.5), Trial(1, LOGISTIC | {"C": 4.0}, (0.75,), True))
ROWS = labelled(ago(7), ago(14))


@pytest.fixture(scope="module")
def stored(mlflow_registry):
    """Two versions of one question in MLflow; a test that spoils them puts them right again."""
    question = Question(actions=("stored",), horizon_days=7, cohort_days=28)
    registered(mlflow_registry, question, trials=TRIALS)
    registered(mlflow_registry, question, through=14)
    return mlflow_registry, question, model_names("app.propensity", question)


def test_a_model_of_another_question_is_refused_by_name(stored):
    registry, question, (_, name) = stored
    registry.client.set_model_version_tag(name, "1", "question", "rent_7d_cohort28d")
    message = (
        f"Version 1 of {name} answers the question 'rent_7d_cohort28d', not '{question.slug}'. Promote a version of"
    )
    with pytest.raises(ModelError, match=re.escape(message)):
        registry.load(question, "1")
    registry.client.set_model_version_tag(name, "1", "question", question.slug)


def test_the_files_of_a_removed_pair_go_and_those_that_another_version_reads_stay(mlflow_registry):
    question, client = Question(actions=("removed",), horizon_days=7, cohort_days=28), mlflow_registry.client
    for _ in range(2):
        registered(mlflow_registry, question)
    transformers, predictors = model_names("app.propensity", question)
    made = client.get_model_version(predictors, "1")
    uris = [client.get_model_version(transformers, "1").source, made.source, made.tags["servable"]]
    places = [
        Path(client.get_logged_model(uri.removeprefix("models:/")).artifact_location.removeprefix("file://"))
        for uri in uris
    ]
    client.create_registered_model("elsewhere")
    client.create_model_version("elsewhere", uris[1])
    assert all((place / "MLmodel").is_file() for place in places)
    mlflow_registry.remove(question, mlflow_registry.versions(question)[-1])
    assert [place.exists() for place in places] == [False, True, False]
    assert mlflow_registry.load(question, "2").prediction_version == "2"


def test_a_calibrated_blend_comes_back_as_it_was_and_may_challenge(mlflow_registry):
    question = Question(actions=("blended",), horizon_days=7, cohort_days=28)
    made = fit_pair(ROWS, STARTS[1], question, ago(7), 0, earned=1.1)
    pair = mlflow_registry.register(question, made, ROWS.X, EVIDENCE)
    read = mlflow_registry.load(question, pair.prediction_version)
    assert (read.notes.sharpness, read.notes.definition) == (1.1, DEFINITION)
    assert read.score(ROWS.X).tolist() == made.score(ROWS.X).tolist()
    own = mlflow_registry.load_own(f"models:/{model_names('app.propensity', question)[1]}/{pair.prediction_version}")
    assert type(own.prediction) is VotingClassifier


@pytest.mark.parametrize("params", [LOGISTIC, STARTS[1]], ids=["logistic", "blend"])
def test_a_pair_that_the_installed_libraries_read_otherwise_is_refused(mlflow_registry, question, params):
    made = fit_pair(ROWS, params, question, ago(7), 0)
    probe = take_probe(made, ROWS.X)
    for moved in (0.0, 2e-9):
        scores = [*probe["scores"][:-1], probe["scores"][-1] + moved]  # as libraries of then gave them
        noted = replace(made, notes=replace(made.notes, probe=probe | {"scores": scores}))
        mlflow_registry.register(question, noted, ROWS.X, EVIDENCE)
    assert mlflow_registry.load(question, "1").notes.probe == probe
    name, last = model_names("app.propensity", question)[1], probe["scores"][-1]
    message = (
        f"Version 2 of {name} gives {last:.12g} where it gave {last + 2e-9:.12g} when it was made: the libraries that "
        "are installed now read it otherwise. Promote another version, or run retrain."
    )
    with pytest.raises(ModelError) as refused:
        mlflow_registry.load(question, "2")
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("partner", "message"),
    [
        ("2", "Version 1 of {1} names version 2 of {0} as its preprocessing, and the two were not registered together"),
        ("7", "Version 7 of {0} is not registered. Promote one that is"),
        (None, "Version 1 of {1} names version none of {0} as its preprocessing, and the two were not"),
    ],
)
def test_a_mixed_pair_is_refused_by_name(stored, partner, message):
    registry, question, names = stored
    if partner:
        registry.client.set_model_version_tag(names[1], "1", "preprocessing_version", partner)
    else:
        registry.client.delete_model_version_tag(names[1], "1", "preprocessing_version")
    with pytest.raises(ModelError, match=re.escape(message.format(*names))):
        registry.load(question, "1")
    assert registry.load(question, "2").prediction_version == "2"
    registry.client.set_model_version_tag(names[1], "1", "preprocessing_version", "1")


def test_halves_that_claim_to_be_a_pair_and_do_not_fit_are_refused_by_name(stored):
    """Somebody's hand made the tags agree: what the one gives is still not what the other takes."""
    registry, question, names = stored
    narrow = registered(registry, question, params=LOGISTIC | {"lifetime": False})
    pair = registry.client.get_model_version(names[1], "1").tags["pair"]
    registry.client.set_model_version_tag(names[0], narrow.preprocessing_version, "pair", pair)
    registry.client.set_model_version_tag(names[1], "1", "preprocessing_version", narrow.preprocessing_version)
    message = f"Version 1 of {names[1]} cannot be loaded: it takes .* and Version 3 of {names[0]} gives .*, which do"
    with pytest.raises(ModelError, match=message):
        registry.load(question, "1")
    registry.client.set_model_version_tag(names[1], "1", "preprocessing_version", "1")


def test_a_preprocessing_model_of_another_question_is_no_partner(stored):
    registry, question, names = stored
    registry.client.set_model_version_tag(names[0], "1", "pair", "another run")
    with pytest.raises(ModelError, match=f"Version 1 of {names[1]} names version 1 of {names[0]} as its preprocessing"):
        registry.load(question, "1")
    registry.client.set_model_version_tag(
        names[0], "1", "pair", registry.client.get_model_version(names[1], "1").tags["pair"]
    )
    assert registry.load(question, "1").prediction_version == "1"


def test_versions_that_no_registration_ties_together_are_no_pair(stored):
    registry, question, names = stored
    pair = registry.client.get_model_version(names[1], "1").tags["pair"]
    for name in names:
        registry.client.delete_model_version_tag(name, "1", "pair")
    with pytest.raises(ModelError, match=f"Version 1 of {names[1]} names version 1 of {names[0]} as its preprocessing"):
        registry.load(question, "1")
    for name in names:
        registry.client.set_model_version_tag(name, "1", "pair", pair)


@pytest.mark.parametrize("text", ["soon", "2024-13-01", "None"])
def test_a_day_that_cannot_be_read_is_refused(stored, text):
    registry, question, (_, name) = stored
    registry.client.set_model_version_tag(name, "1", "trained_through", text)
    with pytest.raises(ModelError, match=f"Version 1 of {name} says of trained_through '{text}', which is no day. Pro"):
        registry.load(question, "1")
    registry.client.set_model_version_tag(name, "1", "trained_through", str(ago(7)))


def test_a_model_without_a_signature_was_not_registered_by_this_job(stored, model_file):
    registry, question, _ = stored
    path, name = model_file
    about = path.with_name("MLmodel")
    whole = about.read_text()
    about.write_text(whole.partition("signature:")[0] + "utc_time_created: '2024-06-03 06:00:00'\n")
    with pytest.raises(ModelError, match=f"Version 1 of {name} cannot be loaded: it has no signature, as all"):
        registry.load(question, "1")
    about.write_text(whole)


def test_a_version_whose_record_is_gone_is_refused(stored):
    registry, question, (_, name) = stored
    registry.client.delete_model_version_tag(name, "1", "trained_through")
    with pytest.raises(ModelError, match=f"Version 1 of {name} says of trained_through '', which is no day. Promote"):
        registry.load(question, "1")
    registry.client.set_model_version_tag(name, "1", "trained_through", str(ago(7)))


@pytest.fixture(params=[0, 1], ids=["preprocessing", "prediction"])
def model_file(request, stored):
    """The file of one model of version 1, and its name; made whole again after the test."""
    from mlflow.artifacts import download_artifacts

    name = stored[2][request.param]
    path = Path(download_artifacts(f"models:/{name}/1"), "model.skops")
    whole = path.read_bytes()
    yield path, name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(whole)


class Untrusted:
    """A type that is on nobody's list."""

    def __init__(self):
        self.value = 1


@pytest.mark.parametrize("damage", ["gone", "cut off", "no archive"])
def test_a_model_whose_file_is_damaged_cannot_be_loaded(stored, model_file, damage):
    registry, question, _ = stored
    path, name = model_file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:200] if damage == "cut off" else b"not an archive")
    message = f"Version 1 of {name} cannot be loaded: .*Restore its artifacts, or promote another version"
    with pytest.raises(ModelError, match=message):
        registry.load(question, "1")


def test_a_model_without_its_artifacts_cannot_be_loaded(stored, model_file):
    path, name = model_file
    aside = path.parent.with_name("aside")
    shutil.move(path.parent, aside)
    with pytest.raises(ModelError, match=f"Version 1 of {name} cannot be loaded: "):
        stored[0].load(stored[1], "1")
    shutil.move(aside, path.parent)


def test_a_file_that_is_not_the_one_registered_is_not_opened(stored, model_file):
    import skops.io

    path, name = model_file
    whole = skops.io.load(path, trusted=["numpy.dtype"])
    skops.io.dump(whole, path)  # the same model, written anew
    message = (
        f"Version 1 of {name} cannot be loaded: model.skops is not the file that was registered: its SHA-256 begins "
        r"with [0-9a-f]{12}, and [0-9a-f]{12} was noted. Restore its artifacts, or promote another version."
    )
    with pytest.raises(ModelError, match=message):
        stored[0].load(stored[1], "1")


@pytest.fixture
def unnoted(stored):
    """Version 1 as it was registered before digests were noted; they are noted again after the test."""
    client, names = stored[0].client, stored[2]
    noted = {name: client.get_model_version(name, "1").tags["sha256"] for name in names}
    for name in names:
        client.delete_model_version_tag(name, "1", "sha256")
    yield
    for name, digest in noted.items():
        client.set_model_version_tag(name, "1", "sha256", digest)


def test_a_pair_of_before_digests_goes_on(stored, unnoted):
    assert stored[0].load(stored[1], "1").prediction_version == "1"


def test_a_model_file_with_other_types_is_not_built(stored, model_file, unnoted):
    import skops.io

    path, name = model_file
    skops.io.dump(Untrusted(), path)
    with pytest.raises(ModelError, match=f"Version 1 of {name} holds types that are not trusted: .*Untrusted"):
        stored[0].load(stored[1], "1")


def test_a_registry_that_is_down_is_not_one_without_a_champion(question, monkeypatch):
    from mlflow.exceptions import MlflowException

    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody answers
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    down = MlflowRegistry("app.propensity", "tests")
    with pytest.raises(MlflowException, match=r"Max retries exceeded|Connection refused|failed with exception"):
        down.champion(question)
    with pytest.raises(MlflowException, match=r"Max retries exceeded|Connection refused|failed with exception"):
        down.load(question, "1")


def test_a_crash_between_two_registrations_leaves_the_champion_whole(mlflow_registry, question, monkeypatch):
    registered(mlflow_registry, question)
    mlflow_registry.promote(question, "1", ago(0))
    before = mlflow_registry.load(question, "1").score(ROWS.X).tolist()
    create = mlflow_registry.client.create_model_version

    def crash(name, *rest, **more):
        if name.endswith("_prediction"):
            raise KeyboardInterrupt
        return create(name, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(mlflow_registry.client, "create_model_version", crash)
        with pytest.raises(KeyboardInterrupt):
            registered(mlflow_registry, question, through=14)
    assert mlflow_registry.champion(question) == "1"
    assert mlflow_registry.load(question, "1").score(ROWS.X).tolist() == before
    later = registered(mlflow_registry, question, through=14)
    assert (later.preprocessing_version, later.prediction_version) == ("3", "2")  # numbers part, the pair does not
    assert mlflow_registry.load(question, "2").preprocessing_version == "3"


def test_a_version_tells_how_it_came_about(stored):
    from mlflow.artifacts import download_artifacts
    from mlflow.models import get_model_info

    registry, question, names = stored
    servable = registry.client.get_model_version(names[1], "1").tags["servable"]
    for name in names:
        version = registry.client.get_model_version(name, "1")
        assert version.tags.items() >= {
            "question": question.slug, "trained_through": str(ago(7)), "as_of": "2024-06-03", "holdout": "2024-05-27",
            "decision": "promoted", "why": "First model.", "run_id": "run-1", "param_family": "logistic",
            "param_C": "0.25",
        }.items()  # fmt: skip
        assert version.description.splitlines() == [
            f"{question}. Trained through {ago(7)}. promoted: First model.", "",
            "| metric | on the holdout 2024-05-27 |", "|---|---|",
            "| auc | 0.7500 (0.6000 to 0.8000) |", "| log_loss | 0.5000 |", "",
            "Read by MLflow 3.9 or newer, with scikit-learn 1.9.1, numpy 2.4.6, pandas 2.3.3, skops 0.16.0. Both "
            f"halves as one model, for servers and `mlflow.pyfunc.spark_udf`: `{servable}`.",
        ]  # fmt: skip
        model = registry.client.get_registered_model(name)
        assert model.tags == {
            "question": question.slug, "action": "stored", "horizon_days": "7", "cohort_days": "28", "schema": "app",
            "experiment": "tests",
        }  # fmt: skip
        assert model.description.startswith(f"{question}: the pre")
        info = get_model_info(f"models:/{name}/1")
        assert info.signature.inputs is not None
        assert info.signature.outputs is not None
        example = json.loads(Path(download_artifacts(f"models:/{name}/1"), "input_example.json").read_text())
        assert len(example["data"] if isinstance(example, dict) else example) == 1  # the typical user: nobody's own row
        pinned = Path(download_artifacts(f"models:/{name}/1"), "requirements.txt").read_text().split()
        assert set(REQUIREMENTS) <= set(pinned)
    data = registry.client.get_run(version.run_id).data
    assert data.params == {k: str(v) for k, v in LOGISTIC.items()} | {"as_of": "2024-06-03", "holdout": "2024-05-27"}
    assert data.metrics == {"auc": 0.75, "log_loss": 0.5, "auc_low": 0.6, "auc_high": 0.8}
    assert data.tags.items() >= {"run_id": "run-1", "features": "app.features", "decision": "promoted"}.items()


def test_every_trial_is_a_child_run(stored):
    client, name = stored[0].client, stored[2][1]
    parent = client.get_model_version(name, "1").run_id
    experiment = client.get_experiment_by_name("tests").experiment_id
    runs = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")
    found = sorted((run.info.run_name, run.data.metrics, run.data.tags["pruned"], run.info.status) for run in runs)
    assert found == [
        (
            "trial 0", {"fold_0_log_loss": 0.5, "fold_1_log_loss": 0.25, "log_loss": 0.375, "seconds": 2.5},
            "false", "FINISHED",
        ),
        ("trial 1", {"fold_0_log_loss": 0.75, "log_loss": 0.75, "seconds": 0}, "true", "KILLED"),
    ]  # fmt: skip
    assert {run.info.run_name: run.data.params["C"] for run in runs} == {"trial 0": "0.25", "trial 1": "4.0"}


def test_the_plots_of_a_search_are_artifacts_of_the_parent_run(mlflow_registry, question):
    from matplotlib.figure import Figure
    from mlflow.artifacts import list_artifacts

    pair = registered(mlflow_registry, question, plots={"history": Figure(), "slices": Figure()})
    run = mlflow_registry.client.get_model_version(model_names("app.propensity", question)[1], pair.prediction_version)
    found = list_artifacts(run_id=run.run_id, artifact_path="search")
    assert sorted(file.path for file in found) == ["search/history.png", "search/slices.png"]


def test_trials_that_are_runs_already_are_put_below_the_pair_and_not_recorded_again(mlflow_registry, question):
    client, experiment = mlflow_registry.client, mlflow_registry.runs.experiment_id()
    study = client.create_run(experiment, run_name="a study").info.run_id
    registered(mlflow_registry, question, trials=TRIALS, trial_runs=study)
    version = mlflow_registry.champion(question) or "1"
    pair = client.get_model_version(model_names("app.propensity", question)[1], version).tags["pair"]
    below = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{pair}'")
    assert [run.info.run_id for run in below] == [study]


def test_a_trial_is_recorded_under_the_name_of_its_objective(mlflow_registry, question):
    trial = Trial(0, LOGISTIC, (0.5, 0.25), False, "average_precision")
    registered(mlflow_registry, question, trials=(trial,))
    client = mlflow_registry.client
    parent = client.get_model_version(model_names("app.propensity", question)[1], "1").run_id
    experiment = client.get_experiment_by_name("tests").experiment_id
    (run,) = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")
    assert run.data.metrics == {
        "fold_0_average_precision": 0.5, "fold_1_average_precision": 0.25, "average_precision": 0.375, "seconds": 0
    }  # fmt: skip


def test_in_a_workspace_the_experiment_is_a_path(monkeypatch):
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

    client = MlflowClient("databricks")
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: Experiment("7", name, "", "active"))
    assert ensure_experiment(client, "/Users/ana@example.org/searches") == "7"
    with pytest.raises(ConfigError) as refused:
        ensure_experiment(client, "propensity")
    assert str(refused.value) == (
        "experiment is 'propensity', and in a workspace it is a path. Give it one like /Users/<your name>/propensity."
    )
