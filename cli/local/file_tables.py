"""A home's tables as the files that they are: read and changed without Spark, by one commit of Delta as with it."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from lib.errors import SourceError
from lib.tables.contracts import CONTRACTS, VERSIONED
from lib.tables.delta import STATISTICS_OF
from lib.tables.ids import STATISTICS
from lib.tables.memory import MemoryTables
from lib.tables.protocol import OURS
from lib.tables.schemas import missing_added, to_pandas
from lib.tables.views import with_views


class FileTables(MemoryTables):
    """The tables of one schema of a home, for what is done by hand: rows come into memory as far as they are asked for.

    `warehouse` holds a folder for each schema, and that one for each table.
    """

    def __init__(self, warehouse: Path, schema: str) -> None:
        super().__init__()
        self._warehouse, self._folder = warehouse, warehouse / schema

    def exists(self, name: str) -> bool:
        return DeltaTable.is_deltatable(str(self._folder / name))

    def table(self, sql: str) -> pa.Table:
        asked = with_views(sql, self.exists)
        named = [name for name in CONTRACTS if f"{{{name}}}" in asked]
        sets = {name: self._open(name).to_pyarrow_dataset() for name in named}  # of which no more is read than is asked
        older = [name for name, rows in sets.items() if missing_added(name, rows.schema.names)]
        for name in sets.keys() - older:
            self.connection.register(name, sets[name])
        self.stored = {name: sets[name].to_table() for name in older}
        return super().table(asked)

    def replace(self, name: str, rows: pa.Table | pd.DataFrame, where: str) -> None:
        where_there = {"predicate": where} if self.exists(name) else {}
        self._write(name, rows, mode="overwrite", schema_mode="merge", **where_there)

    def append(self, name: str, rows: pa.Table | pd.DataFrame) -> None:
        self._write(name, rows, mode="append", schema_mode="merge")

    def delete(self, name: str, where: str) -> None:
        self._open(name).delete(where)

    def outside(self, name: str) -> pa.Table:
        schema, _, table = name.replace("`", "").rpartition(".")
        try:
            return DeltaTable(self._warehouse / schema.rpartition(".")[2] / table).to_pyarrow_table()
        except TableNotFoundError as error:
            raise SourceError(f"Table {name} cannot be read: there is none of that name.") from error
        except (DeltaError, OSError) as error:
            raise SourceError(f"Table {name} cannot be read: {error}") from error

    def remake(self, name: str, rows: pa.Table) -> None:
        self._write(name, rows, mode="overwrite", schema_mode="overwrite")

    def properties(self, name: str) -> dict[str, str]:
        settings = self._open(name).metadata().configuration if self.exists(name) else {}
        return {key.removeprefix(OURS): text for key, text in settings.items() if key.startswith(OURS)}

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        texts = {f"{OURS}{key}": text for key, text in values.items()}
        self._open(name).alter.set_table_properties(texts, raise_if_not_exists=False)

    def version_before(self, name: str, moment: datetime) -> int | None:
        if not self.exists(name):
            return None
        stamp = moment.timestamp() * 1000
        earlier = [int(one["version"]) for one in self._open(name).history() if one["timestamp"] < stamp]
        return max(earlier) if earlier and _is_whole(self._folder / name, max(earlier)) else None

    def restore(self, name: str, version: int) -> None:
        table = self._open(name)
        if table.version() != version:
            table.restore(version)

    def versions(self) -> list[int]:
        return sorted(int(commit["version"]) for commit in self._open(VERSIONED).history())

    def at_version(self, version: int, where: str, columns: str = "*") -> pd.DataFrame:
        there = self._at(version)
        if there is None:
            rows = pd.DataFrame()
        else:
            self.connection.register("earlier", there)
            rows = to_pandas(self.connection.sql(f"SELECT {columns} FROM earlier WHERE {where}").to_arrow_table())
        return rows.reindex(columns=list(CONTRACTS[VERSIONED])) if columns == "*" else rows

    def _at(self, version: int) -> pa.Table | None:
        """A version of the lists; None where its files, or the log that names them, are gone."""
        folder = self._folder / VERSIONED
        return DeltaTable(folder, version=version).to_pyarrow_table() if _is_whole(folder, version) else None

    def _open(self, name: str) -> DeltaTable:
        return DeltaTable(self._folder / name)

    def _write(self, name: str, rows: pa.Table | pd.DataFrame, **how: Any) -> None:
        """One commit, in which a new table gets its settings: those of one that is there are its own."""
        if name in STATISTICS and not self.exists(name):
            how["configuration"] = {STATISTICS_OF: ",".join(STATISTICS[name])}
        write_deltalake(self._folder / name, self._table_of(name, rows), **how)


def _is_whole(folder: Path, version: int) -> bool:
    """Whether a version of a table can be read: its files, and the log that names them, are there."""
    try:
        table = DeltaTable(folder, version=version)
    except DeltaError:
        if (folder / "_delta_log" / f"{version:020}.json").exists():
            raise
        return False
    return all(os.path.exists(unquote(uri).removeprefix("file://")) for uri in table.file_uris())
