"""The deployed way to forget: requests in a table, every table and its earlier files, and a call that is repeated."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from lib.config.forget import ForgetConfig
from lib.errors import ConfigError, SourceError
from lib.features.forgotten import make_digest
from lib.stages import forget
from lib.tables.contracts import AUDIENCE, DAILY_ACTIVITY
from tests.builders.ids import files_holding
from tests.fakes.near_tables import ON_DELTA

DAY = date(2024, 6, 3)
KEY = "k" * 32
USERS = ["u1", "u10", "xu1", "U1", " u1", "u1 ", "u2"]


def rows(contract, users, **given):
    blank = {"string": "a", "date": DAY, "bigint": 1, "int": 1, "double": 0.5, "boolean": False}
    shared = {name: given.get(name, blank.get(kind)) for name, kind in contract.items()}
    return pd.DataFrame([shared | {"user_id": user} for user in users])


@pytest.fixture
def shop(spark, tables, tmp_path):
    """A list that has replaced another, activity, a report, an exported list, and a table of requests."""
    tables.append("daily_activity", rows(DAILY_ACTIVITY, USERS))
    tables.replace("audience", rows(AUDIENCE, [*USERS, "u3"], run_id="r1"), "question = 'a'")
    tables.replace("audience", rows(AUDIENCE, ["u2", "u10"]), "question = 'a'")
    spark.createDataFrame([("u1",), ("u3",), (None,)], "user_id string").createOrReplaceTempView("requests")
    (tmp_path / "reports" / "q").mkdir(parents=True)
    (tmp_path / "reports" / "q" / "2024-06-03.html").write_text("<td>u1</td>")
    (tmp_path / "reports" / "q" / "2024-05-27.html").write_text("<td>u10</td>")
    pd.DataFrame({"user_id": USERS}).to_csv(tmp_path / "list.csv", index=False)
    return {
        "run_date": str(DAY), "schema": tables.schema, "requests": "requests", "forgotten_key": "secret(a/b)",
        "export": str(tmp_path / "list.csv"), "reports": str(tmp_path / "reports"),
    }  # fmt: skip


def call(given, tables, key=KEY):
    config = ForgetConfig.from_widgets(given.__getitem__).with_secrets(lambda scope, name: key)
    return forget.run(config, tables, lambda _: None).receipt.splitlines()


def folder(spark, tables):
    detail = spark.sql(f"DESCRIBE DETAIL {tables.full_name('audience')}").collect()[0]
    return Path(detail["location"].removeprefix("file:")).parent


@ON_DELTA
def test_nothing_of_the_tables_holds_them_also_after_a_call_that_failed(spark, tables, shop, tmp_path, monkeypatch):
    """What is done is passed over by the next call, and a table that was restored is done again without a request."""
    place = folder(spark, tables)
    assert len({path.parts[0] for path in files_holding(place, ["u3"])}) == 1  # a version of before
    spark.createDataFrame([("u1",)], "who string").createOrReplaceTempView("others")
    with pytest.raises(ConfigError, match="The secret that forgotten_key names has 5 bytes, and must have 32 to 64"):
        call(shop, tables, "short")
    with pytest.raises(ConfigError, match=r"requests names 'others' without a column user_id: who\."):
        call(shop | {"requests": "others"}, tables)
    assert not tables.exists("forgotten")
    real = tables.erase
    with monkeypatch.context() as patch:
        patch.setattr(tables, "erase", lambda name, *rest: real(name, *rest) if name == "daily_activity" else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            call(shop, tables)
    receipt = call(shop, tables)
    assert receipt[:5] == [
        "2024-06-03: 2 users are asked for in requests.", "daily_activity: done before",
        "audience: 0 rows, and all earlier versions", "earlier_lists: 2 rows, and all earlier versions",
        "1 of 2 reports",
    ]  # fmt: skip
    assert "u1" not in "".join(receipt).replace(str(tmp_path), "")
    left = [user for user in USERS if user != "u1"]
    assert sorted(tables.query("SELECT user_id FROM {daily_activity}")["user_id"]) == sorted(left)
    assert sorted(tables.query("SELECT user_id FROM {audience}")["user_id"]) == ["u10", "u2"]
    earlier = tables.query("SELECT user_id FROM {earlier_lists} WHERE number = 1")["user_id"]
    assert sorted(earlier) == sorted(left)  # the list that was replaced, which only a version held
    assert f"{tmp_path}/list.csv: 1 rows" in receipt
    assert files_holding(place, ["u3"]) == []  # which no other id contains: logs are searched as well
    assert pd.read_csv(shop["export"])["user_id"].tolist() == left
    listed = tables.query("SELECT digest, forgotten_on FROM {forgotten}")
    assert sorted(listed["digest"]) == sorted(make_digest(user, KEY) for user in ("u1", "u3"))
    assert set(listed["forgotten_on"]) == {DAY}
    with pytest.raises(SourceError, match="The key is not the one by which the list of users forgotten in schema"):
        call(shop, tables, "l" * 32)
    tables.append("daily_activity", rows(DAILY_ACTIVITY, ["u3"]))
    spark.createDataFrame([], "user_id string").createOrReplaceTempView("requests")
    assert call(shop, tables)[:3] == [
        "2024-06-03: 0 users are asked for in requests.", "daily_activity: 1 rows, and all earlier versions",
        "audience: done before",
    ]  # fmt: skip
