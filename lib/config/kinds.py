"""The kinds of texts that parameters are: each error names the parameter, its range and what was found."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from lib.config import secrets
from lib.errors import ConfigError
from lib.sources.files import path_below

TABLE_NAME = r"[^\s./`\x00-\x1f\x7f]{1,255}"  # what Unity Catalog takes as a name, without the blanks and backticks
_LARGE = 1e6  # a limit of that size only keeps out slips of the pen
NONE = "none"  # the word for nothing, where a parameter takes nothing
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """How a text without blanks around it is read.

    `read` takes the parameter's name and the text, and raises ConfigError. `values` says in words which texts it takes,
    `choices` lists them where they are few. `below` is the text with each relative path in it made one below a folder.
    """

    read: Callable[[str, str], T_co]
    values: str = ""
    choices: tuple[str, ...] = ()
    below: Callable[[str, Path], str] = lambda text, _: text


def is_none(text: str) -> bool:
    """Whether a text says nothing, by being blank or in a word."""
    return text.strip().lower() in ("", NONE)


def optional(kind: Kind[T], nothing: U) -> Kind[T | U]:
    """The same kind, in which a blank text and the word none are read as `nothing`."""
    read = kind.read
    return Kind(
        lambda name, text: nothing if is_none(text) else read(name, text),
        f"{kind.values}, or {NONE}",
        below=lambda text, folder: text if is_none(text) else kind.below(text, folder),
    )


def word(values: str, *, secret: bool = False) -> Kind[str]:
    """Any text that is not blank, without a password in clear; `values` says what it is to be.

    `secret` says whether it may name one, as secret(scope/key).
    """

    def read(name: str, text: str) -> str:
        refuse_secrets(name, read_word(name, text), named=secret)
        return text

    return Kind(read, values)


def secret_name() -> Kind[str]:
    """The name of a secret, which is read where it is used."""

    def read(name: str, text: str) -> str:
        if not secrets.is_name(text):  # whatever it is, it may be the secret itself, and is not shown
            raise ConfigError(f"{name} must name a secret, like secret(propensity/forgotten), and never hold one.")
        return text

    return Kind(read, "secret(scope/key)")


def refuse_secrets(name: str, text: str, *, named: bool) -> None:
    if secrets.HIDDEN in text:
        raise ConfigError(f"{name} was masked where it was noted down, got {text!r}. Give it anew.")
    if named and secrets.holds_clear(text):
        raise ConfigError(
            f"{name} holds a password in clear, which records, pages and process lists would show. Write "
            "secret(scope/key) in its place, and keep it in the environment variable "
            f"{secrets.variable('scope', 'key')}, on Databricks under that key of that secret scope."
        )
    if not named and (secrets.holds_clear(text) or secrets.named(text)):
        raise ConfigError(
            f"{name} holds a password or a key, or names one, and no such place can be read. Name a table, or let "
            "Spark's own configuration hold what opens it."
        )


def read_word(name: str, text: str) -> str:
    if not text:
        raise ConfigError(f"{name} is blank. Give the job or the notebook's widget a value for it.")
    return text


def model_uri() -> Kind[str]:
    """The MLflow URI of a model, or of a run that holds two."""
    return Kind(_read_model_uri, "an MLflow URI")


def _read_model_uri(name: str, text: str) -> str:
    if not re.fullmatch(r"runs:/[^/]+(/[^/]+)?|models:/[^/@]+(/[0-9]+|@[^/@]+)", text):
        raise ConfigError(
            f"{name} must read like runs:/<run>/<name>, runs:/<run>, models:/<name>/<version> or "
            f"models:/<name>@<alias>, got {text!r}. Leave it blank for none."
        )
    return text


def file_of(*endings: str) -> Kind[str]:
    """The path of a file with one of some endings."""
    either = " or ".join(endings)

    def read(name: str, text: str) -> str:
        refuse_secrets(name, text, named=False)
        if not text.endswith(endings):
            raise ConfigError(f"{name} must end in {either}, got {text!r}. Leave it blank for none.")
        return text

    return Kind(read, f"a {either} file", below=path_below)


def schema_name() -> Kind[str]:
    """`schema` or `catalog.schema`."""
    return Kind(_read_schema_name, "schema or catalog.schema")


def _read_schema_name(name: str, text: str) -> str:
    if not re.fullmatch(rf"{TABLE_NAME}(\.{TABLE_NAME})?", read_word(name, text)):
        raise ConfigError(
            f"{name} must be a schema or catalog.schema, without blanks and / and backticks in a name, got {text!r}."
        )
    return text


def table_name() -> Kind[str]:
    """`table`, `schema.table` or `catalog.schema.table`."""
    return Kind(_read_table_name, "a table")


def _read_table_name(name: str, text: str) -> str:
    if not re.fullmatch(rf"{TABLE_NAME}(\.{TABLE_NAME}){{0,2}}", text):
        raise ConfigError(
            f"{name} must be a table like catalog.schema.table, without blanks and / and backticks in a name, got "
            f"{text!r}. Leave it blank for none."
        )
    return text


def run_name() -> Kind[str]:
    """A run's id: blank outside a job, else letters, digits and `_ . : -`."""
    return Kind(_read_run_name)


