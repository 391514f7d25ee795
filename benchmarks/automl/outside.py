"""Let one library of automatic learning fit an exported file and score what came later, in an environment of its own.

    PYTHON outside.py LIBRARY ROWS FOLDS SECONDS FILE

LIBRARY is flaml or autogluon; ROWS and FOLDS are what `ours.py` wrote; SECONDS is the limit that the library's own
clock gets. FILE becomes a `.npz`: `p`, the probabilities of the rows without a label, in their order, `limit`, that of
the clock, and `seconds`, the CPU seconds of the process group while the library searched and fitted. It needs nothing
of this project.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

KEYS = ("user_id", "cutoff", "label")
LEARNERS = ("sklearn.ensemble", "lightgbm", "xgboost", "catboost")  # imported before the seconds are counted
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
LEFT = 0.1  # of the time: with more than that something can be done yet
Floats = npt.NDArray[np.float64]
Fold = Mapping[str, Sequence[int]]


def group_seconds(processes: Path = Path("/proc")) -> float:
    """CPU seconds of this process group so far: of all its processes, and of the ended ones that these waited for."""
    ticks = 0
    for stat in processes.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # ended since it was listed
            continue
        if int(fields[2]) == os.getpgrp():
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Folds:
    """Folds of row numbers as a splitter of scikit-learn's kind."""

    shuffle = False

    def __init__(self, folds: Sequence[Fold]) -> None:
        self.folds = folds

    def get_n_splits(self, *_: Any) -> int:
        """How many folds."""
        return len(self.folds)

    def split(self, *_: Any) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """Row numbers to learn from and to judge on, of each fold."""
        for fold in self.folds:
            yield np.asarray(fold["learn"], np.intp), np.asarray(fold["judge"], np.intp)


def fit_flaml(labelled: pd.DataFrame, folds: Sequence[Fold], seconds: float) -> Callable[[pd.DataFrame], Floats]:
    """Search on all of the folds, then fit what was found to all rows."""
    flaml: Any = importlib.import_module("flaml")
    model = flaml.AutoML()
    model.fit(
        X_train=labelled.drop(columns="label"), y_train=labelled["label"], task="classification", metric="log_loss",
        time_budget=seconds, eval_method="cv", split_type=Folds(folds), retrain_full=True, n_jobs=THREADS,
        seed=0, verbose=0,
    )  # fmt: skip
    return lambda X: np.asarray(model.predict_proba(X))[:, list(model.classes_).index(1)]


def fit_autogluon(labelled: pd.DataFrame, folds: Sequence[Fold], seconds: float) -> Callable[[pd.DataFrame], Floats]:
    """Learn and tune on the newest fold, then fit what was found to all rows.

    Where its usual models leave it time, those of its larger portfolio follow.
    Its own `groups` would learn from days after those that it judges on, so that windows of labels overlapped.
    """
    tabular: Any = importlib.import_module("autogluon.tabular")
    learn, judge = (list(folds[0][side]) for side in ("learn", "judge"))
    others = labelled.drop(index=[*learn, *judge])
    with tempfile.TemporaryDirectory() as folder:
        model = tabular.TabularPredictor(
            "label", problem_type="binary", eval_metric="log_loss", path=folder, verbosity=1
        )
        began = time.monotonic()
        model.fit(
            labelled.loc[learn], tuning_data=labelled.loc[judge], time_limit=seconds, dynamic_stacking=False,
            num_cpus=THREADS,
        )  # fmt: skip
        left = seconds - (time.monotonic() - began)
        if left > LEFT * seconds:
            model.fit_extra("zeroshot", time_limit=left, num_cpus=THREADS)
        model.refit_full("best", train_data_extra=others, num_cpus=THREADS)
        model.persist()
    return lambda X: model.predict_proba(X)[1].to_numpy(np.float64)


FITS = {"flaml": fit_flaml, "autogluon": fit_autogluon}


def main(library: str, rows: str, folds: str, seconds: str, file: str) -> None:
    """Fit and score."""
    frame = pd.read_parquet(rows)
    later = frame["label"].isna()
    labelled = frame[~later].drop(columns=["user_id", "cutoff"]).astype({"label": int})
    for name in LEARNERS:
        importlib.import_module(name)
    began = group_seconds()
    score = FITS[library](labelled, json.loads(Path(folds).read_text(encoding="utf-8"))["folds"], float(seconds))
    spent = group_seconds() - began
    p = score(frame[later].drop(columns=list(KEYS)))
    partial = Path(file).with_name("partial.npz")  # what was killed half-way is no result
    np.savez_compressed(partial, p=p, seconds=spent, limit=float(seconds))
    partial.rename(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
