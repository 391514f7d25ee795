"""What the stages ask of their tables, whatever holds them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

ROWS_AT_ONCE = 50_000  # of what is read batch by batch
OURS = "propensity."  # how the names of our notes begin, where a table has others' besides
Rows = Any  # rows on their way into a table: a Spark frame, or an Arrow table where tables are in memory
MapTable = Callable[[pa.Table], pa.Table]
OfUsers = Callable[[Sequence[str]], Any]  # texts to an array of as many values
MapUsers = Callable[[pa.Table], Iterable[pa.Table]]


class Tables(Protocol):
    """What the pipeline asks of its tables."""

    def exists(self, name: str) -> bool:
        """Whether the table is there."""

    def query(self, sql: str) -> pd.DataFrame:
        """Run a SELECT and bring its rows here."""

    def arrow(self, sql: str) -> pa.Table:
        """The same, as Arrow has them."""

    def batches(self, sql: str) -> Iterator[pa.Table]:
        """The same in their order, so many at a time, however many there are; of none a table without rows."""

    def reading_ahead(self) -> AbstractContextManager[None]:
        """Let small tables be brought here once, for as long as this lasts and this process alone writes to them."""

    def rows(self, sql: str) -> Rows:
        """The same, on their way into a table."""

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let queries name these rows, as `name` without braces, in the place of what was lent by it before."""

    def define(self, name: str, function: OfUsers, gives: str) -> None:
        """Let queries call a function of one text, by this name; `gives` is its type, boolean or double.

        On Spark it runs where the rows lie.
        """

    def map_rows(self, sql: str, function: MapTable, schema: pa.Schema) -> Rows:
        """Apply a function to the selected rows, batch by batch and in parallel."""

    def summarise(self, sql: str, function: MapTable, schema: pa.Schema) -> pa.Table:
        """Bring here what a function makes of the selected rows, batch by batch where they lie: few rows of each."""

    def map_users(self, sql: str, function: MapUsers, schema: pa.Schema) -> Rows:
        """Apply a function to the selected rows so that one call sees all rows of each of its users.

        On Spark a call gets as many users as a worker can hold, and what it gives is passed on table by table.
        """

    def replace(self, name: str, rows: Rows | pd.DataFrame, where: str) -> None:
        """Replace the rows that match `where`, in one commit; `where` is an SQL condition that the new rows meet."""

    def append(self, name: str, rows: Rows | pd.DataFrame) -> None:
        """Add rows, in one commit."""

    def delete(self, name: str, where: str) -> None:
        """Remove the rows that match, in one commit."""

    def versions(self) -> list[int]:
        """The numbers of the versions of `audience` that can still be read, oldest first; the last is the present."""

    def at_version(self, version: int, where: str, columns: str = "*") -> pd.DataFrame:
        """The rows of a version of `audience` that match; none where a VACUUM has taken its files away.

        With all columns, those added since are null.
        """

    def keep_versions(self, days: int | None) -> None:
        """Let earlier versions of the activity be kept for so many days, or for ever, by a setting of its tables."""

    def outside(self, name: str) -> pa.Table:
        """All rows of a table that is somebody else's, by its name as SQL has it.

        Raises
        ------
        SourceError
            If it cannot be read.
        """

    def as_written(self, table: str, before: datetime, where: str) -> pd.DataFrame | None:
        """Rows of a table of somebody else's as its own history has them from before a moment.

        Returns DataFrame[user_id string, cutoff date, score double], those that match `where`, of the last version from
        before; None where there is none.

        Raises
        ------
        ContractBroken
            If the table, its history or that version cannot be read, or lacks one of these columns.
        """

    def get_property(self, name: str, key: str) -> str | None:
        """Read a note kept with a table; None without the table or the note."""

    def set_property(self, name: str, key: str, value: str) -> None:
        """Keep a note with a table."""

    def properties(self, name: str) -> dict[str, str]:
        """All notes kept with a table; none without the table."""

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        """Keep several notes with a table, in one commit."""

    def remake(self, name: str, rows: Rows) -> None:
        """Replace a table, its columns included, in one commit."""


class KeptNotes:
    """One note at a time, for tables that keep several."""

    def get_property(self, name: str, key: str) -> str | None:
        return self.properties(name).get(key)

    def set_property(self, name: str, key: str, value: str) -> None:
        self.set_properties(name, {key: value})

    def properties(self, name: str) -> dict[str, str]:
        raise NotImplementedError

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        raise NotImplementedError
