"""What the first line of a text file says: in which encoding it is, what parts its columns, and how they are called."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lib.errors import SourceError
from lib.sources.options import UTF_8, Options
from lib.sources.part import find_twins
from lib.sources.quoting import Quoting

SEPARATORS = (",", ";", "\t", "|")
BYTE_ORDER_MARK = "\ufeff"
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_PACKED = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"BZh": ".bz2", b"PK\x03\x04": ".zip", b"PAR1": ".parquet"}
_SPREADSHEET = re.compile(r'"?sep=.?"?[,;\t]*', re.IGNORECASE)
BACKSLASHED = '\\"'  # an escaped quote to some writers, to RFC 4180 the end of a text that ends in a backslash
AROUND = 30  # so many characters to either side of what was found
SHOWN = 200  # characters of a line


@dataclass(frozen=True)
class Layout:
    """How a text file is written, told from its first line and from what was said of it."""

    options: Options
    sep: str
    encoding: str
    line: str  # the header as it stands; blank where there is none

    @cached_property
    def quoting(self) -> Quoting:
        """The signs that matter to whoever parts lines."""
        quote, escape = self.options.marks
        return Quoting(self.sep, quote, escape)

    @cached_property
    def written_names(self) -> tuple[str, ...]:
        """The names, without the blanks around them."""
        if self.options.names:
            return self.options.names
        return tuple(name.strip() for name in split_line(self.line, self.sep, self.options))

    @property
    def has_blanks(self) -> bool:
        """Whether blanks stand behind the separators, in the header and so in the rows."""
        return any(name != name.lstrip() for name in split_line(self.line, self.sep, self.options)[1:])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each column, all different: whatever has none or one that stands twice gets its place as one."""
        many = self.twins
        return tuple(
            name if name and name.lower() not in many else f"{name or '_c'}{place}"
            for place, name in enumerate(self.written_names)
        )

    @cached_property
    def twins(self) -> frozenset[str]:
        """Names that several columns have, in small letters: which is meant nobody can say."""
        return find_twins(filter(None, self.written_names))

    @property
    def is_wide(self) -> bool:
        """Whether a character is several bytes, so that lines cannot be told by single ones."""
        return self.encoding.startswith(("utf-16", "utf-32"))

    def said(self) -> str:
        """What tells it from another layout."""
        return f"{self.sep!r} {self.encoding} {self.written_names!r}"


def read_layout(raw: bytes, file: str, events: str, options: Options, sep: str | None) -> Layout:
    """Tell the layout of a file from the bytes of its first line; `sep` is what the format of the file says.

    Raises
    ------
    SourceError
        If what was packed does not say so, or the header cannot be read in the encoding.
    """
    for magic, ending in _PACKED.items():
        if raw.startswith(magic):
            raise SourceError(
                f"The events {events!r} cannot be read: {file} is packed, and its name does not say so. Rename it to "
                f"end in {ending}."
            )
    encoding = options.encoding or _WIDE.get(raw[:2], UTF_8)
    if encoding.startswith(("utf-16", "utf-32")) and len(raw) % 2:
        raw += b"\x00"  # a line was ended in the middle of its last character
    try:
        line = raw.decode(encoding)
    except UnicodeDecodeError:
        if encoding == UTF_8:
            raise not_utf_8(events, file, raw) from None
        line = raw.decode(encoding, "replace")
    line = line.strip("\r\n\x00").removeprefix(BYTE_ORDER_MARK)
    if options.header is not False and _SPREADSHEET.fullmatch(line):
        raise SourceError(
            f"The events {events!r} cannot be read: the first line of {file} is {line!r}, which some spreadsheets "
            f"write above the header, and no other reader knows. Nothing was read. Take it out, as by: sed -i 1d {file}"
        )
    sign = options.sep or sep or _tell_separator(events, file, line, options)
    return Layout(options, sign, encoding, "" if options.header is False else line)


def not_utf_8(events: str, file: str, raw: bytes) -> SourceError:
    """What is said of a file in another encoding."""
    shown = raw[:SHOWN].decode("utf-8", "replace")
    return SourceError(
        f"The events {events!r} cannot be read: {file} is not UTF-8, such as {shown!r}. Nothing was read. Say what it "
        "is, like event_options=encoding=cp1252 (spreadsheets of western Europe), or write it in UTF-8."
    )


def no_text(events: str, file: str, layout: Layout) -> SourceError:
    """What is said of a file with a character 0."""
    wide = "If it is UTF-16, say event_options=encoding=UTF-16LE (or UTF-16BE); otherwise write it as UTF-8."
    way = f"Write it without the character 0, as {layout.encoding} has it." if layout.is_wide else wide
    return SourceError(f"The events {events!r} cannot be read: {file} holds bytes that no text has. {way}")


def unclear_backslash(events: str, file: str, number: int, line: str) -> SourceError:
    """What is said where a backslash before a quote may escape it, or may be the end of a text."""
    at = line.index(BACKSLASHED)
    shown = line[max(0, at - AROUND) : at + len(BACKSLASHED) + AROUND]
    return SourceError(
        f"The events {events!r} cannot be read: in {number} lines of {file} a backslash stands "
        f"before a quote, such as {shown}, and it cannot be told whether the quote is part of the text or ends it. "
        "Nothing was read. Say which it is: event_options=escape='\\' where the quote is part of the text, "
        "event_options=escape='\"' where it ends it."
    )


def split_line(line: str, sep: str, options: Options) -> list[str]:
    """Part one line; a quote that is not closed takes the rest."""
    quote, escape = options.marks
    if not quote:
        return line.split(sep)
    doubled = escape == quote
    try:
        return next(csv.reader(
            [line], delimiter=sep, quotechar=quote, doublequote=doubled, escapechar=None if doubled else escape or None,
        ), [])  # fmt: skip
    except csv.Error:  # one endless field: no CSV at all
        return [line]


def _tell_separator(events: str, file: str, line: str, options: Options) -> str:
    """The sign that parts the names; the comma where none does."""
    counts = {sep: len(split_line(line, sep, options)) for sep in SEPARATORS}
    most = [sep for sep in SEPARATORS if counts[sep] == max(counts.values())]
    if len(most) > 1 and counts[most[0]] > 1:
        raise SourceError(
            f"The events {events!r} cannot be read: the header of {file} has as many {most[0]!r} as {most[1]!r}: "
            f"{line[:SHOWN]}. Say which parts the columns, like event_options=sep='{most[0]}'."
        )
    return most[0]


def writings(layout: Layout) -> list[str]:
    """The lines that say the same as a header: with quotes or without, with a byte order mark or without."""
    names = split_line(layout.line, layout.sep, layout.options)
    quoted = layout.sep.join('"' + name.replace('"', '""') + '"' for name in names)
    lines = {layout.line, quoted}
    if not any(mark in name for name in names for mark in (layout.sep, '"')):
        lines.add(layout.sep.join(names))
    return sorted(lines | {BYTE_ORDER_MARK + line for line in lines})


def format_names(names: Sequence[str]) -> str:
    """Names in a message; in quotes where blanks would not be seen."""
    return ", ".join(repr(name) if name != name.strip() or "," in name or not name else name for name in names)
