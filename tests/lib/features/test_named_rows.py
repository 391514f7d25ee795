"""Which named actions a run reads: those that it asks for, or it is refused; those of before while that goes well."""

from datetime import date
from types import SimpleNamespace

import pytest

from lib.config.question_kinds import named_actions
from lib.errors import ConfigError, SourceError
from lib.features.named_note import NamedNote
from lib.features.named_rows import Unclear, choose_named, settle_unclear

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
