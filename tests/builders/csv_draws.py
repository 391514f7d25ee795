"""CSV files drawn at random: what a writer meant, and the bytes by which he said it, rightly or wrongly."""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import SourceError
from lib.sources.opening import open_source
from lib.sources.options import read_options

WORDS = ("", "a", "two words", "comma, here", 'a "quote"', "semi;colon", "tab\there", "pi|pe", "line\nbreak",
         "crlf\r\nbreak", "ümläut", "C:\\", "ends in \\", " padded ",
         "'single'", "#hash", "007", "1e5", "NULL", "日本")  # fmt: skip
NAMES = ("user_id", "event_time", "event_type", "value", "note", "größe")
FAULTS = ("none",) * 12 + (
    "missing header", "twin names", "ragged row", "stray quote", "open quote", "mixed ends", "latin byte", "nul byte",
)  # fmt: skip


@dataclass(frozen=True)
class Draw:
    """One drawn file."""

    seed: int
    content: bytes
    options: str  # what is said of it
    rows: tuple[tuple[str | None, ...], ...]  # what was meant, by the order of `names`; an empty text is nothing
    names: tuple[str, ...]
    fault: str  # what is wrong with it; "none": it is to be read
    form: str  # separator, encoding and ends, for a table


def draw(seed: int) -> Draw:
    """Draw one file; the same seed gives the same file."""
    rng = random.Random(seed)
    names = tuple(rng.sample(NAMES, rng.randint(2, len(NAMES))))
    fault = rng.choice(FAULTS)
    sep, end = rng.choice(",;\t|"), rng.choice(("\n", "\r\n"))
    encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"))
    always = rng.random() < 0.4
    words = [word for word in WORDS if encoding != "cp1252" or word.isascii() or word == "ümläut"]
    plain = [word for word in words if "\n" not in word]
    chosen = words if rng.random() < 0.5 else plain
    if fault == "mixed ends":
        chosen = [word for word in words if "\r" not in word]
    rows = [tuple(rng.choice(chosen) for _ in names) for _ in range(rng.randint(1, 12))]
    rows = [row if any(word.strip() for word in row) else ("x", *row[1:]) for row in rows]
    lines = [sep.join(_field(word, sep, always) for word in row) for row in (names, *rows)]
    lines, rows = _spoil(rng, fault, lines, rows, names, sep)
    text = end.join(lines) + (end if rng.random() < 0.8 else "")
    if fault == "mixed ends":
        text = f'{end.join(lines)}{end}"a{end}b"{sep * (len(names) - 1)}\n{"c" + sep * (len(names) - 1)}\r\n'
    content = text.encode(encoding)
    if fault == "latin byte":
        content = content.replace(b"\n", b"\xe4\n", 1)
    if fault == "nul byte":
        content += b"\x00\x00"
    meant = tuple(tuple(word or None for word in row) for row in rows)
    options = "encoding=cp1252" if encoding == "cp1252" else ""
    return Draw(seed, content, options, meant, names, fault, f"{sep!r} {encoding} {end!r}")


def _field(word: str, sep: str, always: bool) -> str:
    needs = any(sign in word for sign in (sep, '"', "\n", "\r")) or word != word.strip() or word.startswith("'")
    return '"' + word.replace('"', '""') + '"' if always or needs else word


def _spoil(
    rng: random.Random, fault: str, lines: list[str], rows: list[tuple[str, ...]], names: tuple[str, ...], sep: str
) -> tuple[list[str], list[tuple[str, ...]]]:
    place = rng.randint(1, len(lines) - 1)
    if fault == "missing header":
        return lines[1:], rows
    if fault == "twin names":
        return [sep.join([names[0], *names[:-1]]), *lines[1:]], rows
    if fault == "ragged row":
        lines[place] += f"{sep}more"
    if fault == "stray quote":
        lines[place] = f'"a"b{sep * (len(names) - 1)}'
    if fault == "open quote":
        lines.append(f'"open{sep * (len(names) - 1)}')
    return lines, rows


def outcome(spark: Any, one: Draw, folder: Path) -> str:
    """How a draw was read: as meant, refused, told row by row, or otherwise, which nobody may be."""
    (folder / "draw.csv").write_bytes(one.content)
    try:
        (part,) = open_source(spark, str(folder / "draw.csv"), read_options(one.options))
    except SourceError:
        return "refused"
    if not {name.lower() for name in part.columns} & set(NAMES):
        return "refused"  # no column is called as anybody would call it
    rows = part.frame.select(str(part.row), *(f"`{name}`" for name in part.columns)).collect()
    whole = [tuple(row)[1:] for row in rows if row[0] is None]
    meant = Counter(tuple(word or None for word in row) for row in one.rows)
    if Counter(whole) == meant:
        return "as meant"
    told = len(rows) - len(whole)
    return "told" if told and not Counter(whole) - meant else "OTHERWISE"
