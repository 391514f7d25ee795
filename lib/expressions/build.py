"""Hold a tree against the lists, node by node: what is not in them is refused by name, and every node gets a kind."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn

from sqlglot import exp

from lib.expressions.binding import bind
from lib.expressions.columns import find_field, has_field
from lib.expressions.foreign import CASTS, why_not
from lib.expressions.functions import FUNCTIONS
from lib.expressions.grammar import position
from lib.expressions.kinds import Kind, Type
from lib.expressions.operators import OPERATORS
from lib.expressions.scan import refuse
from lib.expressions.signature import Signature
from lib.expressions.tree import Call, Constant, Node, coerce, unify
from lib.expressions.written import Unwritten, read_number, read_time

BINARY: Mapping[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.DPipe: "||", exp.EQ: "=", exp.NEQ: "<>",
    exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Like, exp.Is)
_SILENT = {"safe", "typed", "dialect", "coalesce"}  # what sqlglot notes on a node without its being written
DEEPEST = 60


class Builder:
    """Builds the tree of one text over one source's columns."""

    def __init__(self, what: str, text: str, names: Mapping[str, Type]) -> None:
        self.what, self.text, self.names = what, text, names
        self.readers: Mapping[type[exp.Expr], Callable[..., Node]] = {
            exp.Paren: self._paren, exp.Column: self._column, exp.Dot: self._column, exp.Literal: self._literal,
            exp.Boolean: self._boolean, exp.Null: self._null, exp.Neg: self._minus, exp.Not: self._not,
            exp.And: self._chain, exp.Or: self._chain, exp.Is: self._is, exp.In: self._in, exp.Between: self._between,
            exp.Like: self._like, exp.Case: self._case, exp.Anonymous: self._call,
            **dict.fromkeys(BINARY, self._binary),
        }  # fmt: skip

    def build(self, tree: exp.Expr, depth: int = 0) -> Node:
        """Read one node, and those below it.

        Raises
        ------
        ConfigError
            If it is not on the list; the message says what, where, and what can be written instead.
        """
        reader = self.readers.get(type(tree))
        if reader is None:
            self.refuse(tree, f"this ({type(tree).__name__.lower()}) is not on the list; docs/expressions.md shows it")
        if depth > DEEPEST:
            self.refuse(tree, f"calls stand in each other more than {DEEPEST} deep: simplify it")
        return reader(tree, depth + 1)

    def has_columns(self, tree: exp.Expr) -> bool:
        """Whether all that is named is there."""
        whole = (node for node in tree.find_all(exp.Column, exp.Dot) if not isinstance(node.parent, exp.Dot))
        return all(has_field([part.name for part in self.parts(node)], self.names) for node in whole)

    def refuse(self, tree: exp.Expr, why: str) -> NoReturn:
        """Refuse a part of the text, and say where it is."""
        refuse(self.what, self.text, position(tree), why)

    def only(self, tree: exp.Expr, *names: str) -> None:
        """Refuse a node that says more than these."""
        for name, value in tree.args.items():
            if value and name not in names and name not in _SILENT:
                self.refuse(tree, f"{name} is not read here")

    def uncompared(self, tree: exp.Expr, *sides: exp.Expr) -> None:
        """Refuse comparisons of comparisons, which each engine groups in its own way."""
        if any(isinstance(side, (*COMPARISONS, exp.Not)) or self.bracketed_by_parser(side) for side in sides):
            self.refuse(tree, "a comparison of comparisons needs brackets: write (a = b) = c, or a = b AND b = c")

    def bracketed_by_parser(self, tree: exp.Expr) -> bool:
        """Whether sqlglot put the brackets around x IS NULL, beside a comparison."""
        if not isinstance(tree, exp.Paren) or not isinstance(tree.this, exp.Is):
            return False
        return not self.text[: position(tree)].rstrip().endswith("(")

    def call(self, tree: exp.Expr, known: Sequence[Signature], name: str, args: Sequence[Node]) -> Call:
        """Call an operator or a function of a list."""
        node = bind([one for one in known if one.name == name], args)
        return self.refuse(tree, node) if isinstance(node, str) else node

    def _paren(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this")
        return self.build(tree.this, depth)

    def _column(self, tree: exp.Expr, depth: int) -> Node:
        node = find_field([part.name for part in self.parts(tree)], self.names)
        return self.refuse(tree, node) if isinstance(node, str) else node

    def parts(self, tree: exp.Expr) -> list[exp.Expr]:
        """The names of a dotted name, each of which must be one."""
        if isinstance(tree, exp.Dot):
            self.only(tree, "this", "expression")
            if isinstance(tree.expression, exp.Anonymous):
                self.refuse(tree, "functions stand alone, without a name and a dot before them")
            return self.parts(tree.this) + self.parts(tree.expression)
        if isinstance(tree, exp.Column):
            self.only(tree, "this", "table", "db", "catalog")
            return [name for part in tree.parts for name in self.parts(part)]
        if not isinstance(tree, exp.Identifier) or not tree.name:
            self.refuse(tree, "only columns have fields: write column.field, with odd names in backticks")
        return [tree]

    def _literal(self, tree: exp.Expr, depth: int) -> Node:
        if tree.is_string:
            return Constant(tree.name, Kind.TEXT)
        return self._number(tree, tree.name)

    def _number(self, tree: exp.Expr, text: str) -> Node:
        try:
            return read_number(text)
        except Unwritten as error:
            return self.refuse(tree, str(error))

    def _boolean(self, tree: exp.Expr, depth: int) -> Node:
        return Constant(bool(tree.this), Kind.BOOL)

    def _null(self, tree: exp.Expr, depth: int) -> Node:
        return Constant(None, Kind.NULL)

    def _minus(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this")
        if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
            return self._number(tree, f"-{tree.this.name}")
        node = self.build(tree.this, depth)
        return self.call(tree, OPERATORS, "minus", [node])

    def _not(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this")
        return self.call(tree, OPERATORS, "not", [self.build(tree.this, depth)])

    def _chain(self, tree: exp.Expr, depth: int) -> Node:
        kind, parts, args = type(tree), [tree], list[exp.Expr]()
        while parts:  # a chain of ANDs is one call, however long
            part = parts.pop()
            if type(part) is kind or (isinstance(part, exp.Paren) and type(part.unnest()) is kind):
                inner = part.unnest()
                self.only(inner, "this", "expression")
                parts += [inner.args["expression"], inner.this]
            else:
                args.append(part)
        name = "and" if kind is exp.And else "or"
        return self.call(tree, OPERATORS, name, [self.build(arg, depth) for arg in args])

    def _binary(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "expression")
        sides = [tree.this, tree.args["expression"]]
        if isinstance(tree, COMPARISONS):
            self.uncompared(tree, *sides)
        return self.call(tree, OPERATORS, BINARY[type(tree)], [self.build(side, depth) for side in sides])

    def _is(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "expression")
        if not isinstance(tree.args["expression"], exp.Null):
            self.refuse(tree, "IS is read with NULL alone: write x = TRUE, or x IS NULL")
        self.uncompared(tree, tree.this)
        return self.call(tree, OPERATORS, "is null", [self.build(tree.this, depth)])

    def _in(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "expressions", "field")
        self.uncompared(tree, tree.this)
        items = [self.build(item, depth) for item in tree.expressions]
        if not items or not all(isinstance(item, Constant) for item in items):
            self.refuse(tree, "IN is read with values written out: write x IN ('a', 'b'), or x = a OR x = b")
        return self.call(tree, OPERATORS, "in", [self.build(tree.this, depth), *items])

    def _between(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "low", "high")
        parts = [tree.this, tree.args["low"], tree.args["high"]]
        self.uncompared(tree, *parts)
        return self.call(tree, OPERATORS, "between", [self.build(part, depth) for part in parts])

    def _like(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "expression", "negate")
        self.uncompared(tree, tree.this, tree.args["expression"])
        sides = [self.build(tree.this, depth), self.build(tree.args["expression"], depth)]
        like = self.call(tree, OPERATORS, "like", sides)
        return self.call(tree, OPERATORS, "not", [like]) if tree.args.get("negate") else like

    def _case(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "ifs", "default")
        whens: list[Node] = []
        thens: list[Node] = []
        for branch in tree.args["ifs"]:
            self.only(branch, "this", "true")
            when = self.build(branch.this, depth)
            if tree.this is not None:
                when = self.call(branch, OPERATORS, "=", [self.build(tree.this, depth), when])
            if (held := coerce(when, Kind.BOOL)) is None:
                self.refuse(branch, f"behind WHEN stands a condition, not a {when.kind}")
            whens.append(held)
            thens.append(self.build(branch.args["true"], depth))
        if (default := tree.args.get("default")) is not None:
            thens.append(self.build(default, depth))
        kind = unify([value.kind for value in thens])
        values = [value for one in thens if kind and (value := coerce(one, kind)) is not None]
        if kind is None or len(values) < len(thens):
            mixture = " and ".join(sorted({value.kind for value in thens}))
            self.refuse(
                tree, f"the values of a CASE are of one kind, found {mixture}; to_text(x) makes texts of others"
            )
        pairs = [node for pair in zip(whens, values, strict=False) for node in pair] + values[len(whens) :]
        (signature,) = (one for one in OPERATORS if one.name == "case")
        return Call(signature, tuple(pairs), kind)

    def _call(self, tree: exp.Expr, depth: int) -> Node:
        self.only(tree, "this", "expressions")
        name, args = tree.this, list(tree.expressions)
        if not isinstance(name, str):
            self.refuse(tree, "a function's name stands without quotes")
        name = name.lower()
        if name in ("cast", "try_cast"):
            name, args = self._cast(tree, args)
        known = {one.name for one in FUNCTIONS}
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.7)
            hint = why_not(name) or (f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}")
            self.refuse(tree, f"{name} is not on the list of functions; {hint}")
        nodes = [self.build(arg, depth) for arg in args]
        if name in ("date", "to_time") and len(nodes) == 1 and nodes[0].kind == Kind.TEXT:
            return self._written_time(tree, nodes[0], Kind.DAY if name == "date" else Kind.TIME) or self.call(
                tree, FUNCTIONS, name, nodes
            )
        return self.call(tree, FUNCTIONS, name, nodes)

    def _cast(self, tree: exp.Expr, args: list[exp.Expr]) -> tuple[str, list[exp.Expr]]:
        ways = ", ".join(CASTS)
        if len(args) != 1 or not isinstance(args[0], exp.Alias):
            self.refuse(tree, f"CAST reads like CAST(x AS int); there are {ways}")
        word = args[0].alias.lower()
        if word not in CASTS or args[0].args["alias"].args.get("quoted"):
            self.refuse(tree, f"nothing is cast to {word!r}; there are {ways}")
        return CASTS[word], [args[0].this]

    def _written_time(self, tree: exp.Expr, node: Node, kind: Kind) -> Node | None:
        if not isinstance(node, Constant):
            return None
        try:
            return read_time(str(node.value), kind)
        except Unwritten as error:
            return self.refuse(tree, str(error))
