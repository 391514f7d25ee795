"""The table of identities as it is read: columns and days, what changes drop, forgotten users, mistakes by name."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.forget import ForgetConfig
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError, SourceError
from lib.features.forgotten import CHECK, make_digest
from lib.features.identities import load_identities
from lib.stages import forget
from tests.builders.ids import files_holding

DAY = date(2024, 6, 3)
KEY = "k" * 32
FIRST, LAST = date.min, date.max
JOINS = (
    "anonymous,customer,seen\n"
    "web1,7,2024-06-02 23:30:00+02:00\n"
    "web2,7,2024-06-02 22:30:00Z\n"  # in Berlin the 3rd has begun
    "web2,7,2024-06-09 10:00:00\n"  # signed in again
    "8,8,2024-06-01\n"
)
COLUMNS = "id=anonymous,user=customer,known_at=seen"


@pytest.fixture
def tables(delta_tables):
    """Delta's: ids are resolved where Spark's rows lie."""
    return delta_tables


@pytest.fixture
def load(tables, tmp_path):
    def do(text, **changes):
        place = tmp_path / "joins.csv"
        place.write_text(text, encoding="utf-8")
        given = (
            defaults() | {"schema": tables.schema, "events": "x", "action": "buy", "identities": str(place)} | changes
        )
        config = ExtractConfig.from_widgets(given.__getitem__)
        return load_identities(config.with_secrets(lambda scope, key: KEY), tables, lambda _: None)

    return do


def stored(tables):
    return tables.query("SELECT * FROM {identities} ORDER BY user_id, joined_after").values.tolist()


def put_activity(tables, users):
    tables.append("daily_activity", pd.DataFrame(
        [{"user_id": user, "day": DAY, "event_type": "view", "known_day": DAY, "count": 1, "value": None, "items": None}
         for user in users]
    ))  # fmt: skip


def put_features(tables):
    for day in (2, 3, 4):
        frame = pd.DataFrame({"user_id": ["7"], "cutoff": [date(2024, 6, day)]})
        tables.replace("features", frame, f"cutoff = DATE '2024-06-{day:02}'")


def cutoffs(tables):
    return [day.day for day in sorted(tables.query("SELECT cutoff FROM {features}")["cutoff"])]


def test_a_file_of_joins_is_read_by_the_rules_of_events_and_drops_what_saw_it_otherwise(tables, load):
    put_features(tables)
    assert load(JOINS, identity_columns=COLUMNS, time_zone="Europe/Berlin") == [
        "ids are joined otherwise than before from 2024-06-02 on: features of later cutoffs are computed anew."
    ]
    assert cutoffs(tables) == [2]
    second, third = date(2024, 6, 2), date(2024, 6, 3)
    assert stored(tables) == [
        ["web1", "web1", FIRST, LAST, FIRST, second], ["web1", "7", FIRST, LAST, second, LAST],
        ["web2", "web2", FIRST, LAST, FIRST, third], ["web2", "7", FIRST, LAST, third, LAST],
    ]  # fmt: skip
    put_features(tables)
    assert load(JOINS, identity_columns=COLUMNS, time_zone="Europe/Berlin") == []  # nothing is new, nothing is written
    load(JOINS + "web3,7,2024-06-03 10:00:00\n", identity_columns=COLUMNS, time_zone="Europe/Berlin")
    assert cutoffs(tables) == [2, 3]  # what was seen until then stays
    load("", identities="")
    assert (stored(tables), cutoffs(tables)) == ([], [2])


def test_ids_of_forgotten_users_stay_out_and_those_that_turn_out_to_be_theirs_go(tables, load):
    put_activity(tables, ["late", "other", "shared"])
    tables.append("forgotten", pd.DataFrame(
        [{"digest": make_digest(user, KEY), "forgotten_on": DAY, "shown_on": DAY} for user in ("7", "shared")]
    ))  # fmt: skip
    tables.set_property("forgotten", CHECK, make_digest("", KEY))
    text = "id,user,known_at\nlate,7,2024-06-05\nshared,7,2024-06-01\nshared,8,2024-06-04\nother,8,2024-06-02\n"
    told = load(text, forgotten_key="secret(shop/key)", run_date="2024-07-01")
    assert told == [
        "1 ids turned out to be of users who were forgotten: they are listed too, and taken out of all tables. Forget "
        "those users again where reports, files and earlier lists may name these ids."
    ]
    assert {row[0] for row in stored(tables)} == {"other"}
    assert {row[1] for row in stored(tables)} == {"other", "8"}
    listed = tables.query("SELECT digest, forgotten_on FROM {forgotten}").set_index("digest")["forgotten_on"].to_dict()
    assert listed == {make_digest("7", KEY): DAY, make_digest("shared", KEY): DAY,
                      make_digest("late", KEY): date(2024, 7, 1)}  # fmt: skip
    assert sorted(tables.query("SELECT user_id FROM {daily_activity}")["user_id"]) == ["other", "shared"]
    assert load(text, forgotten_key="secret(shop/key)") == []
    with pytest.raises(SourceError, match="and the key of their list is not there"):
        load(text)


HEAD = "id,user,known_at\n"


@pytest.mark.parametrize(("text", "changes", "message"), [
    ("id,known_at\na,2024-06-01\n", {}, "The identities have no column 'user' for user in "),
    ("id,user\na,b\n", {}, "The identities have no column 'known_at' for known_at in "),
    (HEAD, {"identity_columns": "user=customer"}, "The identities have no column 'customer' for user in "),
    (HEAD, {"identity_columns": "person=x"}, "identity_columns maps 'person', which is none of id, user, known_at."),
    (HEAD, {"identities": "", "identity_columns": "user=x"},
     "identity_columns is 'user=x' and identities names no table. Name one, or leave identity_columns blank."),
    (HEAD + ",b,2024-06-01\n", {}, "The identities hold null or unreadable values: id in 1 rows, such as 'nothing'."),
    (HEAD + "a,undefined,2024-06-01\n", {},
     "The identities hold null or unreadable values: user in 1 rows, such as 'undefined'. Nothing was read. Mend these "
     "rows, or leave them out of the table: each needs an id, a user and a known_at."),
    (HEAD + "a,b,soon\n", {}, "The identities hold null or unreadable values: known_at in 1 rows, such as 'soon'."),
    (HEAD + "a,b,\n", {}, "The identities hold null or unreadable values: known_at in 1 rows, such as 'nothing'."),
    (HEAD + "a,b,2024-06-01\na,c,2024-06-01\n", {}, "The identities join 'a' to two users at 2024-06-01 00:00:00: 'b'"),
    (HEAD + "a,b,2024-06-01\nb,a,2024-06-02\n", {}, "The identities join ids in a circle: 'a' to 'b', 'b' to 'a'."),
    (HEAD, {}, "The table of identities is empty. Fill it, or leave identities blank."),
    (HEAD, {"identities": "/nowhere/joins.csv"}, "The identities '/nowhere/joins.csv' cannot be read"),
])  # fmt: skip
def test_each_mistake_is_named_and_nothing_is_written(tables, load, text, changes, message):
    with pytest.raises((SourceError, ConfigError)) as caught:
        load(text, **changes)
    assert str(caught.value).startswith(message)
    assert not tables.exists("identities")


def test_nothing_of_the_tables_holds_what_was_forgotten(spark, tables, load, tmp_path):
    """The deployed way: who asks by one id goes with all of them, the list and earlier versions included."""
    ids = ["id-anna", "web-anna", "app-anna", "web-family", "id-bert", "web-bert"]
    put_activity(tables, ids)
    load(
        HEAD + "web-anna,id-anna,2024-06-01\napp-anna,web-anna,2024-06-09\nweb-family,id-anna,2024-06-01\n"
        "web-family,id-bert,2024-06-05\nweb-bert,id-bert,2024-06-02\n"
    )
    spark.createDataFrame([("web-anna",)], "user_id string").createOrReplaceTempView("requests")
    given = {
        "run_date": str(DAY), "schema": tables.schema, "requests": "requests", "forgotten_key": "secret(a/b)",
        "export": "", "reports": "",
    }  # fmt: skip
    config = ForgetConfig.from_widgets(given.__getitem__).with_secrets(lambda scope, name: KEY)
    receipt = forget.run(config, tables, lambda _: None).receipt.splitlines()
    assert receipt[0] == "2024-06-03: 1 users are asked for in requests, with 3 more ids of theirs."
    place = spark.sql(f"DESCRIBE DETAIL {tables.full_name('identities')}").collect()[0]["location"]
    gone = ["id-anna", "web-anna", "app-anna", "web-family"]
    assert files_holding(Path(place.removeprefix("file:")).parent, gone) == []
    assert sorted(tables.query("SELECT user_id FROM {daily_activity}")["user_id"]) == ["id-bert", "web-bert"]
    assert {row[0] for row in stored(tables)} == {"web-bert"}
    assert set(tables.query("SELECT digest FROM {forgotten}")["digest"]) == {make_digest(one, KEY) for one in gone}
