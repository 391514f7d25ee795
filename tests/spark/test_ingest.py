"""From a changing source to daily_activity and features: what is read, what is read again, what is refused."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest

from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig
from lib.errors import NotEnoughHistory, SourceError
from lib.features import extraction
from lib.features import ingest as ingest_rules
from lib.features.forgotten import CHECK, make_digest
from lib.features.missing import Missing, find_missing
from lib.features.read_again import note_read_again, read_noted_again
from lib.stages import extract_features
from tests.fakes.near_tables import ON_DELTA, NearTables

START = date(2024, 4, 1)
WIDGETS = defaults() | {
    "events": "log", "action": "buy", "horizon_days": "7", "cohort_days": "28", "max_cutoffs": "2",
}  # fmt: skip
KEY = ["user_id", "day", "event_type", "known_day"]


def day(number):
    """A day of the log; 0 is its first."""
    return START + timedelta(days=number)


def event(number, user="u0", kind="view", hour=12, **more):
    return {"user_id": user, "event_time": datetime.combine(day(number), datetime.min.time()).replace(hour=hour),
            "event_type": kind, "value": 1.5, "item_id": f"i{number % 3}"} | more  # fmt: skip


def events(days):
    """A log of six users who view every other day and buy every fifth."""
    users = [(user, f"u{user}") for user in range(6)]
    views = [event(n, name, hour=n % 24) for n in range(days) for user, name in users if (n + user) % 2 == 0]
    return views + [event(n, name, "buy") for n in range(days) for user, name in users if (n + 3 * user) % 5 == 0]


@pytest.fixture
def home(spark, tables):
    """Loads rows as the source, and extracts from it."""

    class Home:
        def load(self, rows, more=""):
            kinds = "user_id string, event_time timestamp, event_type string, value double, item_id string" + more
            columns = [part.split()[0] for part in kinds.split(", ")]
            frame = pd.DataFrame(rows, columns=columns)
            spark.createDataFrame(frame, kinds).createOrReplaceTempView("log")
            return self

        def config(self, as_of=None, **changes):
            asked = {"schema": tables.schema, "as_of": "" if as_of is None else str(day(as_of))}
            key = changes.pop("forgotten_key", "")  # in place, as the notebook puts it
            config = ExtractConfig.from_widgets((WIDGETS | asked | changes).__getitem__)
            return replace(config, forgotten_key=key)

        def ingest(self, as_of=None, **changes):
            return self.ingested(as_of, **changes).as_of

        def ingested(self, as_of=None, **changes):
            return ingest_rules.ingest(self.config(as_of, **changes), tables)

        def extract(self, as_of=None, **changes):
            return extract_features.run(self.config(as_of, **changes), tables, lambda _: None)

        def activity(self, where="1 = 1"):
            frame = tables.query(f"SELECT * FROM {{daily_activity}} WHERE {where}")
            return frame.sort_values(KEY, ignore_index=True)

        def features(self, as_of):
            frame = tables.query(f"SELECT * FROM {{features}} WHERE cutoff <= DATE '{day(as_of)}'")
            return frame.sort_values(["user_id", "cutoff"], ignore_index=True)

        def last_write(self, name):
            """Version and numbers of rows of a table's newest commit that changed rows."""
            if isinstance(tables, NearTables):
                return tables.writes[name]
            history = spark.sql(f"DESCRIBE HISTORY {tables.full_name(name)}").collect()
            row = next(row for row in history if row.operation not in ("SET TBLPROPERTIES", "CREATE TABLE"))
            return row.version, row.operation, dict(row.operationMetrics)

    return Home()


def test_the_first_run_reads_everything_before_as_of_and_again_nothing(home):
    home.load(events(60))
    assert home.ingest(50) == day(50)
    found = home.activity()
    expected = pd.DataFrame(events(50)).assign(day=lambda f: f["event_time"].dt.date)
    expected = expected.groupby(["user_id", "day", "event_type"])["value"].agg(["size", "sum"]).reset_index()
    assert list(found["count"]) == list(expected.sort_values(["user_id", "day", "event_type"])["size"])
    assert list(found["value"]) == list(expected["sum"])
    assert (found["day"] == found["known_day"]).all()
    assert (found["day"].min(), found["day"].max()) == (day(0), day(49))
    before = home.last_write("daily_activity")
    home.ingest(50)
    assert home.last_write("daily_activity") == before


