"""What is noted with a pair: written and read back whole, by every version, and refused by name where it is broken."""

import json
import re

import pytest

from lib.errors import ContractBroken
from lib.models.notes import BEFORE_NOTED, PairNotes

WHOLE = PairNotes(
    reference={"cutoff": "2024-05-01", "rows": 3, "types": [], "columns": {}},
    sharpness=1.1,
    typical={"recency": 3.0},
    names={"buy__": "buy"},
    importances=[{"name": "buy", "mean": 0.1, "std": 0.0}],
    deciles=[{"decile": 1, "users": 2, "expected": 1.0, "observed": 1}],
    intervals={"auc": [0.7, 0.8]},
    adapts="2024-05-01",
    definition="4",
    probe={"rows": [[3.0]], "scores": [0.5]},
)


@pytest.mark.parametrize("notes", [WHOLE, PairNotes()], ids=["whole", "blank"])
def test_notes_come_back_as_they_were_written(notes):
    read = PairNotes.from_json(json.loads(json.dumps(notes.to_json())))
    assert read.to_json() == json.loads(json.dumps(notes.to_json()))


def test_a_pair_that_notes_no_definition_learnt_from_that_of_before_definitions_were_noted():
    assert PairNotes.from_json({"adapts": None}).definition == BEFORE_NOTED == "3"


def test_a_pair_of_an_earlier_version_has_the_defaults_and_of_a_later_one_what_is_known():
    assert PairNotes.from_json({"names": {"buy__": "buy"}, "adapts": None, "later": 1}) == PairNotes(
        names={"buy__": "buy"}
    )


@pytest.mark.parametrize(("note", "found"), [
    ("reference", []), ("sharpness", None), ("typical", "recency"), ("names", None), ("importances", {}),
    ("deciles", None), ("intervals", None), ("adapts", 3), ("definition", 4),
    ("probe", [0.5]),
])  # fmt: skip
def test_a_note_of_another_type_is_named(note, found):
    with pytest.raises(ContractBroken, match=re.escape(f"the note {note} of a pair holds {str(found)!r}")):
        PairNotes.from_json({note: found})
