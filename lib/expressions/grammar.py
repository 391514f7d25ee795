"""Read a text into a tree. The words and signs that mean something are few; every other word is a name."""

from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from lib.expressions.scan import check_signs, refuse

T = TokenType
WORDS = {
    "AND": T.AND, "OR": T.OR, "NOT": T.NOT, "IN": T.IN, "BETWEEN": T.BETWEEN, "LIKE": T.LIKE, "IS": T.IS,
    "NULL": T.NULL, "TRUE": T.TRUE, "FALSE": T.FALSE, "CASE": T.CASE, "WHEN": T.WHEN, "THEN": T.THEN, "ELSE": T.ELSE,
    "END": T.END, "AS": T.ALIAS,
}  # fmt: skip
SIGNS = {"||": T.DPIPE, "<>": T.NEQ, "!=": T.NEQ, "<=": T.LTE, ">=": T.GTE, "==": T.EQ}
_FOREIGN = {  # words of SQL that lead nowhere here, and why
    "select": "queries are not read: an expression sees one row of the source",
    "with": "queries are not read: an expression sees one row of the source",
    "from": "queries are not read: an expression sees one row of the source",
    "over": "windows are not read: an expression sees one row of the source",
    "distinct": "DISTINCT is not read: an expression sees one row of the source",
    "interval": "write add_days(x, 1) or add_seconds(x, 3600) instead of an interval",
    "date": "write date('2024-06-01')",
    "timestamp": "write to_time('2024-06-01 10:00:00')",
    "ilike": "write lower(x) LIKE 'abc%'",
    "rlike": "write regexp_like(x, 'abc')",
    "escape": "LIKE has no escapes here: write contains(x, '%')",
    "div": "write to_int(x / y)",
}

_NAMES = "a name with spaces is written `in backticks` or \"in quotes\", a text 'in single quotes'"


class _Dialect(Dialect):
    """Names in double quotes or backticks, texts in single quotes, a quote inside doubled; no functions known."""

    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS: ClassVar = ['"', "`"]
        QUOTES: ClassVar = ["'"]
        STRING_ESCAPES: ClassVar = ["'"]
        COMMENTS: ClassVar = []
        KEYWORDS: ClassVar = {**WORDS, **SIGNS}
        NUMERIC_LITERALS: ClassVar = {}

    class Parser(parser.Parser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": lambda self: self._parse_case()}


_DIALECT = _Dialect()


def read_tree(what: str, text: str) -> exp.Expr:
    """The tree of a text, as sqlglot reads it: nothing in it was held against a list yet.

    Raises
    ------
    ConfigError
        If the text is blank, too long or too deep, or is no expression; the message says where.
    """
    check_signs(what, text)
    try:
        words = _DIALECT.tokenize(text)
        _check_words(what, text, words)
        trees = _DIALECT.parser(error_message_context=len(text) + 1).parse(words, text)
    except TokenError:
        refuse(what, text, 0, "this is no expression; docs/expressions.md shows what one looks like")
    except ParseError as error:
        _explain(what, text, error)
    except RecursionError:
        refuse(what, text, 0, "it is nested too deeply: simplify it")
    if len(trees) != 1 or trees[0] is None:
        refuse(what, text, 0, "this is no single expression")
    return trees[0]


def position(tree: exp.Expr) -> int:
    """Where a part of the tree begins in the text."""
    starts = [start for part in tree.walk() if (start := part.meta.get("start")) is not None]
    return min(starts, default=0)


def _check_words(what: str, text: str, words: list[Token]) -> None:
    """Refuse what the parser would pass over or join: a comma before a bracket, two texts side by side."""
    for word, after in pairwise(words):
        if word.token_type == T.COMMA and after.token_type == T.R_PAREN:
            refuse(what, text, word.start, "nothing stands between this comma and the bracket")
        if word.token_type == after.token_type == T.STRING:
            refuse(what, text, word.start, "two texts stand side by side: write 'a' || 'b', or 'it''s' for a quote")
        if word.token_type == T.NUMBER and after.start == word.end + 1 and after.token_type == T.VAR:
            refuse(what, text, word.start, "this is no number: write one like 1000, 0.5 or 1e6")
        if after.token_type in (T.VAR, T.STRING, T.NUMBER) and word.token_type == T.VAR:
            foreign = _FOREIGN.get(word.text.lower()) or _FOREIGN.get(after.text.lower())
            refuse(what, text, word.start, foreign or f"nothing joins {word.text!r} and what follows; {_NAMES}")
        if word.token_type == T.VAR and word.text.lower() in ("over", "select") and after.token_type == T.L_PAREN:
            refuse(what, text, word.start, _FOREIGN[word.text.lower()])


def _explain(what: str, text: str, error: ParseError) -> None:
    first = error.errors[0] if error.errors else {}
    at = len(first.get("start_context") or "")
    refuse(what, text, at, "an operator, an operand or a comma is missing here")
