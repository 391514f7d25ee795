"""The kind of tables in memory, for tests and replays: DuckDB reads the queries, Arrow holds the rows."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa
from duckdb.func import ARROW as ARROW_UDF

from lib.errors import SourceError
from lib.tables.contracts import CONTRACTS, VERSIONED
from lib.tables.protocol import ROWS_AT_ONCE, KeptNotes, MapTable, MapUsers, OfUsers
from lib.tables.schemas import ARROW, check_columns, missing_added, to_arrow, to_pandas
from lib.tables.views import with_views


class MemoryTables(KeptNotes):
    """Tables in memory: nothing of them is left when the process ends."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("CREATE MACRO sha2(text, bits) AS sha256(text)")  # Spark's name of it
        # another of Spark's: how days are subtracted is spelled otherwise everywhere
        self.connection.execute("CREATE MACRO unix_date(day) AS CAST(day - DATE '1970-01-01' AS BIGINT)")
        self.stored: dict[str, pa.Table] = {}
        self.notes: dict[tuple[str, str], str] = {}  # by table and key
        self.earlier: list[pa.Table] = []  # versions of `audience`
        self.elsewhere: dict[str, pa.Table] = {}  # tables of others
        self.others: dict[str, list[tuple[datetime, pa.Table]]] = {}  # somebody else's: when each version was written

    def exists(self, name: str) -> bool:
        return name in self.stored

    def table(self, sql: str) -> pa.Table:
        """Run a SELECT."""
        asked = with_views(sql, self.exists)
        for name, stored in self.stored.items():
            if f"{{{name}}}" not in asked:
                continue
            rows = stored
            for column, kind in missing_added(name, stored.column_names).items():
                rows = rows.append_column(column, pa.nulls(len(rows), ARROW[kind]))
            self.connection.register(name, rows)
        asked = asked.format(but="EXCLUDE", **{name: name for name in CONTRACTS})
        return self.connection.sql(asked).to_arrow_table()

    def query(self, sql: str) -> pd.DataFrame:
        return to_pandas(self.table(sql))

    def arrow(self, sql: str) -> pa.Table:
        return self.table(sql)

    def batches(self, sql: str) -> Iterator[pa.Table]:
        rows = self.table(sql)
        for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
            yield rows.slice(start, ROWS_AT_ONCE)

    def reading_ahead(self) -> AbstractContextManager[None]:
        """Nothing is farther away than here."""
        return nullcontext()

    def rows(self, sql: str) -> pa.Table:
        return self.table(sql)

    def lend(self, name: str, rows: pa.Table) -> None:
        self.connection.register(name, rows)

    def define(self, name: str, function: OfUsers, gives: str) -> None:
        def on_arrow(texts: pa.ChunkedArray) -> pa.Array:
            return pa.array(function(texts.to_pylist()), ARROW[gives])

        with suppress(duckdb.InvalidInputException):  # none of that name yet
            self.connection.remove_function(name)
        self.connection.create_function(name, on_arrow, ["VARCHAR"], gives, type=ARROW_UDF)

    def summarise(self, sql: str, function: MapTable, schema: pa.Schema) -> pa.Table:
        return function(self.table(sql)).cast(schema)

    def map_rows(self, sql: str, function: MapTable, schema: pa.Schema) -> pa.Table:
        return function(self.table(sql)).cast(schema)

    def map_users(self, sql: str, function: MapUsers, schema: pa.Schema) -> pa.Table:
        return pa.concat_tables([schema.empty_table(), *(made.cast(schema) for made in function(self.table(sql)))])

    def replace(self, name: str, rows: pa.Table | pd.DataFrame, where: str) -> None:
        new = self._table_of(name, rows)
        others = self.table(f"SELECT * FROM {{{name}}} WHERE NOT ({where})") if self.exists(name) else new.slice(0, 0)
        self.stored[name] = pa.concat_tables([others, new], promote_options="default")
        if name == VERSIONED:
            self.earlier = [*self.earlier, self.stored[name]]

    def append(self, name: str, rows: pa.Table | pd.DataFrame) -> None:
        self.replace(name, rows, "1 = 0")

    def delete(self, name: str, where: str) -> None:
        self.stored[name] = self.table(f"SELECT * FROM {{{name}}} WHERE NOT ({where})")

    def keep_versions(self, days: int | None) -> None:
        """Nothing: there are none but those of lists."""

    def outside(self, name: str) -> pa.Table:
        if name not in self.elsewhere:
            raise SourceError(f"Table {name} cannot be read: there is none of that name.")
        return self.elsewhere[name]

    def properties(self, name: str) -> dict[str, str]:
        return {key: text for (table, key), text in self.notes.items() if table == name and self.exists(name)}

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        self.notes |= {(name, key): text for key, text in values.items()}

    def remake(self, name: str, rows: pa.Table) -> None:
        self.stored[name] = self._table_of(name, rows)

    def versions(self) -> list[int]:
        return list(range(len(self.earlier)))

    def at_version(self, version: int, where: str, columns: str = "*") -> pd.DataFrame:
        self.connection.register("earlier", self.earlier[version])
        return to_pandas(self.connection.sql(f"SELECT {columns} FROM earlier WHERE {where}").to_arrow_table())

    def as_written(self, table: str, before: datetime, where: str) -> pd.DataFrame | None:
        versions = [rows for moment, rows in self.others.get(table, ()) if moment < before]
        if not versions:
            return None
        self.connection.register("other", versions[-1])
        return to_pandas(
            self.connection.sql(f"SELECT user_id, cutoff, score FROM other WHERE {where}").to_arrow_table()
        )

    def _table_of(self, name: str, rows: pa.Table | pd.DataFrame) -> pa.Table:
        table = to_arrow(name, rows) if isinstance(rows, pd.DataFrame) else rows
        names = {str(kind): spelled for spelled, kind in ARROW.items()}
        check_columns(name, {field.name: names.get(str(field.type), str(field.type)) for field in table.schema})
        return table
