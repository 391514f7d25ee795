"""Who was contacted, what is kept of it, and whom a file leaves in quiet."""

import re
from datetime import date, datetime, time, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from lib.config.stages import PublishConfig
from lib.errors import PublishRefused
from lib.stages.contacting import quiet_sql, sides_sql, take_contacted, with_resting_sql, write_chosen
from lib.tables.memory import MemoryTables
from tests.builders.exports import users_of
from tests.builders.identity_checks import put_identities
from tests.builders.runs import NEXT, asked, two_lists

QUESTION = asked(PublishConfig).question
FILE = asked(PublishConfig, export="list.csv").export
OTHER = asked(PublishConfig, action="share").question
AS_OF = date(2024, 6, 10)


@pytest.fixture
def world():
    return two_lists().copy()


def ago(days):
    return AS_OF - timedelta(days=days)


def rows(tables):
    found = tables.query("SELECT * FROM {contacts} ORDER BY user_id, day")
    return [tuple(None if pd.isna(value) else value for value in row) for row in found.itertuples(index=False)]


def calls(*of, **columns):
    users, days = zip(*of, strict=True)
    return pa.table({"user_id": users, "day": [str(day) for day in days], **columns})


def test_what_is_told_of_a_day_replaces_what_the_same_told_of_it_and_other_days_stay():
    tables = MemoryTables()
    tables.elsewhere = {
        "crm.calls": calls(("ana", ago(9)), ("bo", ago(8)), channel=["phone", ""]), "crm.mails": calls(("ana", ago(9)))
    }  # fmt: skip
    take_contacted(["crm.calls", "crm.mails"], tables)
    tables.elsewhere["crm.calls"] = calls(("cy", ago(9)), ("di", ago(1)), question=["buy", None])
    for _ in range(2):
        take_contacted(["crm.calls"], tables)
    assert rows(tables) == [
        ("ana", None, None, ago(9), None, "contacted", "crm.mails"),
        ("bo", None, None, ago(8), None, "contacted", "crm.calls"),
        ("cy", "buy", None, ago(9), None, "contacted", "crm.calls"),
        ("di", None, None, ago(1), None, "contacted", "crm.calls"),
    ]


def read_quiet(question, tables, as_of, days):
    quiet = quiet_sql(question, tables, as_of, days)
    return set(tables.query(quiet)["user_id"]) if quiet else set()


def test_quiet_are_those_contacted_in_the_days_before_on_any_question_but_not_by_the_list_itself():
    tables = MemoryTables()
    assert read_quiet(QUESTION, tables, AS_OF, 7) == set()
    tables.elsewhere["crm.calls"] = calls(
        ("too old", ago(8)), ("first day", ago(7)), ("last day", ago(1)), ("same day", ago(0)), ("later", ago(-1))
    )
    take_contacted(["crm.calls"], tables)
    assert read_quiet(QUESTION, tables, AS_OF, 7) == {"first day", "last day"}
    for question, cutoff, user in (
        (QUESTION, ago(7), "last list"), (OTHER, ago(7), "other question"), (OTHER, ago(8), "other, too old"),
        (QUESTION, ago(0), "own list"), (OTHER, ago(0), "other, same day"),
    ):  # fmt: skip
        write_chosen(question, tables, cutoff, FILE, users_of([user], ["left alone"]))
    assert read_quiet(QUESTION, tables, AS_OF, 7) == {"first day", "last day", "last list", "other question"}
    assert read_quiet(QUESTION, tables, AS_OF, 0) == set()
    # a contact that is noted as the list's own never counts, on whatever day it was
    own = tables.query("SELECT * FROM {contacts} WHERE user_id = 'own list'").assign(day=ago(3))
    tables.replace("contacts", own, "user_id = 'own list'")
    assert "own list" not in read_quiet(QUESTION, tables, AS_OF, 7)


