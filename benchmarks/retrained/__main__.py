"""`retrain` of two builds in turn, on the same logs: CPU seconds of each, and who is nearer to what came later.

    git archive e755a24 | tar -x -C BEFORE
    python -m benchmarks.retrained BEFORE FOLDER [--tasks NAME ...] [--pairs 5] [--users N] [--work FOLDER]

FOLDER holds the logs as for `benchmarks.par`. Either build trains a first run with its own defaults, in memory, in a
process group of its own whose CPU seconds are counted from before `retrain` to after it. Both are asked about users
active within a year at most, since the build before knows no others. A first run's pair then scores later cutoffs. The
difference of the log losses has a 95 % interval from resampling users, in percent of those before. What was made stays
in the work folder, and the command goes on from there. Linux only.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.automl import outside
from benchmarks.automl.__main__ import add_task_options, draw_difference, end_with_this, run_in_group
from benchmarks.automl.tasks import TASKS
from benchmarks.par.ours import sample_log
from lib.evaluation.metrics import log_losses

MOST_DAYS = 364  # of `cohort_days` in the build before
HEADER = (
    "| task | rows | positive | before | now | difference, % of before (95 %) | CPU s before | now | ratio |",
    "|---|---|---|---|---|---|---|---|---|",
)


def main() -> None:
    """Print one row for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    add_task_options(parser, "propensity-retrained")
    given = parser.parse_args()
    end_with_this()
    print(*HEADER, sep="\n")
    for name in given.tasks:
        top = given.work / f"{name}-{given.users or 'all'}"
        top.mkdir(parents=True, exist_ok=True)
        if not (log := top / "log.parquet").exists():
            sample_log(given.folder / f"{TASKS[name].task.log}.parquet", given.users, log)
        for pair in range(given.pairs):
            run_before(given.before.resolve(), log, name, top / f"before-{pair}")
            run_now(log, name, top / f"now-{pair}")
        print(format_row(name, top, given.pairs), flush=True)


def run_before(build: Path, log: Path, name: str, folder: Path) -> None:
    """Train with the build before, unless that was done."""
    asked = TASKS[name]
    days = min(asked.task.cohort_days, MOST_DAYS)
    task = {
        "action": ",".join(asked.task.actions), "horizon_days": asked.task.horizon_days, "cohort_days": days,
        "cutoffs": [day.isoformat() for day in asked.task.cutoffs(asked.pool)],
    }  # fmt: skip
    script = Path(__file__).with_name("before.py")
    if not (folder / "ours.json").exists():
        folder.mkdir(exist_ok=True)
        run_in_group(
            sys.executable, "-P", script, log, json.dumps(task), folder, outside.__file__,
            env=os.environ | {"PYTHONPATH": str(build)},
        )  # fmt: skip


def run_now(log: Path, name: str, folder: Path) -> None:
    """Train with this build, unless that was done."""
    if not (folder / "ours.json").exists():
        folder.mkdir(exist_ok=True)
        run_in_group(sys.executable, "-P", "-m", "benchmarks.automl.ours", log, name, folder, MOST_DAYS)


def format_row(name: str, top: Path, pairs: int) -> str:
    """One row of the table: medians of the CPU seconds, and the log losses of the first pair."""
    before, now = (pd.read_parquet(top / f"{build}-0" / "ours.parquet") for build in ("before", "now"))
    rows = before.merge(now, on=["user", "cutoff"], suffixes=("_before", "_now"), validate="one_to_one")
    if not len(rows) == len(before) == len(now) or (rows["y_before"] != rows["y_now"]).any():
        raise SystemExit(f"{name}: both builds must score the same users and labels, and do not.")
    y = rows["y_now"].to_numpy(np.int64)
    old, new = (log_losses(y, rows[f"p_{build}"].to_numpy()) for build in ("before", "now"))
    ends = draw_difference(new - old, rows["user"].to_numpy(object))
    change, low, high = (100 * value / old.mean() for value in (new.mean() - old.mean(), *ends))
    spent = [
        statistics.median(_read_seconds(top / f"{build}-{pair}") for pair in range(pairs))
        for build in ("before", "now")
    ]
    return (
        f"| {TASKS[name].task.name} | {len(rows)} | {y.mean():.3f} | {old.mean():.4f} | {new.mean():.4f} | "
        f"{change:+.2f} ({low:+.2f} to {high:+.2f}) | {spent[0]:.0f} | {spent[1]:.0f} | {spent[1] / spent[0]:.2f} |"
    )


def _read_seconds(folder: Path) -> float:
    return float(json.loads((folder / "ours.json").read_text(encoding="utf-8"))["seconds"])


if __name__ == "__main__":
    main()
