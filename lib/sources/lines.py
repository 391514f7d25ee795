"""A look over all lines of text files, as they stand, before anything is read: on the engine, summed up per file.

What CSV makes of them no longer shows what was meant. A plain large file stays in blocks, and costs one scan.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lib.errors import SourceError
from lib.sources import headers, quoting
from lib.sources.files import File, escape_pattern
from lib.sources.headers import BACKSLASHED, Layout
from lib.sources.options import BY_SPARK, UTF_8
from lib.tables.pickling import pickle_lib_by_value

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

MOST_DECODED = 1 << 29  # bytes of a file that is decoded as one text


@dataclass(frozen=True)
class Look:
    """What all lines of one file come to."""

    file: File
    is_same: bool  # its first line says what the layout's does
    open: int  # lines with quotes that are no whole rows
    backslashed: int  # lines with a backslash before a quote
    unlike: int  # of these, lines that are no whole rows where quotes are doubled
    surely_doubled: int  # of these, lines that are no whole rows where the backslash escapes
    undecodable: int
    empty_bytes: int  # lines with a byte 0, of which no text has one


def read_lines(
    spark: "SparkSession", files: Sequence[File], encoding: str | None = None, end: str | None = None
) -> "DataFrame":
    """The lines of files, each with its file and block, and places that grow within a block."""
    from pyspark.sql import functions as F

    paths = [escape_pattern(file.address) for file in files]
    if encoding is not None:
        return _decode_lines(spark, files, encoding, end)
    reader = spark.read if end is None else spark.read.option("lineSep", end)
    return reader.text(paths).select(
        "value", F.col("_metadata.file_path").alias("file"), F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("place"),
    )  # fmt: skip


def check_size(file: File, encoding: str) -> None:
    """Refuse a file that is too large to be decoded as one text.

    Raises
    ------
    SourceError
        The message names the file.
    """
    if file.bytes > MOST_DECODED:
        raise SourceError(
            f"{file.name} is {encoding} and has {file.bytes} bytes, at most {MOST_DECODED} are read. Write it in UTF-8."
        )


def _decode_lines(spark: "SparkSession", files: Sequence[File], encoding: str, end: str | None) -> "DataFrame":
    """The lines of files in which a character is several bytes: each file is one text first."""
    from pyspark.sql import functions as F

    for file in files:
        check_size(file, encoding)
    whole = spark.read.format("binaryFile").load([escape_pattern(file.address) for file in files])
    text = F.decode("content", BY_SPARK[encoding])
    lines = F.split(text, "\n" if end else "\r\n|\r|\n")
    return whole.select(
        F.posexplode(lines).alias("place", "value"), F.col("_metadata.file_path").alias("file"),
        F.lit(0).cast("bigint").alias("block"),
    ).select("value", "file", "block", F.col("place").cast("bigint").alias("place"))  # fmt: skip


def first_line(lines: "DataFrame", comment: str | None) -> bytes:
    """The first line with a text, as it stands; blank where there is none."""
    from pyspark.sql import functions as F

    raw = F.col("value").cast("binary").alias("raw")  # other encodings than UTF-8 are no text on their way here
    rows = lines.where(has_text(comment)).select(raw).head(1)
    return bytes(rows[0]["raw"]) if rows else b""


def has_text(comment: str | None) -> "Column":
    """Spark passes over lines without one."""
    from pyspark.sql import functions as F

    text = F.col("value").rlike("[^\\x00-\\x20]")
    return text & ~F.col("value").startswith(comment) if comment else text


def look_over(lines: "DataFrame", files: Sequence[File], layout: Layout) -> list[Look]:
    """Look once over the lines of files that one layout may fit; files without a line are left out."""
    from pyspark.sql import functions as F

    value, options = F.col("value"), layout.options
    starts = (F.col("block") == 0) & has_text(options.comment)  # the header is the first line with a text
    same = (F.col("block") == 0) & _says(layout) if layout.line else starts
    quote, _ = options.marks
    rows = F.lit(False) if not quote else value.contains(quote) & ~value.rlike(layout.quoting.complete())
    backslashed = F.lit(False) if options.escape is not None or quote != '"' else value.contains(BACKSLASHED)
    whole = layout.quoting.complete(len(layout.written_names)) if quote else ""
    other = quoting.Quoting(layout.sep, quote, "\\").complete(len(layout.written_names)) if quote else ""
    read = lines.where(~value.startswith(options.comment)) if options.comment else lines
    counts = read.groupBy("file").agg(
        F.min(F.when(starts, F.col("place"))).alias("first"),
        F.min(F.when(same, F.col("place"))).alias("header"),
        F.count(F.when(rows, 1)).alias("open"),
        F.count(F.when(backslashed, 1)).alias("backslashed"),
        F.count(F.when(backslashed & ~value.rlike(whole), 1)).alias("unlike"),
        F.count(F.when(backslashed & ~value.rlike(other), 1)).alias("surely_doubled"),
        F.count(F.when(~F.is_valid_utf8(value), 1)).alias("undecodable"),
        F.count(F.when(value.contains("\x00"), 1)).alias("empty_bytes"),
    )
    by_address = {key_of(file.address): file for file in files}
    return [
        Look(by_address[key_of_spelled(row["file"])], row["first"] == row["header"], row["open"], row["backslashed"],
             row["unlike"], row["surely_doubled"], row["undecodable"], row["empty_bytes"])
        for row in counts.collect() if row["first"] is not None
    ]  # fmt: skip


def _says(layout: Layout) -> "Column":
    """Whether a line says what the header does."""
    from pyspark.sql import functions as F

    lines = headers.writings(layout)
    if layout.is_wide or layout.encoding == UTF_8:
        return F.col("value").isin(lines)
    raw = F.col("value").cast("binary")  # as it stands: letters of another encoding are no text on the engine
    return reduce(operator.or_, [raw == F.lit(bytearray(line.encode(layout.encoding, "replace"))) for line in lines])


def key_of(address: str) -> str:
    """What an address as it was listed and Spark's own spelling of it have in common."""
    return address.replace(":///", ":/", 1)


