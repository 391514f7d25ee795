"""Comments of columns: what a catalog shows beside a table's columns, and a reader of Delta finds in its schema."""

from collections.abc import Mapping

from lib.errors import ContractBroken
from lib.tables.delta import DeltaTables
from lib.tables.sql import column_sql


def write_comments(tables: DeltaTables, name: str, comments: Mapping[str, str]) -> int:
    """Say what columns of a table mean, where it is not said already; in one commit. How many were written.

    Raises
    ------
    ContractBroken
        If the platform refuses it; the message says why.
    """
    from pyspark.errors import PySparkException

    there = {field.name: field.metadata.get("comment") for field in tables.spark.table(tables.full_name(name)).schema}
    new = {column: text for column, text in comments.items() if column in there and there[column] != text}
    if new:
        said = ", ".join(f"{column_sql(column)} COMMENT {_literal(text)}" for column, text in new.items())
        try:
            tables.spark.sql(f"ALTER TABLE {tables.full_name(name)} ALTER COLUMN {said}")
        except PySparkException as error:
            why = str(error).partition("\n")[0]
            raise ContractBroken(f"The columns of {name} could not be given comments: {why}") from error
    return len(new)


def _literal(text: str) -> str:
    """A comment takes one literal and no expression; in Spark's a backslash begins what it cannot hold plainly."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
