"""Arguments that must be written out: they are checked here, and translated for each engine."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

from lib.expressions import regex
from lib.tables.sql import text_literal


class Unfit(ValueError):
    """What was written cannot be read here; says what can."""


@dataclass(frozen=True)
class Piece:
    """One name of a template, as each engine is told it."""

    spark: str
    duckdb: str


Pieces = dict[str, Piece]


def quoted(text: str) -> str:
    """A text in SQL that can stand as an operand."""
    literal = text_literal(text)
    return f"({literal})" if "||" in literal else literal


def same(text: str) -> Piece:
    """A text that both engines are told alike."""
    return Piece(quoted(text), quoted(text))


MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip


def _any_case(words: tuple[str, ...]) -> str:
    return "(" + "|".join("".join(f"[{sign.upper()}{sign.lower()}]" for sign in word) for word in words) + ")"


YEAR = "([1-9][0-9][0-9][0-9]|0[1-9][0-9][0-9]|00[1-9][0-9]|000[1-9])"
INNER_YEAR = "([1-8][0-9][0-9][0-9]|9[0-8][0-9][0-9]|99[0-8][0-9]|999[0-8]|0[1-9][0-9][0-9]|00[1-9][0-9]|000[2-9])"
OFFSET = "(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)"
LETTERS: Mapping[str, tuple[str, str]] = {  # of a time pattern -> what it fits, and DuckDB's word for it
    "yyyy": (YEAR, "%Y"),
    "MMMM": (_any_case(MONTHS), "%B"),
    "MMM": (_any_case(tuple(name[:3] for name in MONTHS)), "%b"),
    "MM": ("[0-9][0-9]", "%m"),
    "M": ("[0-9][0-9]?", "%m"),
    "dd": ("[0-9][0-9]", "%d"),
    "d": ("[0-9][0-9]?", "%d"),
    "HH": ("[0-9][0-9]", "%H"),
    "H": ("[0-9][0-9]?", "%H"),
    "hh": ("[0-9][0-9]", "%I"),
    "h": ("[0-9][0-9]?", "%I"),
    "mm": ("[0-9][0-9]", "%M"),
    "ss": ("[0-9][0-9]", "%S"),
    "a": ("[AaPp][Mm]", "%p"),
    "XXX": (OFFSET, "%z"),
    "XX": (OFFSET.replace(":", ""), "%z"),
    **{"S" * digits: ("[0-9]" + "[0-9]?" * (digits - 1), "%f") for digits in range(1, 7)},
}
_FLEXIBLE = re.compile(r"[MdHh]|S{2,6}")  # parts of one digit or more: what follows must not be a digit
_PART = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z]")


def _time_pattern(text: str) -> Pieces:
    """Translate a pattern: a guard that fits no more than it says, and its spelling for each engine."""
    guard = spark = duckdb = ""
    used: list[str] = []
    before = ""
    for match in _PART.finditer(text):
        part = match[0]
        if part in LETTERS:
            used.append(part)
            if _FLEXIBLE.fullmatch(before) and part not in ("a", "XX", "XXX", "MMM", "MMMM"):
                raise Unfit(f"in the time pattern {text!r} {part} touches {before}, which may have several digits")
            guard, spark, duckdb = guard + LETTERS[part][0], spark + part, duckdb + LETTERS[part][1]
        else:
            plain = _plain_part(text, part, bool(match[1]))
            if _FLEXIBLE.fullmatch(before) and plain[0].isdigit():
                raise Unfit(f"in the time pattern {text!r} a digit touches {before}, which may have several digits")
            guard, duckdb = guard + plain.replace(".", "[.]"), duckdb + plain
            spark += f"'{plain}'" if re.search("[A-Za-z]", plain) else plain
        before = part
    _check_parts(text, used)
    if {"XX", "XXX"} & set(used):  # an offset must not lead out of the years that there are
        guard = guard.replace(YEAR, INNER_YEAR)
    return {"guard": same(rf"^{guard}\z"), "format": Piece(quoted(spark), quoted(duckdb))}


def _plain_part(text: str, part: str, letters: bool) -> str:
    if letters and part != "T":
        raise Unfit(f"{part!r} is no part of a time pattern; there are {', '.join(LETTERS)}, T, and words in quotes")
    plain = part[1:-1] if part[:1] == "'" else part
    if not re.fullmatch(r"[A-Za-z0-9 _.,:/-]+", plain):
        raise Unfit(f"{part!r} in the time pattern {text!r} is not read; between its parts stand signs like - / . : ,")
    return plain


def _check_parts(text: str, used: list[str]) -> None:
    firsts = [part[0] for part in used]
    twelve = bool({"h", "hh"} & set(used))
    if not {"y", "M", "d"} <= set(firsts):
        raise Unfit(f"the time pattern {text!r} names no day: it needs a year yyyy, a month MM and a day dd")
    if len(firsts) != len(set(firsts)) or (twelve and "H" in firsts):
        raise Unfit(f"the time pattern {text!r} names one part twice")
    if twelve != ("a" in firsts):
        raise Unfit(f"in the time pattern {text!r} hh and a belong together; hours from 0 to 23 are HH")
    if ("m" in firsts and not {"H", "h"} & set(firsts)) or ("s" in firsts and "m" not in firsts):
        raise Unfit(f"the time pattern {text!r} leaves out hours or minutes before a smaller part")
    if "S" in firsts and ("s" not in firsts or used[firsts.index("S") - 1] != "ss"):
        raise Unfit(f"in the time pattern {text!r} the fraction S must follow the seconds ss")
    if "X" in firsts and used[-1][0] != "X":
        raise Unfit(f"in the time pattern {text!r} the offset {used[firsts.index('X')]} must stand last")


def _plain_pattern(text: str) -> Pieces:
    pieces = _time_pattern(text)
    if "XX" in text:
        raise Unfit(f"the time pattern {text!r} holds an offset")
    return pieces


def _offset_pattern(text: str) -> Pieces:
    if not text.endswith("XX"):
        raise Unfit(f"in the time pattern {text!r} no offset stands last")
    return _time_pattern(text)


def _zone(text: str) -> Pieces:
    if text != "UTC" and ("/" not in text or text not in available_timezones()):
        raise Unfit(f"{text!r} is no time zone of the IANA list: name one like Europe/Berlin, or UTC")
    return {"zone": same(text)}


KEY = re.compile(r"\.([^\s.\[\]'\"\\*?]+)|\['([^\[\]'\"\\*?]+)'\]")


def _json_path(text: str) -> Pieces:
    keys = [first or second for first, second in KEY.findall(text)]
    if not re.fullmatch(rf"\$(?:{KEY.pattern})+", text):
        raise Unfit(f"{text!r} is no path to a field: write it like '$.a.b', or '$[''a b'']' for a key with a blank")
    spark = "$[0]" + "".join(f"['{key}']" for key in keys)
    return {"path": Piece(quoted(spark), quoted("$[0]" + "".join(f'."{key}"' for key in keys)))}


def _like(text: str) -> Pieces:
    return {"like": same(text.replace("!", "!!"))}


def _part(text: str) -> Pieces:
    if not text:
        raise Unfit("an empty text is everywhere: write at least one character")
    return {"part": same(text)}


def _regex(text: str) -> Pieces:
    try:
        written, groups = regex.rewrite(text)
    except regex.Unreadable as error:
        raise Unfit(str(error)) from None
    return {"regex": same(written), "groups": Piece(str(groups), str(groups))}


def _whole(name: str, least: int, most: int) -> Callable[[str], Pieces]:
    def read(text: str) -> Pieces:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise Unfit(f"{text} must be a whole number from {least} to {most}, written out")
        return {name: Piece(text, text)}

    return read


TEXT_READERS: Mapping[str, Callable[[str], Pieces]] = {
    "'time pattern'": _plain_pattern, "'time pattern with XXX'": _offset_pattern, "'zone'": _zone,
    "'json path'": _json_path, "'pattern'": _like, "'part'": _part, "'regular expression'": _regex,
}  # fmt: skip


def _digits(text: str) -> Pieces:
    pieces = _whole("digits", 0, 6)(text)
    places = int(text)
    limits = {"scale": str(10**places), "limit": str(10 ** (15 - places)), "unit": f"{10**-places:.{places}f}"}
    return pieces | {name: Piece(value, value) for name, value in limits.items()}


NUMBER_READERS: Mapping[str, Callable[[str], Pieces]] = {
    "'digits'": _digits, "'start'": _whole("start", 1, 10**6), "'length'": _whole("length", 0, 10**6),
    "'place'": _whole("place", 1, 1000), "'group'": _whole("group", 0, 20),
}  # fmt: skip
