"""Where a list is worked on: here, where it has few users, else on the engine, by the same SQL."""

from dataclasses import dataclass

from lib.tables.protocol import Tables

MOST_NEAR = 200_000  # rows that this process takes


@dataclass(frozen=True)
class Near:
    """Rows to work on: the tables that hold them, and the SELECT that gives them there."""

    tables: Tables
    sql: str


def bring_near(tables: Tables, sql: str) -> Near:
    """The rows of a SELECT in this process, where they are few; else the SELECT as it is.

    A query costs a small list far more on the engine than here, and a large list does not fit here.
    """
    rows = tables.arrow(f"SELECT * FROM ({sql}) r LIMIT {MOST_NEAR + 1}")
    if len(rows) > MOST_NEAR:
        return Near(tables, sql)
    from lib.tables.memory import MemoryTables  # DuckDB is loaded where it is needed

    near = MemoryTables()
    near.connection.execute("SET threads = 1")  # sums of the same rows are the same to the last bit
    near.stored["chosen"] = rows
    return Near(near, "SELECT * FROM chosen")
