"""What a person says of how text files are written: `event_options`, read once and held to one list."""

import codecs
from dataclasses import dataclass, fields
from functools import cached_property

from lib.errors import ConfigError
from lib.expressions.scan import split_mapping

WHAT = "event_options"
UTF_8 = "utf-8"
BY_SPARK = {  # encodings in which Spark reads CSV: Python's name -> Java's
    "utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "utf-32": "UTF-32",
    "iso8859-1": "ISO-8859-1", "ascii": "US-ASCII",
}  # fmt: skip
_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_ENDS = {"\\n": "\n", "\\r\\n": "\r\n", "\\r": "\r", "lf": "\n", "crlf": "\r\n", "cr": "\r"}
_HEADERS = {"true": True, "false": False}
_POINTS = (".", ",")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How text files are written; None where each file is to tell by itself."""

    sep: str | None = None
    encoding: str | None = None  # Python's name of it
    quote: str | None = None  # '': there are no quotes
    escape: str | None = None  # what stands before a quote that is part of a text; the quote itself: it is doubled
    comment: str | None = None
    line_sep: str | None = None
    header: bool | None = None
    names: tuple[str, ...] = ()  # of the columns, where no header names them
    null_value: str | None = None  # a text that means nothing
    decimal: str | None = None

    @cached_property
    def marks(self) -> tuple[str, str]:
        """The quote and what escapes it, where nobody said: as RFC 4180 has them."""
        quote = '"' if self.quote is None else self.quote
        return quote, (quote if self.escape is None else self.escape)

    @property
    def needs_decoding(self) -> bool:
        """Whether Spark does not know the encoding: it reads the bytes, and letters are put in their place."""
        return self.encoding is not None and self.encoding not in BY_SPARK


def read_options(text: str) -> Options:
    """Read `sep=';',encoding=cp1252`.

    Raises
    ------
    ConfigError
        If an option is not of the list, or its value is none; the message has the list.
    """
    given = split_mapping(WHAT, text, "sep=';',encoding=cp1252")
    known = [one.name for one in fields(Options)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ConfigError(f"{WHAT} has {unknown[0]!r}, which is none of {', '.join(known)}. Leave it out.")
    values = {name: _unquoted(value) for name, value in given.items()}
    options = Options(**{name: _READ[name](name, value) for name, value in values.items()})  # type: ignore[arg-type]
    if options.header is False and not options.names:
        raise ConfigError(f"{WHAT} has header=false and no names. Name the columns: names='user_id,event_time,...'.")
    return options


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"`":
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def _read_sign(name: str, text: str) -> str:
    sign = _WORDS.get(text.lower(), text)
    if len(sign) != 1 or sign in "\r\n":
        raise ConfigError(f"{WHAT}: {name} must be one character, or tab, got {text!r}.")
    return sign


def _read_mark(name: str, text: str) -> str:
    return "" if text.lower() in ("", "none") else _read_sign(name, text)


def _read_encoding(name: str, text: str) -> str:
    try:
        codec = codecs.lookup(text)
    except (LookupError, ValueError):
        raise ConfigError(f"{WHAT}: {name} must be an encoding like cp1252 or UTF-16, got {text!r}.") from None
    if codec.name in ("utf-8-sig", "utf_8_sig"):
        return UTF_8
    if codec.name not in BY_SPARK and letters(codec.name) is None:
        raise ConfigError(
            f"{WHAT}: {name}={text} cannot be read here: it is neither a Unicode form nor one byte for each character. "
            "Write the files in UTF-8."
        )
    return codec.name


def letters(encoding: str) -> str | None:
    """What each byte from 128 on is in an encoding of one byte a character; None where it is no such encoding."""
    if encoding in BY_SPARK:
        return None
    try:
        low = bytes(range(128)).decode(encoding)
        high = bytes(range(128, 256)).decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return None
    return high if len(high) == 128 and low == bytes(range(128)).decode("ascii") else None


def _read_end(name: str, text: str) -> str:
    if text.lower() not in _ENDS:
        raise ConfigError(f"{WHAT}: {name} must be \\n, \\r\\n or \\r, got {text!r}.")
    return _ENDS[text.lower()]


def _read_header(name: str, text: str) -> bool:
    if text.lower() not in _HEADERS:
        raise ConfigError(f"{WHAT}: {name} must be true or false, got {text!r}.")
    return _HEADERS[text.lower()]


def _read_names(name: str, text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names) or len({one.lower() for one in names}) < len(names):
        raise ConfigError(f"{WHAT}: {name} must be different names with commas, in quotes, got {text!r}.")
    return names


def _read_text(name: str, text: str) -> str:
    return text


def _read_point(name: str, text: str) -> str:
    sign = _WORDS.get(text.lower(), text)
    if sign not in _POINTS:
        raise ConfigError(f"{WHAT}: {name} must be '.' or ',', got {text!r}.")
    return sign


_READ = {
    "sep": _read_sign, "encoding": _read_encoding, "quote": _read_mark, "escape": _read_mark, "comment": _read_sign,
    "line_sep": _read_end, "header": _read_header, "names": _read_names, "null_value": _read_text,
    "decimal": _read_point,
}  # fmt: skip
