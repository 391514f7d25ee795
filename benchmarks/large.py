"""Training on many rows: seconds and memory of the sample, the search and the fits, from rows made in memory.

    .venv/bin/python -m benchmarks.large [--rows 5000000] [--features 60] [--cap 1000000] [--trials 30]

The tables' twin in memory stands in for Spark, so the rows themselves are part of the memory that is printed.
"""

import argparse
import resource
import time
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from benchmarks.journey import widgets
from lib.config.question import Question
from lib.config.stages import RetrainConfig
from lib.features.cache import EXTRACTION
from lib.features.extraction import Extraction
from lib.features.vocabulary import features_schema
from lib.stages import champion
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from lib.timeline import Cutoffs
from lib.training import comparison
from lib.training.search import search

AS_OF = date(2024, 6, 3)
HORIZON = 7
CUTOFFS = 10  # training cutoffs and the holdout
NAMED = ("recency", "tenure", "events_7", "events_28", "buy__recency", "buy__events_90")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--cap", type=int, default=1_000_000)
    parser.add_argument("--trials", type=int, default=30)
    options = parser.parse_args()
    values = widgets(action="buy", horizon_days=HORIZON, n_trials=options.trials, max_training_rows=options.cap)
    config = RetrainConfig.from_widgets(values.__getitem__)
    clock = Clock()
    tables, cutoffs = make_rows(config.question, options.rows // CUTOFFS, options.features)
    clock.report(f"made {options.rows:,} rows of {options.features} features")
    rows, parts = champion.read_labelled(config, tables, cutoffs)
    clock.report(f"read {len(rows):,} rows, {rows.positives:,} positive")
    training = rows.at(parts.training)
    result = search(training, parts.training, config, AS_OF, say=lambda _: None)
    clock.report(f"searched, {len(result.trials)} trials, {sum(t.pruned for t in result.trials)} pruned")
    trained = comparison.fit_and_compare(
        rows, parts, result.params, config.question, None, False, config.thresholds, config.seed
    )
    clock.report(f"fitted {trained.pair.params['family']} and judged it: {trained.quality.metrics['log_loss']}")
    comparison.refit(rows, parts, trained, config.question, config.seed)
    clock.report("fitted once more, through the holdout")


class Clock:
    """Says how long each step took, and the most memory so far."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def report(self, what: str) -> None:
        """Print one step."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{time.perf_counter() - self.last:7.1f} s  {peak:5.1f} GiB at most  {what}", flush=True)
        self.last = time.perf_counter()


def make_rows(question: Question, users: int, n_features: int) -> tuple[MemoryTables, Cutoffs]:
    """Features at all cutoffs, and buys in their horizons by who is keen."""
    rng = np.random.default_rng(0)
    keen = rng.normal(size=users).astype(np.float32)
    names = [*NAMED, *(f"kind{n}__events_28" for n in range(n_features - len(NAMED)))]
    ids = pa.array([f"user-{n:08d}" for n in range(users)])
    matured = tuple(AS_OF - timedelta(days=HORIZON * (1 + n)) for n in range(CUTOFFS))
    features, buys = [], []
    for cutoff in matured:
        counts = {name: rng.poisson(np.exp(keen + rng.normal() - 1)).astype(np.float32) for name in names}
        counts["recency"] = np.minimum(rng.exponential(20 * np.exp(-keen)) + 1, 90).astype(np.float32)
        counts["buy__recency"] = np.minimum(rng.exponential(60 * np.exp(-keen)) + 1, 365).astype(np.float32)
        keys = [ids, pa.array([cutoff] * users, pa.date32())]
        features.append(pa.table([*keys, *(pa.array(counts[name]) for name in names)], schema=features_schema(names)))
        acted = ids.filter(pa.array(rng.random(users) < 1 / (1 + np.exp(3.5 - 1.2 * keen))))
        n = len(acted)
        days = [pa.array([cutoff] * n, pa.date32())] * 2
        columns = [acted, days[0], pa.array(["buy"] * n), days[1], pa.array(np.ones(n, np.int64))]
        columns += [pa.nulls(n, pa.float64()), pa.nulls(n, pa.list_(pa.string()))]
        buys.append(pa.table(columns, schema=arrow_schema(DAILY_ACTIVITY)))
    tables = MemoryTables()
    tables.stored = {"features": pa.concat_tables(features), "daily_activity": pa.concat_tables(buys)}
    cutoffs = Cutoffs(AS_OF, matured, matured[1:])
    tables.set_property("features", EXTRACTION, Extraction(question.slug, cutoffs).to_json())
    return tables, cutoffs


if __name__ == "__main__":
    main()
