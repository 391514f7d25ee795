"""Parquet files: columns by their names, files of unlike types apart, and types that Spark has no name for.

The footers are read here where this process can see the files, as it can on one machine and in volumes. Elsewhere
Spark tells the schema, and refuses what it does not know.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from lib.errors import SourceError
from lib.sources.files import File, escape_pattern
from lib.sources.part import Part, find_twins, shape
from lib.tables.sql import column_sql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PLAIN = {
    pa.int8(): "tinyint", pa.int16(): "smallint", pa.int32(): "int", pa.int64(): "bigint", pa.uint8(): "smallint",
    pa.uint16(): "int", pa.uint32(): "bigint", pa.uint64(): "decimal(20,0)", pa.float32(): "float",
    pa.float64(): "double", pa.bool_(): "boolean", pa.string(): "string", pa.large_string(): "string",
    pa.string_view(): "string", pa.binary(): "binary", pa.large_binary(): "binary", pa.date32(): "date",
}  # fmt: skip
_DECIMALS = 38  # digits, of Spark's largest
UNREAD = " /*unread*/"  # behind a type that Spark has no name for
_NANOSECONDS = "bigint"  # as which Spark reads times of nanoseconds once it is told so


def read(spark: "SparkSession", events: str, files: Sequence[File]) -> list[Part]:
    """Read files of one schema together.

    Raises
    ------
    SourceError
        If a file is no Parquet; the message names it.
    PySparkException
        Where only Spark can see the files, for what it cannot read.
    """
    paths = [_local_path(file) for file in files]
    if not all(paths):
        reader = spark.read.option("mergeSchema", "true")
        frame = reader.parquet(*(escape_pattern(file.address) for file in files))
        return [Part(shape(frame, files), name=files[0].name, shown=_format_types(frame.dtypes))]
    groups: dict[tuple[tuple[str, str], ...], list[File]] = {}
    for file, schema in read_footers(events, dict(zip(files, map(str, paths), strict=True))).items():
        groups.setdefault(tuple(spark_types(schema).items()), []).append(file)
    return [_read_group(spark, dict(types), group) for types, group in groups.items()]


def read_footers(events: str, paths: Mapping[File, str]) -> dict[File, pa.Schema]:
    """The schemas of files, by where this process sees them; of one without rows only where all are: it says nothing.

    Raises
    ------
    SourceError
        If a file is no Parquet; the message names it.
    """
    with ThreadPoolExecutor(8) as pool:
        footers = dict(zip(paths, pool.map(lambda path: _read_footer(events, path), paths.values()), strict=True))
    kept = {file: schema for file, (schema, rows) in footers.items() if rows}
    return kept or {file: schema for file, (schema, _) in footers.items()}


def _local_path(file: File) -> Path | None:
    """Where this process sees a file; None where it does not."""
    for scheme in ("file:", "dbfs:"):
        if file.address.startswith(f"{scheme}/") and not file.address.startswith(f"{scheme}/Workspace"):
            path = Path("/" + file.address.removeprefix(scheme).lstrip("/"))
            return path if path.is_file() and path.stat().st_size == file.bytes else None
    return None


def _read_footer(events: str, path: str) -> tuple[pa.Schema, int]:
    """The schema of a file and its rows; times of the old 96 bits are of microseconds, as Spark reads them."""
    try:
        with pq.ParquetFile(path) as file:
            schema, stored = file.schema_arrow, file.schema
            old = {one.path for one in map(stored.column, range(len(stored.names))) if one.physical_type == "INT96"}
            kinds = [field.with_type(pa.timestamp("us", "UTC")) if field.name in old else field for field in schema]
            return pa.schema(kinds), file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(
            f"The events {events!r} cannot be read: {path} is no whole Parquet file ({reason}). Write it anew, or "
            "leave it out with a pattern."
        ) from error


def spark_types(schema: pa.Schema) -> dict[str, str]:
    """The columns with the types to tell Spark; times of nanoseconds are marked, and what Spark cannot be told of."""
    types = {field.name: _spark_type(field.type) or f"{field.type}{UNREAD}" for field in schema}
    return {name: kind for name, kind in types.items() if kind != f"null{UNREAD}"}


def _spark_type(kind: pa.DataType) -> str | None:  # noqa: PLR0911 - one line for each type
    if pa.types.is_dictionary(kind):
        return _spark_type(kind.value_type)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":
            return f"{_NANOSECONDS} /*ns{'' if kind.tz is None else ' utc'}*/"
        return "timestamp_ntz" if kind.tz is None else "timestamp"
    if pa.types.is_decimal(kind) and 0 <= kind.scale <= kind.precision <= _DECIMALS:
        return f"decimal({kind.precision},{kind.scale})"
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.uuid":
        return "binary /*uuid*/"
    if pa.types.is_struct(kind):
        inner = {field.name: _spark_type(field.type) for field in kind}
        odd = find_twins(inner)
        kinds = [
            f"`{name}`: {one}" for name, one in inner.items()
            if one and "/*" not in one and "`" not in name and name.lower() not in odd
        ]  # fmt: skip
        return f"struct<{', '.join(kinds)}>" if kinds else None
    if pa.types.is_map(kind) and _spark_type(kind.key_type) == "string":
        inner_kind = _spark_type(kind.item_type)
        return f"map<string, {inner_kind}>" if inner_kind and "/*" not in inner_kind else None
    return None


def _read_group(spark: "SparkSession", types: dict[str, str], files: Sequence[File]) -> Part:
    from pyspark.sql import functions as F

    unread = {name: kind.removesuffix(UNREAD) for name, kind in types.items() if kind.endswith(UNREAD)}
    twins = find_twins(types)
    types = {name: kind for name, kind in types.items() if name not in unread and name.lower() not in twins}
    kinds = ", ".join(f"{column_sql(name)} {kind.partition(' /*')[0]}" for name, kind in types.items())
    frame = spark.read.schema(kinds).parquet(*(escape_pattern(file.address) for file in files))
    frame = shape(frame, files)
    for name, kind in types.items():
        column = F.col(column_sql(name))
        if "/*ns" in kind:  # what lies below the microsecond is cut off
            whole = column_sql(name)  # in whole numbers: a double has not all digits
            moment = F.timestamp_micros(F.expr(f"({whole} - PMOD({whole}, 1000)) DIV 1000"))
            frame = frame.withColumn(name, moment if "utc" in kind else moment.cast("timestamp_ntz"))
        elif "/*uuid" in kind:
            digits = F.lower(F.hex(column))
            parts = [F.substring(digits, start, length) for start, length in _UUID]
            frame = frame.withColumn(name, F.concat_ws("-", *parts))
    shown = _format_types(list((types | unread).items()))
    return Part(frame, name=files[0].name, shown=shown, unread=unread, twins=twins)


_UUID = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


def _format_types(types: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {kind.partition(' /*')[0]}" for name, kind in types)
