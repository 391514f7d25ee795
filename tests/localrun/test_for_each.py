"""A job that runs another one for each of several inputs: what is found beforehand, and how it runs."""

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.local import job_run as cli_run
from localrun.bundle.bundle import load_bundle
from localrun.checks.job import bundle_findings
from localrun.errors import LocalRunError
from localrun.platform.state import State
from localrun.run import page
from localrun.run.record import JobRun
from tests.builders import bundles
from tests.fakes.stage import Result, Spark

ROOT = Path(__file__).parents[2]
MANY = """\
resources:
  jobs:
    many:
      name: many
      parameters:
        - {name: shops, default: '[{"shop": "a"}, {"shop": "b"}, {"shop": "c"}]'}
        - {name: country, default: nl}
      tasks:
        - task_key: each
          for_each_task:
            inputs: "{{job.parameters.shops}}"
            concurrency: 1
            task:
              task_key: one
              run_job_task:
                job_id: ${resources.jobs.toy.id}
                job_parameters: {schema: "{{input.shop}}_{{job.parameters.country}}"}
"""
SHOPS = """'[{"shop": "a"}, {"shop": "b"}, {"shop": "c"}]'"""


def write(root, many=MANY):
    bundles.write(root)
    (root / "jobs" / "many.yml").write_text(many)
    return root


def test_a_sound_one_has_no_findings(tmp_path):
    assert bundle_findings(load_bundle(write(tmp_path))) == []


NESTED = 'run_job_task:\n                job_id: ${resources.jobs.toy.id}\n                job_parameters: {schema: "{{input.shop}}_{{job.parameters.country}}"}'


@pytest.mark.parametrize(("old", "new", "message"), [
    (SHOPS, "'[" + '{"shop": "berlin"}, ' * 600 + "{\"shop\": \"rome\"}]'", r"inputs has 12\d\d\d characters, and the platform takes 10000\. Ask fewer at a time"),
    (SHOPS, "a b", r"inputs should be a JSON array of objects with texts or numbers, got 'a b'\. Write one like \[\{\"action\""),
    (SHOPS, "'{\"shop\": \"a\"}'", r"inputs should be a JSON array of objects .*, got '\{\"shop\": \"a\"\}'\."),
    (SHOPS, "'[]'", r"inputs should be a JSON array of objects .*, got '\[\]'\."),
    (SHOPS, "'[\"a\"]'", r"inputs should be a JSON array of objects"),
    (SHOPS, "'[{\"shop\": [1]}]'", r"inputs should be a JSON array of objects"),
    (SHOPS, "'[{\"shop\": \"a\"}, {\"shop\": \"b\", \"town\": 1}]'", r"input 2 has town, which the task does not read; it reads shop\. Remove it, or hand it on in job_parameters\."),
    (SHOPS, "'[{\"shop\": \"a\"}, {}]'", r"input 2 lacks shop\. Every input needs all keys\. Add it\."),
    ('"{{job.parameters.shops}}"\n', '"{{job.parameters.shop}}"\n', r"\{\{job\.parameters\.shop\}\} is not known here; job\.parameters\.shops, job\.parameters\.country is"),
    ('"{{input.shop}}_', '"{{input.shop}}_{{inputs.shop}}', r"\{\{inputs\.shop\}\} is not known here"),
    ("job_parameters: {", "job_parameters: {town: x, ", r"gives town, which is no parameter of the job toy\. Remove it, or add it there\."),
    ("${resources.jobs.toy.id}", "77", r"job_id 77 is no job of this bundle\. Write \$\{resources\.jobs\.KEY\.id\}\."),
    ("${resources.jobs.toy.id}", "${resources.jobs.many.id}", r"runs the job many, which runs jobs itself\. Run that one instead\."),
    ("concurrency: 1", "concurrency: 3", r"concurrency 3 is not supported on one machine, which has one run at a time\. Write 1\."),
    (NESTED, "notebook_task: {notebook_path: ../notebooks/retrain.py}", r"runs something else than a run_job_task for each input, which is not supported"),
    (NESTED, 'for_each_task: {inputs: "[]", task: {task_key: x}}', r"has a for_each_task in a for_each_task, which the platform refuses\. Make one array of both\."),
    ("task_key: one", "task_key: one\n              max_retries: 1", r"nested task one: max_retries is not supported on one machine\. Set it in the job that runs\."),
    ("job_parameters: {", "pipeline_params: {full_refresh: true}\n                job_parameters: {", r"nested task one: pipeline_params is not supported on one machine\. Use job_parameters\."),
    ("task_key: each", "task_key: each\n          timeout_seconds: 5", r"is a for_each_task, which has no compute, retries or time limit of its own\. Remove timeout_seconds\."),
])  # fmt: skip
def test_one_change_to_it_is_found(tmp_path, old, new, message):
    (found,) = [
        text
        for text in bundle_findings(load_bundle(write(tmp_path, bundles.replaced(MANY, old, new))))
        if "no notebook reads" not in text
    ]
    assert re.search(rf"^jobs/many\.yml: job many: task each: {message}", found), found


