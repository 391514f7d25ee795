"""The commands: what they ask for, print, refuse, and the exit codes they end with."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from cli.__main__ import main
from cli.arguments import given_parameters
from cli.commands import schedule as cli_schedule
from cli.errors import CliError
from cli.local import job_run as cli_run
from cli.local import what_happened
from cli.local.home import open_home
from cli.local.paths import whole_paths
from cli.local.progress import Progress
from cli.local.sources import COOK, DELI, PURCHASE, absolute_events, choose_source
from datasets import complete_journey
from datasets.complete_journey import FILE, FORMER
from tests.builders import bundles
from tests.fakes.stage import Result, Spark

PROJECT = Path(__file__).parents[2]
REMARK = (
    "This home began with complete_journey.parquet and goes on with it: its receipts are told in UTC, not on the "
    "stores' own clock. A --home of its own has them on that."
)


def the_record(home):
    (record,) = home.glob("runs/*/run.json")
    return json.loads(record.read_text())


@pytest.mark.job
def test_help_is_instant_and_shows_examples():
    """Instant, for it imports nothing of what takes a while to import."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli", "--help"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "./propensity run --param events=clicks.parquet" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "cli.arguments" in imported
    slow = {"numpy", "pandas", "pyarrow", "sklearn", "scipy", "mlflow", "pyspark", "databricks.sdk", "duckdb", "optuna"}
    assert imported & (slow | {"nbclient", "nbconvert", "matplotlib", "deltalake"}) == set()


def test_a_run_prints_its_way_and_ends_with_the_table_the_summary_and_the_places(stage, capsys):
    assert stage() == 0
    said = capsys.readouterr().out
    for line in (
        "▸ extract: running", "  extract | step 1", "✓ gate: success, false", "○ retrain: skipped",
        "AUC 0.803", f"tables    {stage.home}/warehouse/propensity", f"models    ./propensity ui --home {stage.home}",
    ):  # fmt: skip
        assert line in said.splitlines()
    assert "task     result           seconds\nextract  success" in said
    record = the_record(stage.home)
    assert (record["state"], record["target"]) == ("SUCCESS", "dev")
    assert record["parameters"]["run_id"] == record["run_id"]
    assert (stage.home / "runs" / record["run_id"] / "index.html").exists()


def test_a_failed_job_says_why_and_ends_with_1(stage, capsys):
    stage.results["predict"] = Result("FAILED", error="SourceError: the events are stale. Load them.")
    assert stage() == 1
    said = capsys.readouterr().out
    assert "predict failed: SourceError: the events are stale. Load them.\n  see " in said
    assert the_record(stage.home)["state"] == "FAILED"


def test_a_job_that_only_mostly_succeeded_ends_with_1(stage):
    text = bundles.replaced(bundles.JOB, "run_if: NONE_FAILED", "run_if: ALL_DONE")
    (stage.bundle / "jobs" / "toy.yml").write_text(text)
    stage.results["extract"] = Result("FAILED", error="x")
    assert stage() == 1
    assert the_record(stage.home)["state"] == "SUCCESS_WITH_FAILURES"


def test_parameters_and_the_environment_reach_the_notebooks(stage):
    assert stage("--param", "schema=spark_catalog.a_b") == 0
    asked = dict(stage.calls)["extract"]
    assert asked["parameters"]["schema"] == "spark_catalog.a_b"
    assert asked["environment"]["MLFLOW_TRACKING_URI"] == f"sqlite:///{stage.home}/mlflow.db"
    assert asked["environment"]["PYSPARK_PYTHON"] == sys.executable
    assert (asked["spark_url"], Spark.started[0][:2]) == ("sc://nowhere", (stage.home, ["a_b"]))


def test_only_the_first_equals_sign_divides():
    assert given_parameters(["event_columns=value=a,user_id=b", " x =1"]) == {
        "event_columns": "value=a,user_id=b", "x": "1",
    }  # fmt: skip


def test_a_relative_events_file_reaches_the_notebooks_as_an_absolute_path(stage, tmp_path, monkeypatch):
    text = bundles.replaced(bundles.JOB, "{name: schema,", '{name: events, default: ""}\n        - {name: schema,')
    (stage.bundle / "jobs" / "toy.yml").write_text(text)
    reads = stage.bundle / "notebooks" / "extract.py"
    reads.write_text(reads.read_text() + 'dbutils.widgets.get("events")\n')
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clicks.csv").write_text("")
    assert stage("--param", "events=clicks.csv") == 0
    assert dict(stage.calls)["extract"]["parameters"]["events"] == f"{tmp_path}/clicks.csv"


