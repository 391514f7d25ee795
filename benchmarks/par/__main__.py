"""Our stages beside plain outside models on real logs, on the same users and cutoffs: who is nearer to what happened?

    python -m benchmarks.par FOLDER --outside PYTHON [--tasks NAME ...] [--users N] [--pool N] [--work FOLDER]

FOLDER holds `par.py` with the outside models and their tasks, and the logs as Parquet files; this project holds none.
PYTHON is an interpreter with what `par.py` needs (polars, lightgbm, scikit-learn, scipy). Either side fits a task once,
before the oldest of its newest `--pool` cutoffs, and scores it at all of them; the ratio of the log losses has a 95 %
interval from resampling users. `--users` draws a sample of each log. What an outside model made stays in the work
folder and is used again. A task whose log FOLDER lacks is named and left out.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.par.ours import Task, sample_log, score_task
from lib.evaluation.metrics import log_losses

DRAWS = 1_000
KEYS = ("user", "cutoff", "y")
HEADER = (
    "| task | rows | positive | ours | level | best outside | its log loss | ratio (95 %) | CPU s | theirs |",
    "|---|---|---|---|---|---|---|---|---|---|",
)
OUTSIDE = Path(__file__).with_name("outside.py")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """How both sides did on one task."""

    task: str
    rows: int
    positive: float
    ours: float
    level: float  # expected over observed actions
    best: str
    theirs: float
    low: float
    high: float
    seconds: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Our log loss over theirs: below 1 ours is nearer."""
        return self.ours / self.theirs

    def __str__(self) -> str:
        return (
            f"| {self.task} | {self.rows} | {self.positive:.3f} | {self.ours:.4f} | {self.level:.3f} | {self.best} | "
            f"{self.theirs:.4f} | {self.ratio:.4f} ({self.low:.4f} to {self.high:.4f}) | "
            f"{self.seconds[0]:.0f} | {self.seconds[1]:.0f} |"
        )


def main() -> None:
    """Print one row for each task, and the geometric mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--outside", required=True, help="a Python with what par.py needs")
    parser.add_argument("--tasks", nargs="*", default=[], help="all where none is named")
    parser.add_argument("--users", type=int, default=0, help="about so many of each log; 0: all")
    parser.add_argument("--pool", type=int, default=0, help="how many cutoffs; 0: as many as the task pools, else 1")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "propensity-par"))
    given = parser.parse_args()
    tasks = json.loads(_call(given.outside, "TASKS", given.folder))
    given.work.mkdir(parents=True, exist_ok=True)
    print(*HEADER, sep="\n")
    ratios = []
    for name in given.tasks or tasks:
        task, pool = Task.of(name, tasks[name]), given.pool or tasks[name].get("pool", 1)
        if not (source := given.folder / f"{task.log}.parquet").exists():
            print(f"{name} is left out: {source.name} is not in {given.folder}; its README says how to make it.")
            continue
        found = _compare(task, pool, source, given)
        print(found, flush=True)
        ratios.append(found.ratio)
    if ratios:
        print(f"Geometric mean of the ratios over {len(ratios)} tasks: {np.exp(np.mean(np.log(ratios))):.4f}")


def _compare(task: Task, pool: int, source: Path, given: argparse.Namespace) -> Outcome:
    logs = given.work / f"logs-{given.users or 'all'}"
    logs.mkdir(exist_ok=True)
    if not (log := logs / source.name).exists():
        sample_log(source, given.users, log)
    made = given.work / f"{task.name}-{pool}-{given.users or 'all'}.npz"
    if not made.exists():
        _call(given.outside, given.folder, logs, task.name, pool, made)
    theirs, seconds = _read_outside(made)
    ours, spent = score_task(task, log, task.cutoffs(pool))
    rows = ours.merge(theirs, on=["user", "cutoff"], suffixes=("", "_outside"), validate="one_to_one")
    if not len(rows) == len(ours) == len(theirs) or (rows["y"] != rows["y_outside"]).any():
        raise SystemExit(f"{task.name}: both sides must score the same users and labels, and do not.")
    y = rows["y"].to_numpy()
    losses = {
        name: log_losses(y, rows[name].to_numpy()) for name in map(str, theirs) if name not in ("user", "cutoff", "y")
    }
    best = min(losses, key=lambda name: float(losses[name].mean()))
    loss = log_losses(y, rows["p"].to_numpy())
    low, high = np.percentile(draw_ratios(rows["user"], loss, losses[best]), [2.5, 97.5])
    return Outcome(task.name, len(rows), float(y.mean()), float(loss.mean()), float(rows["p"].sum() / y.sum()), best,
                   float(losses[best].mean()), float(low), float(high), (spent, seconds))  # fmt: skip


def draw_ratios(users: "pd.Series[str]", ours: Floats, theirs: Floats) -> list[float]:
    """Ratios of summed losses over users drawn with replacement, each with all their rows."""
    place = np.unique(users.astype(str), return_inverse=True)[1]
    n = int(place.max()) + 1
    sums = [np.bincount(place, loss, n) for loss in (ours, theirs)]
    rng = np.random.default_rng(0)
    weights = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(DRAWS))
    return [float(weight @ sums[0] / (weight @ sums[1])) for weight in weights]


def _read_outside(made: Path) -> tuple[pd.DataFrame, float]:
    with np.load(made) as stored:
        arrays: Mapping[str, npt.NDArray[np.generic]] = {name: stored[name] for name in stored.files}
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in arrays["cutoff"].tolist()]
    frame = pd.DataFrame({name: values for name, values in arrays.items() if name not in ("seconds", "cutoff")})
    return frame.assign(cutoff=days), float(arrays["seconds"])


def _call(python: str, *words: object) -> str:
    command = [python, "-P", str(OUTSIDE), *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