def test_a_time_limit_over_other_jobs_is_refused(tmp_path):
    many = bundles.replaced(MANY, "name: many\n", "name: many\n      timeout_seconds: 5\n")
    assert bundle_findings(load_bundle(write(tmp_path, many))) == [
        "jobs/many.yml: job many: timeout_seconds is not kept for a job that runs others, which have their own. Remove it."
    ]


def test_a_job_that_the_bundle_has_not_is_named(tmp_path):
    with pytest.raises(LocalRunError, match=r"^jobs/many\.yml: job many: \$\{resources\.jobs\.toi\.id\} has no value"):
        load_bundle(write(tmp_path, bundles.replaced(MANY, "jobs.toy.id", "jobs.toi.id")))


@pytest.fixture
def many(stage, monkeypatch):
    """The same stage, with a job that runs the toy for three shops."""
    (stage.bundle / "jobs" / "many.yml").write_text(MANY)
    made = []
    monkeypatch.setattr(cli_run, "ensure_experiment", lambda home, name: made.append((home.root, name)))

    def run(*options):
        return stage("--job", "many", *options)

    run.experiments = made
    return run


def records(home):
    """The records of the runs, by their job, in the order of their start."""
    found = [JobRun.from_json(path.read_text()) for path in home.glob("runs/*/run.json")]
    of = {
        job: sorted((run for run in found if run.job == job), key=lambda run: run.parameters.get("schema", ""))
        for job in ("many", "toy")
    }
    return of["many"][0], of["toy"]


def test_each_input_is_a_run_of_its_own_in_the_same_home(many, stage, capsys):
    assert many() == 0
    shops = json.loads(SHOPS.strip("'"))
    outer, inner = records(stage.home)
    assert [run.parameters["schema"] for run in inner] == [f"{item['shop']}_nl" for item in shops]
    assert [key for key, _ in stage.calls] == ["extract", "train", "predict"] * 3
    assert {asked["spark_url"] for _, asked in stage.calls} == {"sc://nowhere"}
    assert len(Spark.started) == 1
    assert {run.parameters["run_id"] for run in inner} == {run.run_id for run in inner}
    iterations = outer.tasks["each"].iterations
    assert [(it.label, it.state, it.run_id) for it in iterations] == [
        (f"shop={run.parameters['schema'][0]}", "SUCCESS", run.run_id) for run in inner
    ]
    shown = page.render_page(outer)
    for run in inner:
        assert f'<a href="../{run.run_id}/index.html">run page</a>' in shown
        folder = stage.home / "runs" / run.run_id
        assert (folder / "index.html").exists()
        assert (
            folder / "spark.log"
        ).resolve() == stage.home / "runs" / outer.run_id / "spark.log"  # one Spark, one log
    said = capsys.readouterr().out
    assert said.count("AUC 0.803") == 3
    assert re.search(r"each  success +\d+\.\d\n +success +\d+\.\d  shop=a\n +success +\d+\.\d  shop=b\n", said)


