"""Our `retrain` beside FLAML and AutoGluon, on the same rows, features and folds, for as many CPU seconds.

    python -m benchmarks.automl FOLDER --outside PYTHON [--tasks NAME ...] [--libraries NAME ...] [--times N ...]
                                [--users N] [--work FOLDER]

FOLDER holds the logs as for `benchmarks.par`. PYTHON is an interpreter with flaml[automl],
autogluon.tabular[lightgbm,catboost] and scikit-learn before 1.8: flaml asks for xgboost before 3, which knows no later
one, and without it either library would compete with one learner less, in silence.

Our stages train once on the day of the oldest later cutoff; all rows that they learnt from go to one file, the folds of
the search beside it. FLAML searches on these folds and then fits all rows; AutoGluon tunes on the newest one and then
fits all rows too. Either gets `--times` the CPU seconds of our `retrain`, those of all processes of a group, and as
many threads, one: its clock is set, what it took is measured, and the clock is set once more where that was too little
or far too much. Later cutoffs are judged; no file for others holds their labels. Whatever was made stays in the work
folder, and the command goes on from there. Linux only.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.automl.budget import Try, is_done, nearest, next_limit
from benchmarks.automl.tasks import TASKS
from benchmarks.par.ours import sample_log
from lib.evaluation.metrics import Floats, bootstrap_weights, log_losses

OUTSIDE = Path(__file__).with_name("outside.py")
LIBRARIES = ("flaml", "autogluon")
# Threads that wait for one another burn CPU seconds, on a busy machine as many as those that work.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
HEADER = (
    "| task | rows | positive | ours | CPU s | library | given | took | its log loss | ours - theirs (95 %) |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Ours:
    """What our stages made of a task."""

    name: str
    scored: pd.DataFrame  # user, cutoff, y, p
    seconds: float  # CPU seconds of `retrain`


def main() -> None:
    """Print one row for each task, library and budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--outside", required=True, help="a Python with flaml and autogluon.tabular")
    parser.add_argument("--libraries", nargs="*", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--times", nargs="*", type=int, default=[1, 3], help="as many CPU seconds as ours, so often")
    add_task_options(parser, "propensity-automl")
    given = parser.parse_args()
    end_with_this()
    print(*HEADER, sep="\n")
    for name in given.tasks:
        folder = given.work / f"{name}-{given.users or 'all'}"
        folder.mkdir(parents=True, exist_ok=True)
        ours = make_ours(name, given.folder, given.users, folder)
        for library in given.libraries:
            for times in given.times:
                found = give(library, times, ours.seconds, folder, given.outside)
                print(format_row(ours, library, times, found), flush=True)


def add_task_options(parser: argparse.ArgumentParser, work: str) -> None:
    """Let a command be told its tasks, how many users, and where its work goes: a folder `work` unless said."""
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--users", type=int, default=3_000, help="about so many of each log; 0: all")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), work))


def make_ours(name: str, logs: Path, users: int, folder: Path) -> Ours:
    """Train our stages and export what they learnt from, unless that is there."""
    if not (folder / "ours.json").exists():
        log = folder / "log.parquet"
        sample_log(logs / f"{TASKS[name].task.log}.parquet", users, log)
        run_in_group(sys.executable, "-P", "-m", "benchmarks.automl.ours", log, name, folder)
    seconds = json.loads((folder / "ours.json").read_text(encoding="utf-8"))["seconds"]
    return Ours(TASKS[name].task.name, pd.read_parquet(folder / "ours.parquet"), float(seconds))


def give(library: str, times: int, seconds: float, folder: Path, python: str) -> Try:
    """The fit of a library for so many times our CPU seconds, unless it is there."""
    budget = times * seconds
    while not is_done(budget, made := _read_tries(folder, f"{library}-{times}x-*")):
        limit = next_limit(budget, made or _read_tries(folder, f"{library}-*"))
        file = folder / f"{library}-{times}x-{len(made)}.npz"
        run_in_group(python, OUTSIDE, library, folder / "rows.parquet", folder / "folds.json", limit, file)
    return nearest(budget, made)


def format_row(ours: Ours, library: str, times: int, found: Try) -> str:
    """One row of the table: both log losses, and their difference over users drawn anew."""
    y, users = ours.scored["y"].to_numpy(np.int64), ours.scored["user"].to_numpy(object)
    with np.load(found.file) as stored:
        theirs = log_losses(y, stored["p"])
    own = log_losses(y, ours.scored["p"].to_numpy())
    low, high = draw_difference(own - theirs, users)
    return (
        f"| {ours.name} | {len(y)} | {y.mean():.3f} | {own.mean():.4f} | {ours.seconds:.0f} | {library} | {times} x | "
        f"{found.seconds:.0f} | {theirs.mean():.4f} | {own.mean() - theirs.mean():+.4f} ({low:+.4f} to {high:+.4f}) |"
    )


def draw_difference(difference: Floats, users: "np.ndarray[tuple[int], np.dtype[np.object_]]") -> tuple[float, float]:
    """The 95 % interval of a mean over rows, from users drawn with replacement, each with all their rows."""
    _, *drawn = (float(weight @ difference / weight.sum()) for weight in bootstrap_weights(users, 0))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _read_tries(folder: Path, names: str) -> list[Try]:
    """Tries that were made, oldest first."""
    tries = []
    for file in sorted(folder.glob(f"{names}.npz"), key=lambda file: file.stat().st_mtime_ns):
        with np.load(file) as stored:
            tries.append(Try(float(stored["limit"]), float(stored["seconds"]), file))
    return tries


def end_with_this() -> None:
    """Let what is running end too where this process is told to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def run_in_group(*command: object, env: Mapping[str, str] | None = None) -> None:
    """Run a command in a process group of its own, whose CPU seconds it counts; it ends with this process."""
    started = subprocess.Popen(
        list(map(str, command)), process_group=0, stdout=sys.stderr, env={**(env or os.environ), **ONE_THREAD}
    )
    try:
        if code := started.wait():
            raise SystemExit(f"{Path(str(command[1])).name} ended with {code}: {' '.join(map(str, command))}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