def key_of_spelled(spelled: str) -> str:
    """The same of Spark's spelling, in which signs are written as %20: a name may have such letters of its own."""
    return key_of(unquote(spelled))


def check_looks(spark: "SparkSession", events: str, looks: Sequence[Look], lines: "DataFrame", layout: Layout) -> None:
    """Refuse files that are no text in the encoding, or of which it cannot be told how quotes are meant.

    Raises
    ------
    SourceError
        The message names the file, shows a line and says what to say.
    """
    from pyspark.sql import functions as F

    for look in sorted(looks, key=lambda look: look.file.address):
        if look.empty_bytes:
            raise headers.no_text(events, look.file.name, layout)
        if look.undecodable and layout.encoding == UTF_8:
            line = first_line(_of_file(lines, look).where(~F.is_valid_utf8(F.col("value"))), None)
            raise headers.not_utf_8(events, look.file.name, line)
        if look.backslashed and not _surely_doubles(spark, look, layout):
            line = first_line(_of_file(lines, look).where(F.col("value").contains(BACKSLASHED)), None)
            text = line.decode("utf-8", "replace")
            raise headers.unclear_backslash(events, look.file.name, look.backslashed, text)


def _surely_doubles(spark: "SparkSession", look: Look, layout: Layout) -> bool:
    """Whether a file is sound where quotes are doubled, and is not where a backslash escapes them."""
    if not look.open:
        return look.surely_doubled > 0 and not look.unlike
    escaped = quoting.Quoting(layout.sep, layout.quoting.quote, "\\")
    ways = (_walk_lines(spark, [look.file], layout, signs) for signs in (layout.quoting, escaped))
    doubled, other = (breaks[key_of(look.file.address)] for breaks in ways)
    return doubled.is_sound and not other.is_sound


def _walk_lines(
    spark: "SparkSession", files: Sequence[File], layout: Layout, signs: quoting.Quoting
) -> dict[str, quoting.Breaks]:
    """Follow quoted texts over line breaks; by the key of a file."""
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.types import from_arrow_schema

    pickle_lib_by_value()
    walk = partial(quoting.walk_blocks, quoting=signs)
    lines = read_lines(spark, files, layout.encoding if layout.is_wide else None, "\n")
    raw = lines.select(F.col("value").cast("binary").alias("value"), "file", "block")
    rows = raw.mapInArrow(walk, from_arrow_schema(quoting.ENDS)).collect()
    return {key_of_spelled(spelled): breaks for spelled, breaks in quoting.join_blocks(rows).items()}


def _of_file(lines: "DataFrame", look: Look) -> "DataFrame":
    from pyspark.sql import functions as F

    return lines.where(F.col("file") == _spelled(lines, look))


def _spelled(lines: "DataFrame", look: Look) -> str:
    """The file as Spark's metadata spell it."""
    spelled = lines.select("file").distinct().collect()
    return next(str(row["file"]) for row in spelled if key_of_spelled(row["file"]) == key_of(look.file.address))


def walk_files(spark: "SparkSession", events: str, files: Sequence[File], layout: Layout) -> dict[str, quoting.Breaks]:
    """Follow quoted texts over line breaks, in files where some line is no whole row; by address.

    Raises
    ------
    SourceError
        If a line is no CSV, a quoted text is never closed, or rows end in two ways; the message shows the line.
    """
    by_key = _walk_lines(spark, files, layout, layout.quoting)
    walked = {file.address: by_key[key_of(file.address)] for file in files if key_of(file.address) in by_key}
    for file in files:
        if breaks := walked.get(file.address):
            check_breaks(events, file, breaks)
    return walked


def check_breaks(events: str, file: File, breaks: quoting.Breaks) -> None:
    """Refuse a file by what a walk over its lines came to.

    Raises
    ------
    SourceError
        The message names the file, and shows a line that is no CSV.
    """
    ways = "Nothing was read. Say how quotes are meant with event_options (quote, escape), or write the file anew."
    if breaks.bad is not None:
        shown = breaks.bad[: headers.SHOWN].decode("utf-8", "replace")
        raise SourceError(
            f"The events {events!r} cannot be read: in {file.name} a quote neither begins nor ends its text, in "
            f"{shown!r}. {ways}"
        )
    if breaks.is_open:
        raise SourceError(f"The events {events!r} cannot be read: in {file.name} the last quote is not closed. {ways}")
    if breaks.is_mixed:
        raise SourceError(
            f"The events {events!r} cannot be read: in {file.name} {breaks.crlf} rows end in CRLF and {breaks.lf} in "
            "LF, beside quoted texts with line breaks. Nothing was read. Write the file anew with one end for all rows."
        )
