"""Times as people and exports write them elsewhere than in ISO: as a day like 31.12.2024, or counted from 1970 on."""

import re
from collections.abc import Sequence

EPOCHS = {10: "timestamp_seconds", 13: "timestamp_millis", 16: "timestamp_micros"}  # by the number of digits
DAY = re.compile(  # its first number is the day or the month
    r"(?P<first>\d{1,2})(?P<sep>[./-])(?P<second>\d{1,2})[./-]\d{4}"
    r"(?: (?P<hour>\d{1,2})(?P<minute>:\d\d)?(?P<seconds>:\d\d)?)?"
)
MONTHS = 12


def write_pattern(days: Sequence[re.Match[str]], *, month_first: bool) -> str:
    """The pattern that reads times which `DAY` has matched, for `parse_time`; the first one tells of the clock."""
    two_digits = all(len(day["first"]) == len(day["second"]) == 2 for day in days)
    letters = [letter * (1 + two_digits) for letter in ("Md" if month_first else "dM")]
    first = days[0]
    hour = " HH" if all(len(day["hour"] or "") == 2 for day in days) else " H"
    clock = hour + ":mm" * bool(first["minute"]) + ":ss" * bool(first["seconds"])
    return first["sep"].join([*letters, "yyyy"]) + clock * bool(first["hour"])
