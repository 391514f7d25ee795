"""CSV and TSV files: every file by its own header, columns by their names, quoted line breaks where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.errors import SourceError
from lib.sources import lines as line_rules
from lib.sources.files import File, Format, escape_pattern
from lib.sources.headers import Layout, format_names, read_layout
from lib.sources.options import BY_SPARK, Options, letters
from lib.sources.part import ROW, Part, shape
from lib.tables.sql import column_sql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RULE = "RFC 4180, line breaks included"  # noted with what was read: under another rule all is read anew


@dataclass(frozen=True)
class _Group:
    """Files that are read in one go."""

    layout: Layout
    files: tuple[File, ...]
    end: str | None = None  # of the rows, where quoted texts may hold line breaks; None: each line is a row


def read(spark: "SparkSession", events: str, files: Sequence[File], kind: Format, options: Options) -> list[Part]:
    """Read all files as texts: a guess would eat an id's leading zeros.

    Raises
    ------
    SourceError
        If a file is no sound CSV, or it cannot be told how it is meant. The message names the file.
    """
    groups = _group(spark, events, files, "\t" if kind is Format.TSV else None, options)
    return [_read_group(spark, group) for group in groups]


def _group(
    spark: "SparkSession", events: str, files: Sequence[File], sep: str | None, options: Options
) -> list[_Group]:
    layouts: dict[str, tuple[Layout, list[File]]] = {}
    rest, expected = _expect_first(spark, events, files, sep, options)
    groups, others = _split_look(spark, events, rest, expected) if expected else ([], [])
    for file in others:
        layout = _layout_of(spark, events, file, sep, options)
        if expected:
            _check_is_header(events, layout, file, expected, rest[0])
        layouts.setdefault(layout.said(), (layout, []))[1].append(file)
    for layout, same in layouts.values():
        groups += _split_look(spark, events, same, layout, known=True)[0]
    return groups


def _expect_first(
    spark: "SparkSession", events: str, files: Sequence[File], sep: str | None, options: Options
) -> tuple[Sequence[File], Layout | None]:
    """The layout of the first file with a line, and that file with all behind it."""
    for place, file in enumerate(files):
        layout = _layout_of(spark, events, file, sep, options)
        if layout.line or options.header is False:
            return files[place:], layout
    return [], None


def _check_is_header(events: str, layout: Layout, file: File, expected: Layout, first: File) -> None:
    """Files may have unlike columns; but one that names none of those of the first has no header, only rows."""
    if not {name.lower() for name in layout.names} & {name.lower() for name in expected.names}:
        raise SourceError(
            f"The events {events!r} cannot be read: the first line of {file.name} has "
            f"{format_names(layout.written_names)}, which names none of the columns of {first.name}: "
            f"{format_names(expected.written_names)}. Nothing was read. Give every file its header, or say what the "
            "columns are: event_options=header=false,names='...'."
        )


def _layout_of(spark: "SparkSession", events: str, file: File, sep: str | None, options: Options) -> Layout:
    encoding = options.encoding if (options.encoding or "").startswith(("utf-16", "utf-32")) else None
    raw = line_rules.first_line(line_rules.read_lines(spark, [file], encoding), options.comment)
    if encoding:  # is text by now
        raw = raw.decode("utf-8").encode(encoding)
    return read_layout(raw, file.name, events, options, sep)


def _split_look(
    spark: "SparkSession", events: str, files: Sequence[File], layout: Layout, *, known: bool = False
) -> tuple[list[_Group], list[File]]:
    """The groups of files with this layout, and those that have another, unless all are known to have it."""
    lines = line_rules.read_lines(spark, files, layout.encoding if layout.is_wide else None)
    looks = line_rules.look_over(lines, files, layout)
    same = [look for look in looks if look.is_same or known]
    line_rules.check_looks(spark, events, same, lines, layout)
    broken = [look.file for look in same if look.open]
    plain = [look.file for look in same if not look.open and not layout.is_wide]
    groups = [_Group(layout, tuple(plain))] if plain else []
    wide = [look.file for look in same if layout.is_wide and not look.open]
    walked = line_rules.walk_files(spark, events, [*broken, *wide], layout) if broken or wide else {}
    for end in ("\n", "\r\n"):
        ended = [file for file in (*broken, *wide) if (walked[file.address].crlf > 0) == (end == "\r\n")]
        if ended:
            groups.append(_Group(layout, tuple(ended), end))
    return groups, [look.file for look in looks if look not in same]


def _read_group(spark: "SparkSession", group: _Group) -> Part:
    layout = group.layout
    kinds = ", ".join(f"{column_sql(name)} string" for name in (*layout.names, ROW))
    reader = spark.read.schema(kinds).options(**_reader_options(group))
    frame = reader.csv([escape_pattern(file.address) for file in group.files])
    first = group.files[0]
    return Part(
        shape(frame, group.files, decode=_decode(layout)), name=first.name, twins=layout.twins, row=ROW,
        shown=f"{format_names(layout.written_names)}", decimal=layout.options.decimal, is_text=True,
    )  # fmt: skip


def _reader_options(group: _Group) -> dict[str, str]:
    layout = group.layout
    quote, escape = layout.options.marks
    said = {
        "header": str(layout.options.header is not False).lower(),
        "sep": layout.sep,
        "quote": quote,
        "escape": escape or quote,
        "encoding": BY_SPARK.get(layout.encoding, "ISO-8859-1"),
        "columnNameOfCorruptRecord": ROW,
        "columnPruning": "false",  # else the number of fields is not looked at
        "multiLine": str(group.end is not None).lower(),
        "ignoreLeadingWhiteSpace": str(layout.has_blanks).lower(),
        "enforceSchema": "true",  # the header was read, and names were put in their place
    }
    if layout.options.line_sep or group.end:
        said["lineSep"] = layout.options.line_sep or str(group.end)
    if layout.options.comment:
        said["comment"] = layout.options.comment
    if layout.options.null_value is not None:
        said["nullValue"] = layout.options.null_value
    return said


def _decode(layout: Layout) -> str | None:
    """What stands for the bytes from 128 on, which were read as ISO-8859-1."""
    return None if layout.encoding in BY_SPARK else letters(layout.encoding)
