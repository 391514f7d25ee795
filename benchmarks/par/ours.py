"""The product's own stages on a log, in memory: extracted, trained and promoted once, then asked at later cutoffs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig, RetrainConfig
from lib.errors import NotPromoted
from lib.features import extraction
from lib.labels import labels
from lib.models.pair import Pair
from lib.registry.memory import MemoryRegistry
from lib.stages import retrain, train
from lib.stages.context import Context
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema

HERE = {"schema": "here", "events": "here", "models": "here", "experiment": "here", "run_id": "par"}


@dataclass(frozen=True)
class Task:
    """One question on one log, as `par.py` has it."""

    name: str
    log: str
    actions: tuple[str, ...]
    horizon_days: int
    cohort_days: int
    last: date
    step: int

    @classmethod
    def of(cls, name: str, raw: Mapping[str, Any]) -> "Task":
        """Read a task of `par.py` as JSON holds it."""
        return cls(name, raw["data"], tuple(raw["action"]), raw["h"], raw["elig"], date.fromisoformat(raw["last"]),
                   raw["step"])  # fmt: skip

    def cutoffs(self, pool: int) -> list[date]:
        """The newest cutoffs, oldest first."""
        return [self.last - timedelta(days=self.step * n) for n in range(pool)][::-1]


def sample_log(source: Path, users: int, target: Path) -> None:
    """Write the events of about so many users, drawn by a hash; 0: of all."""
    count = f"SELECT COUNT(DISTINCT user_id) FROM '{source}'"
    there = duckdb.connect().sql(count).fetchall()[0][0]
    share = min(1.0, users / there) if users else 1.0
    duckdb.connect().execute(
        f"COPY (SELECT * FROM '{source}' WHERE hash(user_id || 's') % 1000000 < {int(1e6 * share)}) TO '{target}'"
    )


def daily_activity(log: Path) -> pa.Table:
    """Events summed up as `daily_activity` holds them; each was known on its day."""
    rows = duckdb.connect().sql(
        "SELECT user_id, event_time::DATE AS day, event_type, event_time::DATE AS known_day, count(*) AS count, "
        f"sum(value) AS value, list_sort(list_distinct(list(item_id))) AS items FROM '{log}' GROUP BY ALL ORDER BY ALL"
    )
    return rows.to_arrow_table().cast(arrow_schema(DAILY_ACTIVITY))


@dataclass(frozen=True)
class Trained:
    """A pair as a first run makes it, what it was made from, and the CPU seconds of that."""

    config: RetrainConfig
    extract: ExtractConfig
    tables: MemoryTables
    pair: Pair
    seconds: float  # of extraction and training
    retrain_seconds: float  # of `retrain` alone


def train_task(task: Task, log: Path, day: date, clock: Callable[[], float] = time.process_time) -> Trained:
    """Train as a first run on that day does; the clock tells CPU seconds."""
    tables, registry = MemoryTables(), MemoryRegistry()
    tables.replace("daily_activity", daily_activity(log), "1 = 1")
    began = clock()
    extract = ExtractConfig.from_widgets(_widgets(task).__getitem__)
    config = RetrainConfig.from_widgets(_widgets(task).__getitem__)
    extraction.build_missing(extract, tables, day)
    context = Context(config, tables, registry, lambda _: None)
    train.run(context)
    checked = clock()
    try:
        version = retrain.run(context).pair.prediction_version
    except NotPromoted:  # what it would score with is compared all the same
        version = "1"
    ended = clock()
    return Trained(
        config, extract, tables, registry.load(config.question, version), ended - began, ended - checked
    )  # fmt: skip


def read_cohorts(trained: Trained, cutoffs: Sequence[date]) -> pd.DataFrame:
    """Features of the cohorts at some cutoffs, and who of them then acted: user_id, cutoff, label and the features."""
    frames = []
    for cutoff in cutoffs:
        extraction.build_missing(trained.extract, trained.tables, cutoff)
        sql = labels.labelled_cohort_sql(trained.config.question, [cutoff], date.max)
        frames.append(trained.tables.query(sql).assign(cutoff=cutoff))
    return pd.concat(frames, ignore_index=True)


def score_cohorts(pair: Pair, cohorts: pd.DataFrame) -> pd.DataFrame:
    """DataFrame[user, cutoff date, y, p] of what `read_cohorts` returns."""
    columns = {"user": cohorts["user_id"], "cutoff": cohorts["cutoff"], "y": cohorts["label"]}
    return pd.DataFrame(columns).assign(p=pair.score(cohorts))


def score_task(task: Task, log: Path, test: Sequence[date]) -> tuple[pd.DataFrame, float]:
    """Train as a first run on the day of the oldest test cutoff does, then score the cohorts of all of them.

    Returns DataFrame[user, cutoff date, y, p] and the CPU seconds of extraction and training.
    """
    trained = train_task(task, log, test[0])
    return score_cohorts(trained.pair, read_cohorts(trained, test)), trained.seconds


def _widgets(task: Task) -> dict[str, str]:
    """The defaults of all parameters, the same for every task, and the question."""
    asked = {"action": ",".join(task.actions), "horizon_days": task.horizon_days, "cohort_days": task.cohort_days}
    return defaults() | HERE | {name: str(value) for name, value in asked.items()}
