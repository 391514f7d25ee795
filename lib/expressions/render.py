"""Spell a tree: for Spark, for DuckDB, as the one text that all spellings of it share, and in words."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from lib.expressions.grammar import WORDS
from lib.expressions.kinds import DUCKDB, SPARK, Kind
from lib.expressions.literals import quoted
from lib.expressions.tree import Call, Constant, Field, Node
from lib.tables.sql import column_sql

Engine = Literal["spark", "duckdb"]
LONGEST = 100_000  # characters of SQL: calls that name an argument more than once double what is inside


class TooLong(ValueError):
    """The expression would become a query that no engine should be asked."""


def spell_sql(node: Node, engine: Engine) -> str:
    """The SQL of a tree for one engine; sessions of both must be in UTC.

    Raises
    ------
    TooLong
        If it has more than `LONGEST` characters.
    """
    if isinstance(node, Constant):
        return _constant(node, engine)
    if isinstance(node, Field):
        return _spark_field(node) if engine == "spark" else _duckdb_field(node)
    args = [spell_sql(arg, engine) for arg in node.args]
    pieces = {name: piece.spark if engine == "spark" else piece.duckdb for name, piece in node.pieces.items()}
    template = node.signature.spark if engine == "spark" else node.signature.duckdb
    sql = template.format(*args, **pieces, **_joined(node, args))
    if len(sql) > LONGEST:
        raise TooLong
    return sql


def spell_text(node: Node, *, words: bool = False) -> str:
    """The one text of an expression, which reads as the same expression again; or the same in words, for people."""
    if isinstance(node, Constant):
        return _worded_constant(node) if words else _text_constant(node)
    if isinstance(node, Field):
        return ".".join(node.path) if words else ".".join(map(_text_name, node.path))
    args = [spell_text(arg, words=words) for arg in node.args]
    template = (node.signature.words if words else node.signature.text) or f"{node.signature.name}({{all}})"
    if template not in ("{0}", "{case}") and "{all}" not in template:
        args = [f"({arg})" if _is_operator(part) else arg for arg, part in zip(args, node.args, strict=True)]
    names = {name: word.lower() if words else word for name, word in (("and", " AND "), ("or", " OR "))}
    joined = _joined(node, args) | {name: word.join(args) for name, word in names.items()}
    return template.format(*args, **joined)


def _is_operator(node: Node) -> bool:
    if not isinstance(node, Call) or not node.signature.text:
        return False
    return _is_operator(node.args[0]) if node.signature.text == "{0}" else node.signature.name != "case"


def _joined(node: Call, args: Sequence[str]) -> dict[str, str]:
    pairs = "".join(f" WHEN {when} THEN {then}" for when, then in zip(args[::2], args[1::2], strict=False))
    last = f" ELSE {args[-1]}" if len(args) % 2 else ""
    return {
        "all": ", ".join(args), "rest": ", ".join(args[1:]), "concat": " || ".join(args), "and": " AND ".join(args),
        "or": " OR ".join(args), "case": f"CASE{pairs}{last} END",
    }  # fmt: skip


def _constant(node: Constant, engine: Engine) -> str:
    value = node.value
    if value is None:
        kind = (SPARK if engine == "spark" else DUCKDB).get(node.kind)
        return f"CAST(NULL AS {kind})" if kind else "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(' ', 'microseconds')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return f"CAST('{value!r}' AS {SPARK[node.kind]})"


def _spark_field(node: Field) -> str:
    """Fields by subscript: `a`.`b` could also be the column b of a table that is called a."""
    sql = column_sql(node.path[0])
    for key, is_map in zip(node.path[1:], node.maps, strict=True):
        escaped = key.replace("\\", "\\\\").replace("'", "\\'")
        sql = f"TRY_ELEMENT_AT({sql}, {quoted(key)})" if is_map else f"{sql}['{escaped}']"
    return sql if node.kind == Kind.DECIMAL else f"CAST({sql} AS {SPARK[node.kind]})"


def _duckdb_field(node: Field) -> str:
    sql = '"' + node.path[0].replace('"', '""') + '"'
    for key, is_map in zip(node.path[1:], node.maps, strict=True):
        sql = f"{sql}[{quoted(key)}]" if is_map else f"STRUCT_EXTRACT({sql}, {quoted(key)})"
    return sql if node.kind == Kind.DECIMAL else f"CAST({sql} AS {DUCKDB[node.kind]})"


def _text_name(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.upper() not in WORDS
    return name if plain else column_sql(name)


def _text_constant(node: Constant) -> str:
    value = node.value
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"to_time('{value.isoformat(' ')}')"
    if isinstance(value, date):
        return f"date('{value.isoformat()}')"
    return "NULL" if value is None else str(value).upper() if isinstance(value, bool) else repr(value)


def _worded_constant(node: Constant) -> str:
    if isinstance(node.value, date):
        return node.value.isoformat(*(" ",) if isinstance(node.value, datetime) else ())
    return _text_constant(node).removesuffix(".0") if node.kind == Kind.NUMBER else _text_constant(node)
