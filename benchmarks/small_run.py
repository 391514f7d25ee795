"""Two builds in turn over the built-in data: wall and CPU seconds of their first and second runs, and their lists.

    git archive e755a24 | tar -x -C BEFORE
    .venv/bin/python -m benchmarks.small_run BEFORE [--pairs 5] [--fresh]

Both run in this environment, the one in BEFORE and this one; that of e755a24 needs croniter besides. CPU is that of
every process which a run starts, Java and Spark's workers included, however they end. `--fresh` gives each pair new
homes, so that first runs are measured too; without it each build makes its home once. Linux only: this process becomes
the parent of all that is left behind.
"""

import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
from deltalake import DeltaTable

from benchmarks.programs import is_worker

ROOT = Path(__file__).parents[1]
_BE_SUBREAPER = 36  # of prctl
_LISTED = ["user_id", "cutoff", "propensity", "rank", "decile", "percentile", "band", "expected_actions", "held_out"]


@dataclass(frozen=True)
class Spent:
    """What one run took, in seconds."""

    wall: float
    cpu: dict[str, float]  # by the name of the program
    peak: float  # MB of memory of the largest driver: a Python process that is no worker of Spark

    @property
    def all_cpu(self) -> float:
        return sum(self.cpu.values())


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    adopt()
    builds = {"before": options.before.resolve(), "now": ROOT}
    spent: dict[tuple[str, str], list[Spent]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="small-run-") as scratch:
        homes: dict[str, Path] = {}
        for pair in range(options.pairs):
            for name, build in builds.items():
                if options.fresh or name not in homes:
                    homes[name] = Path(scratch, f"{name}-{pair}")
                    _note(spent, "first", name, run(build, homes[name]))
                _note(spent, "second", name, run(build, homes[name]))
        lists = [_list(home) for home in homes.values()]
    for which in ("first", "second"):
        before, now = spent[which, "before"], spent[which, "now"]
        wall, cpu = (_ratio(before, now, of) for of in ("wall", "all_cpu"))
        print(f"{which} run, medians of {len(now)}: {wall} of wall, {cpu} of CPU")
    same = lists[0].equals(lists[1])
    print(f"the lists of both are {'the same to the last digit' if same else 'NOT the same'}")


def adopt() -> None:
    """Become the parent of all that the runs leave behind."""
    ctypes.CDLL(None).prctl(_BE_SUBREAPER, 1, 0, 0, 0)


def run(build: Path, home: Path, *options: str) -> Spent:
    """Run a build's job in a home, and wait for all that it started: this process has to be their parent."""
    command = [sys.executable, "-P", "-m", "cli", "run", "--home", str(home), *options]
    began, cpu, wall = time.monotonic(), defaultdict[str, float](float), 0.0
    with home.with_suffix(".log").open("wb") as log, _watching_drivers() as peak:
        started = subprocess.Popen(
            command, cwd=build, env=os.environ | {"PYTHONPATH": str(build)}, stdout=log, stderr=log
        )
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                break
            assert ended is not None
            program = Path(f"/proc/{ended.si_pid}/comm").read_text(encoding="utf-8").strip()
            _, status, usage = os.wait4(ended.si_pid, 0)
            cpu[program] += usage.ru_utime + usage.ru_stime
            if ended.si_pid == started.pid:
                wall, started.returncode = time.monotonic() - began, os.waitstatus_to_exitcode(status)
    if started.returncode:
        said = home.with_suffix(".log").read_text(encoding="utf-8")
        raise SystemExit(f"{build} failed; the end of what it said:\n{said[-2000:]}")
    return Spent(wall, dict(cpu), max(peak))


@contextmanager
def _watching_drivers() -> Iterator[list[float]]:
    """Note the high-water marks of drivers, in MB, while they run: whoever waits for a process would add Java's."""
    ended, peak = threading.Event(), [0.0]

    def watch() -> None:
        while not ended.wait(0.2):
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error, OSError, IndexError):  # one that has ended has no memory
                    if process.name().startswith("python") and not is_worker(process):
                        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
                        peak.append(int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _note(spent: dict[tuple[str, str], list[Spent]], which: str, name: str, one: Spent) -> None:
    spent[which, name].append(one)
    parts = ", ".join(f"{program} {seconds:.1f}" for program, seconds in sorted(one.cpu.items()) if seconds >= 0.1)
    print(f"{which:6} {name:6} wall {one.wall:6.1f}  CPU {one.all_cpu:6.1f}  ({parts})", flush=True)


def _ratio(before: list[Spent], now: list[Spent], of: str) -> str:
    left, right = (statistics.median(getattr(one, of) for one in side) for side in (now, before))
    return f"{left:.1f} of {right:.1f} s, {left / right:.2f} times"


def _list(home: Path) -> pd.DataFrame:
    rows = DeltaTable(home / "warehouse" / "propensity" / "audience").to_pandas(columns=_LISTED)
    return rows.sort_values(["cutoff", "user_id"], ignore_index=True)


if __name__ == "__main__":
    main()
