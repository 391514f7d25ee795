"""Which files a source is made of, and of what format they are; listed on the engine, which sees what it will read.

A name says the format: `.csv`, `.tsv`, `.json`, `.jsonl`, `.ndjson`, `.parquet`, in any case, the texts also packed.
What begins with `_` or `.` is no data, as Spark has it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lib.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PACKED = (".gz", ".zst", ".bz2")  # which Spark reads by the ending, in small letters only
_UNREADABLE = (".zip", ".7z", ".rar", ".tar", ".tgz", ".xz", ".lz4", ".snappy", ".deflate", ".gzip", ".br")
TABLES = {"_delta_log": "a Delta table", ".hoodie": "a Hudi table"}  # folders in which tables keep their log
_PATTERN = re.compile(r"[*?\[{]")
_FOLDER = re.compile(r"([^/=]+)=([^/]*)")  # of Hive: a column and the value that all files below have


class Format(StrEnum):
    """How files are written."""

    CSV = "CSV"
    TSV = "TSV"
    JSON = "JSON lines"
    PARQUET = "Parquet"


ENDINGS = {
    ".csv": Format.CSV, ".tsv": Format.TSV, ".tab": Format.TSV, ".json": Format.JSON, ".jsonl": Format.JSON,
    ".ndjson": Format.JSON, ".parquet": Format.PARQUET, ".parq": Format.PARQUET, ".pq": Format.PARQUET,
}  # fmt: skip
_WAYS = f"Files are read whose names end in {', '.join(ENDINGS)}, texts also with {' or '.join(_PACKED)} behind"


@dataclass(frozen=True)
class File:
    """One file that holds something."""

    address: str  # as the engine has it
    folders: tuple[tuple[str, str], ...]  # of Hive, above it and below the source: column and value
    bytes: int

    @property
    def name(self) -> str:
        """The address as people write it."""
        return format_address(self.address)

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed as a whole."""
        return self.address.endswith(_PACKED)


def format_address(address: str) -> str:
    """An address as people write it."""
    return re.sub(r"^file:/+", "/", address)


