"""Read a log into `daily_activity` by the code that PYTHONPATH names, and print what that took, as JSON.

`benchmarks/reading.py` starts this file for builds of then and now, whose modules have other names. The same reading of
a small log comes first, so that what is compiled and loaded once does not count.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

SCHEMA = "propensity"
PLACES = {  # what is asked for, and where it is now, or was before rooms were made
    "server": (("localrun.spark.server", "SparkServer"), ("localrun.spark", "SparkServer")),
    "tables": (("lib.tables.delta", "DeltaTables"), ("lib.tables", "DeltaTables")),
    "config": (("lib.config.stages", "ExtractConfig"), ("lib.config", "ExtractConfig")),
    "ingest": (("lib.features.ingest", "ingest"), ("lib.extraction", "ingest")),
    "session": (("localrun.spark.session", "session"), ("benchmarks.journey", "widgets")),
}


def main(home: Path, as_of: str, sources: list[str]) -> None:
    """Read each source into an empty table; the last reading counts."""
    build = {name: load(places) for name, places in PLACES.items()}
    start, is_now = build["server"]
    told = {"reads": Path(sources[-1])} if is_now else {}  # by which a server is made for much or for little
    with start(home, [SCHEMA], home / "spark.log", **told) as server:
        server.wait_ready()
        if build["session"][1]:  # of now, which hands out its own token
            with build["session"][0](server.url) as spark:
                spent = [read(build, spark, source, as_of) for source in sources]
        else:
            spark = import_module("pyspark.sql").SparkSession.builder.remote(server.url).getOrCreate()
            spent = [read(build, spark, source, as_of) for source in sources]
            spark.stop()
    print(json.dumps(spent[-1]))


def load(places: tuple[tuple[str, str], ...]) -> tuple[Any, bool]:
    """A name of the build, and whether it is where it is now."""
    for place, (module, name) in enumerate(places):
        try:
            return getattr(import_module(module), name), place == 0
        except ImportError:
            if place:
                raise
    raise AssertionError(places)


def read(build: dict[str, tuple[Any, bool]], spark: Any, source: str, as_of: str) -> dict[str, float | str]:
    """Read one source: seconds, CPU seconds of this process and all below it, and what was read."""
    tables = build["tables"][0](spark, f"spark_catalog.{SCHEMA}")
    for name in ("features", "daily_activity"):
        spark.sql(f"DROP TABLE IF EXISTS {tables.full_name(name)}")
    widgets = import_module("benchmarks.journey").widgets
    values = widgets(schema=f"spark_catalog.{SCHEMA}", events=source, as_of=as_of, action="order", horizon_days=28)
    config = build["config"][0].from_widgets(values.__getitem__)
    began, before = time.perf_counter(), cpu_seconds()
    build["ingest"][0](config, tables)
    wall, cpu = time.perf_counter() - began, cpu_seconds() - before
    sums = "COUNT(*) AS n, SUM(count) AS events, SUM(value) AS value, SUM(SIZE(items)) AS items, MAX(day) AS day"
    (row,) = spark.sql(f"SELECT {sums} FROM {tables.full_name('daily_activity')}").collect()
    return {"wall": wall, "cpu": cpu, "read": f"{row.n} {row.events} {row.value:.2f} {row['items']} {row.day}"}


def cpu_seconds() -> float:
    """CPU seconds of this process and of all that it started, those that have ended included."""
    this = psutil.Process()
    times = [process.cpu_times() for process in (this, *this.children(recursive=True)) if process.is_running()]
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
