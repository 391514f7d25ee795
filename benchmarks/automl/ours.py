"""Train one task as a first run does; write what its search learnt from, what `retrain` cost, and what it then scored.

    python -m benchmarks.automl.ours LOG TASK FOLDER [DAYS]

FOLDER gets `rows.parquet` and `folds.json` for others to learn from, `ours.parquet` with what came true, and
`ours.json` with the CPU seconds of `retrain`: of the process group, which is why this is a process of its own. DAYS is
the most that `cohort_days` may be.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd

from benchmarks.automl.outside import group_seconds
from benchmarks.automl.tasks import TASKS
from benchmarks.par.ours import read_cohorts, score_cohorts, train_task
from lib.features import extraction
from lib.labels.rows import KEYS, WEIGHT, Rows
from lib.stages import champion
from lib.training.folds import Fold, prepare_folds


def main(log: str, name: str, folder: str, days: str = "") -> None:
    """Train, score and export."""
    asked, test = TASKS[name].task, TASKS[name].task.cutoffs(TASKS[name].pool)
    task = replace(asked, cohort_days=min(asked.cohort_days, int(days or asked.cohort_days)))
    trained = train_task(task, Path(log), test[0], group_seconds)
    config = trained.config
    # before later cutoffs are extracted: as of those, more rows have matured
    cutoffs = extraction.read_extraction(trained.tables, config.question, config.as_of).cutoffs
    rows, parts = champion.read_labelled(config, trained.tables, cutoffs)
    folds = prepare_folds(rows.at(parts.training), parts.training, config.question, config.seed)
    later, target = read_cohorts(trained, test), Path(folder)
    export_rows(rows, later, config.question.reach_days, target / "rows.parquet")
    (target / "folds.json").write_text(json.dumps({"folds": number_folds(rows, folds)}), encoding="utf-8")
    score_cohorts(trained.pair, later).to_parquet(target / "ours.parquet", index=False)
    (target / "ours.json").write_text(json.dumps({"seconds": trained.retrain_seconds}), encoding="utf-8")


def export_rows(rows: Rows, later: pd.DataFrame, reach_days: int, file: Path) -> None:
    """Write labelled rows, then those of later cutoffs without their labels: user_id, cutoff, label, float32 features.

    Raises
    ------
    SystemExit
        If the rows are a sample, whose weights no two libraries mean alike, or if a label of theirs tells of days that
        are to be predicted.
    """
    newest, oldest = rows.frame["cutoff"].max(), later["cutoff"].min()
    if newest + timedelta(days=reach_days) > oldest:
        raise SystemExit(f"The label at {newest} reaches {reach_days} days, into what is judged from {oldest} on.")
    if WEIGHT in rows.frame:
        raise SystemExit(f"The {len(rows)} rows are a sample of more, with weights. Name fewer --users.")
    X = rows.X
    unknown = later.reindex(columns=X.columns).fillna(0.0).astype("float32")
    keys = pd.concat([rows.frame[list(KEYS)], later[list(KEYS)].assign(label=None)], ignore_index=True)
    keys = keys.astype({"label": "Int64"})
    pd.concat([keys, pd.concat([X, unknown], ignore_index=True)], axis=1).to_parquet(file, index=False)


def number_folds(rows: Rows, folds: Sequence[Fold]) -> list[dict[str, list[int]]]:
    """The folds of a search by the numbers of their rows, newest first: what it learns from at most, and judges on.

    Raises
    ------
    SystemExit
        If there is none, so that nothing can be searched for.
    """
    if not folds:
        raise SystemExit("The history is too short for folds: no search could choose anything. Ask at a later day.")
    number = pd.Series(range(len(rows)), index=pd.MultiIndex.from_frame(rows.frame[["user_id", "cutoff"]]))

    def numbers(some: Rows) -> list[int]:
        return [int(n) for n in number.loc[pd.MultiIndex.from_frame(some.frame[["user_id", "cutoff"]])]]

    return [{"learn": numbers(fold.learn[0]), "judge": numbers(fold.judge)} for fold in folds]


if __name__ == "__main__":
    main(*sys.argv[1:])
