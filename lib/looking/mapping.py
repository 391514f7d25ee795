"""Propose which of the source's columns are ours: by their names and types, and by what stands in them."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lib.errors import ConfigError
from lib.expressions import kinds
from lib.expressions.expression import parse
from lib.features.shapes import EVENTS, NUMBERS, TIMES, find_asked
from lib.features.written_times import DAY, EPOCHS, MONTHS, write_pattern
from lib.looking.relations import Rows
from lib.looking.spelling import quoted
from lib.sources.presets import Preset, preset_names, read_preset

if TYPE_CHECKING:
    import duckdb

LIKELY: Mapping[str, Sequence[str]] = {  # from the surest on; compared without capitals, blanks and underscores
    "user_id": (
        "userid", "user", "customerid", "customer", "clientid", "memberid", "member", "visitorid", "distinctid",
        "accountid", "personid", "profileid", "householdid", "userpseudoid", "anonymousid", "deviceid", "email", "uid",
    ),
    "event_time": (
        "eventtime", "eventtimestamp", "timestamp", "ts", "time", "occurredat", "createdat", "datetime", "eventdate",
        "invoicedate", "orderdate", "at", "date", "day",
    ),
    "event_type": ("eventtype", "eventname", "event", "action", "activity", "behaviour", "behavior", "type", "kind"),
    "value": ("value", "revenue", "amount", "price", "total", "sales", "eventvalue", "unitprice"),
    "item_id": ("itemid", "productid", "sku", "item", "product", "articleid", "article", "stockcode", "contentid"),
    "known_at": ("knownat", "receivedat", "loadedat", "ingestedat", "insertedat"),
    "count": ("count", "events", "times"),
}  # fmt: skip
_PLAIN_TIMES = (*TIMES, "timestamp_ns")
_SEEN = 2000  # values that a guess of their form rests on


def propose_columns(engine: "duckdb.DuckDBPyConnection", parts: Sequence[Rows], given: Preset) -> dict[str, str]:
    """What to say in `event_columns`: what was given, and for the rest what fits; our own names need nothing."""
    said = dict(given.columns)
    names = {name: kind for rows in parts for name, kind in rows.types.items()}
    free = [name for name in names if name not in (*said.values(), *given.unpivot.values())]
    asked = {one.ours for one in find_asked(said, given.unpivot)}
    for ours, likely in LIKELY.items():
        if ours in said or ours in names or ours not in asked:
            continue
        theirs = _best(ours, likely, {name: names[name] for name in free})
        if theirs is not None:
            said[ours] = _written(theirs)
            free.remove(theirs)
    if "event_type" not in said and "event_type" not in names and not given.unpivot:
        said["event_type"] = "'event'"
    for ours in ("event_time", "known_at"):
        column = own_column(names, said.get(ours, ours))
        if column is not None:
            said |= {ours: form} if (form := _time_form(engine, parts, column, names[column])) else {}
    return said


def own_column(names: Mapping[str, kinds.Type], theirs: str) -> str | None:
    """The column that is named and nothing else; None for an expression."""
    bare = theirs[1:-1] if theirs[:1] == theirs[-1:] == "`" else theirs
    return bare if bare in names else None


def _best(ours: str, likely: Sequence[str], names: Mapping[str, kinds.Type]) -> str | None:
    plain = {re.sub(r"[\s_.-]", "", name).lower(): name for name in names}
    for one in likely:
        name = plain.get(one)
        if name is not None and _may_be(ours, names[name]):
            return name
    return None


def _may_be(ours: str, kind: kinds.Type) -> bool:
    if not isinstance(kind, str):
        return False
    bare = kind.partition("(")[0]
    if EVENTS[ours][1] == "timestamp":
        return bare in (*_PLAIN_TIMES, "string", "int", "bigint", "double")
    if EVENTS[ours][1] == "string":
        return bare in ("string", "uuid", *NUMBERS)
    return bare in (*NUMBERS, "string")


def _written(name: str) -> str:
    return f"`{name}`" if re.search(r"[,='\"`()]", name) else name


def _time_form(engine: "duckdb.DuckDBPyConnection", parts: Sequence[Rows], column: str, kind: kinds.Type) -> str | None:
    """An expression where a column of times counts from 1970 on, or has the day elsewhere; None where it needs none."""
    if not isinstance(kind, str) or kind.partition("(")[0] in _PLAIN_TIMES:
        return None
    rows = next(rows for rows in parts if column in rows.types)
    sql = f"SELECT CAST({quoted(column)} AS VARCHAR) FROM ({rows.sql}) WHERE {quoted(column)} IS NOT NULL LIMIT {_SEEN}"
    values = [str(row[0]).strip() for row in engine.execute(sql).fetchall()]
    whole = [value.partition(".")[0] for value in values]
    if values and all(re.fullmatch(r"[0-9]{10}|[0-9]{13}|[0-9]{16}", value) for value in whole):
        inner = column if kind != "string" else f"to_int({_written(column)})"
        return f"{EPOCHS[len(whole[0])]}({inner})"
    return _day_form(column, values) if kind == "string" else None


def _day_form(column: str, values: Sequence[str]) -> str | None:
    seen = [day for one in values if (day := DAY.fullmatch(one)) and bool(day["hour"]) == bool(day["minute"])]
    if not seen or len(seen) < len(values):
        return None
    first, second = (max(int(one[place]) for one in seen) for place in ("first", "second"))
    if first > MONTHS and second > MONTHS:
        return None
    month_first = second > MONTHS or (first <= MONTHS and seen[0]["sep"] == "/")
    return f"parse_time({_written(column)}, '{write_pattern(seen, month_first=month_first)}')"


def fitting_presets(parts: Sequence[Rows]) -> list[Preset]:
    """The ready-made mappings of which every column is there."""
    return [preset for preset in map(read_preset, preset_names()) if all(_fits(rows, preset) for rows in parts)]


def _fits(rows: Rows, preset: Preset) -> bool:
    try:
        for text in [*preset.columns.values(), *preset.key, *filter(None, [preset.where])]:
            if text not in rows.types and text[:1] != "'":
                parse(text, names=rows.types)
    except ConfigError:
        return False
    return True
