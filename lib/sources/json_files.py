"""JSON lines: one object a line, every value as the text that stands there, nested ones by their path."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lib.errors import SourceError
from lib.sources import lines as line_rules
from lib.sources.files import File, escape_pattern
from lib.sources.part import ROW, Part, shape

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CASE = "spark.sql.caseSensitive"
_BRACKET = "^\\ufeff?\\s*\\["


def read(spark: "SparkSession", events: str, files: Sequence[File]) -> list[Part]:
    """Read lines of objects; a file that begins with a bracket is one list of them.

    Raises
    ------
    SourceError
        If two keys differ in capitals only, of which Spark would lose one.
    """
    lists = _find_lists(spark, files)
    groups = ([file for file in files if file not in lists], lists)
    return [_read_group(spark, events, group, group is lists) for group in groups if group]


def _find_lists(spark: "SparkSession", files: Sequence[File]) -> list[File]:
    """The files whose first sign is a bracket; one scan tells of all."""
    from pyspark.sql import functions as F

    first = F.when((F.col("block") == 0) & line_rules.has_text(None), F.col("place"))
    firsts = (
        line_rules.read_lines(spark, files)
        .groupBy("file")
        .agg(F.min(first).alias("first"), F.min(F.when(F.col("value").rlike(_BRACKET), first)).alias("list"))
    )
    begun = {line_rules.key_of(row["file"]) for row in firsts.where("first = list").collect()}
    return [file for file in files if line_rules.key_of(file.address) in begun]


def _read_group(spark: "SparkSession", events: str, files: Sequence[File], is_list: bool) -> Part:
    paths = [escape_pattern(file.address) for file in files]
    reader = spark.read.option("primitivesAsString", "true").option("columnNameOfCorruptRecord", ROW)
    reader = reader.option("multiLine", str(is_list).lower())
    before = spark.conf.get(_CASE)
    spark.conf.set(_CASE, "true")  # else the values of one of two such keys would be null
    try:
        schema = reader.json(paths).schema
    finally:
        spark.conf.set(_CASE, str(before))
    _check_keys(events, files[0], [field.name for field in schema.fields])
    frame = reader.schema(schema).json(paths)
    return Part(
        shape(frame, files), name=files[0].name, shown=", ".join(name for name in schema.names if name != ROW),
        row=ROW if ROW in schema.names else None, is_text=True,
    )  # fmt: skip


def _check_keys(events: str, file: File, names: Sequence[str]) -> None:
    lowered: dict[str, str] = {}
    for name in names:
        other = lowered.setdefault(name.lower(), name)
        if other != name:
            raise SourceError(
                f"The events {events!r} cannot be read: {file.name} and its like have keys that differ in capitals "
                f"only, {other!r} and {name!r}, of which Spark would lose one. Give both one spelling."
            )
