"""What a run needs of its surroundings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from localrun.errors import LocalRunError
from localrun.run.record import JobRun

if TYPE_CHECKING:
    from localrun.notebook.execution import NotebookResult


def _no_other_jobs(job_id: int, parameters: Mapping[str, str]) -> JobRun:
    raise LocalRunError("This machine was given no way to run other jobs. Give it run_job.")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a run needs of its surroundings.

    `stop` ends every notebook that runs; `changed` is called with each new state of the record; `line` gets
    every line that a task prints. `run_job` runs the job of a number with parameters, for a task that asks for
    it; that run shares `stopped`, which is set once all is to end.
    """

    run_notebook: Callable[..., "NotebookResult"]  # localrun.notebook.execution has the real one
    folder: Path
    spark_url: str
    environment: Mapping[str, str]
    stop: Callable[[], None]
    changed: Callable[[JobRun], None]
    line: Callable[[str, str], None]
    run_job: Callable[[int, Mapping[str, str]], JobRun] = _no_other_jobs
    stopped: Event = field(default_factory=Event)
