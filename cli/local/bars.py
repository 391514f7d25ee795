"""The live rows below what a run prints on a terminal: what runs, what it does, how far it is, how long it takes."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from localrun.platform.state import State
from localrun.run.record import JobRun, past_runs

_COUNT = re.compile(r"\b(\d+)/(\d+)\b")  # how lines of a task tell how far it is: trial 3/30
_PER_SECOND = 4


class Bars:
    """A row for the job and one for each task that runs; all lines are to be printed through `say`.

    `expected` tells the seconds that each task took the last time; without it the counts alone say how long it takes.
    """

    def __init__(self, console: Console, expected: Mapping[str, float]) -> None:
        self._console, self._expected = console, expected
        self._rows: dict[tuple[str, str], TaskID] = {}
        self._paces: dict[TaskID, Pace] = {}
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), _Count(), _Passed(), _Left(),
            TextColumn("{task.fields[doing]}", style="dim", table_column=Column(no_wrap=True, ratio=1)),
            console=console, refresh_per_second=_PER_SECOND, transient=True, expand=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the rows, as it stands."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @property
    def rows(self) -> list[str]:
        """What there is a row for."""
        return [task.description.strip() for task in self._progress.tasks]

    def minutes_left(self, run_id: str, task: str = "") -> str:
        """What the row of a job, or of a task of it, says of the time that is left."""
        row = next(one for one in self._progress.tasks if one.id == self._rows[run_id, task])
        return _left(row)

    def draw(self) -> None:
        """Draw the rows now; they are drawn four times a second anyway."""
        self._progress.refresh()

    def changed(self, run: JobRun) -> None:
        """Show a new state of a run; its rows go when it has ended."""
        asked = [task for task in run.tasks.values() if task.state is not State.DISABLED]
        done = sum(task.state.is_final for task in asked)
        job, now = self._row(run.run_id, "", run.job, 0.0), time.monotonic()
        self._progress.update(job, completed=done, total=len(asked))
        for task in asked:
            if task.state is State.RUNNING:
                self._row(run.run_id, task.key, f"  {task.key}", self._expected.get(task.key, 0.0))
            elif task.state.is_final:
                self._remove(run.run_id, task.key)
        left = sum(self._seconds_left(run.run_id, task.key, now) for task in asked if not task.state.is_final)
        self._paces[job].expected = now - self._paces[job].began + left if self._expected else 0.0
        if run.state.is_final:
            self._remove(run.run_id, "")

    def line(self, run_id: str, task: str, text: str) -> None:
        """Show what a task does now and, where the line counts, how far it is."""
        if (row := self._rows.get((run_id, task))) is None:
            return
        self._progress.update(row, doing=text.strip())
        if count := _COUNT.search(text):
            self._progress.update(row, completed=int(count[1]), total=int(count[2]))
            self._paces[row].note(int(count[1]), time.monotonic())

    def _seconds_left(self, run_id: str, task: str, now: float) -> float:
        """What a task still needs as it did the last time; one that is passed over after all then needs nothing."""
        expected, row = self._expected.get(task, 0.0), self._rows.get((run_id, task))
        return expected if row is None else max(0.0, expected - (now - self._paces[row].began))

    def _row(self, run_id: str, task: str, name: str, expected: float) -> TaskID:
        if (run_id, task) not in self._rows:
            pace = Pace(time.monotonic(), expected)
            row = self._rows[run_id, task] = self._progress.add_task(name, total=None, doing="", pace=pace)
            self._paces[row] = pace
        return self._rows[run_id, task]

    def _remove(self, run_id: str, task: str) -> None:
        if (row := self._rows.pop((run_id, task), None)) is not None:
            self._progress.remove_task(row)


class _Count(ProgressColumn):
    """3/30, where there is something to count."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f}" if task.total else "")


class _Passed(ProgressColumn):
    """The time since it began."""

    def render(self, task: Task) -> Text:
        return Text(_clock(time.monotonic() - task.fields["pace"].began))


class _Left(ProgressColumn):
    """The time that is left; nothing where nothing tells."""

    def render(self, task: Task) -> Text:
        left = _left(task)
        return Text(left and f"{left} left", style="dim")


def _left(task: Task) -> str:
    left = task.fields["pace"].seconds_left(task.total or 0.0, time.monotonic())
    return "" if left is None else _clock(left)


@dataclass
class Pace:
    """When something began, how many seconds it took the last time (0: unknown), and when what was counted."""

    began: float
    expected: float
    counted: dict[int, float] = field(default_factory=dict)

    def note(self, count: int, now: float) -> None:
        """Note that so much is done; a smaller count than before begins another round."""
        if self.counted and count < max(self.counted):
            self.counted.clear()
        self.counted.setdefault(count, now)

    def seconds_left(self, total: float, now: float) -> float | None:
        """How long it may take, by the pace of what is counted, else by the last time; None where nothing tells."""
        if len(self.counted) > 1:
            first, last = min(self.counted), max(self.counted)
            each = (self.counted[last] - self.counted[first]) / (last - first)
            return max(0.0, (total - last) * each - (now - self.counted[last]))
        return max(0.0, self.expected - (now - self.began)) if self.expected else None


def open_bars(runs: Path, job: str, console: Console | None = None) -> Bars | None:
    """Bars for a run of a job in a home; None where nobody watches: the output is piped, or no terminal to draw on."""
    console = console or Console()
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    return Bars(console, expected_seconds(run for _, run in past_runs(runs) if run.job == job))


def expected_seconds(past: Iterable[JobRun]) -> dict[str, float]:
    """How long each task took when it last succeeded, of runs given newest first."""
    expected: dict[str, float] = {}
    for run in past:
        for task in run.tasks.values():
            if task.state is State.SUCCESS and task.has_seconds:
                expected.setdefault(task.key, task.seconds)
    return expected


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
