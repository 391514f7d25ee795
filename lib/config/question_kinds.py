"""The kinds of texts that say what is asked of whom."""

import re
from decimal import Decimal

from lib.config.kinds import NONE, Kind
from lib.errors import ConfigError
from lib.expressions.facts import UserCondition

DECIMALS = 6  # of amounts of money and the like, which are compared as decimals
LONGEST = 1000  # characters: what Unity Catalog takes as the value of a tag, and models are tagged with their question


def amount() -> Kind[Decimal]:
    """A number above 0, to the digit: at most a trillion, with at most `DECIMALS` decimals."""

    def read(name: str, text: str) -> Decimal:
        if not re.fullmatch(rf"[0-9]{{1,12}}(\.[0-9]{{1,{DECIMALS}}})?", text) or not Decimal(text):
            point = " Write decimals with a point." if re.fullmatch(r"[0-9]+,[0-9]+", text) else ""
            raise ConfigError(
                f"{name} must be a number above 0, of at most 12 digits and {DECIMALS} decimals, got {text!r}.{point}"
            )
        return Decimal(text)

    return Kind(read, "a number above 0")


def cohort_condition() -> Kind[UserCondition]:
    """A condition on what a user did before a cutoff, and on who it is."""
    return Kind(_read_condition, f"a condition on users, or {NONE}")


def _read_condition(name: str, text: str) -> UserCondition:
    from lib.expressions.conditions import parse_condition  # needs what is installed, which help does without

    if len(text) > LONGEST:
        raise ConfigError(f"{name} must be at most {LONGEST:,} characters, got {len(text):,}. Simplify it.")
    return parse_condition(text, name)
