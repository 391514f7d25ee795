"""Files as a look opens them, by the rules of a run: which are listed, what is refused, and what each value is."""

import gzip
import json
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.config.catalogue import defaults
from lib.config.events import Events
from lib.errors import SourceError
from lib.looking.look import look

HEADER = "user_id,event_time,event_type\n"
CSV = HEADER + "7,2024-06-01,view\n8,2024-06-02,buy\n"
EVENT = {"user_id": "7", "event_time": "2024-06-01 10:00:00", "event_type": "view", "value": 1.5}
TIMES = [datetime(2024, 6, 1), datetime(2024, 6, 2)]  # noqa: DTZ001 - as a file has them


def see(events, **said):
    return look(Events.from_widgets((defaults() | {"events": str(events)} | said).__getitem__), None).measures


def kinds(measures):
    return {kind.name: kind.events for kind in measures.kinds}


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_columns_of_folders_are_read_where_files_have_none_of_that_name(tmp_path):
    for kind, user in (("view", 7), ("big%20buy", 8), ("__HIVE_DEFAULT_PARTITION__", 9)):
        (tmp_path / f"event_type={kind}").mkdir()
        (tmp_path / f"event_type={kind}" / "log.csv").write_text(f"user_id,event_time\n{user},2024-06-01\n")
    for events in (tmp_path, f"{tmp_path}/event_type=*", f"{tmp_path}/*/*.csv"):
        seen = see(events)
        assert kinds(seen) == {"view": 1, "big buy": 1}
        assert [(one.column, one.rows, one.example) for one in seen.unusable] == [("event_type", 1, "nothing")]
    (tmp_path / "event_type=view" / "log.csv").write_text(CSV)
    assert kinds(see(tmp_path / "event_type=view")) == {"view": 1, "buy": 1}


def test_a_file_beside_folders_and_folders_of_unlike_depth_are_read(tmp_path):
    for folder in ("", "dt=2024-06-01", "dt=2024-06-02/hour=1"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "log.csv").write_text(CSV)
    assert see(tmp_path).events == 6


def test_links_are_followed_and_what_is_gone_or_no_data_is_passed_over(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "log.csv").write_text(CSV)
    (tmp_path / "real" / "up").symlink_to(tmp_path / "real")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "in").symlink_to(tmp_path / "real")
    (tmp_path / "log" / "gone.csv").symlink_to(tmp_path / "nothing")
    (tmp_path / "log" / "_draft.csv").write_text("x")
    assert see(tmp_path / "log").events == 2
    with pytest.raises(SourceError, match=r"_draft\.csv' are no file that can be looked at here"):
        see(tmp_path / "log" / "_draft.csv")


