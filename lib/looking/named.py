"""Whether the events can tell named actions: known of files without Spark."""

import os
from collections.abc import Sequence
from dataclasses import replace

from lib.config.events import Events, EventSource
from lib.config.question import Question
from lib.features.named_rows import check_readable, refuse_taken
from lib.features.shapes import map_counts, map_parts
from lib.looking.columns import shaped_sql
from lib.looking.relations import Rows, connect, find_values, open_files
from lib.sources.files import is_place

MOST_BYTES = 200_000_000  # of files that are looked through for an event type; of larger ones the run says it


class SeenFiles:
    """Files of sources, each looked at once, however many questions ask about them."""

    def __init__(self) -> None:
        self._engine = connect()
        self._rows: dict[str, list[Rows]] = {}
        self._types: dict[str, frozenset[str]] = {}

    def rows(self, source: EventSource) -> list[Rows]:
        """Its parts; none where their columns are not seen here: of tables, and of what has to be read whole."""
        key = repr((source.events, source.event_options))
        if key not in self._rows:
            is_file = is_place(source.events)
            self._rows[key] = open_files(self._engine, source.events, source.event_options) if is_file else []
        return self._rows[key]

    def event_types(self, source: EventSource) -> frozenset[str]:
        """The event types in it, where it is small enough to be looked through."""
        key, rows = repr(source), self.rows(source)
        if key not in self._types:
            is_small = sum(os.path.getsize(file) for part in rows for file in part.files) <= MOST_BYTES
            self._types[key] = find_values(self._engine, _types_sql(source, rows)) if is_small else frozenset()
        return self._types[key]


def check_files_tell(events: Events, question: Question, seen: SeenFiles) -> None:
    """Refuse actions of a question of whose columns no source has any, or that are called as an event type is.

    Nothing is said where that is not seen here.

    Raises
    ------
    ConfigError, SourceError
        As `check_readable` and `refuse_taken`, or where the beginning of a file is no sound one.
    """
    if not question.named or not all(map(seen.rows, events.sources)):
        return
    check_readable(question.named, [part.types for one in events.sources for part in seen.rows(one)])
    for source in events.sources:
        if taken := sorted({one.name for one in question.named} & seen.event_types(source)):
            refuse_taken(taken[0])


def _types_sql(source: EventSource, rows: Sequence[Rows]) -> str:
    """SQL for the event types of a source."""
    mapping, types = source.mapping, [part.types for part in rows]
    both = zip(map_parts(mapping.columns, types), map_counts(mapping.unpivot, types), strict=True)
    known = [replace(mapping, columns=columns, unpivot=counts) for columns, counts in both]
    shaped = " UNION ALL ".join(
        f"SELECT event_type FROM ({shaped_sql(part, own, source.time_zone)})"
        for part, own in zip(rows, known, strict=True)
    )
    return f"SELECT DISTINCT event_type FROM ({shaped}) WHERE event_type IS NOT NULL"
