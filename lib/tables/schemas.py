"""Rows held against the contract of their table, and brought into its columns and types."""

from collections.abc import Iterable, Mapping

import pandas as pd
import pyarrow as pa

from lib.errors import ContractBroken
from lib.tables.contracts import ADDED, CONTRACTS, OPEN

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


def arrow_schema(contract: Mapping[str, str]) -> pa.Schema:
    """Translate a contract into an Arrow schema."""
    return pa.schema([pa.field(name, ARROW[kind]) for name, kind in contract.items()])


def check_columns(name: str, columns: Mapping[str, str]) -> None:
    """Refuse rows whose columns are not the table's contract; those of `OPEN` may have more, of their types.

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
    wrong = {column for column, kind in extra.items() if kind not in OPEN.get(name, ())}
    if wrong:
        raise ContractBroken(f"Table {name}: unexpected columns {', '.join(sorted(wrong))}. Migrate or drop the table.")


def missing_added(name: str, columns: Iterable[str]) -> dict[str, str]:
    """The added columns that a stored table does not have yet."""
    return {column: CONTRACTS[name][column] for column in ADDED.get(name, ()) if column not in set(columns)}


def to_arrow(name: str, rows: pd.DataFrame) -> pa.Table:
    """Bring rows into the columns and types of a table.

    Raises
    ------
    ContractBroken
        The message names the first column that is missing.
    """
    contract = CONTRACTS[name]
    missing = [column for column in contract if column not in rows]
    if missing:
        raise ContractBroken(f"Table {name}: column {missing[0]} is missing; found {', '.join(rows.columns)}.")
    return pa.Table.from_pandas(rows[list(contract)], schema=arrow_schema(contract), preserve_index=False)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Bring rows into a data frame; dates stay dates."""
    frame: pd.DataFrame = table.to_pandas(date_as_object=True)
    return frame
