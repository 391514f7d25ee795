"""Our columns of a part of a source: found by name or by an expression, held against their kind, and brought to it.

Spark columns out; nothing here reads a row. Times come as the clock of the log's own zone shows them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.errors import ConfigError, SourceError
from lib.expressions import kinds
from lib.expressions.expression import Expression, parse
from lib.expressions.kinds import Kind
from lib.sources.part import Part

if TYPE_CHECKING:
    from pyspark.sql import Column

NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
IDS = ("string", *NUMBERS)
TIMES = ("timestamp", "timestamp_ntz", "date")
FIRST = "TIMESTAMP '0001-01-01'"  # Python knows no earlier day
LARGEST = 1e30  # of a value: what is larger was mistyped, and would overflow
MOST = 10**12  # of a count: so many, every day for thousands of years, can still be summed up
EXACT = 2**53  # beyond that a double names several whole numbers
MANGLED = "\ufffd"  # what stands where a letter could not be decoded
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
_OF_KIND = {
    Kind.TEXT: "string", Kind.INT: "bigint", Kind.NUMBER: "double", Kind.TIME: "timestamp", Kind.DAY: "date",
    Kind.DECIMAL: "decimal",
}  # fmt: skip
_OFFSET = r"(Z|UTC|GMT|(UTC|GMT)?[+-]\d{1,2}(:?\d{2}){0,2}|[A-Za-z]+/[A-Za-z0-9_+/-]+)"
WRITTEN_TIME = (  # a text that is only a time of day would be read as a time of today, and BST as a zone of Dhaka
    rf"^\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}([ T]\s*[0-9:.]*\s*{_OFFSET}?)?\s*$"
)
HAS_OFFSET = rf"\d\s*{_OFFSET}\s*$"
ODD_NUMBER = r"[dDfFxX]\s*$"  # which Spark reads as one


@dataclass(frozen=True)
class OurColumn:
    """One of our columns in one part."""

    value: "Column"  # of the type it becomes; null where nothing is there, and where it cannot be read
    unreadable: "Column"  # whether something is there that cannot be read; never null
    shown: "Column"  # as it stands, as a text


def find_columns(part: Part, names: Mapping[str, str], zone: str) -> dict[str, OurColumn]:
    """Our columns that a part has.

    Raises
    ------
    SourceError
        If one that is mapped or must be there is missing, or has a type that cannot be read; the message names it.
    ConfigError
        If an expression cannot be read.
    """
    types = kinds.from_spark(part.frame.schema.jsonValue())
    types = {name: kind for name, kind in types.items() if name in part.columns}
    shown = {ours: _find(part, types, ours, names.get(ours), zone) for ours in EVENTS}
    return {ours: column for ours, column in shown.items() if column is not None}


def read_expression(part: Part, text: str, what: str) -> Expression:
    """An expression over the columns of a part."""
    types = kinds.from_spark(part.frame.schema.jsonValue())
    return parse(text, names={name: types[name] for name in part.columns}, what=what)


def read_condition(part: Part, text: str, what: str) -> Expression:
    """A condition over the columns of a part."""
    condition = read_expression(part, text, what)
    if condition.kind is not Kind.BOOL:
        raise ConfigError(f"{what} must be a condition like country = 'DE', got {text!r}, a {condition.kind}.")
    return condition


def source_column(name: str) -> "Column":
    """A column of the source by its name, whatever that holds."""
    from pyspark.sql import functions as F

    return F.col(f"`{name.replace('`', '``')}`")


def _find(part: Part, types: Mapping[str, kinds.Type], ours: str, theirs: str | None, zone: str) -> OurColumn | None:
    from pyspark.sql import functions as F

    name = _own_name(part, ours if theirs is None else theirs)
    if name is not None:
        if name.lower() in part.twins:
            raise SourceError(f"In {part.name} several columns are called {name!r}. Give each a name of its own.")
        column = source_column(name)
        kind = dict(part.frame.dtypes)[name]
        return _bring(part, ours, name, kind, F.rtrim(column) if name in part.padded else column, zone)
    if theirs is None:
        if EVENTS[ours][2]:
            raise _missing(part, ours, ours)
        return None
    if theirs[:1] == theirs[-1:] == "'" and "'" not in theirs[1:-1].replace("''", ""):
        return _bring(part, ours, theirs, "string", F.lit(theirs[1:-1].replace("''", "'")), zone)
    if theirs.replace("_", "a").replace(".", "a").replace(" ", "a").replace("-", "a").isalnum() and "." not in theirs:
        raise _missing(part, ours, theirs)
    return _compute(part, types, ours, theirs, zone)


def _own_name(part: Part, name: str) -> str | None:
    """The part's own spelling of a column, where just one is meant."""
    if name in part.columns:
        return name
    alike = [own for own in part.columns if own.lower() == name.lower()]
    if name.lower() in part.twins:
        raise SourceError(f"In {part.name} several columns are called {name!r}. Give each a name of its own.")
    return alike[0] if len(alike) == 1 else None


