"""The real job: its YAML and notebooks through the command line, on small logs; what it leaves, keeps and refuses."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from cli.__main__ import main
from cli.local import job_run as cli_run
from cli.local import plan, sources
from cli.local.home import lock_home, open_home
from datasets import synthetic
from localrun.notebook.warm import WarmKernels
from localrun.spark.access import token_for
from localrun.spark.session import session
from tests.fakes.environment import let_pytest_be

pytestmark = [pytest.mark.job, pytest.mark.timeout(1200)]  # all weeks of the story are one fixture

PROJECT = Path(__file__).parents[2]
ALL = ("extract_features", "train", "retrain_needed", "retrain", "predict", "publish")
DRIFT_DAY = 150  # 2024-05-30
SLUG = "cook_14d_cohort90d"


@dataclass
class Run:
    """How one run ended and what it said."""

    code: int
    said: str
    record: dict[str, Any]

    def states(self):
        return " ".join(self.record["tasks"][key]["state"] for key in ALL)


class Place:
    """One schema of the shared home, and runs of the job in it."""

    def __init__(self, url: str, home: Path, name: str) -> None:
        self.home, self.name = home, name
        with session(url) as spark:
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {name} LOCATION '{home / 'warehouse' / name}'")

    def command(self, *options: str, bundle: Path = PROJECT, **parameters: object) -> list[str]:
        given = {
            "schema": f"spark_catalog.{self.name}",
            "models": self.name,
            "n_trials": 2,
            "max_cutoffs": 5,
        } | parameters
        pairs = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
        return ["run", "--home", str(self.home), "--bundle", str(bundle), *pairs, *options]

    def run(self, *options: str, bundle: Path = PROJECT, **parameters: object) -> Run:
        """Run in this process; only Spark is the shared one."""
        before = self.runs()
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
            code = main(self.command(*options, bundle=bundle, **parameters))
        return self.ended(code, out.getvalue(), before)

    def run_anew(self, **parameters: object) -> Run:
        """Run as a process of its own with a Spark of its own, as the launcher does."""
        before = self.runs()
        done = subprocess.run(
            [sys.executable, "-m", "cli", *self.command(**parameters)],
            cwd=PROJECT, capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        return self.ended(done.returncode, done.stdout + done.stderr, before)

    def runs(self):
        return set(self.home.glob("runs/*/run.json"))

    def ended(self, code, said, before):
        (record,) = self.runs() - before or [None]
        return Run(code, said, json.loads(record.read_text()) if record else {})

    def table(self, name):
        return DeltaTable(self.home / "warehouse" / self.name / name)

    def rows(self, name, by, **where):
        frame = self.table(name).to_pandas()
        for column, value in where.items():
            frame = frame[frame[column] == value]
        return frame.sort_values(by, ignore_index=True)

    def audience(self, slug=SLUG):
        return self.rows("audience", ["user_id"], question=slug)

    def champion(self, slug=SLUG):
        from mlflow import MlflowClient

        uri = f"sqlite:///{self.home / 'mlflow.db'}"
        model = MlflowClient(uri, uri).get_registered_model(f"{self.name}_{slug}_prediction")
        return str(model.aliases["champion"])


class Shared:
    """Stands for the server that a run starts: the one that is there already."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self):
        return self

    def __exit__(self, *ended):
        return None


@pytest.fixture(scope="module")
def place(spark_url, spark_server, job_home):
    """Makes places whose runs share one Spark."""
    spark_server.wait_ready()
    with (
        pytest.MonkeyPatch.context() as patch,
        WarmKernels(open_home(job_home).environment(), job_home / "log") as warm,
    ):
        patch.setattr(cli_run, "SparkServer", lambda *asked, **named: Shared(spark_url))
        let_pytest_be(patch)
        patch.setattr(cli_run, "WarmKernels", lambda environment, log: contextlib.nullcontext(warm))
        yield lambda name: Place(spark_url, job_home, name)


