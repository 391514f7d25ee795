"""Whether the events can tell named actions: known of files without Spark."""

import os
from collections.abc import Sequence
from dataclasses import replace

from lib.config.events import Events, EventSource
from lib.config.question import Question
from lib.expressions.kinds import Type
from lib.features.named_rows import check_readable, refuse_taken
from lib.features.shapes import map_counts, map_parts
from lib.looking.columns import shaped_sql
from lib.looking.relations import Rows, connect, find_value, open_files
from lib.sources.files import is_place
from lib.tables.sql import text_literal

MOST_BYTES = 200_000_000  # of files that are looked through for an event type; of larger ones the run says it


def check_files_tell(events: Events, question: Question) -> None:
    """Refuse actions of a question of whose columns no source has any, or that are called as an event type is.

    Nothing is said where that is not seen here: of tables, and of JSON, of which only all tells the columns.

    Raises
    ------
    ConfigError, SourceError
        As `check_readable` and `refuse_taken`, or where the files are no sound ones.
    """
    if not question.named:
        return
    engine, types = connect(), list[dict[str, Type]]()
    names = [one.name for one in question.named]
    opened = []
    for one in events.sources:
        rows = open_files(engine, one.events, one.event_options) if is_place(one.events) else []
        if not rows:
            return
        types += [part.types for part in rows]
        opened.append((one, rows))
    check_readable(question.named, types)
    for one, rows in opened:
        if sum(os.path.getsize(file) for part in rows for file in part.files) <= MOST_BYTES:
            taken = find_value(engine, _types_sql(one, rows, names))
            if taken:
                refuse_taken(taken)


def _types_sql(source: EventSource, rows: Sequence[Rows], names: Sequence[str]) -> str:
    """SQL for events of some types."""
    mapping, types = source.mapping, [part.types for part in rows]
    both = zip(map_parts(mapping.columns, types), map_counts(mapping.unpivot, types), strict=True)
    known = [replace(mapping, columns=columns, unpivot=counts) for columns, counts in both]
    shaped = " UNION ALL ".join(
        f"SELECT event_type FROM ({shaped_sql(part, own, source.time_zone)})"
        for part, own in zip(rows, known, strict=True)
    )
    return f"SELECT event_type FROM ({shaped}) WHERE event_type IN ({', '.join(map(text_literal, names))}) LIMIT 1"
