"""SQL for the attributes of users at cutoffs, which Spark and DuckDB read alike.

At a cutoff a user has the newest row that held and was known before that day; a row without times counts as if it had
always held, and may know what came later.
"""

from collections.abc import Sequence
from datetime import date

from lib.attributes.columns import Attribute, Kind


def attributes_sql(attributes: Sequence[Attribute], cutoffs: Sequence[date]) -> str:
    """SQL for the attributes of all users whom the table has: a row per user and cutoff.

    Columns: user_id, cutoff, and of each attribute its column `stored`.
    """
    spans = _spans_sql(cutoffs)
    columns = "".join(f", u.{one.stored}" for one in attributes)
    if not any(one.is_timed for one in attributes):
        return f"SELECT u.user_id, s.cutoff{columns} FROM {{user_attributes}} u CROSS JOIN ({spans}) s"
    known = "(u.valid_from IS NULL OR u.valid_from < s.cutoff) AND (u.known_day IS NULL OR u.known_day < s.cutoff)"
    names = "".join(f", {one.stored}" for one in attributes)
    return (
        f"SELECT user_id, cutoff{names} FROM (SELECT u.user_id, s.cutoff{columns}, "
        "ROW_NUMBER() OVER (PARTITION BY u.user_id, s.cutoff ORDER BY u.number DESC) AS place "
        f"FROM {{user_attributes}} u JOIN ({spans}) s ON {known}) n WHERE place = 1"
    )


def _spans_sql(cutoffs: Sequence[date]) -> str:
    return " UNION ALL ".join(f"SELECT DATE '{day}' AS cutoff" for day in dict.fromkeys(cutoffs))


def with_attributes_sql(rows: str, attributes: Sequence[Attribute], cutoffs: Sequence[date]) -> str:
    """SQL for rows of users at cutoffs, with the columns of their attributes; the rows themselves without any.

    `rows` is a SELECT that has user_id and cutoff. A user whom the table lacks has attributes that are not known.
    """
    if not attributes:
        return rows
    columns = ", ".join(part for one in attributes for part in _columns_sql(one))
    known, on = "{user_attributes}", "f.user_id = u.user_id"  # the same at every cutoff, unless its rows have times
    if any(one.is_timed for one in attributes):
        known, on = f"({attributes_sql(attributes, cutoffs)})", f"{on} AND f.cutoff = u.cutoff"
    return f"SELECT f.*, {columns} FROM ({rows}) f LEFT JOIN {known} u ON {on}"


def _columns_sql(attribute: Attribute) -> tuple[str, ...]:
    stored, (first, *known) = f"u.{attribute.stored}", attribute.columns
    if not known:
        return (f"{stored} AS {first}",)
    value = stored if attribute.kind is Kind.NUMBER else f"UNIX_DATE(f.cutoff) - {stored}"
    return (
        f"CAST({value} AS DOUBLE) AS {first}",
        f"CAST(CASE WHEN {stored} IS NULL THEN 0 ELSE 1 END AS DOUBLE) AS {known[0]}",
    )


TYPES = {Kind.TEXT: "string", Kind.NUMBER: "double", Kind.DATE: "date", Kind.FLAG: "boolean"}  # as conditions read them

KINDS = {kind: one for one, kind in TYPES.items()}


def values_sql(attributes: Sequence[Attribute], cutoffs: Sequence[date]) -> str:
    """SQL for what a condition may ask of users at cutoffs: a row per user whom the table has, and cutoff.

    Columns: user_id, cutoff, and each attribute's value in its column `stored`, of the type that `TYPES` says.
    """
    values = "".join(f", {_value_sql(one)} AS {one.stored}" for one in attributes)
    return f"SELECT user_id, cutoff{values} FROM ({attributes_sql(attributes, cutoffs)}) v"


def _value_sql(attribute: Attribute) -> str:
    if attribute.kind is Kind.DATE:
        return f"DATE '1970-01-01' + CAST({attribute.stored} AS INT)"
    return f"({attribute.stored} = 'true')" if attribute.kind is Kind.FLAG else attribute.stored
