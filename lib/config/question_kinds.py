"""The kinds of texts that say what is asked of whom."""

import re
from collections.abc import Collection, Sequence
from decimal import Decimal

from lib.config.kinds import Kind
from lib.errors import ConfigError
from lib.expressions.facts import UserCondition
from lib.expressions.named import NamedAction
from lib.expressions.scan import outside, split_mapping
from lib.timeline import MOST_DAYS

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
    return Kind(_read_condition, "a condition on users")


def _read_condition(name: str, text: str) -> UserCondition:
    from lib.expressions.conditions import parse_condition  # needs what is installed, which help does without

    if len(text) > LONGEST:
        raise ConfigError(f"{name} must be at most {LONGEST:,} characters, got {len(text):,}. Simplify it.")
    return parse_condition(text, name)


NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # of a question, or of a named action: columns are called by both


def named_actions() -> Kind[tuple[NamedAction, ...]]:
    """Actions by a condition on the source's rows, `name=type WHERE condition` with commas between, by name."""
    return Kind(_read_named, "name=type WHERE condition, with commas between")


def choose_named(
    named: Sequence[NamedAction], names: Collection[str], summed: Collection[str]
) -> tuple[NamedAction, ...]:
    """Those that are called by one of some names; `summed` are actions whose events are counted together.

    Raises
    ------
    ConfigError
        If they are longer together than models can be tagged with, or one is counted together with what it is made of.
    """
    chosen = tuple(one for one in named if one.name in names)
    if len(said := format_named(chosen)) > LONGEST:
        raise ConfigError(
            f"actions: those that a question names must be at most {LONGEST:,} characters, got {len(said):,}: "
            f"{said[:40]!r}. Simplify them."
        )
    for one in chosen:
        if one.name in summed and one.event_type in summed:
            raise ConfigError(
                f"action names {one.name} and {one.event_type!r}, of which it is made: at_least and at_least_value "
                "would count one event twice. Leave one out, or set all_actions to true, which counts each by itself."
            )
    return chosen


def format_named(named: Sequence[NamedAction]) -> str:
    """Some of them as the parameter reads them."""
    return ", ".join(f"{one.name}={one.definition}" for one in named)


def _read_named(name: str, text: str) -> tuple[NamedAction, ...]:
    pairs = split_mapping(name, text, "big_order=order WHERE value > 50")
    made = [_read_definition(name, one, theirs) for one, theirs in pairs.items()]
    names = {one.name for one in made}
    for one in made:
        if one.event_type in names:
            raise ConfigError(
                f"{name}: {one.name} is made of {one.event_type!r}, which is a named action itself: none is made of "
                "another. Name an event type of the log, and write its condition besides."
            )
    return tuple(sorted(made))


def _read_definition(name: str, ours: str, theirs: str) -> NamedAction:
    from lib.expressions.alike import spell_alike  # needs what is installed, which help does without

    if not NAME.fullmatch(ours):
        raise ConfigError(
            f"{name}: a name is of small letters, digits and _, begins with a letter and has at most 40, got {ours!r}."
        )
    what = f"{name}: {ours}"
    kind, where = _split_definition(what, theirs)
    return NamedAction(ours, kind, spell_alike(what, where), where)


def _split_definition(what: str, theirs: str) -> tuple[str, str]:
    """The event type, without its quotes, and the condition behind the first WHERE that stands outside of quotes."""
    places = {at for at, _, depth in outside(what, theirs) if not depth}
    cut = next((match for match in re.finditer(r"(?i)(?<!\S)where(?!\S)", theirs) if match.start() in places), None)
    kind, where = (theirs[: cut.start()].strip(), theirs[cut.end() :].strip()) if cut else (theirs, "")
    if not kind or not where:
        raise ConfigError(f"{what} must read like order WHERE value > 50, got {theirs!r}.")
    quoted = kind[1:-1] if len(kind) > 2 and kind[0] == kind[-1] == "'" else ""
    if "'" in (quoted or kind).replace("''", ""):
        raise ConfigError(
            f"{what}: an event type with a quote in it stands in quotes, with that one twice, like 'it''s', got "
            f"{kind!r}."
        )
    return quoted.replace("''", "'") if quoted else kind, where


def check_reach(lead: int, horizon: int) -> None:
    """Refuse days that end too late.

    Raises
    ------
    ConfigError
        The message has both numbers.
    """
    if lead + horizon > MOST_DAYS:
        raise ConfigError(
            f"starts_in_days and horizon_days are {lead + horizon} days together, got {lead} and {horizon}. Ask about "
            f"at most {MOST_DAYS}."
        )


def check_newcomers(column: str, asks_doers: bool) -> None:
    """Refuse to ask about users without any event what cannot be asked of them.

    Raises
    ------
    ConfigError
        The message names the column that `newcomers` gives.
    """
    if column and asks_doers:
        raise ConfigError(
            f"newcomers is {column!r}, which asks about users without any event, and without=true asks about those who "
            "did it before: nobody is both. Leave one out, or say with cohort_where who is asked."
        )
