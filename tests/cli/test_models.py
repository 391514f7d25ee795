"""`./propensity models`: what it lists, compares, refuses, and how it hands on to the job; Spark is played."""

import os
import re
import shutil
import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from deltalake import write_deltalake

from cli.__main__ import main
from cli.commands import run as cli_run
from cli.local import questions as cli_questions
from cli.local import spark as cli_own_spark
from cli.local.home import Home, lock_home, open_home
from cli.local.registered import registered_versions
from lib.config.question import Question
from lib.labels.rows import Rows
from lib.registry.protocol import Evidence
from lib.training.fit import fit_pair
from localrun.bundle.bundle import load_bundle
from localrun.platform.state import State
from localrun.run.record import JobRun, new_tasks

PROJECT = Path(__file__).parents[2]
BUY = Question(actions=("buy",), horizon_days=7, cohort_days=28)
RENT = Question(actions=("rent",), horizon_days=7, cohort_days=28)
PARAMS = {"family": "logistic", "C": 0.25, "lifetime": True}
DAYS = {"1": date(2024, 5, 20), "2": date(2024, 5, 27), "3": date(2024, 6, 3)}


def rows(extra=()):
    days = [date(2024, 4, 1)] * 20
    frame = pd.DataFrame({"user_id": [f"u{n}" for n in range(20)], "cutoff": days, "label": [0, 1] * 10})
    return Rows(frame.assign(recency=range(20), events_7=range(20, 0, -1), **dict.fromkeys(extra, 1.0)))


@pytest.fixture(scope="module")
def made(tmp_path_factory, empty_store):
    """A home with three versions for one question, of which the first two were in use, and one for another."""
    from mlflow import MlflowClient

    from lib.registry.mlflow_registry import MlflowRegistry

    home = open_home(tmp_path_factory.mktemp("models"))
    shutil.copy(empty_store, home.database)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in home.environment().items():
            patch.setenv(name, value)
        MlflowClient().create_experiment("propensity", artifact_location=str(home.artifacts))
        registry = MlflowRegistry("app.propensity", "propensity")
        decisions = []
        for version, day in DAYS.items():
            given = rows(["tenure"] if version == "3" else [])
            kind = "rejected" if version == "3" else "promoted"
            evidence = Evidence(
                as_of=day.isoformat(), holdout="2024-05-13", run_id=f"run-{version}", tables="spark_catalog.shop",
                kind=kind, why=f"Why {version}.", intervals={"auc": (0.6, 0.8)},
            )  # fmt: skip
            pair = fit_pair(given, PARAMS | {"C": float(version)}, BUY, date(2024, 4, 1), 0)
            registry.register(BUY, replace(pair, metrics={"auc": 0.7, "log_loss": 0.25}), given.X, evidence)
            if kind == "promoted":
                registry.promote(BUY, version, day)
            decisions.append({
                "run_id": f"run-{version}", "question": BUY.slug, "as_of": day, "kind": kind,
                "prediction_version": min(version, "2"), "preprocessing_version": min(version, "2"),
                "challenger_version": version, "why": f"Why {version}.", "low_evidence": False, "number": int(version),
            })  # fmt: skip
        other = fit_pair(rows(), PARAMS, RENT, date(2024, 4, 1), 0)
        registry.register(RENT, other, rows().X, evidence)
    write_deltalake(home.warehouse / "shop" / "decisions", pd.DataFrame(decisions))
    return home


@pytest.fixture
def home(made, monkeypatch):
    """That home, in an environment that is put right again afterwards."""
    for name in made.environment():
        monkeypatch.setenv(name, os.environ.get(name, ""))
    return made


@pytest.fixture
def said(home, capsys):
    """Call the command; returns its exit code and what it printed."""

    def call(*options):
        code = main(["models", "--home", str(home.root), *options])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out + printed.err

    return call


