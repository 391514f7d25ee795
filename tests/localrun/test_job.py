"""The run loop, with notebooks that are played by a fake: both branches, retries, time limits, Ctrl-C."""

import _thread
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.local.earlier_values import earlier_values
from localrun.bundle.bundle import load_bundle
from localrun.errors import LocalRunError
from localrun.platform.rules import select_tasks
from localrun.run import job as job_rules
from localrun.run.job import job_parameters, run_job
from localrun.run.machine import Machine
from localrun.run.record import JobRun, new_tasks
from tests.builders import bundles

START = datetime(2024, 6, 1, 6, tzinfo=UTC)


@dataclass
class Played:
    """What a notebook's run came to; the fields are those of the real result."""

    state: str = "SUCCESS"
    task_values: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass
class Stage:
    """Plays notebooks: per task the results of its attempts, by turns; remembers how it was called."""

    root: Path
    plays: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    seen: list[dict[str, str]] = field(default_factory=list)

    def notebook(self, path, *, task_key, on_line, html, **asked):
        self.calls.append((task_key, asked))
        on_line(f"{path.stem} speaks")
        play = (self.plays.get(task_key) or [Played()]).pop(0) if self.plays.get(task_key) else Played()
        return play(self) if callable(play) else play

    def machine(self):
        return Machine(
            run_notebook=self.notebook,
            folder=self.root,
            spark_url="sc://here",
            environment={"TZ": "UTC"},
            stop=self.stopped.set,
            changed=lambda run: self.seen.append({key: task.state for key, task in run.tasks.items()}),
            line=lambda task, text: self.lines.append((task, text)),
        )


def play(root, *, only=None, given=None, earlier=None, job_text=bundles.JOB, changed=None, stopped=None, **plays):
    """Run the toy job; returns its record and the stage."""
    if not (root / "databricks.yml").exists():
        bundles.write(root, job=job_text)
    job = load_bundle(root).job("toy")
    selection = select_tasks(job.settings.tasks, only)
    run = JobRun(
        run_id="r1", job="toy", target="dev", started=START.isoformat(), changed=list(given or {}),
        parameters=job_parameters(job, given or {}, "r1", START), tasks=new_tasks(job, selection),
    )  # fmt: skip
    for key, values in (earlier or {}).items():
        run.tasks[key].values = values
    stage = Stage(root, {"extract": [Played(task_values={"day": "2024-06-01"})]} | plays)
    machine = stage.machine()
    own = {"changed": changed, "stopped": stopped}
    run_job(job, run, replace(machine, **{name: part for name, part in own.items() if part is not None}))
    return run, stage


def states(run):
    return " ".join(f"{key}={task.state}" for key, task in run.tasks.items())


def needed(answer):
    return [Played(task_values={"needed": answer})]


def test_a_retrain_that_is_needed_runs_before_predict(tmp_path):
    run, stage = play(tmp_path, train=needed(True))
    assert run.state == "SUCCESS"
    assert [key for key, _ in stage.calls] == ["extract", "train", "retrain", "predict"]
    assert run.tasks["gate"].outcome == "true"


def test_a_retrain_that_is_not_needed_is_excluded_and_predict_runs(tmp_path):
    run, stage = play(tmp_path, train=needed(False))
    assert states(run) == "extract=SUCCESS train=SUCCESS gate=SUCCESS retrain=EXCLUDED predict=SUCCESS"
    assert [key for key, _ in stage.calls] == ["extract", "train", "predict"]
    assert run.state == "SUCCESS"


def test_a_failed_retrain_stops_predict_and_fails_the_job(tmp_path):
    run, _ = play(tmp_path, train=needed(True), retrain=[Played("FAILED", error="Boom: no")])
    assert states(run) == "extract=SUCCESS train=SUCCESS gate=SUCCESS retrain=FAILED predict=UPSTREAM_FAILED"
    assert (run.state, run.tasks["retrain"].error) == ("FAILED", "Boom: no")


def test_the_join_with_the_default_run_if_is_excluded_and_nobody_would_know(tmp_path):
    run, _ = play(
        tmp_path, job_text=bundles.replaced(bundles.JOB, "          run_if: NONE_FAILED\n", ""), train=needed(False)
    )
    assert (run.tasks["predict"].state, run.state) == ("EXCLUDED", "SUCCESS")


def test_a_python_style_boolean_text_does_not_equal_true(tmp_path):
    run, _ = play(tmp_path, train=needed("True"))
    assert run.tasks["retrain"].state == "EXCLUDED"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, "{{tasks.train.values.needed}} is not known here"),
        ({"needed": [1]}, "A condition takes text, a number or a boolean"),
    ],
)
def test_a_condition_that_cannot_be_answered_fails(tmp_path, values, error):
    run, _ = play(tmp_path, train=[Played(task_values=values)])
    assert (run.tasks["gate"].state, run.tasks["predict"].state) == ("FAILED", "UPSTREAM_FAILED")
    assert error in run.tasks["gate"].error


