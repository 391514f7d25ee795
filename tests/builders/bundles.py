"""A small sound bundle on disk, for tests that break it in one place and see who notices."""

from pathlib import Path

DATABRICKS = """\
bundle:
  name: toy
include:
  - jobs/*.yml
variables:
  schema: {default: shop}
  retries: {default: 0}
targets:
  dev: {default: true}
  prod: {variables: {retries: 2}}
"""
JOB = """\
resources:
  jobs:
    toy:
      name: toy
      schedule: {quartz_cron_expression: "0 0 6 ? * MON", timezone_id: Europe/Berlin}
      parameters:
        - {name: run_id, default: "{{job.run_id}}"}
        - {name: schema, default: "${var.schema}"}
      environments:
        - environment_key: default
          spec: {environment_version: "5", dependencies: [-r ../requirements.txt]}
      tasks:
        - task_key: extract
          notebook_task: {notebook_path: ../notebooks/extract.py}
          environment_key: default
          max_retries: ${var.retries}
          disable_auto_optimization: true
        - task_key: train
          depends_on: [{task_key: extract}]
          notebook_task:
            notebook_path: ../notebooks/train.py
            base_parameters: {day: "{{tasks.extract.values.day}}"}
          environment_key: default
          disable_auto_optimization: true
        - task_key: gate
          depends_on: [{task_key: train}]
          condition_task: {left: "{{tasks.train.values.needed}}", op: EQUAL_TO, right: "true"}
        - task_key: retrain
          depends_on: [{task_key: gate, outcome: "true"}]
          notebook_task: {notebook_path: ../notebooks/retrain.py}
          environment_key: default
          disable_auto_optimization: true
        - task_key: predict
          depends_on: [{task_key: train}, {task_key: retrain}]
          run_if: NONE_FAILED
          notebook_task: {notebook_path: ../notebooks/predict.py}
          environment_key: default
          disable_auto_optimization: true
"""
HEADER = "# Databricks notebook source\n"
NOTEBOOKS = {
    "extract": ('dbutils.widgets.text("schema", "")\ndbutils.jobs.taskValues.set(key="day", value="2024-06-01")\n'),
    "train": 'dbutils.widgets.text("day", "")\ndbutils.jobs.taskValues.set("needed", value=True)\n',
    "retrain": 'dbutils.widgets.text("run_id", "")\n',
    "predict": 'day = dbutils.jobs.taskValues.get(taskKey="extract", key="day")\n',
}


def write(root: Path, *, job: str = JOB, databricks: str = DATABRICKS, notebooks: dict[str, str] | None = None) -> Path:
    """Write the bundle below `root`; `notebooks` replaces the source of some."""
    (root / "jobs").mkdir(parents=True)
    (root / "notebooks").mkdir()
    (root / "databricks.yml").write_text(databricks)
    (root / "jobs" / "toy.yml").write_text(job)
    (root / "requirements.txt").write_text("numpy==2.4.6\n")
    for name, source in (NOTEBOOKS | (notebooks or {})).items():
        (root / "notebooks" / f"{name}.py").write_text(source if source.startswith("#") else HEADER + source)
    return root


def replaced(text: str, old: str, new: str) -> str:
    """`text` with one fragment changed, which must be there exactly once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the toy"
    return text.replace(old, new)
