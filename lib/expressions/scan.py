"""Look over a text, quote by quote and bracket by bracket: what no expression holds is refused here, before parsing."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NoReturn

from lib.errors import ConfigError

LONGEST = 2000  # characters of one expression
DEEPEST = 30  # brackets within brackets
QUOTES = "'\"`"
_SIGNS = re.compile(r"[\w\s()+*/%,.=<>!|'\"`-]")
_REFUSED = (  # what people write elsewhere; the first that is found explains best
    ("--", "comments are not read: leave it out"),
    ("/*", "comments are not read: leave it out"),
    ("->", "neither functions of one's own nor arrows are read: json_text(column, '$.a') reads a field of JSON"),
    ("=>", "arguments have no names: write them in the order of docs/expressions.md"),
    ("<=>", "write x = y, or x IS NULL"),
    ("::", "write to_int(x), to_number(x) or to_text(x) instead of a cast"),
    (";", "one expression is read, not several statements"),
    ("[", "a field of a struct is written properties.price, one of JSON json_text(column, '$.a')"),
    ("{", "nothing is filled in: write the value itself"),
    ("$", "nothing is filled in: write the value itself"),
    ("?", "nothing is filled in: write the value itself"),
    ("@", "nothing is filled in: write the value itself"),
    (":", "nothing is filled in: write the value itself"),
)


def refuse(what: str, text: str, at: int, why: str) -> NoReturn:
    """Refuse a text: what it is, where, as it was found, and the way out."""
    rest = text[at : at + 40] or text[-40:]
    raise ConfigError(f"{what}: cannot read {rest!r} at character {at + 1}: {why}.") from None


def outside(what: str, text: str) -> Iterator[tuple[int, str, int]]:
    """Each character that stands outside quotes: where, what, and how many brackets are open before it.

    Raises
    ------
    ConfigError
        If a quote or a bracket is not closed, or a bracket was never opened.
    """
    opened: list[int] = []
    quote, since = "", 0
    for at, sign in enumerate(text):
        if quote:  # a doubled quote closes and opens again at once, which is the same
            quote = "" if sign == quote else quote
            continue
        if sign in QUOTES:
            quote, since = sign, at
        yield at, sign, len(opened)
        if sign == "(":
            opened.append(at)
        elif sign == ")":
            if not opened:
                refuse(what, text, at, "this bracket was never opened")
            opened.pop()
    if quote:
        way = "in a text write it twice, put a name that holds it in backticks"
        refuse(what, text, since, f"this {quote} is not closed; {way}")
    if opened:
        refuse(what, text, opened[-1], "this bracket is not closed")


def check_signs(what: str, text: str) -> None:
    """Refuse what no expression holds, outside quotes, and any that is too long or too deep."""
    if not text.strip():
        raise ConfigError(f"{what} is blank. Write an expression, like value / 100.")
    if len(text) > LONGEST:
        raise ConfigError(f"{what} has {len(text)} characters, at most {LONGEST} are read: {text[:40]!r}. Shorten it.")
    for at, sign in enumerate(text):
        if (ord(sign) < 32 and sign not in "\t\r\n") or 0xD800 <= ord(sign) < 0xE000 or sign == "\x7f":
            refuse(what, text, at, "control characters are not read: leave it out")
    for at, sign, depth in outside(what, text):
        for written, why in _REFUSED:
            if text.startswith(written, at):
                refuse(what, text, at, why)
        if not _SIGNS.match(sign) or (sign == "!" and text[at + 1 : at + 2] != "="):
            refuse(what, text, at, "this sign means nothing here; a name that holds it is written in backticks")
        if depth > DEEPEST:
            refuse(what, text, at, f"brackets stand in each other more than {DEEPEST} deep: simplify it")


def split_parts(what: str, text: str) -> list[str]:
    """The parts of a text between commas, without blank ones; commas in quotes and brackets part nothing.

    Raises
    ------
    ConfigError
        If a quote or bracket is not closed.
    """
    commas = [at for at, sign, depth in outside(what, text) if sign == "," and not depth]
    ends = [-1, *commas, len(text)]
    return list(filter(None, (text[start + 1 : end].strip() for start, end in pairwise(ends))))


def split_mapping(what: str, text: str, like: str = "user_id=customer,event_time=ts") -> dict[str, str]:
    """Read `ours=theirs` pairs with commas between, as `like` shows.

    Raises
    ------
    ConfigError
        If a part is no pair, a name stands twice, or a quote or bracket is not closed.
    """
    mapping: dict[str, str] = {}
    for part in split_parts(what, text):
        ours, equals, theirs = (piece.strip() for piece in part.partition("="))
        if not (ours and equals and theirs):
            raise ConfigError(f"{what} must read like {like}; this part does not: {part!r}.")
        if ours in mapping:
            raise ConfigError(f"{what} maps {ours!r} twice: {text!r}. Keep one of them.")
        mapping[ours] = theirs
    return mapping
