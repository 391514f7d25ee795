"""Parquet as a source: types that Spark has no name for, files of unlike types, folders of Hive, odd columns."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.errors import ConfigError, SourceError
from lib.features.source import Reading, standardise
from lib.sources.opening import open_source

WHEN = datetime(2024, 6, 1, 23, 59, 59, 999999)  # noqa: DTZ001 - a time without a zone
USERS = [uuid.UUID(int=7), uuid.UUID(int=2**127 + 8)]


@pytest.fixture
def write(tmp_path):
    """Writes one file of three columns, and others."""

    def write_file(name="log.parquet", rows=2, *, options=None, **columns):
        plain = {"user_id": ["7", "8"], "event_time": [WHEN] * 2, "event_type": ["view"] * 2}
        table = pa.table({key: column[:rows] for key, column in (plain | columns).items()})
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, tmp_path / name, **(options or {}))
        return str(tmp_path)

    return write_file


def shaped(spark, events, columns, **said):
    frame = standardise(open_source(spark, events), Reading(said.pop("names", {}), **said))
    return sorted((tuple(row) for row in frame.select(*columns, "broken").collect()), key=str)


@pytest.mark.parametrize(("ids", "texts"), [
    (pa.array([7, 2**64 - 1], pa.uint64()), ("7", "18446744073709551615")),
    (pa.array([7, 2**32 - 1], pa.uint32()), ("7", "4294967295")),
    (pa.array([7, 8], pa.int8()), ("7", "8")),
    (pa.array([Decimal(7), Decimal(10) ** 37], pa.decimal128(38, 0)), ("7", "1" + "0" * 37)),
    (pa.array([Decimal("7.00"), Decimal("8.00")], pa.decimal128(10, 2)), ("7", "8")),
    (pa.array([7.0, 8.0]), ("7", "8")),
    (pa.array(["7", "007"], pa.large_string()), ("007", "7")),
    (pa.array(["7", "8"]).dictionary_encode(), ("7", "8")),
    (pa.array([one.bytes for one in USERS], pa.uuid()), tuple(map(str, USERS))),
], ids=str)  # fmt: skip
def test_ids_of_any_type_become_the_text_of_their_digits(spark, write, ids, texts):
    assert shaped(spark, write(user_id=ids), ["user_id"]) == sorted((text, None) for text in texts)


@pytest.mark.parametrize(
    "ids", [pa.array([7.5, 8.0]), pa.array([Decimal("7.5"), Decimal(8)]), pa.array([2.0**60, 8.0])]
)
def test_a_number_that_is_no_whole_one_is_no_id(spark, write, ids):
    assert {row[1] for row in shaped(spark, write(user_id=ids), ["user_id"])} == {"user_id", None}


@pytest.mark.parametrize("times", [
    pa.array([WHEN] * 2, pa.timestamp("ns")),
    pa.array([1717286399999999999] * 2, pa.timestamp("ns")),  # what lies below a microsecond is cut off
    pa.array([WHEN.replace(tzinfo=UTC)] * 2, pa.timestamp("ns", "Europe/Berlin")),
    pa.array([WHEN] * 2, pa.timestamp("us")),
    pa.array([WHEN] * 2, pa.timestamp("ms")),
    pa.array([date(2024, 6, 1)] * 2),
    pa.array(["2024-06-01T23:59:59Z"] * 2),
], ids=lambda times: str(times.type))  # fmt: skip
def test_times_of_any_unit_are_of_their_day(spark, write, times):
    assert shaped(spark, write(event_time=times), ["day"]) == [(date(2024, 6, 1), None)] * 2


def test_the_old_times_of_96_bits_are_read(spark, write):
    events = write(
        event_time=pa.array([WHEN] * 2, pa.timestamp("ns")), options={"use_deprecated_int96_timestamps": True}
    )
    assert shaped(spark, events, ["day"]) == [(date(2024, 6, 1), None)] * 2


def test_a_column_that_nobody_needs_hurts_nobody(spark, write):
    odd = {"a": pa.array([1, 2], pa.time64("us")), "b": pa.array([b"x" * 16] * 2, pa.binary(16)),
           "c": pa.array([[1], []]), "d": pa.array([None, None]), "e": pa.array([USERS[0].bytes] * 2, pa.uuid()),
           "f`g": pa.array([1, 2])}  # fmt: skip
    assert shaped(spark, write(**odd), ["user_id"]) == [("7", None), ("8", None)]


def test_a_file_without_rows_and_columns_called_alike_hurt_nobody(spark, write):
    write("1.parquet", rows=0, user_id=pa.nulls(0), event_time=pa.nulls(0), event_type=pa.nulls(0))
    events = write("2.parquet", Url=["a", "b"], url=["c", "d"], box=[{"id": 1, "ID": 2}] * 2)
    assert shaped(spark, events, ["user_id"]) == [("7", None), ("8", None)]
    with pytest.raises(SourceError, match=r"In .*2\.parquet several columns are called 'url'\. Give each a name"):
        shaped(spark, events, ["item_id"], names={"item_id": "url"})


def test_files_of_unlike_types_are_brought_to_one(spark, write):
    write("2024-01.parquet", user_id=[7, 8], value=[1, 2])
    write("2024-02.parquet", user_id=["7", "x8"], value=[0.5, None])
    events = write("2024-03.parquet", event_time=["2024-06-01", "2024-06-01 10:00"])
    assert shaped(spark, events, ["user_id", "value"]) == [
        ("7", 0.5, None), ("7", 1.0, None), ("7", None, None), ("8", 2.0, None), ("8", None, None), ("x8", None, None),
    ]  # fmt: skip


def test_a_column_that_came_later_is_mapped_where_it_is_and_any_other_time_is_kept(spark, write):
    write("2024-01.parquet", ts=[WHEN] * 2, event_time=[None] * 2)
    events = write("2024-02.parquet", ts=[WHEN] * 2, event_time=[None] * 2, revenue=["9.90", "1"], paid=[True, False])
    names = {"event_time": "ts", "value": "to_number(revenue)", "item_id": "CASE WHEN paid THEN 'ticket' END"}
    assert shaped(spark, events, ["day", "value", "item_id"], names=names) == [
        (WHEN.date(), 1.0, None, None), (WHEN.date(), 9.9, "ticket", None), *[(WHEN.date(), None, None, None)] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize(("values", "names", "message"), [
    (pa.array([[1.5], []]), {}, r"Column 'value' of the events must be .* to serve as value, found list<.*Cast it in"),
    (pa.array([True, False]), {}, r"Column 'value' of the events must be .* to serve as value, found boolean\. Cast"),
    (pa.array([1, 2], pa.time64("us")), {"value": "VALUE"}, r"Column 'value' of .* to serve as value, found time64\["),
    (pa.array([[1.5], []]), {"value": "to_number(value)"}, "event_columns: value: cannot read .* 'value' is list<"),
])  # fmt: skip
def test_a_type_that_cannot_serve_is_named_though_other_files_have_a_better_one(spark, write, values, names, message):
    write("2024-01.parquet", value=["1", "2"])
    events = write("2024-02.parquet", value=values)
    with pytest.raises((SourceError, ConfigError), match=message):
        shaped(spark, events, ["value"], names=names)


def test_columns_of_folders_are_columns_and_lose_no_zero(spark, write):
    write("shop=007/kind=a%20b+c/1.parquet")
    events = write("shop=8/2.parquet", rows=1)
    names = {"user_id": "shop", "event_type": "kind"}
    rows = shaped(spark, events, ["user_id", "event_type"], names=names)
    assert rows == [("007", "a b+c", None)] * 2 + [("8", None, "event_type")]
    write("shop=__HIVE_DEFAULT_PARTITION__/kind=x/3.parquet", rows=1)
    assert shaped(spark, f"{events}/shop=*/kind=*", ["user_id", "event_type"], names=names) == [
        ("007", "a b+c", None), ("007", "a b+c", None), (None, "x", "user_id")
    ]  # fmt: skip


def test_fields_of_structs_and_maps_are_named_by_their_path(spark, write):
    nested = pa.array([{"user": {"id": 7}}, {"user": {"id": None}}])
    bag = pa.array([[("price", "12.50")], [("price", "much")]], pa.map_(pa.string(), pa.string()))
    names = {"user_id": "context.user.id", "value": "to_number(bag.price)"}
    events = write(context=nested, bag=bag)
    frame = standardise(open_source(spark, events), Reading(names))
    rows = [tuple(row) for row in frame.select("user_id", "value", "broken", "found").collect()]
    assert rows == [("7", 12.5, None, None), (None, None, "user_id", "nothing")]


def test_which_rows_count_is_a_condition_of_the_source_s_own_columns(spark, write):
    events = write(staff=pa.array([True, None]), n=pa.array(["1", "x"]))
    assert shaped(spark, events, ["user_id"], where="staff") == [("7", None)]
    assert shaped(spark, events, ["user_id"], where="staff IS NULL OR NOT staff") == [("8", None)]
    assert shaped(spark, events, ["user_id"], where="to_int(n) = 2") == [("8", "event_where")]
