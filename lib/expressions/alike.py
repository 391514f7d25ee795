"""Bring conditions on rows whose columns nobody has seen yet into one form: for telling definitions apart."""

from collections.abc import Sequence

from sqlglot import exp

from lib.expressions.binding import COMPARED
from lib.expressions.build import Builder
from lib.expressions.grammar import read_tree
from lib.expressions.kinds import Kind
from lib.expressions.operators import OPERATORS
from lib.expressions.render import spell_text
from lib.expressions.same import normalise
from lib.expressions.scan import refuse
from lib.expressions.signature import Signature
from lib.expressions.tree import Call, Constant, Field, Node, walk


def spell_alike(what: str, text: str) -> str:
    """One text of all spellings of a condition on rows; what can be refused without the columns is.

    Raises
    ------
    ConfigError
        If it cannot be read, calls what is on no list, or reads no column; the message says where.
    """
    node = _Untyped(what, text).build(read_tree(what, text))
    if node.kind is not Kind.BOOL:
        refuse(what, text, 0, "a condition is wanted, like value > 50 or category = 'books'")
    if not any(isinstance(part, Field) for part in walk(node)):
        refuse(what, text, 0, "it reads no column, so that it holds for every row or for none")
    return spell_text(normalise(node, ()))


class _Untyped(Builder):
    """Builds a tree in which columns are of any kind: which way of a function is meant, their kinds tell later.

    What may be of any kind is noted as a condition.
    """

    def __init__(self, what: str, text: str) -> None:
        super().__init__(what, text, {})
        self.readers = {**self.readers, exp.Case: self._choice}

    def call(self, tree: exp.Expr, known: Sequence[Signature], name: str, args: Sequence[Node]) -> Call:
        fitting = [one for one in known if one.name == name and one.fits(len(args))]
        to_null = name in COMPARED and any(isinstance(arg, Constant) and arg.value is None for arg in args)
        if not fitting or to_null:
            return super().call(tree, known, name, args)  # which says what is wrong
        if name in COMPARED:
            args = [_whole(arg) for arg in args]
        return Call(fitting[0], tuple(args), fitting[0].gives or Kind.BOOL)

    def _column(self, tree: exp.Expr, depth: int) -> Node:
        first, *fields = [part.name for part in self.parts(tree)]
        # Spark tells columns apart by their letters alone, not by case; keys of a map it does
        return Field((first.lower(), *fields), (False,) * len(fields), Kind.BOOL)

    def _choice(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "ifs", "default")
        parts: list[Node] = []
        for branch in tree.args["ifs"]:
            when = self.build(branch.this, depth)
            if tree.this is not None:
                when = self.call(branch, OPERATORS, "=", [self.build(tree.this, depth), when])
            parts += [when, self.build(branch.args["true"], depth)]
        default = tree.args.get("default")
        parts += [] if default is None else [self.build(default, depth)]
        (signature,) = (one for one in OPERATORS if one.name == "case")
        return Call(signature, tuple(parts), parts[1].kind)


def _whole(node: Node) -> Node:
    """A number beside others as a whole one where it is: 50.0 compares as 50 does."""
    value = node.value if isinstance(node, Constant) else None
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return Constant(int(value), Kind.INT) if is_whole and isinstance(value, float) else node
