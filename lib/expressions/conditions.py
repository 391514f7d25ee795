"""Read a condition on users: `events('buy', 28) >= 2 AND country = 'DE'`.

It is read like any expression; only that a name is an attribute of the user and no column, and that the functions of
`facts.FACTS` stand for numbers of one user.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from lib.expressions.build import Builder
from lib.expressions.facts import FACTS, WITH_WINDOW, Fact, UserCondition
from lib.expressions.grammar import position, read_tree
from lib.expressions.kinds import Kind
from lib.expressions.render import spell_sql, spell_text
from lib.expressions.same import normalise
from lib.expressions.scan import refuse
from lib.expressions.tree import Call, Field, Node, walk
from lib.timeline import MOST_DAYS


def parse_condition(text: str, what: str) -> UserCondition:
    """Read a condition on users: on facts of theirs and, by name, on attributes.

    Nothing is known of the attributes here: each is read as the kind of what it is compared with.

    Raises
    ------
    ConfigError
        If it cannot be read, is no condition, or reads what the engines spell differently; the message says where.
    """
    facts: dict[str, Fact] = {}

    def note(tree: exp.Expr) -> exp.Expr:
        if not isinstance(tree, exp.Anonymous) or str(tree.this).lower() not in FACTS:
            return tree
        fact = _read_fact(what, text, tree)
        facts[str(fact)] = fact
        name = exp.to_identifier(str(fact), quoted=True)
        name.meta["start"] = position(tree)
        return exp.Column(this=name)

    tree = read_tree(what, text).transform(note)
    attributes = {name: kind for name, kind in _guess_types(tree).items() if name not in facts}
    node = Builder(what, text, {**attributes, **dict.fromkeys(facts, "double")}).build(tree)
    if node.kind is not Kind.BOOL:
        refuse(what, text, 0, f"a condition is wanted, this is a {node.kind}; write one like events('buy', 28) >= 2")
    used = sorted({part.path[0] for part in walk(node) if isinstance(part, Field)})
    read, named = [name for name in used if name in facts], [name for name in used if name not in facts]
    places = {name: f"fact_{place}" for place, name in enumerate(read)}
    places |= {name: f"attribute_{place}" for place, name in enumerate(named)}
    sql = _spell_alike(what, text, _rename(node, places))
    for place in places.values():
        sql = sql.replace(f"`{place}`", place)  # DuckDB has no backticks
    return UserCondition(
        same=spell_text(normalise(node, [name for name in read if facts[name].name != "value"])),
        text=text,
        words=spell_text(_rename(node, {name: facts[name].words for name in read}), words=True),
        facts=tuple(facts[name] for name in read),
        attributes={name: attributes[name] for name in named},
        sql=sql.replace("{", "{{").replace("}", "}}"),
    )


def _guess_types(tree: exp.Expr) -> dict[str, str]:
    """Each name, and Spark's type of what it stands beside; a text where nothing tells."""
    types: dict[str, str] = {}
    for column in tree.find_all(exp.Column):
        beside = column.parent
        guess = None
        if beside is None or isinstance(beside, exp.And | exp.Or | exp.Not | exp.Paren | exp.If):
            guess = "boolean"
        elif not isinstance(beside, exp.Is):
            guess = next((kind for other in beside.walk() if (kind := _literal_type(other))), None)
        name = column.name
        types[name] = types[name] if types.get(name, "string") != "string" else guess or "string"
    return types


def _literal_type(tree: exp.Expr) -> str | None:
    if isinstance(tree, exp.Literal):
        return "string" if tree.is_string else "double"
    if isinstance(tree, exp.Anonymous) and str(tree.this).lower() in ("date", "to_time"):
        return "date"
    return "boolean" if isinstance(tree, exp.Boolean) else None


def _read_fact(what: str, text: str, tree: exp.Anonymous) -> Fact:
    name, args = str(tree.this).lower(), list(tree.expressions)
    kind, days = "", 0
    if args and isinstance(args[0], exp.Literal) and args[0].is_string:
        kind = args.pop(0).name
        if not kind:
            refuse(what, text, position(tree), f"{name} is given a blank event type")
    if args and name in WITH_WINDOW:
        days = _read_days(what, text, tree, args.pop(0))
    if args:
        window = f", {name}(28) or {name}()" if name in WITH_WINDOW else f" or {name}()"
        typed = f"{name}('buy', 28), {name}('buy')" if name in WITH_WINDOW else f"{name}('buy')"
        refuse(what, text, position(tree), f"{name} is written {typed}{window}")
    return Fact(name, kind, days)


def _read_days(what: str, text: str, tree: exp.Expr, arg: exp.Expr) -> int:
    number = arg.name if isinstance(arg, exp.Literal) and not arg.is_string else ""
    if not number.isdigit() or not 1 <= int(number) <= MOST_DAYS:
        refuse(what, text, position(tree), f"a window is a whole number of days from 1 to {MOST_DAYS}, written out")
    return int(number)


def _rename(node: Node, names: Mapping[str, str]) -> Node:
    if isinstance(node, Field):
        return replace(node, path=(names.get(node.path[0], node.path[0]), *node.path[1:]))
    return replace(node, args=tuple(_rename(arg, names) for arg in node.args)) if isinstance(node, Call) else node


def _spell_alike(what: str, text: str, node: Node) -> str:
    """SQL that both engines read: what they spell differently has no place in a condition on users."""
    for part in walk(node):
        if isinstance(part, Call) and part.signature.spark != part.signature.duckdb:
            refuse(what, text, 0, f"{part.signature.name} is not read in a condition on users: compare what is there")
    return spell_sql(node, "spark")
