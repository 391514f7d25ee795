"""What is noted of the named actions that were read: what they are, and where a source had lost their first days."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from lib.expressions.alike import spell_alike
from lib.expressions.named import NamedAction
from lib.tables.protocol import Tables

TABLE = "named_activity"
NOTE = "actions"  # property of the table: what it was read by


class Begin(NamedTuple):
    """Since when the source has a type, which was read from an earlier day on."""

    day: date
    stored: date

    def format(self, one: NamedAction) -> str:
        """What a person is told of it."""
        return (
            f"{one.name} begins on {self.day}: {one.event_type!r} was read from {self.stored} on, and the events no "
            f"longer hold what was before. Questions that name it learn from cutoffs after {self.day} alone."
        )


@dataclass(frozen=True)
class NamedNote:
    """The named actions that were read before."""

    actions: tuple[NamedAction, ...] = ()
    begins: Mapping[str, date] = field(default_factory=dict)  # by kind, of those whose first days the source had lost


def find_begins(
    actions: Sequence[NamedAction], now: Mapping[str, date], stored: Mapping[str, date]
) -> dict[str, Begin]:
    """Of actions, by kind, where the source has their type since a later day than is stored; each by event type."""
    begins = {}
    for one in actions:
        day, before = now.get(one.event_type), stored.get(one.event_type)
        if day and before and before < day:
            begins[one.kind] = Begin(day, before)
    return begins


def read_noted(tables: Tables) -> NamedNote:
    """The actions that were read before; without those whose rows stand under a kind that is spelled otherwise now."""
    text = tables.get_property(TABLE, NOTE)
    actions, begins = [], {}
    for one in json.loads(text) if text else []:
        action = NamedAction(one["name"], one["event_type"], spell_alike(one["name"], one["where"]), one["where"])
        if one.get("kind", action.kind) != action.kind:  # it has no rows: whoever asks has it read as a new one
            continue
        actions.append(action)
        if "begins" in one:
            begins[action.kind] = date.fromisoformat(one["begins"])
    return NamedNote(tuple(actions), begins)


def write_noted(tables: Tables, note: NamedNote) -> None:
    """Note the actions that are read, where others were before."""
    plain = []
    for one in note.actions:
        begins = {"begins": note.begins[one.kind].isoformat()} if one.kind in note.begins else {}
        plain.append({"kind": one.kind, "name": one.name, "event_type": one.event_type, "where": one.where} | begins)
    if (text := json.dumps(plain)) != tables.get_property(TABLE, NOTE):
        tables.set_property(TABLE, NOTE, text)