@ON_DELTA
def test_the_next_week_reads_its_days_only_and_keeps_earlier_cutoffs(home):
    home.load(events(60))
    first = home.extract(50)
    home.extract(57)
    _, operation, numbers = home.last_write("daily_activity")
    assert operation.startswith(("CREATE OR REPLACE", "WRITE"))
    assert int(numbers["numOutputRows"]) == len(home.activity(f"day >= DATE '{day(50)}'"))
    _, _, numbers = home.last_write("features")
    assert int(numbers["numOutputRows"]) == 6  # one cutoff more, of six users
    assert sorted(home.features(57)["cutoff"].unique()) == [*sorted(first.cutoffs.all), day(57)]


def test_events_after_as_of_change_nothing(home, spark, tables):
    home.load(events(60)).extract(50)
    full = home.activity(), home.features(50)
    for name in ("daily_activity", "features"):
        tables.drop(name)
    home.load(events(50)[::-1]).extract(50)  # without the future, and in another order
    pd.testing.assert_frame_equal(home.activity(), full[0], check_exact=True)
    pd.testing.assert_frame_equal(home.features(50), full[1], check_exact=True)


@pytest.mark.parametrize(("user", "message"), [
    ("NaN", "hold ids that name nobody: 20 of 230 rows are of one user, 'NaN', as tools write that there is none"),
    ("1.2E+11", r"hold ids that have lost their digits: 20 of 230 rows are of ids like '1.2E\+11', .* as text, or map"),
])  # fmt: skip
def test_ids_that_are_none_are_refused_where_they_are_many(home, user, message):
    with pytest.raises(SourceError, match=message):
        home.load([*events(50), *(event(49, user) for _ in range(20))]).ingest(50)


def test_of_what_counts_apart_and_may_be_one_a_person_is_told(home):
    odd = [event(49, user) for user in ("1.2E+11", "007", "7")]
    summary = home.load([*events(50), *odd, event(49, kind="Buy")]).extract(50).summary
    for line in (
        "1 of 214 rows are of ids like '1.2E+11', as spreadsheets round long numbers: several users may be one.",
        "1 ids stand with zeros before them and without, such as '7': a tool that took them for numbers made two users",
        "the events also have 'Buy', which differs from 'buy' in capitals or blanks alone, and does not count",
    ):
        assert line in summary


def test_a_quiet_day_is_no_error_and_leaves_the_rows(home):
    home.load(events(50)).ingest(50)
    before = home.activity()
    assert home.ingest(51) == day(51)
    pd.testing.assert_frame_equal(home.activity(), before)


def test_a_late_row_on_a_day_read_before_is_read_and_later_features_are_made_anew(home, spark, tables):
    home.load(events(50)).extract(50)
    late = event(40, "u9", "buy")
    home.load([*events(50), late]).extract(50)
    assert len(home.activity("user_id = 'u9'")) == 1
    mended = home.activity(), home.features(50)
    assert sorted(mended[1].query("user_id == 'u9'")["cutoff"]) == [day(43), day(50)]  # the ones that it precedes
    for name in ("daily_activity", "features"):
        tables.drop(name)
    home.load([*events(50), late]).extract(50)
    pd.testing.assert_frame_equal(home.activity(), mended[0])
    pd.testing.assert_frame_equal(home.features(50), mended[1])


@ON_DELTA
def test_a_row_taken_back_by_the_source_goes(home):
    home.load(events(50)).ingest(50)
    home.load([row for row in events(50) if (row["event_time"].date(), row["user_id"]) != (day(45), "u1")]).ingest(50)
    left = home.activity(f"day = DATE '{day(45)}'")
    assert sorted(left["user_id"]) == ["u0", "u3", "u5", "u5"]


def without(number, rows):
    """The rows without those of one day."""
    return [row for row in rows if row["event_time"].date() != day(number)]


def since(number, rows, hour=0):
    """The rows from an hour of a day on."""
    return [row for row in rows if row["event_time"] >= event(number, hour=hour)["event_time"]]


def test_a_source_that_keeps_its_newest_week_only_goes_on(home, spark, tables):
    home.load(events(50)).extract(50)
    home.load(since(50, events(57))).extract(57)
    rolling = home.activity(), home.features(57)
    for name in ("daily_activity", "features"):
        tables.drop(name)
    home.load(events(57)).extract(57)
    pd.testing.assert_frame_equal(rolling[0], home.activity())
    kept = rolling[1]["cutoff"].isin(home.features(57)["cutoff"].unique())
    pd.testing.assert_frame_equal(rolling[1][kept].reset_index(drop=True), home.features(57))


