"""A list as the file that a channel loads: its columns, names, limits and shape, as `lib.config.formats` has them."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import IO, Literal

import pandas as pd

from lib.config.formats import IDENTIFIERS, Format
from lib.errors import PublishRefused
from lib.tables.contracts import AUDIENCE
from lib.tables.schemas import arrow_schema

_FORMULA = re.compile(r"[=+\-@\t\r]")  # what makes a spreadsheet take a text for a formula, when it begins with it


def write_file(
    file: IO[bytes],
    read: Callable[[], Iterable[pd.DataFrame]],
    wanted: Format,
    chosen_columns: Mapping[str, str],
    question: str,
) -> None:
    """Write rows of a list as a channel takes them, part by part: a list of millions is never a text in memory.

    Parameters
    ----------
    read : callable
        Gives rows of `audience`, best first, so many at a time, and the columns of `IDENTIFIERS` that are known:
        normalised, blank for none. `expected_actions` is summed up anew: it counts the rows of this file.
    chosen_columns : mapping
        Columns of `audience` to the names that they get; nothing for the format's own.

    Raises
    ------
    PublishRefused
        If a limit of the format is passed, or a name is none that it takes. The message names it.
    """
    columns = chosen_columns or {ours: theirs.format(question=question) for ours, theirs in wanted.columns.items()}
    match wanted.shape:
        case "parquet":
            ours = {theirs or ours: ours for ours, theirs in columns.items()}
            _write_parquet(file, _tables(read(), wanted, columns), ours)
        case "requests":
            for line in _requests(_tables(read(), wanted, columns), wanted):
                _write(file, f"{line}\n".encode(), wanted)
        case _:
            # a carriage return alone ends a line too for many readers, and is quoted by this writer only where all is
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
                file.seek(0)
                file.truncate()
                if _write_csv(file, _tables(read(), wanted, columns), wanted, quoting):
                    break


def _tables(parts: Iterable[pd.DataFrame], wanted: Format, columns: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """The parts as the channel has them, held against its limits."""
    users, expected = 0, 0.0
    for part in parts:
        counted = part["propensity"].to_numpy(float, copy=True)
        counted[:1] += expected
        counted = counted.cumsum()
        users, expected = users + len(part), float(counted[-1]) if len(part) else expected
        table = _rename(part.assign(expected_actions=counted), wanted, columns)
        _check_limits(users, table.shape[1], wanted)
        yield table


def _write(file: IO[bytes], content: bytes, wanted: Format) -> None:
    file.write(content)
    if wanted.megabytes and file.tell() > wanted.megabytes * 1_000_000:
        raise PublishRefused(
            f"The file has more than {wanted.megabytes} MB, and {wanted.title} takes no more. "
            "Lower export_top, or choose fewer columns. The list stays."
        )


def _rename(rows: pd.DataFrame, wanted: Format, columns: Mapping[str, str]) -> pd.DataFrame:
    """The channel's columns, its identifiers first."""
    identifiers = {"user_id": wanted.user} | {name: getattr(wanted, name) for name in IDENTIFIERS}
    known = {ours: theirs for ours, theirs in identifiers.items() if theirs and ours in rows}
    if wanted.shape == "parquet" or wanted.safe_in_spreadsheets:  # of no channel: all columns in their own order
        known = {ours: theirs for ours, theirs in known.items() if ours not in columns}
    names = known | {ours: theirs or ours for ours, theirs in columns.items()}
    odd = [name for name in names.values() if not re.fullmatch(wanted.names, name)]
    twice = [name for name in names.values() if list(names.values()).count(name) > 1]
    if odd or twice:
        raise PublishRefused(
            f"{wanted.title} takes no column {(odd or twice)[0]!r}{'' if odd else ' twice'}. Name it otherwise in "
            "export_columns. The list stays."
        )
    table: pd.DataFrame = rows[list(names)].set_axis(list(names.values()), axis=1)
    if wanted.hashed:
        for name in (theirs for ours, theirs in known.items() if ours in IDENTIFIERS):
            table[name] = table[name].map(_hash)
    return table


