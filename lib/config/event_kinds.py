"""The kinds of texts in which events, their columns and their types are named."""

import re
from difflib import get_close_matches
from pathlib import Path

from lib.config.kinds import NONE, TABLE_NAME, Kind, is_none, read_word, refuse_secrets
from lib.errors import ConfigError
from lib.expressions.scan import split_mapping, split_parts
from lib.sources.files import is_place, path_below, split_paths
from lib.sources.options import Options, read_options
from lib.tables.sql import name_sql


def source() -> Kind[str]:
    """Where events are: a path, or a table, of whose name each part that needs backticks gets them."""
    return Kind(_read_source, "a table or path", below=_source_below)


def _source_below(text: str, folder: Path) -> str:
    if len(several := split_paths(text)) > 1:
        return ",".join(_source_below(one, folder) for one in several)
    return path_below(text, folder) if is_place(text) and "`" not in text else text


def _read_source(name: str, text: str) -> str:
    refuse_secrets(name, text, named=False)
    is_name = re.fullmatch(rf"{TABLE_NAME}(\.{TABLE_NAME}){{0,2}}", read_word(name, text))
    if not is_name or is_place(text):
        return text
    return ".".join(part if re.fullmatch(r"\w+", part) else name_sql(part) for part in text.split("."))


def places() -> Kind[tuple[str, ...]]:
    """Comma-separated tables and paths, each once, in their order; one in quotes may hold commas."""
    one = source()

    def read(name: str, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.read(name, part) for part in split_names(text)))

    return Kind(
        read,
        "tables or files, with commas between",
        below=lambda text, folder: ",".join(quote_name(one.below(part, folder)) for part in split_names(text)),
    )


def split_names(text: str) -> list[str]:
    """What stands between commas, without the quotes of what is in quotes."""
    return [part for part in map(_unquoted, _outside_quotes(text)) if part]


def names() -> Kind[tuple[str, ...]]:
    """Comma-separated names, sorted and each once; one in quotes is taken as it stands."""
    return Kind(_read_names, "one, or several with commas")


def _read_names(name: str, text: str) -> tuple[str, ...]:
    if read_word(name, text).count("'") % 2 and "'" in (text[0], text[-1]):
        raise ConfigError(f"{name} has a quote that is not closed: {text!r}. Write one that belongs to a name twice.")
    parts = set(split_names(text))
    if not parts:
        raise ConfigError(f"{name} names nothing: {text!r}. Give one event type, or several with commas.")
    return tuple(sorted(parts))


def _outside_quotes(text: str) -> list[str]:
    """The parts between commas; those within a part that begins with a quote part nothing."""
    return [match[0].strip() for match in re.finditer(r"\s*'(?:[^']|'')*'\s*(?=,|$)|[^,]+", text)]


def _unquoted(part: str) -> str:
    return part[1:-1].replace("''", "'") if re.fullmatch(r"'(?:[^']|'')+'", part) else part


def quote_name(name: str) -> str:
    """A name as `names` reads it, whatever it holds."""
    if name == name.strip() and "," not in name and not name.startswith("'"):
        return name
    return "'" + name.replace("'", "''") + "'"


def mapping() -> Kind[dict[str, str]]:
    """`ours=theirs` pairs with commas between, where theirs may be an expression; none has no pair."""
    return Kind(_read_mapping, f"ours=theirs, with commas between, or {NONE}")


def _read_mapping(name: str, text: str) -> dict[str, str]:
    return {} if is_none(text) else split_mapping(name, text)


def counts() -> Kind[dict[str, str]]:
    """Columns of numbers, each of which becomes an event type: of its own name, or as `type=column` says."""
    return Kind(_read_counts, f"columns or type=column, with commas between, or {NONE}")


def _read_counts(name: str, text: str) -> dict[str, str]:
    if is_none(text):
        return {}
    pairs = [part if "=" in part else f"{part}={part}" for part in split_parts(name, text)]
    return {without_ticks(kind): theirs for kind, theirs in split_mapping(name, ",".join(pairs)).items()}


def without_ticks(name: str) -> str:
    """A name without the backticks around it."""
    return name[1:-1].replace("``", "`") if name[:1] == name[-1:] == "`" and len(name) > 2 else name


def condition() -> Kind[str]:
    """An expression, as far as it can be read without knowing the columns; blank is none."""
    return Kind(_read_condition, f"a condition, or {NONE}")


def _read_condition(name: str, text: str) -> str:
    if is_none(text):
        return ""
    from lib.expressions.grammar import read_tree  # needs what is installed, which help does without

    read_tree(name, text)
    return text


def options() -> Kind[Options]:
    """How text files are written; none says nothing."""
    return Kind(lambda _, text: Options() if is_none(text) else read_options(text), f"option=value, or {NONE}")


def columns() -> Kind[tuple[str, ...]]:
    """Names of columns with commas between; none has none."""
    return Kind(_read_columns, f"columns with commas between, or {NONE}")


def _read_columns(name: str, text: str) -> tuple[str, ...]:
    return () if is_none(text) else _read_names(name, text)


def zone() -> Kind[str]:
    """The name of a time zone of IANA."""
    return Kind(_read_zone, "a zone like Europe/Berlin")


def _read_zone(name: str, text: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones  # loads what help does without

    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(text, available_timezones(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{name} must be a zone of IANA like UTC or Europe/Berlin, got {text!r}.{hint}") from None
    return text
