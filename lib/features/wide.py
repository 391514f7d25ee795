"""Rows with a column per behaviour, as `event_unpivot` names them: brought to one row per behaviour that was shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lib.features.columns import OurColumn, Zones, find_column
from lib.features.shapes import find_counts
from lib.sources.part import Part

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

WIDE = "__behaviour"  # the column that a row gets: type, value, unreadable, shown


def spread(part: Part, rows: "DataFrame", unpivot: Mapping[str, str], odd: "Column") -> "DataFrame":
    """A row for each number of `rows` that is not zero and not blank; where `odd`, whatever they are, just one.

    Raises
    ------
    SourceError, ConfigError
        If a column is missing or cannot be a number; the message names it.
    """
    from pyspark.sql import functions as F

    counts = {kind: find_column(part, asked, Zones()) for kind, asked in find_counts(unpivot).items()}
    all_of_them = F.array(*(_struct(kind, column) for kind, column in counts.items() if column))
    done = F.filter(all_of_them, lambda one: one["unreadable"] | (F.coalesce(one["value"], F.lit(0)) != 0))
    return rows.withColumn(WIDE, F.explode(F.when(odd, F.slice(all_of_them, 1, 1)).otherwise(done)))


def _struct(kind: str, column: OurColumn) -> "Column":
    from pyspark.sql import functions as F

    shown = F.concat(F.lit(f"{kind} "), column.shown)  # a message shows which of them it is
    named = {"type": F.lit(kind), "value": column.value, "unreadable": column.unreadable, "shown": shown}
    return F.struct(*(value.alias(name) for name, value in named.items()))


def spread_columns() -> dict[str, OurColumn]:
    """Our columns of a row that `spread` has made."""
    from pyspark.sql import functions as F

    kind, value, unreadable, shown = (F.col(WIDE)[name] for name in ("type", "value", "unreadable", "shown"))
    return {"event_type": OurColumn(kind, F.lit(False), kind), "count": OurColumn(value, unreadable, shown)}
