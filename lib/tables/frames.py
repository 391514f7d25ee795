"""Spark frames of rows that are on their way into a table, and rows of Spark frames on their way here."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from lib.tables.protocol import ROWS_AT_ONCE
from lib.tables.schemas import to_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def frame_of(spark: "SparkSession", name: str, rows: "DataFrame | pa.Table | pd.DataFrame") -> "DataFrame":
    """Rows for the table `name` as a frame."""
    from pyspark.sql.pandas.types import from_arrow_schema

    if not isinstance(rows, pd.DataFrame | pa.Table):
        return rows
    table = rows if isinstance(rows, pa.Table) else to_arrow(name, rows)  # of no rows Spark tells no types
    return spark.createDataFrame(table, None if len(table) else from_arrow_schema(table.schema))


def plain_strings(frame: "DataFrame") -> "DataFrame":
    """Take the collation off texts that came through Arrow: other readers of Delta do not know that type."""
    from pyspark.sql import functions as F

    return frame.select([F.col(c).cast("string") if kind == "string" else F.col(c) for c, kind in frame.dtypes])


def batches_of(frame: "DataFrame") -> Iterator[pa.Table]:
    """The rows of a frame in their order, so many at a time; of none a table without rows."""
    from pyspark.sql.pandas.types import to_arrow_schema

    schema, rows = to_arrow_schema(frame.schema), frame.toLocalIterator()
    yield (first := _next_rows(rows, schema))
    while len(first) and len(part := _next_rows(rows, schema)):
        yield part


def _next_rows(rows: Iterator[Any], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*islice(rows, ROWS_AT_ONCE), strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
