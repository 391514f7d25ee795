"""The search by tasks of Spark: it tries what the driver would try, and all of it stands in MLflow once."""

import os
import shutil

import optuna
import pytest

from lib.config.stages import RetrainConfig
from lib.registry import spark_trials
from lib.registry.spark_trials import SparkTrials
from lib.report import charts
from lib.training import search, space
from tests.builders.runs import PLAIN, ago, asked, labelled

WEEKS = [ago(n) for n in (14, 21, 28, 35, 42)]
GOOD, BAD = (PLAIN | {"family": "logistic", "C": C} for C in (1.0, 1e-4))


@pytest.fixture
def experiment(tmp_path, monkeypatch, empty_store):
    """An experiment of a local store, which the executors reach too."""
    import mlflow
    from mlflow import MlflowClient

    shutil.copy(empty_store, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    MlflowClient().create_experiment("tests", artifact_location=f"{tmp_path}/artifacts")
    yield "tests"
    mlflow.set_tracking_uri(None)  # the study has set it for the whole process


@pytest.fixture
def quick(monkeypatch):
    """Logistic trials only, of which the second is bad enough to be cut once one has finished."""

    def logistic_only(trial):  # local, so that it travels to the executors whole
        return PLAIN | {"family": "logistic", "C": trial.suggest_float("C", 1e-4, 1e2, log=True)}

    monkeypatch.setattr(space, "STARTS", (GOOD, BAD))
    monkeypatch.setattr(space, "suggest", logistic_only)
    monkeypatch.setattr(search, "_pruner", lambda: optuna.pruners.MedianPruner(n_startup_trials=1))


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """A file with a line for each time that a process has read the folds: its id."""
    noted, read = tmp_path / "reads", spark_trials.read_folds

    def noting(*asked_for):
        with noted.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return read(*asked_for)

    monkeypatch.setattr(spark_trials, "read_folds", noting)
    return noted


def runs():
    from mlflow import MlflowClient

    client = MlflowClient()
    return client.search_runs([client.get_experiment_by_name("tests").experiment_id])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("objective", ["log_loss", "average_precision"])
def test_two_tasks_search_as_the_driver_does(spark, experiment, reads, objective):
    rows, told = labelled(*WEEKS, users=100), []
    config = asked(RetrainConfig, n_trials=5, search_on="spark", search_workers=2, objective=objective)
    elsewhere = SparkTrials(spark, experiment)
    found = search.search(rows, WEEKS, config, ago(0), None, told.append, elsewhere)
    on_driver = search.search(rows, WEEKS, asked(RetrainConfig, objective=objective), ago(0), None, told.append)

    assert [trial.number for trial in found.trials] == list(range(5))
    assert [trial.params for trial in found.trials[:2]] == [GOOD, BAD]
    assert len({trial.params["C"] for trial in found.trials}) == 5  # the two tasks did not draw the same
    # the very folds and fits: to the last bit, which no other rows would give
    assert [trial.fold_values for trial in found.trials[:2]] == [trial.fold_values for trial in on_driver.trials]

    ended = [trial for trial in found.trials if not trial.pruned]
    better = max if objective == "average_precision" else min
    assert found.value == better(trial.value for trial in ended)
    assert found.params in [trial.params for trial in ended if trial.value == found.value]
    assert found.study.direction.name == ("MAXIMIZE" if better is max else "MINIMIZE")
    assert [trial.pruned for trial in found.trials[:2]] == [trial.pruned for trial in on_driver.trials]
    assert found.trials[1].pruned or objective == "average_precision"  # the penalty leaves the order of users alone
    assert told[0] == "The trials run on Spark's executors: this search does not repeat exactly."
    assert told[1] == f"1/5 trials have ended, best {found.trials[0].value:.4f}"
    assert told[3] == f"5/5 trials have ended, best {found.value:.4f}"

    children = [run for run in runs() if run.data.tags.get("mlflow.parentRunId") == found.mlflow_run]
    assert (len(children), len(runs())) == (5, 6)
    assert sum(run.info.status == "KILLED" for run in children) == sum(trial.pruned for trial in found.trials)
    processes = reads.read_text().split()
    assert 1 <= len(processes) == len(set(processes))  # once in each, however many tasks it had
    assert str(os.getpid()) not in processes
    assert charts.plot_search(found.study, objective)


@pytest.mark.usefixtures("quick")
def test_a_budget_of_seconds_ends_it_too(spark, experiment):
    rows = labelled(*WEEKS, users=100)
    config = asked(RetrainConfig, n_trials=100, search_on="spark", search_workers=2, search_seconds=4)
    found = search.search(rows, WEEKS, config, ago(0), None, lambda _: None, SparkTrials(spark, experiment))
    assert 1 <= len(found.trials) < 100
    assert sum(trial.seconds for trial in found.trials) >= 4
