"""The user's own rows brought to one shape: times, types and names as warehouses have them, and each mistake named."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from lib.config.question_kinds import named_actions
from lib.errors import ConfigError, SourceError
from lib.features.named_rows import Unclear, find_unclear, sum_named
from lib.features.source import sum_by_day
from tests.builders.sources import standard

JUNE_1, JUNE_2, JUNE_9 = date(2024, 6, 1), date(2024, 6, 2), date(2024, 6, 9)


def literal(spark, columns, *rows):
    """A frame of SQL literals: they alone say which type each column has."""
    return spark.sql(f"SELECT * FROM VALUES {', '.join(f'({row})' for row in rows)} AS t({columns})")


def picked(frame, *columns):
    return sorted(tuple(row) for row in frame.select(*columns).collect())


@pytest.mark.parametrize("rows", [
    ("TIMESTAMP_NTZ'2024-06-01 23:59:59.999999'", "TIMESTAMP_NTZ'2024-06-02 00:00:00'"),
    ("TIMESTAMP'2024-06-02 01:59:59.999999+02:00'", "TIMESTAMP'2024-06-01 19:00:00-05:00'"),
    ("DATE'2024-06-01'", "DATE'2024-06-02'"),
    ("'2024-06-01'", "' 2024-06-02T00:00:00Z '"),
    ("'2024-06-01 23:59:59'", "'2024-06-01 23:00:00-01:00'"),
], ids=["without a zone", "zoned", "date", "text", "text with a zone"])  # fmt: skip
def test_a_day_ends_at_midnight_utc_whatever_the_type_of_its_times(spark, rows):
    last, first = rows
    frame = literal(spark, "user_id, event_type, event_time", f"'a', 'view', {last}", f"'b', 'view', {first}")
    assert picked(standard(frame, {}), "user_id", "day", "known_day", "broken") == [
        ("a", JUNE_1, JUNE_1, None), ("b", JUNE_2, JUNE_2, None),
    ]  # fmt: skip


def test_other_names_constants_and_types_are_mapped(spark):
    frame = literal(spark, "customer, `sold on`, euro, `a.b`", "17, DATE'2024-06-01', 12.50, 3")
    names = {"user_id": "customer", "event_time": "sold on", "event_type": "'purchase'", "value": "euro"}
    shaped = standard(frame, names | {"item_id": "a.b"})
    assert dict(shaped.dtypes) == {
        "user_id": "string", "event_type": "string", "day": "date", "known_day": "date", "known_time": "timestamp",
        "count": "bigint", "value": "double", "item_id": "string", "broken": "string", "found": "string",
        "has_value": "boolean", "has_item_id": "boolean", "has_count": "boolean", "has_known_at": "boolean",
        "file": "string", "key": "array<string>", "source": "int",
    }  # fmt: skip
    assert picked(shaped, *shaped.columns[:9]) == [
        ("17", "purchase", JUNE_1, JUNE_1, datetime(2024, 6, 1), 1, 12.5, "3", None)  # noqa: DTZ001 - as Spark gives it
    ]


def test_value_item_and_known_at_may_be_absent(spark):
    shaped = standard(literal(spark, "user_id, event_time, event_type", "'a', DATE'2024-06-01', 'view'"), {})
    assert picked(shaped, "known_day", "count", "value", "item_id", "broken") == [(JUNE_1, 1, None, None, None)]


def test_an_event_is_known_on_the_later_of_its_day_and_known_at(spark):
    shaped = standard(literal(
        spark, "user_id, event_time, event_type, known_at",
        "'early', TIMESTAMP'2024-06-02 10:00:00', 'view', TIMESTAMP'2024-06-01 10:00:00'",
        "'same', TIMESTAMP'2024-06-02 00:00:00', 'view', TIMESTAMP'2024-06-02 23:59:59'",
        "'late', TIMESTAMP'2024-06-02 10:00:00', 'view', TIMESTAMP'2024-06-09 00:00:00'",
        "'never', TIMESTAMP'2024-06-02 10:00:00', 'view', NULL",
    ), {})  # fmt: skip
    assert picked(shaped.fillna("", ["broken"]), "user_id", "day", "known_day", "broken") == [
        ("early", JUNE_2, JUNE_2, ""), ("late", JUNE_2, JUNE_9, ""), ("never", JUNE_2, JUNE_2, "known_at"),
        ("same", JUNE_2, JUNE_2, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("known_at", ["", ", TIMESTAMP'2024-06-01 10:00:00'"])
def test_known_time_is_the_time_of_known_day_to_its_last_microsecond(spark, known_at):
    columns = "user_id, event_type, event_time" + (", known_at" if known_at else "")
    rows = [f"'{user}', 'view', TIMESTAMP'2024-06-{time}'{known_at}" for user, time in (
        ("a", "01 23:59:59.999999"), ("b", "02 00:00:00"), ("c", "02 23:59:59.999999"), ("d", "03 00:00:00"),
    )]  # fmt: skip
    shaped = standard(literal(spark, columns, *rows), {})
    for column in ("known_day", "known_time"):
        inside = shaped.where(f"{column} >= DATE '2024-06-02' AND {column} < DATE '2024-06-03'")
        assert picked(inside, "user_id") == [("b",), ("c",)]


def test_a_known_at_that_cannot_be_read_breaks_its_row(spark):
    rows = [f"'a', '2024-06-02', 'view', {text}" for text in ("'soon'", "''", "'23:59'")]
    shaped = standard(literal(spark, "user_id, event_time, event_type, known_at", *rows), {})
    assert picked(shaped, "broken") == [("known_at",)] * 3


@pytest.mark.parametrize(("row", "column"), [
    ("STRING(NULL), '2024-06-01', 'view', '1', 1", "user_id"),
    ("'a', TIMESTAMP(NULL), 'view', '1', 1", "event_time"),
    ("'a', 'yesterday', 'view', '1', 1", "event_time"),
    ("'a', '2024-06-31', 'view', '1', 1", "event_time"),
    ("'a', '2024-06-01', STRING(NULL), '1', 1", "event_type"),
    ("'a', '2024-06-01', 'view', 'much', 1", "value"),
    ("'a', '2024-06-01', 'view', 'NaN', 1", "value"),
    ("'a', '2024-06-01', 'view', '-Infinity', 1", "value"),
    ("'a', '2024-06-01', 'view', '1e999', 1", "value"),
    ("'a', '2024-06-01', 'view', '1', INT(NULL)", "count"),
    ("'a', '2024-06-01', 'view', '1', 0", "count"),
    ("'a', '2024-06-01', 'view', '1', -2", "count"),
    ("'a', '2024-06-01', 'view', DOUBLE(NULL), 1", None),
    ("'a', '2024-06-01', 'view', '1', 1000000000000", None),
    ("'a', '2024-06-01', 'view', '-2.5', 1", None),
])  # fmt: skip
def test_a_row_says_what_is_wrong_with_it(spark, row, column):
    shaped = standard(literal(spark, "user_id, event_time, event_type, value, count", row), {})
    assert picked(shaped, "broken") == [(column,)]


@pytest.mark.parametrize("count", ["2.5D", "2.5", "DOUBLE('NaN')", "DOUBLE('Infinity')", "'two'", "'2.5'", "1e30D",
    "1000000000001", "9000000000000000000",  # two of these would sum up to less than none
])  # fmt: skip
def test_a_count_that_is_no_whole_number_or_too_large_breaks_its_row(spark, count):
    frame = literal(spark, "user_id, event_time, event_type, count", f"'a', DATE'2024-06-01', 'view', {count}")
    assert picked(standard(frame, {}), "broken") == [("count",)]


@pytest.mark.parametrize("time", ["'12:30'", "'T12:30:00'", "'202406'", "'+12024-01-01'", "'2024'"])
def test_a_time_without_a_day_or_beyond_the_calendar_breaks_its_row(spark, time):
    frame = literal(spark, "user_id, event_time, event_type", f"'a', {time}, 'view'")
    assert picked(standard(frame, {}), "broken") == [("event_time",)]


@pytest.mark.parametrize(("columns", "names", "message"), [
    ("who, event_time, event_type", {}, "no column 'user_id' for user_id in the frame. Found: who string, event_ti"),
    ("user_id, event_time, event_type", {"value": "euro"}, "no column 'euro' for value in the frame. Found: user_id"),
    ("user_id, event_time, event_type", {"event_type": "event_time"},
     r"Column 'event_time' of the events must be string or .* to serve as event_type, found date\. Cast it"),
    ("user_id, count, event_type", {"event_time": "count"},
     "Column 'count' of the events must be timestamp or timestamp_ntz or date or string to serve as event_time, fou"
     "nd date")
])  # fmt: skip
def test_a_column_that_is_missing_or_of_a_wrong_type_is_named(spark, columns, names, message):
    frame = literal(spark, columns, "'a', DATE'2024-06-01', 'view'")
    if "count" in columns:
        frame = frame.selectExpr("user_id", "array(count) AS count", "event_type")
        message = message.replace("found date", "found array<date>")
    with pytest.raises(SourceError, match=message):
        standard(frame, names)


def test_a_mapping_of_a_column_that_events_do_not_have_is_refused(spark):
    frame = literal(spark, "user_id, event_time, event_type", "'a', DATE'2024-06-01', 'view'")
    with pytest.raises(ConfigError, match="event_columns maps 'userid', which is none of user_id, event_time, "):
        standard(frame, {"userid": "user_id"})


def test_a_day_sums_up_what_happened_and_duplicates_are_real(spark):
    twice = "'a', TIMESTAMP'2024-06-01 10:00:00', 'buy', 2.25, 'i2'"
    daily = sum_by_day(standard(literal(
        spark, "user_id, event_time, event_type, value, item_id",
        twice, twice,  # the same row again is a second event
        "'a', TIMESTAMP'2024-06-01 00:00:00', 'buy', 1.00, 'i1'",
        "'a', TIMESTAMP'2024-06-01 23:59:59', 'buy', NULL, NULL",
        "'a', TIMESTAMP'2024-06-02 00:00:00', 'buy', NULL, NULL",  # another day
        "'a', TIMESTAMP'2024-06-01 12:00:00', 'view', NULL, 'i9'",  # another type
    ), {}))  # fmt: skip
    assert picked(daily.fillna(-1.0, ["value"]), "day", "event_type", "known_day", "count", "value", "items") == [
        (JUNE_1, "buy", JUNE_1, 4, 5.5, ["i1", "i2"]),
        (JUNE_1, "view", JUNE_1, 1, -1.0, ["i9"]),
        (JUNE_2, "buy", JUNE_2, 1, -1.0, None),
    ]  # fmt: skip


def test_rows_that_come_aggregated_add_up_and_name_no_items(spark):
    shaped = standard(literal(
        spark, "user_id, event_time, event_type, value, item_id, count",
        "'a', DATE'2024-06-01', 'buy', 10.0, 'i1', 3", "'a', DATE'2024-06-01', 'buy', 5.0, 'i2', 1",
    ), {})  # fmt: skip
    assert picked(sum_by_day(shaped), "count", "value", "items") == [(4, 15.0, None)]


def test_one_day_known_piece_by_piece_keeps_its_pieces(spark):
    daily = sum_by_day(standard(literal(
        spark, "user_id, event_time, event_type, known_at",
        "'a', DATE'2024-06-01', 'buy', DATE'2024-06-01'", "'a', DATE'2024-06-01', 'buy', DATE'2024-06-09'",
    ), {}))  # fmt: skip
    assert picked(daily, "day", "known_day", "count") == [(JUNE_1, JUNE_1, 1), (JUNE_1, JUNE_9, 1)]


def test_a_decimal_sum_is_that_of_its_doubles(spark):
    frame = spark.createDataFrame(
        [("a", JUNE_1, "buy", Decimal("0.1"))] * 3, "user_id string, event_time date, event_type string, "
        "value decimal(18, 4)",
    )  # fmt: skip
    ((value,),) = picked(sum_by_day(standard(frame, {})), "value")
    assert value == pytest.approx(0.3, abs=1e-12)


def test_rows_that_count_as_named_actions_are_told_of_wide_rows_too_and_add_up_apart(spark):
    named = named_actions().read("actions", "big=view WHERE place = 'app', odd=sale WHERE to_number(note) > 3")
    wide = literal(
        spark, "user_id, event_time, views, sale, place, note",
        "'a', DATE'2024-06-01', 3, 1, 'app', '4'", "'b', DATE'2024-06-01', 2, 0, 'shop', '2'",
        "'c', DATE'2024-06-01', 1, 1, NULL, 'free'",
    )  # fmt: skip
    shaped = standard(wide, {}, unpivot={"view": "views", "sale": "sale"}, named=named)
    names = {one.kind: one.name for one in named}
    marks = {
        (row.user_id, row.event_type): ([names[kind] for kind in row.named], row.unclear) for row in shaped.collect()
    }
    assert marks == {
        ("a", "view"): (["big"], []), ("a", "sale"): (["odd"], []), ("b", "view"): ([], []),
        ("c", "view"): ([], []), ("c", "sale"): ([], [f"{named[1].kind}: free"]),
    }  # fmt: skip
    assert find_unclear(shaped, named) == {named[1].kind: Unclear(1, 2, "free")}
    sums = [(row.user_id, names[row.event_type], row["count"], row.value) for row in sum_named(shaped).collect()]
    assert sorted(sums) == [("a", "big", 3, None), ("a", "odd", 1, None)]
    # a part without the column has no rows that meet the condition
    part = literal(spark, "user_id, event_time, event_type", "'a', DATE'2024-06-01', 'view'")
    assert picked(standard(part, {}, named=named), "named", "unclear") == [([], [])]
