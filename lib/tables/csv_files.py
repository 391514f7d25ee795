"""CSV files as a source: the rule by which they are read, and what that rule cannot read, which is refused by name.

A look over the lines as they stand comes before the reading: what CSV makes of them no longer shows what was meant.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lib.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

RULE = "RFC 4180"  # a quote within quotes is doubled; noted with what was read: under another rule all is read anew
BYTE_ORDER_MARK = "\ufeff"
BACKSLASHED = '\\"'  # an escaped quote to some writers, to RFC 4180 the end of a text that ends in a backslash
SHOWN = 30  # so many characters to either side of what was found


def is_csv(events: str) -> bool:
    """Whether a source is a CSV file or a folder of such, and not the name of a table."""
    return events.endswith(".csv") or ("/" in events and has_csv(events, ".csv"))


def has_csv(folder: str, ending: str) -> bool:
    """Whether a plain folder holds files of this ending; a Delta table's own Parquet files do not count."""
    path = Path(folder)
    return path.is_dir() and not (path / "_delta_log").exists() and any(path.glob(f"*{ending}"))


def read(spark: "SparkSession", events: str) -> "DataFrame":
    """Read a file, or all files of a folder, as texts: a guess would eat an id's leading zeros.

    Raises
    ------
    SourceError
        If the files of a folder differ in their headers, since columns are taken by their places, or if a backslash
        stands directly before a quote. The message names the file.
    """
    header = _check_files(spark, events)
    reader = spark.read.option("header", "true").option("escape", '"')
    frame = reader.csv(events)
    if header != frame.columns:  # Spark names blank and double columns itself, and would look for those names
        return frame
    return reader.option("enforceSchema", "false").csv(events)  # a file that comes in between is not read by place


@dataclass(frozen=True)
class _Header:
    file: str  # as Spark names it
    line: str

    @property
    def names(self) -> tuple[str, ...]:
        line = self.line.removeprefix(BYTE_ORDER_MARK)
        try:
            return tuple(next(csv.reader([line])))
        except csv.Error:  # one endless field: no CSV at all
            return (line,)

    @property
    def writings(self) -> set[str]:
        """The lines that say the same: with quotes or without, with a byte order mark or without."""
        quoted = ('"' + name.replace('"', '""') + '"' for name in self.names)
        bare = {self.line.removeprefix(BYTE_ORDER_MARK), ",".join(quoted)}
        if not any(mark in name for name in self.names for mark in ',"'):
            bare.add(",".join(self.names))
        return bare | {BYTE_ORDER_MARK + line for line in bare}


def _check_files(spark: "SparkSession", events: str) -> list[str]:
    """The names in the header, the same in all files; one scan of the lines tells of all files whether they are sound.

    It sums up per file, in numbers only, so it costs a small part of what reading the same lines as CSV does.
    """
    from pyspark.sql import functions as F

    lines = _lines(spark, events)
    expected = _first_header(spark, events, lines)
    if expected is None:
        return []
    starts = (F.col("block") == 0) & _has_text()  # the header is the first line with a text
    as_expected = (F.col("block") == 0) & F.col("value").isin(list(expected.writings))
    files = lines.groupBy("file").agg(
        F.min(F.when(starts, F.col("place"))).alias("first"),
        F.min(F.when(as_expected, F.col("place"))).alias("header"),
        F.count(F.when(F.col("value").contains(BACKSLASHED), 1)).alias("backslashed"),
    )
    wrong = files.where("NOT first <=> header OR backslashed > 0").orderBy("file").collect()
    for row in wrong:
        if row["first"] != row["header"]:
            _check_same_header(events, expected, _Header(row["file"], _first_line(lines, row["file"], starts)))
    for row in wrong:
        if row["backslashed"]:
            line = _first_line(lines, row["file"], F.col("value").contains(BACKSLASHED))
            raise _backslash_error(events, row["file"], row["backslashed"], line)
    return list(expected.names)


def _lines(spark: "SparkSession", events: str) -> "DataFrame":
    """The lines of all files, as Spark's CSV takes them, each with its file, and places that grow within a block."""
    from pyspark.sql import functions as F

    return spark.read.text(events).select(
        "value", F.col("_metadata.file_path").alias("file"), F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("place"),
    )  # fmt: skip


def _first_header(spark: "SparkSession", events: str, lines: "DataFrame") -> _Header | None:
    """The header of the first file by name that has a line at all; what the others must have too."""
    listed = spark.read.format("binaryFile").load(events).select("_metadata.file_path")  # a listing: nothing is read
    for file in sorted(row["file_path"] for row in listed.collect()):
        if line := _first_line(lines, file, _has_text()):
            return _Header(file, line)
    return None


def _has_text() -> "Column":
    """Spark passes over lines without one."""
    from pyspark.sql import functions as F

    return F.col("value").rlike("[^\\x00-\\x20]")


def _first_line(lines: "DataFrame", file: str, where: "Column") -> str:
    """The first line of a file of which something holds; blank where there is none."""
    from pyspark.sql import functions as F

    raw = F.col("value").cast("binary").alias("raw")  # other encodings than UTF-8 are no text on their way here
    rows = lines.where((F.col("file") == file) & where).select(raw).head(1)
    return bytes(rows[0]["raw"]).decode("utf-8", "replace") if rows else ""


def _check_same_header(events: str, expected: _Header, header: _Header) -> None:
    if header.names != expected.names:
        raise SourceError(
            f"The events {events!r} cannot be read: the first line of {_format_file(header.file)} has "
            f"{', '.join(header.names)}. Expected is the header of {_format_file(expected.file)}: "
            f"{', '.join(expected.names)}. Nothing was read. Give all files one header, with the same "
            "columns in the same order, or load them into a table."
        )


def _backslash_error(events: str, file: str, rows: int, line: str) -> SourceError:
    at = line.index(BACKSLASHED)
    shown = line[max(0, at - SHOWN) : at + len(BACKSLASHED) + SHOWN]
    return SourceError(
        f"The events {events!r} cannot be read: in {rows} lines of {_format_file(file)} a backslash stands before a "
        f"quote, such as {shown}, and it cannot be told whether the quote is part of the text or ends it. "
        'Nothing was read. Write a quote within quotes as two (""), without a backslash, or load the file into a table.'
    )


def _format_file(file: str) -> str:
    """A file as people write it: Spark's is an address."""
    return unquote(file).removeprefix("file:").replace("///", "/", 1)
