"""The whole job on a large log, by this build or by two in turn: CPU, wall and memory of each stage, by program.

    .venv/bin/python -m benchmarks.large_job WORK [--before BUILD] [--rows 81000000] [--users 296589] [--gib 16]
                                             [--trials 10] [--param NAME=VALUE ...] [--again NAME=VALUE ...]

The log is drawn into the folder WORK, and stays there; the homes go when all is said. Each build runs the job once in a
home of its own, within a control group that may take `--gib` of memory, page cache included; `--again` has this build
run once more in its home with these parameters. A driver is a Python process that is none of Spark's workers; memory is
what a process has resident, with imports, once a second. BUILD is a folder with another build, run in this environment;
that of e755a24 needs croniter besides. Linux only, as root: it makes control groups.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.drawn_log import draw_log
from benchmarks.groups import Group
from benchmarks.programs import is_worker

ROOT = Path(__file__).parents[1]
DEFAULTS = ("action=order", "horizon_days=14")


@dataclass
class Spent:
    """What a stage took."""

    wall: float = 0.0  # seconds
    cpu: float = 0.0  # seconds, of all processes
    peaks: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # bytes of the largest, by program


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rows", type=int, default=81_000_000)
    parser.add_argument("--users", type=int, default=296_589)
    parser.add_argument("--gib", type=int, default=16)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--again", action="append", default=[])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    log = options.work / f"log-{options.rows}-{options.users}.parquet"
    if not log.exists():
        draw_log(log.with_suffix(".draft.parquet"), options.rows, options.users).rename(log)
    given = [*DEFAULTS, f"events={log}", f"n_trials={options.trials}", *options.param]
    builds = ({"before": options.before.resolve()} if options.before else {}) | {"now": ROOT}
    per_second: dict[str, float] = {}
    for name, build in builds.items():
        home = options.work / f"home-{name}"
        shutil.rmtree(home, ignore_errors=True)
        per_second[name] = options.rows / _report(name, build, home, given, options.gib)
        print(f"{name}: {per_second[name]:,.0f} events per CPU second", flush=True)
        if options.again and name == "now":
            _report("again", build, home, [*given, *options.again], options.gib)
        shutil.rmtree(home)
    if options.before:
        print(f"now over before: {per_second['now'] / per_second['before']:.2f} times as many events per CPU second")


def _report(name: str, build: Path, home: Path, given: list[str], gib: int) -> float:
    """Run the job, print a line for each stage, and return the CPU seconds of all."""
    with Group(f"large-job-{os.getpid()}", gib * 2**30) as group:
        stages = _run(build, home, given, group)
        cpu, peak = group.cpu_seconds(), group.peak_bytes()
    for stage, spent in stages.items():
        peaks = ", ".join(f"{who} {size / 2**20:,.0f} MiB" for who, size in sorted(spent.peaks.items()))
        print(f"{name:6} {stage:16} wall {spent.wall:7.1f}  CPU {spent.cpu:7.1f}  largest: {peaks}", flush=True)
    wall = sum(spent.wall for spent in stages.values())
    print(
        f"{name:6} {'all':16} wall {wall:7.1f}  CPU {cpu:7.1f}  peak with page cache {peak / 2**30:.1f} GiB", flush=True
    )
    return cpu


def _run(build: Path, home: Path, given: list[str], group: Group) -> dict[str, Spent]:
    """Run the job in a home; what it took, by stage as the run's own record names it, or `between`."""
    command = [sys.executable, "-P", "-m", "cli", "run", "--home", str(home)]
    command += [part for one in given for part in ("--param", one)]
    earlier = set(home.glob("runs/*/run.json"))
    stages, done = defaultdict[str, Spent](Spent), threading.Event()
    with home.with_suffix(".log").open("wb") as said:
        started = subprocess.Popen(
            group.around(command), cwd=build, env=os.environ | {"PYTHONPATH": str(build)}, stdout=said, stderr=said
        )
        watcher = threading.Thread(target=_watch, args=(home, earlier, group, stages, done))
        watcher.start()
        started.wait()
        done.set()
        watcher.join()
    if started.returncode:
        raise SystemExit(f"{build} failed; the end of what it said:\n{home.with_suffix('.log').read_text()[-3000:]}")
    return stages


def _watch(home: Path, earlier: set[Path], group: Group, stages: dict[str, Spent], done: threading.Event) -> None:
    """Once a second, put down to the stage that runs what passed since the last look."""
    clock, cpu = time.monotonic(), group.cpu_seconds()
    last = False
    while not last:
        last = done.wait(1)
        now, used = time.monotonic(), group.cpu_seconds()
        spent = stages[_running(home, earlier)]
        spent.wall, spent.cpu = spent.wall + now - clock, spent.cpu + used - cpu
        clock, cpu = now, used
        for pid in group.pids():
            with suppress(psutil.Error, OSError):  # one that has ended meanwhile
                process = psutil.Process(pid)
                who = _program(process)
                spent.peaks[who] = max(spent.peaks[who], process.memory_info().rss)


def _running(home: Path, earlier: set[Path]) -> str:
    """The task that runs, by the record of the newest run."""
    with suppress(OSError, ValueError):
        for record in set(home.glob("runs/*/run.json")) - earlier:
            for key, task in json.loads(record.read_text(encoding="utf-8"))["tasks"].items():
                if task["state"] == "RUNNING":
                    return str(key)
    return "between"


def _program(process: psutil.Process) -> str:
    if process.name() == "java":
        return "java"
    return "worker" if is_worker(process) else "driver"


if __name__ == "__main__":
    main()
