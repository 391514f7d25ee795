"""Files as DuckDB relations, opened by the rules of `lib/sources`: nothing is guessed that Spark may read otherwise."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir

import duckdb

from lib.errors import SourceError
from lib.expressions import kinds
from lib.looking.json_rows import json_calls
from lib.looking.listing import list_files
from lib.looking.spelling import quoted, spelled
from lib.looking.texts import check_text, has_two_ends, open_file, unpacking
from lib.sources.files import File, Format, tell_format
from lib.sources.headers import Layout, not_utf_8, read_layout
from lib.sources.options import Options, letters
from lib.sources.parquet_files import UNREAD, read_footers, spark_types
from lib.sources.part import HIGH, NO_VALUE, find_twins

_ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-16-le": "utf-16"}
_FIRST = 1 << 20  # bytes in which a header stands


@dataclass(frozen=True)
class Rows:
    """Files that were all written alike, as a SELECT."""

    sql: str
    files: tuple[str, ...]
    types: dict[str, kinds.Type]
    twins: frozenset[str] = frozenset()
    decimal: str | None = None
    unread: Mapping[str, str] = field(default_factory=dict)  # columns that a run cannot read, with their types
    shown: str = field(default="", compare=False)


def connect(memory: str = "700MB") -> "duckdb.DuckDBPyConnection":
    """An engine of its own, in UTC and of bounded memory; what it cannot hold it lays down beside other drafts."""
    engine = duckdb.connect()
    spilled = Path(gettempdir()) / f"propensity-look-{os.getpid()}"  # which the engine makes, and takes away
    engine.execute(f"SET memory_limit = '{memory}'; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    engine.execute(f"SET temp_directory = {spelled(str(spilled))}")
    return engine


def open_files(engine: "duckdb.DuckDBPyConnection", events: str, options: Options) -> list[Rows]:
    """Open all files of a source whose columns their beginnings tell, and read no more of them.

    None of JSON, of what is packed with zstandard, of tables, or where nothing is.
    """
    files = list_files(events)
    is_told = files and tell_format(events, files) is not Format.JSON and not any(map(_is_zstandard, files))
    return _open(engine, events, files, options, whole=False) if is_told else []


def open_rows(engine: "duckdb.DuckDBPyConnection", events: str, options: Options) -> list[Rows]:
    """Open all files of a source.

    Raises
    ------
    SourceError
        If nothing is there, or it is no file that can be looked at without Spark.
    """
    files = list_files(events)
    if not files:
        raise SourceError(
            f"The events {events!r} are no file that can be looked at here. Name files or a folder of CSV, JSON lines "
            "or Parquet; tables and Delta folders are looked at where they are kept."
        )
    return _open(engine, events, files, options, whole=True)


def _open(
    engine: "duckdb.DuckDBPyConnection", events: str, files: Sequence[File], options: Options, *, whole: bool
) -> list[Rows]:
    kind = tell_format(events, files)
    if kind is Format.PARQUET:
        groups = _parquet_groups(events, files)
    elif kind is Format.JSON:
        groups = [
            Rows(
                _select(call, same, names, [quoted(name) for name in names]), _names(same), {}, decimal=options.decimal
            )
            for call, names, same in json_calls(engine, events, files)
        ]
    else:
        groups = _csv_groups(events, files, kind, options, whole=whole)
    if not groups:
        raise SourceError(f"The events {events!r} cannot be read: no file there holds anything.")
    return [_with_types(engine, events, rows) for rows in groups]


def _list(files: Sequence[File]) -> str:
    return "[" + ", ".join(spelled(file.address) for file in files) + "]"


def _select(call: str, files: Sequence[File], own: Collection[str], chosen: Sequence[str]) -> str:
    """A SELECT of what a call reads, which lacks its last bracket, with the columns of Hive folders behind its own."""
    lowered = {name.lower() for name in own}
    folders = dict.fromkeys(name for file in files for name, _ in file.folders if name.lower() not in lowered)
    written = {name: f"REGEXP_EXTRACT(__file, {spelled(f'/{re.escape(name)}=([^/]*)/')}, 1)" for name in folders}
    above = [
        f"URL_DECODE(NULLIF(NULLIF({text}, ''), '{NO_VALUE}')) AS {quoted(name)}" for name, text in written.items()
    ]
    named = ", filename = '__file'" if above else ""
    return f"SELECT {', '.join([*chosen, *above])} FROM {call}, hive_partitioning = false{named})"


def _parquet_groups(events: str, files: Sequence[File]) -> list[Rows]:
    groups: dict[tuple[tuple[str, str], ...], list[File]] = {}
    for file, schema in read_footers(events, {file: file.address for file in files}).items():
        groups.setdefault(tuple(spark_types(schema).items()), []).append(file)
    return [_parquet_rows(dict(types), same) for types, same in groups.items()]


def _parquet_rows(types: Mapping[str, str], files: Sequence[File]) -> Rows:
    twins = find_twins(types)
    makers = {" utc*/": "MAKE_TIMESTAMPTZ", "/*ns*/": "MAKE_TIMESTAMP"}
    unread = {name: kind.removesuffix(UNREAD) for name, kind in types.items() if kind.endswith(UNREAD)}
    chosen = []
    for name, kind in types.items():
        made = next(
            (f"{maker}({_micros(quoted(name))}) AS " for end, maker in makers.items() if kind.endswith(end)), ""
        )
        chosen += [] if name.lower() in twins else [made + quoted(name)]
    call = f"read_parquet({_list(files)}, can_have_nan = true"  # of which the statistics do not tell
    sql = _select(call, files, types, chosen or ["NULL"])
    return Rows(sql, _names(files), {}, twins, unread=unread)


def _micros(column: str) -> str:
    """Nanoseconds cut to microseconds, as Spark does it: a cast rounds, and with that to the next day."""
    return f"(EPOCH_NS({column}) - (EPOCH_NS({column}) % 1000 + 1000) % 1000) // 1000"


def _names(files: Sequence[File]) -> tuple[str, ...]:
    return tuple(file.address for file in files)


def _csv_groups(events: str, files: Sequence[File], kind: Format, options: Options, *, whole: bool) -> list[Rows]:
    groups: dict[str, tuple[Layout, list[File]]] = {}
    for file in files:
        with unpacking(events, file):
            raw = _first_line(file, options)
        layout = read_layout(raw, file.address, events, options, "\t" if kind is Format.TSV else None)
        if layout.line or options.header is False:
            if whole:
                with unpacking(events, file):
                    check_text(events, file, layout)
            groups.setdefault(layout.said(), (layout, []))[1].append(file)
    return [_csv_rows(layout, same) for layout, same in groups.values()]


def _is_zstandard(file: File) -> bool:
    return file.address.endswith(".zst")


def _first_line(file: File, options: Options) -> bytes:
    if _is_zstandard(file):
        raise SourceError(
            f"{file.address} is packed with zstandard, which is not looked at here. Unpack it, or use .gz."
        )
    with open_file(file) as stream:
        start = stream.read(_FIRST)
    if start[:2] == b"\xfe\xff" or (options.encoding or "").startswith(("utf-16-be", "utf-32")):
        raise SourceError(
            f"{file.address} is {options.encoding or 'utf-16 with the high byte first'}, which a run reads and which "
            "is not looked at here. Write it in UTF-8."
        )
    if start[:2] == b"\xff\xfe" or (options.encoding or "").startswith("utf-16"):
        text = start[: len(start) // 2 * 2].decode(options.encoding or "utf-16", "ignore")
        return next((line.encode("utf-16") for line in text.splitlines() if line.strip()), b"")
    comment = options.comment.encode() if options.comment else None
    lines = [line for line in start.splitlines() if line.strip(b"\x00\t ")]
    return next((line for line in lines if not (comment and line.startswith(comment))), b"")


def _csv_rows(layout: Layout, files: Sequence[File]) -> Rows:
    options = layout.options
    quote, escape = options.marks
    encoding = _ENCODINGS.get(layout.encoding, "latin-1")
    columns = ", ".join(f"{spelled(name)}: 'VARCHAR'" for name in layout.names)
    said = {
        "auto_detect": "false", "header": str(options.header is not False).lower(), "delim": spelled(layout.sep),
        "quote": spelled(quote), "escape": spelled(escape or quote), "comment": spelled(options.comment or ""),
        "columns": f"{{{columns}}}", "encoding": spelled(encoding), "nullstr": spelled(options.null_value or ""),
    }  # fmt: skip
    high, column = letters(layout.encoding), "{0}"
    if high is not None:
        column = f"TRANSLATE({column}, {spelled(HIGH)}, {spelled(high)})"
    if layout.has_blanks:
        column = f"LTRIM({column}, ' ')"
    chosen = [f"{column.replace('{0}', quoted(name))} AS {quoted(name)}" for name in layout.names]
    call = f"read_csv({_list(files)}, {', '.join(f'{name} = {value}' for name, value in said.items())}"
    return Rows(_select(call, files, layout.names, chosen), _names(files), {}, layout.twins, options.decimal)


def _with_types(engine: "duckdb.DuckDBPyConnection", events: str, rows: Rows) -> Rows:
    try:
        relation = engine.sql(rows.sql)
    except duckdb.Error as error:
        raise unreadable(events, rows, error) from error
    types = {**kinds.from_duckdb(relation.columns, relation.types), **rows.unread}
    shown = ", ".join(f"{name} {kind}" for name, kind in zip(relation.columns, relation.types, strict=True))
    return replace(rows, types=types, shown=shown)


def find_values(engine: "duckdb.DuckDBPyConnection", sql: str) -> frozenset[str]:
    """The texts that a query of one column finds; none where files cannot be read: the run says which."""
    try:
        return frozenset(str(value) for (value,) in engine.execute(sql).fetchall())
    except duckdb.Error:
        return frozenset()


def _as_file(address: str) -> File:
    return File(address, (), 0)


def unreadable(events: str, rows: Rows, error: Exception) -> SourceError:
    """What is said of files that the engine cannot read."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return SourceError(f"The events {events!r} need more memory than a look may take. Look at a part of the files.")
    said = [line for line in str(error).splitlines() if line.strip()]
    if "unicode" in str(error).lower() or "utf-8" in str(error).lower() or "utf8" in str(error).lower():
        return not_utf_8(events, rows.files[0], (said[1] if len(said) > 1 else said[0]).encode())
    if "not possible to parse your CSV" in str(error) and any(map(has_two_ends, map(_as_file, rows.files))):
        return SourceError(
            f"The events {events!r} cannot be looked at: rows end in CRLF and in LF, as where files of several writers "
            f"were put together, in {rows.files[0]}. Write it anew with one end for all rows; a run may read it so."
        )
    original = next((line for line in said if line.startswith("Original Line:")), "")
    reason = next((line for line in said[1:] if not line.startswith(("Original", "Possible", "*"))), said[0])
    return SourceError(
        f"The events {events!r} cannot be read: {reason.strip()} {original} In {rows.files[0]}"
        f"{' and its like' if len(rows.files) > 1 else ''}. Say how it is written with event_options."
    )
