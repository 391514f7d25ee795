"""What our columns are, whichever engine reads them: their types, bounds and forms, and what is said where one fails.

Spark renders these rules in `columns.py`, DuckDB in `lib/looking/columns.py`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lib.errors import ConfigError, SourceError
from lib.expressions.expression import Expression, has_columns, parse
from lib.expressions.kinds import Kind, Type

NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
IDS = ("string", *NUMBERS)
TIMES = ("timestamp", "timestamp_ntz", "date")
FIRST = "TIMESTAMP '0001-01-01'"  # Python knows no earlier day
LARGEST = 1e30  # of a value: what is larger was mistyped, and would overflow
MOST = 10**12  # of a count: so many, every day for thousands of years, can still be summed up
EXACT = 2**53  # beyond that a double names several whole numbers
MANGLED = "\ufffd"  # what stands where a letter could not be decoded
NOTHING = "nothing"  # what is shown where nothing stands
# column -> (types taken as they are, type it becomes, whether it must be there); texts are parsed where they can be
EVENTS: Mapping[str, tuple[tuple[str, ...], str, bool]] = {
    "user_id": (IDS, "string", True),
    "event_time": (TIMES, "timestamp", True),
    "event_type": (IDS, "string", True),
    "value": (NUMBERS, "double", False),
    "item_id": (IDS, "string", False),
    "count": (NUMBERS, "bigint", False),  # given: a row stands for so many events of that day
    "known_at": (TIMES, "timestamp", False),  # when the warehouse learnt of the event
}
COUNTED = ("count", "known_at")  # optional columns that every row must have from the day on which they came
TYPE_OF = {  # what an expression gives -> the type that it has in both engines
    Kind.TEXT: "string", Kind.INT: "bigint", Kind.NUMBER: "double", Kind.TIME: "timestamp", Kind.DAY: "date",
    Kind.DECIMAL: "decimal",
}  # fmt: skip
_OFFSET = r"(Z|UTC|GMT|(UTC|GMT)?[+-]\d{1,2}(:?\d{2}){0,2}|[A-Za-z]+/[A-Za-z0-9_+/-]+)"
WRITTEN_TIME = (  # a text that is only a time of day would be read as a time of today, and BST as a zone of Dhaka
    rf"^\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}([ T]\s*[0-9:.]*\s*{_OFFSET}?)?\s*$"
)
WITHOUT_SECONDS = rf"^(\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}[ T]\d{{1,2}}:\d{{1,2}})(\s*{_OFFSET}\s*)$"  # and with an offset
WRITTEN_DAY = r"^\s*\d{4}-\d{1,2}-\d{1,2}\s*$"
HAS_OFFSET = rf"\d\s*{_OFFSET}\s*$"
ODD_NUMBER = r"[dDfFxX]\s*$"  # which Spark reads as one
_TITLE = (
    " If the first line of a file of text is a title or a comment, take it out; event_options=comment='#' passes over "
    "lines that begin with that sign."
)
_NAME = re.compile(r"[\w -]+")  # what a column's name is made of, and few expressions: a - b, or a CASE of columns


@dataclass(frozen=True)
class Asked:
    """A column of a source that is looked for: to serve as which of ours, and by what a person named it."""

    ours: str
    theirs: str | None  # None: by our own name
    parameter: str = "event_columns"
    least: int = 1  # of a count
    attribute: str = ""  # of users, where it is read as ours is

    @property
    def name(self) -> str:
        """What it is looked for by."""
        return self.theirs or self.ours

    @property
    def becomes(self) -> str:
        """The type that it becomes."""
        return EVENTS[self.ours][1]

    @property
    def what(self) -> str:
        """What an error of its expression is about."""
        return self.parameter if self.parameter == "event_unpivot" else f"{self.parameter}: {self.role}"

    @property
    def role(self) -> str:
        """What it is to serve as."""
        return self.attribute or self.ours

    @property
    def whose(self) -> str:
        """What the source holds."""
        return {"user_columns": "users", "identity_columns": "identities"}.get(self.parameter, "events")


def find_asked(columns: Mapping[str, str], unpivot: Mapping[str, str]) -> list[Asked]:
    """Our columns, as they are to be looked for in a source; of wide rows, those that are the same for all behaviours.

    What wide rows have besides under a name of ours would stand for each of them, and is taken where it is mapped.
    """
    wide = ("user_id", "event_time", "known_at", *columns)
    return [Asked(ours, columns.get(ours)) for ours in EVENTS if not unpivot or ours in wide]


def find_counts(unpivot: Mapping[str, str]) -> dict[str, Asked]:
    """The columns that count one behaviour each, by event type; zero is a number too."""
    return {kind: Asked("count", theirs, "event_unpivot", least=0) for kind, theirs in unpivot.items()}


def must_be_there(ours: str) -> bool:
    """Whether a row cannot be used without it, where its source has the column."""
    return EVENTS[ours][2] or ours in COUNTED


def find_own_name(columns: Collection[str], twins: Collection[str], name: str, where: str) -> str | None:
    """The source's own spelling of a column, where just one is meant.

    Raises
    ------
    SourceError
        If several columns are called so.
    """
    if name.lower() in twins:
        raise SourceError(f"In {where} several columns are called {name!r}. Give each a name of its own.")
    alike = [own for own in columns if own.lower() == name.lower()]
    return name if name in columns else alike[0] if len(alike) == 1 else None


def read_constant(theirs: str) -> str | None:
    """The text of a constant in quotes; None for anything else."""
    is_constant = theirs[:1] == theirs[-1:] == "'" and "'" not in theirs[1:-1].replace("''", "")
    return theirs[1:-1].replace("''", "'") if is_constant and len(theirs) > 1 else None


def check_may_lack(asked: Asked, types: Mapping[str, Type], where: str, shown: str) -> None:
    """Refuse a source without a column that is named, or that must be there; an expression is no name.

    Raises
    ------
    SourceError
        The message names the column and those that there are.
    """
    if asked.theirs is None and not EVENTS[asked.ours][2]:
        return
    if asked.theirs is None or _is_name(asked.theirs, types):
        raise SourceError(
            f"The {asked.whose} have no column {asked.name!r} for {asked.role} in {where}. Found: {shown}. "
            f"Name the right one with {asked.parameter}, like "
            f"{'views' if asked.parameter == 'event_unpivot' else asked.role}=their_name."
            f"{_TITLE * _may_be_title(types)}"
        )


def _may_be_title(names: Collection[str]) -> bool:
    """Whether what stands in the place of names may be something else: one text, or a comment."""
    first, *others = [*names, ""]
    return first.startswith("#") or all(re.fullmatch("(_c[0-9]+)?", name) for name in others)


def _is_name(theirs: str, types: Mapping[str, Type]) -> bool:
    """Whether a text is meant as a column's name, and as no expression of columns that there are."""
    if not _NAME.fullmatch(theirs):
        return False
    try:
        return not parse(theirs, names=types).columns
    except ConfigError:
        return True