def test_the_first_day_of_a_source_may_be_cut_and_later_days_are_read_again(home):
    home.load(events(50)).extract(50)
    before, features = home.activity(), home.features(45)
    cut = since(45, events(50), hour=13)
    assert sum(row["event_time"].date() == day(45) for row in cut) == 3  # of 5
    home.load([*(row for row in cut if (row["event_time"].date(), row["user_id"]) != (day(47), "u1")), event(48, "u9")])
    home.extract(50)
    again = home.activity()
    changed = before["day"].isin([day(47), day(48)])
    same = ~again["day"].isin([day(47), day(48)])
    pd.testing.assert_frame_equal(again[same].reset_index(drop=True), before[~changed].reset_index(drop=True))
    assert "u1" not in set(again[again["day"] == day(47)]["user_id"])
    assert "u9" in set(again[again["day"] == day(48)]["user_id"])
    pd.testing.assert_frame_equal(home.features(45), features)  # older than what was read again


HALF = [row for row in events(57) if row["user_id"] in ("u0", "u1", "u2")]


@pytest.mark.parametrize(("as_of", "rows", "message"), [
    (50, HALF, f"{day(48)} had 4 and has 2; {day(49)} had 4 and has 2; all days compared had 126 and have 63\\. N"),
    (57, HALF, f"{day(49)} had 4 and has 2; all days compared had 126 and have 63\\. Nothing was written\\. Mend the"),
    (None, without(45, events(57)), f"before: {day(45)} had 5 and has 0; all days compared had 126 and have 121\\. N"),
    (50, [], f"{day(49)} had 4 and has 0; all days compared had 126 and have 0\\. Nothing"),
    (47, without(45, events(57)), f"before: {day(45)} had 5 and has 0; all days compared had 114 and have 109\\. N"),
])  # fmt: skip
def test_a_source_that_has_shrunk_is_refused_and_nothing_is_written(home, tables, as_of, rows, message):
    home.load(events(50)).extract(50)
    names = "daily_activity", "features"
    before = home.activity(), home.features(50), [home.last_write(name) for name in names]
    home.load(rows)
    for accepted in ("", str(day(49)), str(day(58))):
        with pytest.raises(SourceError, match=message):
            home.extract(as_of, accept_shrunk=accepted)
    pd.testing.assert_frame_equal(home.activity(), before[0])
    pd.testing.assert_frame_equal(home.features(50), before[1])
    assert [home.last_write(name) for name in names] == before[2]
    assert extraction.read_extraction(tables, home.config().question, None).cutoffs.as_of == day(50)


def test_a_source_that_is_to_be_smaller_is_accepted_for_one_day(home):
    home.load(events(50)).extract(50)
    home.load(HALF).extract(57, accept_shrunk=str(day(57)))
    recent = home.activity(f"day >= DATE '{day(20)}'")
    assert set(recent["user_id"]) == {"u0", "u1", "u2"}
    assert set(home.activity(f"day < DATE '{day(20)}'")["user_id"]) == {f"u{n}" for n in range(6)}
    before = home.last_write("daily_activity"), home.last_write("features")
    home.extract(57)  # again, and with nothing to accept any more
    assert (home.last_write("daily_activity"), home.last_write("features")) == before
    home.load(without(45, HALF))
    with pytest.raises(SourceError, match=f"{day(45)} had 2 and has 0; .* run with accept_shrunk={day(58)}, which"):
        home.extract(58, accept_shrunk=str(day(57)))  # left in a schedule


def test_a_day_that_lost_half_stays_as_it_was_read_until_it_is_mended_or_accepted_however_late(home, tables):
    """Twelve events of 25 are gone of one day: too few to stop the load, and more than corrections take."""
    whole = [event(n, f"u{user}", "view" if user else "buy") for n in range(94) for user in range(25)]
    broken = [row for row in whole if (row["event_time"].date(), row["user_id"] > "u2") != (day(45), False)]
    lost = len(whole) - len(broken)

    def said():
        rows = tables.query("SELECT * FROM {source_checks} ORDER BY as_of, kind DESC")
        return [(row.as_of, row.kind, row.had, row.has, row.needed) for row in rows.itertuples()]

    home.load(whole).extract(50)
    before = home.activity()
    told = f"{day(45)} had 25 events and has {25 - lost} now."
    assert told in home.load(broken).extract(57).summary
    assert said() == [(day(57), "told", 25, 25 - lost, 24)]
    later = home.extract(92).summary  # 47 days after it
    assert f"told before and neither mended nor accepted: events of {day(45)}. They are read" in later
    pd.testing.assert_frame_equal(home.activity(f"day < DATE '{day(50)}'"), before)
    assert "mended: " not in later
    assert f"mended: events of {day(45)} hold 25 now." in home.load(whole).extract(92).summary
    assert len(home.activity(f"day = DATE '{day(45)}'")) == 25
    assert said()[1:] == [(day(92), "mended", 25, 25, 24)]
    broken_again = [row for row in whole if (row["event_time"].date(), row["user_id"] > "u2") != (day(80), False)]
    home.load(broken_again).extract(93)
    home.extract(94, accept_shrunk=str(day(94)))
    assert len(home.activity(f"day = DATE '{day(80)}'")) == 25 - lost
    assert said()[2:] == [(day(93), "told", 25, 25 - lost, 24), (day(94), "accepted", 25, 25 - lost, 24)]


