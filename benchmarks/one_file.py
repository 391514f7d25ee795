"""One large plain CSV: on how many cores it is read, from the look over its lines to the sums by day.

    .venv/bin/python -m benchmarks.one_file [--gigabytes 4]

A plain CSV stays in blocks, which all cores read at once. Printed are the tasks that met rows, and for each step wall
and CPU seconds: on an idle machine of two cores CPU is nearly twice the wall where both work.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.drawn_log import END, draw_log
from benchmarks.read_once import cpu_seconds
from lib.features import counting
from lib.features.log import Log, Source
from lib.features.source import Reading
from lib.sources.opening import open_source
from lib.sources.part import FILE
from localrun.spark.server import SparkServer
from localrun.spark.session import session

BYTES_OF_A_ROW = 56


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=4)
    options = parser.parse_args()
    rows = int(options.gigabytes * 1e9 / BYTES_OF_A_ROW)
    with tempfile.TemporaryDirectory(prefix="propensity-one-file-") as folder:
        home = Path(folder)
        file = draw_log(home / "events.csv", rows, rows // 100)
        print(f"{rows:,} rows, {file.stat().st_size / 1e9:.2f} GB, {os.cpu_count()} cores", flush=True)
        with SparkServer(home, ["propensity"], home / "spark.log", reads=file) as server:
            server.wait_ready()
            with session(server.url) as spark:
                from pyspark.sql import functions as F

                parts = report("looked over", lambda: open_source(spark, str(file)))
                log = Log.of([Source(str(file), parts, Reading())], {}, anew=False)
                looked_at = counting.look_at(log, None, END)
                counted = report("counted", lambda: counting.count_days(looked_at, None, ["order"], tolerant=False))
                assert sum(row["n"] for row in counted) == rows
                tasks = parts[0].frame.select(FILE).groupBy(F.spark_partition_id()).count()
                met = sorted(row["count"] for row in report("found tasks", tasks.collect))
                print(f"{len(met)} tasks met rows, {met[0]:,} to {met[-1]:,} each")


def report(what: str, step: Callable[[], Any]) -> Any:
    """Say how long a step took, in seconds of the clock and of all cores."""
    began, before = time.perf_counter(), cpu_seconds()
    made = step()
    wall, cpu = time.perf_counter() - began, cpu_seconds() - before
    print(f"{what:12} {wall:6.1f} s, {cpu:6.1f} CPU s: {cpu / wall:.2f} cores", flush=True)
    return made


if __name__ == "__main__":
    main()
