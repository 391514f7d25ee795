"""Choose the way in which an operator or a function is called, and bring its arguments to the kinds that it takes."""

from collections.abc import Iterator, Sequence

from lib.expressions.kinds import Kind
from lib.expressions.literals import NUMBER_READERS, TEXT_READERS, Pieces, Unfit
from lib.expressions.signature import TAKES, Signature
from lib.expressions.tree import Call, Constant, Node, coerce, unify
from lib.expressions.written import Unwritten, read_time

COMPARED = ("=", "<>", "<", "<=", ">", ">=", "between", "in")


def bind(ways: Sequence[Signature], args: Sequence[Node]) -> Call | str:
    """The call by the first way that fits; what is wrong, where none does."""
    fitting = [way for way in ways if way.fits(len(args))]
    reasons: list[Unfit] = []
    for way in fitting:
        try:
            return _bound(way, args)
        except Unfit as error:
            reasons.append(error)
    forms = " or ".join(dict.fromkeys(way.call for way in ways))
    if not fitting:
        return f"{ways[0].name} is called with {len(args)} arguments; there is {forms}"
    if len(fitting) == 1:
        return str(reasons[0])
    written = [reason for reason in reasons if isinstance(reason, Illegible)]
    return str(written[0]) if written else f"{_found(ways[0].name, args)}; there is {forms}"


class Illegible(Unfit):
    """An argument that must be written out is not, or cannot be read: more telling than which kinds did not fit."""


def _bound(way: Signature, args: Sequence[Node]) -> Call:
    pieces: Pieces = {}
    for place, node in enumerate(args):
        if (word := way.word(place)).startswith("'"):
            try:
                pieces |= _read_written(way, word, node)
            except Unfit as error:
                raise Illegible(str(error)) from None
    if "groups" in pieces and "group" in pieces and int(pieces["group"].spark) > int(pieces["groups"].spark):
        raise Unfit(f"the pattern has {pieces['groups'].spark} groups, there is none of number {pieces['group'].spark}")
    free = [node for place, node in enumerate(args) if TAKES.get(way.word(place), Kind.NULL) is None]
    if way.name in COMPARED:
        free = _times(free)
        if any(isinstance(node, Constant) and node.value is None for node in args):
            raise Unfit("nothing is equal to NULL, not even NULL: write x IS NULL or x IS NOT NULL")
    shared = unify([node.kind for node in free])
    if shared is None:
        convert = "to_text, to_number, to_int, date and to_time convert"
        raise Unfit(f"{_found(way.name, free)}, which must be of one kind; {convert}")
    rest = iter(free)
    taken = [_taken(way, way.word(place), node, rest, shared) for place, node in enumerate(args)]
    return Call(way, tuple(taken), way.gives or shared, pieces)


def _taken(way: Signature, word: str, node: Node, free: Iterator[Node], shared: Kind) -> Node:
    if word.startswith("'"):
        return node
    kind = TAKES[word]
    node = next(free) if kind is None else node
    taken = coerce(node, kind or shared)
    if taken is None:
        raise Unfit(f"{way.name} takes a {kind or shared} here, found a {node.kind}; {way.call}")
    return taken


def _read_written(way: Signature, word: str, node: Node) -> Pieces:
    value = node.value if isinstance(node, Constant) else None
    if word in NUMBER_READERS and isinstance(value, int) and not isinstance(value, bool):
        return NUMBER_READERS[word](str(value))
    if word in TEXT_READERS and isinstance(value, str):
        return TEXT_READERS[word](value)
    what = "a whole number" if word in NUMBER_READERS else "a text in single quotes"
    raise Unfit(f"{way.name} takes {word[1:-1]} written out, as {what}: {way.call}")


def _times(nodes: Sequence[Node]) -> list[Node]:
    """Written texts beside times, as the times they stand for."""
    if not {Kind.DAY, Kind.TIME} & {node.kind for node in nodes}:
        return list(nodes)
    try:
        return [read_time(str(n.value)) if isinstance(n, Constant) and n.kind == Kind.TEXT else n for n in nodes]
    except Unwritten as error:
        raise Unfit(str(error)) from None


def _found(name: str, args: Sequence[Node]) -> str:
    return f"{name} was given {', '.join(f'a {node.kind}' for node in args)}"