def test_days_of_an_undone_load_are_read_again_where_the_source_has_them_yet(home, tables):
    """A load of half of the users was taken, and no version from before is left."""
    home.load(HALF).extract(57)
    note_read_again(tables, day(20))
    home.load([row for row in events(64) if row["event_time"].date() >= day(20)])  # day 20 may be there in part
    with pytest.raises(
        SourceError, match=f"the days from {day(20)} on have to be read again, .* begin on {day(20)} by"
    ):
        home.extract(64)
    assert read_noted_again(tables) == day(20)
    assert home.load(events(64)).extract(64).cutoffs.as_of == day(64)
    assert read_noted_again(tables) is None
    recent = home.activity(f"day >= DATE '{day(20)}'")
    assert set(recent["user_id"]) == {f"u{n}" for n in range(6)}
    assert (recent["day"].min(), recent["day"].max()) == (day(20), day(63))
    before = home.last_write("daily_activity")
    home.extract(64)
    assert home.last_write("daily_activity") == before


def test_an_earlier_as_of_accepts_the_days_before_it_and_no_later_ones(home):
    home.load(events(57)).ingest(57)
    home.load(without(53, without(45, events(57)))).ingest(50, accept_shrunk=str(day(50)))
    assert {day(45), day(53)} - set(home.activity()["day"]) == {day(45)}
    with pytest.raises(SourceError, match=f"before: {day(53)} had 4 and has 0; all"):
        home.ingest(57)


def test_an_earlier_as_of_than_all_that_a_source_keeps_goes_on(home):
    home.load(events(57)).ingest(57)
    before = home.activity()
    home.load(since(51, events(57))).ingest(50)
    pd.testing.assert_frame_equal(home.activity(), before)


def test_unreadable_counts_are_told_before_they_count_as_a_loss(home):
    count = ", count int"
    home.load([event(n, count=3) for n in range(50)], count).ingest(50)
    frame = pd.DataFrame([event(n, count=None if n == 45 else 3) for n in range(50)]).astype({"count": "Int32"})
    home.load(frame, count)
    with pytest.raises(SourceError, match="values: count in 1 rows"):
        home.ingest(50)


def test_a_row_known_late_changes_no_cutoff_before_it_was_known(home):
    known = [row | {"known_at": row["event_time"]} for row in events(57)]
    kind = ", known_at timestamp"
    home.load([row for row in known if row["event_time"].date() < day(50)], kind).extract(50)
    before, activity = home.features(50), home.activity()
    late = event(30, "u9", "buy") | {"known_at": event(52)["event_time"]}
    home.load([*known, late], kind).extract(57)
    pd.testing.assert_frame_equal(home.features(50), before)
    pd.testing.assert_frame_equal(home.activity(f"known_day < DATE '{day(50)}'"), activity)
    assert set(home.features(57).query("user_id == 'u9'")["cutoff"]) == {day(57)}
    assert list(home.activity("user_id = 'u9'")["known_day"]) == [day(52)]


def test_a_row_whose_known_at_is_no_time_is_refused_and_nothing_is_read(home):
    text = ", known_at string"
    home.load([event(n, known_at=str(day(n))) for n in range(50)], text).ingest(50)
    before = home.activity()
    for known_at in (None, "soon"):
        home.load([*(event(n, known_at=str(day(n))) for n in range(50)), event(45, "u9", known_at=known_at)], text)
        with pytest.raises(
            SourceError,
            match=r"unreadable values: known_at in 1 rows, such as (nothing|'soon' \(wanted: .*\))\. Nothing",
        ):
            home.ingest(51)
    pd.testing.assert_frame_equal(home.activity(), before)


