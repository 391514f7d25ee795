"""Tables in memory for what Spark reads: a source is Spark's, and what is kept of it costs no commit of Delta's.

What Delta makes of a write is held by tests/contract and by the tests that ask for `delta_tables`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from lib.tables.contracts import CONTRACTS
from lib.tables.frames import frame_of
from lib.tables.memory import MemoryTables
from lib.tables.schemas import ARROW

ON_DELTA = pytest.mark.parametrize("tables", ["delta"], indirect=True)  # where Delta is what is asked about
NONE = "1 = 0"  # what `append` replaces


class NearTables(MemoryTables):
    """Takes Spark's frames as rows, and gives what it keeps as Spark's frames."""

    def __init__(self, spark: SparkSession, schema: str) -> None:
        super().__init__()
        self.spark, self.schema = spark, schema
        self.writes: Counter[str] = Counter()  # of rows, by table
        self.notings: Counter[str] = Counter()  # of notes, by table

    def frame(self, sql: str) -> DataFrame:
        """Run a SELECT, for Spark to go on with."""
        return frame_of(self.spark, "", self.arrow(sql))

    def replace(self, name: str, rows: Any, where: str) -> None:
        new = self._table_of(name, rows)
        self.connection.register("new_rows", new)
        others = self.connection.sql(f"SELECT * FROM new_rows WHERE NOT ({where})").to_arrow_table()
        assert where == NONE or not len(others), f"replaceWhere of {name} refuses rows that do not meet {where}"
        super().replace(name, new, where)
        self.writes[name] += 1

    def delete(self, name: str, where: str) -> None:
        super().delete(name, where)
        self.writes[name] += 1

    def remake(self, name: str, rows: Any) -> None:
        super().remake(name, rows)
        self.writes[name] += 1

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        super().set_properties(name, values)
        self.notings[name] += 1

    def drop(self, name: str) -> None:
        """Take a table away."""
        self.stored.pop(name, None)

    def commits(self, name: str) -> int:
        """How many commits a table would have on Delta."""
        return self.writes[name] + self.notings[name]

    def _table_of(self, name: str, rows: DataFrame | pa.Table | pd.DataFrame) -> pa.Table:
        if isinstance(rows, pa.Table | pd.DataFrame):
            return super()._table_of(name, rows)
        table = rows.toArrow()
        kinds = [pa.field(one.name, ARROW.get(CONTRACTS[name].get(one.name, ""), one.type)) for one in table.schema]
        return super()._table_of(name, table.cast(pa.schema(kinds)))  # else elements of lists may not be null