def _read_run_name(name: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]*", text):
        raise ConfigError(f"{name} must be letters, digits, _ . : or -, got {text!r}.")
    return text


def whole(least: int, most: int | None = None, unit: str = "") -> Kind[int]:
    """A whole number that is at least `least`, and at most `most` where that is given."""

    def read(name: str, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
            raise ConfigError(f"{name} must be a whole number >= {least}, got {text!r}.")
        if most is not None and int(text) > most:
            raise ConfigError(f"{name} must be at most {most}, got {text!r}.")
        return int(text)

    return Kind(read, f"{least} or more {unit}".strip() if most is None else f"{least} to {most} {unit}".strip())


def whole_or(everything: str, least: int, most: int, unit: str) -> Kind[int | None]:
    """A whole number, or one word for no limit at all, which is read as None."""
    number = whole(least, most, unit)

    def read(name: str, text: str) -> int | None:
        return None if text.lower() == everything else number.read(name, text)

    return Kind(read, f"{number.values}, or {everything}")


def whole_or_share() -> Kind[float]:
    """A whole number, or a share like 20%, which is read as 0.2; all, which is 100%, as 0."""

    def read(name: str, text: str) -> float:
        if re.fullmatch(r"[0-9]{1,9}", text):
            return int(text)
        try:
            share = float(text.removesuffix("%")) / 100 if text.endswith("%") else math.nan
        except ValueError:
            share = math.nan
        if not 0 < share <= 1:
            raise ConfigError(f"{name} must be a whole number >= 0 or a share like 20%, got {text!r}.")
        return share % 1

    return Kind(read, "0 or more, or a share like 20%")


def decimal(least: float, most: float, unit: str = "") -> Kind[float]:
    """A number from `least` to `most`."""

    def read(name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:  # what is no number fails this too
            point = " Write decimals with a point." if re.fullmatch(r"-?[0-9]+,[0-9]+", text) else ""
            raise ConfigError(f"{name} must be a number from {least:g} to {most:g}, got {text!r}.{point}")
        return number

    return Kind(
        read, f"{least:g} to {most:,g} {unit}".strip() if most < _LARGE else f"{least:g} or more {unit}".strip()
    )


def choice(*words: str) -> Kind[str]:
    """One of a few words."""
    either = " or ".join(words)

    def read(name: str, text: str) -> str:
        if text not in words:
            raise ConfigError(f"{name} must be {either}, got {text!r}.")
        return text

    return Kind(read, either, words)


def flag() -> Kind[bool]:
    """Yes or no, in the words of the platform's task values."""
    words = choice("false", "true")
    return Kind(lambda name, text: words.read(name, text.lower()) == "true", words.values, words.choices)


def day() -> Kind[date]:
    """A day, in ISO format."""
    return Kind(_read_day, "a date like 2024-06-01")


def _read_day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{name} must be a date like 2024-06-01, got {text!r}.") from None
