"""Our columns in DuckDB's SQL, by the rules that `lib/features/columns.py` has for Spark."""

from collections.abc import Mapping
from dataclasses import dataclass

from lib.errors import ConfigError, SourceError
from lib.expressions import kinds
from lib.expressions.expression import parse
from lib.expressions.kinds import Kind
from lib.features.columns import (
    EVENTS,
    EXACT,
    HAS_OFFSET,
    LARGEST,
    MANGLED,
    MOST,
    ODD_NUMBER,
    WRITTEN_TIME,
)
from lib.looking.relations import Rows, quoted
from lib.sources.presets import Preset

_NULL = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "double": "DOUBLE", "bigint": "BIGINT"}
NOTHING = "nothing"


@dataclass(frozen=True)
class Sql:
    """One of our columns: what it is, whether it cannot be read, and what stands there."""

    value: str
    unreadable: str
    shown: str


def shaped_sql(rows: Rows, mapping: Preset, zone: str) -> str:
    """A SELECT of user_id, event_time, event_type, value, item_id, count, known_at, broken and found.

    Times are those of the clock of `zone`. `broken` names the first column of a row that cannot be used.
    """
    given = {ours: column for ours in EVENTS if (column := _find(rows, ours, mapping.columns.get(ours), zone))}
    values = [
        f"{given[ours].value if ours in given else f'CAST(NULL AS {_NULL[becomes]})'} AS {quoted(ours)}"
        for ours, (_, becomes, _) in EVENTS.items()
    ]
    faults, value = _faults(given)
    where, fails, shown = _where(rows, mapping.where)
    broken = f"COALESCE(CASE WHEN {fails} THEN 'event_where' END, {faults})"
    keys = [f"CAST({_key_sql(rows, name)} AS VARCHAR) AS key_{place}" for place, name in enumerate(mapping.key)]
    columns = [*values, f"{broken} AS broken", f"CASE WHEN {fails} THEN {shown} ELSE {value} END AS found", *keys]
    return f"SELECT {', '.join(columns)} FROM ({rows.sql}) WHERE {where}"


def _faults(given: Mapping[str, Sql]) -> tuple[str, str]:
    faults, shown = [], []
    for ours, column in given.items():
        needed = EVENTS[ours][2] or ours in ("count", "known_at")
        fault = f"({column.unreadable} OR ({column.value}) IS NULL)" if needed else f"({column.unreadable})"
        faults.append(f"CASE WHEN {fault} THEN '{ours}' END")
        shown.append(f"CASE WHEN {fault} THEN COALESCE({column.shown}, '{NOTHING}') END")
    return f"COALESCE({', '.join(faults)})", f"COALESCE({', '.join(shown)})"


def _where(rows: Rows, text: str) -> tuple[str, str, str]:
    if not text:
        return "TRUE", "FALSE", "''"
    condition = parse(text, names=rows.types, what="event_where")
    if condition.kind is not Kind.BOOL:
        raise ConfigError(f"event_where must be a condition like country = 'DE', got {text!r}, a {condition.kind}.")
    failure = f"COALESCE({condition.failure('duckdb') or 'FALSE'}, FALSE)"
    shown = ", ".join(f"COALESCE(CAST({quoted(name)} AS VARCHAR), 'null')" for name in condition.columns)
    return f"(COALESCE({condition.duckdb()}, FALSE) OR {failure})", failure, f"CONCAT_WS(', ', {shown})"


def _key_sql(rows: Rows, name: str) -> str:
    own = {column.lower(): column for column in rows.types}
    if name.lower() in own:
        return quoted(own[name.lower()])
    return parse(name, names=rows.types, what="event_key").duckdb()


def _find(rows: Rows, ours: str, theirs: str | None, zone: str) -> Sql | None:
    name = own_name(rows, theirs or ours)
    if name is not None:
        return _bring(rows, ours, name, _plain(rows.types[name]), quoted(name), zone)
    if theirs is None:
        if EVENTS[ours][2]:
            raise _missing(rows, ours, ours)
        return None
    if theirs[:1] == theirs[-1:] == "'" and "'" not in theirs[1:-1].replace("''", ""):
        return _bring(rows, ours, theirs, "string", f"CAST({theirs} AS VARCHAR)", zone)
    if theirs.replace("_", "a").replace(" ", "a").replace("-", "a").isalnum():
        raise _missing(rows, ours, theirs)
    expression = parse(theirs, names=rows.types, what=f"event_columns: {ours}")
    made = _bring(rows, ours, theirs, _KINDS.get(expression.kind, str(expression.kind)), expression.duckdb(), zone)
    failure = expression.failure("duckdb")
    if failure is None:
        return made
    shown = ", ".join(f"COALESCE(CAST({quoted(one)} AS VARCHAR), 'null')" for one in expression.columns)
    return Sql(made.value, f"({made.unreadable} OR COALESCE({failure}, FALSE))", f"CONCAT_WS(', ', {shown})")


_KINDS = {
    Kind.TEXT: "string", Kind.INT: "bigint", Kind.NUMBER: "double", Kind.TIME: "timestamp", Kind.DAY: "date",
    Kind.DECIMAL: "decimal",
}  # fmt: skip


