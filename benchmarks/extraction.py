"""Extraction beside DuckDB: the same columns, from the same files, in the same run, both warm.

    .venv/bin/python -m benchmarks.extraction [--users 200000] [--days 120] [--rounds 3] [--order time] [--home DIR]

Prints seconds and ratios; that both compute the same numbers is checked first. The log lies in the order of its
events, as one that has grown day by day does; `--order user` leaves it as it was drawn, user by user: the worst case
for a day's read, which then meets every part of the files.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
from deltalake import write_deltalake

from benchmarks.journey import widgets
from benchmarks.reference import features_sql
from datasets import synthetic
from datasets.files import write_once
from lib.config.stages import ExtractConfig
from lib.features import extraction
from lib.features import ingest as ingest_rules
from lib.features.vocabulary import Vocabulary, choose_vocabulary, feature_columns
from lib.tables.delta import DeltaTables
from localrun.spark.server import SparkServer
from localrun.spark.session import session

SCHEMA = "spark_catalog.propensity"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--order", choices=("time", "user"), default="time")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "propensity-benchmark")
    options = parser.parse_args()
    shutil.rmtree(options.home / "warehouse", ignore_errors=True)
    options.home.mkdir(parents=True, exist_ok=True)
    source = synthetic.write(options.home / "sources", users=options.users, days=options.days)
    if options.order == "time":
        source = sort_by_time(source)
    with SparkServer(options.home, ["propensity"], options.home / "spark.log", reads=source) as server:
        server.wait_ready()
        with session(server.url) as spark:
            cutoff = synthetic.START + timedelta(days=options.days - 1)
            Bench(DeltaTables(spark, SCHEMA), source, cutoff).run(options.rounds)


def sort_by_time(drawn: Path) -> Path:
    """Lay the same rows down in the order of their times."""

    def fill(draft: Path) -> None:
        rows = duckdb.connect().sql(f"SELECT * FROM '{drawn}/*.parquet' ORDER BY event_time")
        write_deltalake(draft, rows.to_arrow_reader())

    return write_once(drawn.with_name(f"{drawn.name}-by-time"), fill)


class Bench:
    """One log, one cutoff, two engines."""

    def __init__(self, tables: DeltaTables, source: Path, cutoff: date) -> None:
        self.tables, self.source, self.cutoff = tables, source, cutoff
        self.files = f"{source}/**/*.parquet"
        self.duck = duckdb.connect()

    def run(self, rounds: int) -> None:
        """Measure in turn, so that a slow minute of the machine meets both; the first round only warms up."""
        total = self.duck.execute(f"SELECT count(*) FROM '{self.files}'").fetchall()[0][0]
        print(f"{total:,} events, cutoff {self.cutoff}")
        seconds: dict[str, list[float]] = {}
        for turn in range(rounds + 1):
            for name, step in (
                ("duckdb, raw events to features", self.reference),
                ("ours, raw events to daily_activity", self.ingest_all),
                ("ours, one new day", partial(self.ingest, self.cutoff + timedelta(days=1))),
                ("ours, daily_activity to features", partial(self.features, 1)),
                ("ours, the same for 12 cutoffs", partial(self.features, 12)),
            ):
                took = _seconds(step)
                if turn:
                    seconds.setdefault(name, []).append(took)
            if not turn:
                self.compare()
        middle = {name: statistics.median(runs) for name, runs in seconds.items()}
        for name, runs in seconds.items():
            print(f"{name:36} {middle[name]:7.1f} s   ({min(runs):.1f} to {max(runs):.1f})")
        duck, daily, day, one, twelve = middle.values()
        print(f"raw events to features, ours / duckdb       {(daily + one) / duck:5.2f}   (at most 3 wanted)")
        print(f"daily_activity to features, ours / duckdb   {one / duck:5.2f}   (at most 1 wanted)")
        print(f"twelve cutoffs / one                        {twelve / one:5.2f}   (at most 3 wanted)")
        print(f"one new day / all days                      {day / daily:5.2f}   (at most 0.1 wanted)")

    def ingest_all(self) -> None:
        """Build daily_activity anew."""
        for name in ("daily_activity", "features"):
            self.tables.spark.sql(f"DROP TABLE IF EXISTS {self.tables.full_name(name)}")
        self.ingest(self.cutoff)

    def ingest(self, as_of: date) -> None:
        """Bring daily_activity up to a day."""
        values = widgets(schema=SCHEMA, events=self.source, as_of=as_of, action="cook", horizon_days=14)
        ingest_rules.ingest(ExtractConfig.from_widgets(values.__getitem__), self.tables)

    def features(self, cutoffs: int) -> None:
        """Build and write the features of the newest cutoffs."""
        self.tables.spark.sql(f"DROP TABLE IF EXISTS {self.tables.full_name('features')}")
        extraction.write_features(self.tables, self.plan(cutoffs))

    def plan(self, cutoffs: int) -> dict[date, Vocabulary]:
        """The newest weekly cutoffs with what they know."""
        first_seen = extraction.read_first_seen(self.tables, self.cutoff)
        days = [self.cutoff - timedelta(days=7 * step) for step in range(cutoffs)]
        return {day: choose_vocabulary(first_seen, day, 24) for day in days}

    def reference(self) -> None:
        """Let DuckDB compute the same columns and write them as Parquet."""
        sql = features_sql(self.files, self.cutoff, synthetic.START)
        self.duck.execute(f"COPY ({sql}) TO '{self.source.parent / 'reference.parquet'}'")

    def compare(self) -> None:
        """Refuse to time two things that differ."""
        ours = self.tables.query(f"SELECT * FROM {{features}} WHERE cutoff = DATE '{self.cutoff}' ORDER BY user_id")
        theirs = self.duck.sql(f"SELECT * FROM '{self.source.parent / 'reference.parquet'}' ORDER BY user_id").df()
        assert list(ours["user_id"]) == list(theirs["user_id"])
        names = feature_columns(self.plan(1)[self.cutoff])
        for name in names:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-4, err_msg=name)
        print(f"{len(ours):,} users x {len(names)} columns, equal in both")


def _seconds(step: Callable[[], None]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
