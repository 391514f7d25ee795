"""nbclient with our kernels: started on a private socket, what they print passed on line by line."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from localrun.notebook.kernelspec import command
from localrun.notebook.warm import WarmKernels, WarmProvisioner


class _Manager(AsyncKernelManager):
    """Starts our kernel without its being installed anywhere."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=command(), display_name="task", language="python")


class Client(NotebookClient):
    """Runs one notebook; its kernel is killed at the end, there is nothing it could still have to say."""

    def __init__(
        self,
        notebook: NotebookNode,
        private: Path,
        ready: Callable[[], None],
        on_line: Callable[[str], None],
        warm: WarmKernels | None,
    ) -> None:
        socket = {"transport": "ipc", "ip": str(private / "k"), "connection_file": str(private / "kernel.json")}
        super().__init__(
            notebook,
            kernel_manager_class=_Manager,
            config=Config(KernelManager=socket),
            timeout=None,
            shutdown_kernel="immediate",
            on_cell_start=self._wait_once,
        )
        self._ready: Callable[[], None] | None = ready
        self._on_line, self._rest, self._warm = on_line, "", warm

    def create_kernel_manager(self) -> KernelManager:
        """One whose kernel is forked where that can be."""
        manager = super().create_kernel_manager()
        manager.provisioner = WarmProvisioner(
            kernel_id=str(uuid.uuid4()), kernel_spec=manager.kernel_spec, parent=manager
        )
        manager.provisioner.warm = self._warm
        return manager

    async def _wait_once(self, **_: Any) -> None:
        """Hold the first cell until Spark is there: the kernel started meanwhile."""
        if self._ready:
            await asyncio.to_thread(self._ready)
            self._ready = None

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Keep an output, as one with the text right before it, and pass on whole lines."""
        if msg["msg_type"] == "stream":
            text, name = msg["content"]["text"], msg["content"]["name"]
            if name == "stdout":
                self._pass_on(text)
            if outs and outs[-1].output_type == "stream" and outs[-1].name == name:
                outs[-1].text += text
                return outs[-1]
        return super().output(outs, msg, display_id, cell_index)

    def flush(self) -> None:
        """Pass on a last line without an end."""
        if self._rest:
            self._on_line(self._rest)
            self._rest = ""

    def kill(self) -> None:
        """End the kernel and every process that it or its children started, whatever group they are in."""
        process = getattr(getattr(self.km, "provisioner", None), "process", None)
        if process is None:
            return
        try:
            kernel = psutil.Process(process.pid)
            family = [*kernel.children(recursive=True), kernel]
        except psutil.NoSuchProcess:
            return
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue

    def _pass_on(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._on_line(line.rpartition("\r")[2])  # of a progress bar, the last state
