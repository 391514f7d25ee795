"""Who acted in the horizon: rows on every boundary, read through DuckDB by the same SQL that Spark reads."""

import pyarrow as pa
import pytest

from lib.config.question import Question
from lib.features.build import build_features
from lib.features.vocabulary import features_schema
from lib.labels.cohorts import cohort_sql
from lib.labels.labels import labelled_cohort_sql, positives_sql
from lib.tables.memory import MemoryTables
from lib.tables.sql import text_literal
from tests.builders.runs import CUTOFF, activity, ago, plan, row

QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
AS_OF = ago(-7)  # the horizon of CUTOFF has just ended


def tables(*rows, users=()):
    """A home with activity, and with features whose `recency` is given per (user, cutoff)."""
    made = MemoryTables()
    made.replace("daily_activity", activity(*rows), "1 = 1")
    keys = [{"user_id": user, "cutoff": cutoff, "recency": recency} for user, cutoff, recency in users]
    made.replace("features", pa.Table.from_pylist(keys, schema=features_schema(["recency"])), "1 = 1")
    return made


def acted(*rows, question=QUESTION, cutoffs=(CUTOFF,), as_of=AS_OF):
    found = tables(*rows).query(positives_sql(question, cutoffs, as_of))
    return sorted(found.itertuples(index=False, name=None))


def test_the_horizon_begins_at_the_cutoff_and_ends_before_its_end():
    assert acted(
        row("before", ago(1), "buy"),  # the last day of the past
        row("first", ago(0), "buy"),  # at midnight of the cutoff the horizon begins
        row("last", ago(-6), "buy"),  # its last day
        row("after", ago(-7), "buy"),  # midnight of its end
        row("another", ago(-1), "view"),
        as_of=ago(-99),
    ) == [("first", CUTOFF), ("last", CUTOFF)]


def test_what_became_known_on_as_of_or_later_is_not_there():
    assert acted(
        row("on time", ago(-2), "buy", known=ago(-6)),  # the day before as_of
        row("late", ago(-2), "buy", known=AS_OF),
        row("later", ago(-2), "buy", known=ago(-30)),
        row("twice", ago(-2), "buy", known=AS_OF),
        row("twice", ago(-2), "buy", known=ago(-3)),  # a part of the day was known
    ) == [("on time", CUTOFF), ("twice", CUTOFF)]


def test_a_user_who_acts_twice_or_in_several_ways_is_one_positive():
    either = Question(actions=("buy", "rent"), horizon_days=7, cohort_days=28)
    assert acted(
        row("both", ago(-1), "buy"),
        row("both", ago(-1), "rent"),
        row("again", ago(-1), "buy", count=3),
        row("again", ago(-3), "buy"),
        row("rent", ago(-1), "rent"),
        row("none", ago(-1), "rental"),
        question=either,
    ) == [("again", CUTOFF), ("both", CUTOFF), ("rent", CUTOFF)]


def test_one_day_can_lie_in_the_horizons_of_several_cutoffs():
    found = acted(row("ana", ago(1), "buy"), row("ana", ago(0), "buy"), cutoffs=(CUTOFF, ago(3), ago(7)))
    assert found == [("ana", ago(7)), ("ana", ago(3)), ("ana", CUTOFF)]


@pytest.mark.parametrize(
    "name",
    [
        "buy",
        "it's",
        "''",
        '"quoted"',
        "a\\b",
        "\\",
        "\\n",
        "{features}",
        "}{",
        "50 %",
        "日本 ä",
        "a\nb",
        " -- x",
        "'",
        "`",
    ],
)
def test_an_odd_event_type_is_found_by_its_exact_name(name):
    rows = [row("ana", ago(-1), name), row("bo", ago(-1), name + "x"), row("cy", ago(-1), "x" + name)]
    assert acted(*rows, question=Question(actions=(name,), horizon_days=7, cohort_days=28)) == [("ana", CUTOFF)]


def test_a_literal_holds_no_brace_and_no_backslash():
    assert text_literal("a'b\\c{d}") == "'a' || CHR(39) || 'b' || CHR(92) || 'c' || CHR(123) || 'd' || CHR(125) || ''"


def test_the_cohort_is_chosen_by_its_past_at_the_cutoff():
    home = tables(
        users=[
            ("ana", CUTOFF, 28),  # active on the first day of the cohort's window
            ("bo", CUTOFF, 29),  # a day too early
            ("cy", ago(7), 1),  # at another cutoff
            ("di", CUTOFF, 1),
        ]
    )
    assert sorted(home.query(cohort_sql(QUESTION, [CUTOFF]))["user_id"]) == ["ana", "di"]


@pytest.mark.parametrize(("days", "asked"), [
    (28, ["a"]), (364, ["a", "b"]), (365, ["a", "b", "c"]), (366, ["a", "b", "c", "d"]),
    (3650, ["a", "b", "c", "d"]), (None, ["a", "b", "c", "d", "e"]),
])  # fmt: skip
def test_a_cohort_may_reach_further_back_than_recencies_tell_apart(days, asked):
    silences = {"a": 28, "b": 364, "c": 365, "d": 366, "e": 3651}
    rows = [row(user, ago(silence)) for user, silence in silences.items()]
    table, home = activity(*rows), MemoryTables()
    home.replace("features", build_features(table, plan(table, CUTOFF)), "1 = 1")
    question = Question(actions=("buy",), horizon_days=7, cohort_days=days)
    assert sorted(home.query(cohort_sql(question, [CUTOFF]))["user_id"]) == asked


def test_users_without_the_action_are_negatives_and_no_missing_rows():
    home = tables(
        row("ana", ago(-1), "buy"),
        row("bo", ago(-1), "view"),
        row("out", ago(-1), "buy"),
        row("ana", ago(5), "buy"),  # in the horizon of the older cutoff
        users=[("ana", CUTOFF, 1), ("bo", CUTOFF, 2), ("out", CUTOFF, 99), ("ana", ago(7), 3), ("bo", ago(7), 4)],
    )
    found = home.query(labelled_cohort_sql(QUESTION, (CUTOFF, ago(7)), AS_OF))
    assert sorted(found.itertuples(index=False, name=None)) == [
        # user  cutoff  recency  label
        ("ana", ago(7), 3.0, 1),
        ("ana", CUTOFF, 1.0, 1),
        ("bo", ago(7), 4.0, 0),
        ("bo", CUTOFF, 2.0, 0),
    ]
