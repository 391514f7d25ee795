"""Event types that differ in what nobody hears: they count apart, and whoever asks about one is told of the others."""

import pytest

from lib.config.question import Question
from lib.features.namesakes import find_groups, find_namesakes, tell_namesakes
from tests.builders.runs import WIDGETS

KINDS = {
    "purchase": [],
    "Purchase": [],
    " purchase": [],
    "pur chase": [],
    "view": [],
    "caf\u00e9": [],
    "cafe\u0301": [],
}


def of(**said):
    return Question.of(WIDGETS | said)


@pytest.mark.parametrize(("kind", "others"), [
    ("purchase", [" purchase", "Purchase"]), ("pur\u00a0chase", ["pur chase"]), ("caf\u00e9", ["cafe\u0301"]),
    ("view", []), ("STRASSE", []),
])  # fmt: skip
def test_what_reads_alike_is_found(kind, others):
    assert find_namesakes(kind, KINDS) == others


def test_all_that_read_alike_are_grouped():
    assert find_groups(KINDS) == [(" purchase", "Purchase", "purchase"), ("cafe\u0301", "caf\u00e9")]


def test_whoever_asks_about_one_is_told_of_the_others():
    (line,) = tell_namesakes(of(action="purchase"), KINDS)
    assert line == (
        "the events also have ' purchase', 'Purchase', which differs from 'purchase' in capitals or blanks alone, and "
        "does not count: action=purchase,' purchase',Purchase counts all."
    )
    assert tell_namesakes(of(action="purchase,Purchase,' purchase',view"), KINDS) == []


def test_a_condition_on_users_and_an_action_of_ones_own_are_told_too():
    before = of(action="view", cohort_where="events('Purchase', 28) > 0")
    made = of(action="big", actions="big=purchase WHERE value > 5")
    for question in (before, made):
        (line,) = tell_namesakes(question, KINDS)
        assert line.endswith(
            "Write them alike in the events, as by event_columns=event_type=lower(trim(their_column))."
        )