@pytest.mark.parametrize("name", ["users", "identities"])
def test_so_does_every_other_file_that_is_read_as_events_are(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("")
    assert whole_paths({name: "people.csv", "action": "buy"}) == {name: f"{tmp_path}/people.csv", "action": "buy"}
    assert whole_paths({name: "none"}) == {name: "none"}
    assert whole_paths({name: "main.shop.people"}) == {name: "main.shop.people"}
    with pytest.raises(
        CliError, match=rf"^--param {name}=\./none\.csv names {tmp_path}/none\.csv, and there is no such"
    ):
        whole_paths({name: "./none.csv"})


def test_our_variables_are_set_for_one_machine(stage):
    assert stage() == 0
    assert the_record(stage.home)["parameters"]["schema"] == "propensity"  # the toy's own default is shop


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--param", "scema=x"], "There is no parameter 'scema'. The job has run_id, schema. Did you mean schema?"),
        (["--param", "schema"], "--param 'schema' should be NAME=VALUE"),
        (["--param", "schema=my-app"], "On one machine a schema is of letters, digits and _, which"),
        (["--only", "trian"], "'trian' is no task of this job. It has extract, train"),
        (["--job", "other"], "'other' is no job of this bundle; it has toy"),
        (["--target", "test"], "there is no target 'test', only dev, prod"),
        (["--only", "predict"], "--only leaves out extract, and no earlier run"),
    ],
)
def test_what_cannot_be_run_is_one_line_on_stderr(stage, capsys, options, message):
    assert stage(*options) == 1
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert message in said.err
    assert "Traceback" not in said.err
    assert stage.calls == []


def test_a_partial_run_takes_the_values_of_the_last_whole_one(stage):
    assert stage() == 0
    stage.calls.clear()
    assert stage("--only", "train+") == 0
    assert [key for key, _ in stage.calls] == ["train", "predict"]
    assert dict(stage.calls)["train"]["parameters"]["day"] == "2024-06-01"
    assert stage("--only", "train+", "--param", "schema=other") == 1  # another question, other values


def test_a_partial_run_needs_only_the_values_that_it_reads(stage):
    stage.results["train"] = Result("FAILED", error="x")
    assert stage() == 1
    stage.calls.clear()
    assert stage("--only", "predict") == 0  # it reads what extract has set, and nothing of train
    assert [key for key, _ in stage.calls] == ["predict"]
    assert stage("--only", "gate") == 1  # a condition reads too


def test_a_run_closes_what_a_killed_one_left_open(stage):
    assert stage() == 0
    (record,) = stage.home.glob("runs/*/run.json")
    record.write_text(record.read_text().replace('"state": "SUCCESS"', '"state": "RUNNING"'))
    assert stage() == 0
    assert json.loads(record.read_text())["state"] == "CANCELED"


def test_a_bundle_that_is_not_sound_is_not_run(stage, capsys):
    (stage.bundle / "notebooks" / "retrain.py").unlink()
    assert stage() == 1
    assert "job toy in jobs/toy.yml is not sound" in capsys.readouterr().err
    assert stage.calls == []


def test_validate_prints_findings_of_every_target_once(stage, capsys):
    assert main(["validate", "--bundle", str(stage.bundle)]) == 0
    assert capsys.readouterr().out == "0 findings (targets: dev, prod)\n"
    (stage.bundle / "notebooks" / "retrain.py").unlink()
    assert main(["validate", "--bundle", str(stage.bundle)]) == 1
    found = capsys.readouterr().out.splitlines()
    assert found[0].startswith("jobs/toy.yml: job toy: task retrain: notebook")
    assert found[-1] == "1 finding (targets: dev, prod)"


def test_the_bundle_as_it_stands_is_sound(capsys):
    assert main(["validate"]) == 0
    assert capsys.readouterr().err == ""


def test_validate_says_what_does_not_parse(stage, capsys):
    (stage.bundle / "jobs" / "toy.yml").write_text("resources: {jobs: [}")
    assert main(["validate", "--bundle", str(stage.bundle)]) == 1
    assert capsys.readouterr().out.startswith("jobs/toy.yml: line 1: ")


