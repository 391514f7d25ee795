"""Where events may come from: a table, a Delta folder, Parquet or CSV files; what is unreadable is told in one line."""

import re
import shutil

import pyarrow.parquet as pq
import pytest

from lib.errors import SourceError
from lib.looking.relations import connect, open_rows
from lib.sources.options import Options
from tests.builders.sources import opened
from tests.fakes.near_tables import ON_DELTA

WAYS_OUT = "Set events to a table name, a Delta folder, or CSV, JSON lines or Parquet files."


@pytest.fixture
def two(spark):
    """Two events, one user's id with leading zeros."""
    rows = "('007', DATE'2024-06-01'), ('8', DATE'2024-06-02')"
    return spark.sql(f"SELECT * FROM VALUES {rows} AS t(user_id, event_time)")


def ids(frame):
    return sorted(row.user_id for row in frame.collect())


@pytest.mark.parametrize("kind", ["parquet", "delta", "csv"])
def test_a_folder_is_read_by_what_it_holds(tables, two, tmp_path, kind):
    folder = str(tmp_path / "events")
    two.write.format(kind).option("header", "true").save(folder)
    assert ids(opened(tables.spark, folder)) == ["007", "8"]


def test_one_file_is_read_too(tables, two, tmp_path):
    pq.write_table(two.toArrow(), tmp_path / "events.parquet")
    (tmp_path / "events.csv").write_text("user_id,event_time\n007,2024-06-01\n8,2024-06-02\n")
    assert ids(opened(tables.spark, str(tmp_path / "events.parquet"))) == ["007", "8"]
    csv = opened(tables.spark, str(tmp_path / "events.csv"))
    assert (ids(csv), dict(csv.dtypes)) == (["007", "8"], {"user_id": "string", "event_time": "string"})


@pytest.mark.parametrize("events", ["{}", "{}/*", "{}/shop", "{}/shop/*.parquet", "{}/shop/day=2024-06-01", "{}/s?op"])
def test_files_of_a_delta_table_are_not_read_without_its_log(tables, two, tmp_path, events):
    two.selectExpr("*", "event_time AS day").write.format("delta").partitionBy("day").save(str(tmp_path / "a" / "shop"))
    two.write.parquet(str(tmp_path / "a" / "others"))
    tables.spark.sql(f"DELETE FROM delta.`{tmp_path}/a/shop` WHERE user_id = '8'")
    place = events.format(tmp_path / "a")
    if events == "{}/shop":
        assert ids(opened(tables.spark, place)) == ["007"]
        return
    if events == "{}/shop/*.parquet":
        for part in (tmp_path / "a" / "shop").glob("day=*/*.parquet"):
            shutil.copy(part, tmp_path / "a" / "shop")
    message = (
        rf"^The events '{re.escape(place)}' are files of a Delta table, {tmp_path}/a/shop\. They alone also hold what "
        r"was deleted from it\. Name the table, or the whole folder of a Delta table and nothing else\.$"
    )
    with pytest.raises(SourceError, match=message):
        opened(tables.spark, place)
    with pytest.raises(SourceError, match="are no file that can be looked at here"):
        open_rows(connect(), place, Options())


def test_files_of_a_hudi_table_are_not_read_without_its_log(tables, two, tmp_path):
    two.write.parquet(str(tmp_path / "shop"))
    assert ids(opened(tables.spark, tmp_path / "shop")) == ["007", "8"]
    (tmp_path / "shop" / ".hoodie").mkdir()
    (tmp_path / "shop" / ".hoodie" / "hoodie.properties").write_text("hoodie.table.name=shop")
    with pytest.raises(SourceError, match=rf"are files of a Hudi table, {tmp_path}/shop\. They alone also hold"):
        opened(tables.spark, tmp_path / "shop")


@pytest.mark.parametrize("kind", ["parquet", "delta", "csv"])
@pytest.mark.parametrize("name", ["a,b/c,d", "x [1]", "y {2}", "what*", "a%20b"])
def test_a_name_that_looks_like_a_pattern_or_several_places_is_one_where_it_is_there(tables, two, tmp_path, kind, name):
    two.write.format(kind).option("header", "true").save(str(tmp_path / "draft"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / "draft").rename(tmp_path / name)
    assert ids(opened(tables.spark, tmp_path / name)) == ["007", "8"]


@ON_DELTA
def test_a_table_is_read_by_its_name(tables, two):
    two.write.saveAsTable(f"{tables.schema}.their_events")
    assert ids(opened(tables.spark, f"{tables.schema}.their_events")) == ["007", "8"]


@pytest.mark.parametrize(("name", "reason"), [
    ("gone.parquet", "Path does not exist"), ("gone.csv", "Path does not exist"), ("gone", "Path does not exist"),
    ("empty", "no file there holds anything"), ("_draft.csv", "no file there holds anything"), ("bad", "bad"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_clear_line(tables, tmp_path, name, reason):
    (tmp_path / "empty").mkdir()
    (tmp_path / "_draft.csv").write_text("user_id")
    (tmp_path / "bad" / "_delta_log").mkdir(parents=True)
    (tmp_path / "bad" / "_delta_log" / f"{0:020}.json").write_text("no json")
    with pytest.raises(SourceError) as caught:
        opened(tables.spark, str(tmp_path / name))
    told = str(caught.value)
    assert told.startswith(f"The events {str(tmp_path / name)!r} cannot be read: ")
    assert told.endswith(WAYS_OUT)
    assert reason in told
    assert not any(word in told for word in ("\n", "Traceback", "at org.", "SQLSTATE", "stacktrace", "["))


def test_a_table_that_is_not_there_is_named(tables):
    with pytest.raises(SourceError, match=r"'shop\.nothing' cannot be read: .*`shop`\.`nothing` cannot be found.*Set"):
        opened(tables.spark, "shop.nothing")


def test_two_stars_are_refused(tables, tmp_path):
    with pytest.raises(SourceError, match=rf"cannot be listed: \*\* is one folder .* Name the folder, {tmp_path}, of"):
        opened(tables.spark, f"{tmp_path}/**/*.parquet")


def test_a_file_that_is_no_parquet_is_named(tables, tmp_path):
    (tmp_path / "bad.parquet").write_text("no parquet at all")
    message = (
        r"'.*' cannot be read: /.*/bad\.parquet is no whole Parquet file \(.*\)\. Write it anew, or leave it out with"
    )
    with pytest.raises(SourceError, match=message):
        opened(tables.spark, tmp_path / "bad.parquet")
