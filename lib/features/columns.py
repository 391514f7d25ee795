"""Our columns of a part of a source: found by name or by an expression, held against their kind, and brought to it.

Spark columns out; nothing here reads a row. Times come as the clock of the log's own zone shows them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib.expressions.expression import Expression, parse
from lib.features import shapes
from lib.features.shapes import Asked
from lib.sources.part import Part
from lib.tables.sql import column_sql

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Zones:
    """Whose midnight begins a day of the log, and whose clock a source's times without a zone are of."""

    log: str = "UTC"
    clock: str = "UTC"


@dataclass(frozen=True)
class OurColumn:
    """One of our columns in one part."""

    value: "Column"  # of the type it becomes; null where nothing is there, and where it cannot be read
    unreadable: "Column"  # whether something is there that cannot be read; never null
    shown: "Column"  # as it stands, as a text


def find_columns(part: Part, asked: Iterable[Asked], zones: Zones) -> dict[str, OurColumn]:
    """Our columns that a part has, of those that are asked for.

    Raises
    ------
    SourceError
        If one that is mapped or must be there is missing, or has a type that cannot be read; the message names it.
    ConfigError
        If an expression cannot be read.
    """
    columns = {one.ours: find_column(part, one, zones) for one in asked}
    return {ours: column for ours, column in columns.items() if column is not None}


def find_column(part: Part, asked: Asked, zones: Zones) -> OurColumn | None:
    """One column of a part; None where it may lack, and does.

    Raises
    ------
    SourceError, ConfigError
        As `find_columns`.
    """
    from pyspark.sql import functions as F

    name = shapes.find_own_name(part.types, part.twins, asked.name, part.name)
    if name is not None:
        column = source_column(name)
        kind = part.unread.get(name) or dict(part.frame.dtypes)[name]
        raw = F.rtrim(column) if name in part.padded else column
        return _bring(part, replace(asked, theirs=name), kind, raw, zones)
    if (constant := shapes.read_constant(asked.name)) is not None:
        return _bring(part, asked, "string", F.lit(constant), zones)
    shapes.check_may_lack(asked, part.types, part.name, part.shown)
    return None if asked.theirs is None else _compute(part, asked, asked.theirs, zones)


def source_column(name: str) -> "Column":
    """A column of the source by its name, whatever that holds."""
    from pyspark.sql import functions as F

    return F.col(column_sql(name))


def show_columns(expression: Expression) -> "Column":
    """What stands in the columns that an expression reads, as a text."""
    from pyspark.sql import functions as F

    shown = [F.coalesce(source_column(name).cast("string"), F.lit("null")) for name in expression.columns]
    return F.concat_ws(", ", *shown)


def _compute(part: Part, asked: Asked, text: str, zones: Zones) -> OurColumn:
    """What an expression makes of a row; its times are UTC."""
    from pyspark.sql import functions as F

    expression = parse(text, names=part.types, what=asked.what)
    kind = shapes.TYPE_OF.get(expression.kind, str(expression.kind))
    made = _bring(part, asked, kind, F.expr(expression.spark()), zones)
    failure = expression.failure("spark")
    if failure is None:
        return made
    failed = F.coalesce(F.expr(failure), F.lit(False))
    return OurColumn(made.value, made.unreadable | failed, show_columns(expression))


def _bring(part: Part, asked: Asked, kind: str, raw: "Column", zones: Zones) -> OurColumn:
    from pyspark.sql import functions as F

    plain = re.split("[(<]", kind)[0]
    shapes.check_type(asked, kind, plain)
    if asked.becomes == "timestamp":
        value = _local_time(raw, plain, zones)
    elif asked.becomes == "string":
        value = _id_text(raw, kind)
    else:
        number = _number(raw, plain, part.decimal)
        if asked.becomes == "bigint" and plain == "string":
            number = number.try_cast("double")  # 3.0 is a whole number, which a cast of the text would not take
        value = number.try_cast(asked.becomes)
    blank = F.trim(raw) == "" if plain == "string" else F.lit(False)  # says as little as null does
    return OurColumn(value, raw.isNotNull() & ~blank & ~_is_sound(asked, value, raw, plain, part), raw.cast("string"))


def _is_sound(asked: Asked, value: "Column", raw: "Column", plain: str, part: Part) -> "Column":
    """Whether what is there can be used; null never."""
    from pyspark.sql import functions as F

    ours = asked.ours
    if asked.becomes == "string":
        sound = value.isNotNull()
        return F.coalesce(sound & ~value.contains(shapes.MANGLED) if plain == "string" else sound, F.lit(False))
    if ours == "event_time":
        return F.coalesce(value >= F.expr(shapes.FIRST), F.lit(False))
    if ours == "known_at":
        return value.isNotNull()
    if ours == "count":  # a fraction is no number of events, and a cast would cut it off unseen
        exact = _number(raw, plain, part.decimal).try_cast("double") == value
        return F.coalesce((value >= asked.least) & (value <= shapes.MOST) & exact, F.lit(False))
    return F.coalesce(F.abs(value) < shapes.LARGEST, F.lit(False))  # NaN, to Spark the largest, cannot be summed up


def _number(raw: "Column", plain: str, decimal: str | None) -> "Column":
    """A text as `try_cast` may read it; null where it would read what nobody means."""
    from pyspark.sql import functions as F

    if plain != "string":
        return raw
    if decimal == ",":
        raw = F.when(~raw.contains("."), F.translate(raw, ",", "."))
    return F.when(~raw.rlike(shapes.ODD_NUMBER), raw)


def _id_text(raw: "Column", kind: str) -> "Column":
    """An id as a text: of a number all its digits, and none behind the point."""
    from pyspark.sql import functions as F

    plain = kind.partition("(")[0]
    if plain == "string":
        return F.when(F.trim(raw) != "", raw)
    if plain in ("float", "double"):
        return F.when((F.floor(raw) == raw) & (F.abs(raw) < shapes.EXACT), raw.cast("bigint").cast("string"))
    if plain == "decimal" and not kind.endswith(",0)"):
        return F.when(F.floor(raw) == raw, F.floor(raw).cast("string"))  # in 38 digits, 7.5 would be the same as 8
    return raw.cast("string")


def _local_time(raw: "Column", plain: str, zones: Zones) -> "Column":
    """The time that the log's clock showed; one without a zone is the source's own clock's, and a day stays one."""
    from pyspark.sql import functions as F

    def shown(moment: "Column") -> "Column":
        return moment if zones.log == "UTC" else F.from_utc_timestamp(moment, zones.log)

    def shown_there(time: "Column") -> "Column":
        return time if zones.clock == zones.log else shown(F.to_utc_timestamp(time, zones.clock))

    if plain == "timestamp":
        return shown(raw)
    if plain != "string":
        time = raw.try_cast("timestamp")
        return time if plain == "date" else shown_there(time)
    moment = F.coalesce(
        F.when(raw.rlike(shapes.WRITTEN_TIME), raw).try_cast("timestamp"),
        F.when(raw.rlike(shapes.WITHOUT_SECONDS), F.regexp_replace(raw, shapes.WITHOUT_SECONDS, "$1:00$2")).try_cast(
            "timestamp"  # looked at where there is none yet: Spark wants seconds before an offset, and ISO does not
        ),
    )
    if zones == Zones():
        return moment
    without = F.when(raw.rlike(shapes.WRITTEN_DAY), moment).otherwise(shown_there(moment))
    return F.when(raw.rlike(shapes.HAS_OFFSET), shown(moment)).otherwise(without)
