"""The table of users as it is read: its columns and their kinds, times as days, forgotten users, each mistake named."""

from datetime import date

import pandas as pd
import pytest

from lib.attributes.columns import Attribute, Kind, read_note
from lib.attributes.joining import attributes_sql
from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError, SourceError
from lib.features.forgotten import CHECK, make_digest
from lib.features.users import load_users

CUTOFF = date(2024, 6, 3)
KEY = "k" * 32
PLANS = (
    "user_id,valid_from,known_at,plan,age,born,zip\n"
    "ana,2024-06-02 23:30:00+02:00,2024-06-02,free,30,1990-05-01,01234\n"
    "ana,2024-06-02 22:30:00Z,2024-06-02,plus,30,1990-05-01,01234\n"  # in Berlin the 3rd has begun
    "bo,,,free, ,,99999\n"
    "cy,2024-01-01,2024-06-03,plus,40,1980-01-31,\n"
)


@pytest.fixture
def load(tables, tmp_path):
    def do(text, name="users.csv", **changes):
        place = tmp_path / name
        if text is not None:
            place.write_text(text, encoding="utf-8")
        given = defaults() | {"schema": tables.schema, "events": "x", "action": "buy", "users": str(place)} | changes
        config = ExtractConfig.from_widgets(given.__getitem__)
        return load_users(config.with_secrets(lambda scope, key: KEY), tables)

    return do


def test_a_file_of_users_is_read_by_the_rules_of_events(tables, load):
    loaded = load(PLANS, time_zone="Europe/Berlin")
    assert loaded.lines == ()
    assert loaded.note == read_note(tables)
    assert loaded.note.attributes == (
        Attribute("plan", Kind.TEXT, True), Attribute("age", Kind.NUMBER, True), Attribute("born", Kind.DATE, True),
        Attribute("zip", Kind.TEXT, True),  # a number that begins with a zero is none
    )  # fmt: skip
    rows = tables.query("SELECT * FROM {user_attributes} ORDER BY user_id, number")
    assert rows[["user_id", "valid_from", "known_day", "number"]].values.tolist() == [
        ["ana", date(2024, 6, 2), date(2024, 6, 2), 1], ["ana", date(2024, 6, 3), date(2024, 6, 2), 2],
        ["bo", None, None, 1], ["cy", date(2024, 1, 1), date(2024, 6, 3), 1],
    ]  # fmt: skip
    held = tables.query(f"SELECT * FROM ({attributes_sql(loaded.note.attributes, [CUTOFF])}) a ORDER BY user_id")
    told = held[["user_id", "text_plan", "number_age", "date_born", "text_zip"]].astype(object)
    assert told.where(told.notna(), None).values.tolist() == [
        ["ana", "free", 30.0, (date(1990, 5, 1) - date(1970, 1, 1)).days, "01234"], ["bo", "free", None, None, "99999"],
    ]  # fmt: skip
    # a year later the same file, which holds less, and a kind that was settled stays
    again = load("user_id,plan,age,born,zip\nana,plus,,,\n", time_zone="Europe/Berlin")
    assert [one.kind for one in again.note.attributes] == [Kind.TEXT, Kind.NUMBER, Kind.DATE, Kind.TEXT]
    assert not any(one.is_timed for one in again.note.attributes)
    assert len(tables.query("SELECT * FROM {user_attributes}")) == 1
    with pytest.raises(SourceError, match=r"^The users hold null or unreadable values: age in 1 rows, such as 'old'\."):
        load("user_id,plan,age\nana,plus,old\n")


def test_columns_are_named_and_made_and_the_forgotten_stay_out(tables, load, tmp_path):
    tables.append("forgotten", pd.DataFrame(
        [{"digest": make_digest("bo", KEY), "forgotten_on": CUTOFF, "shown_on": CUTOFF}]
    ))  # fmt: skip
    tables.set_property("forgotten", CHECK, make_digest("", KEY))
    frame = pd.DataFrame({
        "customer": [7, 8], "land": ["de", "fr"], "staff": [True, False], "cents": [150, 250], "tags": [["a"], ["b"]],
    })  # fmt: skip
    frame.to_parquet(tmp_path / "users.parquet", index=False)
    columns = "user_id=customer,country=upper(land),is_staff=staff,spent=cents / 100"
    loaded = load(None, "users.parquet", user_columns=columns, forgotten_key="secret(shop/key)")
    assert [(one.name, one.kind) for one in loaded.note.attributes] == [
        ("country", Kind.TEXT), ("is_staff", Kind.FLAG), ("spent", Kind.NUMBER),
    ]  # fmt: skip
    rows = tables.query("SELECT user_id, text_country, flag_is_staff, number_spent FROM {user_attributes} ORDER BY 1")
    assert rows.values.tolist() == [["7", "DE", "true", 1.5], ["8", "FR", "false", 2.5]]
    told = load(None, "users.parquet", user_columns="user_id=customer", forgotten_key="secret(shop/key)")
    assert told.lines == ("the users have columns that are no attributes, since they are lists: tags.",)
    assert [one.name for one in told.note.attributes] == ["land", "staff", "cents"]
    load("user_id,plan\nana,free\nbo,free\n", forgotten_key="secret(shop/key)")
    assert tables.query("SELECT user_id FROM {user_attributes}")["user_id"].tolist() == ["ana"]


@pytest.mark.parametrize(("text", "changes", "message"), [
    ("id,plan\na,x\n", {}, "The users have no column 'user_id' for user_id in "),
    ("user_id,plan\na,x\n", {"user_columns": "user_id=id"}, "The users have no column 'id' for user_id in "),
    ("user_id,plan\na,x\n", {"user_columns": "tariff=plam"}, "user_columns: tariff"),
    ("user_id,plan\na,x\na,y\n", {}, "The users hold several rows of user 'a', which say different things."),
    ("user_id,plan\n,x\nb,y\n", {}, "The users hold null or unreadable values: user_id in 1 rows, such as 'nothing'."),
    ("user_id,plan,valid_from\na,x,soon\n", {}, "The users hold null or unreadable values: valid_from in 1 rows"),
    ("user_id\na\n", {}, "The users have 0 attributes (none), and can have 1 to 100."),
    ("user_id,plan\n", {}, "The table of users is empty. Fill it, or leave users blank."),
    (None, {}, "The users "),
])  # fmt: skip
def test_each_mistake_is_named_and_nothing_is_written(tables, load, text, changes, message):
    with pytest.raises((SourceError, ConfigError)) as caught:
        load(text, **changes)
    assert str(caught.value).startswith(message)
    assert not tables.exists("user_attributes")