def test_a_pattern_may_have_braces_and_no_two_stars(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text(CSV)
    assert see(f"{tmp_path}/{{a,b}}.csv").events == 4
    with pytest.raises(SourceError, match=rf"cannot be listed: \*\* is one folder .* Name the folder, {tmp_path}, of"):
        see(f"{tmp_path}/**/*.csv")


PACKED = gzip.compress(CSV.encode() * 999, mtime=0)  # with a time in it each process would name its test otherwise
MIXED = (HEADER + "7,2024-06-01,view\n").replace("\n", "\r\n") + "8,2024-06-02,buy\n"


@pytest.mark.parametrize(("name", "content", "message"), [
    ("log.csv", b"sep=;\n" + CSV.replace(",", ";").encode(), r"first line of .*log\.csv is 'sep=;', which .*sed -i 1d"),
    ("log.csv", (HEADER + "7,2024-06-01,view,\n").encode(), r"rows end in ',', such as '7,.*view,', and .* sed -i"),
    ("log.csv", (HEADER + '7, "2024-06-01", "a, b"\n8,2024-06-01,x\n').encode(), "a quote neither begins nor ends"),
    ("log.csv", b"Export of June\n" + CSV.encode(), r"Found: Export of June .* is a title or a comment, take it out"),
    ("log.csv", b"Report,,\n" + CSV.encode(), r"no column 'user_id' .* is a title or a comment, take it out"),
    ("log.csv", b"#user_id,b\n7,8\n", r"Found: #user_id .* passes over lines that begin with that sign\."),
    ("log:1.csv", CSV.encode(), r"log:1\.csv has a colon in its name\. Rename it\."),
    ("log.csv", b"\xfe\xff" + CSV.encode("utf-16-be"), r"log\.csv is utf-16 with the high byte first, .* in UTF-8\."),
    ("log.csv", MIXED.encode(), r"rows end in CRLF and in LF, .*log\.csv\. Write it anew with one end"),
    ("log.csv.gz", CSV.encode(), r"log\.csv\.gz cannot be unpacked: Not a gzipped file .* Write that file anew"),
    ("log.csv.gz", PACKED[:-9], r"log\.csv\.gz cannot be unpacked: Compressed file ended"),
    ("log.csv.gz", gzip.compress(b"", mtime=0), r"no file there holds anything"),
    ("log.parquet", b"PAR1", r"log\.parquet is no whole Parquet file \(.*\)\. Write it anew"),
    ("log.json", (lines(EVENT)[:-1] * 2).encode(), r"in .*log\.json a line holds several, '.*', and only the first"),
    ("log.json", json.dumps([EVENT]).encode() * 2, r"in .*log\.json, at byte .* A file that begins with \[ is"),
    ("log.json", json.dumps(EVENT, indent=1).encode(), r"no line of .*log\.json is an object, .* as jq -c does\."),
    ("log.json", b'{"user_id": 7, "user_id": 8}\n', r"the key 'user_id' stands twice in an object"),
    ("log.json", b'{"user_id": 7}\n{"User_ID": 8}\n', r"keys that differ in capitals only, 'user_id' and 'User_ID'"),
    ("log.json", lines(EVENT | {"user_id": "m\xfc"}).encode("cp1252"), r"log\.json is not UTF-8, as JSON has to be"),
    ("log.json", lines(EVENT).encode("utf-16"), r"log\.json is not UTF-8, as JSON has to be"),
])  # fmt: skip
def test_what_cannot_be_looked_at_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        see(tmp_path / name)


@pytest.mark.parametrize("rows", [
    "7,2024-06-01,\n8,2024-06-01,view\n", '"a, ""b""",2024-06-01,x\n', "7,2024-06-01,x\r\n8,2024-06-01,y\r\n",
])  # fmt: skip
def test_what_only_looks_so_is_read(tmp_path, rows):
    (tmp_path / "log.csv").write_bytes((HEADER.replace("\n", "\r\n" if "\r" in rows else "\n") + rows).encode())
    seen = see(tmp_path / "log.csv")
    assert seen.rows + sum(one.rows for one in seen.unusable) == rows.count("\n")


def test_values_of_json_are_the_texts_that_stand_there(tmp_path):
    ids = (2**64, 2**64 + 1, 2**53, 2**53 + 1, "2024-01-01T00:00:00Z", "2024-01-01", True, "007", 7)
    rows = [EVENT | {"user_id": one, "value": "2.5", "props": {"k": number}} for number, one in enumerate(ids)]
    odd = [EVENT | {"event_type": text, "value": None} for text in ("a}{b", "] [", 'q"}{"q')]
    (tmp_path / "log.json").write_text(lines(*rows, *odd) + '{"user_id": \n')
    seen = see(tmp_path / "log.json", event_columns="item_id=props.k")
    assert seen.users.number == len(ids)
    assert kinds(seen) == {"view": 9, "a}{b": 1, "] [": 1, 'q"}{"q': 1}
    assert (seen.values.total, seen.nulls["item_id"]) == (22.5, 3)
    assert [one.rows for one in seen.unusable] == [1]


def test_a_mark_of_the_byte_order_is_no_part_of_json(tmp_path):
    (tmp_path / "log.json").write_text("\ufeff" + lines(EVENT, EVENT))
    assert see(tmp_path / "log.json").events == 2


def table(**columns):
    made = {"user_id": ["7", "8"], "event_time": TIMES, "event_type": ["view", "buy"]} | columns
    return pa.table({name: values for name, values in made.items() if values is not None})


@pytest.mark.parametrize(("columns", "days", "unusable"), [
    ({"value": pa.nulls(2)}, TIMES, {}),
    ({"value": [float("nan"), 1.0]}, TIMES[1:], {"value": "nan"}),
    ({"user_id": [float("nan"), 8.0]}, TIMES[1:], {"user_id": "nan"}),
    ({"event_time": pa.array([1717286399999999999] * 2, pa.timestamp("ns"))}, TIMES[:1] * 2, {}),
    ({"event_time": pa.array([1717286399999999999] * 2, pa.timestamp("ns", "Asia/Tokyo"))}, TIMES[:1] * 2, {}),
    ({"Url": ["a", "b"], "url": ["c", "d"]}, TIMES, {}),
])  # fmt: skip
def test_columns_of_parquet_are_what_a_run_makes_of_them(tmp_path, columns, days, unusable):
    pq.write_table(table(**columns), tmp_path / "log.parquet")
    seen = see(tmp_path / "log.parquet")
    assert seen.days == {day.date(): days.count(day) for day in days}
    assert {one.column: one.example for one in seen.unusable} == unusable


@pytest.mark.parametrize(("columns", "message"), [
    ({"user_id": pa.nulls(2)}, r"have no column 'user_id' for user_id in .*log\.parquet"),
    ({"value": np.array([1, 2], dtype=np.float16)}, r"'value' of the events must be .*, found halffloat\. Cast it"),
    ({"USER_ID": ["x", "y"]}, r"several columns are called 'user_id'\. Give each a name of its own"),
])  # fmt: skip
def test_columns_of_parquet_that_no_run_reads_are_refused(tmp_path, columns, message):
    pq.write_table(table(**columns), tmp_path / "log.parquet")
    with pytest.raises(SourceError, match=message):
        see(tmp_path / "log.parquet")


def test_a_file_without_rows_says_nothing_of_types(tmp_path):
    pq.write_table(table(), tmp_path / "1.parquet")
    pq.write_table(pa.table({name: pa.nulls(0) for name in table().column_names}), tmp_path / "2.parquet")
    assert see(tmp_path).days == {date(2024, 6, 1): 1, date(2024, 6, 2): 1}


def test_blanks_behind_separators_and_another_encoding_are_told_together(tmp_path):
    (tmp_path / "log.csv").write_bytes("user_id, event_time, event_type\nu, 2024-06-01, h\xf6ren\n".encode("cp1252"))
    assert kinds(see(tmp_path / "log.csv", event_options="encoding=cp1252")) == {"h\xf6ren": 1}
