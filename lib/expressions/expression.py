"""Read an expression: from a text and the source's columns to what both engines compute alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.expressions.build import Builder
from lib.expressions.failures import find_failure
from lib.expressions.grammar import read_tree
from lib.expressions.kinds import Kind, Type
from lib.expressions.render import Engine, TooLong, spell_sql, spell_text
from lib.expressions.scan import refuse
from lib.expressions.tree import Field, Node, depth, walk

DEEPEST = 40  # calls within calls


@dataclass(frozen=True)
class Expression:
    """What a text says of one row. Two are equal where their `canonical` texts are.

    Both engines give the same value, if their sessions are in UTC: of TEXT, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP (UTC,
    in DuckDB without a zone) or DATE, as `kind` says.
    """

    canonical: str  # the one text of all its spellings; `parse` reads it as the same expression again
    kind: Kind
    columns: tuple[str, ...]  # the source's columns that it reads, sorted
    words: str = field(compare=False)  # for people
    _spark: str = field(compare=False, repr=False)
    _duckdb: str = field(compare=False, repr=False)
    _failure: Node | None = field(compare=False, repr=False)

    def spark(self) -> str:
        """Its SQL for Spark and Databricks, as `functions.expr` takes it."""
        return self._spark

    def duckdb(self) -> str:
        """Its SQL for DuckDB."""
        return self._duckdb

    def failure(self, engine: Engine) -> str | None:
        """SQL that holds on the rows where a conversion got something that it cannot read; None if there is none."""
        return spell_sql(self._failure, engine) if self._failure else None


def parse(text: str, *, names: Mapping[str, Type], what: str = "the expression") -> Expression:
    """Read an expression over the columns of a source.

    Parameters
    ----------
    text : str
        At most `scan.LONGEST` characters of what docs/expressions.md describes.
    names : {column: type}
        Spark's plain types, `Struct` or `MapOf`: as of `kinds.from_spark(frame.schema.jsonValue())`.
    what : str
        What messages call it, like `event_where`.

    Raises
    ------
    ConfigError
        If the text holds anything else; the message says what, where, and what can be written instead.
    """
    node = Builder(what, text, names).build(read_tree(what, text))
    if depth(node) > DEEPEST:
        refuse(what, text, 0, f"calls stand in each other more than {DEEPEST} deep: simplify it")
    try:
        return _expression(node)
    except TooLong:
        refuse(what, text, 0, "it becomes too long for an engine: simplify it, above all calls within calls")


def has_columns(text: str, *, names: Mapping[str, Type], what: str = "the expression") -> bool:
    """Whether a source has every column, and every field of one, that a text names; of any type.

    Raises
    ------
    ConfigError
        If the text is no expression.
    """
    return Builder(what, text, names).has_columns(read_tree(what, text))


def _expression(node: Node) -> Expression:
    return Expression(
        canonical=spell_text(node),
        kind=node.kind,
        columns=tuple(sorted({part.path[0] for part in walk(node) if isinstance(part, Field)})),
        words=spell_text(node, words=True),
        _spark=spell_sql(node, "spark"),
        _duckdb=spell_sql(node, "duckdb"),
        _failure=find_failure(node),
    )
