"""JSON lines: one object a line, every value as the text that stands there, nested ones by their path."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lib.errors import SourceError
from lib.sources import lines as line_rules
from lib.sources.files import File, escape_pattern
from lib.sources.headers import SHOWN
from lib.sources.options import Options
from lib.sources.part import ROW, Part, shape

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_CASE = "spark.sql.caseSensitive"
_BRACKET = "^\\ufeff?\\s*\\["
TEXTS = r'"(?:[^"\\]|\\.)*+"'
NEXT = r"[\]}]\s*[\[{]"  # outside of texts one value ends here, and another begins that is no part of the same
LINES = "Write one object a line, as jq -c does."


def read(spark: "SparkSession", events: str, files: Sequence[File], options: Options) -> list[Part]:
    """Read lines of objects; a file that begins with a bracket is one list of them.

    Of `options` only what parts whole from fraction has a meaning here.

    Raises
    ------
    SourceError
        If a file is no UTF-8, Spark would lose objects of it, or one of two keys that differ in capitals only.
    """
    lists = _look_over(spark, events, files)
    groups = ([file for file in files if file not in lists], lists)
    return [_read_group(spark, events, group, group is lists, options) for group in groups if group]


def _look_over(spark: "SparkSession", events: str, files: Sequence[File]) -> list[File]:
    """The files whose first sign is a bracket; one scan of all lines tells of all, and what cannot be read of them."""
    from pyspark.sql import functions as F

    value = F.col("value")
    first = F.when((F.col("block") == 0) & line_rules.has_text(None), F.col("place"))
    shown = F.when(F.is_valid_utf8(value) & _holds_several(value), F.substring(value, 1, SHOWN))
    lines = line_rules.read_lines(spark, files)
    looks = lines.groupBy("file").agg(
        F.min(first).alias("first"), F.min(F.when(value.rlike(_BRACKET), first)).alias("list"),
        F.max(~F.is_valid_utf8(value) | value.contains("\x00")).alias("other"), F.min(shown).alias("several"),
    )  # fmt: skip
    by_key = {line_rules.key_of_spelled(row["file"]): row for row in looks.collect()}
    rows = {file: by_key[key] for file in files if (key := line_rules.key_of(file.address)) in by_key}
    for file, row in rows.items():
        _check_look(events, file, row)
    lists = [file for file, row in rows.items() if row["list"] is not None and row["first"] == row["list"]]
    if lists:
        _check_single(events, lists, line_rules.read_lines(spark, lists))
    return lists


def _holds_several(value: "Column") -> "Column":
    from pyspark.sql import functions as F

    return value.rlike(NEXT) & F.regexp_replace(value, TEXTS, "").rlike(NEXT)


def _check_look(events: str, file: File, row: Any) -> None:
    if row["other"]:
        raise not_utf_8(events, file)
    if row["several"] is not None:
        raise several(events, file, f"a line holds several, {row['several']!r}")


def not_utf_8(events: str, file: File) -> SourceError:
    """What is said of a file in another encoding."""
    return SourceError(
        f"The events {events!r} cannot be read: {file.name} is not UTF-8, as JSON has to be. Nothing was read. Write "
        "it so, like: iconv -f UTF-16 -t UTF-8, or -f cp1252."
    )


def key_twice(events: str, file: File, name: str) -> SourceError:
    """What is said of an object with two values under one key."""
    return SourceError(
        f"The events {events!r} cannot be read: in {file.name} or its like the key {name!r} stands twice in an object, "
        "and nobody can say which value counts. Nothing was read. Give each key once."
    )


def no_object(events: str, file: File) -> SourceError:
    """What is said where no line is an object."""
    return SourceError(
        f"The events {events!r} cannot be read: no line of {file.name} is an object, as where one stands on several "
        f"lines. Nothing was read. {LINES}"
    )


def several(events: str, file: File, what: str) -> SourceError:
    """What is said where Spark would read the first of several values and pass over the others."""
    return SourceError(
        f"The events {events!r} cannot be read: in {file.name} {what}, and only the first would be read. Nothing was "
        f"read. {LINES}"
    )


def _check_single(events: str, lists: Sequence[File], lines: "DataFrame") -> None:
    """Refuse files in which something stands behind the list."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    bare = F.trim(F.regexp_replace(F.regexp_replace("value", TEXTS, "0"), r"\s", " "))
    ends = lines.select("file", "block", "place", bare.alias("bare")).where("bare <> ''").select(
        "file", F.substring("bare", 1, 1).alias("begin"),
        F.lag(F.substring("bare", -1, 1)).over(Window.partitionBy("file").orderBy("block", "place")).alias("before"),
    )  # fmt: skip
    stuck = ends.where(F.concat("before", "begin").rlike(NEXT)).select("file").distinct().collect()
    odd = {line_rules.key_of_spelled(row["file"]) for row in stuck}
    for file in lists:
        if line_rules.key_of(file.address) in odd:
            raise several(events, file, "several lists follow each other")


def _read_group(spark: "SparkSession", events: str, files: Sequence[File], is_list: bool, options: Options) -> Part:
    paths = [escape_pattern(file.address) for file in files]
    reader = spark.read.option("primitivesAsString", "true").option("columnNameOfCorruptRecord", ROW)
    reader = reader.option("multiLine", str(is_list).lower())
    before = spark.conf.get(_CASE)
    spark.conf.set(_CASE, "true")  # else the values of one of two such keys would be null
    try:
        schema = _tell_schema(events, files[0], reader.json(paths))
    finally:
        spark.conf.set(_CASE, str(before))
    check_keys(events, files[0], [field.name for field in schema.fields])
    frame = reader.schema(schema).json(paths)
    return Part(
        shape(frame, files), name=files[0].name, shown=", ".join(name for name in schema.names if name != ROW),
        row=ROW if ROW in schema.names else None, is_text=True, decimal=options.decimal,
    )  # fmt: skip


def _tell_schema(events: str, file: File, frame: "DataFrame") -> Any:
    from pyspark.errors import AnalysisException

    try:
        schema = frame.schema
    except AnalysisException as error:
        if error.getCondition() != "COLUMN_ALREADY_EXISTS":
            raise
        name = (error.getMessageParameters() or {}).get("columnName", "").strip("`")
        raise key_twice(events, file, name) from error
    if set(schema.names) <= {ROW}:
        raise no_object(events, file)
    return schema


def check_keys(events: str, file: File, names: Sequence[str]) -> None:
    """Refuse keys of which Spark would lose one.

    Raises
    ------
    SourceError
        The message names both.
    """
    lowered: dict[str, str] = {}
    for name in names:
        other = lowered.setdefault(name.lower(), name)
        if other != name:
            raise SourceError(
                f"The events {events!r} cannot be read: {file.name} and its like have keys that differ in capitals "
                f"only, {other!r} and {name!r}, of which Spark would lose one. Give both one spelling."
            )
