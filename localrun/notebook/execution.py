"""Run one notebook in a process of its own and leave its page, however it ends."""

import asyncio
import contextlib
import math
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode, v4

from localrun.errors import LocalRunError, format_error
from localrun.notebook.client import Client
from localrun.notebook.html import prepare, render_notebook
from localrun.notebook.source import to_ipynb
from localrun.notebook.task import VARIABLE, Outcome, Task
from localrun.notebook.warm import WarmKernels, own_environment
from localrun.spark.access import client_environment
from localrun.spark.server import server_at
from localrun.spark.session import release

State: TypeAlias = Literal["SUCCESS", "FAILED", "TIMEDOUT"]
_LOOK_SECONDS = 0.2
_LOG_LINES = 5


@dataclass(frozen=True, kw_only=True)
class NotebookResult:
    """How one notebook ended.

    `error` is one clear text without a traceback; with `operator_error` it is all that its reader needs.
    `task_values` holds also what was set before a failure.
    """

    state: State
    error: str | None
    operator_error: bool
    seconds: float
    exit_value: str | None
    task_values: dict[str, Any]
    html: Path


class Limits:
    """When a notebook must end although it is not done: its time is up, or it is not wanted any more."""

    def __init__(self, timeout_seconds: int, stop: threading.Event | None = None) -> None:
        self._seconds = timeout_seconds
        self._deadline = math.inf
        self._stop = stop or threading.Event()

    def begin(self) -> None:
        """Let the time run. It does not while Spark starts: a small limit would never be kept in a first task."""
        self._deadline = time.monotonic() + (self._seconds or math.inf)

    def reason_to_end(self) -> tuple[State, str] | None:
        """What to tell, once one is reached."""
        if time.monotonic() >= self._deadline:
            return (
                "TIMEDOUT",
                f"TimedOut: not done after {self._seconds} s. Raise timeout_seconds if it needs longer.",
            )
        if self._stop.is_set():
            return "FAILED", "Stopped: the notebook that ran this one was interrupted."
        return None


def run_notebook(
    path: Path,
    *,
    parameters: Mapping[str, str],
    task_key: str,
    upstream_values: Mapping[str, Mapping[str, Any]],
    spark_url: str,
    environment: Mapping[str, str],
    timeout_seconds: int,
    html: Path,
    on_line: Callable[[str], None],
    warm: WarmKernels | None = None,
) -> NotebookResult:
    """Run a task's notebook; blocks until it ended, at most `timeout_seconds` if these are not 0.

    Raises
    ------
    NotebookError
        If the file is no notebook. All that goes wrong later is in the result.
    """
    task = Task(parameters=parameters, upstream=upstream_values, spark_url=spark_url, html=str(html))
    limits = Limits(timeout_seconds)
    return execute(path, task, title=task_key, environment=environment, limits=limits, on_line=on_line, warm=warm)


def execute(
    path: Path,
    task: Task,
    *,
    title: str,
    environment: Mapping[str, str],
    limits: Limits,
    on_line: Callable[[str], None],
    warm: WarmKernels | None = None,
) -> NotebookResult:
    """Run a notebook as `task` says, and write its page; its kernel comes from `warm`, where that can give one."""
    began = time.monotonic()
    notebook = to_ipynb(path)
    server = server_at(task.spark_url)
    threading.Thread(target=prepare, name="page", daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="propensity-task-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        task.write(folder)

        def wait() -> None:
            if server:
                server.wait_ready()
            limits.begin()

        client = Client(notebook, folder, wait, on_line, warm)
        of_task = {VARIABLE: name, **client_environment(task.spark_url)}
        kernel = {"cwd": str(path.resolve().parent), "env": {**own_environment(), **environment, **of_task}}
        state, error = asyncio.run(_run(client, kernel, folder / "log", limits, task.spark_url))
        outcome = Outcome.read(folder)
    if not _spark_death(task.spark_url):
        with contextlib.suppress(Exception):  # it may end at this very moment
            release(task.spark_url, task.session_id)
    if state == "FAILED":
        state, error = ("SUCCESS", None) if outcome.exit_value is not None else (state, outcome.error or error)
    if error and not _shows_error(notebook):
        _add_error(notebook, error)
    seconds = time.monotonic() - began
    html = Path(task.html)
    html.write_text(render_notebook(notebook, path, title, state, seconds, task.parameters), encoding="utf-8")
    return NotebookResult(
        state=state,
        error=error,
        operator_error=state == "FAILED" and outcome.operator_error,
        seconds=seconds,
        exit_value=outcome.exit_value,
        task_values=outcome.values,
        html=html,
    )


async def _run(
    client: Client, kernel: dict[str, Any], log: Path, limits: Limits, spark_url: str
) -> tuple[State, str | None]:
    """Execute all cells, filling in their outputs, until done or until something ends it."""
    with log.open("wb") as output:
        execution = asyncio.ensure_future(client.async_execute(**kernel, stdout=output, stderr=output))
        end = None
        while not end and not execution.done():
            await asyncio.wait({execution}, timeout=_LOOK_SECONDS)
            end = limits.reason_to_end() or _spark_death(spark_url)
        if not execution.done():
            client.kill()
            execution.cancel()
        (result,) = await asyncio.gather(execution, return_exceptions=True)
    client.flush()
    if end:
        return end
    match result:
        case CellExecutionError():
            return "FAILED", f"{result.ename}: {result.evalue}"
        case LocalRunError():
            return "FAILED", format_error(result)
        case DeadKernelError() | RuntimeError():
            return "FAILED", _format_death(log)
        case BaseException():
            raise result
    return "SUCCESS", None


def _spark_death(url: str) -> tuple[State, str] | None:
    server = server_at(url)
    death = server.death() if server else None
    return ("FAILED", f"SparkServerError: {death}") if death else None


def _format_death(log: Path) -> str:
    last = "\n  ".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    return (
        "NotebookDied: the notebook's process ended by itself, perhaps for want of memory. "
        f"The last that it said:\n  {last or 'nothing'}"
    )


def _shows_error(notebook: NotebookNode) -> bool:
    return any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))


def _add_error(notebook: NotebookNode, error: str) -> None:
    """Show, at the last cell that had begun, what ended the notebook from outside."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begun = [cell for cell in cells if cell.execution_count] or cells[:1]
    for cell in begun[-1:]:
        name, _, message = error.partition(": ")
        new: Any = v4  # its functions carry no types
        cell.outputs.append(new.new_output("error", ename=name, evalue=message, traceback=[error]))
