"""What is asked: the same question however it is written, and words for it."""

import random

import pytest

from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.errors import ConfigError
from tests.builders import question_draws as draws

PLAIN = {"action": "buy", "horizon_days": "28", "cohort_days": "90"}


def asked(**texts):
    return Question.from_widgets((defaults() | PLAIN | texts).__getitem__)


def slug(**texts):
    return asked(**texts).slug


def test_a_question_of_before_keeps_its_name():
    assert slug() == "buy_28d_cohort90d"
    assert slug(cohort_days="all") == "buy_28d_cohortall"
    assert slug(action="view,buy") == slug(action="buy, view") == "buy_or_view_1ef8fa98_28d_cohort90d"


@pytest.mark.parametrize(
    "texts",
    [
        {"at_least": "1"}, {"all_actions": "true"}, {"all_actions": "false"}, {"without": "FALSE"},
        {"starts_in_days": "0"}, {"at_least_value": "none"}, {"cohort_where": "none"}, {"at_least": " "},
    ],
)  # fmt: skip
def test_what_says_nothing_changes_no_name(texts):
    assert slug(**texts) == "buy_28d_cohort90d"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"at_least_value": "50"}, {"at_least_value": "50.00"}),
        ({"action": "a,b", "all_actions": "true"}, {"action": "b,a", "all_actions": "TRUE"}),
        ({"cohort_where": "events('view',28)>2"}, {"cohort_where": "  EVENTS( 'view', 28 ) >= 3 "}),
        ({"cohort_where": "events('a') = 0 AND value('b') > 1"},
         {"cohort_where": "1 < value('b') and events('a') <= 0"}),
        ({"cohort_where": "days_since_last() BETWEEN 60 AND 180"},
         {"cohort_where": "(days_since_last() >= 60) AND NOT days_since_last() > 180"}),
        ({"cohort_where": "active_days() IN (1, 2)"}, {"cohort_where": "active_days() = 2 OR active_days() = 1.0"}),
    ],
)  # fmt: skip
def test_the_same_question_written_otherwise_is_the_same(one, other):
    assert slug(**one) == slug(**other)


@pytest.mark.parametrize(
    "texts",
    [
        {"without": "true"}, {"at_least": "2"}, {"at_least_value": "2"}, {"starts_in_days": "1"},
        {"cohort_where": "events('view', 28) > 2"}, {"cohort_where": "events('view', 28) > 3"},
        {"cohort_where": "value('view', 28) > 2"}, {"cohort_where": "value('view', 28) >= 3"},
        {"cohort_where": "events('view', 7) > 2"}, {"cohort_where": "events(28) > 2"},
        {"cohort_where": "active_days('view', 28) > 2"}, {"cohort_where": "events('View', 28) > 2"},
        {"cohort_where": "NOT events('view', 28) > 2"}, {"without": "true", "at_least": "2"},
        {"action": "buy,no_buy"}, {"action": "buy,no_buy", "all_actions": "true"},
    ],
)  # fmt: skip
def test_another_question_has_another_name(texts):
    every = [{}, {"without": "true"}, {"at_least": "2"}, {"cohort_where": "events('view', 28) > 2"}]
    assert [slug(**texts) == slug(**other) for other in every] == [texts == other for other in every]
    assert slug(**texts).replace("_", "").isalnum()


def test_drawn_questions_have_one_name_each():
    rng, seen = random.Random(5), {}
    for _ in range(400):
        made = draws.draw(rng.randrange(10**9))
        same = draws.rewrite(made.texts, rng)
        name = slug(**made.texts)
        assert name == slug(**same), (made.texts, same)
        other = seen.setdefault(name, made)
        assert draws.meaning(other.texts) == draws.meaning(made.texts)
        assert draws.says_the_same(other, made, range(3)), (other.texts, made.texts)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({}, "buy within 28 days, users active in the last 90 days"),
        ({"without": "true"}, "no buy within 28 days, users who did buy in the last 90 days"),
        ({"without": "true", "cohort_days": "all", "action": "a,b"},
         "no a or b within 28 days, users who ever did a or b"),
        ({"action": "a,b", "all_actions": "true", "at_least": "2"},
         "a and b at least 2 times each within 28 days, users active in the last 90 days"),
        ({"action": "a,b", "all_actions": "true", "without": "true"},
         "not both a and b within 28 days, users who did a and b in the last 90 days"),
        ({"at_least_value": "12.50", "starts_in_days": "7"},
         "buy worth at least 12.5 within 28 days, beginning 7 days later, users active in the last 90 days"),
        ({"cohort_where": "events('buy') = 0", "cohort_days": "all"},
         "buy within 28 days, all users ever seen of whom the number of buy events ever is 0"),
    ],
)  # fmt: skip
def test_a_question_is_told_in_words(texts, words):
    assert str(asked(**texts)) == words


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"at_least": "0"}, "at_least must be a whole number >= 1, got '0'."),
        ({"at_least_value": "0"}, "at_least_value must be a number above 0, of at most 12 digits and 6 decimals, got "
         "'0'."),
        ({"at_least_value": "2,5"}, "got '2,5'. Write decimals with a point."),
        ({"at_least_value": "0.0000001"}, "got '0.0000001'."),
        ({"without": "no"}, "without must be false or true, got 'no'."),
        ({"starts_in_days": "3640"}, "starts_in_days and horizon_days are 3668 days together, got 3640 and 28. "
                                     "Ask about at most 3650."),
        ({"cohort_where": "events('view', 28)"}, "cohort_where: cannot read \"events('view', 28)\" at character 1: a "
         "condition is wanted, this is a number; write one like events('buy', 28) >= 2."),
        ({"cohort_where": "events('view', 0) > 1"}, "a window is a whole number of days from 1 to 3650, written out."),
        ({"cohort_where": "events(view) > 1"}, "a window is a whole number of days from 1 to 3650, written out."),
        ({"cohort_where": "events('view', 28, 7) > 1"}, "events is written events('buy', 28), events('buy'), "
         "events(28) or events()."),
        ({"cohort_where": "days_since_last('buy', 7) > 1"}, "days_since_last is written days_since_last('buy') or "
         "days_since_last()."),
        ({"cohort_where": "events('') > 3"}, "events is given a blank event type."),
        ({"cohort_where": "event('view') > 3"}, "event is not on the list of functions"),
        ({"cohort_where": "round(value('view'), 2) > 3"}, "round is not read in a condition on users: compare what is "
         "there."),
        ({"cohort_where": "events() > 1 " + "AND events() > 1 " * 70}, "cohort_where must be at most 1,000 characters, "
         "got 1,202. Simplify it."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_name(texts, message):
    with pytest.raises(ConfigError) as refused:
        asked(**texts)
    assert message in str(refused.value)


@pytest.mark.parametrize("seed", range(20))
def test_a_question_is_read_back_from_its_own_texts(seed):
    question = asked(**draws.draw(seed).texts)
    again = asked(**question.texts())
    assert (again, again.slug, str(again)) == (question, question.slug, str(question))


@pytest.mark.parametrize(("texts", "words"), [
    ({}, "did buy"), ({"without": "true"}, "did not do buy"),
    ({"action": "a,b", "at_least": "3"}, "did a or b at least 3 times"),
])  # fmt: skip
def test_what_those_of_label_1_did_is_told(texts, words):
    assert asked(**texts).came_true == words
