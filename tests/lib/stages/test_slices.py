"""Past lists are judged by what was brought at once: so many queries for few lists as for many."""

from datetime import timedelta

import pandas as pd
import pytest

from lib.audience import uplift as rules
from lib.config.stages import PublishConfig, RetrainConfig
from lib.stages import ledger, nearby, uplift
from lib.stages.slices import bring_lists
from tests.builders.runs import AS_OF, NEXT, asked, two_lists

WEEKS = NEXT + timedelta(days=7)
QUESTION = asked(PublishConfig).question
NAMES = {"daily_activity", "predictions", "features"}


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(rules, "FEWEST", 5)
    return two_lists().copy()


def count(world, monkeypatch, do):
    """How often tables are read while something is done, but for publications, which are near in a run."""
    asked_for = []
    read = world.tables.table

    def table(sql):
        asked_for.extend([sql] if "{publications}" not in sql else [])
        return read(sql)

    with monkeypatch.context() as patch:
        patch.setattr(world.tables, "table", table)
        do()
    return len(asked_for)


def test_what_past_lists_teach_is_read_by_as_many_queries_whatever_their_number(world, monkeypatch):
    one, two = (
        count(world, monkeypatch, lambda day=day: uplift.read_uplift(asked(PublishConfig), world.tables, day))
        for day in (NEXT, WEEKS)
    )
    assert one == two == len(NAMES) + 1  # and the names of the features


def test_outcomes_are_read_by_as_many_queries_and_written_by_one_commit_whatever_their_number(world, monkeypatch):
    def write(as_of):
        there, commits = world.copy(), []
        del there.tables.stored["outcomes"]
        replace = there.tables.replace

        def replace_rows(name, *rest):
            commits.append(name)
            replace(name, *rest)

        there.tables.replace = replace_rows
        number = count(there, monkeypatch, lambda: ledger.write_outcomes(asked(RetrainConfig), there.tables, as_of))
        assert commits == ["outcomes"]
        return number, there.rows("outcomes", "1 = 1")["cutoff"].nunique()

    (one, few), (two, more) = write(NEXT), write(WEEKS)
    assert (few, more) == (1, 2)
    assert one == two == 3  # which cutoffs were scored, then scores and activity


def test_what_is_brought_answers_as_the_tables_do_and_is_of_these_lists_alone(world):
    near = bring_lists(world.tables, QUESTION, [AS_OF], NEXT, with_features=True)
    assert set(near.stored) == NAMES
    sql = ledger.with_sides_sql(QUESTION, world.tables, AS_OF, NEXT) + " ORDER BY s.user_id"
    pd.testing.assert_frame_equal(near.query(sql), world.tables.query(sql))
    assert near.query("SELECT DISTINCT cutoff FROM {predictions}")["cutoff"].tolist() == [AS_OF]
    assert near.query("SELECT MIN(day) AS first, MAX(day) AS last FROM {daily_activity}").iloc[0].tolist() == [
        AS_OF, NEXT - timedelta(days=1)
    ]  # fmt: skip
    assert near.query("SELECT DISTINCT event_type FROM {daily_activity}")["event_type"].tolist() == ["buy"]


def test_where_it_is_too_much_the_tables_themselves_answer(world, monkeypatch):
    assert bring_lists(world.tables, QUESTION, [], NEXT) is world.tables
    monkeypatch.setattr(nearby, "MOST_NEAR", 5)
    assert bring_lists(world.tables, QUESTION, [AS_OF], NEXT) is world.tables
