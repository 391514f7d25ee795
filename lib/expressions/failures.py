"""Say on which rows an expression fails: where a conversion got something and made nothing of it.

A null that was meant is no failure: of a `CASE` without `ELSE`, of a field that is not there, or behind `coalesce`.
"""

from collections.abc import Sequence

from lib.expressions.functions import FUNCTIONS
from lib.expressions.kinds import Kind
from lib.expressions.operators import OPERATORS
from lib.expressions.tree import Call, Constant, Node

CONVERSIONS = (
    "to_int", "to_number", "to_time", "date", "parse_time", "timestamp_seconds", "timestamp_millis", "timestamp_micros",
)  # fmt: skip
_SIGNATURES = {one.name: one for one in (*OPERATORS, *FUNCTIONS) if one.name in ("is null", "not", "and", "or", "case")}
_TRIM, _NULLIF = (next(one for one in FUNCTIONS if one.name == name) for name in ("trim", "nullif"))


def find_failure(node: Node) -> Node | None:
    """The condition under which a tree fails; None where it cannot."""
    if not isinstance(node, Call):
        return None
    name = node.signature.name
    if name in ("case", "if"):
        return _chosen(node.args)
    below = _any([find_failure(arg) for arg in node.args])
    if name == "coalesce":
        return below and _call("and", below, _call("is null", node))
    if name not in CONVERSIONS:
        return below
    given = node.args[0]
    if given.kind == Kind.TEXT:  # a text of blanks is nothing, as in files it is
        trimmed = Call(_TRIM, (given,), Kind.TEXT)
        given = Call(_NULLIF, (trimmed, Constant("", Kind.TEXT)), Kind.TEXT)
    own = _call("and", _call("not", _call("is null", given)), _call("is null", node))
    return _any([below, own])


def _chosen(args: Sequence[Node]) -> Node | None:
    """Of a choice only what is chosen counts."""
    pairs = list(zip(args[::2], args[1::2], strict=False))
    conditions = _any([find_failure(when) for when, _ in pairs])
    values = [find_failure(then) for _, then in pairs] + [find_failure(args[-1]) if len(args) % 2 else None]
    if not any(values):
        return conditions
    no = Constant(False, Kind.BOOL)
    parts = [part for (when, _), then in zip(pairs, values, strict=False) for part in (when, then or no)]
    return _any([conditions, Call(_SIGNATURES["case"], (*parts, values[-1] or no), Kind.BOOL)])


def _any(conditions: Sequence[Node | None]) -> Node | None:
    held = [one for one in conditions if one]
    return _call("or", *held) if len(held) > 1 else held[0] if held else None


def _call(name: str, *args: Node) -> Node:
    return Call(_SIGNATURES[name], args, Kind.BOOL)
