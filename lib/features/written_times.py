"""Times as people and exports write them elsewhere than in ISO, or counted from 1970 on: which pattern reads them."""

import re
from collections.abc import Sequence

EPOCHS = {10: "timestamp_seconds", 13: "timestamp_millis", 16: "timestamp_micros"}  # by the number of digits
MONTHS = 12
_DAYS = (  # each of the ways in which a day is written
    r"(?P<first>\d{1,2})(?P<sep>[./-])(?P<second>\d{1,2})(?P=sep)\d{4}",  # its first number is the day or the month
    r"\d{4}(?P<sep>[./-])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})",
    r"(?P<day>\d{1,2})(?P<sep>[ -])(?P<name>[A-Za-z]{3,9})(?P=sep)\d{4}",
    r"(?P<name>[A-Za-z]{3,9}) (?P<day>\d{1,2}), \d{4}",
    r"(?P<packed>(?:19|20)\d{6})",
)
_CLOCK = (
    r"(?:(?P<gap>, | |T)(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<seconds>\d\d)(?P<fraction>\.\d{1,6})?)?)?"
    r"(?P<half> ?[AaPp][Mm])?)?"
)
_ZONE = r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_FORMS = tuple(re.compile(day + _CLOCK + _ZONE) for day in _DAYS)
Written = re.Match[str]


def write_epoch(text: str, digits: int, *, has_point: bool) -> str:
    """The expression that reads a column of texts that count from 1970 on, with so many digits before the point."""
    per_second = 10 ** (digits - min(EPOCHS))
    if not has_point:
        return f"{EPOCHS[digits]}(to_int({text}))"
    return f"timestamp_seconds(to_number({text}){f' / {per_second}' if per_second > 1 else ''})"


def match_time(text: str) -> Written | None:
    """How a text is written that is a time, but no ISO one; None where none of the ways fits."""
    return next((match for form in _FORMS if (match := form.fullmatch(text.strip()))), None)


def tells_order(written: Sequence[Written]) -> bool | None:
    """Whether the month comes first; None where that cannot be told, or no number is a month."""
    first, second = (max((int(one.groupdict().get(place) or 0) for one in written), default=0)
                     for place in ("first", "second"))  # fmt: skip
    return None if (first > MONTHS) == (second > MONTHS) else second > MONTHS


def write_pattern(written: Sequence[Written], *, month_first: bool) -> str:
    """The pattern that reads times that are written alike, for `parse_time`; the first one tells of signs."""
    first = written[0]
    parts = first.groupdict()
    sep, day, month = parts.get("sep") or "", _letters(written, "d"), _letters(written, "M")
    if parts.get("packed"):
        date = "yyyyMMdd"
    elif parts.get("first"):
        date = sep.join([*((month, day) if month_first else (day, month)), "yyyy"])
    elif parts.get("name"):
        name = "MMM" if len(parts["name"]) <= len("MMM") else "MMMM"
        date = sep.join([day, name, "yyyy"]) if sep else f"{name} {day}, yyyy"
    else:
        date = sep.join(["yyyy", month, day])
    return date + _clock(written, parts) + _zone(parts)


def _letters(written: Sequence[Written], letter: str) -> str:
    """Two letters where each has two digits."""
    places = {"d": ("first", "second", "day"), "M": ("first", "second", "month")}[letter]
    numbers = [text for one in written for place in places if (text := one.groupdict().get(place))]
    return letter * (2 if all(len(text) == 2 for text in numbers) else 1)


def _clock(written: Sequence[Written], parts: dict[str, str | None]) -> str:
    if not parts["hour"]:
        return ""
    letter = "h" if parts["half"] else "H"
    hour = letter * (2 if all(len(one["hour"] or "") == 2 for one in written) else 1)
    digits = max(len(one["fraction"] or ".") - 1 for one in written)
    seconds = ":ss" * bool(parts["seconds"]) + ("." + "S" * digits) * bool(digits)
    half = (parts["half"] or "")[:-2] + "a" * bool(parts["half"])
    return f"{parts['gap']}{hour}" + ":mm" * bool(parts["minute"]) + seconds + half


def _zone(parts: dict[str, str | None]) -> str:
    zone = parts["zone"] or ""
    name = zone.strip()
    if name[:1] in ("+", "-", "Z") and name:
        return zone.removesuffix(name) + ("XXX" if ":" in name or name == "Z" else "XX")
    return zone.removesuffix(name) + (f"''{name}''" if name else "")
