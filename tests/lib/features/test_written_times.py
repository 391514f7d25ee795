"""Days written with their year last: which pattern reads them."""

import pytest

from lib.features.written_times import DAY, write_pattern


@pytest.mark.parametrize(("times", "month_first", "pattern"), [
    (["31.12.2024"], False, "dd.MM.yyyy"),
    (["31.12.2024", "1.2.2025"], False, "d.M.yyyy"),
    (["12/31/2024"], True, "MM/dd/yyyy"),
    (["1-2-2024"], True, "M-d-yyyy"),
    (["31.12.2024 23:59"], False, "dd.MM.yyyy HH:mm"),
    (["31.12.2024 23:59", "31.12.2024 0:00"], False, "dd.MM.yyyy H:mm"),
    (["31.12.2024 09:05:07"], False, "dd.MM.yyyy HH:mm:ss"),
    (["31.12.2024 9"], False, "dd.MM.yyyy H"),
])  # fmt: skip
def test_a_pattern_reads_all_times_that_it_was_written_for(times, month_first, pattern):
    assert write_pattern([DAY.fullmatch(time) for time in times], month_first=month_first) == pattern


@pytest.mark.parametrize("text", ["2024-12-31", "31.12.24", "123.1.2024", "31 Dec 2024", "x1.2.2024"])
def test_what_does_not_end_with_its_year_is_no_such_day(text):
    assert DAY.fullmatch(text) is None