def test_parameters_reach_the_notebook_by_their_strength(tmp_path):
    _, stage = play(tmp_path, given={"schema": "mine"}, train=needed(False))
    calls = dict(stage.calls)
    assert calls["extract"]["parameters"] == {"run_id": "r1", "schema": "mine"}
    assert calls["train"]["parameters"] == {"day": "2024-06-01", "run_id": "r1", "schema": "mine"}
    assert (calls["train"]["spark_url"], calls["train"]["environment"]) == ("sc://here", {"TZ": "UTC"})


def test_a_job_parameter_beats_a_base_parameter_of_its_name(tmp_path):
    _, stage = play(
        tmp_path, job_text=bundles.replaced(bundles.JOB, "{day:", "{run_id: other, day:"), train=needed(False)
    )
    assert dict(stage.calls)["train"]["parameters"]["run_id"] == "r1"


def test_a_notebook_sees_the_values_of_what_ran_before_it(tmp_path):
    _, stage = play(tmp_path, train=needed(False))
    calls = dict(stage.calls)
    assert calls["extract"]["upstream_values"] == {}
    assert calls["train"]["upstream_values"] == {"extract": {"day": "2024-06-01"}}
    assert calls["predict"]["upstream_values"]["train"] == {"needed": False}


def test_an_unknown_parameter_names_the_known_ones(tmp_path):
    job = load_bundle(bundles.write(tmp_path)).job("toy")
    with pytest.raises(LocalRunError, match=r"no parameter 'scema'. The job has run_id, schema. Did you mean schema\?"):
        job_parameters(job, {"scema": "x"}, "r1", START)


def retrying(settings):
    return bundles.replaced(bundles.JOB, "max_retries: ${var.retries}", settings)


@pytest.mark.parametrize(
    ("settings", "first", "attempts", "result"),
    [
        ("max_retries: 1", ["FAILED"], 2, "SUCCESS"),
        ("max_retries: 1", ["FAILED", "FAILED"], 2, "FAILED"),
        ("max_retries: 0", ["FAILED"], 1, "FAILED"),
        ("max_retries: -1", ["FAILED"] * 4, 5, "SUCCESS"),
        ("max_retries: 1", ["TIMEDOUT"], 1, "TIMEDOUT"),
        ("{max_retries: 1, retry_on_timeout: true}", ["TIMEDOUT"], 2, "SUCCESS"),
    ],
)
def test_a_task_is_tried_again_as_often_as_it_says(tmp_path, settings, first, attempts, result):
    text = retrying(settings.strip("{}").replace(", ", "\n          "))
    good = Played(task_values={"day": "2024-06-01"})
    plays = [Played(state, error=f"{state}: x") for state in first] + [good]
    run, stage = play(tmp_path, job_text=text, extract=plays, train=needed(False))
    assert [key for key, _ in stage.calls].count("extract") == attempts
    assert run.tasks["extract"].state == result
    assert run.tasks["extract"].attempts == ["extract.html", *(f"extract-{i}.html" for i in range(2, attempts + 1))]
    assert (run.tasks["extract"].error is None) == (result == "SUCCESS")


