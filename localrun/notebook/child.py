"""`dbutils.notebook.run`: another notebook, in a process of its own, on the caller's Spark."""

import itertools
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localrun.notebook.source import notebook_file
from localrun.notebook.task import Task


class NotebookFailed(Exception):
    """A notebook that this one ran has failed or was too slow."""

    def __init__(self, message: str, operator_error: bool) -> None:
        super().__init__(message)
        self.operator_error = operator_error


def run_child(
    path: Path, timeout_seconds: int, arguments: Mapping[str, str], spark_url: str, pages: Path
) -> str | None:
    """Run a notebook and give its exit value; what it prints is printed here.

    Parameters
    ----------
    pages : Path
        The start of its page's name: `train` gives `train-retrain.html`.

    Raises
    ------
    NotebookFailed
        If it failed, with its error and the place of its page.
    """
    from localrun.notebook.execution import Limits, execute

    file = notebook_file(path).resolve()
    html = next(
        page
        for number in itertools.count(1)
        if not (page := pages.with_name(f"{pages.name}-{file.stem}{f'-{number}' if number > 1 else ''}.html")).exists()
    )
    task = Task(
        parameters={name: str(value) for name, value in arguments.items()},
        upstream=None,
        spark_url=spark_url,
        html=str(html),
    )
    stop = threading.Event()
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with ThreadPoolExecutor(1) as pool:  # this thread has Jupyter's own event loop
        future = pool.submit(
            execute,
            file,
            task,
            title=file.stem,
            environment={},
            limits=Limits(timeout_seconds, stop),
            on_line=lines.put,
        )
        future.add_done_callback(lambda _: lines.put(None))
        try:
            while (line := lines.get()) is not None:
                print(line)
        finally:
            stop.set()  # an interrupt ends the other notebook too
        result = future.result()
    if result.state != "SUCCESS":
        raise NotebookFailed(f"{file.stem} {result.state.lower()}: {result.error} See {html}.", result.operator_error)
    return result.exit_value
