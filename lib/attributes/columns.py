"""What an attribute is, and what its columns are called: in the table `user_attributes`, and beside a user's features.

The kind is part of a column's name, so that a column never changes its meaning: an attribute that becomes of another
kind is another column, and a model that reads the old one is refused by name.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha1
from typing import Any

from lib.tables.protocol import Tables

TABLE = "user_attributes"
NOTE = "attributes"  # property of the table: what was read last, and its attributes
TEXT, NUMBER, DAYS, KNOWN = (f"attribute_{what}_" for what in ("text", "number", "days", "known"))


class Kind(StrEnum):
    """What an attribute is."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    FLAG = "flag"  # whether something holds


@dataclass(frozen=True)
class Attribute:
    """One attribute of users."""

    name: str  # as the table of users has it, or as user_columns names it
    kind: Kind
    is_timed: bool = False  # whether its rows say from when on they hold, or since when they are known

    @property
    def slug(self) -> str:
        """The name in small letters, digits and single underscores; distinct for distinct names."""
        safe = re.sub(r"[^0-9a-z]+", "_", self.name.lower())
        mark = sha1(self.name.encode(), usedforsecurity=False).hexdigest()[:6]
        return safe if safe == self.name else f"{safe}_{mark}"

    @property
    def stored(self) -> str:
        """Its column of `user_attributes`: a text, or a double. A date is in days since 1970, a flag true or false."""
        return f"{self.kind}_{self.slug}"

    @property
    def stored_type(self) -> str:
        """The type of that column, as contracts name types."""
        return "string" if self.kind in (Kind.TEXT, Kind.FLAG) else "double"

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns beside a user's features: a text; or a number and whether it is known."""
        if self.kind in (Kind.TEXT, Kind.FLAG):
            return (f"{TEXT}{self.slug}",)
        return (f"{NUMBER if self.kind is Kind.NUMBER else DAYS}{self.slug}", f"{KNOWN}{self.slug}")


def is_attribute(column: str) -> bool:
    """Whether a column beside a user's features is of an attribute."""
    return column.startswith((TEXT, NUMBER, DAYS, KNOWN))


def is_text(column: str) -> bool:
    """Whether it holds texts, as codes where models read it."""
    return column.startswith(TEXT)


def slug_of(column: str) -> str:
    """The slug of the attribute that a column is of."""
    return column.split("_", 2)[2]


def to_plain(attributes: Sequence[Attribute]) -> list[list[Any]]:
    """Attributes as JSON holds them."""
    return [[one.name, str(one.kind), one.is_timed] for one in attributes]


def from_plain(plain: Sequence[Sequence[Any]]) -> tuple[Attribute, ...]:
    """Read back."""
    return tuple(Attribute(name, Kind(kind), bool(is_timed)) for name, kind, is_timed in plain)


@dataclass(frozen=True)
class UsersNote:
    """What is noted with `user_attributes` of the table of users that it was read from."""

    users: str  # the place, as the parameter has it
    attributes: tuple[Attribute, ...]

    def to_json(self) -> str:
        """Write down as a table property."""
        return json.dumps({"users": self.users, "attributes": to_plain(self.attributes)})

    @classmethod
    def from_json(cls, text: str) -> "UsersNote":
        """Read back."""
        raw = json.loads(text)
        return cls(raw["users"], from_plain(raw["attributes"]))


def read_note(tables: Tables) -> UsersNote | None:
    """What was noted last; None where no table of users was ever read."""
    text = tables.get_property(TABLE, NOTE)
    return UsersNote.from_json(text) if text else None