def test_each_row_says_whether_its_user_is_to_have_quiet():
    tables = MemoryTables()
    rows = "SELECT 'ana' AS user_id, 1 AS n UNION ALL SELECT 'bo' AS user_id, 2 AS n"
    for quiet, resting in (("", [False, False]), ("SELECT 'bo' AS user_id", [False, True])):
        found = tables.query(f"{with_resting_sql(rows, quiet)} ORDER BY n")
        assert found.to_numpy().tolist() == [["ana", 1, resting[0]], ["bo", 2, resting[1]]]


def test_the_file_leaves_out_whom_the_last_file_named_and_is_the_same_again(world, tmp_path):
    file, given = tmp_path / "list.csv", {"export_top": 20, "run_id": "run-2"}
    world.extract(NEXT - timedelta(days=7))
    world.publish(export=file, export_top=20, run_id="run-1", replace_newer="true")
    first = set(pd.read_csv(file)["user_id"])
    assert set(world.rows("contacts", "kind = 'chosen'")["user_id"]) == first
    world.extract(NEXT)
    for _ in range(2):
        told = world.publish(export=file, quiet_days_after_contact=7, **given).summary
        second = pd.read_csv(file)["user_id"].tolist()
        assert len(second) == 20
        assert not first & set(second)
        listed = world.tables.query("SELECT user_id, held_out FROM {audience} ORDER BY rank")
        free = listed[~listed["held_out"] & ~listed["user_id"].isin(first)]
        assert second == free["user_id"].head(20).tolist()
        quiet = (listed["user_id"].isin(first) & ~listed["held_out"]).sum()
        assert f"\n  {quiet} more are left in peace: they were contacted in the 7 days before.\n" in told
        row = world.tables.query("SELECT * FROM {publications} ORDER BY number DESC").iloc[0]
        assert (row["chosen"], row["quiet"]) == (20, quiet)
    world.publish(export=file, quiet_days_after_contact=6, **given)  # the seventh day before is out
    assert first & set(pd.read_csv(file)["user_id"])
    chosen = world.rows("contacts", f"kind = 'chosen' AND cutoff = DATE '{NEXT}'")
    assert set(chosen["user_id"]) == set(pd.read_csv(file)["user_id"])
    assert set(chosen["day"]) == {NEXT}


def test_each_file_of_a_list_is_kept_and_the_same_file_made_again_replaces_what_it_held():
    tables, other = MemoryTables(), asked(PublishConfig, export="other.csv", export_format="braze").export
    for export, users in ((FILE, ["ana", "bo"]), (other, ["cy"]), (FILE, ["bo", "di"])):
        write_chosen(QUESTION, tables, AS_OF, export, users_of(users, []))
    kept = tables.query("SELECT user_id, channel, source FROM {contacts} ORDER BY source, user_id").to_numpy().tolist()
    assert kept == [["bo", "csv", "list.csv"], ["di", "csv", "list.csv"], ["cy", "braze", "other.csv"]]


def test_without_a_file_nobody_was_chosen(world):
    world.publish(run_id="run-2", export_top=20)
    assert not world.tables.exists("contacts")
    assert world.tables.query("SELECT chosen FROM {publications}")["chosen"].isna().all()


@pytest.mark.parametrize(("text", "message"), [
    ("user_id\nana\n", "contacts.csv: day must be a date like 2024-06-01, got ''. The list stays."),
    ("user_id,day\nana,2024-6-1\n", "day must be a date like 2024-06-01, got '2024-6-1'."),
    ("id\nana\n", "contacted: {here}/contacts.csv has no column user_id, found id. Name the column"),
])  # fmt: skip
def test_contacts_that_cannot_be_told_stop_the_publication(world, tmp_path, text, message):
    before, file = world.copy(), tmp_path / "contacts.csv"
    file.write_text(text)
    with pytest.raises(PublishRefused, match=re.escape(message.replace("{here}", str(tmp_path)))):
        world.publish(run_id="run-2", contacted=file)
    assert world.differs(before, ["audience", "publications"]) == []


