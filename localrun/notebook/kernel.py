"""What runs inside a notebook's process: a Jupyter kernel with `spark`, `dbutils` and `display` in place.

A task's kernel is told by PROPENSITY_TASK what to run on which Spark. The kernel of a notebook that was
opened alone finds PROPENSITY_HOME instead, and starts a Spark of its own when a cell first speaks of it.
"""

import atexit
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any, NoReturn

from ipykernel.kernelapp import IPKernelApp

from localrun.errors import LocalRunError, format_error, format_machine_error, strip_java
from localrun.notebook import magics
from localrun.notebook.child import run_child
from localrun.notebook.dbutils import DBUtils, Notebook, NotebookExit, TaskValues, Widgets
from localrun.notebook.display import display, displayHTML
from localrun.notebook.kernelspec import HOME, PROJECT, ROOT, SCHEMAS
from localrun.notebook.task import VARIABLE, Task, is_operator_error, report
from localrun.spark.server import SparkServer
from localrun.spark.session import connect

_SPEAKS_OF_SPARK = re.compile(r"\bspark\b|^%%sql\b")


def main() -> None:
    """Be a kernel until told to stop."""
    sys.path.remove(str(ROOT))  # put there to find this module: a notebook must bring its own path
    app: Any = IPKernelApp.instance()
    app.initialize([*sys.argv[1:], "--HistoryManager.enabled=False"])
    name = os.environ.pop(VARIABLE, None)
    folder = Path(name) if name else None
    if not folder:
        _enter_notebooks(Path(os.environ[PROJECT]))
    install(app.shell, folder)
    app.start()


def install(shell: Any, folder: Path | None) -> None:
    """Put everything in place, before the first cell; `folder` holds the task, if there is one."""
    task = Task.read(folder) if folder else None
    spark = SparkOnUse(shell, task)

    def run(path: str, timeout_seconds: int, arguments: Mapping[str, str]) -> str | None:
        pages = Path(task.html).with_suffix("") if task else Path(os.environ[HOME], "runs", "notebook")
        return run_child(Path(path), timeout_seconds, arguments, spark.url(), pages)

    def keep(key: str, value: Any) -> None:
        if folder:
            report(folder, values={key: value})

    shell.user_ns |= {
        "dbutils": DBUtils(
            Widgets(task.parameters if task else {}), TaskValues(task.upstream if task else None, keep), Notebook(run)
        ),
        "display": display,
        "displayHTML": displayHTML,
    }
    magics.install(shell)
    shell.set_custom_exc((Exception, NotebookExit), _on_error(folder))
    shell.events.register("pre_run_cell", spark.before_cell)
    sys.modules["dbruntime"] = _dbruntime(shell, spark)


class SparkOnUse:
    """Puts `spark` into the notebook before the first cell that speaks of it."""

    def __init__(self, shell: Any, task: Task | None) -> None:
        self._shell, self._task = shell, task
        self._server: SparkServer | None = None

    def before_cell(self, info: Any) -> None:
        """Jupyter's hook."""
        if _SPEAKS_OF_SPARK.search(info.raw_cell):
            self.bring()

    def bring(self) -> None:
        """Connect, unless that is done; what goes wrong is raised when `spark` is used."""
        if "spark" in self._shell.user_ns:
            return
        try:
            session = connect(self.url(), self._task.session_id if self._task else None, default=True)
        except LocalRunError as error:
            self._shell.user_ns["spark"] = _Unavailable(error)
        else:
            self._shell.user_ns["spark"] = session

    def url(self) -> str:
        """The task's server, or our own, started now if it is not yet."""
        if self._task:
            return self._task.spark_url
        if self._server is None:
            home = Path(os.environ[HOME])
            print("starting Spark for this notebook ...")
            server = SparkServer(home, os.environ[SCHEMAS].split(), home / f"spark-notebook-{os.getpid()}.log")
            server.start()
            atexit.register(server.stop)
            server.wait_ready()
            self._server = server
        return self._server.url


class _Unavailable:
    """Stands for `spark` when there is none, and says why."""

    def __init__(self, error: LocalRunError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> NoReturn:
        raise self._error


def _on_error(folder: Path | None) -> Callable[..., None]:
    def show(
        shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
    ) -> None:
        if isinstance(error, NotebookExit):
            what: dict[str, Any] = {"exit_value": error.value}
            lines = [f"Notebook exited: {error.value}"]
        else:
            lacking = format_machine_error(error)
            operator = bool(lacking) or is_operator_error(error)
            text = f"MachineError: {lacking}" if lacking else format_error(error)
            what = {"error": text, "operator_error": operator}
            stack = [] if operator else shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=1)
            lines = [strip_java(line) for line in stack] or [text]
        if folder:
            report(folder, **what)
        shell._showtraceback(kind, error, lines)

    return show


def _dbruntime(shell: Any, spark: SparkOnUse) -> ModuleType:
    """The module that `databricks.sdk.runtime` looks for, so that it hands out this notebook's objects."""

    def namespace() -> dict[str, Any]:
        spark.bring()
        return dict(shell.user_ns)

    module = ModuleType("dbruntime")
    initializer = SimpleNamespace(get_namespace_globals=namespace)
    module.UserNamespaceInitializer = SimpleNamespace(getOrCreate=lambda: initializer)  # type: ignore[attr-defined]
    return module


def _enter_notebooks(project: Path) -> None:
    """An editor starts a kernel where it likes; a job starts it in the notebook's folder."""
    folder = project / "notebooks"
    if folder.is_dir() and not Path.cwd().is_relative_to(folder):
        os.chdir(folder)
