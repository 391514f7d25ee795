"""How the features of a table are computed: noted with it, because cached ones are good only while that stays."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from lib.features.vocabulary import DEFINITION, Vocabulary, choose_vocabulary
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql, texts_sql

DEFINED = "computed"  # property of features
EXTRACTION = "extraction"  # how properties begin that say what an extraction prepared; blank: no longer stands
Seen = Mapping[str, Sequence[tuple[date, int]]]  # event type -> users who showed it first on a day


@dataclass(frozen=True)
class Definition:
    """What decides the values of features besides the activity."""

    version: str  # raised with the meaning of a value
    max_event_types: int
    pinned: tuple[str, ...]  # actions ever asked about, sorted: each keeps columns of its own

    def vocabulary(self, first_seen: Seen, cutoff: date) -> Vocabulary:
        """The event types of one cutoff."""
        return choose_vocabulary(first_seen, cutoff, self.max_event_types, self.pinned)

    def with_pinned(self, actions: Sequence[str]) -> "Definition":
        """The same with these actions pinned too."""
        return replace(self, pinned=tuple(sorted({*self.pinned, *actions})))


def write_definition(tables: Tables, definition: Definition) -> None:
    """Keep a definition with the table of features, unless it is there."""
    if read_definition(tables) != definition:
        tables.set_property("features", DEFINED, json.dumps(asdict(definition)))


def read_definition(tables: Tables) -> Definition | None:
    """The definition of the features that are there; None without any."""
    text = tables.get_property("features", DEFINED)
    if text is None:
        return None
    raw = json.loads(text)
    return Definition(raw["version"], raw["max_event_types"], tuple(raw["pinned"]))


def drop_features(tables: Tables, where: str) -> None:
    """Delete cached features, after the notes of all extractions: no stage may work on what is left of them.

    Those of named actions go first: where a kill leaves the others, these are asked for again.
    """
    _blank_notes(tables)
    for name in ("named_features", "features"):
        if tables.exists(name):
            tables.delete(name, where)


def drop_named(tables: Tables, kinds: Sequence[str]) -> None:
    """Delete the cached features of some named actions, after the notes of all extractions."""
    if kinds and tables.exists("named_features"):
        _blank_notes(tables)
        tables.delete("named_features", f"event_type IN ({texts_sql(kinds)})")


def _blank_notes(tables: Tables) -> None:
    if notes := extraction_notes(tables):
        tables.set_properties("features", dict.fromkeys(notes, ""))


def extraction_notes(tables: Tables) -> dict[str, str]:
    """What extractions have noted and stands, by the names of the properties; earlier versions had one for all."""
    notes = tables.properties("features")
    return {key: text for key, text in notes.items() if text and key.partition(".")[0] == EXTRACTION}


def renew_definition(
    tables: Tables, max_event_types: int, actions: Sequence[str], first_seen: Seen, as_of: date
) -> Definition:
    """Settle how features are computed from now on, and delete the cached ones that were computed otherwise.

    These are all of them where their values mean something else now, else those of the cutoffs that know an action
    which is asked about for the first time: they lack its columns. Cutoffs after as_of count among the latter: which
    types they know cannot be seen from here.
    """
    before = read_definition(tables)
    wanted = Definition(DEFINITION, max_event_types, before.pinned if before else ()).with_pinned(actions)
    if before is None or replace(before, pinned=wanted.pinned) != wanted:
        drop_features(tables, "1 = 1")
        return wanted
    new = set(wanted.pinned) - set(before.pinned)
    if new:
        stored = tables.query("SELECT DISTINCT cutoff FROM {features}")["cutoff"]
        stale = [day for day in stored if day > as_of or new & before.vocabulary(first_seen, day).known]
        if stale:
            drop_features(tables, f"cutoff IN ({days_sql(stale)})")
        # Before new rows: a kill in between must not leave columns that the note knows nothing of.
        write_definition(tables, wanted)
    return wanted
