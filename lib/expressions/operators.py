"""The operators, as data. Division is of numbers, and by 0 null; a whole number that outgrows 63 bits is null."""

from lib.expressions.kinds import Kind
from lib.expressions.signature import Signature


def _both(name: str, takes: tuple[str, ...], gives: Kind, does: str, sql: str, text: str, words: str = "") -> Signature:
    return Signature(name, takes, gives, does, sql, sql, text, words or text)


def _arithmetic(sign: str, try_name: str, does: str) -> list[Signature]:
    wide = f"TRY_CAST(CAST({{0}} AS HUGEINT) {sign} CAST({{1}} AS HUGEINT) AS BIGINT)"
    text = f"{{0}} {sign} {{1}}"
    return [
        Signature(sign, ("whole", "whole"), Kind.INT, does, f"{try_name}({{0}}, {{1}})", wide, text, text),
        _both(sign, ("number", "number"), Kind.NUMBER, does, f"({text})", text),
    ]


def _comparison(sign: str, does: str, words: str) -> Signature:
    return _both(sign, ("any", "any"), Kind.BOOL, does, f"({{0}} {sign} {{1}})", f"{{0}} {sign} {{1}}", words)


OPERATORS = (
    *_arithmetic("+", "TRY_ADD", "sum; of two whole numbers a whole number, null beyond 63 bits"),
    *_arithmetic("-", "TRY_SUBTRACT", "difference, as +"),
    *_arithmetic("*", "TRY_MULTIPLY", "product, as +"),
    _both(
        "/", ("number", "number"), Kind.NUMBER, "quotient, never cut: 7 / 2 is 3.5; null where the divisor is 0",
        "({0} / NULLIF({1}, CAST(0 AS DOUBLE)))", "{0} / {1}",
    ),
    Signature(
        "%", ("whole", "whole"), Kind.INT, "remainder, with the sign of the first: -7 % 3 is -1; null where by 0",
        "({0} % NULLIF({1}, CAST(0 AS BIGINT)))",
        "CAST(CAST({0} AS HUGEINT) % NULLIF(CAST({1} AS HUGEINT), 0) AS BIGINT)", "{0} % {1}", "{0} % {1}",
    ),
    _both(
        "%", ("number", "number"), Kind.NUMBER, "remainder of numbers, as of whole ones",
        "({0} % NULLIF({1}, CAST(0 AS DOUBLE)))", "{0} % {1}",
    ),
    Signature(
        "minus", ("whole",), Kind.INT, "the other sign", "TRY_SUBTRACT(CAST(0 AS BIGINT), {0})",
        "TRY_CAST(-CAST({0} AS HUGEINT) AS BIGINT)", "-{0}", "-{0}",
    ),
    _both("minus", ("number",), Kind.NUMBER, "the other sign", "(-{0})", "-{0}"),
    _both("||", ("text", "text"), Kind.TEXT, "one text after the other; null if either is", "({0} || {1})",
          "{0} || {1}", "{0} then {1}"),
    _comparison("=", "the same; texts by case, the number NaN is itself and beyond all others", "{0} is {1}"),
    _comparison("<>", "not the same; != is read as well", "{0} is not {1}"),
    _comparison("<", "less: numbers by size, times by time, texts by code points", "{0} is below {1}"),
    _comparison("<=", "at most", "{0} is at most {1}"),
    _comparison(">", "greater", "{0} is above {1}"),
    _comparison(">=", "at least", "{0} is at least {1}"),
    _both("between", ("any", "any", "any"), Kind.BOOL, "from one value to another, both inside",
          "({0} BETWEEN {1} AND {2})", "{0} BETWEEN {1} AND {2}", "{0} is from {1} to {2}"),
    _both("in", ("any", "any", "..."), Kind.BOOL, "one of the values written out", "({0} IN ({rest}))",
          "{0} IN ({rest})", "{0} is one of {rest}"),
    _both("like", ("text", "'pattern'"), Kind.BOOL, "the whole text fits: % stands for anything, _ for one character; "
          "by case", "({0} LIKE {like} ESCAPE '!')", "{0} LIKE {1}", "{0} reads like {1}"),
    _both("is null", ("any",), Kind.BOOL, "nothing is there; an empty text is something", "({0} IS NULL)",
          "{0} IS NULL", "{0} is missing"),
    _both("not", ("condition",), Kind.BOOL, "the opposite; of null, null", "(NOT {0})", "NOT {0}", "not {0}"),
    _both("and", ("condition", "..."), Kind.BOOL, "both; null where that is not known", "({and})", "{and}"),
    _both("or", ("condition", "..."), Kind.BOOL, "either; null where that is not known", "({or})", "{or}"),
    _both("case", ("any", "..."), Kind.BOOL, "the value behind the first condition that holds; without ELSE, null",
          "{case}", "{case}"),
)  # fmt: skip
