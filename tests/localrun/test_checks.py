"""`validate` finds what the Databricks CLI says nothing about: one change to a sound bundle, one finding."""

import re

import pytest

from localrun.bundle.bundle import load_bundle
from localrun.checks.job import bundle_findings
from tests.builders import bundles


def findings(root):
    return bundle_findings(load_bundle(root))


def test_a_sound_bundle_has_no_findings(tmp_path):
    assert findings(bundles.write(tmp_path)) == []


# what is changed in the job's YAML, into what, and what is then found
CASES = [
    # the graph
    ("depends_on: [{task_key: extract}]", "depends_on: [{task_key: extrakt}]", "train: depends on 'extrakt', but there is only"),
    ("depends_on: [{task_key: extract}]", "depends_on: [{task_key: extract}, {task_key: extract}]", "depends on extract more than once"),
    ("depends_on: [{task_key: extract}]", "depends_on: [{task_key: retrain}]", "wait in a circle: .*retrain"),
    # types, conditions, outcomes
    ("notebook_task: {notebook_path: ../notebooks/retrain.py}", "timeout_seconds: 5", "task retrain: has no type"),
    ("notebook_path: ../notebooks/retrain.py}", "notebook_path: ../notebooks/retrain.py}\n          sql_task: {warehouse_id: w}", "task retrain: has notebook_task and sql_task"),
    ("notebook_task: {notebook_path: ../notebooks/retrain.py}", "run_job_task: {job_id: 1}", "task retrain: run_job_task is not supported on one machine"),
    ('right: "true"}', 'right: "true"}\n          max_retries: 1', "task gate: is a condition, .* Remove max_retries"),
    ('right: "true"}', 'right: "true"}\n          environment_key: default', "task gate: is a condition, .* Remove environment_key"),
    ('outcome: "true"', "outcome: maybe", "task retrain: waits for the outcome 'maybe' of gate"),
    ("depends_on: [{task_key: extract}]", 'depends_on: [{task_key: extract, outcome: "true"}]', "task train: waits for an outcome of extract, which is no condition"),
    ("[{task_key: train}, {task_key: retrain}]", '[{task_key: train}, {task_key: gate, outcome: "false"}]', "task predict: waits for an outcome and for other tasks"),
    # schedule and settings that one machine cannot honour
    ('"0 0 6 ? * MON"', '"0 6 * * *"', "schedule: The cron expression '0 6 \\* \\* \\*' has 5 fields"),
    ("Europe/Berlin", "Mars", "schedule: there is no time zone 'Mars'"),
    ("name: toy\n", "name: toy\n      trigger: {table_update: {table_names: [main.shop.events]}}\n", "has a schedule and a trigger. Keep one of them."),
    ("name: toy\n", "name: toy\n      continuous: {pause_status: PAUSED}\n", "continuous is not supported on one machine"),
    ("environment_key: default\n          max", "disabled: true\n          max", "task extract: disabled is not supported"),
    ("{notebook_path: ../notebooks/retrain.py}", "{notebook_path: ../notebooks/retrain.py, source: GIT}", "task retrain: a notebook from Git"),
    # references
    ("{{job.run_id}}", "{{job.runid}}", "parameter run_id: {{job.runid}} is not known here; .*job.run_id"),
    ("{{job.run_id}}", "{{tasks.train.values.needed}}", "parameter run_id: {{tasks.train.values.needed}} is not known here"),
    ("{{job.run_id}}", "{{job.run_id}", "parameter run_id: .*braces that do not pair"),
    ("{{tasks.extract.values.day}}", "{{ tasks.extract.values.day }}", "task train: .* is no reference"),
    ("{{tasks.extract.values.day}}", "{{tasks.extract.values.date}}", "task train: {{tasks.extract.values.date}} is not known here; tasks.extract.values.day is"),
    ("{{tasks.extract.values.day}}", "{{tasks.predict.result_state}}", "task train: {{tasks.predict.result_state}} is not known here"),
    ("{{tasks.train.values.needed}}", "{{tasks.retrain.values.needed}}", "task gate: {{tasks.retrain.values.needed}} is not known here"),
    # parameters
    ("{name: schema,", '{name: "sche ma",', "parameter 'sche ma': a name has only letters"),
    ("{name: schema,", "{name: scheme,", "task extract: its notebook reads schema, which the job does not give"),
    ("{name: schema,", "{name: scheme,", "no notebook reads the parameter scheme"),
    ("{day:", "{run_id: x, day:", "task train: the job parameter run_id beats its base_parameters"),
    ("{day:", "{date: x, day:", "task train: its notebook does not read date"),
    # the silent exclusion
    ("          run_if: NONE_FAILED\n", "", "task predict is excluded when gate is false, although a task before it ran.*Set run_if: NONE_FAILED"),
    ("run_if: NONE_FAILED", "run_if: ALL_SUCCESS", "task predict is excluded when gate is false"),
    ('[{task_key: gate, outcome: "true"}]', '[{task_key: gate, outcome: "true"}, {task_key: gate, outcome: "false"}]', "retrain"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), CASES)
