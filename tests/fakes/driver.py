"""Stands for a cluster's driver: one process, its working directory elsewhere, with a session and widgets of its own.

    python tests/fakes/driver.py FILES SPARK RUNS TABLES    runs the job of this bundle

FILES is a folder laid out as a deployment lays it out, SPARK the address of a Spark Connect server or a folder for the
tables of a classic session, RUNS a JSON array of job parameters, one object a run, TABLES a JSON object: the name of a
table that is there before, and the Parquet file of its rows. Prints the tasks' states of each run as JSON.
"""

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))  # for localrun; what the notebooks import must come from FILES all the same

from localrun.bundle.bundle import load_bundle
from localrun.notebook.dbutils import DBUtils, Notebook, TaskValues, Widgets
from localrun.notebook.execution import NotebookResult
from localrun.notebook.source import to_ipynb
from localrun.platform.rules import select_tasks
from localrun.run.job import job_parameters, run_job
from localrun.run.machine import Machine
from localrun.run.record import JobRun, new_tasks
from localrun.spark.java import delta_jars, find_java
from localrun.spark.session import connect
from tests.fakes import names

# A wheel's Java lacks one module that Spark's launcher asks for and does not need.
JAVA = """#!/bin/sh
for word; do
    shift
    [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"
done
exec {program} "$@"
"""


def main(files: Path, spark_at: str, runs: str, tables: str) -> None:
    spark = connect(spark_at, default=True) if spark_at.startswith("sc:") else classic(Path(spark_at))
    sys.stdout, out = sys.stderr, sys.stdout  # notebooks print too
    asked, there = json.loads(runs), json.loads(tables)
    with names.as_in_a_workspace(spark):
        for schema in {each["schema"]: None for each in asked} | {name.rpartition(".")[0]: None for name in there}:
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {names.quote(schema)}")
        for name, file in there.items():
            spark.read.parquet(file).write.format("delta").saveAsTable(names.quote(name))
        states = [run(files, spark, each) for each in asked]
    ended = {"spark": type(spark).__module__, "lib": sys.modules["lib"].__file__, "runs": states}
    print(json.dumps(ended), file=out)


def classic(folder: Path) -> Any:
    """A session of the kind that a classic cluster gives its notebooks."""
    from pyspark.sql import SparkSession

    home = Path(tempfile.mkdtemp(dir=folder), "bin")
    home.mkdir()
    (home / "java").write_text(JAVA.format(program=find_java().program))
    (home / "java").chmod(0o755)
    os.environ |= {"JAVA_HOME": str(home.parent), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    builder = SparkSession.builder.master("local[2]").config(map={
        "spark.jars": ",".join(map(str, delta_jars())),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str(folder),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "3",  # other than the server's: no result may hang on it
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 "  # a short life
        "-XX:ReservedCodeCacheSize=160m",  # one compiler alone is given less than the job fills
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    })  # fmt: skip
    return builder.getOrCreate()


def run(files: Path, spark: Any, given: dict[str, str]) -> dict[str, str]:
    """The whole job by the local runner's rules, its notebooks in this process."""
    job = load_bundle(PROJECT).job("propensity")
    start = datetime.now(UTC)
    parameters = job_parameters(job, given | {"bundle_root": str(files)}, f"{start:%H%M%S%f}", start)
    record = JobRun(
        run_id=parameters["run_id"], job=job.key, target="dev", started=start.isoformat(), changed=[],
        parameters=parameters, tasks=new_tasks(job, select_tasks(job.settings.tasks or [], None)),
    )  # fmt: skip

    def play(path: Path, **asked: Any) -> NotebookResult:
        return notebook(files / "notebooks" / path.name, spark, **asked)

    run_job(job, record, Machine(
        run_notebook=play, folder=Path.cwd(), spark_url="", environment={}, stop=lambda: None,
        changed=lambda _: None, line=lambda *said: print(*said, file=sys.stderr),
    ))  # fmt: skip
    return {key: str(task.state) for key, task in record.tasks.items()}


def notebook(path: Path, spark: Any, *, parameters: Any, upstream_values: Any, **_: Any) -> NotebookResult:
    """A notebook's cells, one after the other, in a namespace of their own."""
    values: dict[str, Any] = {}
    dbutils = DBUtils(Widgets(parameters), TaskValues(upstream_values, values.__setitem__), Notebook(lambda *_: None))
    namespace = {"spark": spark, "dbutils": dbutils, "display": lambda *_: None, "displayHTML": lambda _: None}
    for cell in to_ipynb(path).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, path.name, "exec"), namespace)
    return NotebookResult(
        state="SUCCESS", error=None, operator_error=False, seconds=0, exit_value=None, task_values=values, html=path
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
