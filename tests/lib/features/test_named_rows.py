"""Which named actions a run reads: those that it asks for, or it is refused; those of before while that goes well."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from lib.config.question_kinds import named_actions
from lib.errors import ConfigError, SourceError
from lib.expressions.alike import spell_alike
from lib.features.named_note import NamedNote, read_noted, write_noted
from lib.features.named_rows import Unclear, choose_named, settle_unclear
from lib.tables.contracts import NAMED_ACTIVITY
from lib.tables.memory import MemoryTables
from tests.builders.runs import activity

BIG, ODD = named_actions().read("actions", "big=buy WHERE points > 50, odd=buy WHERE to_number(note) > 3")
DAY = date(2024, 3, 1)


def part(points="bigint"):
    return SimpleNamespace(types={"user_id": "string", "note": "string", "points": points})


def chosen(*asked, points="bigint", anew=False, noted=(BIG, ODD)):
    return choose_named(asked, [part(points)], NamedNote(noted, {BIG.kind: DAY}), anew=anew)


def test_what_was_read_before_is_read_on_and_what_is_new_is_told():
    named = chosen(ODD, noted=(BIG,))
    assert (named.actions, named.new, named.asked) == ((BIG, ODD), {ODD.kind}, {ODD.kind})
    assert (named.begins, named.notes) == ({BIG.kind: DAY}, ())
    again = chosen(ODD, anew=True)
    assert (again.new, again.begins) == ({BIG.kind, ODD.kind}, {})


def test_a_column_of_another_type_stops_whoever_asks_and_nobody_else():
    named = chosen(ODD, points="string")
    assert (named.actions, named.new, named.begins) == ((ODD,), set(), {})
    (note,) = named.notes
    assert note.startswith(
        "big (buy WHERE points > 50) is read no longer, and no question of this run names it. actions: big: cannot read"
    )
    assert "> was given a text, a whole number" in note
    with pytest.raises(ConfigError, match=r"actions: big: cannot read .*: > was given a text, a whole number"):
        chosen(BIG, points="string")


def test_rows_that_cannot_be_told_stop_whoever_asks_and_nobody_else():
    unclear = {ODD.kind: Unclear(2, 40, "free")}
    said = "actions: a condition cannot be read in 2 of 40 rows, such as 'odd: free'"
    with pytest.raises(SourceError, match=rf"{said}. Nothing was written. Say in the condition what is meant there"):
        settle_unclear(chosen(ODD), unclear, 0.049)
    left = settle_unclear(chosen(ODD), unclear, 0.05)
    assert (left.actions, left.notes) == ((BIG, ODD), (f"{said}; they count as not meant.",))
    gone = settle_unclear(chosen(BIG), unclear, 0.049)
    assert (gone.actions, gone.begins) == ((BIG,), {BIG.kind: DAY})
    assert gone.notes == (
        "odd (buy WHERE to_number(note) > 3) is read no longer, and no question of this run names it. " + said + ".",
    )


def test_an_action_whose_condition_is_spelled_otherwise_now_is_a_new_one(monkeypatch):
    """Its rows stand under the kind of before: it would be taken for read, and have none."""
    tables = MemoryTables()
    tables.replace("named_activity", activity().select(list(NAMED_ACTIVITY)), "1 = 1")
    write_noted(tables, NamedNote((BIG, ODD), {BIG.kind: DAY}))
    assert read_noted(tables) == NamedNote((BIG, ODD), {BIG.kind: DAY})
    monkeypatch.setattr("lib.features.named_note.spell_alike", lambda what, where: f"({spell_alike(what, where)})")
    assert read_noted(tables) == NamedNote()
    again = replace(BIG, same=f"({BIG.same})")
    assert choose_named([again], [part()], read_noted(tables), anew=False).new == {again.kind}
