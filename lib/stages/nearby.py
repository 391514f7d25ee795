"""Where a list is worked on: here, where it has few users, else on the engine, by the same SQL."""

from dataclasses import dataclass

import pyarrow as pa

from lib.tables.protocol import Tables

MOST_NEAR = 200_000  # rows that this process takes


@dataclass(frozen=True)
class Near:
    """Rows to work on: the tables that hold them, and the SELECT that gives them there."""

    tables: Tables
    sql: str


def bring_near(tables: Tables, sql: str, most: int | None = None) -> Near:
    """The rows of a SELECT in this process, where they are few, `MOST_NEAR` unless said; else the SELECT as it is.

    A query costs a small list far more on the engine than here, and a large list does not fit here.
    """
    most = MOST_NEAR if most is None else most
    rows = tables.arrow(f"SELECT * FROM ({sql}) r LIMIT {most + 1}")
    return Near(tables, sql) if len(rows) > most else hold_near(rows)


def hold_near(rows: pa.Table) -> Near:
    """Rows that are in this process already."""
    from lib.tables.memory import MemoryTables  # DuckDB is loaded where it is needed

    near = MemoryTables()
    near.connection.execute("SET threads = 1")  # sums of the same rows are the same to the last bit
    near.stored["chosen"] = rows
    return Near(near, "SELECT * FROM chosen")