def ran(home, question, run_id, as_of="", in_use=True, **changes):
    """Leave the record of a run of the job behind."""
    own = home.parameters()
    given = own | {
        "events": "/data/my events.csv", "action": question.action, "horizon_days": str(question.horizon_days),
        "cohort_days": str(question.cohort_days), "schema": "spark_catalog.shop", "models": "app.propensity",
    } | changes  # fmt: skip
    run = JobRun(
        run_id=run_id, job="propensity", target="dev", started="2024-06-03T06:00:00+00:00",
        parameters=given | {"as_of": as_of, "run_id": run_id}, changed=sorted(given),
        tasks=new_tasks(load_bundle(PROJECT).job("propensity"), {"extract_features"}), state=State.SUCCESS,
    )  # fmt: skip
    run.tasks["extract_features"].state = State.SUCCESS
    run.tasks["extract_features"].values = {"as_of": as_of or "2024-06-03"}
    run.tasks["publish"].values = {"in_use": in_use}
    (home.runs / run_id).mkdir(parents=True)
    (home.runs / run_id / "run.json").write_text(run.to_json())


@pytest.fixture
def runs(home):
    """Records of runs are left by the test, and gone after it."""
    yield lambda *asked, **changes: ran(home, *asked, **changes)
    shutil.rmtree(home.runs, ignore_errors=True)


@pytest.fixture
def handed_on(monkeypatch):
    """What is handed on to `run`."""
    seen = []
    monkeypatch.setattr(cli_run, "main", lambda arguments: seen.append(arguments) or 0)
    return seen


@pytest.fixture
def moved(monkeypatch):
    """Tables in memory in the place of Spark's; returns them."""
    from lib.tables.memory import MemoryTables

    tables = MemoryTables()

    class Server:
        url = "sc://nowhere"

        def __init__(self, *asked):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *ended):
            pass

        def wait_ready(self):
            pass

    @contextmanager
    def session(url):
        yield None

    monkeypatch.setattr(cli_own_spark, "SparkServer", Server)
    monkeypatch.setattr(cli_own_spark, "session", session)
    monkeypatch.setattr(cli_questions, "DeltaTables", lambda spark, schema: tables)
    return tables


def champion(home):
    from mlflow import MlflowClient

    client = MlflowClient(home.tracking_uri, home.tracking_uri)
    return str(client.get_model_version_by_alias(f"app.propensity_{BUY.slug}_prediction", "champion").version)


