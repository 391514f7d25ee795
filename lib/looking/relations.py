"""Files as DuckDB relations, opened by the rules of `lib/sources`: nothing is guessed that Spark may read otherwise."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from tempfile import gettempdir

import duckdb
import pyarrow.parquet as pq

from lib.errors import SourceError
from lib.expressions import kinds
from lib.looking.texts import check_text, open_file
from lib.sources.files import TABLES, File, Format, split_paths, tell_format
from lib.sources.headers import Layout, not_utf_8, read_layout
from lib.sources.options import Options, letters
from lib.sources.part import HIGH

_DEEPEST = 4  # folders of partitions, below the one of a table
_FIRST = 1 << 20  # bytes in which a header stands


@dataclass(frozen=True)
class Rows:
    """Files that were all written alike, as a SELECT."""

    sql: str
    files: tuple[str, ...]
    types: dict[str, kinds.Type]
    twins: frozenset[str] = frozenset()
    decimal: str | None = None
    shown: str = field(default="", compare=False)


def connect(memory: str = "700MB") -> "duckdb.DuckDBPyConnection":
    """An engine of its own, in UTC and of bounded memory; what it cannot hold it lays down beside other drafts."""
    engine = duckdb.connect()
    spilled = Path(gettempdir()) / f"propensity-look-{os.getpid()}"  # which the engine makes, and takes away
    engine.execute(f"SET memory_limit = '{memory}'; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    engine.execute(f"SET temp_directory = {_text(str(spilled))}")
    return engine


def open_files(engine: "duckdb.DuckDBPyConnection", events: str, options: Options) -> list[Rows]:
    """Open all files of a source whose columns their beginnings tell, and read no more of them.

    None of JSON, of what is packed with zstandard, of tables, or where nothing is.
    """
    files = _list_files(events)
    is_told = files and tell_format(events, files) is not Format.JSON and not any(map(_is_zstandard, files))
    return _open(engine, events, files, options, whole=False) if is_told else []


def open_rows(engine: "duckdb.DuckDBPyConnection", events: str, options: Options) -> list[Rows]:
    """Open all files of a source.

    Raises
    ------
    SourceError
        If nothing is there, or it is no file that can be looked at without Spark.
    """
    files = _list_files(events)
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
        groups = _parquet_groups(files)
    elif kind is Format.JSON:
        groups = [_json_rows(engine, files)]
    else:
        groups = _csv_groups(events, files, kind, options, whole=whole)
    return [_with_types(engine, events, rows) for rows in groups]


def _list_files(events: str) -> list[File]:
    files = []
    for path in [events] if os.path.exists(events) else split_paths(events):
        for place in [path] if os.path.exists(path) else sorted(glob(path, recursive=True)):
            files += [_file(name, place) for name in _walk(place)]
    folders = {folder for file in files for folder in list(Path(file.address).parents)[:_DEEPEST]}
    if any((folder / log).is_dir() for folder in folders for log in TABLES):
        return []
    return [file for file in dict.fromkeys(files) if file.bytes]


def _walk(place: str) -> Iterator[str]:
    if os.path.isfile(place):
        yield os.path.abspath(place)
        return
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        yield from (os.path.abspath(os.path.join(folder, name)) for name in sorted(names)
                    if not name.startswith(("_", ".")))  # fmt: skip


def _file(name: str, root: str) -> File:
    parts = os.path.relpath(name, root).split(os.sep)[:-1]
    folders = tuple((one.partition("=")[0], one.partition("=")[2]) for one in parts if "=" in one)
    return File(name, folders, os.path.getsize(name))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _list(files: Sequence[File]) -> str:
    return "[" + ", ".join(_text(file.address) for file in files) + "]"


def _parquet_groups(files: Sequence[File]) -> list[Rows]:
    groups: dict[str, list[File]] = {}
    for file in files:
        groups.setdefault(str(pq.read_schema(file.address).remove_metadata()), []).append(file)
    hive = "hive_partitioning = true, hive_types_autocast = false" if any(file.folders for file in files) else ""
    return [
        Rows(f"SELECT * FROM read_parquet({_list(same)}{', ' + hive if hive else ''})", _names(same), {})
        for same in groups.values()
    ]


def _names(files: Sequence[File]) -> tuple[str, ...]:
    return tuple(file.address for file in files)


def _json_rows(engine: "duckdb.DuckDBPyConnection", files: Sequence[File]) -> Rows:
    said = "format = 'auto', sample_size = -1, union_by_name = true, maximum_depth = 6"
    source = f"read_json({_list(files)}, {said})"
    described = engine.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = [
        quoted(name) if kind.startswith(("STRUCT", "MAP")) else f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}"
        for name, kind, *_ in described
    ]
    return Rows(f"SELECT {', '.join(columns)} FROM {source}", _names(files), {})


def _csv_groups(events: str, files: Sequence[File], kind: Format, options: Options, *, whole: bool) -> list[Rows]:
    groups: dict[str, tuple[Layout, list[File]]] = {}
    for file in files:
        raw = _first_line(file, options)
        layout = read_layout(raw, file.address, events, options, "\t" if kind is Format.TSV else None)
        if layout.line or options.header is False:
            if whole:
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
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or (options.encoding or "").startswith("utf-16"):
        return start.decode(options.encoding or "utf-16").splitlines()[0].encode("utf-16")
    comment = options.comment.encode() if options.comment else None
    lines = [line for line in start.splitlines() if line.strip(b"\x00\t ")]
    return next((line for line in lines if not (comment and line.startswith(comment))), b"")


def _csv_rows(layout: Layout, files: Sequence[File]) -> Rows:
    options = layout.options
    quote, escape = options.marks
    encoding = layout.encoding if layout.encoding in ("utf-8", "utf-16") else "latin-1"
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in layout.names)
    said = {
        "auto_detect": "false", "header": str(options.header is not False).lower(), "delim": _text(layout.sep),
        "quote": _text(quote), "escape": _text(escape or quote), "comment": _text(options.comment or ""),
        "columns": f"{{{columns}}}", "encoding": _text(encoding), "nullstr": _text(options.null_value or ""),
    }  # fmt: skip
    if any(file.folders for file in files):
        said |= {"hive_partitioning": "true", "hive_types_autocast": "false"}
    high = letters(layout.encoding)
    chosen = ["*"] if high is None else [
        f"TRANSLATE({quoted(name)}, {_text(HIGH)}, {_text(high)}) AS {quoted(name)}" for name in layout.names
    ]  # fmt: skip
    if layout.has_blanks:
        chosen = [f"LTRIM({quoted(name)}) AS {quoted(name)}" for name in layout.names]
    source = f"read_csv({_list(files)}, {', '.join(f'{name} = {value}' for name, value in said.items())})"
    return Rows(f"SELECT {', '.join(chosen)} FROM {source}", _names(files), {}, layout.twins, options.decimal)


def _with_types(engine: "duckdb.DuckDBPyConnection", events: str, rows: Rows) -> Rows:
    try:
        relation = engine.sql(rows.sql)
    except duckdb.Error as error:
        raise unreadable(events, rows, error) from error
    types = kinds.from_duckdb(relation.columns, relation.types)
    shown = ", ".join(f"{name} {kind}" for name, kind in zip(relation.columns, relation.types, strict=True))
    return Rows(rows.sql, rows.files, types, rows.twins, rows.decimal, shown)


def find_values(engine: "duckdb.DuckDBPyConnection", sql: str) -> frozenset[str]:
    """The texts that a query of one column finds; none where files cannot be read: the run says which."""
    try:
        return frozenset(str(value) for (value,) in engine.execute(sql).fetchall())
    except duckdb.Error:
        return frozenset()


def unreadable(events: str, rows: Rows, error: Exception) -> SourceError:
    """What is said of files that the engine cannot read."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return SourceError(f"The events {events!r} need more memory than a look may take. Look at a part of the files.")
    said = [line for line in str(error).splitlines() if line.strip()]
    if "unicode" in str(error).lower() or "utf-8" in str(error).lower() or "utf8" in str(error).lower():
        return not_utf_8(events, rows.files[0], (said[1] if len(said) > 1 else said[0]).encode())
    original = next((line for line in said if line.startswith("Original Line:")), "")
    reason = next((line for line in said[1:] if not line.startswith(("Original", "Possible", "*"))), said[0])
    return SourceError(
        f"The events {events!r} cannot be read: {reason.strip()} {original} In {rows.files[0]}"
        f"{' and its like' if len(rows.files) > 1 else ''}. Say how it is written with event_options."
    )
