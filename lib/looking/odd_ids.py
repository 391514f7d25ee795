"""Ids that name nobody, one user twice, or several users: SQL that tells which rows of the view `log` have them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lib.features import hints
from lib.features.hints import NULL_TEXTS
from lib.looking.samples import fetch_rows
from lib.tables.sql import texts_sql

if TYPE_CHECKING:
    import duckdb

_LONGEST = max(map(len, NULL_TEXTS))
# of most ids the length, or the first letter, tells already that they are none of these: that costs less to see
POINTED = "CASE WHEN user_id < ':' THEN ENDS_WITH(user_id, '.0') ELSE FALSE END"
_MAY_BE_ROUNDED = "user_id < ':' AND CONTAINS(user_id, 'E+')"
ROUNDED = f"CASE WHEN {_MAY_BE_ROUNDED} THEN REGEXP_MATCHES(user_id, '{hints.ROUNDED}') ELSE FALSE END"
ZEROED = f"CASE WHEN user_id < '1' THEN REGEXP_MATCHES(user_id, '{hints.ZEROED}') ELSE FALSE END"
NAMELESS = f"CASE WHEN STRLEN(user_id) <= {_LONGEST} THEN LOWER(user_id) IN ({texts_sql(NULL_TEXTS)}) ELSE FALSE END"


def find_nameless(engine: "duckdb.DuckDBPyConnection") -> list[tuple[str, int]]:
    """Ids that say nothing, with their rows."""
    return fetch_rows(engine, f"SELECT user_id, COUNT(*) FROM log WHERE {NAMELESS} GROUP BY 1 ORDER BY 2 DESC, 1")


def find_pointed(engine: "duckdb.DuckDBPyConnection") -> str | None:
    """An id that stands there with .0 behind it, too."""
    return _find_twin(engine, POINTED, lambda user: user.removesuffix(".0"))


def find_zeroed(engine: "duckdb.DuckDBPyConnection") -> str | None:
    """An id that stands there with zeros before it, too."""
    return _find_twin(engine, ZEROED, lambda user: user.lstrip("0") or "0")


def _find_twin(engine: "duckdb.DuckDBPyConnection", odd: str, mend: Callable[[str], str]) -> str | None:
    """An id that stands in an odd form beside its own."""
    users = fetch_rows(engine, f"SELECT DISTINCT user_id FROM log WHERE {odd} LIMIT 1000")
    plain = [mend(user) for (user,) in users if mend(user).isdigit()]
    if not plain:
        return None
    twins = fetch_rows(engine, f"SELECT MIN(user_id) FROM log WHERE user_id IN ({texts_sql(plain)})")
    return twins[0][0] if twins else None


def find_rounded(engine: "duckdb.DuckDBPyConnection", rows: int) -> tuple[int, str]:
    """So many rows of ids that have lost their digits, with one that has."""
    return (rows, fetch_rows(engine, f"SELECT MIN(user_id) FROM log WHERE {ROUNDED}")[0][0]) if rows else (0, "")
