#!/usr/bin/env bash
# Spark 4.2.0 refuses to read a CSV file in cp1252, which Java itself can read and spreadsheets write.
#
# The option `encoding` of CSV takes ISO-8859-1, US-ASCII and the UTF forms only; any other charset is refused with
# INVALID_PARAMETER_VALUE.CHARSET before a byte is read. A file of one byte a character can be read as ISO-8859-1, which
# loses nothing, and its letters be put in their place by translate() afterwards.
# https://spark.apache.org/docs/4.2.0/sql-data-sources-csv.html (option encoding)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0
"$folder/env/bin/python" - "$folder/prices.csv" <<'PYTHON'
import sys

import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

with open(sys.argv[1], "wb") as file:
    file.write("price\n5 €\n".encode("cp1252"))
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
try:
    spark.read.csv(sys.argv[1], header=True, encoding="cp1252").collect()
    condition = "none"
except PySparkException as error:
    condition = error.getCondition()
high = bytes(range(128, 256))
column = F.translate("price", high.decode("latin-1"), high.decode("cp1252", "replace"))
(row,) = spark.read.csv(sys.argv[1], header=True, encoding="ISO-8859-1").select(column.alias("price")).collect()
spark.stop()
print(f"pyspark {pyspark.__version__}: encoding=cp1252 raises {condition}; by ISO-8859-1 and translate(): {row.price}")
assert (condition, row.price) == ("INVALID_PARAMETER_VALUE.CHARSET", "5 €"), "this has changed"
PYTHON