def test_each_column_with_unreadable_rows_is_counted(home):
    bad = [event(1) | {"user_id": None}, event(2) | {"user_id": None}, event(3) | {"event_time": pd.NaT}]
    home.load([*events(50), *bad])
    with pytest.raises(
        SourceError,
        match=r"event_time in 1 rows, such as nothing; user_id in 2 rows, such as nothing\. Nothing was read\. Mend",
    ):
        home.ingest(50)


def test_an_unreadable_row_of_the_future_is_not_yet_a_matter(home):
    home.load([*events(50), event(55) | {"user_id": None}])
    assert home.ingest(50) == day(50)


def test_a_late_row_without_a_count_is_refused(home):
    count = ", count int"
    rows = [event(n, count=1) for n in range(50) if n != 45]
    home.load(rows, count).ingest(50)
    frame = pd.DataFrame([*rows, event(45, count=None)]).astype({"count": "Int32"})
    home.load(frame, count)
    with pytest.raises(SourceError, match="count in 1 rows"):
        home.ingest(50)


def test_a_late_row_that_cannot_be_counted_is_refused_beside_good_ones_too(home):
    count = ", count int"
    rows = [event(n, count=3) for n in range(50)]
    home.load(rows, count).ingest(50)
    before = home.activity()
    for late in ([None], [-2, 2], [0], [1, None]):
        frame = pd.DataFrame([*rows, *(event(45, count=n) for n in late)]).astype({"count": "Int32"})
        home.load(frame, count)
        with pytest.raises(SourceError, match="values: count in 1 rows"):
            home.ingest(50)
    pd.testing.assert_frame_equal(home.activity(), before)


def test_a_value_too_large_for_a_feature_is_refused(home):
    home.load([*events(50), event(45, value=1e39), event(46, value=float("nan"))])
    with pytest.raises(SourceError, match="values: value in 1 rows"):
        home.ingest(50)
    home.load([*events(50), event(45, value=-9e29)])
    assert home.ingest(50) == day(50)


@pytest.mark.parametrize("as_of", [None, 50])
def test_times_that_no_date_can_name_are_told_or_lie_in_the_future(home, spark, as_of):
    home.load(events(50))
    for text, where in (("-0044-03-15", "early"), ("+55555-01-01", "late")):
        odd = f"SELECT 'u0', TIMESTAMP '{text}', 'view', 1.0D, 'i0'"
        spark.sql(f"SELECT * FROM log UNION ALL {odd}").createOrReplaceTempView(where)
    with pytest.raises(SourceError, match=r"values: event_time in 1 rows, such as '-0044-03-15 00:00:00' \(wanted: "):
        home.ingest(as_of, events="early")
    assert home.ingest(as_of, events="late") == day(49 if as_of is None else as_of)
    assert home.activity()["day"].min() == START


def test_days_are_counted_in_utc_whatever_the_session_s_zone(home, spark):
    home.load(events(50))
    zone = spark.conf.get("spark.sql.session.timeZone")
    try:
        spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        home.ingest(50)
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)
    expected = pd.Series([row["event_time"].date() for row in events(50)]).value_counts().sort_index()
    assert home.activity().groupby("day")["count"].sum().tolist() == expected.tolist()


def test_a_file_that_is_cut_off_or_differs_from_the_others_is_named(home, spark, tmp_path):
    home.load(events(50))
    rows = spark.table("log").toArrow()
    pq.write_table(rows, tmp_path / "a.parquet")
    for name, other in (("cut", rows), ("other", rows.set_column(1, "event_time", rows["event_type"]))):
        file = tmp_path / f"{name}.parquet"
        pq.write_table(other, file)
        if name == "cut":
            file.write_bytes(file.read_bytes()[:900])
        message = (
            rf"cannot be read: {file} is no whole Parquet file .* leave it out with a pattern\.$" if name == "cut"
            else r"event_time in [0-9]+ rows, such as 'view' in .*other\.parquet, row 1 \(wanted: "
        )  # fmt: skip
        with pytest.raises(SourceError, match=message):
            home.ingest(50, events=f"{tmp_path}/")
        file.unlink()


def test_a_blank_as_of_is_the_day_of_the_last_event(home):
    home.load(events(50))
    assert home.ingest() == day(49)
    assert home.activity()["day"].max() == day(48)
    before = home.last_write("daily_activity")
    assert home.ingest() == day(49)
    assert home.last_write("daily_activity") == before