def test_every_version_of_every_question_is_listed(said):
    code, out = said()
    assert code == 0
    lines = out.splitlines()
    start = lines.index(f"{BUY.slug}: {BUY}")
    table = [re.split(r"  +", line) for line in lines[start + 1 : start + 5]]
    assert table[0] == ["version", "in use", "made, UTC", "learnt through", "judged on", "log loss", "AUC"]
    made = [row.pop(2) for row in table[1:]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", moment) for moment in made)
    known = ["2024-04-01", "2024-05-13", "0.2500", "0.7000 (0.6000 to 0.8000)"]
    assert table[1:] == [
        ["3", "rejected", *known], ["2", "2024-05-27 to now", *known], ["1", "2024-05-20 to 2024-05-27", *known],
    ]  # fmt: skip
    assert lines[start + 5 : start + 16] == [
        "  version 3, as of 2024-06-03",
        "    family logistic, C 3, lifetime True",
        "    rejected: Why 3.",
        "  version 2, as of 2024-05-27",
        "    family logistic, C 2, lifetime True",
        "    promoted, in use from 2024-05-27 until now: Why 2.",
        "  version 1, as of 2024-05-20",
        "    family logistic, C 1, lifetime True",
        "    promoted, in use from 2024-05-20 until 2024-05-27: Why 1.",
        "",
        f"{RENT.slug}: {RENT}",
    ]
    assert f"{BUY.slug}:" not in said("--question", RENT.slug)[1]


def test_a_listing_reads_what_mlflow_would_also_of_versions_that_lost_something(home, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    from lib.registry.mlflow_registry import MlflowRegistry

    shutil.copy(home.database, tmp_path)
    copy = Home(tmp_path)
    for name, value in copy.environment().items():
        monkeypatch.setenv(name, value)
    config = next(one for one in cli_questions.known_questions(copy) if one.question == BUY)
    registry, client = MlflowRegistry(config.models, config.experiment), MlflowClient()
    assert registered_versions(copy, config) == registry.versions(BUY)

    predictors, transformers = (f"app.propensity_{BUY.slug}_{half}" for half in ("prediction", "preprocessing"))
    client.delete_model_version(predictors, "3")
    client.delete_registered_model_alias(predictors, "champion")
    with sqlite3.connect(copy.database) as database:
        run_id = client.get_model_version(predictors, "1").tags["pair"]
        for table in ("params", "latest_metrics", "metrics", "tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (run_id,))
    listed = registered_versions(copy, config)
    assert listed == registry.versions(BUY)
    assert [(one.prediction_version, one.preprocessing_version, bool(one.metrics)) for one in listed] == [
        ("2", "2", True), ("1", "1", False), ("", "3", True),
    ]  # fmt: skip
    assert not any(one.in_use for one in listed)
    client.delete_model_version(transformers, "3")
    assert len(registered_versions(copy, config)) == 2


def test_two_versions_are_held_against_each_other(said):
    code, out = said("diff", "1", "3", "--question", BUY.slug)
    assert code == 0
    found = {line.split("  ")[0]: re.split(r"  +", line)[1:3] for line in out.splitlines()}
    assert "difference" in out.splitlines()[0]
    assert found["as_of"] == ["2024-05-20", "2024-06-03"]
    assert found["decision"] == ["promoted", "rejected"]
    assert found["C"] == ["1", "3"]
    assert found["number of feature columns"] == ["2", "3"]
    assert found["feature columns of its own"] == ["-", "tenure"]
    assert "auc" not in found  # the same in both
    assert said("diff", "1", "9", "--question", BUY.slug) == (
        1, f"error: There is no version 9 for {BUY.slug}. There is 3, 2, 1.\n"
    )  # fmt: skip


def test_with_several_questions_one_has_to_be_named(said):
    known = f"{BUY.slug}, {RENT.slug}"
    for action in (["diff", "1", "2"], ["promote", "1"], ["rollback"], ["challenge", "runs:/a/b"]):
        assert said(*action) == (
            1, f"error: This home has models of 2 questions. Name one with --question: {known}.\n"
        )  # fmt: skip
    message = f"error: There are no models for --question cook. There are some for {known}.\n"
    assert said("--question", "cook") == said("rollback", "--question", "cook") == (1, message)
    whole = f"app.propensity_{BUY.slug}"
    assert said("--question", whole) == said("--question", BUY.slug)


def test_a_home_without_models_says_how_to_get_some(tmp_path, capsys):
    assert main(["models", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: There are no models in {tmp_path} yet. Start with: ./propensity run\n"


def test_promoting_and_going_back_say_how_the_list_is_published_anew(said, home, runs, moved, handed_on):
    runs(BUY, "20240603-060000-0001", as_of="2024-06-03", n_trials="2", challenger="runs:/a/b")
    command = (
        f"  ./propensity run --only predict+ --home {home.root} --param action=buy --param cohort_days=28 --param "
        "'events=/data/my events.csv' --param horizon_days=7 --param models=app.propensity --param n_trials=2 "
        "--param schema=spark_catalog.shop\n"
    )
    code, out = said("promote", "3", "--question", BUY.slug)
    assert (code, champion(home)) == (0, "3")
    assert out == (
        f"Version 3 is in use for {BUY}: promoted by hand, in the place of version 2.\n"
        f"The published list stays as it is. To score and publish it anew with the version in use:\n{command}"
    )
    assert said("promote", "2", "--question", BUY.slug)[0] == 0
    written = moved.query("SELECT * FROM {decisions} ORDER BY number")
    assert written["prediction_version"].tolist() == ["3", "2"]
    assert written["run_id"].is_unique
    code, out = said("rollback", "--publish", "--question", BUY.slug)
    assert (code, champion(home)) == (0, "3")
    assert out == f"Version 3 is in use for {BUY}: rolled back by hand, from version 2.\n"
    (asked,) = handed_on
    assert (asked.command, asked.only, asked.home, asked.source) == ("run", "predict+", home.root, None)
    assert "events=/data/my events.csv" in asked.param
    assert not any(pair.startswith(("challenger", "optuna_storage", "experiment")) for pair in asked.param)
    said("promote", "2", "--question", BUY.slug)


def test_where_another_question_was_extracted_since_the_features_are_prepared_again(said, runs, moved, handed_on):
    runs(BUY, "20240603-060000-0001")
    runs(RENT, "20240603-060000-0002")
    runs(RENT, "20240603-060000-0003", schema="spark_catalog.elsewhere")
    assert said("promote", "1", "--question", BUY.slug, "--publish")[0] == 0
    (asked,) = handed_on
    assert asked.only == "extract_features,predict,publish"
    assert "as_of=2024-06-03" in asked.param  # the list is of the day that it was of
    said("promote", "2", "--question", BUY.slug)


def test_the_list_in_use_is_published_anew_and_none_that_was_only_recorded(said, runs, moved, handed_on):
    runs(BUY, "20240603-060000-0001", replace_newer="true", catch_up_to="2024-06-03")
    runs(BUY, "20240603-060000-0002", as_of="2024-05-27", in_use=False)
    assert said("promote", "1", "--question", BUY.slug, "--publish")[0] == 0
    (asked,) = handed_on
    assert asked.only == "extract_features,predict,publish"
    assert "as_of=2024-06-03" in asked.param
    assert not any(pair.startswith(("replace_newer", "catch_up_to")) for pair in asked.param)
    said("promote", "2", "--question", BUY.slug)


def test_without_any_run_left_the_move_is_made_and_the_list_has_to_be_asked_for(said, home, moved):
    told = f"No run of {BUY.slug} is left in {home.runs} to take parameters from. Run the job for that question once:"
    code, out = said("promote", "1", "--publish", "--question", BUY.slug)
    assert (code, champion(home)) == (1, "2")  # said before anything moves
    assert out.startswith(f"error: {told}")
    code, out = said("promote", "1", "--question", BUY.slug)
    assert (code, champion(home)) == (0, "1")
    assert out.splitlines()[-1].startswith(f"  {told}")
    said("promote", "2", "--question", BUY.slug)


def test_a_run_under_way_is_respected(said, home, moved):
    with lock_home(home):
        for action in (["promote", "1"], ["rollback"]):
            code, out = said(*action, "--question", BUY.slug)
            assert code == 1
            assert f"error: A run is under way in {home.root}, process {os.getpid()}. Wait for it" in out
        assert said("--question", BUY.slug)[0] == 0  # looking is free
    assert champion(home) == "2"


def test_what_cannot_be_promoted_is_one_line(said, home, moved):
    told = {"2": "Version 2 is in use already for buy within 7", "9": "Version 9 of app.propensity_"}
    for version, message in told.items():
        code, out = said("promote", version, "--question", BUY.slug)
        assert code == 1
        assert out.startswith(f"error: {message}")
    assert champion(home) == "2"


def test_a_model_of_ones_own_is_handed_to_the_whole_job(said, runs, handed_on):
    runs(BUY, "20240603-060000-0001", challenger="runs:/older/one")
    assert said("challenge", "runs:/abc/own", "--question", BUY.slug)[0] == 0
    (asked,) = handed_on
    assert asked.only is None
    assert [pair for pair in asked.param if pair.startswith("challenger")] == ["challenger=runs:/abc/own"]
    code, out = said("challenge", "my model", "--question", BUY.slug)
    assert code == 1
    assert out.startswith("error: challenger must read like runs:/<run>/<name>, ")
    assert len(handed_on) == 1
