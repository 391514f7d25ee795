"""The only place that reads and writes Delta tables, through Spark.

Queries are plain SELECTs that Spark and DuckDB read alike, for the kind in memory (`memory.py`); `{name}` stands for a
table.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from lib.errors import SourceError
from lib.tables.ahead import Ahead
from lib.tables.batches import whole_users
from lib.tables.contracts import CONTRACTS
from lib.tables.delta_versions import KEPT_DAYS, DeltaVersions
from lib.tables.frames import batches_of, frame_of, plain_strings
from lib.tables.ids import STATISTICS
from lib.tables.pickling import pickle_lib_by_value
from lib.tables.protocol import OURS, MapTable, MapUsers, OfUsers
from lib.tables.schemas import ARROW, check_columns, missing_added, to_pandas
from lib.tables.sql import name_sql
from lib.tables.views import with_views

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

KEPT_FILES, KEPT_LOGS = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"
WEEK = "interval 7 days"  # for so long Delta keeps files by itself
LOG_DAYS = 30  # and the logs that name them
EVER_DAYS = 36500
NONE = "1 = 0"  # no rows
STATISTICS_OF = "delta.dataSkippingStatsColumns"


class DeltaTables(DeltaVersions):
    """Delta tables of one schema, through Spark: classic or Connect."""

    def __init__(self, spark: "SparkSession", schema: str) -> None:
        self.spark, self.schema = spark, schema
        self._sql_names: dict[str, str] = {}  # tables whose columns were seen to be right, as queries name them
        self._ahead = Ahead(lambda sql: self.frame(sql).toArrow())

    def full_name(self, name: str) -> str:
        """The table's name with its schema, as SQL has it."""
        return name_sql(f"{self.schema}.{name}")

    def exists(self, name: str) -> bool:
        return self._ahead.has(name) or bool(self.spark.catalog.tableExists(self.full_name(name)))

    def frame(self, sql: str) -> "DataFrame":
        """Run a SELECT lazily."""
        asked = with_views(sql, self.exists)
        named = {name: self._table_sql(name) for name in CONTRACTS if f"{{{name}}}" in asked}
        return self.spark.sql(asked.format(but="EXCEPT", **named))

    def _table_sql(self, name: str) -> str:
        """What stands for a table in a query: its name or, where columns were added since, a query that has them."""
        if name not in self._sql_names:
            full, columns = self.full_name(name), dict(self.spark.table(self.full_name(name)).dtypes)
            new = missing_added(name, columns)
            check_columns(name, columns | new)
            nulls = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in new.items())
            self._sql_names[name] = f"(SELECT *, {nulls} FROM {full})" if new else full
        return self._sql_names[name]

    def query(self, sql: str) -> pd.DataFrame:
        # Through Arrow: pandas alone would turn dates into objects and nulls of integers into floats.
        return to_pandas(self.arrow(sql))

    def arrow(self, sql: str) -> pa.Table:
        near = self._ahead.answer(sql)
        return self.frame(sql).toArrow() if near is None else near

    def reading_ahead(self) -> AbstractContextManager[None]:
        return self._ahead.reading()

    def batches(self, sql: str) -> Iterator[pa.Table]:
        return batches_of(self.frame(sql))

    def rows(self, sql: str) -> "DataFrame":
        return self.frame(sql)

    def lend(self, name: str, rows: pa.Table) -> None:
        frame_of(self.spark, name, rows).createOrReplaceTempView(name)

    def define(self, name: str, function: OfUsers, gives: str) -> None:
        from pyspark.sql.pandas.functions import pandas_udf
        from pyspark.sql.pandas.types import from_arrow_type

        pickle_lib_by_value()

        def on_pandas(texts: pd.Series) -> pd.Series:
            return pd.Series(function(texts.tolist()))

        as_udf: Any = pandas_udf  # whose overloads know no function of ours
        # a type and not its name, which Spark would look up in a session that need not be this one
        self.spark.udf.register(name, as_udf(on_pandas, from_arrow_type(ARROW[gives])))

    def summarise(self, sql: str, function: MapTable, schema: pa.Schema) -> pa.Table:
        return self.map_rows(sql, function, schema).toArrow()

    def map_rows(self, sql: str, function: MapTable, schema: pa.Schema) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema

        pickle_lib_by_value()

        def batches(source: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in source:
                yield from function(pa.Table.from_batches([batch])).to_batches()

        return self.frame(sql).mapInArrow(batches, from_arrow_schema(schema))

    def map_users(self, sql: str, function: MapUsers, schema: pa.Schema) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema

        pickle_lib_by_value()

        def partition(source: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for users in whole_users(source, len(schema)):
                for made in function(users):
                    yield from made.to_batches()

        # Sorted by Spark, which spills what it cannot hold: a worker then need not hold its whole partition.
        frame = self.frame(sql).repartition("user_id").sortWithinPartitions("user_id")
        return frame.mapInArrow(partition, from_arrow_schema(schema))

    def replace(self, name: str, rows: "DataFrame | pa.Table | pd.DataFrame", where: str) -> None:
        frame = plain_strings(frame_of(self.spark, name, rows))
        check_columns(name, dict(frame.dtypes))
        self._sql_names.pop(name, None)  # its columns may be more from here on
        writer = frame.write.format("delta").option("mergeSchema", "true")
        if not self.exists(name):
            writer = self._with_settings(name, writer)
        else:
            self._keep_files(name)
            if self._ahead.only_adds(name, rows, where):  # to append takes a third of the time
                writer = writer.mode("append")
            else:
                writer = writer.mode("overwrite").option("replaceWhere", where)
        writer.saveAsTable(self.full_name(name))
        self._ahead.replace(name, rows, where)

    def append(self, name: str, rows: "DataFrame | pa.Table | pd.DataFrame") -> None:
        frame = frame_of(self.spark, name, rows)
        check_columns(name, dict(frame.dtypes))
        self._sql_names.pop(name, None)
        writer = frame.write.format("delta").option("mergeSchema", "true")
        if self.exists(name):
            self._keep_files(name)
        elif name in STATISTICS:
            writer = self._with_settings(name, writer)
        writer.mode("append").saveAsTable(self.full_name(name))
        self._ahead.replace(name, rows, NONE)

    def remake(self, name: str, rows: "DataFrame") -> None:
        frame = plain_strings(rows)
        check_columns(name, dict(frame.dtypes))
        self._sql_names.pop(name, None)
        writer = self._with_settings(name, frame.write.format("delta").option("overwriteSchema", "true"))
        writer.mode("overwrite").saveAsTable(self.full_name(name))
        self._ahead.drop(name)

    def delete(self, name: str, where: str) -> None:
        self.spark.sql(f"DELETE FROM {self.full_name(name)} WHERE {where}")
        self._ahead.drop(name)

    def outside(self, name: str) -> pa.Table:
        from pyspark.errors import PySparkException

        try:
            return self.spark.table(name).toArrow()
        except PySparkException as error:
            what = str(error).splitlines()[0]
            raise SourceError(f"Table {name} cannot be read: {what}") from error

    def erase(self, name: str, columns: Sequence[str], values: Sequence[str]) -> int:
        """Remove the rows with some values in any of some columns, and all earlier versions' files; how many they were.

        The values travel as rows, and stand in no SQL text.
        """
        number = sum(self._delete_values(name, column, values) for column in columns) if values else 0
        full = self.full_name(name)
        if name in STATISTICS:
            self._set(name, {STATISTICS_OF: ",".join(STATISTICS[name])})
        self.spark.sql(f"REORG TABLE {full} APPLY (PURGE)")  # what deletion vectors hide is still in the files
        self._set(name, {KEPT_FILES: "interval 0 days"})
        self.spark.sql(f"VACUUM {full}")
        self._set(name, {KEPT_FILES: f"interval {KEPT_DAYS.get(name, 7)} days", KEPT_LOGS: f"interval {LOG_DAYS} days"})
        return number

    def _delete_values(self, name: str, column: str, values: Sequence[str]) -> int:
        full, ids = self.full_name(name), f"erased_{name}"
        self.spark.createDataFrame(pa.table({column: pa.array(values, pa.string())})).createOrReplaceTempView(ids)
        on = f"t.{name_sql(column)} = i.{name_sql(column)}"
        asked = f"SELECT COUNT(*) AS n FROM {full} t LEFT SEMI JOIN {ids} i ON {on}"
        number = int(self.spark.sql(asked).collect()[0]["n"])
        if number:
            self.spark.sql(f"MERGE INTO {full} t USING {ids} i ON {on} WHEN MATCHED THEN DELETE")
        self.spark.catalog.dropTempView(ids)
        return number

    def _set(self, name: str, settings: Mapping[str, str]) -> None:
        listed = ", ".join(f"'{key}' = '{value}'" for key, value in settings.items())
        self.spark.sql(f"ALTER TABLE {self.full_name(name)} SET TBLPROPERTIES ({listed})")

    def _with_settings(self, name: str, writer: "DataFrameWriter") -> "DataFrameWriter":
        """Let a new table keep least and greatest of some columns only, and its files for as long as is said."""
        if name in KEPT_DAYS:  # else a VACUUM might take what an undone load goes back to after a week
            writer = writer.option(KEPT_FILES, f"interval {KEPT_DAYS[name]} days")
        columns = STATISTICS.get(name)
        return writer.option(STATISTICS_OF, ",".join(columns)) if columns else writer

    def _keep_files(self, name: str) -> None:
        """Let a table that an earlier version made keep its files for as long as is said; what others set stays."""
        if name in KEPT_DAYS and self._settings(name).get(KEPT_FILES, WEEK) == WEEK:
            self._set(name, {KEPT_FILES: f"interval {KEPT_DAYS[name]} days"})

    def keep_versions(self, days: int | None) -> None:
        kept = f"interval {24 * (EVER_DAYS if days is None else days)} hours"  # as nobody else spells it
        for name in KEPT_DAYS:
            if self.exists(name) and self._settings(name).get(KEPT_FILES) != kept:
                logs = {KEPT_LOGS: kept} if days is None or days > LOG_DAYS else {}
                self._set(name, {KEPT_FILES: kept, **logs})

    def _settings(self, name: str) -> dict[str, str]:
        rows = self.spark.sql(f"SHOW TBLPROPERTIES {self.full_name(name)}").collect()
        return {row["key"]: row["value"] for row in rows}

    def properties(self, name: str) -> dict[str, str]:
        if not self.exists(name):
            return {}
        kept = self._settings(name)
        return {key.removeprefix(OURS): value for key, value in kept.items() if key.startswith(OURS)}

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        texts = {key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in values.items()}
        self._set(name, {f"{OURS}{key}": text for key, text in texts.items()})