def test_an_earlier_as_of_than_the_last_run_sees_only_its_own_past(home, spark, tables):
    home.load(events(57)).extract(57)
    home.extract(50)
    earlier = home.features(50)
    for name in ("daily_activity", "features"):
        tables.drop(name)
    home.load(events(50)).extract(50)
    fresh = home.features(50)
    wanted = set(fresh["cutoff"])
    kept = earlier[earlier["cutoff"].isin(wanted)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, fresh)


@pytest.mark.parametrize(("as_of", "changes", "message"), [
    (53, {}, f"The events end on {day(49)} and as_of is {day(53)}: 3 days are missing, at most 1 are usual. Wait for"),
    (60, {"max_source_gap_days": "9"}, f"{day(49)} and as_of is {day(60)}: 10 days are missing, at most 9 are usual"),
    (0, {}, f"The events 'log' hold nothing before as_of {day(0)}. Run with a later as_of, or load older events."),
])  # fmt: skip
def test_a_source_that_ends_too_early_or_begins_too_late_is_named_with_its_days(home, as_of, changes, message):
    home.load(events(50))
    with pytest.raises(SourceError, match=message):
        home.ingest(as_of, **changes)


def test_a_load_that_did_not_come_is_no_thin_week(home):
    home.load(events(50) * 3)  # enough a week to be held against the weeks before
    with pytest.raises(SourceError, match=f"The events end on {day(49)} and as_of is {day(60)}: 10 days are missing"):
        home.ingest(60)
    with pytest.raises(SourceError, match=f"all events from {day(53)} to {day(59)} are 0; usual is "):
        home.ingest(60, max_source_gap_days="20")
    accepted = home.ingested(60, max_source_gap_days="20", accept_shrunk=str(day(60))).remarks
    assert accepted[0].message.startswith("accepted for")


def test_a_newest_week_of_other_users_or_with_rows_twice_is_refused_and_nothing_is_written(home):
    whole = [event(n, f"u{user}", "view" if user % 2 else "buy") for n in range(77) for user in range(20)]
    newest = [row for row in whole if row["event_time"].date() >= day(70)]
    renamed = [*whole[: -len(newest)], *(row | {"user_id": f"x{row['user_id']}"} for row in newest)]
    home.load(whole).ingest(70)
    before = home.last_write("daily_activity")
    for rows, message in (
        (renamed, f"are of other users: from {day(70)} to {day(76)} 0 of 140 are of users who were there in the four"),
        ([*whole, *newest], f"are there twice: from {day(70)} to {day(76)} 0% of the numbers of a user's events"),
    ):
        with pytest.raises(SourceError, match=message):
            home.load(rows).ingest(77)
    assert home.last_write("daily_activity") == before
    assert home.load(whole).ingest(77) == day(77)


def test_rows_that_are_left_out_make_no_week_whole(home):
    whole = events(50) * 3
    gone = [row | {"user_id": None} if row["event_time"].date() >= day(43) else row for row in whole]
    home.load(gone)
    with pytest.raises(SourceError, match=f"all events from {day(43)} to {day(49)} are 0; usual is "):
        home.ingest(50, max_bad_rows="1", max_source_gap_days="20")


def test_nothing_is_read_from_a_source_that_ends_too_early(home):
    home.load(events(50)).ingest(50)
    before = home.activity(), home.last_write("daily_activity")
    home.load([*events(52), event(40, "u9")])
    with pytest.raises(SourceError, match=f"end on {day(51)} and as_of is {day(60)}: 8 days are missing, at most 1"):
        home.ingest(60)
    pd.testing.assert_frame_equal(home.activity(), before[0])
    assert home.last_write("daily_activity") == before[1]
    home.ingest(52)
    assert set(home.activity(f"day >= DATE '{day(50)}' OR user_id = 'u9'")["day"]) == {day(40), day(50), day(51)}


def test_how_fresh_a_source_was_is_told_by_what_was_known_then(home, tables):
    known = ", known_at timestamp"
    late = event(48, known_at=event(55)["event_time"])
    rows = [row | {"known_at": row["event_time"]} for row in events(60) if row["event_time"].date() < day(41)]
    rows += [row | {"known_at": row["event_time"]} for row in events(60) if row["event_time"].date() >= day(50)]
    home.load([*rows, late], known).ingest(57, max_source_gap_days="9")
    with pytest.raises(SourceError, match=f"end on {day(40)} and as_of is {day(50)}: 9 days are missing, at most 3"):
        home.ingest(50, max_source_gap_days="3")