def test_of_a_list_is_known_who_stood_in_its_files_and_who_was_contacted_while_it_spoke():
    tables = MemoryTables()
    tables.elsewhere["crm.calls"] = calls(
        ("before", ago(1)), ("first day", ago(0)), ("last day", ago(-6)), ("after", ago(-7)), ("other", ago(-1)),
        question=[None, None, QUESTION.slug, None, OTHER.slug],
    )  # fmt: skip
    take_contacted(["crm.calls"], tables)
    write_chosen(QUESTION, tables, AS_OF, FILE, users_of(["in the file"], ["left alone"]))
    write_chosen(QUESTION, tables, ago(7), FILE, users_of(["in the last file"], ["left alone then"]))
    write_chosen(OTHER, tables, ago(-1), FILE, users_of(["in the other file"], []))
    found = tables.query(sides_sql(QUESTION, AS_OF)).set_index("user_id")
    known = {user: tuple(row) for user, row in found.iterrows() if any(row)}
    assert known == {
        "first day": ("", True, True), "last day": ("", True, True), "other": ("", False, True),
        "in the file": ("chosen", False, True), "left alone": ("control", False, False),
        "in the other file": ("", False, True),
    }  # fmt: skip


def test_who_was_contacted_is_held_against_those_left_alone_in_the_ledger(world):
    listed = world.tables.query("SELECT user_id, held_out FROM {audience}")
    first = listed[~listed["held_out"]]["user_id"].head(60).tolist()
    control = listed[listed["held_out"]]["user_id"].tolist()
    write_chosen(QUESTION, world.tables, NEXT, FILE, users_of(first, control))
    world.extract(NEXT + timedelta(days=7))
    world.train()
    rows = world.tables.query(f"SELECT * FROM {{outcomes}} WHERE cutoff = DATE '{NEXT}'")
    users = rows[rows["metric"] == "rate"].set_index("part")["users"]
    assert (users["chosen"], users["control"]) == (60, len(control))
    assert rows[rows["metric"] == "effect_chosen"]["users"].max() == 60


def test_who_was_contacted_by_one_id_is_quiet_by_all_that_are_known_to_be_theirs():
    tables = MemoryTables()
    tables.elsewhere["crm.calls"] = calls(("web1", ago(2)), ("web2", ago(2)), ("moved", ago(2)), ("ana", ago(2)))
    take_contacted(["crm.calls"], tables)
    put_identities(tables, [
        {"user_id": one, "person": user, "known_time": datetime.combine(day, time()), "known_day": day}
        for one, user, day in (("web1", "bo", ago(1)), ("web2", "cy", ago(0)), ("moved", "di", ago(9)),
                               ("moved", "eve", ago(5)))
    ])  # fmt: skip
    # web2 is known to be cy's from the next day on; of the one that moved, nobody can say whom the call reached
    assert read_quiet(QUESTION, tables, AS_OF, 7) == {"web1", "web2", "moved", "ana", "bo", "di", "eve"}


def test_who_was_told_of_by_another_id_was_contacted():
    tables, end = MemoryTables(), QUESTION.window(AS_OF).end
    ids = ("web1", "web2", "web3", "web4")
    tables.elsewhere["crm.calls"] = calls(
        *((one, ago(0)) for one in ids[:3]), question=[QUESTION.slug, None, QUESTION.slug]
    )
    take_contacted(["crm.calls"], tables)
    write_chosen(QUESTION, tables, AS_OF, FILE, users_of(["web4"], ["fay"]))
    put_identities(tables, [
        {"user_id": one, "person": user, "known_time": datetime.combine(day, time()), "known_day": day}
        for one, user, day in (("web1", "bo", ago(1)), ("web2", "cy", end - timedelta(days=1)), ("web3", "di", end),
                               ("web4", "fay", ago(0)))
    ])  # fmt: skip
    sides = tables.query(sides_sql(QUESTION, AS_OF)).set_index("user_id")
    # cy becomes known inside the days asked about, as labels take it too; di only when they are over
    called = dict.fromkeys(["web1", "web2", "web3", "bo", "cy"], True)
    assert sides["contacted"].to_dict() == called | {"web4": False, "fay": False}
    # reached by another id of hers, fay stays on the side on which the file had put her
    assert sides.loc[["web4", "fay"], ["file", "reached"]].to_numpy().tolist() == [["chosen", True], ["control", True]]
