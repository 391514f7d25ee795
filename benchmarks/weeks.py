"""Weeks of scheduled runs on an invented app whose true probabilities are known: does the gate keep the models good?

    .venv/bin/python -m benchmarks.weeks [--users 10000] [--weeks 10] [--drift-week 3] [--trials 8]

The pipeline's own stages run on tables and a registry in memory, with the gate as it is. Beside them stands an oracle
that asks no gate: the same search every week, fitted on every matured cutoff. Per week it prints the verdict, what was
done, the expected log loss of both lists under the true probabilities, their ratio, and how far the published
propensities lie from the truth: mean absolute error, and ECE over twenty parts of equal size.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from datasets import synthetic
from lib import extraction, judging, labels, learning, pipeline
from lib.config import ExtractConfig, PredictConfig, RetrainConfig
from lib.memory_registry import MemoryRegistry
from lib.search import search
from lib.tables import DAILY_ACTIVITY, MemoryTables, arrow_schema
from localrun.bundle import load

ACTION, HORIZON_DAYS = "cook", 14
FIRST_DAYS = 200  # of log before the first run
Floats = npt.NDArray[np.float64]
Config = TypeVar("Config", ExtractConfig, PredictConfig, RetrainConfig)


@dataclass
class Home:
    """What the weekly runs keep."""

    tables: MemoryTables = field(default_factory=MemoryTables)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    retrained: int = 0


def main() -> None:
    """Run the weeks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--drift-week", type=int, help="the run on whose day everybody's taste turns round")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-oracle", action="store_true", help="leave the oracle out")
    options = parser.parse_args()
    log = App(options)
    home = Home()
    home.tables.replace("daily_activity", log.activity(), "1 = 1")
    for week in range(options.weeks):
        as_of = log.first + timedelta(days=7 * week)
        extraction.build(asked(ExtractConfig, options, as_of), home.tables, as_of)
        print(f"{as_of}", end="", flush=True)
        loss = gated_week(home, options, log, as_of)
        if options.no_oracle:
            print(flush=True)
        else:
            print(f"; ours / oracle {loss / oracle_week(home, options, log, as_of):.4f}", flush=True)
    print(f"retrained {home.retrained} times in {options.weeks} weeks")


class App:
    """The log and its truth."""

    def __init__(self, options: argparse.Namespace) -> None:
        days = FIRST_DAYS + 7 * options.weeks + HORIZON_DAYS
        drift = None if options.drift_week is None else FIRST_DAYS + 7 * options.drift_week
        self.world = {"seed": options.seed, "users": options.users, "days": days, "drift_day": drift}
        self.first = synthetic.START + timedelta(days=FIRST_DAYS)

    def activity(self) -> pa.Table:
        """The log as `daily_activity` holds it."""
        events = pa.Table.from_batches(self._batches())
        rows = duckdb.sql(
            "SELECT user_id, event_time::DATE AS day, event_type, event_time::DATE AS known_day, count(*) AS count, "
            "sum(value) AS value, list_sort(list(DISTINCT item_id) FILTER (item_id IS NOT NULL)) AS items "
            "FROM events GROUP BY ALL"
        )
        assert len(events)  # DuckDB reads the local name
        return rows.to_arrow_table().select(list(DAILY_ACTIVITY)).cast(arrow_schema(DAILY_ACTIVITY))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for table in synthetic.generate(**self.world):
            yield from table.to_batches()

    def truth(self, cutoff: date, users: pd.Series) -> Floats:
        """The true probability of each user."""
        asked = {"action": ACTION, "cutoff": cutoff, "horizon_days": HORIZON_DAYS}
        known = synthetic.true_propensity(**self.world, **asked).to_pandas().set_index("user_id")["propensity"]
        return np.asarray(known.reindex(users), float)


def asked(kind: type[Config], options: argparse.Namespace, as_of: date) -> Config:
    """A stage's configuration: the job's own defaults, but for the question and the day."""
    job = load(Path(__file__).parents[1]).job("propensity")
    defaults = {parameter.name: parameter.default for parameter in job.settings.parameters or []}
    given = {
        "schema": "app", "models": "app.models", "experiment": "weeks", "events": "in memory", "run_id": f"run-{as_of}",
        "action": ACTION, "horizon_days": str(HORIZON_DAYS), "as_of": as_of.isoformat(), "resolved_as_of": "",
        "n_trials": str(options.trials), "seed": str(options.seed),
    }  # fmt: skip
    return kind.from_widgets((defaults | given).__getitem__)


def gated_week(home: Home, options: argparse.Namespace, log: App, as_of: date) -> float:
    """Run the job of one week, print how it went, and return the expected log loss of its list."""
    config = asked(RetrainConfig, options, as_of)
    checked = pipeline.train(config, home.tables, home.registry, _silent)
    done = ""
    if checked.verdict.retrain_needed:
        home.retrained += 1
        retrained = pipeline.retrain(config, home.tables, home.registry, _silent)
        done = f", retrained: {'promoted' if retrained.promoted else 'rejected'}"
    pipeline.predict(asked(PredictConfig, options, as_of), home.tables, home.registry, _silent)
    listed = home.tables.query(
        f"SELECT user_id, propensity FROM {{predictions}} WHERE cutoff = DATE '{as_of}' ORDER BY user_id"
    )
    loss = told(f"{checked.verdict.answer}{done}", listed["propensity"].to_numpy(), log.truth(as_of, listed["user_id"]))
    if checked.verdict.answer == "bad":
        print(f" ({' '.join(checked.verdict.reasons)})", end="")
    return loss


def oracle_week(home: Home, options: argparse.Namespace, log: App, as_of: date) -> float:
    """Search, fit on all that has matured, and score: whatever it comes to, it is used."""
    config = asked(RetrainConfig, options, as_of)
    cutoffs = extraction.last_extraction(home.tables, config.question, as_of).cutoffs
    rows, parts = judging.labelled(config, home.tables, cutoffs)
    found = search(rows.at(parts.training), parts.training, config, as_of, say=_silent)
    pair = learning.fitted(rows, found.params, config.question, parts.holdout[0], config.seed)
    cohort = home.tables.query(f"SELECT * FROM ({labels.cohort(config.question, [as_of])}) c ORDER BY user_id")
    return told("  oracle", pair.score(cohort), log.truth(as_of, cohort["user_id"]))


def told(name: str, scores: Floats, truth: Floats) -> float:
    """Print how far scores lie from the truth; returns their expected log loss under it."""
    loss = float(np.mean(-truth * np.log(scores) - (1 - truth) * np.log1p(-scores)))
    error, ece = np.mean(np.abs(scores - truth)), _ece(scores, truth)
    print(f"  {name}; log loss {loss:.4f}, mean abs error {error:.4f}, ECE {ece:.4f}", end="", flush=True)
    return loss


def _ece(scores: Floats, truth: Floats) -> float:
    parts = np.array_split(np.argsort(scores, kind="stable"), 20)
    return float(sum(len(part) * abs(scores[part].mean() - truth[part].mean()) for part in parts) / len(scores))


def _silent(_: str) -> None:
    """The stages' progress is not what is looked at here."""


if __name__ == "__main__":
    main()