def test_as_much_delay_as_is_allowed_is_no_error(home):
    home.load([row for row in events(50) if row["event_time"].date() not in (day(20), day(21))])
    assert home.ingest(53) == day(53)  # three days: the log has been quiet as long before
    assert home.ingest(60, max_source_gap_days="10") == day(60)


@pytest.mark.parametrize("as_of", [None, 50])
def test_an_empty_source_is_named(home, as_of):
    home.load([])
    with pytest.raises(SourceError, match=r"The events (are empty, or none has|'log' hold nothing before as_of)"):
        home.ingest(as_of)
    home.load(events(50))
    assert home.ingest(50) == day(50)  # and does not stand in the way of the next run


def test_another_source_or_one_that_lost_a_column_is_refused(home, spark, tables):
    home.load(events(50)).ingest(50)
    spark.table("log").createOrReplaceTempView("other_log")
    with pytest.raises(SourceError, match=f"of schema {tables.schema} were read from 'log', this run asks for 'other"):
        home.ingest(50, events="other_log")
    spark.table("log").drop("item_id").createOrReplaceTempView("log")
    with pytest.raises(SourceError, match=r"a column for item_id before and have none now\. Found: user_id string, e"):
        home.ingest(50)


@pytest.mark.parametrize(("gained", "kind", "value"), [
    ("known_at", "timestamp", "event_time"), ("count", "int", "3"), ("value", "double", "2.5"),
])  # fmt: skip
def test_a_source_that_gained_a_column_reads_again_from_the_first_day_that_has_it(home, spark, gained, kind, value):
    home.load(events(57))
    spark.table("log").drop("value").createOrReplaceTempView("log")
    home.ingest(50)
    before = home.activity()
    new = f"CASE WHEN event_time >= DATE'{day(45)}' THEN CAST({value} AS {kind}) END AS {gained}"
    spark.table("log").selectExpr("*", new).createOrReplaceTempView("log")
    (note,) = home.ingested(57).notes
    assert note == f"the events have a column for {gained} since {day(45)}; days from then on were read again."
    early = f"day < DATE '{day(45)}'"
    pd.testing.assert_frame_equal(home.activity(early), before[before["day"] < day(45)].reset_index(drop=True))
    late, plain = home.activity(f"NOT ({early})"), before[before["day"] >= day(45)]
    assert len(late) > len(plain)
    assert set(late["day"]) == {day(n) for n in range(45, 57)}
    if gained == "count":
        assert (late["count"] % 3 == 0).all()
    if gained == "value":
        assert (late["value"] == 2.5 * late["count"]).all()
    assert home.ingested(57).notes == ()


def test_at_a_first_reading_a_column_that_came_later_is_what_it_would_have_been(home, spark):
    home.load(events(50))
    new = f"CASE WHEN event_time >= DATE'{day(20)}' THEN 2 END AS count"
    spark.table("log").selectExpr("*", new).createOrReplaceTempView("log")
    home.ingest(50)
    plain = pd.DataFrame(events(50)).assign(day=lambda f: f["event_time"].dt.date).groupby("day").size()
    assert dict(home.activity().groupby("day")["count"].sum()) == {
        when: n * (2 if when >= day(20) else 1) for when, n in plain.items()
    }


def test_no_stage_works_on_what_an_extraction_that_was_cut_off_has_left(home, tables, monkeypatch):
    home.load(events(57)).extract(50)
    question = home.config().question
    assert extraction.read_extraction(tables, question, None).cutoffs.as_of == day(50)
    home.load([*events(57), event(45, "u9")])
    home.ingest(50)  # features of later cutoffs are gone, and not yet made anew
    with pytest.raises(NotEnoughHistory, match="No features have been extracted in this schema"):
        extraction.read_extraction(tables, question, None)
    home.extract(50)
    assert extraction.read_extraction(tables, question, None).cutoffs.as_of == day(50)


@ON_DELTA
def test_what_was_read_is_noted_once_and_again_only_where_the_note_is_missing(home, spark, tables):
    name = tables.full_name("daily_activity")

    def commits():
        return [row.operation for row in spark.sql(f"DESCRIBE HISTORY {name}").collect()]

    home.load(events(57)).ingest(50)
    assert commits()[0] == "SET TBLPROPERTIES"
    before = len(commits())
    home.ingest(57)
    assert len(commits()) == before + 1
    spark.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('propensity.source')")  # as if a run had been killed before it
    home.ingest(57)
    spark.table("log").createOrReplaceTempView("other_log")
    with pytest.raises(SourceError, match="were read from 'log', this run asks for 'other_log'"):
        home.ingest(57, events="other_log")


