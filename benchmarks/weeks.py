"""Weeks of scheduled runs on an invented app whose true probabilities are known: does the gate keep the models good?

    .venv/bin/python -m benchmarks.weeks [--users 10000] [--weeks 10] [--drift-week 3] [--trials 8]

The pipeline's own stages run on tables and a registry in memory, once with the gate as it is and once as an oracle that
searches anew every week and fits on every matured cutoff. Per week it prints the verdict, what was done, the expected
log loss of both lists under the true probabilities, their ratio, and how far the published propensities lie from the
truth: mean absolute error, and ECE over twenty parts of equal size. Nothing in it is timed against anything.
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
from lib import extraction, pipeline
from lib.config import ExtractConfig, PredictConfig, RetrainConfig
from lib.memory_registry import MemoryRegistry
from lib.tables import DAILY_ACTIVITY, MemoryTables, arrow_schema
from localrun.bundle import load

ACTION, HORIZON_DAYS = "cook", 14
FIRST_DAYS = 200  # of log before the first run
Floats = npt.NDArray[np.float64]
Config = TypeVar("Config", ExtractConfig, PredictConfig, RetrainConfig)


@dataclass
class Policy:
    """One way to look after the models, and what it has come to."""

    name: str
    always: bool  # retrain every week whatever the verdict, and use the new pair
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
    policies = [Policy("gate", always=False)] + ([] if options.no_oracle else [Policy("oracle", always=True)])
    features = MemoryTables()
    features.replace("daily_activity", log.activity(), "1 = 1")
    for week in range(options.weeks):
        as_of = log.first + timedelta(days=7 * week)
        extraction.build(asked(ExtractConfig, options, as_of), features, as_of)
        print(f"{as_of}", end="", flush=True)
        losses = []
        for policy in policies:
            policy.tables.stored |= features.stored
            policy.tables.properties |= features.properties
            losses.append(one_week(policy, options, log, as_of))
        print(f"  gate / oracle {losses[0] / losses[-1]:.4f}" if len(losses) > 1 else "", flush=True)
    print(", ".join(f"{policy.name}: retrained {policy.retrained} times" for policy in policies))


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


def one_week(policy: Policy, options: argparse.Namespace, log: App, as_of: date) -> float:
    """Run the job of one week, print how it went, and return the expected log loss of its list."""
    config = asked(RetrainConfig, options, as_of)
    if policy.always:
        policy.registry = MemoryRegistry()  # nothing to beat: whatever the search finds is fitted on all and used
    checked = pipeline.train(config, policy.tables, policy.registry, _silent)
    done = ""
    if checked.verdict.retrain_needed:
        policy.retrained += 1
        retrained = pipeline.retrain(config, policy.tables, policy.registry, _silent)
        done = f", retrained: {'promoted' if retrained.promoted else 'rejected'}"
    pipeline.predict(asked(PredictConfig, options, as_of), policy.tables, policy.registry, _silent)
    listed = policy.tables.query(
        f"SELECT user_id, propensity FROM {{predictions}} WHERE cutoff = DATE '{as_of}' ORDER BY user_id"
    )
    scores, truth = listed["propensity"].to_numpy(), log.truth(as_of, listed["user_id"])
    loss = float(np.mean(-truth * np.log(scores) - (1 - truth) * np.log1p(-scores)))
    print(
        f"  {policy.name}: {checked.verdict.answer}{done}; log loss {loss:.4f}, "
        f"mean abs error {np.mean(np.abs(scores - truth)):.4f}, ECE {_ece(scores, truth):.4f}", end="", flush=True,
    )  # fmt: skip
    if checked.verdict.answer == "bad":
        print(f" ({'; '.join(checked.verdict.reasons)})", end="")
    return loss


def _ece(scores: Floats, truth: Floats) -> float:
    parts = np.array_split(np.argsort(scores, kind="stable"), 20)
    return float(sum(len(part) * abs(scores[part].mean() - truth[part].mean()) for part in parts) / len(scores))


def _silent(_: str) -> None:
    """The stages' progress is not what is looked at here."""


if __name__ == "__main__":
    main()
