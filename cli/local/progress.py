"""What a run prints: each task as it starts and ends, its lines, the closing words, and where its results lie."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cli.local.bars import Bars
from localrun.platform.state import State
from localrun.run.graph import LOOKS
from localrun.run.page import REPORT, SUMMARY, exports, reports
from localrun.run.record import JobRun, TaskRun

# After so many seconds a task's last line is said again, and more rarely once it has been so for long: with the two
# seconds from one look to the next, nobody waits for more than 5 or 30 without a word.
_SILENT_SECONDS, _LATER_SECONDS, _LONG_SECONDS = 3.0, 28.0, 60.0
_SHOWN_AT_THE_END = (State.FAILED, State.TIMEDOUT)


def _print_now(text: str) -> None:
    print(text, flush=True)  # also when the output goes into a pipe


class Progress:
    """Prints every change of state once, and every line with the name of its task before it.

    With `bars` it prints above them, and they show the rest. Without, a task that is silent is told of: its last line
    again, with the seconds since.
    """

    def __init__(self, run_id: str = "", say: Callable[[str], None] = _print_now, bars: Bars | None = None) -> None:
        self._run_id, self._bars = run_id, bars
        self._say = bars.say if bars else say
        self._states: dict[str, State] = {}
        self._lines: dict[str, set[str]] = {}
        self._doing: dict[str, tuple[str, float]] = {}  # a task's last line, and when it came
        self._told: dict[str, float] = {}  # when something was last printed of a task
        self._lock = threading.Lock()  # tasks that run side by side print from threads of their own

    def changed(self, run: JobRun) -> None:
        for task in run.tasks.values():
            if self._states.get(task.key, State.PENDING) != task.state:
                self._states[task.key] = task.state
                if task.state is not State.DISABLED:
                    look = LOOKS[task.state]
                    self._doing[task.key] = "starting", self._note(task.key)
                    self._print(f"{look.sign} {task.key}: {look.words}{_how(task)}")
            elif task.state is State.RUNNING and not self._bars:
                self._tell_silent(task)
        if self._bars:
            self._bars.changed(run)

    def line(self, task: str, text: str) -> None:
        self._lines.setdefault(task, set()).add(text)
        self._doing[task] = text.strip(), self._note(task)
        self._print(f"  {task} | {text}")
        if self._bars:
            self._bars.line(self._run_id, task, text)

    def _note(self, task: str) -> float:
        """Note that something is printed of a task now."""
        self._told[task] = time.monotonic()
        return self._told[task]

    def _tell_silent(self, task: TaskRun) -> None:
        doing, since = self._doing.get(task.key, ("starting", time.monotonic()))
        now = time.monotonic()
        if now - self._told.get(task.key, now) >= (_SILENT_SECONDS if now - since < _LONG_SECONDS else _LATER_SECONDS):
            self._note(task.key)
            self._print(f"  {task.key} | {doing} ... {now - since:.0f} s")

    def has_told(self, task: str, text: str) -> bool:
        """Whether a task has printed all lines of a text itself."""
        return set(text.splitlines()) <= self._lines.get(task, set())

    def _print(self, text: str) -> None:
        with self._lock:
            self._say(text)


def _how(task: TaskRun) -> str:
    if task.outcome:
        return f", {task.outcome}"
    return f" in {task.seconds:.1f} s" if task.state.is_final and task.begun is not None else ""


def format_closing(run: JobRun, folder: Path, has_told: Callable[[str, str], bool]) -> Iterator[str]:
    """The lines that end a run: a table of tasks, what failed and why, and what is summed up and was not told yet."""
    width = max(len(name) for name in [*run.tasks, run.job])
    yield f"{'task':{width}}  {'result':15}  seconds"
    for task in run.tasks.values():
        seconds = f"{task.seconds:7.1f}" if task.begun is not None and task.has_seconds else ""
        yield f"{task.key:{width}}  {LOOKS[task.state].words:15}  {seconds}".rstrip()
    yield f"{run.job:{width}}  {LOOKS[run.state].words:15}  {run.seconds:7.1f}"
    for task in run.tasks.values():
        if task.state in _SHOWN_AT_THE_END:
            yield ""
            yield f"{task.key} {LOOKS[task.state].words}: {task.error or 'no reason was given'}"
            if task.attempts:
                yield f"  see {folder / task.attempts[-1]}"
    for task in run.tasks.values():
        text = str(task.values.get(SUMMARY) or "")
        if text and task.state is not State.DISABLED and not has_told(task.key, text):  # --only keeps earlier values
            yield ""
            yield text


def format_results(run: JobRun, tables: Path) -> Iterator[str]:
    """What a run has made for its reader: the list, its report, the file with it; nothing where none was published."""
    tasks = [task for task in run.tasks.values() if task.state is State.SUCCESS and REPORT in task.values]
    if tasks:
        yield f"list      {tables / 'audience'}"
    for file in reports(tasks):
        yield f"report    {file}"
    for file in exports(run) if tasks else []:
        yield f"file      {file}"
