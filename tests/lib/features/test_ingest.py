"""Which days of a source a run reads, and which questions it can be asked: the rules that need no Spark."""

from datetime import date

import pytest

from lib.errors import SourceError
from lib.features.days import Ingestion, find_changed_days
from lib.features.source import check_actions
from tests.builders.runs import CUTOFF, ago


def test_a_first_run_reads_everything_before_as_of():
    first = Ingestion(None, CUTOFF)
    assert first.where_sql == "(known_day < DATE '2024-06-03')"
    assert first.span_sql == "(known_time < DATE '2024-06-03')"
    assert not first.is_empty
    assert first.first_day() == date.min  # whatever was cached is out of date


def test_a_later_run_reads_the_days_since_the_last_one():
    later = Ingestion(ago(7), CUTOFF)
    assert later.where_sql == "(known_day < DATE '2024-06-03' AND known_day >= DATE '2024-05-27')"
    assert later.span_sql == "(known_time >= DATE '2024-05-27' AND known_time < DATE '2024-06-03')"
    assert later.first_day() == ago(7)


def test_days_that_changed_are_read_again():
    later = Ingestion(ago(7), CUTOFF, (ago(20), ago(9)))
    assert later.where_sql == (
        "((known_day < DATE '2024-06-03' AND known_day >= DATE '2024-05-27') "
        "OR known_day IN (DATE '2024-05-14', DATE '2024-05-25'))"
    )
    assert later.span_sql == "(known_time >= DATE '2024-05-14' AND known_time < DATE '2024-06-03')"
    assert later.first_day() == ago(20)


@pytest.mark.parametrize(
    ("start", "changed", "empty", "first"),
    [
        (ago(1), (), False, ago(1)),  # one day is new
        (ago(0), (), True, ago(0)),  # the same as_of again
        (ago(-7), (), True, ago(0)),  # an earlier as_of than the last
        (ago(-7), (ago(3),), False, ago(3)),  # and a late row below it
    ],
)
def test_a_run_without_new_days_reads_nothing(start, changed, empty, first):
    ingestion = Ingestion(start, CUTOFF, changed)
    assert (ingestion.is_empty, ingestion.first_day()) == (empty, first)


def test_a_day_has_changed_when_its_number_of_events_has():
    ours = {ago(4): 5, ago(3): 5, ago(2): 5}
    theirs = {ago(1): 1, ago(3): 6, ago(4): 5}
    assert find_changed_days(ours, theirs) == (ago(3), ago(2), ago(1))  # more, none any more, not read yet
    assert find_changed_days({}, {}) == ()
    assert find_changed_days({ago(2): 0}, {}) == ()


def test_an_action_that_nobody_did_is_refused_with_the_ones_there_are():
    check_actions(("buy", "view"), ["view", "buy", "share"], CUTOFF)
    with pytest.raises(
        SourceError,
        match=r"Nobody has ever done 'favourite' before 2024-06-03. Did you mean 'favorite'\? "
        r"Set action to one or more of: buy, favorite\.",
    ):
        check_actions(("buy", "favourite"), ["favorite", "buy"], CUTOFF)
    with pytest.raises(SourceError, match=r"'x' before 2024-06-03\. Set action to one or more of: buy\."):
        check_actions(("x",), ["buy"], CUTOFF)
