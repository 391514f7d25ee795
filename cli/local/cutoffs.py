"""The cutoffs of a home's tables, found and taken out of their files without Spark."""

from datetime import date
from pathlib import Path
from typing import Any


def distinct(folder: Path, *columns: str, optional: str | None = None) -> list[tuple[Any, ...]]:
    """The distinct values of some columns of a table; none where it is not there, or was never whole.

    An `optional` one comes last, as None where the table is older than it.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        table = DeltaTable(folder)
    except TableNotFoundError:
        return []
    has = optional in [field.name for field in table.schema().fields]
    more = [] if optional is None or has else [None]
    columns = (*columns, optional) if optional is not None and has else columns
    rows = table.to_pyarrow_table(columns=list(columns))
    distinct = rows.group_by(list(columns)).aggregate([]).select(list(columns)).to_pylist()
    return [(*row.values(), *more) for row in distinct]


def delete_scores(folder: Path, question: str, day: date) -> None:
    """Remove the scores of a cutoff, and what stands beside them in `evaluations`."""
    from deltalake import DeltaTable

    for table in (folder, folder.with_name("evaluations")):
        if (table / "_delta_log").is_dir():
            DeltaTable(table).delete(f"question = '{question}' AND cutoff = DATE '{day}'")


def delete_list(folder: Path, question: str, number: int) -> None:
    """Remove an earlier list."""
    from deltalake import DeltaTable

    DeltaTable(folder).delete(f"question = '{question}' AND number = {number}")


def delete_cutoff(folder: Path, day: date) -> None:
    """Remove the features of a cutoff, those of named actions first: without the others nobody would ask for them."""
    from deltalake import DeltaTable

    for table in (folder.with_name("named_features"), folder):
        if (table / "_delta_log").is_dir():
            DeltaTable(table).delete(f"cutoff = DATE '{day}'")
