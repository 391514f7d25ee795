"""What Java and Spark are started with."""

import os
from pathlib import Path

# What Spark reaches into, in words of its own launcher.
OPEN = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs"),
    *("sun.security.action", "sun.util.calendar"),
)
# Most of Spark's code runs a few times in a job of minutes: the second compiler waits for what is really hot,
# which saves a fifth of the CPU of a small run and costs a query over 20 million rows nothing.
COMPILE_LATER = (
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=20000",
    "-XX:Tier4CompileThreshold=300000",
    "-XX:Tier4BackEdgeThreshold=200000",
)
# Over little data nearly all of it runs a few times only: what the first compiler makes, at once and without counting
# for a second one, takes a third less CPU than both. Over much data the second one is worth its while.
COMPILE_ONCE = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m")  # by default it has a fifth, and sweeps it
SMALL_BYTES = 64 * 2**20  # on disk, of all that lies there to be read: some millions of events
FIRST_BYTES = 16 * 2**20  # of events of which all are read, and not the newest alone: some two millions
# Ends Java, and clears up, when its standard input closes: that happens however its starter ends.
GUARD = """
scratch=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & java=$!
( read -r _ <&3; kill $java ) &
wait $java
kill $!
rm -rf "$scratch"
"""


def is_little(tables: Path, *events: Path) -> bool:
    """Whether there is little to read in a home's tables and in events, of which a first run reads all.

    What is not there may be of any size.
    """
    is_first = not any(tables.glob("*/daily_activity"))
    return _is_within(SMALL_BYTES, tables, *events) and (not is_first or _is_within(FIRST_BYTES, *events))


def _is_within(most: int, *data: Path) -> bool:
    left = most
    for path in data:
        if not path.exists():
            return False
        for file in path.rglob("*") if path.is_dir() else [path]:
            left -= file.stat().st_size if file.is_file() else 0
            if left < 0:
                return False
    return True


CONF = {
    "spark.master": "local[*]",
    "spark.app.name": "propensity",
    "spark.ui.enabled": "false",
    "spark.log.level": "WARN",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.authenticate": "true",  # for Spark's other ports, with a secret that it makes itself and tells nobody
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",  # as on serverless compute, like the next
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    # Of much data each part is to be sorted in memory; small parts are put together again, up to 64 MB.
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum": "64",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",  # else VACUUM has 10,000 tasks
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # After 128 groups a hash table of lists is given up for a sort of its own kind: the sort that is planned without it
    # sums up eight million events in a fifth to a third less CPU time.
    "spark.sql.execution.useObjectHashAggregateExec": "false",
}
# Over little data a task costs more than what it does: each makes its own code, and lets Python import all that it
# needs. Only what is computed for all users, after a shuffle, is worth all cores.
FEW_TASKS = {
    "spark.sql.shuffle.partitions": str(min(4, os.cpu_count() or 1)),
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum": str(min(4, os.cpu_count() or 1)),
    "spark.sql.files.minPartitionNum": "1",
    "spark.sql.files.maxPartitionBytes": "8m",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
}
