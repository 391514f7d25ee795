#!/usr/bin/env bash
# Spark 4.2.0: 7.5 as DECIMAL(2,1) is equal to 8 as DECIMAL(38,0).
#
# Both are brought to one type before they are compared. It would need 39 digits; Spark keeps 38 and gives up the one
# behind the point, so 7.5 is rounded to 8 first. Whoever tells whole numbers by comparing a decimal with its own whole
# part as DECIMAL(38,0) takes 7.5 for one. Floor is a way out: its type is no wider than it must be.
# https://spark.apache.org/docs/4.2.0/sql-ref-ansi-compliance.html (least common type)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0
"$folder/env/bin/python" - <<'PYTHON'
import pyspark
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
row = spark.sql(
    "SELECT x = CAST(x AS DECIMAL(38, 0)) AS by_cast, x = FLOOR(x) AS by_floor FROM VALUES (CAST(7.5 AS DECIMAL(2, 1))) AS t(x)"
).first()
spark.stop()
print(f"pyspark {pyspark.__version__}: 7.5 = CAST(7.5 AS DECIMAL(38, 0)) is {row.by_cast}, 7.5 = FLOOR(7.5) is {row.by_floor}")
assert (row.by_cast, row.by_floor) == (True, False), "this has changed"
PYTHON
