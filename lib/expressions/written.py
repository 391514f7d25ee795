"""Values that are written out: numbers, and the times that texts stand for beside times."""

import re
from datetime import UTC, date, datetime

from lib.expressions.kinds import Kind
from lib.expressions.tree import Constant

_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_DAY_LENGTH = 10


class Unwritten(ValueError):
    """What was written is no such value; says how one is written."""


def read_number(text: str) -> Constant:
    """A whole number where it is written as one, else a number."""
    if re.fullmatch(r"-?\d+", text, re.ASCII):
        if not -(2**63) <= int(text) < 2**63:
            raise Unwritten("a whole number has at most 63 bits: write 1e20 for a number that large, or a text")
        return Constant(int(text), Kind.INT)
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII) or float(text) in (1e999, -1e999):
        raise Unwritten("this is no number: write one like 1000, 0.5 or 1e6")
    return Constant(float(text), Kind.NUMBER)


def read_time(text: str, kind: Kind | None = None) -> Constant:
    """A date like 2024-06-01 or a time like 2024-06-01 10:00:00; with `kind`, only that."""
    text = text.strip(" ")
    wanted = "a date like 2024-06-01" + (" or a time like 2024-06-01 10:00:00" if kind != Kind.DAY else "")
    try:
        if not _TIME.fullmatch(text) or (kind == Kind.DAY and len(text) != _DAY_LENGTH):
            raise Unwritten(f"{text!r} is not {wanted}")
        if len(text) == _DAY_LENGTH and kind != Kind.TIME:
            return Constant(date.fromisoformat(text), Kind.DAY)
        moment = datetime.fromisoformat(text)
        return Constant((moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None), Kind.TIME)
    except (ValueError, OverflowError):
        raise Unwritten(f"{text!r} is not {wanted}") from None