def own_name(rows: Rows, name: str) -> str | None:
    """The source's own spelling of a column, where just one is meant."""
    if name.lower() in rows.twins:
        raise SourceError(f"In {rows.files[0]} several columns are called {name!r}. Give each a name of its own.")
    alike = [own for own in rows.types if own.lower() == name.lower()]
    return name if name in rows.types else alike[0] if len(alike) == 1 else None


def _plain(kind: kinds.Type) -> str:
    return kind if isinstance(kind, str) else "struct" if isinstance(kind, kinds.Struct) else "map"


def _missing(rows: Rows, ours: str, theirs: str) -> SourceError:
    return SourceError(
        f"The events have no column {theirs!r} for {ours} in {rows.files[0]}. Found: {rows.shown}. "
        f"Name the right one with event_columns, like {ours}=their_name."
    )


def _bring(rows: Rows, ours: str, theirs: str, kind: str, raw: str, zone: str) -> Sql:
    taken, becomes, _ = EVENTS[ours]
    plain = "timestamp_ntz" if kind == "timestamp_ns" else kind.partition("(")[0]
    if plain not in (*taken, "string", "uuid"):
        raise SourceError(
            f"Column {theirs!r} of the events must be {' or '.join(dict.fromkeys((*taken, 'string')))} to serve as "
            f"{ours}, found {kind}."
        )
    if becomes == "timestamp":
        value = _local_time(raw, plain, zone)
    elif becomes == "string":
        value = _id_text(raw, kind, plain)
    else:
        value = _number(raw, plain, rows.decimal, _NULL[becomes])
    blank = f"TRIM({raw}, ' ') = ''" if plain == "string" else "FALSE"
    unreadable = f"({raw} IS NOT NULL AND NOT ({blank}) AND NOT ({_sound(ours, value, raw, plain, rows)}))"
    return Sql(f"({value})", unreadable, f"CAST({raw} AS VARCHAR)")


def _sound(ours: str, value: str, raw: str, plain: str, rows: Rows) -> str:
    if EVENTS[ours][1] == "string":
        mangled = f" AND NOT CONTAINS({value}, '{MANGLED}')" if plain == "string" else ""
        return f"COALESCE(({value}) IS NOT NULL{mangled}, FALSE)"
    if EVENTS[ours][1] == "timestamp":
        return (
            f"COALESCE({value} >= TIMESTAMP '0001-01-01', FALSE)" if ours == "event_time" else f"({value}) IS NOT NULL"
        )
    if ours == "count":
        exact = f"{_number(raw, plain, rows.decimal, 'DOUBLE')} = {value}"
        return f"COALESCE({value} >= 1 AND {value} <= {MOST} AND {exact}, FALSE)"
    return f"COALESCE(ABS({value}) < {LARGEST}, FALSE)"


def _number(raw: str, plain: str, decimal: str | None, kind: str) -> str:
    if plain != "string":
        return f"TRY_CAST({f'TRUNC({raw})' if kind == 'BIGINT' else raw} AS {kind})"
    if decimal == ",":
        raw = f"CASE WHEN NOT CONTAINS({raw}, '.') THEN REPLACE({raw}, ',', '.') END"
    guarded = f"CASE WHEN NOT REGEXP_MATCHES({raw}, '{ODD_NUMBER}|_') THEN TRIM({raw}, ' ' || CHR(9) || CHR(10)) END"
    return (
        f"TRY_CAST(TRUNC(TRY_CAST({guarded} AS DOUBLE)) AS BIGINT)"
        if kind == "BIGINT"
        else (f"TRY_CAST({guarded} AS {kind})")
    )


def _id_text(raw: str, kind: str, plain: str) -> str:
    if plain == "string":
        return f"CASE WHEN TRIM({raw}, ' ') <> '' THEN {raw} END"
    if plain in ("float", "double"):
        return (
            f"CASE WHEN FLOOR({raw}) = {raw} AND ABS({raw}) < {EXACT} THEN CAST(CAST({raw} AS BIGINT) AS VARCHAR) END"
        )
    if plain == "decimal" and not kind.endswith(",0)"):
        return f"CASE WHEN FLOOR({raw}) = {raw} THEN CAST(FLOOR({raw}) AS VARCHAR) END"
    return f"CAST({raw} AS VARCHAR)"


def _local_time(raw: str, plain: str, zone: str) -> str:
    there = f"TIMEZONE('{zone}', {{0}})" if zone != "UTC" else "CAST({0} AS TIMESTAMP)"
    if plain == "timestamp":
        return there.format(f"CAST({raw} AS TIMESTAMPTZ)")
    if plain != "string":
        return f"TRY_CAST({raw} AS TIMESTAMP)"
    text = f"CASE WHEN REGEXP_MATCHES({raw}, '{WRITTEN_TIME}') THEN REGEXP_REPLACE({raw}, '(GMT)$', 'UTC') END"
    moment = f"TRY_CAST(TRIM({text}) AS TIMESTAMPTZ)"
    if zone == "UTC":
        return f"CAST({moment} AS TIMESTAMP)"
    return (
        f"CASE WHEN REGEXP_MATCHES({raw}, '{HAS_OFFSET}') THEN {there.format(moment)} "
        f"ELSE TRY_CAST(TRIM({text}) AS TIMESTAMP) END"
    )
