"""What a run prints: each task as it starts and ends, its lines, and the closing words."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from localrun.platform.rules import State
from localrun.run.graph import LOOKS
from localrun.run.page import SUMMARY, reports
from localrun.run.record import JobRun, TaskRun

_SHOWN_AT_THE_END = (State.FAILED, State.TIMEDOUT)


def _print_now(text: str) -> None:
    print(text, flush=True)  # also when the output goes into a pipe


class Progress:
    """Prints every change of state once, and every line with the name of its task before it."""

    def __init__(self, say: Callable[[str], None] = _print_now) -> None:
        self._say = say
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()  # tasks that run side by side print from threads of their own

    def changed(self, run: JobRun) -> None:
        for task in run.tasks.values():
            if self._states.get(task.key, State.PENDING) != task.state:
                self._states[task.key] = task.state
                if task.state is not State.DISABLED:
                    look = LOOKS[task.state]
                    self._print(f"{look.sign} {task.key}: {look.words}{_how(task)}")

    def line(self, task: str, text: str) -> None:
        self._print(f"  {task} | {text}")

    def _print(self, text: str) -> None:
        with self._lock:
            self._say(text)


def _how(task: TaskRun) -> str:
    if task.outcome:
        return f", {task.outcome}"
    return f" in {task.seconds:.1f} s" if task.state.is_final and task.begun is not None else ""


def format_closing(run: JobRun, folder: Path) -> Iterator[str]:
    """The lines that end a run: a table of tasks, what failed and why, and what the notebooks sum up."""
    width = max(len(name) for name in [*run.tasks, run.job])
    yield f"{'task':{width}}  {'result':15}  seconds"
    for task in run.tasks.values():
        seconds = f"{task.seconds:7.1f}" if task.begun is not None and task.has_seconds else ""
        yield f"{task.key:{width}}  {LOOKS[task.state].words:15}  {seconds}".rstrip()
        for run_of in task.iterations:
            yield f"{'':{width}}  {LOOKS[run_of.state].words:15}  {run_of.seconds:7.1f}  {run_of.label}"
    yield f"{run.job:{width}}  {LOOKS[run.state].words:15}  {run.seconds:7.1f}"
    for task in run.tasks.values():
        if task.state in _SHOWN_AT_THE_END:
            yield ""
            yield f"{task.key} {LOOKS[task.state].words}: {task.error or 'no reason was given'}"
            if task.attempts:
                yield f"  see {folder / task.attempts[-1]}"
    for task in run.tasks.values():
        if task.state is not State.DISABLED and (text := task.values.get(SUMMARY)):  # --only keeps earlier values
            yield ""
            yield str(text)
    for file in reports(task for task in run.tasks.values() if task.state is not State.DISABLED):
        yield ""
        yield f"report    {file}"