def bundle_copy(folder: Path) -> Path:
    """Our own bundle again, to break something in it."""
    for name in ("jobs", "resources", "notebooks", "lib"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("databricks.yml", "requirements.txt"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def story(place, tmp_path_factory):
    """One home over some weeks: first run, again, another question, a drift while retrain is broken, then mended."""
    folder = tmp_path_factory.mktemp("story")
    place = place("story")
    cook = {
        "events": synthetic.write(folder, users=600, days=200, drift_day=DRIFT_DAY),
        "action": "cook", "horizon_days": 14,
    }  # fmt: skip
    broken = bundle_copy(folder / "broken")
    retrain = broken / "notebooks" / "retrain.py"
    text = retrain.read_text()
    assert text.count("retrained = retrain.run(") == 1
    refused = 'from lib.errors import NotPromoted; raise NotPromoted("No model that may be used is left.")'
    call = text.index("retrained = retrain.run(")
    retrain.write_text(f"{text[:call]}{refused}\n{' ' * 8}{text[call:]}")
    drifted = cook | {"as_of": "2024-07-08"}
    told: dict[str, Any] = {"place": place}

    def chapter(name, run):
        told[name] = run
        told[f"{name} list"] = place.audience()
        told[f"{name} champion"] = place.champion()

    chapter("first", place.run(**cook, as_of="2024-05-20"))
    chapter("again", place.run(**cook, as_of="2024-05-20"))
    told["features"] = place.table("features").version()
    chapter("other", place.run(**cook | {"action": "favorite"}, as_of="2024-05-27"))
    told["activity"] = place.table("daily_activity").history()
    chapter("failed", place.run(**drifted, bundle=broken))
    chapter("mended", place.run_anew(**drifted))  # last: of tables made by another Spark the shared one knows nothing
    return told


def test_without_a_model_retrain_runs_and_a_list_is_published(story):
    run, listed = story["first"], story["first list"]
    assert run.code == 0, run.said
    assert run.states() == " ".join(["SUCCESS"] * 6)
    assert "Verdict: cannot tell" in run.said
    assert (story["first champion"], set(listed["prediction_version"])) == ("1", {"1"})
    assert len(listed) > 300
    assert set(listed["cutoff"]) == {date(2024, 5, 20)}
    assert sorted(listed["rank"]) == list(range(1, len(listed) + 1))
    assert sorted(set(listed["decile"])) == list(range(1, 11))
    assert listed["propensity"].between(0, 1).all()


def test_the_run_page_shows_every_notebook(story):
    run = story["first"]
    folder = story["place"].home / "runs" / run.record["run_id"]
    assert {page.stem for page in folder.glob("*.html")} == {"index", *ALL} - {"retrain_needed"}


def test_the_token_of_spark_is_in_no_file_of_the_home(story, spark_url):
    token = token_for(spark_url)
    files = [path for path in story["place"].home.rglob("*") if path.is_file()]
    assert {"index.html", "run.json", "train.html", "mlflow.db", "MLmodel"} <= {path.name for path in files}
    assert [path for path in files if token.encode() in path.read_bytes()] == []


def test_a_good_model_is_kept_and_the_same_day_again_gives_the_same_list(story):
    run = story["again"]
    assert run.code == 0, run.said
    assert run.states() == "SUCCESS SUCCESS SUCCESS EXCLUDED SUCCESS SUCCESS"
    before, after = (story[name].drop(columns="run_id") for name in ("first list", "again list"))
    assert before.equals(after)
    assert set(story["again list"]["run_id"]) == {run.record["run_id"]}
    assert "features: 0 of " in run.said


def test_another_question_a_week_later_touches_nothing_of_the_first(story):
    run = story["other"]
    assert run.code == 0, run.said
    assert run.states() == " ".join(["SUCCESS"] * 6)  # its own first model
    assert story["other list"].equals(story["again list"])
    assert story["other champion"] == "1"
    other = story["place"].rows("audience", ["rank"], question="favorite_14d_cohort90d")
    assert set(other["cutoff"]) == {date(2024, 5, 27)}
    predictions = story["place"].rows("predictions", ["user_id"], question=SLUG)
    assert date(2024, 5, 20) in set(predictions["cutoff"])


def test_a_week_later_only_the_new_days_are_read(story):
    writes = [entry for entry in story["activity"] if "numOutputRows" in entry.get("operationMetrics", {})]
    activity = story["place"].rows("daily_activity", ["user_id"])
    week = activity["day"].between(date(2024, 5, 20), date(2024, 5, 26))
    assert int(writes[0]["operationMetrics"]["numOutputRows"]) == week.sum()


def test_after_a_drift_a_failing_retrain_stops_the_job_and_the_list_stays(story):
    run = story["failed"]
    assert run.code == 1
    assert "Verdict: bad" in run.said
    assert run.states() == "SUCCESS SUCCESS SUCCESS FAILED UPSTREAM_FAILED UPSTREAM_FAILED"
    assert "retrain failed: NotPromoted: No model that may be used is left." in run.said
    assert "Traceback" not in run.said
    assert story["failed list"].equals(story["other list"])
    assert story["failed champion"] == "1"


def test_after_a_drift_a_new_pair_is_promoted_and_scores(story):
    run, listed = story["mended"], story["mended list"]
    assert run.code == 0, run.said
    assert run.states() == " ".join(["SUCCESS"] * 6)
    assert (story["mended champion"], set(listed["prediction_version"])) == ("2", {"2"})
    assert set(listed["cutoff"]) == {date(2024, 7, 8)}
    decisions = story["place"].rows("decisions", ["as_of"], question=SLUG)
    assert list(decisions.query("as_of == @listed.cutoff[0]")["kind"]) == ["promoted"]


def test_a_model_whose_files_are_gone_is_one_clear_error_and_the_list_stays(story):
    place = story["place"]
    source, run_id = story["mended"].record["parameters"]["events"], story["mended"].record["run_id"]
    listed = place.audience()
    models = [path.parent for path in place.home.glob("artifacts/**/model.skops")]
    hidden = [path.rename(path.with_name(path.name + ".gone")) for path in models]
    run = place.run("--only", "predict+", events=source, action="cook", horizon_days=14, as_of="2024-07-08")
    for path in hidden:
        path.rename(path.with_name(path.name.removesuffix(".gone")))
    assert run.code == 1
    assert f"predict failed: ModelError: Version 2 of story_{SLUG}_preprocessing cannot be loaded: " in run.said
    assert "Restore its artifacts, or promote another version." in run.said
    assert "Traceback" not in run.said
    assert place.audience().equals(listed)
    assert set(listed["run_id"]) == {run_id}


def test_one_class_only_is_told_and_nothing_is_scored(place, tmp_path):
    days = [str(date.fromordinal(date(2024, 1, 1).toordinal() + n)) for n in range(60)]
    lines = [f"u{user:02},{day},ping" for user in range(30) for day in days]
    (tmp_path / "pings.csv").write_text("\n".join(["user_id,event_time,event_type", *lines]))
    run = place("one_class").run(events=tmp_path / "pings.csv", action="ping", horizon_days=7)
    assert run.code == 1
    assert run.states() == "SUCCESS SUCCESS SUCCESS FAILED UPSTREAM_FAILED UPSTREAM_FAILED"
    assert "retrain failed: OneClass: Of " in run.said
    assert "Choose an action that some do and some do not" in run.said
    assert "Traceback" not in run.said


def test_a_bad_input_is_one_clear_error(place, tmp_path):
    """Which inputs are bad, and what is said of each: tests/spark/test_other_logs.py."""
    file = tmp_path / "events.csv"
    file.write_text("who,event_time,event_type\nu1,2024-01-01,view\n")
    run = place("bad").run(events=file, action="view")
    assert run.code == 1
    assert run.states() == "FAILED" + " UPSTREAM_FAILED" * 5
    message = (
        f"SourceError: The events have no column 'user_id' for user_id in {file}. Found: who, event_time, event_type."
    )
    assert run.said.count(message) == 1, run.said
    assert "Traceback" not in run.said


def test_the_first_task_refuses_what_a_later_one_could_not_read(place, monkeypatch):
    """As a deployed job does: here, whoever starts a run is told before."""
    monkeypatch.setattr(plan, "check_entries", lambda *_: None)
    monkeypatch.setattr(sources, "check_each", lambda _: None)
    run = place("bad_late").run(events="nowhere", action="view", value_of_action="2", cost_of_contact="0,40")
    assert (run.code, run.states()) == (1, "FAILED" + " UPSTREAM_FAILED" * 5)
    message = "ConfigError: cost_of_contact must be a number from 0 to 1e+09, got '0,40'. Write decimals with a point."
    assert run.said.count(message) == 1, run.said
    assert "Traceback" not in run.said


def test_a_wrong_parameter_or_a_broken_bundle_is_told_before_anything_starts(place, tmp_path):
    place = place("unused")
    run = place.run(acton="view")
    assert (run.code, run.record) == (1, {})
    assert "error: There is no parameter 'acton'." in run.said
    assert "Did you mean action?" in run.said
    broken = bundle_copy(tmp_path / "bundle")
    job = broken / "jobs" / "propensity.yml"
    job.write_text(job.read_text().replace("      tasks:\n", "      tasks: [\n"))
    run = place.run(bundle=broken)
    assert (run.code, run.record) == (1, {})
    assert run.said.startswith("error: ")
    assert "jobs/propensity.yml" in run.said
    assert "Traceback" not in run.said


def test_a_second_run_in_one_home_is_refused(place):
    place = place("unused")
    with lock_home(open_home(place.home)):
        run = place.run(events="nowhere", action="view")
    assert (run.code, run.record) == (1, {})
    assert f"error: A run is under way in {place.home}, process {os.getpid()}. Wait for it, stop it" in run.said
