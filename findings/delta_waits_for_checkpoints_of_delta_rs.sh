#!/usr/bin/env bash
# Delta 4.4.0 waits three seconds at each look at a local table whose checkpoint delta-rs 1.6.6 wrote after one of Spark's.
#
# Hadoop's local file system writes `._last_checkpoint.crc` beside `_last_checkpoint`, and checks it when it reads. delta-rs
# writes `_last_checkpoint` anew and leaves that file as it is. Delta then takes `_last_checkpoint` for a file that is being
# written, says so in a warning, tries three times, waits for a second after each, and reads the log without a checkpoint. The
# rows are right. Without `._last_checkpoint.crc` there is no wait.
# https://github.com/delta-io/delta/blob/master/spark/src/main/scala/org/apache/spark/sql/delta/Checkpoints.scala
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0 delta-spark==4.4.0 deltalake==1.6.6 pandas pyarrow
"$folder/env/bin/python" - "$folder/table" <<'PYTHON'
import sys
import time
from pathlib import Path

import deltalake
import pyspark
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

place = Path(sys.argv[1])
builder = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
)
spark = configure_spark_with_delta_pip(builder).getOrCreate()
for number in range(12):  # Spark writes a checkpoint for version 10
    spark.range(number, number + 1).write.format("delta").mode("append").save(str(place))
checksum = place / "_delta_log" / "._last_checkpoint.crc"
assert checksum.exists()


def look():
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # as a session that has not seen the table
    began = time.perf_counter()
    table = spark.read.format("delta").load(str(place))
    return time.perf_counter() - began, table.count()


look()  # what Spark does for the first time takes longer
deltalake.DeltaTable(place).create_checkpoint()
waited, rows = look()
assert checksum.exists()
checksum.unlink()
at_once, again = look()
spark.stop()
print(
    f"pyspark {pyspark.__version__}, deltalake {deltalake.__version__}: {rows} rows in {waited:.1f} s beside the "
    f"checksum of another file, {again} in {at_once:.1f} s without it"
)
assert rows == again == 12 and waited > at_once + 1.5, "this has changed"
PYTHON
