"""What is known of one run of a job: the run page and run.json show it, a later run can read it back."""

import dataclasses
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from localrun.platform.state import State

if TYPE_CHECKING:
    from localrun.bundle.bundle import Job


@dataclass(kw_only=True)
class TaskRun:
    """One task; `attempts` are the executed notebooks' files, `begun` counts seconds from the job's start.

    `notebook` is None for a condition.
    """

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

    @property
    def has_seconds(self) -> bool:
        """Whether its seconds mean anything: those of a condition do not."""
        return self.notebook is not None


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
    asked: str = ""  # the text of the file that says what is asked; blank without one
    questions: dict[str, dict[str, str]] = field(default_factory=dict)  # of several, by name: parameters of its own
    state: State = State.RUNNING
    seconds: float = 0.0

    def each_question(self) -> dict[str, dict[str, str]]:
        """The parameters of each question, by name; where one was asked, the run's own under a blank one."""
        return {name: self.parameters | own for name, own in self.questions.items()} or {"": self.parameters}

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        known = {own.name for own in dataclasses.fields(TaskRun)}  # earlier versions noted more
        tasks = {
            key: TaskRun(**{name: value for name, value in task.items() if name in known})
            for key, task in fields["tasks"].items()
        }
        for task in tasks.values():
            task.state = State(task.state)
            task.depends_on = [(before, outcome) for before, outcome in task.depends_on]
        return cls(**(fields | {"state": State(fields["state"]), "tasks": tasks}))


def past_runs(runs: Path) -> Iterator[tuple[Path, JobRun]]:
    """Folder and record of every run, newest first; one that another version wrote is passed over."""
    for path in sorted(runs.glob("*/run.json"), reverse=True):
        try:
            run = JobRun.from_json(path.read_text(encoding="utf-8"))
        except (KeyError, TypeError, ValueError):
            continue
        yield path.parent, run


def new_tasks(job: "Job", selection: Collection[str]) -> dict[str, TaskRun]:
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
