"""Tables and files of users that others keep: what is read of them, and what is refused by name."""

import re
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.errors import SourceError
from lib.sources.user_lists import read_users
from lib.tables.memory import MemoryTables


def read(place, tables=None):
    rows = read_users(str(place), tables or MemoryTables(), ("reason", "until"))
    return [tuple(row) for row in rows.itertuples(index=False)]


def test_a_csv_file_is_read_as_it_stands(tmp_path):
    file = tmp_path / "opt_outs.csv"
    file.write_text('\ufeffuntil,user_id,note,reason\n,007,x,"left, angry"\n\n2024-07-01, ana ,y,\n', encoding="utf-8")
    assert read(file) == [("007", "left, angry", ""), (" ana ", "", "2024-07-01")]


def test_parquet_and_tables_come_as_texts_too(tmp_path):
    rows = pa.table({
        "user_id": pa.array([7, 12345678901234], pa.int64()), "until": pa.array([date(2024, 7, 1), None]),
        "tags": pa.array([["a"], None]),
    })  # fmt: skip
    pq.write_table(rows, tmp_path / "staff.parquet")
    expected = [("7", "", "2024-07-01"), ("12345678901234", "", "")]
    assert read(tmp_path / "staff.parquet") == expected
    tables = MemoryTables()
    times = pa.array([datetime(2024, 7, 1, 10, tzinfo=UTC), None], pa.timestamp("us"))
    tables.elsewhere["crm.staff"] = rows.set_column(1, "until", times)
    assert read("crm.staff", tables) == expected


@pytest.mark.parametrize(("text", "message"), [
    ("id\n1\n", "has no column user_id, found id. Name the column of the users so."),
    ("", "has no column user_id, found no column."),
    ("user_id,reason\n1,a\n2\n", "row 2 has 1 fields and the header 2. Quote what holds commas."),
    ("user_id,reason\n1,a\n ,b\n", "row 2 names no user. Take it out, or name one."),
    ("user_id,user_id\n1,2\n", "has two columns user_id. Name one of them otherwise."),
    ('user_id\n"ana\n', "cannot be read: unexpected end of data."),
])  # fmt: skip
def test_a_file_that_is_no_list_of_users_is_named(tmp_path, text, message):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(SourceError, match=re.escape(message)):
        read(tmp_path / "list.csv")


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"user_id\n\xff\n")
    (tmp_path / "list.parquet").write_text("no parquet")
    pd.DataFrame({"user_id": [1.0, 2.0]}).to_parquet(tmp_path / "decimals.parquet")
    for name, message in (
        ("list.csv", "cannot be read: 'utf-8' codec can't decode byte 0xff"),
        ("list.parquet", "cannot be read: "),
        ("none.csv", "cannot be read: [Errno 2] No such file or directory"),
        ("list.txt", "is no .csv or .parquet file, and no table. Name one of these."),
        ("decimals.parquet", "user_id holds decimals. Write ids as texts or whole numbers."),
    ):
        with pytest.raises(SourceError, match=re.escape(message)):
            read(tmp_path / name)
    with pytest.raises(SourceError, match=r"Table crm\.none cannot be read: there is none of that name\."):
        read("crm.none")
