"""What a column or an expression is: its kind, told from the types of Spark and of DuckDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a value is; each has one type in each engine, and one word for people."""

    TEXT = "text"
    INT = "whole number"
    NUMBER = "number"
    DECIMAL = "decimal"  # a column's own; it becomes a number wherever it is not written out as a text
    BOOL = "condition"
    TIME = "time"
    DAY = "date"
    NULL = "null"


@dataclass(frozen=True)
class Struct:
    """A column of named fields."""

    fields: Mapping[str, "Type"]


@dataclass(frozen=True)
class MapOf:
    """A column of texts that each have a value."""

    value: "Type"


Type = str | Struct | MapOf  # a plain type is spelled as Spark spells it: bigint, decimal(10,2), timestamp_ntz
KINDS: Mapping[str, Kind] = {
    "string": Kind.TEXT, "char": Kind.TEXT, "varchar": Kind.TEXT,
    "tinyint": Kind.INT, "smallint": Kind.INT, "int": Kind.INT, "bigint": Kind.INT,
    "float": Kind.NUMBER, "double": Kind.NUMBER, "decimal": Kind.DECIMAL,
    "boolean": Kind.BOOL, "timestamp": Kind.TIME, "timestamp_ntz": Kind.TIME, "date": Kind.DAY,
}  # fmt: skip
SPARK: Mapping[Kind, str] = {
    Kind.TEXT: "STRING", Kind.INT: "BIGINT", Kind.NUMBER: "DOUBLE", Kind.BOOL: "BOOLEAN", Kind.TIME: "TIMESTAMP",
    Kind.DAY: "DATE",
}  # fmt: skip
DUCKDB: Mapping[Kind, str] = {**SPARK, Kind.TEXT: "VARCHAR"}  # times are UTC there, without a zone
_OF_JSON = {"byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint"}
_OF_DUCKDB = {
    "varchar": "string", "tinyint": "tinyint", "smallint": "smallint", "integer": "int", "bigint": "bigint",
    "utinyint": "smallint", "usmallint": "int", "uinteger": "bigint", "ubigint": "decimal(20,0)",
    "hugeint": "decimal(38,0)", "float": "float", "double": "double", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp_ntz", "timestamp_s": "timestamp_ntz", "timestamp_ms": "timestamp_ntz",
    "timestamp_us": "timestamp_ntz", "timestamp with time zone": "timestamp",
}  # fmt: skip


def kind_of(plain: str) -> Kind | None:
    """The kind of a plain type; None where no expression can read it, as of a list."""
    return KINDS.get(plain.partition("(")[0].partition(" ")[0])


def from_spark(schema: Mapping[str, Any]) -> dict[str, Type]:
    """The columns of a Spark frame, from `frame.schema.jsonValue()`."""
    return {field["name"]: _spark_type(field["type"]) for field in schema["fields"]}


def from_duckdb(names: Sequence[str], types: Sequence[Any]) -> dict[str, Type]:
    """The columns of a DuckDB relation, from its `columns` and `types`."""
    return dict(zip(names, map(_duckdb_type, types), strict=True))


def _spark_type(kind: Any) -> Type:
    if isinstance(kind, str):
        return _OF_JSON.get(kind, kind)
    if kind["type"] == "struct":
        return Struct(from_spark(kind))
    if kind["type"] == "map" and kind["keyType"] == "string":
        return MapOf(_spark_type(kind["valueType"]))
    return str(kind["type"])


def _duckdb_type(kind: Any) -> Type:
    if kind.id == "struct":
        return Struct({name: _duckdb_type(inner) for name, inner in kind.children})
    if kind.id == "map" and kind.children[0][1].id == "varchar":
        return MapOf(_duckdb_type(kind.children[1][1]))
    return str(kind).lower() if kind.id == "decimal" else _OF_DUCKDB.get(kind.id, kind.id)
