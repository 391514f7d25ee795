"""The deployed job with a file of three questions: the real YAML and notebooks, over stages that are played.

One question needs new models, another fails to be published: what runs, and what a repair runs.
"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from lib.errors import ModelError, PublishRefused
from lib.registry import mlflow_registry
from lib.report import charts
from lib.stages import dictionary, extract_features, predict, publish, retrain, train
from lib.tables import delta
from lib.tables.contracts import AUDIENCE
from lib.tables.memory import MemoryTables
from localrun.bundle.bundle import load_bundle
from localrun.notebook.dbutils import DBUtils, Notebook, TaskValues, Widgets
from localrun.notebook.execution import NotebookResult
from localrun.notebook.source import to_ipynb
from localrun.platform.rules import select_tasks
from localrun.platform.state import State
from localrun.run.job import job_parameters, run_job
from localrun.run.machine import Machine
from localrun.run.record import JobRun, new_tasks

ROOT = Path(__file__).parents[2]
DAY = date(2024, 6, 3)
FILE = """\
events: main.shop.events
reasons: 2
questions:
  buy: {action: buy, horizon_days: 7}
  read: {action: read, horizon_days: 7, reasons: 1}
  share: {action: share, horizon_days: 7}
"""
ALL = ["buy", "read", "share"]


class Workspace:
    """A workspace that runs notebooks in this process; what each stage did, by question, in its order."""

    def __init__(self, folder):
        self.folder, self.tables, self.done, self.failing, self.needing = folder, MemoryTables(), [], {}, set()
        self.lines, self.configs, self.others = [], [], []
        (folder / "shop.yml").write_text(FILE)
        self.job = load_bundle(ROOT, "prod", {"question_file": str(folder / "shop.yml")}).job("propensity")
        given = {"as_of": str(DAY), "reports": str(folder / "reports"), "bundle_root": str(ROOT)}
        given |= {"schema": "main.shop", "models": "main.shop.propensity", "experiment": "/shop"}
        start = datetime(2024, 6, 3, 6, tzinfo=UTC)
        self.run = JobRun(
            run_id="17", job="propensity", target="prod", started=start.isoformat(), changed=[],
            parameters=job_parameters(self.job, given, "17", start),
            tasks=new_tasks(self.job, select_tasks(self.job.settings.tasks, None)),
        )  # fmt: skip

    def begin(self):
        """Run what is pending."""
        machine = Machine(
            run_notebook=self.play, folder=self.folder, spark_url="", environment={}, stop=lambda: None,
            changed=lambda _: None, line=lambda task, text: self.lines.append((task, text)),
        )  # fmt: skip
        run_job(self.job, self.run, machine)
        return {key: str(task.state) for key, task in self.run.tasks.items()}

    def repair(self):
        """As the platform does: tasks that failed, or were passed over for that, run again under the same id."""
        again = [key for key, task in self.run.tasks.items() if task.state not in (State.SUCCESS, State.EXCLUDED)]
        for key in again:
            self.run.tasks[key].state = State.PENDING
        self.run.state, before = State.RUNNING, len(self.done)
        self.begin()
        return again, self.done[before:]

    def play(self, path, *, parameters, upstream_values, html, **_):
        values, error = {}, None
        try:
            self.cells(path, parameters, TaskValues(upstream_values, values.__setitem__))
        except Exception as raised:  # noqa: BLE001 - as a kernel does
            error = f"{type(raised).__name__}: {raised}"
        return NotebookResult(
            state="FAILED" if error else "SUCCESS", error=error, operator_error=True, seconds=0.0, exit_value=None,
            task_values=values, html=html,
        )  # fmt: skip

    def cells(self, path, parameters, values):
        def child(name, seconds, arguments):
            self.cells(path.with_name(f"{name}.py"), arguments, TaskValues(None, {}.__setitem__))

        nothing = lambda *_: None  # noqa: E731
        namespace = {"spark": None, "display": nothing, "displayHTML": nothing}
        namespace["dbutils"] = DBUtils(Widgets(parameters), values, Notebook(child))
        for cell in to_ipynb(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.stem, "exec"), namespace)

    def stage(self, name, **gives):
        def played(context, *_, **given):
            config = getattr(context, "config", context)
            action = config.question.action
            self.configs.append((name, config))
            self.others.append(given.get("others"))
            if error := self.failing.get((name, action)):
                raise error
            self.done.append((name, action))
            if name == "publish":
                self.publish(config)
            needed = {"retrain_needed": action in self.needing} if name == "train" else {}
            return SimpleNamespace(summary=f"{name} of {action}\nmore", headline=action, **gives, **needed)

        return played

    def publish(self, config):
        row = dict.fromkeys(AUDIENCE) | {"question": config.question.slug, "user_id": "ana", "cutoff": DAY}
        row |= {"propensity": 0.5, "decile": 1, "held_out": False, "low_evidence": False}
        row |= {"horizon_days": 7, "rank": 1, "percentile": 1}
        self.tables.append("audience", pd.DataFrame([row]))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    space = Workspace(tmp_path)
    rows, played = pd.DataFrame(), space.stage
    monkeypatch.setattr(sys, "path", [*sys.path])  # which the first cell puts the bundle's root on
    monkeypatch.setattr(delta, "DeltaTables", lambda *_: space.tables)
    monkeypatch.setattr(mlflow_registry, "MlflowRegistry", lambda *_: None)
    for name in ("plot_trials", "plot_importances", "plot_propensities"):
        monkeypatch.setattr(charts, name, lambda *_: None)

    def read(configs, tables):
        space.done.append(("source", ",".join(config.question.action for config in configs)))
        return SimpleNamespace(as_of=DAY, asked=SimpleNamespace(first_seen={}))

    monkeypatch.setattr(extract_features, "read", read)
    monkeypatch.setattr(extract_features, "is_prepared", lambda *_: True)
    monkeypatch.setattr(dictionary, "write_dictionary", lambda *_, **__: "")
    monkeypatch.setattr(extract_features, "prepare", played("extract_features", table=rows))
    judged = played("train", metrics=rows, drift=rows, verdict=SimpleNamespace(answer="good"))
    monkeypatch.setattr(train, "run", judged)
    made = played("retrain", metrics=rows, trials=rows, plots={}, importances=rows, promoted=True, best={"C": 1})
    monkeypatch.setattr(retrain, "run", made)
    monkeypatch.setattr(predict, "run", played("predict", rows=rows, spread=None))
    figures = {"users": 1, "expected": 0.5, "mean": 0.5}
    listed = played("publish", rows=rows, page="", in_use=True, report="/r/q/2024-06-03.html", figures=figures)
    monkeypatch.setattr(publish, "run", listed)
    return space


def through(workspace, action):
    return [stage for stage, each in workspace.done if each == action]


FOUR = ["extract_features", "train", "predict", "publish"]


def test_the_source_is_read_once_and_nothing_is_trained_that_holds(workspace):
    states = workspace.begin()
    assert states.pop("retrain") == "EXCLUDED"
    assert set(states.values()) == {"SUCCESS"}
    assert [each for stage, each in workspace.done if stage == "source"] == ["buy,read,share"]
    assert [through(workspace, action) for action in ALL] == [FOUR] * 3
    values = workspace.run.tasks["publish"].values
    assert values["summary"] == "buy: publish of buy\nread: publish of read\nshare: publish of share"
    assert values["in_use"] is True
    assert values["report"] == f"{workspace.folder}/reports/questions/2024-06-03.html"
    assert '<a href="../q/2024-06-03.html">buy</a>' in Path(values["report"]).read_text()
    (profile,) = workspace.tables.table("SELECT * FROM {profiles}").to_pylist()
    assert [profile[f"{name}_propensity"] for name in ALL] == [0.5] * 3
    reasons = {config.question.action: config.reasons for stage, config in workspace.configs if stage == "predict"}
    assert reasons == {"buy": 2, "read": 1, "share": 2}  # each its own


def test_one_that_needs_new_models_gets_them_and_one_that_fails_holds_up_nobody(workspace):
    workspace.needing = {"read"}
    workspace.failing = {("publish", "share"): PublishRefused("It halved.")}
    states = workspace.begin()
    assert states.pop("publish") == "FAILED"
    assert set(states.values()) == {"SUCCESS"}
    assert str(workspace.run.state) == "FAILED"
    assert through(workspace, "buy") == FOUR
    assert through(workspace, "read") == ["extract_features", "train", "retrain", "predict", "publish"]
    assert workspace.run.tasks["publish"].error == (
        "QuestionsFailed: 1 of 3 questions failed, and the others are done. share, in publish: It halved. Run this "
        "task again once that is mended: it begins where each of them failed."
    )
    assert [task for task, text in workspace.lines if "trying again" in text] == ["publish"]  # once by itself, in prod
    workspace.failing.clear()
    assert workspace.repair() == (["publish"], [("publish", "share")])
    assert str(workspace.run.state) == "SUCCESS"


@pytest.mark.parametrize("stage", ["extract_features", "train", "retrain", "predict"])
def test_a_repair_begins_where_a_question_failed(workspace, stage):
    workspace.needing = {"read"}
    workspace.failing = {(stage, "read"): ModelError("It is broken.")}
    states = workspace.begin()
    assert states["publish"] == "FAILED"
    assert f"read, in {stage}: It is broken." in workspace.run.tasks["publish"].error
    assert through(workspace, "buy") == through(workspace, "share") == FOUR
    workspace.failing.clear()
    again, done = workspace.repair()
    order = ["extract_features", "train", "retrain", "predict", "publish"]
    assert again == ["publish"]
    assert [one for one in done if one[0] != "source"] == [(one, "read") for one in order[order.index(stage) :]]


def test_a_search_is_told_what_those_before_it_have_found(workspace):
    workspace.needing = {"buy", "share"}
    workspace.begin()
    assert [others for others in workspace.others if others is not None] == [[], [{"C": 1}]]


def test_what_a_broken_file_says_is_told_by_the_first_task_before_anything_is_read(workspace):
    (workspace.folder / "shop.yml").write_text(FILE.replace("horizon_days: 7, reasons", "horizon: 7, reasons"))
    states = workspace.begin()
    assert states["extract_features"] == "FAILED"
    assert workspace.run.tasks["extract_features"].error == (
        "ConfigError: shop.yml, line 5, questions.read.horizon: there is no such parameter. Did you mean horizon_days?"
    )
    assert workspace.done == []
