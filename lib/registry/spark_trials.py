"""Trials of the search as tasks of Spark: the study in MLflow, the folds as files beside it."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import optuna
import pandas as pd

from lib.labels.rows import Rows
from lib.registry.mlflow_runs import ensure_experiment
from lib.tables.pickling import pickle_lib_by_value
from lib.training.folds import Fold
from lib.training.trials import Objective, make_objective

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOLDS = "folds"  # folder of the study's artifacts: a Parquet file for each part of each fold
JUDGE = "judge"
WHOSE = ["user_id", "cutoff"]  # a trial does not read them, and whoever reads the experiment is not to
KEPT = "propensity_folds"


class SparkTrials:
    """Where trials run: on the executors, each a run of an MLflow experiment below that of its study."""

    def __init__(self, spark: "SparkSession", experiment: str) -> None:
        self.spark, self.experiment = spark, experiment

    def open_study(self, name: str, direction: str, pruner: optuna.pruners.BasePruner) -> tuple[optuna.Study, str]:
        from mlflow import MlflowClient
        from mlflow.optuna.storage import MlflowStorage
        from mlflow.pyspark.optuna.study import MlflowSparkStudy

        # The study asks for the active session: over Connect that may be another one, which was stopped.
        if active := getattr(type(self.spark), "_active_session", None):
            active.session = self.spark
        self.client = MlflowClient()
        self.storage = MlflowStorage(ensure_experiment(self.client, self.experiment))
        # A study of the same name would be continued, with trials of other folds among its own.
        study = MlflowSparkStudy(f"{name} {uuid4().hex[:8]}", self.storage, pruner=pruner, direction=direction)
        study.spark = self.spark  # it took whichever session is the active one
        self.run_id = str(self.storage.get_study_id_from_name(study.study_name))
        return study, self.run_id

    def objective(self, folds: Sequence[Fold], name: str) -> Objective:
        with TemporaryDirectory() as folder:
            write_folds(folds, Path(folder))
            self.client.log_artifacts(self.run_id, folder, FOLDS)
        return make_objective(partial(_fetch_folds, self.run_id, len(folds), folds[0].actions, folds[0].seed), name)

    def optimize(self, study: optuna.Study, run: Objective, n_trials: int, workers: int, seconds: float | None) -> None:
        pickle_lib_by_value()
        # A start that still waits to be written is one that the executors do not see.
        self.storage.flush_all_batches()  # type: ignore[no-untyped-call]
        study.optimize(run, n_trials=n_trials, timeout=seconds, n_jobs=workers)


def write_folds(folds: Sequence[Fold], folder: Path) -> None:
    """Write what a trial reads of the folds."""
    for number, fold in enumerate(folds):
        for part, rows in (*fold.learn.items(), (JUDGE, fold.judge)):
            rows.frame.drop(columns=WHOSE).to_parquet(folder / f"{number}_{part}.parquet", index=False)


def read_folds(folder: Path, count: int, actions: tuple[str, ...], seed: int) -> list[Fold]:
    """Make the folds again that `write_folds` wrote."""
    folds = []
    for number in range(count):
        files = {path.stem.partition("_")[2]: path for path in folder.glob(f"{number}_*.parquet")}
        parts = {part: Rows(pd.read_parquet(path)) for part, path in files.items()}
        judge = parts.pop(JUDGE)
        folds.append(Fold.from_samples({int(part): rows for part, rows in parts.items()}, judge, actions, seed))
    return folds


def _fetch_folds(run_id: str, *about: Any) -> list[Fold]:
    """The folds of a study, downloaded once for each Python process of an executor.

    Our functions are made anew there for each task, and a cache beside them would be too: it has a module of its own.
    """
    import mlflow

    cache = vars(sys.modules.setdefault(KEPT, ModuleType(KEPT)))
    if cache.get("run_id") != run_id:  # of one study only: the folds are large
        with TemporaryDirectory() as folder:
            path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=FOLDS, dst_path=folder)
            cache.update(folds=read_folds(Path(path), *about), run_id=run_id)
    folds: list[Fold] = cache["folds"]
    return folds