@pytest.mark.parametrize(("took", "pause"), [(0.25, 0.5), (0.75, 0.0), (2.0, 0.0)])  # of an interval of 0.75 s
def test_the_retry_interval_runs_from_the_start_of_the_failed_attempt(tmp_path, monkeypatch, took, pause):
    clock, pauses = [100.0], []

    class Stopped(threading.Event):
        def wait(self, timeout=None):
            pauses.append(timeout)
            return False

    def slow(stage):
        clock[0] += took
        return Played("FAILED", error="x")

    monkeypatch.setattr(job_rules, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    text = retrying("max_retries: 1\n          min_retry_interval_millis: 750")
    run, stage = play(tmp_path, job_text=text, only="extract", stopped=Stopped(), extract=[slow, Played()])
    assert pauses == [pause]
    assert (run.state, len(stage.calls)) == ("SUCCESS", 2)


def test_the_task_gets_its_own_time_limit_or_what_is_left_of_the_jobs(tmp_path):
    text = retrying("timeout_seconds: 50")
    _, stage = play(tmp_path, job_text=text, train=needed(False))
    assert dict(stage.calls)["extract"]["timeout_seconds"] == 50
    assert dict(stage.calls)["train"]["timeout_seconds"] == 0  # none
    limited = bundles.replaced(text, "name: toy\n", "name: toy\n      timeout_seconds: 30\n")
    _, stage = play(tmp_path / "limited", job_text=limited, train=needed(False))
    assert dict(stage.calls)["extract"]["timeout_seconds"] == 30


def test_a_job_over_its_time_starts_nothing_more(tmp_path):
    def late(stage):
        time.sleep(1.1)
        return Played("TIMEDOUT", error="over its time limit")

    text = bundles.replaced(bundles.JOB, "name: toy\n", "name: toy\n      timeout_seconds: 1\n")
    text = bundles.replaced(text, "run_if: NONE_FAILED", "run_if: ALL_DONE")
    run, stage = play(tmp_path, job_text=text, extract=[late])
    assert run.state == "TIMEDOUT"
    assert [key for key, _ in stage.calls] == ["extract"]
    assert run.tasks["predict"].state == "CANCELED"


def test_tasks_run_side_by_side_where_the_graph_allows_it(tmp_path):
    meeting = threading.Barrier(2, timeout=5)  # breaks, and fails the test, unless both are there

    def meet(stage):
        meeting.wait()
        return Played()

    job = bundles.replaced(
        bundles.JOB, 'depends_on: [{task_key: gate, outcome: "true"}]', "depends_on: [{task_key: extract}]"
    )
    run, _ = play(tmp_path, job_text=job, train=[lambda stage: [meet(stage), *needed(False)][1]], retrain=[meet])
    assert run.state == "SUCCESS"


def test_ctrl_c_stops_everything(tmp_path):
    def interrupted(stage):
        _thread.interrupt_main()
        assert stage.stopped.wait(5)
        return Played("FAILED", error="killed")

    run, stage = play(tmp_path, job_text=retrying("max_retries: 3"), extract=[interrupted])
    assert run.state == "CANCELED"
    assert states(run).startswith("extract=CANCELED train=UPSTREAM_CANCELED gate=UPSTREAM_CANCELED")
    assert stage.stopped.is_set()
    assert len(stage.calls) == 1
    assert stage.seen[-1]["extract"] == "CANCELED"  # the page shows it


def test_a_runner_that_breaks_stops_the_job_and_says_so(tmp_path):
    def breaks(stage):
        raise RuntimeError("a bug")

    shown = []
    with pytest.raises(RuntimeError, match="a bug"):
        play(tmp_path, extract=[breaks], changed=lambda run: shown.append((str(run.state), states(run))))
    assert shown[-1][0] == "CANCELED"
    assert shown[-1][1].startswith("extract=CANCELED train=UPSTREAM_CANCELED")


def test_a_notebook_that_cannot_start_fails_its_task(tmp_path):
    def refuses(stage):
        raise LocalRunError("no kernel")

    run, _ = play(tmp_path, extract=[refuses])
    assert (run.state, run.tasks["extract"].error) == ("FAILED", "no kernel")


def test_only_runs_what_it_names_with_earlier_values(tmp_path):
    run, stage = play(tmp_path, only="train", earlier={"extract": {"day": "2024-05-31"}}, train=needed(True))
    assert dict(stage.calls)["train"]["parameters"]["day"] == "2024-05-31"
    assert (run.tasks["extract"].state, run.tasks["gate"].state, run.state) == ("DISABLED", "DISABLED", "SUCCESS")


def test_a_task_that_runs_beside_one_before_it_does_not_see_its_values(tmp_path):
    def slow(stage):
        time.sleep(0.3)
        return Played(task_values={"day": "2024-06-01"})

    _, stage = play(tmp_path, only="extract,predict", extract=[slow])  # train between them is left out
    assert "extract" not in dict(stage.calls)["predict"]["upstream_values"]


def test_the_record_is_shown_with_every_change(tmp_path):
    _, stage = play(tmp_path, train=needed(False))
    shown = [seen["extract"] for seen in stage.seen]
    assert shown[0] == "RUNNING"
    assert "SUCCESS" in shown
    assert stage.lines[0] == ("extract", "extract speaks")


class TestEarlierValues:
    """What a partial run may take from a run before it."""

    def past(self, root, run_id, day="2024-06-01", **given):
        run, _ = play(root, given=given, extract=[Played(task_values={"day": day})], train=needed(False))
        folder = root / "runs" / run_id
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(run.to_json())

    def test_the_newest_run_with_the_same_parameters_speaks(self, tmp_path):
        reads_both = 'dbutils.widgets.get("schema")\ndbutils.widgets.get("run_id")\n'
        job = load_bundle(bundles.write(tmp_path, notebooks={"extract": reads_both})).job("toy")
        self.past(tmp_path, "1", day="2024-05-31")
        self.past(tmp_path, "2")
        self.past(tmp_path, "3", schema="other")
        found = earlier_values(tmp_path / "runs", job, ["extract"], {"schema": "shop", "run_id": "new"})
        assert found == {"extract": {"day": "2024-06-01"}}
        assert earlier_values(tmp_path / "runs", job, ["extract"], {"schema": "third", "run_id": "new"}) == {}

    def test_a_failed_task_does_not_speak(self, tmp_path):
        self.past(tmp_path, "1")
        record = tmp_path / "runs" / "1" / "run.json"
        record.write_text(record.read_text().replace('"SUCCESS"', '"FAILED"'))
        job = load_bundle(tmp_path).job("toy")
        assert earlier_values(tmp_path / "runs", job, ["extract"], {"schema": "shop", "run_id": "new"}) == {}