def _check_limits(rows: int, columns: int, wanted: Format) -> None:
    if wanted.rows and rows > wanted.rows:
        raise PublishRefused(
            f"The file has more than {wanted.rows} rows, and {wanted.title} takes no more. Lower export_top. "
            "The list stays."
        )
    if wanted.most_columns and columns > wanted.most_columns:
        raise PublishRefused(
            f"The file has {columns} columns, and {wanted.title} takes {wanted.most_columns}. Choose fewer in "
            "export_columns. The list stays."
        )


def _write_csv(file: IO[bytes], tables: Iterable[pd.DataFrame], wanted: Format, quoting: Literal[0, 1]) -> bool:
    """Whether all could be written so; nothing more is where a text with a return stands and not all are quoted."""
    for number, table in enumerate(tables):
        if quoting != csv.QUOTE_ALL and table.map(_has_return).to_numpy().any():
            return False
        safe = table.map(_neutralise) if wanted.safe_in_spreadsheets else table
        lines = io.StringIO(newline="")
        safe.to_csv(lines, index=False, header=number == 0, lineterminator="\n", quoting=quoting)
        _write(file, lines.getvalue().encode(), wanted)
    return True


def _write_parquet(file: IO[bytes], tables: Iterable[pd.DataFrame], ours: Mapping[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds, writer = arrow_schema(AUDIENCE), None
    for table in tables:
        fields = [(name, kinds.field(ours[name]).type if name in ours else pa.string()) for name in map(str, table)]
        rows = pa.Table.from_pandas(table, schema=pa.schema(fields), preserve_index=False)
        writer = writer or pq.ParquetWriter(file, rows.schema)
        writer.write_table(rows)
    assert writer is not None  # of no rows there is one table without any
    writer.close()


def _requests(tables: Iterable[pd.DataFrame], wanted: Format) -> Iterator[str]:
    """Bodies of requests, as few as the limits of a request allow."""
    batch: list[str] = []
    size = 0
    for text in (text for table in tables for text in _profiles(table, wanted)):
        if len(batch) == wanted.rows_of_a_request or size + len(text) + 500 > wanted.bytes_of_a_request:
            yield _request(batch)
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 2
    if batch:
        yield _request(batch)


def _profiles(table: pd.DataFrame, wanted: Format) -> Iterator[str]:
    """A text of each row."""
    identifiers = {wanted.user, wanted.email, wanted.phone}
    for row in json.loads(table.map(_plain).to_json(orient="records")):
        attributes = {name: value for name, value in row.items() if name in identifiers and value}
        properties = {name: value for name, value in row.items() if name not in identifiers and value is not None}
        text = json.dumps({"type": "profile", "attributes": attributes | {"properties": properties}})
        if len(text) > wanted.bytes_of_a_row:
            raise PublishRefused(
                f"A user's row has {len(text)} bytes, and {wanted.title.split(':')[0]} takes {wanted.bytes_of_a_row}. "
                "Choose fewer columns in export_columns. The list stays."
            )
        yield text


def _request(profiles: list[str]) -> str:
    head, tail = json.dumps(
        {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": ["*"]}}}}
    ).split('"*"')
    return head + ", ".join(profiles) + tail


def _has_return(value: object) -> bool:
    return isinstance(value, str) and "\r" in value


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _neutralise(text: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if isinstance(text, str) and _FORMULA.match(text) else text


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest() if text else ""


def normalise_email(text: str) -> str:
    """An address as channels match it: small letters, no blanks; blank where it is none."""
    address = re.sub(r"\s", "", text).lower()
    return address if re.fullmatch(r"[^@]+@[^@]+\.[^@]+", address) else ""


def normalise_phone(text: str) -> str:
    """A number in E.164, as +4930123456; blank where it has no country code, or is none."""
    number = re.sub(r"[\s()./-]", "", text)
    number = f"+{number[2:]}" if number.startswith("00") else number
    return number if re.fullmatch(r"\+[1-9]\d{6,14}", number) else ""
