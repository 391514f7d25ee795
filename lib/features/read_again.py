"""Days that were read and are to be read again, since the load that brought them was undone and no version is left.

Noted with the activity. It stands as it is until a run has read them: a source that no longer has them is refused.
"""

from datetime import date

from lib.errors import SourceError
from lib.features.loads import EventCounts
from lib.tables.protocol import Tables

READ_AGAIN = "read_again_from"  # property of daily_activity: the first of these days; blank: none


def note_read_again(tables: Tables, first: date) -> date:
    """Let the next run read all known days from one on again; the first of all that are noted by then."""
    noted = read_noted_again(tables)
    earliest = min(first, noted) if noted else first
    tables.set_property("daily_activity", READ_AGAIN, earliest.isoformat())
    return earliest


def read_noted_again(tables: Tables) -> date | None:
    """The first of the days to read again; None where there are none."""
    text = tables.get_property("daily_activity", READ_AGAIN)
    return date.fromisoformat(text) if text else None


def without_again(stored: EventCounts, first: date | None) -> EventCounts:
    """What is stored of the days that are not to be read again."""
    return stored if first is None else {days: n for days, n in stored.items() if days[0] < first}


def check_has_again(source: str, stored: EventCounts, first: date, begins: date | None, as_of: date) -> None:
    """Refuse a source that no longer has the days to read again: those that are stored must not be lost.

    Parameters
    ----------
    stored : all that is stored
    begins : the source's own first day, which may be there in part; None: it holds nothing

    Raises
    ------
    SourceError
        The message names the days.
    """
    known = [known_day for known_day, _ in stored if known_day < as_of]
    needed = min((day for day in known if day >= first), default=None)
    if needed is None or (begins is not None and (begins < needed or begins <= min(known))):
        return
    raise SourceError(
        f"A load was undone, and the days from {needed} on have to be read again, whole. The events {source!r} "
        f"{f'begin on {begins} by now' if begins else 'hold nothing'}. Nothing was changed. Bring the older events "
        "back, or drop daily_activity and features, so that all begins with what is left: see Starting over in "
        "docs/operations.md."
    )
