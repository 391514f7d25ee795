"""A control group of processes: what all of them may take, and what they took, whoever started them. Linux, as root."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path("/sys/fs/cgroup")
UNIFIED = ROOT / "cgroup.controllers"  # there where all controllers share one tree, the newer form


class Group:
    """Made at the start of a `with`, removed at its end."""

    def __init__(self, name: str, memory_bytes: int) -> None:
        self.unified = UNIFIED.exists()
        self.cpu, self.memory = (ROOT / ("" if self.unified else kind) / name for kind in ("cpuacct", "memory"))
        self.memory_bytes = memory_bytes

    def __enter__(self) -> "Group":
        self.cpu.mkdir()
        self.memory.mkdir(exist_ok=True)
        limit = "memory.max" if self.unified else "memory.limit_in_bytes"
        (self.memory / limit).write_text(str(self.memory_bytes), encoding="ascii")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in {self.cpu, self.memory}:
            folder.rmdir()

    def around(self, command: Sequence[str]) -> list[str]:
        """Return a command that enters the group, and with it all that it starts, before it becomes this one."""
        enters = " ".join(f"echo $$ > {folder}/cgroup.procs;" for folder in {self.cpu, self.memory})
        return ["/bin/sh", "-c", f'{enters} exec "$@"', "sh", *command]

    def pids(self) -> list[int]:
        """Return the processes that are in it now."""
        return [int(pid) for pid in (self.memory / "cgroup.procs").read_text(encoding="ascii").split()]

    def cpu_seconds(self) -> float:
        """Return what all of its processes have taken, also those that have ended."""
        if self.unified:
            stat = dict(line.split() for line in (self.cpu / "cpu.stat").read_text(encoding="ascii").splitlines())
            return int(stat["usage_usec"]) / 1e6
        return int((self.cpu / "cpuacct.usage").read_text(encoding="ascii")) / 1e9

    def peak_bytes(self) -> int:
        """Return the most that it ever held, page cache included."""
        name = "memory.peak" if self.unified else "memory.max_usage_in_bytes"
        return int((self.memory / name).read_text(encoding="ascii"))
