"""What a part of a log tells of all of it: of repeated rows and of users; of a log that is not large, all of it.

A row belongs to the part, or a user, by a digest: rows that are alike are in it together, and so are all of a user's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Any

from lib.looking.counts import SURE, Count, scale
from lib.tables.sql import texts_sql
from lib.timeline import MIN_HISTORY_DAYS, ONE_DAY

if TYPE_CHECKING:
    import duckdb

EXACT_ROWS = 5_000_000  # of more rows, so many of them tell of all
EXACT_USERS = 50_000  # of more users, so many of them
HORIZONS = (7, 28, 90)
_TWIN = "HASH(user_id, event_time, event_type, value, item_id, count)"


@dataclass(frozen=True)
class Middle:
    """A median, and between which two values that of all lies, with 95 % certainty."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:,.6g}"
        return f"~{self.median:,.6g} ({self.low:,.6g} to {self.high:,.6g})"


@dataclass(frozen=True)
class Drawn:
    """What some rows tell."""

    repeated: Count  # rows that repeat another in everything
    top_user: tuple[str, Count] | None  # who has the most rows
    value: Middle | None
    known_users: int  # in the drawn rows: there are at least so many
    is_whole: bool  # all rows were drawn


@dataclass(frozen=True)
class People:
    """What some users tell."""

    users: Count
    by_kind: Mapping[str, Count]  # who ever did it
    rates: Mapping[str, Mapping[int, float]]  # event type, horizon -> share of the users active before who do it
    events: Middle | None  # of a user


def draw_rows(engine: "duckdb.DuckDBPyConnection", rows: int) -> Drawn:
    """Look at some of the rows of the view `log`, which has so many."""
    part = -(-rows // EXACT_ROWS) or 1
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE drawn AS SELECT user_id, value, {_TWIN} AS twin FROM log"
        + (f" WHERE {_TWIN} % {part} = 0" if part > 1 else "")
    )
    repeated = "SELECT COUNT(*) - 1 AS more FROM drawn GROUP BY twin HAVING COUNT(*) > 1"
    [(more, squares)] = fetch_rows(engine, (
        f"SELECT COALESCE(SUM(more), 0)::BIGINT, COALESCE(SUM(more * more), 0)::BIGINT FROM ({repeated})"
    ))  # fmt: skip
    top = fetch_rows(engine, "SELECT user_id, COUNT(*) FROM drawn GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1")
    [(users, valued)] = fetch_rows(engine, "SELECT COUNT(DISTINCT HASH(user_id)), COUNT(value) FROM drawn")
    return Drawn(
        scale(more, part, squares), (top[0][0], scale(top[0][1], part)) if top else None,
        _middle(engine, "SELECT value AS number FROM drawn WHERE value IS NOT NULL", valued, part), users, part == 1,
    )  # fmt: skip


def draw_users(engine: "duckdb.DuckDBPyConnection", drawn: Drawn, kinds: Sequence[str], days: Sequence[date]) -> People:
    """Look at some of the users, at all where all rows were drawn, and at what they did of some event types."""
    part, cutoffs = _part_of_users(drawn), _find_cutoffs(days)
    listed = texts_sql(kinds) or "NULL"
    spans = "".join(f", {_spans_sql(horizon, cutoff)}" for horizon, cutoff in cutoffs.items())
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE people AS SELECT HASH(user_id) AS who, "
        f"CASE WHEN event_type IN ({listed}) THEN event_type END AS kind, SUM(COALESCE(count, 1))::BIGINT AS events"
        f"{spans} FROM log" + (f" WHERE HASH(user_id) % {part} = 0" if part > 1 else "") + " GROUP BY ALL"
    )
    [(users,)] = fetch_rows(engine, "SELECT COUNT(DISTINCT who) FROM people")
    by_kind = dict(fetch_rows(engine, "SELECT kind, COUNT(*) FROM people WHERE kind IS NOT NULL GROUP BY 1"))
    rates = {horizon: _find_rates(engine, horizon, "people") for horizon in cutoffs}
    per_user = "SELECT SUM(events) AS number FROM people GROUP BY who"
    return People(
        scale(users, part), {kind: scale(by_kind[kind], part) for kind in kinds},
        {kind: {horizon: shares[kind] for horizon, shares in rates.items() if kind in shares} for kind in kinds},
        _middle(engine, per_user, users, part),
    )  # fmt: skip


