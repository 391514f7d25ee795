"""What a look proposes reads what stands there, and says so where it is run on the file."""

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.events import Events
from lib.looking.look import look


def see(place, **said):
    return look(Events.from_widgets((defaults() | {"events": str(place)} | said).__getitem__), None)


@pytest.mark.parametrize(("values", "form"), [
    (["1704067200000"], "timestamp_millis(to_int(`Event Time`))"),
    (["1704067200.5", "1704067201"], "timestamp_seconds(to_number(`Event Time`))"),
    (["1704067200123.0"], "timestamp_seconds(to_number(`Event Time`) / 1000)"),
    (["1704067200123456.7"], "timestamp_seconds(to_number(`Event Time`) / 1000000)"),
    (["1704067200123", "1704067200"], "if(to_number(`Event Time`) < 1e10, timestamp_seconds(to_int(`Event Time`)), "
                                      "timestamp_millis(to_int(`Event Time`)))"),
    (["06/13/2024 02:05 PM", "06/01/2024 11:05 AM"], "parse_time(`Event Time`, 'MM/dd/yyyy hh:mm a')"),
    (["6/1/2024"] * 2001 + ["13/6/2024"], "parse_time(`Event Time`, 'd/M/yyyy')"),
    (["1.6.2024"] * 2001 + ["6.13.2024"], "parse_time(`Event Time`, 'M.d.yyyy')"),
    (["6/1/2024"], "parse_time(`Event Time`, 'M/d/yyyy')"), (["1.6.2024"], "parse_time(`Event Time`, 'd.M.yyyy')"),
    (["20240601"], "parse_time(`Event Time`, 'yyyyMMdd')"),
    (["2024/06/01 10:00:00"], "parse_time(`Event Time`, 'yyyy/MM/dd HH:mm:ss')"),
    (["2024/06/01 23:00 -0500", ""], "parse_time(`Event Time`, 'yyyy/MM/dd HH:mm XX')"),
    (["01-Jun-2024"], "parse_time(`Event Time`, 'dd-MMM-yyyy')"),
    (["2024-06-01", "2024-06-01 10:00:00", "2024-06-01T10:00Z", "2024-06-01 23:00:00 -0500"], "Event Time"),
    (["6/1/2024", "soon"], "Event Time"),
])  # fmt: skip
def test_how_times_are_written_is_seen_whatever_their_column_is_called(tmp_path, values, form):
    pd.DataFrame({"uid": "u", "Event Time": values, "event": "x"}).to_csv(tmp_path / "log.csv", index=False)
    seen = see(tmp_path / "log.csv")
    assert seen.columns["event_time"] == form
    again = see(tmp_path / "log.csv", event_columns=",".join(f"{ours}={own}" for ours, own in seen.columns.items()))
    assert again.measures.days == seen.measures.days
    if form != "Event Time":
        assert sum(seen.measures.days.values()) >= len([value for value in values if value]) - 1


def test_units_that_changed_are_told_by_size(tmp_path):
    for values in (["1704067200123", "1704067200"], [1704067200123, 1704067200]):
        pd.DataFrame({"uid": "u", "ts": values, "event": "x"}).to_parquet(tmp_path / "log.parquet")
        assert {day.year for day in see(tmp_path / "log.parquet").measures.days} == {2024}


def test_numbers_under_a_name_with_a_blank_count_from_1970_too(tmp_path):
    pd.DataFrame({"uid": "u", "Event Time": [1704067200000], "event": "x"}).to_parquet(tmp_path / "log.parquet")
    seen = see(tmp_path / "log.parquet")
    assert seen.columns["event_time"] == "timestamp_millis(`Event Time`)"
    assert seen.measures.events == 1
