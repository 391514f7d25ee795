"""Earlier versions of Delta tables, through Spark: what can still be read of them, and the way back to one."""

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import ContractBroken
from lib.tables.contracts import CONTRACTS, VERSIONED
from lib.tables.protocol import KeptNotes
from lib.tables.schemas import to_pandas
from lib.tables.sql import name_sql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEPT_DAYS = {  # for so long versions of a table can be gone back to; of the others Delta's week
    "daily_activity": 30, "named_activity": 30,
}  # fmt: skip
SCORES = "SELECT CAST(user_id AS STRING) AS user_id, CAST(cutoff AS DATE) AS cutoff, CAST(score AS DOUBLE) AS score"
GONE = (  # what Spark and Delta call a version that can no longer be read: its files, its log, or the time for both
    "FAILED_READ_FILE", "DELTA_FILE_NOT_FOUND", "DELTA_LOG_FILE_NOT_FOUND", "DELTA_NO_RECREATABLE_HISTORY_FOUND",
    "DELTA_TRUNCATED_TRANSACTION_LOG", "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION",
    "DELTA_VERSION_NOT_FOUND",
)  # fmt: skip


class DeltaVersions(KeptNotes):
    """What Delta tables of one schema keep of before."""

    spark: "SparkSession"

    def full_name(self, name: str) -> str:
        """The table's name with its schema, as SQL has it."""
        raise NotImplementedError

    def exists(self, name: str) -> bool:
        raise NotImplementedError

    def versions(self) -> list[int]:
        rows = self.spark.sql(f"DESCRIBE HISTORY {self.full_name(VERSIONED)}").select("version").collect()
        return sorted(row["version"] for row in rows)

    def at_version(self, version: int, where: str, columns: str = "*") -> pd.DataFrame:
        from pyspark.errors import PySparkException

        table = f"{self.full_name(VERSIONED)} VERSION AS OF {version}"
        try:
            rows = to_pandas(self.spark.sql(f"SELECT {columns} FROM {table} WHERE {where}").toArrow())
        except PySparkException as error:
            if not (error.getCondition() or "").startswith(GONE):
                raise
            rows = pd.DataFrame()
        return rows.reindex(columns=list(CONTRACTS[VERSIONED])) if columns == "*" else rows

    def version_before(self, name: str, moment: datetime) -> int | None:
        from pyspark.errors import PySparkException

        if not self.exists(name):
            return None
        full = self.full_name(name)
        newest = self._newest_before(full, moment)
        try:  # all of it: its files may be gone
            if newest is not None:
                self.spark.sql(f"SELECT COUNT(user_id) FROM {full} VERSION AS OF {newest}").collect()
        except PySparkException as error:
            if not (error.getCondition() or "").startswith(GONE):
                raise
            return None
        return newest

    def _newest_before(self, full: str, moment: datetime) -> int | None:
        """The newest version of a table that was written before a moment, whatever is left of it."""
        history = self.spark.sql(f"DESCRIBE HISTORY {full}").selectExpr("version", "unix_micros(timestamp) AS at")
        micros = round(moment.timestamp() * 1_000_000)
        return max((row["version"] for row in history.collect() if row["at"] < micros), default=None)

    def restore(self, name: str, version: int) -> None:
        full = self.full_name(name)
        newest = self.spark.sql(f"DESCRIBE HISTORY {full} LIMIT 1").collect()[0]["version"]
        if newest != version:  # which Delta refuses to restore
            self.spark.sql(f"RESTORE TABLE {full} TO VERSION AS OF {version}")

    def as_written(self, table: str, before: datetime, where: str) -> pd.DataFrame | None:
        from pyspark.errors import PySparkException

        name = name_sql(table)
        try:
            newest = self._newest_before(name, before)
            if newest is None:
                return None
            read = f"{SCORES} FROM {name} VERSION AS OF {newest} WHERE {where}"
            return to_pandas(self.spark.sql(read).toArrow())
        except PySparkException as error:
            why = str(error).partition("\n")[0]
            raise ContractBroken(
                f"It cannot be read as it was before {before.isoformat()}: {why} Name a Delta table with user_id, "
                "cutoff and score, whose history is kept."
            ) from error