def check_type(asked: Asked, kind: str, plain: str) -> None:
    """Refuse a type that cannot serve as one of our columns.

    Raises
    ------
    SourceError
        The message names the column, what it can be and what was found, and the way out.
    """
    taken = tuple(dict.fromkeys((*EVENTS[asked.ours][0], "string")))
    if plain not in taken:
        raise SourceError(
            f"Column {asked.name!r} of the {asked.whose} must be {' or '.join(taken)} to serve as {asked.role}, found "
            f"{kind}. "
            f"{_way_out(asked, plain)}"
        )


def _way_out(asked: Asked, plain: str) -> str:
    if asked.becomes == "timestamp" and plain in NUMBERS:
        return (
            f"Say what the number counts: {asked.parameter}={asked.role}=timestamp_seconds({asked.name}), or "
            "timestamp_millis(...), timestamp_micros(...)."
        )
    if plain in ("struct", "map"):
        return f"Name one of its fields, like {asked.role}={asked.name}.name."
    return f"Cast it in the warehouse, or map another column or an expression with {asked.parameter}."


def read_condition(text: str, types: Mapping[str, Type], what: str) -> Expression:
    """A condition over the columns of a source.

    Raises
    ------
    ConfigError
        If the text is anything else.
    """
    condition = parse(text, names=types, what=what)
    if condition.kind is not Kind.BOOL:
        raise ConfigError(f"{what} must be a condition like country = 'DE', got {text!r}, a {condition.kind}.")
    return condition


def map_parts(mapped: Mapping[str, str], parts: Sequence[Mapping[str, Type]]) -> list[dict[str, str]]:
    """For each part of a source the mapping without the optional columns that came later, and it lacks.

    What no part has stays in all: it did not come later, it was never there. So does what a part has in a form that
    cannot serve: that is an error, and no lack.

    Raises
    ------
    ConfigError
        If an expression is none.
    """
    optional = {ours: Asked(ours, theirs) for ours, theirs in mapped.items() if not EVENTS[ours][2]}
    return [_without(mapped, lacking) for lacking in _find_lacking(optional, parts)]


def map_counts(unpivot: Mapping[str, str], parts: Sequence[Mapping[str, Type]]) -> list[dict[str, str]]:
    """The same of the columns of wide rows; a part that lacks all of them is no such part, and is asked for all.

    Raises
    ------
    ConfigError
        If an expression is none.
    """
    lacking = _find_lacking(find_counts(unpivot), parts)
    return [_without(unpivot, kinds if len(kinds) < len(unpivot) else set()) for kinds in lacking]


def _without(mapped: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: theirs for name, theirs in mapped.items() if name not in names}


def _find_lacking(asked: Mapping[str, Asked], parts: Sequence[Mapping[str, Type]]) -> list[set[str]]:
    """For each part what it lacks and another one has."""
    there = {name: [_is_there(one, types) for types in parts] for name, one in asked.items()}
    return [{name for name, has in there.items() if any(has) and not has[place]} for place in range(len(parts))]


def _is_there(asked: Asked, types: Mapping[str, Type]) -> bool:
    if asked.name.lower() in {name.lower() for name in types} or read_constant(asked.name) is not None:
        return True
    return not _is_name(asked.name, types) and has_columns(asked.name, names=types, what=asked.what)
