"""What `look` counts with DuckDB is what Spark reads, file by file; and what it proposes runs."""

import bz2
import gzip
import json
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.config.events import Events
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError, SourceError
from lib.features.source import Reading, standardise, sum_by_day
from lib.looking.format import format_look
from lib.looking.look import format_command, look
from lib.sources.opening import open_source
from tests.builders.runs import asked

ROWS = pd.DataFrame({
    "user_id": ["7", "8", "müller", "7"],
    "event_time": ["2024-06-01 23:59:59", "2024-06-02", "2024-06-02T00:30:00Z", "2024-06-02 01:00:00+02:00"],
    "event_type": ["view", "buy, now", "view", "view"], "value": [None, "12.50", "1e3", None],
    "item_id": ["a\nb", '5" pipe', None, ""],
})  # fmt: skip
CSV = ROWS.to_csv(index=False)


BROKEN = "9,2024-06-01 10:00 BST,view,1,x\n9,2024-06-01,view,NaN,x\n,2024-06-01,view,,\n"


TIMES = [
    "2024-06-01T10:00Z",
    "2024-06-01 10:00+02:00",
    "2024-06-01T23:30 -0500",
    "2024-06-01 10:00 Europe/Berlin",
    "2024-06-01 10:00:00 +02:00",
    "2024-06-01 23:00:00 -0500",
    "2024-06-01 00:00:00.0000000 +00:00",
    "2024-06-01T10",
    "2024-6-1 3",
    " 2024-06-01\t",
    "2024-06-01 23:59:59.999999999",
    "2024-06-01 10:00:00UTC+2:30",
    "2024-06-01 10:00:00+2",
    "2024-06-01 24:00:00",
    "2024-06-01  10:00",
    "2024-06-01 10:00:00+18:01",
    "2024-06-01 10:00:00+02:60",
    "2024-06-01 10:",
    "2024-06-01 10:00:",
    "2024-06-01 10:00:60",
    "2024-06-01T",
    "2024-06-01T10Z",
    "2024-06-01 10:00:00 europe/berlin",
    "2024-06-01 10:00:00 BST",
    "2024-06-01 010:00",
    "2024-02-30",
    "10:00",
    "2024-06-01 10:00:00 -05:00:30",
    "+2024-06-01",
]
TIMED = "user_id,event_time,event_type\n" + "".join(f"u{n},{time},x\n" for n, time in enumerate(TIMES))


WIDE = """user,day,views,favourites,Sale value
7,2024-06-01,3,,1
7,2024-06-02,0,1,0
8,2024-06-01,2.0,x,
9,2024-06-01,-1,0,2.5
,2024-06-01,5,,
"""
SAID_WIDE = {"event_unpivot": "view=views,favourites,`big, sale`=Sale value",
             "event_columns": "user_id=user,event_time=day"}  # fmt: skip


def files(folder):
    """One log in many forms: the path, and what is said of it."""
    forms = {
        "plain.csv": (CSV.encode(), {}), "packed.csv.gz": (gzip.compress(CSV.encode()), {}),
        "wide.csv": (CSV.encode("utf-16"), {}),
        "crlf.csv": (CSV.replace("a\nb", "ab").replace("\n", "\r\n").encode(), {}),
        "western.csv": (CSV.encode("cp1252"), {"event_options": "encoding=cp1252"}),
        "semicolon.csv": (ROWS.to_csv(index=False, sep=";").encode(), {}),
        "tabs.TSV": (ROWS.to_csv(index=False, sep="\t").encode(), {}),
        "headless.csv": (ROWS.to_csv(index=False, header=False).encode(),
                         {"event_options": f"header=false,names='{','.join(ROWS)}'"}),
        "lines.jsonl": ("\n".join(json.dumps(row) for row in ROWS.to_dict("records")).encode(), {}),
        "list.json": (json.dumps(ROWS.where(ROWS.notna(), None).to_dict("records")).encode(), {}),
        "renamed.csv": (CSV.replace("user_id,event_time", "Customer ID,ts").encode(),
                        {"event_columns": "user_id=Customer ID,event_time=ts"}),
        "where.csv": (CSV.encode(), {"event_where": "event_type <> 'view'"}),
        "berlin.csv": (CSV.encode(), {"time_zone": "Europe/Berlin"}),
        "key.csv": (CSV.encode(), {"event_key": "user_id"}),
        "broken.csv": ((CSV + BROKEN).encode(), {}),
        "times.csv": (TIMED.encode(), {}), "times there.csv": (TIMED.encode(), {"time_zone": "Pacific/Auckland"}),
        "a column each.csv": (WIDE.encode(), SAID_WIDE),
        "some of them.csv": (WIDE.encode(), SAID_WIDE | {"event_where": "to_int(favourites) = 1"}),
        "surely doubled.csv": ((CSV + '9,2024-06-01,"C:\\",2,\n9,2024-06-01,"say ""\\"" x",1,\n').encode(), {}),
        "once each.csv": ((WIDE + "7,2024-06-01,3,,1\n").encode(), SAID_WIDE | {"event_key": "user,day"}),
    }  # fmt: skip
    for name, (content, said) in forms.items():
        (folder / name).write_bytes(content)
        yield folder / name, said
    (folder / "bz.csv.bz2").write_bytes(bz2.compress(b"x"))
    pq.write_table(pa.Table.from_pandas(ROWS), folder / "log.parquet")
    yield folder / "log.parquet", {}


