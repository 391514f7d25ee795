"""Lists that went out of use, as rows: kept once, found in their order, and carried over from versions of before."""

from datetime import date

import pandas as pd
import pytest

from lib.config.question import Question
from lib.stages.earlier_lists import CARRIED, carry_over, is_carried_over, keep_list, read_list_before, read_list_of
from lib.tables.contracts import AUDIENCE
from lib.tables.memory import MemoryTables

DAYS = {run: date(2024, 6, 3 + 7 * n) for n, run in enumerate(("r1", "r2", "r3", "r4"))}


@pytest.fixture
def question():
    return Question(actions=("buy",), horizon_days=7, cohort_days=28)


@pytest.fixture
def tables():
    return MemoryTables()


def listed(question, run, users=("ana", "bo")):
    blank = {"string": "a", "date": DAYS[run], "int": 1, "double": 0.5, "boolean": False}
    shared = {name: blank[kind] for name, kind in AUDIENCE.items()} | {"question": question.slug, "run_id": run}
    return pd.DataFrame([shared | {"user_id": user, "rank": rank} for rank, user in enumerate(users, start=1)])


def publish(tables, question, run, users=("ana", "bo"), keep=True):
    if keep:
        keep_list(question, tables)
    tables.replace("audience", listed(question, run, users), f"question = '{question.slug}'")


def stored(tables):
    rows = tables.query("SELECT DISTINCT question, number, run_id FROM {earlier_lists} ORDER BY question, number")
    return [(row.number, row.run_id) for row in rows.itertuples()]


def before(tables, question):
    present = tables.query(f"SELECT run_id, cutoff FROM {{audience}} WHERE question = '{question.slug}'")
    rows = read_list_before(question, tables, present)
    return None if rows is None else rows["run_id"].iloc[0]


def test_each_list_is_kept_when_the_next_one_takes_its_place(tables, question):
    publish(tables, question, "r1", ("cy", "ana", "bo"))
    assert before(tables, question) is None
    publish(tables, question, "r2")
    publish(tables, question, "r3")
    assert stored(tables) == [(1, "r1"), (2, "r2")]
    rows = read_list_of(question, tables, DAYS["r1"])
    pd.testing.assert_frame_equal(rows, listed(question, "r1", ("cy", "ana", "bo")), check_dtype=False)
    assert read_list_of(question, tables, date(2020, 1, 6)) is None


def test_a_kill_before_the_next_list_comes_keeps_it_once(tables, question):
    publish(tables, question, "r1")
    keep_list(question, tables)
    keep_list(question, tables)
    publish(tables, question, "r2")
    assert stored(tables) == [(1, "r1")]
    assert before(tables, question) == "r1"


def test_the_way_back_goes_by_the_order_in_which_lists_came_into_use(tables, question):
    for run in ("r1", "r2", "r3"):
        publish(tables, question, run)
    publish(tables, question, "r2")  # rolled back
    assert before(tables, question) == "r1"
    publish(tables, question, "r4")
    assert stored(tables) == [(1, "r1"), (2, "r2"), (3, "r3"), (4, "r2")]
    assert before(tables, question) == "r2"


def test_lists_of_versions_are_carried_over_once_and_not_the_one_in_use(tables, question):
    other = Question(actions=("share",), horizon_days=7, cohort_days=28)
    for one, run in ((question, "r1"), (question, "r2"), (other, "r1"), (question, "r1"), (question, "r3")):
        publish(tables, one, run, keep=False)
    carry_over(tables)
    assert stored(tables) == [(1, "r1"), (2, "r2"), (3, "r1")]
    publish(tables, question, "r4")
    assert stored(tables) == [(1, "r1"), (2, "r2"), (3, "r1"), (4, "r3")]
    assert before(tables, other) is None
    assert before(tables, question) == "r3"


def test_what_a_kill_left_half_carried_over_is_carried_over_anew(tables, question):
    for run in ("r1", "r2"):
        publish(tables, question, run, keep=False)
    carry_over(tables)
    tables.notes.pop(("earlier_lists", CARRIED))
    publish(tables, question, "r3")
    assert stored(tables) == [(1, "r1"), (2, "r2")]


def test_where_only_the_note_was_lost_no_list_is_wiped(tables, question):
    for run in ("r1", "r2", "r3"):
        publish(tables, question, run)
    tables.notes.pop(("earlier_lists", CARRIED))
    tables.earlier = tables.earlier[-1:]  # a VACUUM took the versions of before
    publish(tables, question, "r4")
    assert stored(tables) == [(1, "r1"), (2, "r2"), (3, "r3")]
    assert is_carried_over(tables)
