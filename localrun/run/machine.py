"""What a run needs of its surroundings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from localrun.run.record import JobRun

if TYPE_CHECKING:
    from localrun.notebook.execution import NotebookResult


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a run needs of its surroundings.

    `stop` ends every notebook that runs; `changed` is called with each new state of the record; `line` gets
    every line that a task prints. `stopped` is set once all is to end.
    """

    run_notebook: Callable[..., "NotebookResult"]  # localrun.notebook.execution has the real one
    folder: Path
    spark_url: str
    environment: Mapping[str, str]
    stop: Callable[[], None]
    changed: Callable[[JobRun], None]
    line: Callable[[str, str], None]
    stopped: Event = field(default_factory=Event)
