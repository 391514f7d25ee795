"""Propose which of the source's columns are ours: by their names and types, and by what stands in them."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lib.errors import ConfigError
from lib.expressions import kinds
from lib.expressions.expression import parse
from lib.features.hints import write_column
from lib.features.shapes import EVENTS, NUMBERS, TIMES, find_asked
from lib.features.written_times import EPOCHS, match_time, tells_order, write_epoch, write_pattern
from lib.looking.columns import read_time_sql
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
# where these do not tell the month: days that do, by the first number and by the second
_BEYOND = (r"^\s*(1[3-9]|2[0-9]|3[01])[./-]", r"^\s*[0-9]{1,2}[./-](1[3-9]|2[0-9]|3[01])[./-]")


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
    """An expression where a column of times counts from 1970 on, or is written otherwise than in ISO; else None."""
    if not isinstance(kind, str) or kind.partition("(")[0] in _PLAIN_TIMES:
        return None
    rows = next(rows for rows in parts if column in rows.types)
    values = _find_texts(engine, rows, column, "TRUE", _SEEN)
    whole = [value.partition(".")[0] for value in values]
    if values and all(re.fullmatch(r"[0-9]{10}|[0-9]{13}|[0-9]{16}", value) for value in whole):
        return _epoch_form(write_column(column), kind, values)
    return _day_form(engine, rows, column, values) if kind == "string" else None


def _epoch_form(own: str, kind: str, values: Sequence[str]) -> str:
    """An expression of numbers that count from 1970 on; where some count in another unit, each by its size."""
    lengths = sorted({len(value.partition(".")[0]) for value in values})
    has_point = any("." in value for value in values)
    number = own if kind != "string" else f"to_number({own})"
    made = ""
    for digits in reversed(lengths):
        one = f"{EPOCHS[digits]}({own})" if kind != "string" else write_epoch(own, digits, has_point=has_point)
        made = f"if({number} < 1e{digits}, {one}, {made})" if made else one
    return made


def _find_texts(
    engine: "duckdb.DuckDBPyConnection", rows: Rows, column: str, where: str, most: int
) -> list[str]:  # fmt: skip
    text = f"CAST({quoted(column)} AS VARCHAR)"
    sql = f"SELECT {text} FROM ({rows.sql}) WHERE TRIM({text}, ' ') <> '' AND {where} LIMIT {most}"
    return [str(row[0]).strip() for row in engine.execute(sql).fetchall()]


def _day_form(
    engine: "duckdb.DuckDBPyConnection", rows: Rows, column: str, values: Sequence[str]
) -> str | None:  # fmt: skip
    read = engine.execute(f"SELECT COUNT({read_time_sql('text')}) FROM (SELECT UNNEST(?) AS text)", [values]).fetchall()
    written = [match for value in values if (match := match_time(value))]
    if read[0][0] == len(values) or not written or len(written) < len(values):
        return None
    month_first = tells_order(written)
    if month_first is None and written[0].groupdict().get("first"):
        later = (
            _find_texts(engine, rows, column, f"REGEXP_MATCHES({quoted(column)}, '{form}')", 1) for form in _BEYOND
        )
        beyond = [match for texts in later for text in texts if (match := match_time(text))]
        month_first = tells_order(beyond)
        if month_first is None:
            month_first = not beyond and written[0]["sep"] == "/"
    return f"parse_time({write_column(column)}, '{write_pattern(written, month_first=bool(month_first))}')"


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
