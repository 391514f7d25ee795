"""A part of a source: rows that were all written alike, as one Spark frame."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from lib.expressions import kinds
from lib.sources.files import File
from lib.tables.sql import column_sql

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

FILE = "__file"  # in which file a row stands; blank where it is in none
ROW = "__row_as_found"  # what is no row, as it was found
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # what a folder of Hive is called by where the column has none
HIGH = "".join(map(chr, range(128, 256)))  # what latin-1 makes of bytes that are no ASCII


@dataclass(frozen=True)
class Part:
    """Rows that were all written alike."""

    frame: "DataFrame"  # their own columns, `FILE`, and the column `row` where there is one
    name: str  # the first file, or the table
    shown: str  # their columns, as a message shows them
    twins: frozenset[str] = frozenset()  # names in small letters that several columns have
    row: str | None = None  # the column that holds what is no row, and is null for all others
    decimal: str | None = None  # what parts whole from fraction in texts that are numbers
    is_text: bool = False  # every column is a text
    padded: frozenset[str] = frozenset()  # columns of type CHAR, which the engine fills up with blanks
    unread: Mapping[str, str] = field(default_factory=dict)  # columns that the frame leaves out, with their types

    @property
    def columns(self) -> list[str]:
        """The source's own columns."""
        return [name for name in self.frame.columns if name not in (FILE, self.row)]

    @property
    def types(self) -> dict[str, kinds.Type]:
        """Their types, with those of columns that no engine can read."""
        types = kinds.from_spark(self.frame.schema.jsonValue())
        return {**{name: types[name] for name in self.columns}, **self.unread}


def find_twins(names: Iterable[str]) -> frozenset[str]:
    """Names in small letters that several columns have: which is meant nobody can say, and Spark cannot tell."""
    counts = Counter(name.lower() for name in names)
    return frozenset(name for name, times in counts.items() if times > 1)


def shape(frame: "DataFrame", files: Sequence[File], decode: str | None = None) -> "DataFrame":
    """The columns of a frame of files, its letters in their place, with those of Hive folders and `FILE` behind."""
    from pyspark.sql import functions as F

    path = F.col("_metadata.file_path")
    own = [
        F.translate(column_sql(name), HIGH, decode).alias(name) if decode else F.col(column_sql(name))
        for name in frame.columns
    ]
    lowered = {name.lower() for name in frame.columns}
    folders = dict.fromkeys(name for file in files for name, _ in file.folders if name.lower() not in lowered)
    written = {name: F.regexp_extract(path, f"/{re.escape(quote(name))}=([^/]*)/", 1) for name in folders}
    # once for Spark's address, once for the writer of the folder
    above = [
        _unescape(_unescape(F.nullif(F.nullif(text, F.lit("")), F.lit(NO_VALUE)))).alias(name)
        for name, text in written.items()
    ]
    return frame.select(*own, *above, path.alias(FILE))


def _unescape(text: "Column") -> "Column":
    """Signs written as %20 in their place; a plus stays one."""
    from pyspark.sql import functions as F

    return F.try_url_decode(F.replace(text, F.lit("+"), F.lit("%2B")))
