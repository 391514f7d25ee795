"""Spell values and names in SQL; values so that Spark and DuckDB read them alike."""

import re
from collections.abc import Iterable
from datetime import date


def text_literal(text: str) -> str:
    """Spell a text in SQL so that Spark and DuckDB read the same: only they differ in what a backslash means.

    Braces are spelled out too, because queries name their tables in braces.
    """
    parts = re.split(r"(['\\\\{}])", text)
    return " || ".join(f"CHR({ord(part)})" if part in ("'", "\\", "{", "}") else f"'{part}'" for part in parts)


def texts_sql(texts: Iterable[str]) -> str:
    """Spell texts as SQL has them, for a list of `IN`."""
    return ", ".join(map(text_literal, texts))


def days_sql(days: Iterable[date]) -> str:
    """Spell days as SQL has them, for a list of `IN`."""
    return ", ".join(f"DATE '{day}'" for day in days)


def name_sql(name: str) -> str:
    """Spell a name, or several joined by dots, in SQL of Spark, where hyphens and reserved words need backticks."""
    return ".".join(f"`{part}`" for part in name.split("."))


def column_sql(name: str) -> str:
    """Spell one column's name in SQL of Spark, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def number_sql(number: float) -> str:
    """Spell a double in SQL, to its last bit: digits alone would be a decimal."""
    return f"CAST('{float(number)!r}' AS DOUBLE)"


def decimal_sql(column: str) -> str:
    """A number as a decimal of fixed scale, 0 where there is none: its sums are exact, whatever their order.

    What is larger than a decimal holds counts as the largest; no sum of such is any more.
    """
    bounded = f"GREATEST(LEAST(COALESCE({column}, 0.0), 1e15), -1e15)"
    return f"CAST({bounded} AS DECIMAL(22, 6))"
