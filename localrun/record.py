"""What is known of one run of a job: the run page and run.json show it, a later run can read it back."""

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from databricks.sdk.service.jobs import Task

from localrun.bundle import Job
from localrun.rules import State, ancestors
from localrun.scan import scan


@dataclass(kw_only=True)
class TaskRun:
    """One task; `attempts` are the executed notebooks' files, `begun` counts seconds from the job's start."""

    key: str
    notebook: str | None
    depends_on: list[tuple[str, str | None]]
    state: State = State.PENDING
    begun: float | None = None
    seconds: float = 0.0
    attempts: list[str] = field(default_factory=list)
    outcome: str | None = None
    error: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class JobRun:
    """One run of a job; `changed` names the parameters whose default the caller replaced."""

    run_id: str
    job: str
    target: str
    started: str
    parameters: dict[str, str]
    changed: list[str]
    tasks: dict[str, TaskRun]
    state: State = State.RUNNING
    seconds: float = 0.0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        found = json.loads(text)
        tasks = {key: TaskRun(**task) for key, task in found["tasks"].items()}
        for task in tasks.values():
            task.state = State(task.state)
            task.depends_on = [(before, outcome) for before, outcome in task.depends_on]
        return cls(**(found | {"state": State(found["state"]), "tasks": tasks}))


def new_tasks(job: Job, selection: Collection[str]) -> dict[str, TaskRun]:
    """A record for every task of the job; those that the selection leaves out are DISABLED."""
    return {
        task.task_key: TaskRun(
            key=task.task_key,
            notebook=Path(task.notebook_task.notebook_path).stem if task.notebook_task else None,
            depends_on=[(edge.task_key, edge.outcome) for edge in task.depends_on or []],
            state=State.PENDING if task.task_key in selection else State.DISABLED,
        )
        for task in job.settings.tasks or []
    }


def earlier_values(
    runs: Path, job: Job, left_out: Sequence[str], parameters: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The task values of tasks that a partial run leaves out, from the newest run that fits.

    It fits when the task succeeded there and every parameter that its notebook, or one before it, reads was
    the same. Parameters whose default holds a reference, such as the run's id, differ by nature: no matter.
    """
    own = {item.name for item in job.settings.parameters or [] if "{{" in item.default}
    tasks = {task.task_key: task for task in job.settings.tasks or []}
    above = ancestors(list(tasks.values()))
    found: dict[str, dict[str, Any]] = {}
    for record in sorted(runs.glob("*/run.json"), reverse=True):
        past = JobRun.from_json(record.read_text(encoding="utf-8"))
        for key in (set(left_out) & past.tasks.keys()) - found.keys() if past.job == job.key else ():
            reads = set().union(*(_reads(tasks[name], parameters) for name in (key, *above[key]))) - own
            same = all(past.parameters.get(name) == parameters[name] for name in reads & parameters.keys())
            if same and past.tasks[key].state is State.SUCCESS:
                found[key] = past.tasks[key].values
    return found


def _reads(task: Task, all_names: Iterable[str]) -> frozenset[str]:
    """The parameters that a task's notebook reads: all of them where its source does not tell."""
    widgets = scan(Path(task.notebook_task.notebook_path)).widgets if task.notebook_task else frozenset()
    return frozenset(all_names) if widgets is None else widgets