def config(events, **said):
    texts = {"events": str(events), **said}
    return Events.from_widgets(lambda name: texts.get(name, ""))


def by_spark(spark, events, said):
    extract = asked(ExtractConfig, events=events, **said)
    reading = Reading.of(extract, extract.time_zone)
    frame = standardise(open_source(spark, str(events), extract.event_options), reading).toPandas()
    if reading.key:
        frame = frame.assign(key=frame["key"].map(str)).sort_values("known_time").drop_duplicates("key")
    sound = frame[frame["broken"].isna()]
    return (
        dict(sound.groupby("day")["count"].sum()), sound["user_id"].nunique(),
        dict(sound.groupby("event_type")["count"].sum()), sound["value"].sum(), dict(frame.groupby("broken").size()),
    )  # fmt: skip


def test_both_engines_read_the_same_of_every_form(spark, tmp_path):
    for events, said in files(tmp_path):
        seen = look(config(events, **said), None).measures
        kinds = {kind.name: kind.events for kind in seen.kinds}
        unusable = {one.column: one.rows for one in seen.unusable}
        total = seen.values.total if seen.values else 0
        assert (seen.days, seen.users.number, kinds, total, unusable) == by_spark(spark, events, said), events.name


ZONES = ("America/Sao_Paulo", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata", "UTC")


def test_days_are_those_of_a_zone_across_two_clock_changes(spark, tmp_path):
    """Hour by hour through a winter, in which each zone that changes its clock does so twice; at midnight in one."""
    moments = pd.date_range("2018-09-01", "2019-05-01", freq="h", tz="UTC") + pd.Timedelta(minutes=30)
    lengths = {}
    for zone in ZONES:
        shown = moments.tz_convert(zone)
        written = [f"{one:%Y-%m-%d %H:%M:%S%z}" for one in moments], [f"{one:%Y-%m-%d %H:%M:%S}" for one in shown]
        rows = [("u", text, kind) for kind, texts in zip(("offset", "clock"), written, strict=True) for text in texts]
        file = tmp_path / f"{zone.replace('/', ' ')}.csv"
        pd.DataFrame(rows, columns=["user_id", "event_time", "event_type"]).to_csv(file, index=False)
        days = pd.Series(shown.date).value_counts()
        assert look(config(file, time_zone=zone), None).measures.days == {day: 2 * n for day, n in days.items()}
        extract = asked(ExtractConfig, events=file, time_zone=zone)
        daily = sum_by_day(standardise(open_source(spark, str(file)), Reading.of(extract, zone))).toPandas()
        for kind in ("offset", "clock"):
            counts = daily[daily["event_type"] == kind].set_index("day")["count"]
            assert counts.to_dict() == days.to_dict(), (zone, kind)
        weeks = [counts[[day + timedelta(days=n) for n in range(7)]].sum() for day in sorted(days.index)[1:-8]]
        lengths[zone] = sorted(set(weeks))  # of windows of seven days, in hours
    assert [lengths[zone] for zone in ZONES] == [[167, 168, 169]] * 3 + [[168]] * 2


def test_wide_rows_are_counts_of_every_behaviour(spark, tmp_path):
    (tmp_path / "1.csv").write_text(WIDE)
    (tmp_path / "2.csv").write_text("user,day,views,Sale value,value\n7,2024-06-03,0,2,99\n")  # a column fewer
    frame = standardise(
        open_source(spark, str(tmp_path)), Reading.of(asked(ExtractConfig, events=tmp_path, **SAID_WIDE), "UTC")
    ).toPandas()
    rows = frame.sort_values(["user_id", "day", "event_type"], na_position="first")
    shown = rows[["user_id", "event_type", "count", "broken", "found"]].astype(object).where(rows.notna(), None)
    assert [tuple(row) for row in shown.itertuples(index=False)] == [
        (None, "view", 5, "user_id", "nothing"),
        ("7", "big, sale", 1, None, None), ("7", "view", 3, None, None), ("7", "favourites", 1, None, None),
        ("7", "big, sale", 2, None, None),
        ("8", "favourites", None, "count", "favourites x"), ("8", "view", 2, None, None),
        ("9", "big, sale", None, "count", "big, sale 2.5"), ("9", "view", None, "count", "view -1"),
    ]  # fmt: skip
    assert rows["value"].isna().all()


@pytest.mark.parametrize("columns", [
    "event_time=ts,value=revenue,item_id=sku", "event_time=ts,value=to_number(revenue),item_id=upper(sku)",
    "event_time=ts,value=revenue,item_id=CASE WHEN sku IS NULL THEN sku ELSE user_id END",
])  # fmt: skip
def test_both_engines_map_a_column_that_came_later_where_it_is(spark, tmp_path, columns):
    (tmp_path / "1.csv").write_text("user_id,ts,event_type\n7,2024-06-01,view\n8,2024-06-02,view\n")
    (tmp_path / "2.csv").write_text("user_id,ts,event_type,revenue,sku\n7,2024-06-03,buy,9.90,a\n9,2024-06-03,buy,x,\n")
    said = {"event_columns": columns}
    seen = look(config(tmp_path, **said), None).measures
    assert (seen.values.total, seen.nulls, {one.column: one.example for one in seen.unusable}) == (
        9.9, {"value": 2, "item_id": 2}, {"value": "x"}
    )  # fmt: skip
    extract = asked(ExtractConfig, events=tmp_path, **said)
    frame = standardise(open_source(spark, str(tmp_path)), Reading.of(extract, extract.time_zone)).toPandas()
    assert sorted(map(str, frame["value"])) == ["9.9", "nan", "nan", "nan"]
    assert sorted(map(str, frame["broken"])) == ["None", "None", "None", "value"]
    assert frame["has_item_id"].sum() == 1


@pytest.mark.parametrize(("columns", "message"), [
    ("value=revenue", "The events have no column 'revenue' for value in .*1.csv. Found: "),
    ("value=to_number(revenue)", "event_columns: value: cannot read .*the events have no column 'revenue'"),
    ("value=sku,item_id=to_number(sku)=2", "Column 'to_number.sku.=2' of the events must be .* to serve as item_id"),
])  # fmt: skip
def test_both_engines_refuse_what_no_part_has_and_what_cannot_serve(spark, tmp_path, columns, message):
    (tmp_path / "1.csv").write_text("user_id,event_time,event_type\n7,2024-06-01,view\n")
    (tmp_path / "2.csv").write_text("user_id,event_time,event_type,sku\n7,2024-06-03,buy,a\n")
    with pytest.raises((SourceError, ConfigError), match=message):
        look(config(tmp_path, event_columns=columns), None)
    extract = asked(ExtractConfig, events=tmp_path, event_columns=columns)
    with pytest.raises((SourceError, ConfigError), match=message):
        standardise(open_source(spark, str(tmp_path)), Reading.of(extract, extract.time_zone))


@pytest.fixture
def unknown(tmp_path):
    """A log whose columns have other names, and some rows without an id."""
    days = pd.date_range("2024-01-01", periods=150)
    rows = [
        (None if n % 250 == 0 else f"c{n % 40}", f"{day:%Y-%m-%d} 10:00:00+02:00", "view" if n % 7 else "order",
         "" if n % 7 else "9.90", f"s{n}")
        for n, day in enumerate(days.repeat(20))
    ]  # fmt: skip
    names = ["customer_id", "ts", "event_name", "revenue", "sku"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "shop.csv", index=False)
    return tmp_path / "shop.csv"


def test_an_unknown_file_is_read_by_what_its_columns_are_called(unknown):
    seen = look(config(unknown), date(2024, 6, 30))
    assert seen.columns == {
        "user_id": "customer_id", "event_time": "ts", "event_type": "event_name", "value": "revenue", "item_id": "sku",
    }  # fmt: skip
    assert format_command(seen, {}) == (
        f"./propensity run --home .home-of-my-log --param events={unknown} --param event_columns=user_id=customer_id,"
        "event_time=ts,event_type=event_name,value=revenue,item_id=sku --param action=order --param horizon_days=28 "
        "--param max_bad_rows=0.004"
    )
    text = "\n".join(format_look(seen, {}))
    for line in (
        "Read as: user_id = customer_id, event_time = ts,",
        "2,988 events in 2,988 rows, of 40 users; half of them have 75 or more",
        "value: 4,227.30 in all, 9.9 to 9.9, half of them 9.9 or more; none in 2,561 rows",
        "2024-01-01 to 2024-05-29, 150 days with events; the longest gap is 1 days. A blank as_of is 2024-05-29.",
        "! user_id cannot be used in 12 rows, such as 'nothing'", "Few do 'order': a verdict will say that it",
    ):  # fmt: skip
        assert line in text


@pytest.mark.parametrize(("values", "form"), [
    (["1704067200000"], "timestamp_millis(to_int(ts))"), (["1704067200"], "timestamp_seconds(to_int(ts))"),
    (["1704067200000000"], "timestamp_micros(to_int(ts))"),
    (["01.06.2024 10:00"], "parse_time(ts, 'dd.MM.yyyy HH:mm')"),
    (["6/1/2024 9:05", "6/13/2024 10:00"], "parse_time(ts, 'M/d/yyyy H:mm')"),
    (["13/6/2024", "1/6/2024"], "parse_time(ts, 'd/M/yyyy')"), (["2024-06-01"], "ts"),
])  # fmt: skip
def test_how_times_are_written_is_seen(tmp_path, values, form):
    pd.DataFrame({"uid": "u", "ts": values, "event": "x"}).to_csv(tmp_path / "log.csv", index=False)
    seen = look(config(tmp_path / "log.csv"), None)
    assert seen.columns["event_time"] == form
    assert sum(seen.measures.days.values()) == len(values)


def test_what_is_odd_is_said(tmp_path):
    rows = [f"{user},2024-06-{day:02},view\n" for day in range(1, 29) for user in ("nan", "7", "7.0", "7", "8")]
    (tmp_path / "log.csv").write_text("user_id,event_time,event_type\n" + "".join(rows) + "9,2037-01-01,view\n")
    text = "\n".join(format_look(look(config(tmp_path / "log.csv"), date(2024, 6, 28)), {}))
    for line in (
        "! 28 rows are of one user 'nan': tools write so that there is none",
        "! '7.0' stands beside '7': one user under two ids",
        "! 28 rows repeat another in everything: real, or copies (see event_key)",
        "! 1 events lie behind 2024-06-28, the last day of the log, as far as 2037-01-01",
    ):  # fmt: skip
        assert line in text


HEADER = b"user_id,event_time,event_type\n"


@pytest.mark.parametrize(("name", "content", "message"), [
    ("log.csv", HEADER + b'"x"y,2024-06-01,a\n', r"log\.csv.* Say how it is written with event_options\."),
    ("log.csv", HEADER + b"m\xfcller,2024-06-01,a\n", r"log\.csv is not UTF-8, .*event_options=encoding=cp1252"),
    ("log.csv", b"event_time,event_type\n2024-06-01,x\n", r"no column 'user_id' for user_id in .*log\.csv\. Found: "),
    ("log.xlsx", b"PK", r"log\.xlsx is of no known format"),
])  # fmt: skip
def test_what_a_run_would_refuse_is_refused_here(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        look(config(tmp_path / name), None)


NUL, SAID = "user_id,event_time,event_type\n7,2024-06-01,a\0b\n", "user_id,event_time,event_type\n"
TEXTS = [
    (NUL.encode(), "holds bytes that no text has. If it is UTF-16"),
    (NUL.encode("utf-16"), "holds bytes that no text has. Write it without the character 0, as utf-16 has it."),
    ((SAID + '7,2024-06-01,"5\\" disc, red"\n').encode(), 'in 1 lines of .* such as 7,2024-06-01,"5'),
    ((SAID + '7,2024-06-01,"a\nb"\n8,2024-06-01,"5\\" disc"\n').encode(), "in 1 lines of .* event_options=escape="),
]


NAMES = ["a character 0", "one in UTF-16", "a backslash", "a backslash beside line breaks"]


@pytest.mark.parametrize(("content", "message"), TEXTS, ids=NAMES)
def test_both_engines_refuse_a_text_that_can_be_read_in_two_ways_or_is_none(spark, tmp_path, content, message):
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(SourceError, match=message) as here:
        look(config(tmp_path / "log.csv"), None)
    with pytest.raises(SourceError) as there:
        open_source(spark, str(tmp_path / "log.csv"))
    assert str(here.value) == str(there.value)


def test_a_folder_of_delta_is_not_looked_at(tmp_path):
    (tmp_path / "_delta_log").mkdir()
    with pytest.raises(SourceError, match="are no file that can be looked at here"):
        look(config(tmp_path), None)
