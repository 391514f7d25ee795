"""What DeltaTables makes of what Spark answers, without a Spark: names in SQL, and versions that are gone."""

from contextlib import suppress
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException

from lib.tables import delta
from lib.tables.contracts import AUDIENCE, CONTRACTS
from lib.tables.delta import KEPT_FILES, DeltaTables
from lib.tables.delta_versions import GONE

BEYOND = "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION"


class Answering:
    """A session that keeps what it was asked and answers every statement alike."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def sql(self, text):
        self.asked.append(text)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self

    def toArrow(self):
        return self.answer


class Failed(AnalysisException):
    """An error of Spark's by its name."""

    def __init__(self, name):
        super().__init__(f"[{name}] it says")
        self.name = name

    def getCondition(self):
        return self.name


@pytest.mark.parametrize("name", [BEYOND, *GONE, "FAILED_READ_FILE.FILE_NOT_EXIST"])
def test_a_version_that_is_gone_has_no_rows_however_the_platform_calls_it(name):
    rows = DeltaTables(Answering(Failed(name)), "main.app").at_version(3, "question = 'q'")
    assert rows.empty
    assert list(rows) == list(AUDIENCE)


def test_any_other_error_is_told():
    with pytest.raises(Failed, match="INSUFFICIENT_PERMISSIONS"):
        DeltaTables(Answering(Failed("INSUFFICIENT_PERMISSIONS")), "main.app").at_version(3, "question = 'q'")


def test_every_statement_has_its_names_in_backticks():
    spark = Answering(Failed(BEYOND))
    tables = DeltaTables(spark, "my-shop.select")
    spark.catalog = SimpleNamespace(tableExists=lambda name: spark.asked.append(name) or True)
    for call in (
        lambda: tables.at_version(3, "question = 'q'"), tables.versions, lambda: tables.get_property("audience", "p"),
        lambda: tables.set_property("audience", "p", "v"), lambda: tables.delete("audience", "1 = 1"),
    ):  # fmt: skip
        with suppress(Failed):
            call()
    assert len(spark.asked) == 6
    assert [text for text in spark.asked if "`my-shop`.`select`.`audience`" not in text] == []


@pytest.mark.parametrize(("newest", "commits"), [(4, 1), (3, 0)])
def test_a_table_goes_back_to_a_version_unless_that_is_its_newest(newest, commits):
    spark = Answering(None)
    spark.collect = lambda: [{"version": newest}]
    DeltaTables(spark, "main.app").restore("daily_activity", 3)
    restored = [text for text in spark.asked if text.startswith("RESTORE")]
    assert restored == ["RESTORE TABLE `main`.`app`.`daily_activity` TO VERSION AS OF 3"] * commits


class Writing:
    """Rows on their way into a table: all that is asked of them is kept."""

    def __init__(self, name):
        self.dtypes, self.asked = tuple(CONTRACTS[name].items()), []

    @property
    def write(self):
        return self

    def __getattr__(self, called):
        return lambda *given: self.asked.append((called, *given)) or self


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ({}, ["interval 30 days"]), ({KEPT_FILES: "interval 7 days"}, ["interval 30 days"]),
        ({KEPT_FILES: "interval 30 days"}, []), ({KEPT_FILES: "interval 90 days"}, []),
    ],
)  # fmt: skip
def test_a_table_of_an_earlier_version_keeps_its_files_longer_from_its_next_write_on(there, wanted):
    for name, expected in (("named_activity", wanted), ("decisions", [])):
        spark = Answering(None)
        spark.catalog = SimpleNamespace(tableExists=lambda _: True)
        spark.collect = lambda: [{"key": key, "value": value} for key, value in there.items()]
        DeltaTables(spark, "main.app").append(name, Writing(name))
        assert [text for text in spark.asked if "ALTER" in text] == [
            f"ALTER TABLE `main`.`app`.`{name}` SET TBLPROPERTIES ('{KEPT_FILES}' = '{kept}')" for kept in expected
        ]


def test_rows_that_replace_none_of_a_table_read_ahead_are_appended(monkeypatch):
    monkeypatch.setattr(delta, "plain_strings", lambda frame: frame)
    there = pa.Table.from_pylist([{"run_id": "a"}], pa.schema([("run_id", pa.string())]))
    for column in CONTRACTS["model_checks"]:
        if column != "run_id":
            there = there.append_column(column, pa.nulls(1))
    spark = Answering(there)
    spark.catalog = SimpleNamespace(tableExists=lambda _: True)
    spark.table = lambda _: Writing("model_checks")
    tables = DeltaTables(spark, "main.app")

    def modes(where, run="b", *, far=False):
        written = Writing("model_checks")
        monkeypatch.setattr(delta, "frame_of", lambda *_: written)
        rows = pd.DataFrame([dict.fromkeys(CONTRACTS["model_checks"]) | {"run_id": run}])
        tables.replace("model_checks", written if far else rows, where)
        return [call for call in written.asked if call[0] in ("mode", "option") and call[1] != "mergeSchema"]

    anew = [("mode", "overwrite"), ("option", "replaceWhere", "run_id = 'b'")]
    assert modes("run_id = 'b'") == anew  # nothing is known of what is there
    with tables.reading_ahead():
        assert tables.arrow("SELECT run_id FROM {model_checks}").num_rows == 1
        assert modes("run_id = 'a'", "a") == [("mode", "overwrite"), ("option", "replaceWhere", "run_id = 'a'")]
        assert modes("run_id = 'b'", "a") == anew  # the engine refuses a row that is none of those replaced
        assert modes("run_id = 'b'", far=True) == anew  # the copy went with rows that only the engine holds
        assert tables.arrow("SELECT run_id FROM {model_checks}").num_rows == 1
        assert modes("run_id = 'b'") == [("mode", "append")]
