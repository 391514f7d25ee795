"""Homes on CSV: what is refused changes nothing; what was read by an older rule is read anew, once and whole."""

import json
from datetime import date, timedelta

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import ingest as ingest_rules
from lib.features import source_note
from lib.sources import csv_files
from lib.sources.part import Part, shape
from lib.stages import extract_features

START = date(2024, 4, 1)
KEY = ["user_id", "day", "event_type", "known_day"]
TITLES = ["Desk lamp", 'Monitor 27", curved', 'Frame 8"x10", black', '"', "two, plain"]


def day(number):
    return START + timedelta(days=number)


def log(days, first=0):
    """Six users who view every other day and buy every fifth; most titles hold quotes or commas."""
    rows = [
        {"user_id": f"00{user}", "event_time": f"{day(n)} 12:00:00", "value": 1.5 * user,
         "title": TITLES[(n + user) % 5], "event_type": kind}
        for n in range(first, days) for user in range(6) for kind, every in (("view", 2), ("buy", 5))
        if (n + user) % every == 0
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "log.csv"


@pytest.fixture
def home(tables, file):
    """Reads a CSV file, as today or as it was done before the rule was noted."""

    class Home:
        def config(self, as_of, events=None):
            return ExtractConfig.from_widgets((defaults() | {
                "schema": tables.schema, "events": str(events or file), "event_columns": "", "action": "buy",
                "horizon_days": "7", "cohort_days": "28", "as_of": "" if as_of is None else str(day(as_of)),
                "cadence_days": "7", "max_cutoffs": "2", "max_event_types": "24", "max_source_gap_days": "",
            }).__getitem__)  # fmt: skip

        def ingest(self, as_of=None, events=None):
            """What was said of it."""
            said = []
            ingest_rules.ingest(self.config(as_of, events), tables, said.append)
            return said

        def extract(self, as_of=None):
            extract_features.run(self.config(as_of), tables, lambda _: None)

        def as_before(self, step, *arguments):
            """Take a step as it was taken before, when a backslash escaped quotes."""
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(csv_files, "read", read_as_before)
                step(*arguments)
            self.note({key: value for key, value in self.noted().items() if key != "csv"})

        def noted(self):
            return json.loads(tables.get_property("daily_activity", source_note.SOURCE))

        def note(self, value):
            tables.set_property("daily_activity", source_note.SOURCE, json.dumps(value))

        def drop(self):
            for name in ("daily_activity", "features"):
                tables.drop(name)

        def activity(self):
            found = tables.query("SELECT user_id, day, event_type, known_day, count, value FROM {daily_activity}")
            return found.sort_values(KEY, ignore_index=True)

        def features(self):
            found = tables.query("SELECT * FROM {features} ORDER BY user_id, cutoff")
            return found[sorted(found)].dropna(axis=1, how="all")  # columns of types that are none stay empty

        def commits(self):
            return tables.commits("daily_activity")

    return Home()


def read_as_before(spark, events, files, *_):
    """When a backslash escaped quotes."""
    frame = spark.read.option("header", "true").csv(events)
    return [Part(shape(frame, files), name=events, shown="", is_text=True)]


def summed(rows):
    """What is to be in `daily_activity`."""
    days = rows.assign(day=pd.to_datetime(rows["event_time"]).dt.date, count=1)
    found = days.groupby(["user_id", "day", "event_type"], as_index=False)[["count", "value"]].sum()
    return found.assign(known_day=found["day"])[[*KEY, "count", "value"]].sort_values(KEY, ignore_index=True)


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_a_file_that_is_refused_changes_nothing(home, file):
    log(50).to_csv(file, index=False)
    home.ingest()
    commits = home.commits()
    file.write_text(file.read_text() + f'001,{day(50)} 12:00:00,1,"5\\" disc",view\n')
    with pytest.raises(SourceError, match="a backslash stands before a quote"):
        home.ingest()
    same(home.activity(), summed(log(49)))
    assert home.commits() == commits


def test_a_home_that_read_otherwise_reads_its_files_anew_once_and_says_so(home, file):
    log(50).to_csv(file, index=False)
    home.as_before(home.extract)
    assert len(set(home.activity()["event_type"])) > 2  # parts of titles
    log(57).to_csv(file, index=False)
    assert home.ingest() == [
        f"all of {str(file)!r} is read anew, once: text files are read by another rule from now on"
    ]
    assert home.noted()["csv"] == csv_files.RULE
    same(home.activity(), summed(log(56)))
    assert home.features().empty  # those of the old activity are gone
    commits = home.commits()
    assert home.ingest() == []
    assert home.commits() == commits
    home.extract()
    mended = home.features()
    home.drop()
    home.extract()
    pd.testing.assert_frame_equal(mended, home.features(), check_exact=True)


def test_what_lies_beyond_as_of_is_read_anew_by_the_next_run(home, file):
    log(57).to_csv(file, index=False)
    home.as_before(home.ingest, 56)
    home.ingest(50)
    same(home.activity(), summed(log(50)))
    assert home.ingest(56) == []
    same(home.activity(), summed(log(56)))


def test_rows_without_a_note_were_read_by_nobody_knows_which_rule(home, tables, file):
    log(50).to_csv(file, index=False)
    home.as_before(home.ingest)
    del tables.notes["daily_activity", source_note.SOURCE]  # a kill before the note
    assert "read anew" in home.ingest()[0]
    same(home.activity(), summed(log(49)))


def test_files_that_no_longer_reach_back_are_not_read_anew(home, tables, file):
    log(50).to_csv(file, index=False)
    home.as_before(home.ingest)
    before, note = home.activity(), home.noted()
    log(57, first=1).to_csv(file, index=False)
    with pytest.raises(SourceError) as caught:
        home.ingest()
    assert str(caught.value) == (
        f"The tables of schema {tables.schema} were read from {str(file)!r} before text files were read by today"
        f"'s rule, and must be read anew, whole. They begin on {day(0)}, the files on {day(1)} by now. Nothing was "
        "changed. Bring the older files back, or drop daily_activity and features, so that all begins with what is "
        "left: see Starting over in docs/operations.md."
    )
    same(home.activity(), before)
    assert home.noted() == note
    home.drop()
    home.ingest()
    same(home.activity(), summed(log(56, first=1)))


@pytest.mark.parametrize(("step", "call"), [  # as they follow each other: a kill before each of them
    ("set_properties", 1), ("delete", 1), ("replace", 1), ("set_properties", 2),
])  # fmt: skip
def test_a_kill_while_all_is_read_anew_is_mended_by_the_next_run(home, tables, file, step, call):
    log(50).to_csv(file, index=False)
    home.as_before(home.extract)
    calls, real = [], getattr(tables, step)

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, step, killed)
        with pytest.raises(KeyboardInterrupt):
            home.ingest()
    assert "csv" not in home.noted()
    assert "read anew" in home.ingest()[0]
    same(home.activity(), summed(log(49)))
    assert home.features().empty
    assert home.noted()["csv"] == csv_files.RULE


def test_a_home_on_parquet_or_a_table_is_not_read_anew(home, spark, tmp_path):
    rows = spark.createDataFrame(log(50))
    rows.write.parquet(f"{tmp_path}/log.parquet")
    rows.createOrReplaceTempView("log")
    for events in (f"{tmp_path}/log.parquet", "log"):
        home.ingest(events=events)
        assert set(home.noted()) == {"events", "event_columns", "read"}  # as it always was
        commits = home.commits()
        assert home.ingest(events=events) == []
        assert home.commits() == commits
        home.drop()
