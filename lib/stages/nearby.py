"""Where a list is worked on: here, where it has few users, else on the engine, by the same SQL."""

from dataclasses import dataclass

import pyarrow as pa

from lib.audience.spread import Spread, spread_sql
from lib.tables.protocol import Tables

MOST_NEAR = 200_000  # rows that this process takes
MOST_WIDE = 20_000  # with hundreds of columns


@dataclass(frozen=True)
class Near:
    """Rows to work on: the tables that hold them, and the SELECT that gives them there."""

    tables: Tables
    sql: str
    here: bool = False  # in this process

    def has_rows(self) -> bool:
        """Whether there is any."""
        return not self.tables.query(f"SELECT 1 AS one FROM ({self.sql}) r LIMIT 1").empty

    def read_spread(self) -> Spread:
        """How the propensities of the rows are spread."""
        return Spread.of(self.tables.query(spread_sql(self.sql)))


def bring_near(tables: Tables, *selects: str, most: int | None = None) -> tuple[Near, ...]:
    """The rows of some SELECTs in this process, where each gives few, `MOST_NEAR` unless said; else as they are.

    A query costs a small list far more on the engine than here, and a large list does not fit here.
    """
    chosen, most = [], MOST_NEAR if most is None else most
    for sql in selects:
        chosen.append(tables.arrow(f"SELECT * FROM ({sql}) r LIMIT {most + 1}"))
        if len(chosen[-1]) > most:
            return tuple(Near(tables, sql) for sql in selects)
    return hold_near(*chosen)


def hold_near(*chosen: pa.Table) -> tuple[Near, ...]:
    """Rows that are in this process already, to be worked on side by side."""
    from lib.tables.memory import MemoryTables  # DuckDB is loaded where it is needed

    near = MemoryTables()
    near.connection.execute("SET threads = 1")  # sums of the same rows are the same to the last bit
    for place, rows in enumerate(chosen):
        near.lend(f"chosen_{place}", rows)
    return tuple(Near(near, f"SELECT * FROM chosen_{place}", here=True) for place in range(len(chosen)))
