"""What an expression is once it was held against the lists: constants, fields of the source, and calls of the lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from lib.expressions.kinds import Kind
from lib.expressions.literals import Piece
from lib.expressions.signature import Signature

Value = str | int | float | bool | date | datetime | None


@dataclass(frozen=True)
class Constant:
    """A value that was written out; a time is UTC, without a zone."""

    value: Value
    kind: Kind


@dataclass(frozen=True)
class Field:
    """A column of the source, or a field inside of it."""

    path: tuple[str, ...]
    maps: tuple[bool, ...]  # for each step behind the column: whether it looks a key up in a map
    kind: Kind


@dataclass(frozen=True)
class Call:
    """An operator or a function on values. `pieces` is what the arguments that must be written out were read as."""

    signature: Signature
    args: tuple["Node", ...]
    kind: Kind
    pieces: Mapping[str, Piece] = field(default_factory=dict)


Node = Constant | Field | Call


def _hidden(name: str, kind: Kind, gives: Kind, spark: str, duckdb: str) -> tuple[tuple[Kind, Kind], Signature]:
    return (kind, gives), Signature(name, ("any",), gives, "", spark, duckdb, "{0}", "{0}")


# (from, to) -> what makes one of the other without being written; nothing else is made of anything silently
COERCIONS = dict([
    _hidden("widened", Kind.INT, Kind.NUMBER, "CAST({0} AS DOUBLE)", "CAST({0} AS DOUBLE)"),
    # by its digits: DuckDB's own way from a long decimal to a double may miss by the last bit
    _hidden("widened", Kind.DECIMAL, Kind.NUMBER, "CAST({0} AS DOUBLE)", "CAST(CAST({0} AS VARCHAR) AS DOUBLE)"),
    _hidden("midnight", Kind.DAY, Kind.TIME, "CAST({0} AS TIMESTAMP)", "CAST({0} AS TIMESTAMP)"),
])  # fmt: skip


def unify(kinds: "list[Kind]") -> Kind | None:
    """The kind that values of these kinds share; None where they share none."""
    known_kinds = set(kinds) - {Kind.NULL}
    if not known_kinds:
        return Kind.NULL
    if len(known_kinds) == 1:
        return known_kinds.pop() if known_kinds != {Kind.DECIMAL} else Kind.NUMBER
    if known_kinds <= {Kind.INT, Kind.NUMBER, Kind.DECIMAL}:
        return Kind.NUMBER
    return Kind.TIME if known_kinds == {Kind.DAY, Kind.TIME} else None


def coerce(node: Node, kind: Kind) -> Node | None:
    """The same value as another kind, where that loses nothing; None where it would."""
    if node.kind == kind:
        return node
    if node.kind == Kind.NULL:
        return Constant(None, kind)
    if isinstance(node, Constant) and (node.kind, kind) == (Kind.INT, Kind.NUMBER):
        assert isinstance(node.value, int)
        return Constant(float(node.value), kind)
    if isinstance(node, Constant) and (node.kind, kind) == (Kind.DAY, Kind.TIME):
        assert isinstance(node.value, date)
        return Constant(datetime(node.value.year, node.value.month, node.value.day), kind)  # noqa: DTZ001
    signature = COERCIONS.get((node.kind, kind))
    return Call(signature, (node,), kind) if signature else None


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    if isinstance(node, Call):
        for arg in node.args:
            yield from walk(arg)


def depth(node: Node) -> int:
    """How many calls stand in each other."""
    return 1 + max(map(depth, node.args), default=0) if isinstance(node, Call) else 0
