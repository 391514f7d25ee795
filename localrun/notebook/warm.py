"""Kernels forked from a process that has imported what notebooks need: our side of `template.py`."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from localrun.notebook.kernelspec import template_command
from localrun.notebook.task import VARIABLE
from localrun.notebook.template import send
from localrun.spark.access import CLIENT_NAMES

# What differs from task to task, and is read only when it is used. Anything else may have been read at an import.
_OF_A_TASK = frozenset({VARIABLE, *CLIENT_NAMES, "JPY_PARENT_PID"})
_NOT_HANDED_ON = ("PYTHONPATH", "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
_GONE = -signal.SIGKILL


class WarmKernels:
    """A template for all kernels of one environment.

    Starting returns at once: it imports while Spark starts. Whatever keeps it from forking costs a kernel of the usual
    kind, and is told once.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment, self._log = own_environment() | dict(environment), log
        self._answers: SimpleQueue[Kernel | str] = SimpleQueue()  # or why there is none
        self._one = threading.Lock()
        self._refusal: str | None = None
        self.forked = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the template."""
        self._socket, theirs = socket.socketpair()
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                template_command(),
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._listener = threading.Thread(target=self._listen, name="warm-kernels", daemon=True)
        self._listener.start()

    def stop(self) -> None:
        """End the template, and the kernels that are left."""
        self._process.kill()
        self._process.wait()
        self._listener.join()  # which loses the kernels
        self._socket.close()

    def fork(self, argv: list[str], env: Mapping[str, str], cwd: str, output: tuple[int, int]) -> "Kernel | None":
        """A new kernel; None where one of the usual kind is to be started."""
        if self._refusal or _less_task(env) != _less_task(self._environment):
            return None
        with self._one:
            try:
                send(self._socket, argv, {**env, "JPY_PARENT_PID": str(self._process.pid)}, cwd, output)
                answer: Kernel | str = self._answers.get()
            except OSError as error:
                answer = str(error)
        if isinstance(answer, Kernel):
            self.forked += 1
            return answer
        self._refusal = answer
        print(f"Kernels are started one by one from here on: {answer}.", file=sys.stderr, flush=True)
        return None

    def _listen(self) -> None:
        """Take what the template says: of each kernel its beginning, or why there is none, and its end."""
        running: dict[int, Kernel] = {}
        with self._socket.makefile("rb") as lines:
            try:
                for line in lines:
                    match json.loads(line):
                        case {"pid": pid}:
                            running[pid] = Kernel(pid)
                            self._answers.put(running[pid])
                        case {"ended": pid, "code": code}:
                            running.pop(pid).end(code)
                        case {"refused": why}:
                            self._answers.put(why)
            except (OSError, ValueError):
                pass  # it was cut short: the same as its end
        self._answers.put("the process that forks them has ended")
        for kernel in running.values():
            kernel.lose()


class Kernel:
    """A forked kernel, with what `subprocess.Popen` tells of a process."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def end(self, code: int) -> None:
        """Take note of how it ended."""
        self.returncode = code
        self._ended.set()

    def lose(self) -> None:
        """End it, since nobody is left to tell how it ends by itself."""
        self.kill()
        self.end(_GONE)

    def poll(self) -> int | None:
        """How it ended, or None."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end."""
        self._ended.wait(timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal it, unless it has ended."""
        if self.returncode is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Jupyter's way to a kernel's process, by a fork where that can be."""

    warm: WarmKernels | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel, or start one."""
        if self.warm is not None:
            output = (kwargs["stdout"].fileno(), kwargs["stderr"].fileno())
            argv = cmd[cmd.index("-c") + 2 :]
            forked = await asyncio.to_thread(self.warm.fork, argv, kwargs["env"], str(kwargs["cwd"]), output)
            if forked is not None:
                self.process: Any = forked
                self.pid = self.pgid = forked.pid  # it leads a session of its own
                self.cwd = Path(kwargs["cwd"])
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)


def own_environment() -> dict[str, str]:
    """Ours, less what would make a notebook find more than it brings itself, and what our own sessions leave there."""
    return {key: value for key, value in os.environ.items() if key not in _NOT_HANDED_ON}


def _less_task(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name not in _OF_A_TASK}
