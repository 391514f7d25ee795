"""Texts that are times: a look reads those that Spark reads, as the time that Spark sees in them."""

import duckdb
import pytest

from lib.looking.columns import read_time_sql

READ = {
    "2024-06-01": "2024-06-01 00:00:00", "2024-6-1 3": "2024-06-01 03:00:00", "2024-06-01T10": "2024-06-01 10:00:00",
    "2024-06-01T10:00Z": "2024-06-01 10:00:00", "2024-06-01 10:00 +02:00": "2024-06-01 08:00:00",
    "2024-06-01 23:00:00 -0500": "2024-06-02 04:00:00", "2024-06-01 10:00:00UTC+2:30": "2024-06-01 07:30:00",
    "2024-06-01 10:00:00+2": "2024-06-01 08:00:00", "2024-06-01 10:00:00 -05:00:30": "2024-06-01 15:00:30",
    "2024-06-01 23:59:59.999999999": "2024-06-01 23:59:59.999999",
    "2024-06-01 00:00:00.0000000 +00:00": "2024-06-01 00:00:00",
    " 2024-06-01 10:00\t": "2024-06-01 10:00:00", "2024-06-01 10:00:00 Europe/Berlin": "2024-06-01 08:00:00",
    "2024-06-01 10:00:00 +18:00": "2024-05-31 16:00:00", "2024-06-01 1:2:3.4": "2024-06-01 01:02:03.4",
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_what_spark_reads_is_read(text):
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    sql = f"SELECT CAST({read_time_sql('$text')} AS VARCHAR)"
    assert engine.execute(sql, {"text": text}).fetchall() == [(READ[text],)]


@pytest.mark.parametrize("text", [
    "2024-06-01 24:00:00", "2024-06-01  10:00", "2024-06-01 10:00:00+18:01", "2024-06-01 10:00:00+02:60",
    "2024-06-01 10:", "2024-06-01 10:00:60", "2024-06-01T", "2024-06-01T10Z", "2024-06-01 10:00:00 europe/berlin",
    "2024-06-01 10:00:00 BST", "2024-06-01 010:00", "2024-02-30", "10:00", "+2024-06-01", "20240601",
    "2024-06-01 10:00:00 PM", "", "now",
    "infinity",
])  # fmt: skip
def test_what_spark_does_not_read_is_not(text):
    assert duckdb.execute(f"SELECT {read_time_sql('$text')}", {"text": text}).fetchall() == [(None,)]
