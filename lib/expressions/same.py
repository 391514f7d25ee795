"""Bring conditions that ask the same into one form: for telling questions apart, never for computing."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from lib.expressions.operators import OPERATORS
from lib.expressions.render import spell_text
from lib.expressions.signature import Signature
from lib.expressions.tree import Call, Constant, Field, Node

_OPERATORS = {one.name: one for one in OPERATORS if one.name in ("and", "or", "not", "=", "<>", "<", "<=", ">", ">=")}
_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def normalise(node: Node, whole: Collection[str]) -> Node:
    """The one form of a condition: what is negated, the order of sides and of parts, lists and spans written out.

    Parameters
    ----------
    whole : names of columns that hold whole numbers from 0 on
        More than 2 of these is at least 3; at most 0 is 0.
    """
    return _Form(whole).of(node, negated=False)


class _Form:
    def __init__(self, whole: Collection[str]) -> None:
        self.whole = whole

    def of(self, node: Node, *, negated: bool) -> Node:
        """The form of a condition, or of its opposite."""
        name = node.signature.name if isinstance(node, Call) else ""
        args = node.args if isinstance(node, Call) else ()
        if name == "not":
            return self.of(args[0], negated=not negated)
        if name in _SPELLED_OUT:
            return self.of(_SPELLED_OUT[name](args), negated=negated)
        if name in ("and", "or"):
            other = {"and": "or", "or": "and"}[name] if negated else name
            return _chain(other, [self.of(arg, negated=negated) for arg in args])
        if name in _OPPOSITE:
            return self.compared(_OPPOSITE[name] if negated else name, *args)
        return _call(_OPERATORS["not"], [node]) if negated else node

    def compared(self, sign: str, one: Node, other: Node) -> Node:
        """A comparison, its sides in order; of whole numbers without fractions and open ends."""
        mirrored = isinstance(one, Constant) and not isinstance(other, Constant)
        if mirrored or (not isinstance(other, Constant) and spell_text(other) < spell_text(one)):
            sign, one, other = _MIRRORED[sign], other, one
        if isinstance(one, Field) and one.path[0] in self.whole and isinstance(other, Constant):
            limit = other.value
            if isinstance(limit, float) and math.isfinite(limit):
                sign, limit = _close(sign, limit)
                other = replace(other, value=limit)
        return _compare(sign, one, other)


def _close(sign: str, limit: float) -> tuple[str, float]:
    """The same comparison of a whole number that is never below 0, by =, <>, <= or >= alone."""
    if sign == "<":
        sign, limit = "<=", math.ceil(limit) - 1.0
    elif sign == ">":
        sign, limit = ">=", math.floor(limit) + 1.0
    elif sign == "<=":
        limit = float(math.floor(limit))
    elif sign == ">=":
        limit = float(math.ceil(limit))
    if limit == 0 and sign in ("<=", "<>"):
        return ("=", 0.0) if sign == "<=" else (">=", 1.0)
    return sign, limit


def _compare(sign: str, one: Node, other: Node) -> Call:
    return _call(_OPERATORS[sign], [one, other])


def _chain(name: str, parts: Sequence[Node]) -> Node:
    flat = [inner for part in parts for inner in _links(part, name)]
    ordered = {spell_text(part): part for part in sorted(flat, key=spell_text)}
    return next(iter(ordered.values())) if len(ordered) == 1 else _call(_OPERATORS[name], list(ordered.values()))


def _links(node: Node, name: str) -> Sequence[Node]:
    """The parts of a chain of that name; of any other node the node itself."""
    return node.args if isinstance(node, Call) and node.signature.name == name else (node,)


def _call(signature: Signature, args: Sequence[Node]) -> Call:
    assert signature.gives is not None
    return Call(signature, tuple(args), signature.gives)


_SPELLED_OUT: Mapping[str, Callable[[Sequence[Node]], Node]] = {
    "in": lambda args: _chain("or", [_compare("=", args[0], value) for value in args[1:]]),
    "between": lambda args: _chain("and", [_compare(">=", *args[:2]), _compare("<=", args[0], args[2])]),
}