def _missing(part: Part, ours: str, theirs: str) -> SourceError:
    return SourceError(
        f"The events have no column {theirs!r} for {ours} in {part.name}. Found: {part.shown}. "
        f"Name the right one with event_columns, like {ours}=their_name."
    )


def _compute(part: Part, types: Mapping[str, kinds.Type], ours: str, theirs: str, zone: str) -> OurColumn:
    """What an expression makes of a row; its times are UTC."""
    from pyspark.sql import functions as F

    expression = parse(theirs, names=types, what=f"event_columns: {ours}")
    kind = _OF_KIND.get(expression.kind, str(expression.kind))
    made = _bring(part, ours, theirs, kind, F.expr(expression.spark()), zone)
    failure = expression.failure("spark")
    if failure is None:
        return made
    shown = [F.coalesce(source_column(name).cast("string"), F.lit("null")) for name in expression.columns]
    failed = F.coalesce(F.expr(failure), F.lit(False))
    return OurColumn(made.value, made.unreadable | failed, F.concat_ws(", ", *shown))


def _bring(part: Part, ours: str, theirs: str, kind: str, raw: "Column", zone: str) -> OurColumn:
    from pyspark.sql import functions as F

    taken, becomes, _ = EVENTS[ours]
    plain = re.split("[(<]", kind)[0]
    if plain not in (*taken, "string"):
        raise SourceError(
            f"Column {theirs!r} of the events must be {' or '.join(dict.fromkeys((*taken, 'string')))} to serve as "
            f"{ours}, found {kind}. {_way_out(ours, theirs, plain)}"
        )
    if becomes == "timestamp":
        value = _local_time(raw, plain, zone)
    elif becomes == "string":
        value = _id_text(raw, kind)
    else:
        value = _number(raw, plain, part.decimal).try_cast(becomes)
    blank = F.trim(raw) == "" if plain == "string" else F.lit(False)  # says as little as null does
    return OurColumn(value, raw.isNotNull() & ~blank & ~_is_sound(ours, value, raw, plain, part), raw.cast("string"))


def _way_out(ours: str, theirs: str, plain: str) -> str:
    if EVENTS[ours][1] == "timestamp" and plain in NUMBERS:
        return (
            f"Say what the number counts: event_columns={ours}=timestamp_seconds({theirs}), or timestamp_millis(...), "
            "timestamp_micros(...)."
        )
    if plain in ("struct", "map"):
        return f"Name one of its fields, like {ours}={theirs}.name."
    return "Cast it in the warehouse, or map another column or an expression with event_columns."


def _is_sound(ours: str, value: "Column", raw: "Column", plain: str, part: Part) -> "Column":
    """Whether what is there can be used; null never."""
    from pyspark.sql import functions as F

    if EVENTS[ours][1] == "string":
        sound = value.isNotNull()
        return F.coalesce(sound & ~value.contains(MANGLED) if plain == "string" else sound, F.lit(False))
    if ours == "event_time":
        return F.coalesce(value >= F.expr(FIRST), F.lit(False))
    if ours == "known_at":
        return value.isNotNull()
    if ours == "count":  # a fraction is no number of events, and a cast would cut it off unseen
        exact = _number(raw, plain, part.decimal).try_cast("double") == value
        return F.coalesce((value >= 1) & (value <= MOST) & exact, F.lit(False))
    return F.coalesce(F.abs(value) < LARGEST, F.lit(False))  # NaN, to Spark the largest, cannot be summed up


def _number(raw: "Column", plain: str, decimal: str | None) -> "Column":
    """A text as `try_cast` may read it; null where it would read what nobody means."""
    from pyspark.sql import functions as F

    if plain != "string":
        return raw
    if decimal == ",":
        raw = F.when(~raw.contains("."), F.translate(raw, ",", "."))
    return F.when(~raw.rlike(ODD_NUMBER), raw)


def _id_text(raw: "Column", kind: str) -> "Column":
    """An id as a text: of a number all its digits, and none behind the point."""
    from pyspark.sql import functions as F

    plain = kind.partition("(")[0]
    if plain == "string":
        return F.when(F.trim(raw) != "", raw)
    if plain in ("float", "double"):
        return F.when((F.floor(raw) == raw) & (F.abs(raw) < EXACT), raw.cast("bigint").cast("string"))
    if plain == "decimal" and not kind.endswith(",0)"):
        return F.when(F.floor(raw) == raw, F.floor(raw).cast("string"))  # in 38 digits, 7.5 would be the same as 8
    return raw.cast("string")


def _local_time(raw: "Column", plain: str, zone: str) -> "Column":
    """The time that the log's own clock showed; one without a zone is that clock's."""
    from pyspark.sql import functions as F

    def shown_there(moment: "Column") -> "Column":
        return moment if zone == "UTC" else F.from_utc_timestamp(moment, zone)

    if plain == "timestamp":
        return shown_there(raw)
    if plain != "string":
        return raw.try_cast("timestamp")
    moment = F.when(raw.rlike(WRITTEN_TIME), raw).try_cast("timestamp")
    return moment if zone == "UTC" else F.when(raw.rlike(HAS_OFFSET), shown_there(moment)).otherwise(moment)
