"""What is said to somebody whose value cannot be read: what was found, read as it was most likely meant."""

import pytest

from lib.features.hints import format_hint
from lib.features.source import Reading


@pytest.mark.parametrize(("column", "theirs", "shown", "hint"), [
    ("value", "Total", "12,50", "if the comma is the decimal sign: event_options=decimal=','"),
    ("value", "Total", "1.234,56", "if that is 1234.56: event_columns=value=to_number(replace(replace(Total, '.', ''), "
                                   "',', '.'))"),
    ("value", "Sale value", "$5", "if that is 5: event_columns=value=to_number(replace(`Sale value`, '$', ''))"),
    ("value", "`a,b`", "$5", "if that is 5: event_columns=value=to_number(replace(`a,b`, '$', ''))"),
    ("value", "v", "1'234.5", "if that is 1234.5: event_columns=value=to_number(replace(v, '''', ''))"),
    ("value", "v", "(5.00)",
     "if that is -5.00: event_columns=value=if(starts_with(v, '('), -to_number(replace(replace(v, '(', ''), ')', '')), "
     "to_number(replace(replace(v, '(', ''), ')', '')))"),
    ("value", "v", "12k", "wanted: 12.50"),
    ("value", "v", "NULL", "if that is none: event_columns=value=to_number(nullif(v, 'NULL'))"),
    ("event_time", "ts", "1704067200",
     "if that counts from 1970 on: event_columns=event_time=timestamp_seconds(to_int(ts))"),
    ("event_time", "ts", "1704067200123.5",
     "if that counts from 1970 on: event_columns=event_time=timestamp_seconds(to_number(ts) / 1000)"),
    ("event_time", "Order Date", "06/13/2024 02:05 PM",
     "if the month comes first: event_columns=event_time=parse_time(`Order Date`, 'MM/dd/yyyy hh:mm a')"),
    ("event_time", "ts", "1.6.2024", "if the day comes first: event_columns=event_time=parse_time(ts, 'd.M.yyyy')"),
    ("event_time", "ts", "20240601", "if it is a time: event_columns=event_time=parse_time(ts, 'yyyyMMdd')"),
    ("event_time", "ts", "1/2/24", "wanted: 2024-06-01 10:00:00, with an offset or without"),
    ("count", "n", "x", "wanted: a whole number from 1 on"),
])  # fmt: skip
def test_the_way_out_reads_what_was_found(column, theirs, shown, hint):
    assert format_hint(column, shown, Reading({column: theirs})) == f" ({hint})"


def test_nothing_is_said_of_expressions_and_of_what_is_not_there():
    assert format_hint("value", "$5", Reading({"value": "to_number(v)"})) == ""
    assert format_hint("value", "nothing", Reading({})) == ""
    assert format_hint("user_id", "x", Reading({})) == ""