def test_one_change_is_found(tmp_path, old, new, message):
    root = bundles.write(tmp_path, job=bundles.replaced(bundles.JOB, old, new))
    found = "\n".join(findings(root))
    assert re.search(message, found), found
    assert all(line.startswith("jobs/toy.yml: job toy: ") for line in found.splitlines())


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("retrain", "# a plain file\n", "retrain.py must have '# Databricks notebook source' as its first line"),
        ("retrain", "%pip install x\n", "retrain.py: line 2: .* Write magics as # MAGIC"),
        ("retrain", 'dbutils.widgets.text("other", "")\n', "task retrain: its notebook reads other"),
        ("extract", 'dbutils.widgets.get("schema")\n', "task train: {{tasks.extract.values.day}} is not known here"),
        (
            "predict",
            'dbutils.jobs.taskValues.get("extract", "dya")\n',
            "task predict: {{tasks.`extract`.values.`dya`}} is not known here; tasks.extract.values.day is",
        ),
        (
            "predict",
            'dbutils.jobs.taskValues.get("retrain", "x")\n',
            "task predict: {{tasks.`retrain`.values.`x`}} is not known here",
        ),
    ],
)
def test_notebooks_are_read_too(tmp_path, name, source, message):
    found = "\n".join(findings(bundles.write(tmp_path, notebooks={name: source})))
    assert re.search(message, found), found


@pytest.mark.parametrize(
    "source",
    [
        'for key in ("day", "more"):\n    dbutils.jobs.taskValues.set(key=key, value=1)\n',
        "publish(dbutils.jobs.taskValues.set)\n",
    ],
)
def test_a_key_that_is_no_constant_might_be_any(tmp_path, source):
    source = 'dbutils.widgets.get("schema")\n' + source
    assert findings(bundles.write(tmp_path, notebooks={"extract": source})) == []


def test_a_widget_whose_name_is_no_constant_might_be_any(tmp_path):
    source = 'for name in NAMES:\n    dbutils.widgets.text(name, "")\n'
    assert findings(bundles.write(tmp_path, notebooks={"retrain": source})) == []  # run_id might be one of them


def test_a_value_of_a_task_that_may_be_skipped_is_not_there_for_sure(tmp_path):
    sets = 'dbutils.widgets.get("run_id")\ndbutils.jobs.taskValues.set(key="x", value=1)\n'
    reads = 'dbutils.jobs.taskValues.get(taskKey="retrain", key="x")\n'
    found = findings(bundles.write(tmp_path, notebooks={"retrain": sets, "predict": reads}))
    assert len(found) == 1
    assert "task predict: {{tasks.`retrain`.values.`x`}} is not known here" in found[0]


def test_a_read_with_a_default_needs_no_value(tmp_path):
    source = 'dbutils.jobs.taskValues.get(taskKey="retrain", key="x", default="none")\n'
    assert findings(bundles.write(tmp_path, notebooks={"predict": source})) == []


def test_a_missing_notebook_is_named(tmp_path):
    root = bundles.write(tmp_path)
    (root / "notebooks" / "retrain.py").unlink()
    assert "task retrain: notebook" in findings(root)[0]
    assert "No such file or directory. Correct notebook_path." in findings(root)[0]


def test_a_task_that_asks_for_an_outcome_is_meant_to_be_passed_over(tmp_path):
    edges = '[{task_key: gate, outcome: "true"}, {task_key: extract}]'
    job = bundles.replaced(bundles.JOB, '[{task_key: gate, outcome: "true"}]', edges)
    assert findings(bundles.write(tmp_path, job=job)) == []


def test_a_task_that_handles_failures_may_never_run_when_all_goes_well(tmp_path):
    job = bundles.JOB + (
        "        - task_key: alarm\n          depends_on: [{task_key: predict}]\n          run_if: AT_LEAST_ONE_FAILED\n"
        "          notebook_task: {notebook_path: ../notebooks/retrain.py}\n          environment_key: default\n"
    )
    assert findings(bundles.write(tmp_path, job=job)) == []
