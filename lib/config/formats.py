"""What channels take as a file: a file of data for each in `formats`, read here.

Each says where its facts are from, and what of it could not be checked.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "formats"
IDENTIFIERS = ("email", "phone")  # that a channel may match by, besides the user's own id


@dataclass(frozen=True, kw_only=True)
class Format:
    """What one takes: columns in its own words, blank where it takes none; a limit of 0 is none."""

    title: str
    source: str
    version: str
    unchecked: str
    shape: str  # csv, parquet, or requests: JSON with a request's body in each line
    ending: str
    user: str = ""  # the column of our own id
    email: str = ""
    phone: str = ""
    hashed: bool = False  # e-mail and phone as SHA-256
    safe_in_spreadsheets: bool = False
    rows: int = 0
    most_columns: int = 0
    megabytes: int = 0
    rows_of_a_request: int = 0
    bytes_of_a_request: int = 0
    bytes_of_a_row: int = 0
    names: str = ".+"  # a pattern of what columns may be called
    columns: Mapping[str, str] = field(default_factory=dict)  # those of `audience` to the channel's names


@cache
def format_names() -> tuple[str, ...]:
    """All formats, by name."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


@cache
def read_format(name: str) -> Format:
    """One format; those that are of no channel have all columns of the list."""
    from lib.tables.contracts import AUDIENCE  # which takes pandas: help needs none

    raw = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Format(**({"columns": {column: column for column in AUDIENCE}} if name in ("csv", "parquet") else {}) | raw)