def escape_pattern(path: str) -> str:
    """A path in which nothing stands for something else."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)


def may_be_text(events: str) -> bool:
    """Whether a source may be files of text, and not the name of a table or Parquet files."""
    kinds = {_format_of(path) for path in split_paths(events)}
    return "/" in events and kinds != {Format.PARQUET}


def is_place(events: str) -> bool:
    """Whether a source is named as files are, and not as a table."""
    return "/" in events or any(_format_of(path) for path in split_paths(events))


def split_paths(events: str) -> list[str]:
    """The places that a text names; with commas between them where each looks like a path."""
    parts = [part.strip() for part in re.split(r",(?![^{]*\})", events)]  # in braces, a comma is of a pattern
    several = len(parts) > 1 and all("/" in part or _format_of(part) for part in parts)
    return parts if several else [events]


def find_places(spark: "SparkSession", events: str) -> list[str]:
    """The places that a text names, where it is not the name of one thing that has commas in it."""
    places = split_paths(events)
    return [events] if len(places) > 1 and exists(spark, events) else places


def exists(spark: "SparkSession", path: str, inside: str = "") -> bool:
    """Whether there is a file, or one in a folder; `inside` is where to look below the path."""
    return _first(spark, escape_pattern(path) + inside) is not None


def check_no_tables(spark: "SparkSession", events: str) -> None:
    """Refuse the files of a table: alone, they also hold what was deleted from it, and what it has replaced.

    Raises
    ------
    SourceError
        The message names the folder of the table.
    """
    below = ",".join(f"{folders}{log}" for folders in ("", "*/", "*/*/") for log in TABLES)
    for place in find_places(spark, events):
        pattern = _to_pattern(spark, place.rstrip("/"))
        above = "".join(pattern.rpartition("/")[:2]) or "./"
        for logs in (f"{pattern}/{{{below}}}", f"{above}{{{','.join(TABLES)}}}"):
            if file := _first(spark, logs):
                log = next(log for log in TABLES if f"/{log}/" in file)
                raise SourceError(
                    f"The events {events!r} are files of {TABLES[log]}, {format_address(file.split(f'/{log}/')[0])}. "
                    "They alone also hold what was deleted from it. Name the table, or the whole folder of a Delta "
                    "table and nothing else."
                )


def _first(spark: "SparkSession", pattern: str) -> str | None:
    """The address of one file; None where there is none."""
    from pyspark.errors import AnalysisException

    try:
        rows = _load(spark, pattern).select("path").head(1)
    except AnalysisException:
        return None
    return str(rows[0]["path"]) if rows else None


def _load(spark: "SparkSession", pattern: str) -> "DataFrame":
    return spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(pattern)


def _to_pattern(spark: "SparkSession", path: str) -> str:
    """A path as Spark takes it: to the letter where that is there, and else as the pattern that it is."""
    escaped = escape_pattern(path)
    return escaped if escaped == path or exists(spark, path) else check_pattern(path)


def _before_signs(pattern: str) -> str:
    """The folder in which everything lies that fits a pattern."""
    return _PATTERN.split(pattern)[0].rpartition("/")[0]


def check_pattern(pattern: str) -> str:
    """The pattern; refuse two stars, which mean all folders below to some, and one to Spark, which would lose files.

    Raises
    ------
    SourceError
        The message names the folder to say instead.
    """
    if "**" in pattern:
        folder = _before_signs(pattern) or "."
        raise SourceError(
            f"The events {pattern!r} cannot be listed: ** is one folder to some readers and all below to others. Name "
            f"the folder, {folder}, of which all files below are read; or write a * for each folder."
        )
    return pattern


def list_files(spark: "SparkSession", events: str) -> list[File]:
    """All files of a source that hold data, by name.

    Raises
    ------
    SourceError
        If a file beside others is of no known format, or a file lies beside partition folders.
    PySparkException
        If a place is not there.
    """
    files = [file for path in find_places(spark, events) for file in _list_one(spark, path)]
    return sorted(dict.fromkeys(files), key=lambda file: file.address)


def _list_one(spark: "SparkSession", path: str) -> list[File]:
    rows = _load(spark, _to_pattern(spark, path)).select("path", "length").collect()
    return [File(row["path"], find_folders(row["path"], path), row["length"]) for row in rows]


def find_folders(address: str, place: str) -> tuple[tuple[str, str], ...]:
    """The folders of Hive above a file and below the place, or pattern, that was asked for: column and value."""
    root = (_before_signs(place) if _PATTERN.search(place) else place).rstrip("/")
    pairs = [_FOLDER.fullmatch(part) for part in address[address.find(root) + len(root) :].split("/")[:-1]]
    return tuple((pair[1], unquote(pair[2])) for pair in pairs if pair)


def _format_of(name: str) -> Format | None:
    lowered = name.lower()
    for packed in _PACKED:
        if lowered.endswith(packed):
            inner = ENDINGS.get(_ending(lowered.removesuffix(packed)))
            return inner if inner is not Format.PARQUET else None
    return ENDINGS.get(_ending(lowered))


def _ending(name: str) -> str:
    last = name.rpartition("/")[2]
    return last[last.rfind(".") :] if "." in last else ""


def tell_format(events: str, files: Sequence[File]) -> Format:
    """The one format of all files.

    Raises
    ------
    SourceError
        If there are several, or one that is not read; the message names a file of each.
    """
    formats: dict[Format | None, File] = {}
    for file in files:
        formats.setdefault(_format_of(file.address), file)
    if odd := formats.get(None):
        ending = _ending(odd.address.lower())
        if odd.address.lower().endswith(_PACKED) or ending in _UNREADABLE:
            way = "Pack it with gzip (.csv.gz) or not at all"
        elif len(files) > 1:
            way = f"Name the files to read with a pattern, like {_folder_of(odd)}/*.csv"
        else:
            way = "Give it the ending of what it is"
        raise SourceError(f"The events {events!r} cannot be read: {odd.name} is of no known format. {_WAYS}. {way}.")
    if len(formats) > 1:
        shown = ", ".join(f"{file.name} is {kind}" for kind, file in formats.items())
        raise SourceError(
            f"The events {events!r} hold files of several formats: {shown}. Name those to read with a pattern, like "
            f"{_folder_of(next(iter(formats.values())))}/*.csv."
        )
    (only,) = formats
    for file in files:
        if re.match("(file:)?/", file.address) and ":" in file.address.rpartition("/")[2]:
            raise SourceError(f"The events {events!r} cannot be read: {file.name} has a colon in its name. Rename it.")
        if any(file.address.lower().endswith(one) and not file.address.endswith(one) for one in _PACKED):
            raise SourceError(
                f"The events {events!r} cannot be read: the engine unpacks {file.name} only where .gz, .zst or .bz2 is "
                "in small letters. Rename it."
            )
    return Format(str(only))


def _folder_of(file: File) -> str:
    return file.name.rpartition("/")[0]


def path_below(path: str, folder: Path) -> str:
    """A path of files as it is found from a folder; an address of another kind as it stands."""
    return path if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", path) else str(folder / Path(path).expanduser())
