"""Event types that people take for one, and that count apart: by capitals, blanks, or how a letter is composed."""

import unicodedata
from collections.abc import Collection

from lib.config.event_kinds import quote_name
from lib.config.question import Question


def find_namesakes(kind: str, kinds: Collection[str]) -> list[str]:
    """Those of some event types that read as one does, and are others."""
    return sorted(other for other in kinds if other != kind and _read(other) == _read(kind))


def find_groups(kinds: Collection[str]) -> list[tuple[str, ...]]:
    """Event types that read alike, in order."""
    groups: dict[str, list[str]] = {}
    for kind in sorted(kinds):
        groups.setdefault(_read(kind), []).append(kind)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def tell_namesakes(question: Question, kinds: Collection[str]) -> list[str]:
    """What a person should know of event types that a question may have meant as well, and does not count."""
    before = question.cohort_where.event_types if question.cohort_where else ()
    asked = dict.fromkeys([*question.source_types, *(question.kind_of(kind) for kind in before)])
    lines = []
    for kind in asked:
        others = [other for other in find_namesakes(kind, kinds) if other not in asked]
        if others:
            listed = ", ".join(map(repr, others))
            way = f"action={','.join(map(quote_name, [kind, *others]))} counts all" if kind in question.actions else (
                "Write them alike in the events, as by event_columns=event_type=lower(trim(their_column))"
            )  # fmt: skip
            lines.append(
                f"the events also have {listed}, which differs from {kind!r} in capitals or blanks alone, and does not "
                f"count: {way}."
            )
    return lines


def _read(kind: str) -> str:
    """A name as it is read aloud."""
    return " ".join(unicodedata.normalize("NFKC", kind).casefold().split())
