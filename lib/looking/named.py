"""Whether the events can tell named actions: known of files without Spark, by their columns alone."""

from lib.config.events import Events
from lib.config.question import Question
from lib.expressions.kinds import Type
from lib.features.named_rows import check_readable
from lib.looking.relations import connect, open_files
from lib.sources.files import is_place


def check_files_tell(events: Events, question: Question) -> None:
    """Refuse actions of a question of whose columns no source has any; nothing is said where that is not seen here.

    JSON is not looked at: which columns it has, only all of it tells. Nor are tables.

    Raises
    ------
    ConfigError, SourceError
        As `check_readable`, or where the files are no sound ones.
    """
    if not question.named:
        return
    engine, types = connect(), list[dict[str, Type]]()
    for one in events.sources:
        if not is_place(one.events):
            return
        rows = open_files(engine, one.events, one.event_options)
        if not rows:
            return
        types += [part.types for part in rows]
    check_readable(question.named, types)
