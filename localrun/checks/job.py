"""What is wrong with a job before it runs, wherever that is: the Databricks CLI lets it through without a word.

Each finding is one sentence on what was found and one on what to do. Also refused here, by name, is every
setting that one machine cannot honour.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from graphlib import CycleError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localrun.bundle.bundle import Bundle, Job
from localrun.checks.worlds import exclusion_findings, possible_worlds, sure_predecessors
from localrun.errors import LocalRunError
from localrun.notebook.scan import Notebook, scan
from localrun.platform import cron
from localrun.platform.references import job_facts, resolve, task_facts
from localrun.platform.rules import ancestors
from localrun.sdk import JobSettings, RunIf, Source, Task

# What the local runner acts on, and what may stand there because it changes nothing that a run computes.
_TELLS = {"description", "email_notifications", "webhook_notifications", "notification_settings", "health"}
_JOB = _TELLS | {
    "name", "parameters", "tasks", "timeout_seconds", "schedule", "environments", "job_clusters", "queue",
    "tags", "max_concurrent_runs", "run_as", "edit_mode", "format", "performance_target", "budget_policy_id",
    "trigger",  # starts runs in a workspace; here a run is started by hand, or by the schedule
}  # fmt: skip
_RETRIES = {"max_retries", "min_retry_interval_millis", "retry_on_timeout"}
_COMPUTE = {"environment_key", "job_cluster_key", "existing_cluster_id", "new_cluster", "libraries"}
_TASK = _TELLS | _RETRIES | _COMPUTE | {
    "task_key", "depends_on", "run_if", "notebook_task", "condition_task", "timeout_seconds",
    "disable_auto_optimization",
}  # fmt: skip
_PARAMETER = re.compile(r"[A-Za-z0-9_.-]+")


def bundle_findings(bundle: Bundle) -> list[str]:
    """Every finding in every job, as `file: job: what was found. What to do.`"""
    return [f"{job.file}: job {job.key}: {text}" for job in bundle.jobs.values() for text in job_findings(job)]


def job_findings(job: Job) -> list[str]:
    """The findings of one job; what needs a sound graph is looked at only when the graph is sound."""
    settings = job.settings
    tasks = settings.tasks or []
    findings = [*_job_settings(settings), *_schedule(settings)]
    if not tasks:
        findings.append("has no tasks. Add one.")
    for task in tasks:
        of_task = [*_task(task), *_outcomes(task, tasks)]
        findings += [f"task {task.task_key}: {text}" for text in of_task]
    graph = list(_graph(tasks))
    if graph:
        return findings + graph
    notebooks: dict[str, Notebook] = {}
    for task in tasks:
        try:
            if task.notebook_task:
                notebooks[task.task_key] = scan(Path(task.notebook_task.notebook_path))
        except LocalRunError as error:
            findings.append(f"task {task.task_key}: {error}")
    findings += _parameters(settings, notebooks)
    findings += _references(job, notebooks)
    return findings + list(exclusion_findings(tasks, possible_worlds(tasks)))


def _job_settings(settings: JobSettings) -> Iterator[str]:
    for name in settings.as_dict().keys() - _JOB:
        yield f"{name} is not supported on one machine. Remove it, or run this job on Databricks."
    for parameter in settings.parameters or []:
        if not _PARAMETER.fullmatch(parameter.name):
            yield f"parameter {parameter.name!r}: a name has only letters, digits and _ - . in it."


def _schedule(settings: JobSettings) -> Iterator[str]:
    if settings.schedule and settings.trigger:
        yield "has a schedule and a trigger. Keep one of them."
    if settings.schedule is None:
        return
    try:
        cron.parse_cron(settings.schedule.quartz_cron_expression)
    except LocalRunError as error:
        yield f"schedule: {error}"
    try:
        ZoneInfo(settings.schedule.timezone_id)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = settings.schedule.timezone_id
        yield f"schedule: there is no time zone {zone!r}. Write one like Europe/Berlin."


def _task(task: Task) -> Iterator[str]:
    settings = task.as_dict()
    kinds = [name for name in settings if name.endswith("_task")]
    if len(kinds) != 1:
        yield f"has {' and '.join(kinds) or 'no type'}. Give it notebook_task or condition_task."
    for name in settings.keys() - _TASK:
        yield f"{name} is not supported on one machine. Remove it, or run this job on Databricks."
    if task.condition_task:
        for name in sorted(settings.keys() & (_RETRIES | _COMPUTE)):
            yield f"is a condition, which has no compute and no retries. Remove {name}."
    if (notebook := task.notebook_task) and (notebook.source is Source.GIT or notebook.warehouse_id):
        yield "a notebook from Git or on a warehouse is not supported. Remove source or warehouse_id."


def _outcomes(task: Task, tasks: Sequence[Task]) -> Iterator[str]:
    conditions = {other.task_key for other in tasks if other.condition_task}
    edges = task.depends_on or []
    for edge in edges:
        if edge.outcome is not None and edge.task_key not in conditions:
            yield f"waits for an outcome of {edge.task_key}, which is no condition. Remove outcome."
        elif edge.outcome not in (None, "true", "false"):
            yield f'waits for the outcome {edge.outcome!r} of {edge.task_key}. Write "true" or "false".'
    mixed = len(edges) > 1 and any(edge.outcome is not None for edge in edges)
    if mixed and task.run_if not in (None, RunIf.ALL_SUCCESS):
        yield (
            "waits for an outcome and for other tasks under a run_if of its own, which is undefined. Put "
            "the outcome on a task of its own."
        )


def _graph(tasks: Sequence[Task]) -> Iterator[str]:
    keys = [task.task_key for task in tasks]
    for task in tasks:
        before = [edge.task_key for edge in task.depends_on or []]
        for key in dict.fromkeys(before):
            if key not in keys:
                yield f"task {task.task_key}: depends on {key!r}, but there is only {', '.join(keys)}."
            if before.count(key) > 1:
                yield f"task {task.task_key}: depends on {key} more than once. Keep one of them."
    try:
        ancestors(tasks)
    except CycleError as error:
        yield f"the tasks wait in a circle: {' -> '.join(error.args[1])}. Remove one dependency."
    if sum(task.condition_task is not None for task in tasks) > 10:
        yield "has more than 10 conditions, too many to try all their outcomes. Split the job."


def _parameters(settings: JobSettings, notebooks: dict[str, Notebook]) -> Iterator[str]:
    parameters = {parameter.name for parameter in settings.parameters or []}
    used = set(re.findall(r"\{\{job\.parameters\.`?([\w.-]+?)`?\}\}", str(settings.as_dict())))
    all_known = True
    for task in settings.tasks or []:
        base = set(task.notebook_task.base_parameters or {}) if task.notebook_task else set()
        for name in sorted(base & parameters):
            yield f"task {task.task_key}: the job parameter {name} beats its base_parameters. Rename one."
        notebook = notebooks.get(task.task_key)
        if notebook is None or notebook.widgets is None:
            all_known = all_known and task.notebook_task is None
            continue
        used |= notebook.widgets
        for name in sorted(base - notebook.widgets):
            yield f"task {task.task_key}: its notebook does not read {name}. Add a widget or remove it."
        for name in sorted(notebook.widgets - base - parameters):
            yield f"task {task.task_key}: its notebook reads {name}, which the job does not give. Add it."
    for name in sorted(parameters - used) if all_known else ():
        yield f"no notebook reads the parameter {name}. Remove it, or add a widget."


def _references(job: Job, notebooks: dict[str, Notebook]) -> Iterator[str]:
    """Resolve every field as a run would, with no more than what is sure to be there by then."""
    tasks, parameters = job.settings.tasks or [], job.settings.parameters or []
    sure = sure_predecessors(tasks, possible_worlds(tasks))
    at_start = job_facts(job.key, "", datetime(2024, 1, 1, tzinfo=UTC))
    fields = [(f"parameter {item.name}", item.default, at_start) for item in parameters]
    for task in tasks:
        before = {key: ("success", _values(notebooks.get(key))) for key in sure[task.task_key]}
        facts = task_facts(at_start, {item.name: "" for item in parameters}, task.task_key, 1, before)
        fields += [(f"task {task.task_key}", text, facts) for text in _texts(task, notebooks)]
    for where, text, facts in fields:
        try:
            resolve(text, facts)
        except LocalRunError as error:
            yield f"{where}: {error}"


def _values(notebook: Notebook | None) -> dict[str, Any] | None:
    return None if notebook is None or notebook.sets is None else dict.fromkeys(notebook.sets, "")


def _texts(task: Task, notebooks: dict[str, Notebook]) -> Iterator[str]:
    """Every text of a task that may hold references, and what its notebook reads as if it were one."""
    if task.notebook_task:
        yield from (task.notebook_task.base_parameters or {}).values()
    if task.condition_task:
        yield from (task.condition_task.left, task.condition_task.right)
    if task.task_key in notebooks:
        for other, key in sorted(notebooks[task.task_key].gets):
            yield f"{{{{tasks.`{other}`.values.`{key}`}}}}"
