"""The process that has imported what notebooks need, and forks a kernel for each.

It stays fit to fork: one Python thread, no channel to anybody, no file but its own. What it has imported, every
kernel has; what a kernel does, no other one sees. It ends when its starter does, and its kernels with it.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

# What the notebooks' own imports come to, less the project's: that is found by the path which a notebook brings.
IMPORTS = (
    "ipykernel.iostream", "ipykernel.ipkernel", "numpy", "pandas", "pyarrow.parquet", "scipy.special",
    "scipy.stats", "sklearn.calibration", "sklearn.compose", "sklearn.ensemble", "sklearn.frozen",
    "sklearn.inspection", "sklearn.linear_model", "sklearn.metrics", "sklearn.pipeline", "sklearn.preprocessing",
    "skops.io", "mlflow", "mlflow.models", "mlflow.sklearn", "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.store.model_registry.sqlalchemy_workspace_store", "mlflow.utils.search_logged_model_utils",
    "sqlalchemy.dialects.sqlite", "alembic.command", "narwhals.stable.v2", "duckdb", "sqlglot",
    "pyspark.sql.connect.session", "pyspark.sql.connect.functions", "pyspark.sql.pandas.types",
    "pyspark.cloudpickle", "matplotlib.pyplot", "jinja2", "optuna",
)  # fmt: skip
_ASKS_WHERE_IT_IS = ("tqdm.auto", "tqdm.autonotebook")  # at their import: in a kernel, or not
_FORK, _ANSWER_BYTES = b"!", 65536


@dataclass(frozen=True)
class Request:
    """A kernel that is asked for: what a process of its own would be started with."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    output: tuple[int, int]  # file descriptors for stdout and stderr


def main() -> None:
    """Fork whenever asked, until the starter is gone; in a fork, be the kernel."""
    caller = socket.socket(fileno=os.dup(0))
    _close_standard_input()
    before = set(os.environ)
    _import_ahead()
    of_imports = {name: text for name, text in os.environ.items() if name not in before}
    if request := Template(caller).serve():
        _become(request, of_imports)


class Template:
    """Waits for requests, forks, and tells of kernels that have ended."""

    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller
        self._waker, wakes = socket.socketpair()
        for end in (self._waker, wakes):
            end.setblocking(False)
        self._wakes = wakes
        self._selector = selectors.DefaultSelector()
        self._selector.register(caller, selectors.EVENT_READ)
        self._selector.register(self._waker, selectors.EVENT_READ)
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the default passes it over, and nothing would wake
        self._kernels: set[int] = set()
        self._files = _open_files()

    def serve(self) -> Request | None:
        """Return in each fork, with what it is to be; in the template itself, None once the starter is gone."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._waker:
                    self._waker.recv(4096)
                    self._tell_ended()
                elif (request := receive(self._caller)) is None:
                    self._end_kernels()
                    return None
                elif self._fork(request):
                    return request

    def _fork(self, request: Request) -> bool:
        """Fork, and say so; true in the child."""
        try:
            self.check_fit({*request.output})
            pid = os.fork()
        except (AssertionError, OSError) as error:
            pid = None
            self._say(refused=str(error))
        if pid == 0:
            self._leave()
            return True
        for file in request.output:
            os.close(file)
        if pid:
            self._kernels.add(pid)
            self._say(pid=pid)
        return False

    def check_fit(self, given: set[int]) -> None:
        """Refuse to fork with a thread, a channel or a file that a fork would share; `given` are the request's own.

        Raises
        ------
        AssertionError
            The message names what is there.
        """
        if threads := [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]:
            raise AssertionError(f"there are other threads: {', '.join(threads)}")
        if others := _open_files() - self._files - given:
            raise AssertionError(f"there are files open: {', '.join(map(str, sorted(others)))}")

    def _leave(self) -> None:
        """In a fork: let go of all that is the template's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for end in (self._caller, self._waker, self._wakes):
            end.close()

    def _tell_ended(self) -> None:
        while self._kernels:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._kernels.discard(pid)
            self._say(ended=pid, code=os.waitstatus_to_exitcode(status))

    def _end_kernels(self) -> None:
        for pid in self._kernels:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _say(self, **what: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever asked is gone, which the next turn finds
            self._caller.sendall(json.dumps(what).encode() + b"\n")


def send(template: socket.socket, argv: list[str], env: dict[str, str], cwd: str, output: tuple[int, int]) -> None:
    """Ask for a kernel: one byte that carries the two files, then one line."""
    socket.send_fds(template, [_FORK], list(output))
    template.sendall(json.dumps({"argv": argv, "env": env, "cwd": cwd}).encode() + b"\n")


def receive(caller: socket.socket) -> Request | None:
    """The next request; None where there will be none."""
    try:
        mark, files, _, _ = socket.recv_fds(caller, 1, 2)
        line = b""
        while mark and not line.endswith(b"\n"):  # one request at a time: nothing comes after its line
            if not (part := caller.recv(_ANSWER_BYTES)):
                return None
            line += part
    except ConnectionError:
        return None
    return Request(**json.loads(line), output=(files[0], files[1])) if mark else None


def _become(request: Request, of_imports: dict[str, str]) -> None:
    """Be what a process of its own would be: session, files, environment, folder, chance; then a kernel.

    `of_imports` are variables that the imports have set, as they would in a process of its own.
    """
    os.setsid()
    for number, file in zip((1, 2), request.output, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(of_imports | request.env)
    time.tzset()
    os.chdir(request.cwd)
    random.seed()
    _seed_numpy()
    sys.argv = ["-c", *request.argv, f"--IPKernelApp.parent_handle={os.getppid()}"]
    from localrun.notebook.kernel import main as be_kernel

    be_kernel()


def _seed_numpy() -> None:
    from numpy import random as chance

    chance.seed()


def _import_ahead() -> None:
    """Import what notebooks need; what is not there, a notebook that needs it will miss by itself."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as a kernel does, before
    for name in IMPORTS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    importlib.import_module("localrun.notebook.kernel")
    for name in _ASKS_WHERE_IT_IS:
        sys.modules.pop(name, None)
    gc.collect()
    gc.freeze()  # a fork's collections need not look at all this, nor copy it


def _close_standard_input() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _open_files() -> set[int]:
    """The numbers of this process's open files."""
    return set(filter(_is_open, map(int, os.listdir("/dev/fd"))))


def _is_open(file: int) -> bool:
    """The one that was opened to list them is listed, and no longer there."""
    try:
        os.fstat(file)
    except OSError:
        return False
    return True
