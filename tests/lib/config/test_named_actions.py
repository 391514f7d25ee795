"""Actions of one's own: how they are written, what is refused, and what they make of a question."""

import pytest

from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.config.question_file import read_question_file
from lib.errors import ConfigError

PLAIN = {"action": "big_basket", "horizon_days": "28", "cohort_days": "90"}
BIG = "big_basket=basket WHERE value > 50"


def asked(actions=BIG, **texts):
    return Question.from_widgets((defaults() | PLAIN | {"actions": actions} | texts).__getitem__)


def test_a_question_knows_the_actions_that_it_names_and_no_others():
    question = asked(
        f"{BIG}, dairy='Order, paid' WHERE category IN ('milk', 'it''s'), c=d WHERE e", action="dairy,view"
    )
    (dairy,) = question.named
    assert (dairy.name, dairy.event_type, dairy.where) == ("dairy", "Order, paid", "category IN ('milk', 'it''s')")
    assert question.kinds == (dairy.kind, "view")
    assert question.source_types == ("Order, paid", "view")
    assert question.plain_actions == ("view",)
    before = asked(f"{BIG}, dairy=order WHERE d = 1", action="view", cohort_where="events('dairy', 28) = 0")
    assert [one.name for one in before.named] == ["dairy"]


def test_a_question_without_them_is_what_it_was():
    assert asked(action="buy") == asked("", action="buy")
    assert asked(action="buy").slug == "buy_28d_cohort90d"
    assert "actions" not in {name for name, text in asked(action="buy").texts().items() if text}


def test_a_question_says_what_its_actions_are_and_is_read_back_from_that():
    question = asked(action="big_basket,view", without="true")
    assert Question.of(question.texts()) == question
    assert str(question).endswith("in the last 90 days, where big_basket is basket WHERE value > 50")
    assert question.slug.startswith("no_big_basket_or_view_")


@pytest.mark.parametrize("kind", ["where", "Where", "WHERE", "where where", "it's", "and", "a, b", "höher"])
def test_any_event_type_is_read_back_from_what_a_question_says(kind):
    quoted = "'" + kind.replace("'", "''") + "'"
    question = asked(f"big_basket={quoted} WHERE value > 1")
    assert question.named[0].event_type == kind
    assert Question.of(question.texts()) == question


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("value > 50", " 50.0 <  VALUE "),
        ("value BETWEEN 1 AND 5", "value >= 1 and not value > 5"),
        ("category IN ('a', 'b')", "(category = 'b') OR category = 'a'"),
        ("category <> 'a'", "NOT (category = 'a')"),
        ("`value` > 50", '"value" > 50'),
    ],
)
def test_the_same_condition_written_otherwise_is_the_same_question(one, other):
    assert asked(f"big_basket=basket WHERE {one}").slug == asked(f"big_basket='basket' where {other}").slug


def test_another_definition_of_a_name_is_another_question():
    definitions = (
        BIG, "big_basket=basket WHERE value > 51", "big_basket=basket WHERE value >= 50",
        "big_basket=order WHERE value > 50",
        "big_basket=basket WHERE Properties.value > 50", "big_basket=basket WHERE value > '50'",
    )  # fmt: skip
    assert len({asked(text).slug for text in definitions}) == len(definitions)
    assert len({asked(text).kinds for text in definitions}) == len(definitions)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("big=basket", "actions: big must read like order WHERE value > 50, got 'basket'"),
        ("big=basket WHERE", "actions: big must read like order WHERE value > 50, got 'basket WHERE'"),
        ("big=WHERE value > 5", "actions: big must read like order WHERE value > 50, got 'WHERE value > 5'"),
        ("big", "actions must read like big_order=order WHERE value > 50; this part does not: 'big'"),
        ("Big=basket WHERE v > 1", "actions: a name is of small letters, digits and _, begins with a letter"),
        (f"{BIG}, {BIG}", "actions maps 'big_basket' twice"),
        ("a=a WHERE v > 1", "actions: a is made of 'a', which is a named action itself"),
        ("a=b WHERE v > 1, c=a WHERE v > 1", "actions: c is made of 'a', which is a named action itself"),
        ("a=b WHERE v > (SELECT 1)", r"actions: a: cannot read .*: queries are not read"),
        ("a=b WHERE foo(v) > 1", r"actions: a: cannot read .*: foo is not on the list of functions"),
        ("a=b WHERE substring(v) = 'x'", r"actions: a: cannot read .*: substring is called with 1 arguments"),
        ("a=b WHERE v = NULL", r"actions: a: cannot read .*: nothing is equal to NULL"),
        ("a=b WHERE v + 1", r"actions: a: cannot read .*: a condition is wanted"),
        ("a=b WHERE 2 > 1", r"actions: a: cannot read .*: it reads no column"),
        ("a=b WHERE v > 1; DROP TABLE t", r"actions: a: cannot read .*: one expression is read"),
        ("a=b WHERE v > 'x", r"actions: cannot read .*: this ' is not closed"),
        ("a='it''s'x' WHERE v > 1", "actions: cannot read|an event type with a quote in it stands in quotes"),
    ],
)
def test_what_is_no_definition_is_named(text, message):
    with pytest.raises(ConfigError, match=message):
        asked(text)


def test_an_action_is_not_counted_together_with_what_it_is_made_of():
    both = {"action": "big_basket,basket"}
    assert asked(**both).is_plain
    assert asked(**both, at_least="2", all_actions="true").needs_all
    for more in ({"at_least": "2"}, {"at_least_value": "10"}):
        with pytest.raises(ConfigError, match="action names big_basket and 'basket', of which it is made: at_least"):
            asked(**both, **more)


def test_more_than_models_can_be_tagged_with_is_refused():
    with pytest.raises(ConfigError, match="those that a question names must be at most 1,000 characters, got 1,0"):
        asked(f"big_basket=basket WHERE category = '{'x' * 990}'")


def test_a_file_says_them_for_all_questions_or_for_one_and_names_the_line_of_what_is_wrong(tmp_path):
    file = tmp_path / "propensity.yml"
    file.write_text(
        "actions:\n  big_basket: basket WHERE value > 50\n  dairy: basket WHERE category IN ('milk', 'cream')\n"
        "questions:\n  big: {action: big_basket}\n  milk: {action: dairy}\n"
        "  huge: {action: big_basket, actions: {big_basket: basket WHERE value > 500}}\n"
    )
    entries = read_question_file(file).entries
    slugs = [Question.of(defaults() | entry.texts).slug for entry in entries]
    assert len(set(slugs)) == 3
    file.write_text("action: big\nactions:\n  big: basket WHERE foo(value) > 50\n")
    with pytest.raises(ConfigError, match=r"propensity.yml, line 2, actions: .*foo is not on the list of functions"):
        read_question_file(file)
