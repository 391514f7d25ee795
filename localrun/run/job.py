"""Run a job on this machine by the platform's rules: order, conditions, retries, time limits, cancelling.

Notebook tasks run side by side where the graph allows it, each through the `run_notebook` that it is given;
this module decides only when, how often and with which parameters.
"""

import difflib
import itertools
import math
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

from localrun.bundle.bundle import Job
from localrun.errors import LocalRunError
from localrun.platform.references import Facts, format_operand, job_facts, resolve, task_facts
from localrun.platform.rules import ancestors, compare, decide_state, edge_of, job_result
from localrun.platform.state import State
from localrun.run.machine import Machine
from localrun.run.record import JobRun, TaskRun
from localrun.sdk import ConditionTask, NotebookTask, Task

_REFRESH_SECONDS = 2.0  # how often the page of a running job is written although nothing has ended


def job_parameters(job: Job, changes: Mapping[str, str], run_id: str, start: datetime) -> dict[str, str]:
    """The job's parameters: what the caller gives beats the defaults, references are filled in.

    Raises
    ------
    LocalRunError
        If the caller gives one that the job does not have.
    """
    defaults = {item.name: item.default for item in job.settings.parameters or []}
    for name in changes:
        if name not in defaults:
            near = difflib.get_close_matches(name, defaults, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise LocalRunError(f"There is no parameter {name!r}. The job has {', '.join(defaults)}.{hint}")
    facts = job_facts(job.settings.name or job.key, run_id, start)
    return {name: resolve(text, facts) for name, text in (defaults | dict(changes)).items()}


def run_job(job: Job, run: JobRun, machine: Machine) -> None:
    """Run the tasks that `run` says are pending, and fill it in; Ctrl-C stops all and leaves it CANCELED."""
    _Loop(job, run, machine).run()


class _Loop:
    def __init__(self, job: Job, run: JobRun, machine: Machine) -> None:
        self._run, self._machine = run, machine
        self._tasks = job.settings.tasks or []
        self._above = ancestors(self._tasks)
        self._start = job_facts(job.settings.name or job.key, run.run_id, datetime.fromisoformat(run.started))
        self._began = time.monotonic()
        self._deadline = self._began + (job.settings.timeout_seconds or math.inf)
        self._stopped = machine.stopped
        self._running: dict[Future[State], TaskRun] = {}

    def run(self) -> None:
        try:
            with ThreadPoolExecutor(max_workers=max(1, len(self._tasks))) as pool:
                self._run_all(pool)
        except KeyboardInterrupt:
            pass  # the record says CANCELED
        finally:
            self._run.state = self._result()
            self._show()

    def _run_all(self, pool: ThreadPoolExecutor) -> None:
        try:
            while True:
                if self._stopped.is_set():  # with the job that runs this one
                    raise KeyboardInterrupt
                while self._start_ready(pool):
                    self._show()
                if not self._running:
                    return
                self._collect()
                self._show()
        except BaseException:  # Ctrl-C too: no notebook may outlive its job
            self._cancel()
            raise

    def _start_ready(self, pool: ThreadPoolExecutor) -> bool:
        """Start or pass over every task whose dependencies have ended; true if that changed anything."""
        changed = False
        for task in self._tasks:
            record = self._run.tasks[task.task_key]
            edges = [(edge, self._run.tasks[edge.task_key]) for edge in task.depends_on or []]
            edges = [pair for pair in edges if pair[1].state is not State.DISABLED]  # left out: holds nobody up
            if record.state is not State.PENDING or not all(before.state.is_final for _, before in edges):
                continue
            record.state = decide_state(
                task.run_if, [edge_of(edge, before.state, before.outcome) for edge, before in edges]
            )
            changed = True
            if record.state is State.RUNNING and time.monotonic() >= self._deadline:
                record.state = State.CANCELED
            elif record.state is State.RUNNING:
                record.begun = time.monotonic() - self._began
                if task.condition_task:
                    record.state = self._decide_condition(task, task.condition_task, record)
                elif task.notebook_task:
                    self._running[pool.submit(self._run_notebook, task, task.notebook_task, record)] = record
        return changed

    def _collect(self) -> None:
        """Wait for a task to end, but not for long, so that the page shows the seconds pass."""
        ended, _ = wait(self._running, timeout=_REFRESH_SECONDS, return_when=FIRST_COMPLETED)
        for future in ended:
            task = self._running.pop(future)
            task.seconds = self._seconds_of(task)
            task.state = State.CANCELED if self._stopped.is_set() else future.result()

    def _decide_condition(self, task: Task, condition: ConditionTask, record: TaskRun) -> State:
        try:
            facts = self._facts(task, 1)
            left, right = (resolve(text, facts, format_operand) for text in (condition.left, condition.right))
            record.parameters = {"left": left, "op": condition.op.value, "right": right}
            record.outcome = "true" if compare(condition.op, left, right) else "false"
        except LocalRunError as error:
            record.error = str(error)
            return State.FAILED
        return State.SUCCESS

    def _run_notebook(self, task: Task, notebook: NotebookTask, record: TaskRun) -> State:
        """Try until it succeeds or the retries are used up; runs in a thread of its own."""
        for attempt in itertools.count(1):
            began = time.monotonic()
            state = self._attempt(task, notebook, record, attempt)
            again = state is State.FAILED or (state is State.TIMEDOUT and task.retry_on_timeout)
            left = math.inf if task.max_retries == -1 else (task.max_retries or 0) + 1 - attempt
            # the interval runs from the start of the failed attempt, as on the platform
            pause = max(0.0, began + (task.min_retry_interval_millis or 0) / 1000 - time.monotonic())
            if not again or left <= 0 or time.monotonic() + pause >= self._deadline:
                return state
            self._machine.line(task.task_key, f"attempt {attempt} {state.lower()}, trying again: {record.error}")
            if self._stopped.wait(pause):
                return State.CANCELED
        raise AssertionError("the attempts never end by themselves")

    def _attempt(self, task: Task, notebook: NotebookTask, record: TaskRun, attempt: int) -> State:
        html = self._machine.folder / f"{task.task_key}{f'-{attempt}' if attempt > 1 else ''}.html"
        tasks = self._run.tasks
        limits = [task.timeout_seconds or math.inf, self._deadline - time.monotonic()]
        try:
            facts = self._facts(task, attempt)
            base = {key: resolve(text, facts) for key, text in (notebook.base_parameters or {}).items()}
            record.parameters = base | self._run.parameters
            result = self._machine.run_notebook(
                Path(notebook.notebook_path),
                parameters=record.parameters,
                task_key=task.task_key,
                upstream_values={key: tasks[key].values for key in self._finished_before(task)},
                spark_url=self._machine.spark_url,
                environment=self._machine.environment,
                timeout_seconds=0 if math.isinf(min(limits)) else max(1, math.ceil(min(limits))),
                html=html,
                on_line=lambda text: self._machine.line(task.task_key, text),
            )
        except LocalRunError as error:
            record.error = str(error)
            return State.FAILED
        record.attempts.append(html.name)
        record.error, record.values = result.error, dict(result.task_values)
        return State(result.state)

    def _finished_before(self, task: Task) -> list[str]:
        """The tasks before this one that are finished, or were left out and carry an earlier run's values."""
        return [key for key in sorted(self._above[task.task_key]) if self._run.tasks[key].state.is_final]

    def _facts(self, task: Task, attempt: int) -> Facts:
        tasks = self._run.tasks
        before = {key: (tasks[key].state, tasks[key].values) for key in self._finished_before(task)}
        return task_facts(self._start, self._run.parameters, task.task_key, attempt, before)

    def _cancel(self) -> None:
        self._stopped.set()
        for task in self._run.tasks.values():
            if task.state is State.RUNNING:
                task.state, task.seconds = State.CANCELED, self._seconds_of(task)
            elif task.state is State.PENDING:
                task.state = State.UPSTREAM_CANCELED
        self._machine.stop()

    def _result(self) -> State:
        states = {key: task.state for key, task in self._run.tasks.items()}
        if self._stopped.is_set():
            return State.CANCELED
        if time.monotonic() >= self._deadline:
            return State.TIMEDOUT
        return job_result(self._tasks, states)

    def _seconds_of(self, task: TaskRun) -> float:
        return round(time.monotonic() - self._began - (task.begun or 0.0), 2)

    def _show(self) -> None:
        self._run.seconds = round(time.monotonic() - self._began, 2)
        for task in self._running.values():
            task.seconds = self._seconds_of(task)
        self._machine.changed(self._run)
