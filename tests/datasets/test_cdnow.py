"""The purchases of CDNOW: the totals that the literature names for this log, and its odd shape."""

import csv

from datasets import cdnow


def test_the_log_is_whole(tmp_path):
    with cdnow.write(tmp_path).open() as file:
        header, *rows = csv.reader(file)
    users, days, types, values = zip(*rows, strict=True)

    assert header == ["user_id", "event_time", "event_type", "value"]
    assert (len(rows), len(set(users))) == (69_659, 23_570)
    assert (min(days), max(days)) == ("1997-01-01", "1998-06-30")
    assert set(types) == {"purchase"}
    assert round(sum(map(float, values)), 2) == 2_500_315.63
    assert rows[:2] == [
        ["00001", "1997-01-01", "purchase", "11.77"],
        ["00002", "1997-01-12", "purchase", "12"],
    ]


def test_a_second_write_changes_nothing(tmp_path):
    file = cdnow.write(tmp_path)
    before = file.stat().st_mtime_ns
    assert cdnow.write(tmp_path) == file
    assert file.stat().st_mtime_ns == before
