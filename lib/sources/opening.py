"""Open a source by its name or place: a table, a Delta folder, or files."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lib.errors import SourceError
from lib.sources import csv_files, json_files, parquet_files
from lib.sources.files import Format, check_no_tables, exists, is_place, list_files, tell_format
from lib.sources.options import Options
from lib.sources.part import Part

if TYPE_CHECKING:
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession

WAYS = "Set events to a table name, a Delta folder, or CSV, JSON lines or Parquet files."
_ANEW = "Write that file anew, or leave it out."
_CHAR = "__CHAR_VARCHAR_TYPE_STRING"  # where Spark notes that a column of texts is of type CHAR


def open_source(spark: "SparkSession", events: str, options: Options | None = None) -> list[Part]:
    """Read the user's events, lazily; only ever read.

    Raises
    ------
    SourceError
        The message says what was asked for, what is wrong with it, and what a source can be.
    """
    from pyspark.errors import PySparkException

    spark.conf.set("spark.sql.session.timeZone", "UTC")  # in which days are counted, whatever the cluster's
    try:
        parts = _open(spark, events, options or Options())
        for part in parts:
            part.frame.schema  # noqa: B018 - a frame is lazy: this is where a missing or broken source shows
    except PySparkException as error:
        way = _ANEW if _is_of_file(error) and "/_delta_log/" not in str(error) else WAYS
        raise SourceError(f"The events {events!r} cannot be read: {format_reason(error)} {way}") from error
    if not parts:
        raise SourceError(
            f"The events {events!r} cannot be read: no file there holds anything, those aside whose names begin with _ "
            f"or ., which are no data. {WAYS}"
        )
    return parts


def _open(spark: "SparkSession", events: str, options: Options) -> list[Part]:
    if not is_place(events):
        return [_table_part(spark.read.table(events), events)]
    if exists(spark, events.rstrip("/"), "/_delta_log"):
        return [_table_part(spark.read.format("delta").load(events), events)]
    files = list_files(spark, events)
    if not files:
        return []
    kind = tell_format(events, files)
    if kind is Format.PARQUET:
        check_no_tables(spark, events)
        return parquet_files.read(spark, events, files)
    if kind is Format.JSON:
        return json_files.read(spark, events, files, options)
    return csv_files.read(spark, events, files, kind, options)


def _table_part(frame: "DataFrame", name: str) -> Part:
    padded = frozenset(
        field.name for field in frame.schema.fields if str(field.metadata.get(_CHAR, "")).startswith("char")
    )
    shown = ", ".join(f"{column} {kind}" for column, kind in frame.dtypes)
    return Part(frame, name=name, shown=shown, padded=padded)


@contextmanager
def reading(events: str) -> Iterator[None]:
    """Name the file of a source that proves unreadable only when its rows are read.

    Raises
    ------
    SourceError
        In the place of Spark's own error.
    """
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        if not _is_of_file(error):
            raise
        raise SourceError(f"The events {events!r} cannot be read: {format_reason(error)} {_ANEW}") from error


def _is_of_file(error: "PySparkException") -> bool:
    return (error.getCondition() or "").startswith("FAILED_READ_FILE")


def format_reason(error: "PySparkException") -> str:
    """What Spark says, in one line, with the cause where it has one, without codes and stacks."""
    text = error.getMessage() or str(error)
    said = [line.strip() for line in text.splitlines()]
    errors = [line for line in said if re.match(r"[A-Za-z_][\w.]*(Error|Exception): ", line)]
    in_python = "PYTHON_EXCEPTION" in str(error) and errors
    first = errors[-1] if in_python else next((line for line in said if line), type(error).__name__)
    causes = [line.partition("Caused by: ")[2] for line in str(error).splitlines() if line.startswith("Caused by: ")]
    cause = " Because: " + re.sub(r"^[\w.$]+: ", "", causes[-1]) if causes else ""
    return re.sub(r"^(\([\w.]+\) )?\[[\w.]+\] | ?SQLSTATE: \w+", "", first).strip() + cause