HOLD = """
import sys
from pathlib import Path
from cli.local.home import lock_home, open_home
with lock_home(open_home(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.job
def test_a_second_run_names_the_first(stage, capsys):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": PROJECT, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(stage.home)], **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        assert stage() == 1
        assert f"A run is under way in {stage.home}, process {holder.pid}." in capsys.readouterr().err
        holder.kill()  # a dead process holds nothing, whatever its file says
        holder.wait()
    assert (stage.home / "run.lock").read_text() == str(holder.pid)
    assert stage() == 0


def test_ctrl_c_ends_a_run_as_canceled(stage, monkeypatch):
    stopped = threading.Event()
    monkeypatch.setattr(cli_run, "_kill_children", stopped.set)

    def interrupted(path, **asked):
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(5)
        return Result("FAILED", error="killed")

    monkeypatch.setattr(cli_run, "run_notebook", interrupted)
    assert stage() == 130
    assert the_record(stage.home)["tasks"]["extract"]["state"] == "CANCELED"


class TestSources:
    """Which events and which question a run is given."""

    @pytest.mark.parametrize(
        ("name", "given", "expected"),
        [
            (None, {}, DELI),
            ("complete-journey", {"n_trials": "5"}, DELI | {"n_trials": "5"}),
            (None, {"action": "coupon_redemption", "horizon_days": "28"}, DELI | {"action": "coupon_redemption", "horizon_days": "28"}),  # noqa: E501
            ("synthetic", {}, COOK),
            ("cdnow", {"horizon_days": "14"}, PURCHASE | {"horizon_days": "14"}),
            ("none", {"action": "x"}, {}),
            (None, {"events": "shop.events", "action": "x"}, {"events": "shop.events"}),
        ],
    )  # fmt: skip
    def test_the_built_in_question_is_asked_where_the_user_asks_none(self, tmp_path, name, given, expected):
        assert choose_source(name, given, open_home(tmp_path), "propensity").parameters == expected

    def test_a_built_in_source_and_events_exclude_each_other(self, tmp_path):
        with pytest.raises(CliError, match="--source synthetic and --param events=x exclude each other"):
            choose_source("synthetic", {"events": "x"}, open_home(tmp_path), "propensity")

    @pytest.mark.parametrize(
        ("lying", "notes", "expected"),
        [
            ([], {}, FILE),
            ([FORMER], {}, FORMER),  # its first run was killed before the tables had a note
            ([], {"propensity": FORMER}, FORMER),  # deleted: it is written again
            ([FILE], {"propensity": FORMER}, FORMER),
            ([FORMER], {"propensity": FILE}, FILE),
            ([], {"other": FORMER}, FORMER),  # a new schema of an old home
            ([FORMER], {"other": FILE}, FILE),
            ([FORMER], {"other": FORMER, "propensity": FILE}, FILE),  # the schema's own note counts
            ([], {"other": FILE, "propensity": FORMER}, FORMER),
            ([], {"propensity": None}, FILE),
            ([FORMER], {"propensity": None}, FORMER),
            ([FORMER], {"propensity": "damaged"}, FORMER),
        ],
    )
    def test_a_home_goes_on_with_the_file_that_it_began_with(self, tmp_path, monkeypatch, lying, notes, expected):
        home = open_home(tmp_path)
        home.sources.mkdir()
        for name in lying:
            (home.sources / name).touch()
        for schema, name in notes.items():
            table = home.warehouse / schema / "daily_activity"
            write_deltalake(table, pa.table({"n": [1]}))
            if name:
                note = {"propensity.source": json.dumps({"events": str(home.sources / name)})}
                DeltaTable(table).alter.set_table_properties(note, raise_if_not_exists=False)
            if name == "damaged":
                (table / "_delta_log" / "00000000000000000000.json").write_text("{")
        written = []
        monkeypatch.setattr(complete_journey, "write_once", lambda file, _: written.append(file) or file)

        source = choose_source(None, {}, home, "propensity")

        assert source.write() == home.sources / expected
        assert written == [home.sources / expected]
        assert source.remark == (REMARK if expected == FORMER else "")

    def test_a_run_says_that_its_home_goes_on_with_the_former_file(self, stage, capsys):
        sources = stage.home / "sources"
        sources.mkdir(parents=True)
        (sources / FORMER).touch()
        schema = '- {name: schema, default: "${var.schema}"}'
        text = bundles.replaced(bundles.JOB, schema, f"{schema}\n        - {{name: events, default: none}}")
        (stage.bundle / "jobs" / "toy.yml").write_text(text)
        with (stage.bundle / "notebooks" / "extract.py").open("a") as notebook:
            notebook.write('dbutils.widgets.text("events", "")\n')
        assert stage("--source", "complete-journey") == 0
        assert capsys.readouterr().out.splitlines().count(REMARK) == 1
        assert [file.name for file in sources.iterdir()] == [FORMER]

    def test_what_really_happened_is_read_from_csv_with_ids_as_they_stand(self, tmp_path):
        day, users = date(2024, 6, 1), ["01", "1"]
        rows = {"run_id": ["r"] * 2, "user_id": users, "cutoff": [day] * 2, "propensity": [0.9, 0.2]}
        write_deltalake(tmp_path / "audience", pa.table(rows))
        log = tmp_path / "log.csv"
        log.write_text("user_id,event_time,event_type\n01,2024-06-01,buy\n1,2024-06-08,buy\n1,2024-06-07,view\n")
        asked = {"events": str(log), "action": "buy", "horizon_days": "7"}
        told = list(what_happened.format_what_happened(tmp_path / "audience", "r", asked))
        assert told[0] == "What really happened from 2024-06-01 until 2024-06-08: 1 of 2 users did it, 50.0%."
        assert told[1].startswith("  AUC 1.0000, log loss 0.1643;")

    @pytest.mark.parametrize("events", ["shop.events", "events", "s3://bucket/events", "/data/events.csv"])
    def test_tables_and_absolute_paths_stay_as_they_are(self, events):
        assert absolute_events(events) == events

    @pytest.mark.parametrize("events", ["events.csv", "clicks.parquet", "db/events", "./events", "db/*.parquet"])
    def test_relative_files_become_absolute(self, events, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert absolute_events(events) == str(tmp_path / events)

    def test_a_folder_that_is_there_is_a_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "events").mkdir()
        assert absolute_events("events") == str(tmp_path / "events")


def test_a_home_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(CliError, match="cannot be used as a folder"):
        open_home(tmp_path / "home")


def test_progress_says_each_change_once():
    said: list[str] = []
    progress = Progress(say=said.append)
    progress.line("train", "trial 3 of 30")
    assert said == ["  train | trial 3 of 30"]


def test_the_ui_without_models_says_how_to_get_some(tmp_path, capsys):
    assert main(["ui", "--home", str(tmp_path)]) == 1
    assert "There are no models in" in capsys.readouterr().err


def test_unknown_arguments_are_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["validate", "--fast"])
    assert ended.value.code == 2
    assert "unknown arguments: --fast" in capsys.readouterr().err


class TestSchedule:
    """Waiting for the cron, running, and surviving what a run does."""

    @pytest.fixture
    def clock(self, monkeypatch):
        """A clock that naps move on, from just before one Monday's 06:00 in Berlin; stops after three runs."""
        runs: list[tuple[list[str], datetime]] = []

        class Clock(datetime):
            current = datetime(2024, 6, 3, 3, 59, 50, tzinfo=UTC)

            @classmethod
            def now(cls, tz=None):
                return cls.current

        def nap(seconds):
            Clock.current = Clock.current.__class__.fromtimestamp(Clock.current.timestamp() + seconds, UTC)

        def run(argv):
            runs.append((argv, Clock.current))
            if len(runs) == 3:
                raise KeyboardInterrupt
            return 1

        monkeypatch.setattr(cli_schedule, "datetime", Clock)
        monkeypatch.setattr(cli_schedule.time, "sleep", nap)
        monkeypatch.setattr(cli_schedule, "_NAP_SECONDS", 1e9)
        monkeypatch.setattr(cli_schedule, "_run", run)
        return runs

    def test_it_runs_at_every_time_although_runs_fail_until_it_is_stopped(self, stage, clock, capsys):
        assert stage("--param", "schema=x", command="schedule") == 130
        assert [moment.isoformat() for _, moment in clock] == [
            "2024-06-03T04:00:00+00:00", "2024-06-10T04:00:00+00:00", "2024-06-17T04:00:00+00:00",
        ]  # fmt: skip
        assert clock[0][0][0] == "run"
        assert clock[0][0][-4:] == ["--param", "schema=x", "--wait-until", "2024-06-10T03:59:55+00:00"]
        said = capsys.readouterr().out
        assert "next run: Mon 2024-06-03 06:00:00 Europe/Berlin" in said
        assert "run ended with exit code 1: it failed" in said

    def test_what_another_run_or_its_own_took_the_time_of_is_told(self, stage, clock, monkeypatch, capsys):
        def run(argv):
            clock.append((argv, cli_schedule.datetime.current))
            if len(clock) == 1:
                return 75  # waited in vain
            if len(clock) == 2:  # a run of more than two weeks
                cli_schedule.time.sleep(16 * 86400)
                return 0
            raise KeyboardInterrupt

        monkeypatch.setattr(cli_schedule, "_run", run)
        assert stage(command="schedule") == 130
        said = [line for line in capsys.readouterr().out.splitlines() if "skipped" in line]
        assert said == [
            "skipped: Mon 2024-06-03 06:00:00 Europe/Berlin, since another run held the home all the time",
            "skipped: Mon 2024-06-17 06:00:00 Europe/Berlin, since the run before was under way",
            "skipped: Mon 2024-06-24 06:00:00 Europe/Berlin, since the run before was under way",
        ]
        assert clock[-1][1].isoformat() == "2024-07-01T04:00:00+00:00"

    def test_a_job_without_a_schedule_is_refused(self, stage, capsys):
        text = "\n".join(line for line in bundles.JOB.splitlines() if "schedule:" not in line)
        (stage.bundle / "jobs" / "toy.yml").write_text(text)
        assert stage(command="schedule") == 1
        assert "job toy in jobs/toy.yml has no schedule" in capsys.readouterr().err