def test_an_action_that_nobody_did_is_named_with_the_nearest_one(home):
    home.load(events(50))
    with pytest.raises(SourceError, match=f"done 'bye' before {day(50)}. Did you mean 'buy'\\? Set .*: buy, view"):
        home.extract(50, action="bye")


def test_a_new_event_type_widens_the_features_and_is_0_before(home, tables):
    home.load(events(57)).extract(50)
    assert "share__events_7" not in home.features(50)
    home.load([*events(57), event(52, "u0", "share")]).extract(57)
    features = home.features(57)
    assert features.query("share__events_7 > 0")[["user_id", "cutoff"]].values.tolist() == [["u0", day(57)]]
    older = features[features["cutoff"] < day(57)]
    assert older["share__events_7"].isna().all()  # the cutoff did not know the type; whoever reads it takes 0


SECRET = "k" * 32


@pytest.fixture
def forget(tables):
    """Lists users as forgotten on a day of the log, and takes them out of what is stored."""

    def forget(*users, number=50):
        rows = [
            {"digest": make_digest(user, SECRET), "forgotten_on": day(number), "shown_on": day(number)}
            for user in users
        ]
        tables.append("forgotten", pd.DataFrame(rows))
        tables.set_property("forgotten", CHECK, make_digest("", SECRET))
        for user in users:
            if tables.exists("daily_activity"):
                tables.delete("daily_activity", f"user_id = '{user}'")

    return forget


def test_who_was_forgotten_comes_back_by_no_load_and_changes_no_day(home, tables, forget):
    """Also not with late rows, nor as the only one with an event of a new type, and alike ids are others."""
    rows = [*events(60), *(event(n, "u0 ", "buy") for n in range(60)), *(event(n, "U0") for n in range(60))]
    home.load(rows).ingest(50)
    forget("u0")
    version = home.last_write("daily_activity")
    home.ingest(50, forgotten_key=SECRET)
    assert home.last_write("daily_activity") == version  # no day has changed
    home.load([*rows, event(45, "u0"), event(46, "u0", "alone")]).ingest(57, forgotten_key=SECRET)
    stored = home.activity()
    others = [row for row in rows if row["user_id"] != "u0" and row["event_time"].date() < day(57)]
    assert set(stored["user_id"]) == {"u1", "u2", "u3", "u4", "u5", "u0 ", "U0"}
    assert stored["count"].sum() == len(others)
    assert tables.query("SELECT shown_on FROM {forgotten}")["shown_on"].tolist() == [day(57)]


def test_a_first_reading_counts_nothing_of_theirs_broken_rows_neither(home, forget):
    forget("u0", "nobody")
    home.load([*events(60), event(70, "u0"), event(3, "u0", None)])
    assert home.ingest(forgotten_key=SECRET) == day(59)
    assert set(home.activity()["user_id"]) == {"u1", "u2", "u3", "u4", "u5"}


def test_without_the_key_nothing_is_read(home, tables, forget):
    forget("u0")
    with pytest.raises(SourceError, match="and the key of their list is not there: a load would bring them back"):
        home.load(events(60)).ingest(50)
    assert not tables.exists("daily_activity")


def test_who_is_not_in_the_source_any_more_is_named_and_nothing_is_written(home, tables):
    """Where the source keeps its newest days only, whoever came before them is not missing for certain."""
    late = [event(n, "late") for n in range(40, 60)]
    home.load([*events(60), *late]).ingest(60)
    version = home.last_write("daily_activity")
    rest = [row for row in events(61) if row["user_id"] != "u3"]
    assert find_missing(home.load(rest).config(), tables) == Missing(("late", "u3"), 7)
    rolled = [row for row in events(61) if row["event_time"].date() >= day(40)]
    with pytest.raises(SourceError, match=f"begin on {day(40)}, and 1 of the 1 users who are not in them were"):
        find_missing(home.load(rolled).config(), tables)  # late came on the first day left, of which a part may be gone
    assert find_missing(home.load([*rolled, event(39)]).config(), tables) == Missing(("late",), 7)
    with pytest.raises(SourceError, match="hold fewer than were read before"):
        find_missing(home.load(events(20) + events(61)[-20:]).config(), tables)
    assert home.last_write("daily_activity") == version
