"""Memory of the workers that compute features: the most that each Python process of Spark's holds, once a second.

    .venv/bin/python -m benchmarks.workers [--users 100000] [--rows 8000000] [--types 20] [--heavy 400000]

Days of a year are drawn as `daily_activity` has them, and beside them one user with `--heavy` rows, of 2,000 event
types that share the columns of `other`. The session is the one that a run has; nothing is set for the benchmark.
"""

import argparse
import shutil
import tempfile
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import psutil
from deltalake import write_deltalake

from benchmarks.programs import is_worker
from lib.features import extraction
from lib.features.vocabulary import choose_vocabulary
from lib.tables.delta import DeltaTables
from localrun.spark.server import SparkServer
from localrun.spark.session import session

SCHEMA, START, DAYS = "propensity", date(2024, 1, 1), 365
AS_OF = START + timedelta(days=DAYS)
HEAVY_TYPES = 2_000
DRAWN = """
SELECT user_id, DATE '2024-01-01' + day AS day, event_type, DATE '2024-01-01' + day AS known_day,
       CAST(1 + hash(day, event_type, user_id) % 4 AS BIGINT) AS count,
       CASE WHEN event_type = 'buy' THEN CAST(hash(user_id, day) % 10000 AS DOUBLE) / 100 END AS value,
       ['item ' || hash(day, user_id) % 5000] AS items
FROM (
    SELECT DISTINCT 'user-' || lpad(CAST(CAST(floor({users} * pow(random(), 1.5)) AS INT) AS VARCHAR), 8, '0')
        AS user_id, CAST(floor({days} * random()) AS INT) AS day,
        CASE WHEN random() < 0.1 THEN 'buy' ELSE 'kind ' || CAST(floor({types} * pow(random(), 2)) AS INT) END
        AS event_type
    FROM range({rows})
    UNION ALL
    SELECT 'robot' AS user_id, CAST(range // {heavy_types} % {days} AS INT), 'odd ' || range % {heavy_types}
    FROM range({heavy})
)
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--types", type=int, default=20)
    parser.add_argument("--cutoffs", type=int, default=12)
    parser.add_argument("--heavy", type=int, default=400_000)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="propensity-workers-"))
    try:
        draw(home / "warehouse" / SCHEMA / "daily_activity", options)
        with SparkServer(home, [SCHEMA], home / "spark.log") as server:
            server.wait_ready()
            with session(server.url) as spark:
                measure(DeltaTables(spark, f"spark_catalog.{SCHEMA}"), options.cutoffs)
    finally:
        shutil.rmtree(home)


def draw(folder: Path, options: argparse.Namespace) -> None:
    """Write the activity."""
    engine = duckdb.connect()
    engine.execute("SET threads = 1")
    engine.execute("SELECT setseed(0)").fetchall()
    sql = DRAWN.format(days=DAYS, heavy_types=HEAVY_TYPES, **vars(options))
    write_deltalake(folder, engine.sql(sql).to_arrow_reader())


def measure(tables: DeltaTables, cutoffs: int) -> None:
    """Compute the features of the newest weekly cutoffs, and say what that took."""
    first_seen = extraction.read_first_seen(tables, AS_OF)
    days = [AS_OF - timedelta(days=7 * step) for step in range(cutoffs)]
    plan = {day: choose_vocabulary(first_seen, day, 24, ("buy",)) for day in days}
    total = tables.query("SELECT COUNT(*) AS n, COUNT(DISTINCT user_id) AS users FROM {daily_activity}")
    watch, began = Watch(), time.perf_counter()
    watch.start()
    extraction.write_features(tables, plan)
    watch.done.set()
    watch.join()
    seconds = time.perf_counter() - began
    made = tables.query("SELECT COUNT(*) AS n FROM {features}")["n"].iloc[0]
    print(
        f"{total['n'].iloc[0]:,} rows of {total['users'].iloc[0]:,} users: {made:,} rows of features, {seconds:.1f} s"
    )
    for pid, size in sorted(watch.peaks.items(), key=lambda one: -one[1]):
        print(f"worker {pid}: at most {size / 2**20:,.0f} MiB resident")


class Watch(threading.Thread):
    """Samples the memory of Spark's Python processes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[int, int] = {}
        self.done = threading.Event()

    def run(self) -> None:
        """Look once a second."""
        while not self.done.wait(1):
            for process in psutil.Process().children(recursive=True):
                try:
                    if is_worker(process):
                        size = process.memory_info().rss
                        self.peaks[process.pid] = max(size, self.peaks.get(process.pid, 0))
                except psutil.Error:
                    continue


if __name__ == "__main__":
    main()
