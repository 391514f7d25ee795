"""The only place that reads and writes tables: Delta through Spark, and a twin in memory for tests and replays.

Queries are plain SELECTs that Spark and DuckDB read alike; `{name}` stands for a table.
Every table's columns are data here, checked where the table is written and where it is read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import pyarrow as pa

from lib.errors import ContractBroken, SourceError

if TYPE_CHECKING:
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession

DAILY_ACTIVITY = {
    "user_id": "string",
    "day": "date",
    "event_type": "string",
    "known_day": "date",  # = day where the source has no known_at; never before day
    "count": "bigint",
    "value": "double",  # sum; null where no event of the row had one
    "items": "array<string>",  # distinct, sorted; null where rows come aggregated or nameless
}
FEATURES = {"user_id": "string", "cutoff": "date"}  # and wide feature columns, all float
MODEL_CHECKS = {
    "run_id": "string",
    "question": "string",  # its slug
    "as_of": "date",
    "holdout": "date",  # newest cutoff judged on
    "preprocessing_version": "string",  # of the champion judged; null without one
    "prediction_version": "string",
    "answer": "string",  # good, bad or cannot_tell
    "retrain_needed": "boolean",
    "reasons": "string",
    "metric": "string",  # one row per metric; null where nothing could be measured
    "measured": "double",
    "low": "double",  # 90 % interval over users
    "high": "double",
    "threshold": "double",  # in the metric's unit; lib.decision.bounds has its direction; null where none is set
}
DECISIONS = {
    "run_id": "string",
    "question": "string",
    "as_of": "date",
    "kind": "string",  # kept, promoted, rejected, rolled_back
    "preprocessing_version": "string",  # the pair in use from this decision on
    "prediction_version": "string",
    "challenger_version": "string",  # prediction version that was compared, if any
    "why": "string",
    "low_evidence": "boolean",
    "number": "bigint",  # 1, 2, ...: the order in which decisions on the question were made, whatever their as_of
}
PREDICTIONS = {
    "question": "string",  # its slug
    "action": "string",  # event types, comma-separated
    "horizon_days": "int",
    "user_id": "string",
    "cutoff": "date",  # the propensity speaks of days [cutoff, cutoff + horizon)
    "propensity": "double",  # calibrated probability, 0 to 1
    "preprocessing_version": "string",
    "prediction_version": "string",
    "run_id": "string",
    "reasons": "string",  # the strongest, in words, "; " between; null where there is none
}
AUDIENCE = PREDICTIONS | {
    "rank": "int",  # 1 = highest propensity; ties by user_id
    "decile": "int",  # 1 = highest tenth
    "low_evidence": "boolean",  # the pair had too little data to be shown good
    "percentile": "int",  # 1 = highest hundredth
    "band": "string",  # the propensity beside the list's mean, in words: lib.audience.BANDS
    "expected_actions": "double",  # of all users down to this row
    "held_out": "boolean",  # nobody is to contact this user, so that the effect of contacting can be measured
}
PUBLICATIONS = {
    "question": "string",  # its slug
    "run_id": "string",
    "cutoff": "date",  # of the list
    "kind": "string",  # published, rolled_back
    "number": "bigint",  # 1, 2, ...: the order in which lists on the question came into use
    "preprocessing_version": "string",
    "prediction_version": "string",
    "users": "bigint",
    "mean_propensity": "double",
    "base_rate": "double",  # of the newest matured cutoff
    "held_out_share": "double",  # asked for; of the users, about so many are held out
    "seed": "bigint",  # by which they were drawn
    "previous_cutoff": "date",  # of the last list of an earlier cutoff; null where there is none, as all below
    "entered": "bigint",  # users of this list that the previous one had not
    "left": "bigint",
    "jaccard": "double",  # of the two highest tenths: users in both, of those in either
    "mean_shift": "double",  # of the mean propensity
    "score_shift": "double",  # largest distance of the two distributions (Kolmogorov-Smirnov), 0 to 1
}
OUTCOMES = {
    "question": "string",  # its slug
    "action": "string",  # event types, comma-separated
    "horizon_days": "int",
    "cutoff": "date",  # of the scores; what is observed lies on days [cutoff, cutoff + horizon)
    "as_of": "date",  # what became known before this day counts
    "preprocessing_version": "string",  # of the pair that scored
    "prediction_version": "string",
    "part": "string",  # all; decile 1 to decile 10; a band; held out, or not held out
    "users": "bigint",
    "expected": "double",  # actions: the sum of the propensities
    "observed": "bigint",  # users that acted
    "metric": "string",  # one row per metric, as in model_checks
    "measured": "double",
    "low": "double",  # 90 % interval over users
    "high": "double",
    "word": "string",  # of part all: how good the scores proved to be, lib.outcomes.WORDS
}
DRIFT = {
    "run_id": "string",
    "question": "string",  # its slug
    "as_of": "date",
    "prediction_version": "string",  # of the pair whose features are compared with those that it learnt from
    "feature": "string",
    "psi": "double",  # population stability index, less its noise
    "low": "double",  # 90 % interval
    "high": "double",
    "drifted": "boolean",
}
CONTRACTS = {
    "daily_activity": DAILY_ACTIVITY,
    "features": FEATURES,
    "model_checks": MODEL_CHECKS,
    "decisions": DECISIONS,
    "predictions": PREDICTIONS,
    "audience": AUDIENCE,
    "publications": PUBLICATIONS,
    "outcomes": OUTCOMES,
    "drift": DRIFT,
}
ADDED = {  # columns that tables of earlier versions lack: null when read, there from the next write on
    "predictions": ("reasons",),
    "audience": ("reasons", "percentile", "band", "expected_actions", "held_out"),
}
ARROW = {
    "string": pa.string(),
    "date": pa.date32(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "array<string>": pa.list_(pa.string()),
}

VERSIONED = "audience"  # the table whose earlier versions a rollback reads
KEEP_DAYS = 90  # for so long
GONE = ("FAILED_READ_FILE", "DELTA_FILE_NOT_FOUND", "DELTA_VERSION_NOT_FOUND")  # Spark's words for files not there

Rows = Any  # rows on their way into a table: a Spark frame, or an Arrow table in the twin
MapTable = Callable[[pa.Table], pa.Table]


def arrow_schema(contract: Mapping[str, str]) -> pa.Schema:
    """Translate a contract into an Arrow schema."""
    return pa.schema([pa.field(name, ARROW[kind]) for name, kind in contract.items()])


class Tables(Protocol):
    """What the pipeline asks of its tables."""

    def exists(self, name: str) -> bool:
        """Whether the table is there."""

    def query(self, sql: str) -> pd.DataFrame:
        """Run a SELECT and bring its rows here."""

    def map_rows(self, sql: str, function: MapTable, schema: pa.Schema) -> Rows:
        """Apply a function to the selected rows, batch by batch and in parallel."""

    def map_users(self, sql: str, function: MapTable, schema: pa.Schema) -> Rows:
        """Apply a function to the selected rows so that one call sees all rows of each of its users."""

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

    def get_property(self, name: str, key: str) -> str | None:
        """Read a note kept with a table; None without the table or the note."""

    def set_property(self, name: str, key: str, value: str) -> None:
        """Keep a note with a table."""


def checked(name: str, columns: Mapping[str, str]) -> None:
    """Refuse rows whose columns are not the table's contract; `features` may have more, all float.

    Raises
    ------
    ContractBroken
        The message names the first column that is missing, of another type, or too many.
    """
    contract = CONTRACTS[name]
    for column, kind in contract.items():
        if column not in columns:
            raise ContractBroken(f"Table {name}: column {column} {kind} is missing; found {', '.join(columns)}.")
        if columns[column] != kind:
            raise ContractBroken(f"Table {name}: column {column} must be {kind}, found {columns[column]}.")
    extra = {column: kind for column, kind in columns.items() if column not in contract}
    wrong = {column for column, kind in extra.items() if name != "features" or kind != "float"}
    if wrong:
        raise ContractBroken(f"Table {name}: unexpected columns {', '.join(sorted(wrong))}. Migrate or drop the table.")


def absent(name: str, columns: Iterable[str]) -> dict[str, str]:
    """The added columns that a stored table does not have yet."""
    return {column: CONTRACTS[name][column] for column in ADDED.get(name, ()) if column not in set(columns)}


def _arrow(name: str, rows: pd.DataFrame) -> pa.Table:
    contract = CONTRACTS[name]
    missing = [column for column in contract if column not in rows]
    if missing:
        raise ContractBroken(f"Table {name}: column {missing[0]} is missing; found {', '.join(rows.columns)}.")
    return pa.Table.from_pandas(rows[list(contract)], schema=arrow_schema(contract), preserve_index=False)


class DeltaTables:
    """Delta tables of one schema, through Spark: classic or Connect."""

    def __init__(self, spark: "SparkSession", schema: str) -> None:
        self.spark, self.schema = spark, schema
        self._read: dict[str, str] = {}  # tables whose columns were seen to be right, as queries name them

    def full_name(self, name: str) -> str:
        """The table's name with its schema."""
        return f"{self.schema}.{name}"

    def exists(self, name: str) -> bool:
        return bool(self.spark.catalog.tableExists(self.full_name(name)))

    def frame(self, sql: str) -> "DataFrame":
        """Run a SELECT lazily."""
        return self.spark.sql(sql.format(**{name: self._named(name) for name in CONTRACTS if f"{{{name}}}" in sql}))

    def _named(self, name: str) -> str:
        """What stands for a table in a query: its name or, where columns were added since, a query that has them."""
        if name not in self._read:
            full, found = self.full_name(name), dict(self.spark.table(self.full_name(name)).dtypes)
            new = absent(name, found)
            checked(name, found | new)
            nulls = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in new.items())
            self._read[name] = f"(SELECT *, {nulls} FROM {full})" if new else full
        return self._read[name]

    def query(self, sql: str) -> pd.DataFrame:
        # Through Arrow: pandas alone would turn dates into objects and nulls of integers into floats.
        return _to_pandas(self.frame(sql).toArrow())

    def source(self, text: str) -> "DataFrame":
        """Read the user's events: a table name, a Delta folder, Parquet or CSV files. Only ever read.

        Raises
        ------
        SourceError
            The message says what was asked for and what a source can be.
        """
        from pyspark.errors import PySparkException

        try:
            frame = self._open(text)
            frame.schema  # noqa: B018 - a frame is lazy: this is where a missing or broken source shows
        except PySparkException as error:
            ways = "Set events to a table name, a Delta folder, or Parquet or CSV files."
            raise SourceError(f"The events {text!r} cannot be read: {_reason(error)} {ways}") from error
        return frame

    @contextmanager
    def reading(self, text: str) -> Iterator[None]:
        """Name the file of a source that proves unreadable only when its rows are read.

        Raises
        ------
        SourceError
            In the place of Spark's own error.
        """
        from pyspark.errors import PySparkException

        try:
            yield
        except PySparkException as error:
            if not (error.getCondition() or "").startswith("FAILED_READ_FILE"):
                raise
            raise SourceError(
                f"The events {text!r} cannot be read: {_reason(error)} Restore that file, or leave it out."
            ) from error

    def _open(self, text: str) -> "DataFrame":
        reader = self.spark.read
        if "/" not in text and not text.endswith((".csv", ".parquet")):
            return reader.table(text)
        if text.endswith(".csv") or _holds(text, ".csv"):
            return reader.option("header", "true").csv(text)  # as texts: a guess would eat an id's leading zeros
        return (
            reader.parquet(text)
            if text.endswith(".parquet") or _holds(text, ".parquet")
            else reader.format("delta").load(text)
        )

    def map_rows(self, sql: str, function: MapTable, schema: pa.Schema) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema

        pickle_lib_by_value()

        def batches(source: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in source:
                yield from function(pa.Table.from_batches([batch])).to_batches()

        return self.frame(sql).mapInArrow(batches, from_arrow_schema(schema))

    def map_users(self, sql: str, function: MapTable, schema: pa.Schema) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema

        pickle_lib_by_value()

        def partition(source: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            rows = list(source)
            if rows:
                yield from function(pa.Table.from_batches(rows)).to_batches()

        frame = self.frame(sql).repartition("user_id")
        return frame.mapInArrow(partition, from_arrow_schema(schema))

    def replace(self, name: str, rows: "DataFrame | pd.DataFrame", where: str) -> None:
        frame = _plain_strings(self._frame_of(name, rows))
        checked(name, dict(frame.dtypes))
        self._read.pop(name, None)  # its columns may be more from here on
        writer = frame.write.format("delta").option("mergeSchema", "true")
        if name == VERSIONED:
            for what in ("deletedFile", "log"):  # else a VACUUM might take them after a week, and logs end in a month
                writer = writer.option(f"delta.{what}RetentionDuration", f"interval {KEEP_DAYS} days")
        if self.exists(name):
            writer.mode("overwrite").option("replaceWhere", where).saveAsTable(self.full_name(name))
        else:
            writer.saveAsTable(self.full_name(name))

    def append(self, name: str, rows: "DataFrame | pd.DataFrame") -> None:
        frame = self._frame_of(name, rows)
        checked(name, dict(frame.dtypes))
        self._read.pop(name, None)
        writer = frame.write.format("delta").option("mergeSchema", "true")
        writer.mode("append").saveAsTable(self.full_name(name))

    def delete(self, name: str, where: str) -> None:
        self.spark.sql(f"DELETE FROM {self.full_name(name)} WHERE {where}")

    def get_property(self, name: str, key: str) -> str | None:
        if not self.exists(name):
            return None
        rows = self.spark.sql(f"SHOW TBLPROPERTIES {self.full_name(name)}").collect()
        return {row["key"]: row["value"] for row in rows}.get(f"propensity.{key}")

    def set_property(self, name: str, key: str, value: str) -> None:
        text = value.replace("\\", "\\\\").replace("'", "\\'")
        self.spark.sql(f"ALTER TABLE {self.full_name(name)} SET TBLPROPERTIES ('propensity.{key}' = '{text}')")

    def versions(self) -> list[int]:
        rows = self.spark.sql(f"DESCRIBE HISTORY {self.full_name(VERSIONED)}").select("version").collect()
        return sorted(row["version"] for row in rows)

    def at_version(self, version: int, where: str, columns: str = "*") -> pd.DataFrame:
        from pyspark.errors import PySparkException

        table = f"{self.full_name(VERSIONED)} VERSION AS OF {version}"
        try:
            rows = _to_pandas(self.spark.sql(f"SELECT {columns} FROM {table} WHERE {where}").toArrow())
        except PySparkException as error:
            if not (error.getCondition() or "").startswith(GONE):
                raise
            rows = pd.DataFrame()
        return rows.reindex(columns=list(CONTRACTS[VERSIONED])) if columns == "*" else rows

    def _frame_of(self, name: str, rows: "DataFrame | pd.DataFrame") -> "DataFrame":
        return self.spark.createDataFrame(_arrow(name, rows)) if isinstance(rows, pd.DataFrame) else rows


def _plain_strings(frame: "DataFrame") -> "DataFrame":
    """Take the collation off texts that came through Arrow: other readers of Delta do not know that type."""
    from pyspark.sql import functions as F

    return frame.select([F.col(c).cast("string") if kind == "string" else F.col(c) for c, kind in frame.dtypes])


def pickle_lib_by_value() -> None:
    """Send our functions to the executors whole: they need no copy of `lib` there."""
    from pyspark import cloudpickle

    import lib

    cloudpickle.register_pickle_by_value(lib)  # type: ignore[no-untyped-call]


def _reason(error: "PySparkException") -> str:
    """The first sentence of what Spark says, without its codes."""
    line = (error.getMessage() or str(error)).splitlines()[0]
    return re.sub(r"^(\([\w.]+\) )?\[[\w.]+\] | SQLSTATE: \w+$", "", line.strip())


def _holds(folder: str, ending: str) -> bool:
    """Whether a plain folder holds files of this ending; a Delta table's own Parquet files do not count."""
    path = Path(folder)
    return path.is_dir() and not (path / "_delta_log").exists() and any(path.glob(f"*{ending}"))


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(date_as_object=True)
    return frame


class MemoryTables:
    """The same in memory, for tests and replays: DuckDB reads the queries, Arrow holds the rows."""

    def __init__(self) -> None:
        import duckdb

        self.connection: duckdb.DuckDBPyConnection = duckdb.connect()
        self.stored: dict[str, pa.Table] = {}
        self.properties: dict[tuple[str, str], str] = {}
        self.earlier: list[pa.Table] = []  # versions of `audience`

    def exists(self, name: str) -> bool:
        return name in self.stored

    def table(self, sql: str) -> pa.Table:
        """Run a SELECT."""
        for name, stored in self.stored.items():
            rows = stored
            for column, kind in absent(name, stored.column_names).items():
                rows = rows.append_column(column, pa.nulls(len(rows), ARROW[kind]))
            self.connection.register(name, rows)
        return self.connection.sql(sql.format(**{name: name for name in CONTRACTS})).to_arrow_table()

    def query(self, sql: str) -> pd.DataFrame:
        return _to_pandas(self.table(sql))

    def map_rows(self, sql: str, function: MapTable, schema: pa.Schema) -> pa.Table:
        return function(self.table(sql)).cast(schema)

    def map_users(self, sql: str, function: MapTable, schema: pa.Schema) -> pa.Table:
        return function(self.table(sql)).cast(schema)

    def replace(self, name: str, rows: pa.Table | pd.DataFrame, where: str) -> None:
        new = self._table_of(name, rows)
        kept = self.table(f"SELECT * FROM {{{name}}} WHERE NOT ({where})") if self.exists(name) else new.slice(0, 0)
        self.stored[name] = pa.concat_tables([kept, new], promote_options="default")
        if name == VERSIONED:
            self.earlier = [*self.earlier, self.stored[name]]

    def append(self, name: str, rows: pa.Table | pd.DataFrame) -> None:
        self.replace(name, rows, "1 = 0")

    def delete(self, name: str, where: str) -> None:
        self.stored[name] = self.table(f"SELECT * FROM {{{name}}} WHERE NOT ({where})")

    def get_property(self, name: str, key: str) -> str | None:
        return self.properties.get((name, key)) if self.exists(name) else None

    def set_property(self, name: str, key: str, value: str) -> None:
        self.properties[name, key] = value

    def versions(self) -> list[int]:
        return list(range(len(self.earlier)))

    def at_version(self, version: int, where: str, columns: str = "*") -> pd.DataFrame:
        self.connection.register("earlier", self.earlier[version])
        return _to_pandas(self.connection.sql(f"SELECT {columns} FROM earlier WHERE {where}").to_arrow_table())

    def _table_of(self, name: str, rows: pa.Table | pd.DataFrame) -> pa.Table:
        table = _arrow(name, rows) if isinstance(rows, pd.DataFrame) else rows
        names = {str(kind): spelled for spelled, kind in ARROW.items()}
        checked(name, {field.name: names.get(str(field.type), str(field.type)) for field in table.schema})
        return table
