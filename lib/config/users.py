"""The parameters that say where the tables of users and of their ids are, how they are read, and what is believed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from lib.config.event_kinds import columns, mapping, options, source
from lib.config.kinds import is_none, optional
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.errors import ConfigError
from lib.sources.options import Options

OURS = ("user_id", "valid_from", "known_at")  # columns of a table of users that are no attributes


@dataclass(frozen=True, kw_only=True)
class Users(FromWidgets, group=Group.READING, of_run=True):
    """Who the users are, where a table says it."""

    users: str = parameter(
        "",
        optional(source(), ""),
        "a table or files with a row per user, whose columns are attributes like a country or a plan",
        job="${var.users}",
    )
    user_columns: dict[str, str] = parameter(  # our column or an attribute -> the table's column, or an expression
        "",
        mapping(),
        "the columns of users that count, like user_id=customer,country=land,age=to_int(age)",
        shown="all, by their names",
    )
    user_options: Options = parameter(
        "", options(), "how text files of users are written, like sep=';'", shown="as the files say"
    )
    trusted_attributes: tuple[str, ...] = parameter(
        "",
        columns(),
        "attributes to learn from although they seem to know what happened later",
        group=Group.LEARNING,
        of_run=False,
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        config = super().from_widgets(get)
        if not config.users:
            _check_unsaid(get, ("user_columns", "user_options", "trusted_attributes"), "users")
        return config


JOINED = ("id", "user", "known_at")  # columns of a table of identities


@dataclass(frozen=True, kw_only=True)
class Identities(FromWidgets, group=Group.READING, of_run=True):
    """Which ids are one person, where a table says it."""

    identities: str = parameter(
        "",
        optional(source(), ""),
        "a table or files that say which ids are one user's: id, user, and known_at, since when that is known",
        job="${var.identities}",
    )
    identity_columns: dict[str, str] = parameter(  # our column -> the table's, or an expression
        "",
        mapping(),
        "other column names or expressions of identities, like id=anonymous_id,user=customer",
    )
    identity_options: Options = parameter(
        "", options(), "how text files of identities are written, like sep=';'", shown="as the files say"
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        config = super().from_widgets(get)
        if not config.identities:
            _check_unsaid(get, ("identity_columns", "identity_options"), "identities")
        if unknown := sorted(set(config.identity_columns) - set(JOINED)):
            raise ConfigError(f"identity_columns maps {unknown[0]!r}, which is none of {', '.join(JOINED)}.")
        return config


@dataclass(frozen=True, kw_only=True)
class Segments(FromWidgets, group=Group.LIST):
    """By what lists are counted and judged besides."""

    segments: tuple[str, ...] = parameter(
        "", columns(), "attributes by whose values lists are counted and models judged besides, like country,plan"
    )


def _check_unsaid(get: Get, names: Iterable[str], table: str) -> None:
    """Refuse what is said of a table that is not named."""
    for name in names:
        text = get(name).strip()
        if not is_none(text):
            raise ConfigError(f"{name} is {text!r} and {table} names no table. Name one, or leave {name} blank.")
