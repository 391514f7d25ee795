"""What is said to somebody whose value cannot be read: the form that is wanted, or how to say that it has another."""

import re
from collections.abc import Mapping

from lib.features.shapes import NOTHING
from lib.features.source import Reading
from lib.features.written_numbers import find_number
from lib.features.written_times import EPOCHS, match_time, tells_order, write_epoch, write_pattern

NULL_TEXTS = ("nan", "none", "null", "<na>", "\\n", "(not set)", "undefined", "n/a", "nil", "(null)", "#n/a")
ROUNDED = r"^[0-9](\.[0-9]+)?E\+[0-9]+$"  # an id that was a number of many digits, as a spreadsheet shows and saves it
ZEROED = "^0[0-9]+$"  # one that loses its zeros where it is taken for a number
_TIME = "2024-06-01 10:00:00, with an offset or without"
_FORMS: Mapping[str, str] = {
    "event_time": _TIME, "known_at": _TIME, "value": "12.50", "count": "a whole number from {least} on",
    "row": "as many fields as the header has",
}  # fmt: skip


def format_hint(column: str, shown: str, reading: Reading) -> str:
    """A remark in brackets, blank where there is none."""
    theirs = reading.columns.get(column, column)
    if "(" in theirs:  # an expression: whoever wrote it knows what it reads
        return ""
    if shown == NOTHING or column not in _FORMS:
        return ""
    own = write_column(theirs)
    if column in ("event_time", "known_at"):
        hint = _of_time(column, shown, own)
    else:
        hint = _of_value(shown, own) if column == "value" else None
    return f" ({hint or f'wanted: {_FORMS[column].format(least=0 if reading.unpivot else 1)}'})"


def write_column(name: str) -> str:
    """A column as an expression names it, whatever it is called; one in quotes already stays."""
    return name if re.fullmatch(r"[A-Za-z_]\w*|`.*`|\".*\"", name) else f"`{name.replace('`', '``')}`"


def _of_time(column: str, shown: str, own: str) -> str | None:
    whole, point, _ = shown.strip().partition(".")
    if re.fullmatch("[0-9]+([.][0-9]+)?", shown.strip()) and len(whole) in EPOCHS:
        return (
            f"if that counts from 1970 on: event_columns={column}={write_epoch(own, len(whole), has_point=bool(point))}"
        )
    if (written := match_time(shown)) is None:
        return None
    month_first = tells_order([written])
    pattern = write_pattern([written], month_first=bool(month_first))
    order = (
        f" the {'month' if month_first else 'day'} comes first" if written.groupdict().get("first") else " it is a time"
    )
    return f"if{order}: event_columns={column}=parse_time({own}, '{pattern}')"


def _of_value(shown: str, own: str) -> str | None:
    if re.fullmatch(r"-?[0-9]*,[0-9]+", shown) and not re.fullmatch(r"-?[0-9]{1,3},[0-9]{3}", shown):
        return "if the comma is the decimal sign: event_options=decimal=','"
    if shown.lower() in NULL_TEXTS:
        return f"if that is none: event_columns=value=to_number(nullif({own}, '{shown}'))"
    if meant := find_number(shown, own):
        number, expression = meant
        return f"if that is {number}: event_columns=value={expression}"
    return None