def test_each_run_is_told_where_this_machine_keeps_things(many, stage):
    text = bundles.replaced(
        bundles.JOB, "{name: schema,", '{name: optuna_storage, default: ""}\n        - {name: schema,'
    )
    (stage.bundle / "jobs" / "toy.yml").write_text(text)
    reads = stage.bundle / "notebooks" / "extract.py"
    reads.write_text(reads.read_text() + 'dbutils.widgets.get("optuna_storage")\n')
    assert many() == 0
    kept = [asked["parameters"]["optuna_storage"] for key, asked in stage.calls if key == "extract"]
    assert kept == [f"sqlite:///{stage.home}/optuna.db"] * 3
    assert many.experiments == [(stage.home, "propensity")]


def test_one_that_fails_holds_up_no_other_and_fails_the_whole(many, stage, capsys, monkeypatch):
    played = cli_run.run_notebook

    def notebook(path, *, task_key, **asked):
        if task_key == "predict" and asked["parameters"]["schema"].startswith("b"):
            return Result("FAILED", error="SourceError: the events are stale.")
        return played(path, task_key=task_key, **asked)

    monkeypatch.setattr(cli_run, "run_notebook", notebook)
    assert many() == 1
    outer, inner = records(stage.home)
    assert [run.state for run in inner] == ["SUCCESS", "FAILED", "SUCCESS"]
    assert [it.state for it in outer.tasks["each"].iterations] == ["SUCCESS", "FAILED", "SUCCESS"]
    assert (outer.state, outer.tasks["each"].error) == (
        "FAILED",
        "1 of 3 runs did not succeed: shop=b. Their pages say why.",
    )
    assert "predict failed: SourceError: the events are stale.\n" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "message"), [
    ("shops=a", "error: task each: inputs should be a JSON array of objects"),
    ('shops=[{"town": "a"}]', "error: task each: input 1 has town, which the task does not read; it reads shop."),
    ('shop=[{"shop": "a"}]', "error: There is no parameter 'shop'. The job has shops, country. Did you mean shops?"),
])  # fmt: skip
def test_inputs_given_for_one_run_are_looked_at_before_anything_starts(many, stage, capsys, given, message):
    assert many("--param", given) == 1
    assert message in capsys.readouterr().err
    assert (stage.calls, Spark.started) == ([], [])


def test_ctrl_c_ends_the_run_that_is_under_way_and_starts_no_other(many, stage, monkeypatch):
    killed = threading.Event()
    monkeypatch.setattr(cli_run, "_kill_children", killed.set)

    def interrupted(path, **asked):
        os.kill(os.getpid(), signal.SIGINT)
        assert killed.wait(5)
        return Result("FAILED", error="killed")

    monkeypatch.setattr(cli_run, "run_notebook", interrupted)
    assert many() == 130
    outer, inner = records(stage.home)
    assert [run.state for run in inner] == ["CANCELED"]
    assert (inner[0].tasks["extract"].state, inner[0].tasks["train"].state) == ("CANCELED", "UPSTREAM_CANCELED")
    assert (outer.state, outer.tasks["each"].state) == ("CANCELED", "CANCELED")
    assert [it.state for it in outer.tasks["each"].iterations] == ["CANCELED"] * 3
    assert outer.tasks["each"].error is None


def test_a_killed_run_is_closed_with_all_that_it_was_to_run(many, stage):
    assert many() == 0
    outer, _ = records(stage.home)
    outer.state = outer.tasks["each"].state = outer.tasks["each"].iterations[1].state = State.RUNNING
    page.write_page(stage.home / "runs" / outer.run_id, outer)
    page.close_abandoned(stage.home / "runs")
    outer, _ = records(stage.home)
    assert [it.state for it in outer.tasks["each"].iterations] == ["SUCCESS", "CANCELED", "SUCCESS"]


def test_a_machine_that_runs_no_other_jobs_says_so(tmp_path):
    from localrun.run.machine import Machine

    machine = Machine(
        run_notebook=None, folder=tmp_path, spark_url="", environment={}, stop=None, changed=None, line=None
    )
    with pytest.raises(LocalRunError, match=r"was given no way to run other jobs\. Give it run_job\."):
        machine.run_job(1, {})


def test_validate_covers_it(tmp_path, capsys):
    write(tmp_path, bundles.replaced(MANY, "concurrency: 1", "concurrency: 2"))
    assert main(["validate", "--bundle", str(tmp_path)]) == 1
    assert "job many: task each: concurrency 2 is not supported" in capsys.readouterr().out
