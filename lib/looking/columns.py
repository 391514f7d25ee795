"""Our columns in DuckDB's SQL, by the rules of `lib/features/shapes.py`; Spark's are in `lib/features/columns.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lib.expressions import kinds
from lib.expressions.expression import Expression, has_columns, parse
from lib.expressions.named import NamedAction
from lib.features import shapes
from lib.features.shapes import EVENTS, NOTHING, Asked
from lib.looking.relations import Rows
from lib.looking.spelling import quoted
from lib.looking.time_texts import time_text_sql
from lib.sources.presets import Preset
from lib.tables.sql import text_literal

WIDE = "__behaviour"
_NULL = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "double": "DOUBLE", "bigint": "BIGINT"}


@dataclass(frozen=True)
class Sql:
    """One of our columns: what it is, whether it cannot be read, and what stands there."""

    value: str
    unreadable: str
    shown: str


_SPREAD = {  # of a row that was made of a wide one
    "event_type": Sql(f"{WIDE}.type", "FALSE", f"{WIDE}.type"),
    "count": Sql(f"{WIDE}.value", f"{WIDE}.unreadable", f"{WIDE}.shown"),
}


def shaped_sql(rows: Rows, mapping: Preset, zone: str, named: Sequence[NamedAction] = ()) -> str:
    """A SELECT of user_id, event_time, event_type, value, item_id, count, known_at, broken and found.

    Times are those of the clock of `zone`. `broken` names the first column of a row that cannot be used. Behind them
    `named`, the named actions that a row counts as, and `unclear`, what stands where that cannot be told.
    """
    asked = shapes.find_asked(mapping.columns, mapping.unpivot)
    given = {one.ours: column for one in asked if (column := _find(rows, one, zone))}
    given |= _SPREAD if mapping.unpivot else {}
    values = [
        f"{given[ours].value if ours in given else f'CAST(NULL AS {_NULL[becomes]})'} AS {quoted(ours)}"
        for ours, (_, becomes, _) in EVENTS.items()
    ]
    faults, value = _faults(given)
    where, fails, shown = _where(rows, mapping.where)
    broken = f"COALESCE(CASE WHEN {fails} THEN 'event_where' END, {faults})"
    parts = [_key_sql(rows, name) for name in mapping.key] + [f"{WIDE}.type"] * bool(mapping.key and mapping.unpivot)
    keys = [f"CAST({key} AS VARCHAR) AS key_{place}" for place, key in enumerate(parts)]
    columns = [*values, f"{broken} AS broken", f"CASE WHEN {fails} THEN {shown} ELSE {value} END AS found", *keys]
    columns += _marks(rows, named, given["event_type"].value)
    taken = f"({rows.sql}) WHERE {where}"
    return f"SELECT {', '.join(columns)} FROM {_spread_sql(rows, mapping, taken, fails) if mapping.unpivot else taken}"


def _marks(rows: Rows, named: Sequence[NamedAction], event_type: str) -> tuple[str, str]:
    names, unclear = ["NULL"], ["NULL"]
    for one in named:
        what = f"actions: {one.name}"
        if not has_columns(one.where, names=rows.types, what=what):
            continue
        condition = shapes.read_condition(one.where, rows.types, what)
        is_type = f"{event_type} = {text_literal(one.event_type)}"
        names.append(f"CASE WHEN {is_type} AND COALESCE({condition.duckdb()}, FALSE) THEN {text_literal(one.name)} END")
        if failure := condition.failure("duckdb"):
            shown = f"{text_literal(one.name + ': ')} || {_shown(condition)}"
            unclear.append(f"CASE WHEN {is_type} AND COALESCE({failure}, FALSE) THEN {shown} END")
    marks = f"LIST_FILTER(CAST([{', '.join(names)}] AS VARCHAR[]), lambda one: one IS NOT NULL) AS named"
    return marks, f"CAST(COALESCE({', '.join(unclear)}) AS VARCHAR) AS unclear"


def _spread_sql(rows: Rows, mapping: Preset, taken: str, fails: str) -> str:
    """A row for each number that is not zero and not blank; one only where the condition cannot be read."""
    counts = {kind: _find(rows, one, "UTC") for kind, one in shapes.find_counts(mapping.unpivot).items()}
    structs = ", ".join(
        f"{{'type': {text_literal(kind)}, 'value': {one.value}, 'unreadable': {one.unreadable}, "
        f"'shown': {text_literal(kind + ' ')} || {one.shown}}}"
        for kind, one in counts.items() if one
    )  # fmt: skip
    done = f"LIST_FILTER([{structs}], lambda one: one.unreadable OR COALESCE(one.value, 0) <> 0)"
    behaviours = f"CASE WHEN {fails} THEN [{structs}][1:1] ELSE {done} END"
    return f"(SELECT *, UNNEST({behaviours}) AS {WIDE} FROM {taken})"


def _faults(given: Mapping[str, Sql]) -> tuple[str, str]:
    faults, shown = [], []
    for ours, column in given.items():
        null = f" OR ({column.value}) IS NULL" if shapes.must_be_there(ours) else ""
        fault = f"({column.unreadable}{null})"
        faults.append(f"CASE WHEN {fault} THEN '{ours}' END")
        shown.append(f"CASE WHEN {fault} THEN COALESCE({column.shown}, '{NOTHING}') END")
    return f"COALESCE({', '.join(faults)})", f"COALESCE({', '.join(shown)})"


def _where(rows: Rows, text: str) -> tuple[str, str, str]:
    if not text:
        return "TRUE", "FALSE", "''"
    condition = shapes.read_condition(text, rows.types, "event_where")
    failure = f"COALESCE({condition.failure('duckdb') or 'FALSE'}, FALSE)"
    return f"(COALESCE({condition.duckdb()}, FALSE) OR {failure})", failure, _shown(condition)


def _shown(expression: Expression) -> str:
    shown = ", ".join(f"COALESCE(CAST({quoted(name)} AS VARCHAR), 'null')" for name in expression.columns)
    return f"CONCAT_WS(', ', {shown})"


def _key_sql(rows: Rows, name: str) -> str:
    own = _own_name(rows, name)
    return parse(name, names=rows.types, what="event_key").duckdb() if own is None else quoted(own)


def _own_name(rows: Rows, name: str) -> str | None:
    return shapes.find_own_name(rows.types, rows.twins, name, rows.files[0])


def _find(rows: Rows, asked: Asked, zone: str) -> Sql | None:
    name = _own_name(rows, asked.name)
    if name is not None:
        return _bring(rows, replace(asked, theirs=name), _plain(rows.types[name]), quoted(name), zone)
    if shapes.read_constant(asked.name) is not None:
        return _bring(rows, asked, "string", f"CAST({asked.name} AS VARCHAR)", zone)
    shapes.check_may_lack(asked, rows.types, rows.files[0], rows.shown)
    return None if asked.theirs is None else _compute(rows, asked, asked.theirs, zone)


def _compute(rows: Rows, asked: Asked, text: str, zone: str) -> Sql:
    expression = parse(text, names=rows.types, what=asked.what)
    kind = shapes.TYPE_OF.get(expression.kind, str(expression.kind))
    made = _bring(rows, asked, kind, expression.duckdb(), zone)
    failure = expression.failure("duckdb")
    if failure is None:
        return made
    return Sql(made.value, f"({made.unreadable} OR COALESCE({failure}, FALSE))", _shown(expression))


def _plain(kind: kinds.Type) -> str:
    return kind if isinstance(kind, str) else "struct" if isinstance(kind, kinds.Struct) else "map"


def _bring(rows: Rows, asked: Asked, kind: str, raw: str, zone: str) -> Sql:
    plain = "timestamp_ntz" if kind == "timestamp_ns" else kind.partition("(")[0]
    shapes.check_type(asked, kind, "string" if plain == "uuid" else plain)
    if asked.becomes == "timestamp":
        value = _local_time(raw, plain, zone)
    elif asked.becomes == "string":
        value = _id_text(raw, kind, plain)
    else:
        value = _number(raw, plain, rows.decimal, _NULL[asked.becomes])
    shown = f"CAST({raw} AS VARCHAR)"
    if asked.becomes == plain == "string":
        return Sql(f"({value})", f"COALESCE(CONTAINS({raw}, '{shapes.MANGLED}'), FALSE)", shown)
    blank = _is_blank(raw) if plain == "string" else "FALSE"
    unreadable = f"({raw} IS NOT NULL AND NOT ({blank}) AND NOT ({_sound(asked, value, raw, plain, rows)}))"
    return Sql(f"({value})", unreadable, shown)


def _is_blank(raw: str) -> str:
    """Whether a text is of blanks alone; of one that begins with a letter that is known at once."""
    return f"CASE WHEN {raw} < '!' THEN TRIM({raw}, ' ') = '' ELSE FALSE END"


def _sound(asked: Asked, value: str, raw: str, plain: str, rows: Rows) -> str:
    if asked.becomes == "string":
        return f"({value}) IS NOT NULL"
    if asked.becomes == "timestamp":
        is_sound = f"COALESCE({value} >= {shapes.FIRST}, FALSE)"
        return is_sound if asked.ours == "event_time" else f"({value}) IS NOT NULL"
    if asked.ours == "count":
        exact = f"{_number(raw, plain, rows.decimal, 'DOUBLE')} = {value}"
        return f"COALESCE({value} >= {asked.least} AND {value} <= {shapes.MOST} AND {exact}, FALSE)"
    return f"COALESCE(ABS({value}) < {shapes.LARGEST}, FALSE)"


def _number(raw: str, plain: str, decimal: str | None, kind: str) -> str:
    if plain != "string":
        return f"TRY_CAST({f'TRUNC({raw})' if kind == 'BIGINT' else raw} AS {kind})"
    if decimal == ",":
        raw = f"CASE WHEN NOT CONTAINS({raw}, '.') THEN REPLACE({raw}, ',', '.') END"
    is_odd = f"REGEXP_MATCHES({raw}, '{shapes.ODD_NUMBER}|_|[+]-')"
    guarded = f"CASE WHEN NOT {is_odd} THEN TRIM({raw}, ' ' || CHR(9) || CHR(10)) END"
    if kind == "BIGINT":
        return f"TRY_CAST(TRUNC(TRY_CAST({guarded} AS DOUBLE)) AS BIGINT)"
    return f"TRY_CAST({guarded} AS {kind})"


def _id_text(raw: str, kind: str, plain: str) -> str:
    if plain == "string":
        return f"CASE WHEN NOT {_is_blank(raw)} THEN {raw} END"
    if plain in ("float", "double"):
        is_exact = f"FLOOR({raw}) = {raw} AND ABS({raw}) < {shapes.EXACT}"
        return f"CASE WHEN {is_exact} THEN CAST(CAST({raw} AS BIGINT) AS VARCHAR) END"
    if plain == "decimal" and not kind.endswith(",0)"):
        return f"CASE WHEN FLOOR({raw}) = {raw} THEN CAST(FLOOR({raw}) AS VARCHAR) END"
    return f"CAST({raw} AS VARCHAR)"


def read_time_sql(raw: str) -> str:
    """A text as a time, null where it is read as none; in UTC."""
    return _local_time(raw, "string", "UTC")


def _local_time(raw: str, plain: str, zone: str) -> str:
    there = f"TIMEZONE('{zone}', {{0}})" if zone != "UTC" else "CAST({0} AS TIMESTAMP)"
    if plain == "timestamp":
        return there.format(f"CAST({raw} AS TIMESTAMPTZ)")
    if plain != "string":
        return f"TRY_CAST({raw} AS TIMESTAMP)"
    text = time_text_sql(raw)
    moment = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    if zone == "UTC":
        return f"CAST({moment} AS TIMESTAMP)"
    return (
        f"CASE WHEN REGEXP_MATCHES({raw}, '{shapes.HAS_OFFSET}') THEN {there.format(moment)} "
        f"ELSE TRY_CAST({text} AS TIMESTAMP) END"
    )
