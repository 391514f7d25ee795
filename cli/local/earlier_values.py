"""`--only`: the task values of tasks that a partial run leaves out, from a run before it."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cli.errors import CliError
from localrun.bundle.bundle import Job
from localrun.notebook.scan import scan
from localrun.platform.rules import ancestors
from localrun.platform.state import State
from localrun.run.record import past_runs
from localrun.sdk import Task


def needed_values(
    runs: Path,
    job: Job,
    selection: Collection[str],
    parameters: Mapping[str, str],
    questions: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, dict[str, Any]]:
    """The values of every task that was left out and that a selected one reads values of.

    Raises
    ------
    CliError
        If no earlier run fits; the message names the tasks.
    """
    tasks = job.settings.tasks or []
    above = ancestors(tasks)
    before = set().union(*(above[key] for key in selection)) - set(selection)
    sources = set().union(*(_tasks_read(task) for task in tasks if task.task_key in selection))
    required = [task.task_key for task in tasks if task.task_key in before & sources and _has_values(task)]
    values = earlier_values(runs, job, required, parameters, questions)
    if missing := [key for key in required if key not in values]:
        raise CliError(
            f"--only leaves out {', '.join(missing)}, and no earlier run in {runs.parent} read the same "
            "parameters there. Run the job without --only first."
        )
    return values


def earlier_values(
    runs: Path,
    job: Job,
    left_out: Collection[str],
    parameters: Mapping[str, str],
    questions: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, dict[str, Any]]:
    """The task values of tasks that a partial run leaves out, from the newest run that fits.

    It fits when the task succeeded there and every parameter that its notebook, or one before it, reads was
    the same. Parameters whose default holds a reference, such as the run's id, differ by nature: no matter.
    """
    varying = {item.name for item in job.settings.parameters or [] if "{{" in item.default}
    tasks = {task.task_key: task for task in job.settings.tasks or []}
    above = ancestors(list(tasks.values()))
    values: dict[str, dict[str, Any]] = {}
    for _, past in past_runs(runs):
        for key in (set(left_out) & past.tasks.keys()) - values.keys() if past.job == job.key else ():
            reads = set().union(*(_parameters_read(tasks[name], parameters) for name in (key, *above[key]))) - varying
            same = all(past.parameters.get(name) == parameters[name] for name in reads & parameters.keys())
            same = same and past.questions == questions
            if same and past.tasks[key].state is State.SUCCESS:
                values[key] = past.tasks[key].values
    return values


def _tasks_read(task: Task) -> set[str]:
    """The tasks whose values a task refers to, in the YAML or in its notebook."""
    texts = list((task.notebook_task.base_parameters or {}).values()) if task.notebook_task else []
    if task.condition_task:
        texts += [task.condition_task.left, task.condition_task.right]
    read = scan(Path(task.notebook_task.notebook_path)).gets if task.notebook_task else ()
    return {key for text in texts for key in re.findall(r"\{\{tasks\.(\w+)\.values\.", text)} | {key for key, _ in read}


def _has_values(task: Task) -> bool:
    return task.notebook_task is not None and scan(Path(task.notebook_task.notebook_path)).sets != frozenset()


def _parameters_read(task: Task, all_names: Iterable[str]) -> frozenset[str]:
    """The parameters that a task's notebook reads: all of them where its source does not tell."""
    widgets = scan(Path(task.notebook_task.notebook_path)).widgets if task.notebook_task else frozenset()
    return frozenset(all_names) if widgets is None else widgets