def draw_doers(
    engine: "duckdb.DuckDBPyConnection", drawn: Drawn, names: Sequence[str], days: Sequence[date]
) -> tuple[Mapping[str, Count], Mapping[str, Mapping[int, float]]]:
    """The same users once more, and who of them did named actions: by name how many, and their rates by horizon."""
    part, cutoffs = _part_of_users(drawn), _find_cutoffs(days)
    spans = "".join(f", {_spans_sql(horizon, cutoff)}" for horizon, cutoff in cutoffs.items())
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE doers AS SELECT HASH(user_id) AS who, kind{spans} "
        "FROM (SELECT user_id, event_time, UNNEST(named) AS kind FROM log)"
        + (f" WHERE HASH(user_id) % {part} = 0" if part > 1 else "") + " GROUP BY ALL"
    )  # fmt: skip
    by_kind = dict(fetch_rows(engine, "SELECT kind, COUNT(*) FROM doers GROUP BY 1"))
    rates = {horizon: _find_rates(engine, horizon, "doers") for horizon in cutoffs}
    return {name: scale(by_kind.get(name, 0), part) for name in names}, {
        name: {horizon: shares.get(name, 0.0) for horizon, shares in rates.items()} for name in names
    }


def _part_of_users(drawn: Drawn) -> int:
    return 1 if drawn.is_whole else max(1, drawn.known_users // EXACT_USERS)


def _find_cutoffs(days: Sequence[date]) -> dict[int, date]:
    """For each horizon the newest day that allows it, where there is something before it."""
    if not days:
        return {}
    length = (max(days) - min(days)).days + 1
    return {one: max(days) + ONE_DAY - timedelta(days=one) for one in HORIZONS if length - one >= MIN_HISTORY_DAYS}


def _spans_sql(horizon: int, cutoff: date) -> str:
    """Whether somebody did it in the 90 days before a cutoff, and within the horizon after it."""
    before = f"event_time >= TIMESTAMP '{cutoff - timedelta(days=90)}' AND event_time < TIMESTAMP '{cutoff}'"
    after = f"event_time >= TIMESTAMP '{cutoff}' AND event_time < TIMESTAMP '{cutoff + timedelta(days=horizon)}'"
    return f"BOOL_OR({before}) AS before_{horizon}, BOOL_OR({after}) AS after_{horizon}"


def _find_rates(engine: "duckdb.DuckDBPyConnection", horizon: int, doers: str) -> dict[str, float]:
    cohort = f"SELECT DISTINCT who FROM people WHERE before_{horizon}"
    [(asked,)] = fetch_rows(engine, f"SELECT COUNT(*) FROM ({cohort})")
    acted = f"SELECT kind, COUNT(*) FROM {doers} SEMI JOIN ({cohort}) USING (who) WHERE after_{horizon} GROUP BY 1"
    return {kind: n / asked for kind, n in fetch_rows(engine, acted)} if asked else {}


def _middle(engine: "duckdb.DuckDBPyConnection", numbers: str, n: int, part: int) -> Middle | None:
    """The median of a SELECT of `n` numbers."""
    if not n:
        return None
    off = SURE * sqrt(1 - 1 / part) / 2 / sqrt(n)
    places = f"[0.5, {max(0.0, 0.5 - off)}, {min(1.0, 0.5 + off)}]"
    [(quantiles,)] = fetch_rows(engine, f"SELECT QUANTILE_DISC(number, {places}) FROM ({numbers})")
    return Middle(*map(float, quantiles))


def fetch_rows(engine: "duckdb.DuckDBPyConnection", sql: str) -> list[Any]:
    """All rows of a query."""
    return engine.execute(sql).fetchall()
