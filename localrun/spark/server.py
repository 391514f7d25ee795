"""One local Spark Connect server, shared by all notebooks of a run as serverless compute would be."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from localrun.errors import LocalRunError, SparkServerError, format_error
from localrun.spark.access import HOST, TOKEN, grant, revoke
from localrun.spark.java import Java, class_archive, class_path, find_java
from localrun.spark.options import COMPILE_LATER, COMPILE_ONCE, CONF, FEW_TASKS, GUARD, OPEN, is_little
from localrun.spark.patience import cpu_seconds, say_once, wait_for
from localrun.spark.session import register

_START_SECONDS = 120  # enough on a machine that has nothing else to do
_LONGEST_SECONDS = 600  # for a Java that works on: the machine is busy
_LOG_LINES = 8
_servers: dict[str, "SparkServer"] = {}


class SparkServer:
    """A Spark Connect server on a free loopback port, and the Java process that is it.

    It lets in who has its token: the sessions of this process, and processes with `client_environment` of its `url`.
    Starting returns at once; `wait_ready` waits until every schema and every table that lies in the
    warehouse is known to it. Its Java ends with this process, however this process ends.
    """

    def __init__(
        self,
        home: Path,
        schemas: Sequence[str],
        log: Path,
        *,
        memory: str = "2g",
        extra_conf: Mapping[str, str] | None = None,
        java_flags: Sequence[str] = (),
        reads: Path | None = None,
    ) -> None:
        """Note what to start; `reads` is what will be read besides the home's own tables."""
        self._warehouse = home.resolve() / "warehouse"
        self._schemas, self._log, self._memory = schemas, log, memory
        self._conf, self._flags = dict(extra_conf or {}), java_flags
        self._data = [self._warehouse, *([reads] if reads else [])]
        self._port, self._beside = _free_port()
        self.url = f"sc://{HOST}:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._say = say_once()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start Java and, beside it, the thread that registers what the warehouse holds.

        Raises
        ------
        SetupError
            If Java or a jar is missing.
        """
        java = find_java()
        self._scratch = Path(tempfile.mkdtemp(prefix="propensity-spark-"))
        self._warehouse.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "spark", str(self._scratch), *self._command(java)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._scratch,
                env=_environment() | {TOKEN: grant(self.url)},
                start_new_session=True,  # Ctrl-C is for the run to answer, and stop ends the whole group
            )
        _servers[self.url] = self
        threading.Thread(target=self._prepare, name="spark-prepare", daemon=True).start()

    def wait_ready(self, seconds: float = _START_SECONDS, longest: float = _LONGEST_SECONDS) -> None:
        """Return when queries can be sent: within `seconds`, or later, up to `longest`, as long as Java works on.

        Raises
        ------
        SparkServerError
            If Java ended, or was not ready in time; with the last lines of its log.
        LocalRunError
            If a table in the warehouse cannot be registered.
        """
        process = self._process
        why = wait_for(
            self._ready,
            lambda: cpu_seconds(process.pid) if process else 0.0,
            seconds=seconds, longest=longest, say=self._say,
        )  # fmt: skip
        if why:
            raise SparkServerError(self.death() or self._report(why))
        if self._failure:
            raise self._failure

    def death(self) -> str | None:
        """What to tell when the server is gone; None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        return self._report("has ended")

    def stop(self, grace: float = 0.0) -> bool:
        """End Java and all that it started; with `grace` it has so many seconds to do so itself: whether it did."""
        _servers.pop(self.url, None)
        if self._process is None:
            return True
        assert self._process.stdin is not None
        self._process.stdin.close()
        alone = True
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            # nothing is lost: a Delta table changes by one commit or not at all
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            alone = False
        revoke(self.url)
        if self._beside:
            self._beside.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return alone

    def _command(self, java: Java) -> list[str]:
        archive, little = class_archive(java), is_little(*self._data)
        conf = (
            CONF
            | (FEW_TASKS if little else {})
            | {
                "spark.connect.grpc.binding.port": str(self._port),
                "spark.sql.warehouse.dir": str(self._warehouse),
                "spark.local.dir": str(self._scratch),
            }
        )
        return [
            str(java.program),
            f"-Xmx{self._memory}",
            "-XX:+UseParallelGC",
            *(COMPILE_ONCE if little else COMPILE_LATER),
            *([f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPEN),
            "-Djdk.reflect.useDirectMethodHandle=false",
            "-Dio.netty.tryReflectionSetAccessible=true",
            f"-Djava.io.tmpdir={self._scratch}",
            *self._flags,
            *("-cp", class_path(), "org.apache.spark.deploy.SparkSubmit"),
            *(word for item in (conf | self._conf).items() for word in ("--conf", "=".join(item))),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"),
        ]

    def _prepare(self) -> None:
        try:
            while not _is_listening(self._port):
                if death := self.death():
                    raise SparkServerError(death)
                time.sleep(0.05)
            register(self.url, self._warehouse, self._schemas)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits, in another thread
            is_clear = isinstance(error, LocalRunError)
            self._failure = error if is_clear else SparkServerError(self._report(f"fails: {format_error(error)}"))
        self._ready.set()

    def _report(self, what: str) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        lines = [line for line in lines if not line.startswith("\tat ")][-_LOG_LINES:]
        return (
            f"The local Spark server {what}. The end of {self._log}:\n  "
            + "\n  ".join(lines)
            + "\nIs enough memory free? Run again, or delete .venv to install it anew."
        )


def server_at(url: str) -> SparkServer | None:
    """The server of this process that `url` names, if it is one of this process."""
    return _servers.get(url)


def _free_port() -> tuple[int, socket.socket | None]:
    """A port of 127.0.0.1, and what keeps others off it on ::1: a client that takes `localhost` for that one would
    tell them its token. None where there is no IPv6."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    try:
        with contextlib.ExitStack() as stack:
            beside = stack.enter_context(socket.socket(socket.AF_INET6))
            beside.bind(("::1", port))
            stack.pop_all()
    except OSError as error:
        return _free_port() if error.errno == errno.EADDRINUSE else (port, None)
    return port, beside


def _is_listening(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _environment() -> dict[str, str]:
    """Ours, less what could make Spark find another Spark, or its workers another Python."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "_SPARK_", "PYSPARK_", "PYTHONPATH"))}
    return ours | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "UTC"}
