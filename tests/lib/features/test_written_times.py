"""Times written elsewhere than in ISO: which pattern reads them, and that it does."""

import duckdb
import pytest

from lib.expressions.expression import parse
from lib.features.written_times import match_time, tells_order, write_pattern


@pytest.mark.parametrize(("times", "month_first", "pattern"), [
    (["31.12.2024"], False, "dd.MM.yyyy"),
    (["31.12.2024", "1.2.2025"], False, "d.M.yyyy"),
    (["12/31/2024"], True, "MM/dd/yyyy"),
    (["1-2-2024"], True, "M-d-yyyy"),
    (["31.12.2024 23:59"], False, "dd.MM.yyyy HH:mm"),
    (["31.12.2024 23:59", "31.12.2024 0:00"], False, "dd.MM.yyyy H:mm"),
    (["31.12.2024 09:05:07"], False, "dd.MM.yyyy HH:mm:ss"),
    (["31.12.2024 9"], False, "dd.MM.yyyy H"),
    (["12/31/2024 02:05 PM", "12/31/2024 11:05 am"], True, "MM/dd/yyyy hh:mm a"),
    (["12/31/2024 2:05:07PM"], True, "MM/dd/yyyy h:mm:ssa"),
    (["2024/12/31 10:00:00", "2024/12/31 10:00:00"], False, "yyyy/MM/dd HH:mm:ss"),
    (["2024.12.31"], False, "yyyy.MM.dd"),
    (["20241231"], False, "yyyyMMdd"),
    (["31-Dec-2024", "1-Jan-2024"], False, "d-MMM-yyyy"),
    (["31 December 2024 10:00"], False, "dd MMMM yyyy HH:mm"),
    (["Dec 31, 2024 10:00:00"], False, "MMM dd, yyyy HH:mm:ss"),
    (["Dec 31, 2024, 2:05 PM"], False, "MMM dd, yyyy, h:mm a"),
    (["31.12.2024 10:00:00.5", "31.12.2024 10:00:00.123"], False, "dd.MM.yyyy HH:mm:ss.SSS"),
    (["2024-12-31 10:00:00 -0500"], False, "yyyy-MM-dd HH:mm:ss XX"),
    (["2024-12-31 10:00:00 +01:00"], False, "yyyy-MM-dd HH:mm:ss XXX"),
    (["2024/12/31 10:00:00Z"], False, "yyyy/MM/dd HH:mm:ssXXX"),
    (["2024/12/31 10:00:00 UTC"], False, "yyyy/MM/dd HH:mm:ss ''UTC''"),
])  # fmt: skip
def test_a_pattern_reads_all_times_that_it_was_written_for(times, month_first, pattern):
    assert write_pattern([match_time(time) for time in times], month_first=month_first) == pattern
    made = parse(f"parse_time(t, '{pattern}')", names={"t": "string"})
    rows = duckdb.execute(f"SELECT {made.duckdb()} FROM (SELECT UNNEST(?) AS t)", [times]).fetchall()
    assert all(value is not None and value.year in (2024, 2025) for (value,) in rows)


@pytest.mark.parametrize(
    "text", ["31.12.24", "123.1.2024", "x1.2.2024", "31.12/2024", "2024-W23-1", "10:00", "45444.5", "1704067200"]
)
def test_what_fits_no_form_is_left(text):
    assert match_time(text) is None


@pytest.mark.parametrize(("times", "first"), [
    (["13.1.2024"], False), (["1/13/2024"], True), (["1/2/2024"], None), (["13/13/2024"], None),
    (["1/2/2024", "1/13/2024"], True), (["2024/12/31"], None),
])  # fmt: skip
def test_which_number_is_the_month_is_told_where_one_cannot_be(times, first):
    assert tells_order([match_time(time) for time in times]) is first
