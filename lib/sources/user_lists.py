"""Tables and files of users that others keep: who is to be left out, who was contacted. Small beside the events.

A place is a table, or a CSV or Parquet file that the driver can read. All columns come as texts, under their own names.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.errors import SourceError
from lib.sources.files import is_place
from lib.tables.protocol import Tables

FILES = (".csv", ".parquet")


def read_users(place: str, tables: Tables, optional: Sequence[str]) -> pd.DataFrame:
    """Read a table or file of users.

    Parameters
    ----------
    place : str
        `catalog.schema.table`, or the path of a .csv or .parquet file. CSV is UTF-8 with a header, commas between.
    optional : names of columns
        That are read besides `user_id`, where they are there. All others are passed over.

    Returns
    -------
    DataFrame[user_id, and each of `optional`]
        Texts in the order of the file; a column that is not there, or a null of one, is a blank text.

    Raises
    ------
    SourceError
        If it cannot be read, has no column `user_id`, or a row of it names nobody. The message names the place.
    """
    rows = _read_texts(place, tables)
    if "user_id" not in rows:
        names = ", ".join(map(str, rows.columns)) or "no column"
        raise SourceError(f"{place} has no column user_id, found {names}. Name the column of the users so.")
    wanted = rows.reindex(columns=["user_id", *optional]).astype(object).fillna("")
    nameless = wanted.index[wanted["user_id"].str.strip() == ""]
    if len(nameless):
        raise SourceError(f"{place}: row {nameless[0] + 1} names no user. Take it out, or name one.")
    return wanted


def odd_days(days: "pd.Series[str]") -> list[str]:
    """Those of some texts that are no day in ISO format."""
    matching = days.str.fullmatch(r"\d{4}-\d\d-\d\d") & pd.to_datetime(days, format="%Y-%m-%d", errors="coerce").notna()
    return [str(text) for text in days[~matching].unique()]


def _read_texts(place: str, tables: Tables) -> pd.DataFrame:
    if not is_place(place):
        return _texts(place, tables.outside(place))
    path = Path(place)
    if path.suffix not in FILES:
        raise SourceError(f"{place} is no {' or '.join(FILES)} file, and no table. Name one of these.")
    try:
        return _texts(place, pq.read_table(path)) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, UnicodeError, csv.Error, pa.ArrowException) as error:
        raise SourceError(f"{place} cannot be read: {str(error).splitlines()[0]}.") from error


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        header = next(lines, [])
        rows = [row for row in lines if row]  # a blank line is none
    odd = next((number for number, row in enumerate(rows, start=1) if len(row) != len(header)), 0)
    if odd:
        raise SourceError(
            f"{path}: row {odd} has {len(rows[odd - 1])} fields and the header {len(header)}. Quote what holds commas."
        )
    if twice := next((name for name in header if header.count(name) > 1), ""):
        raise SourceError(f"{path} has two columns {twice}. Name one of them otherwise.")
    return pd.DataFrame(rows, columns=header, dtype=object)


def _texts(place: str, table: pa.Table) -> pd.DataFrame:
    """Texts of a table's columns; what cannot be told without doubt, as an id that is a decimal, is refused."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name == "user_id" and pa.types.is_floating(column.type):
            raise SourceError(f"{place}: user_id holds decimals. Write ids as texts or whole numbers.")
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            continue
        kind = pa.date32() if pa.types.is_timestamp(column.type) else column.type
        columns[name] = column.cast(kind, safe=False).cast(pa.string()).to_pandas()
    return pd.DataFrame(columns, dtype=object)
