"""Numbers of a log, counted by DuckDB; of a large log users, duplicates and rates are estimates, the rest is exact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from lib.features.hints import NULL_TEXTS
from lib.timeline import ONE_DAY

if TYPE_CHECKING:
    import duckdb

EXACT_ROWS = 5_000_000  # of more rows, users and duplicates are estimated, and rates are of a sample of users
SAMPLE_USERS = 200_000
HORIZONS = (7, 28, 90)
TYPES = 12  # event types that are shown
EVENTS = "SUM(COALESCE(count, 1))::BIGINT"
ALL = "HASH(user_id, event_time, event_type, value, item_id)"
ERROR = "about 2 %"  # of an estimated number of distinct values


@dataclass(frozen=True)
class Unusable:
    """Rows that cannot be used for one column."""

    column: str
    rows: int
    example: str


@dataclass(frozen=True)
class Kind:
    """One event type."""

    name: str
    events: int
    users: int
    rates: Mapping[int, float] = field(default_factory=dict)  # horizon -> share of the users active before who do it


@dataclass(frozen=True)
class Measures:
    """What a log holds; counts are of rows that can be used."""

    rows: int
    events: int
    users: int
    value: float | None
    estimated: bool  # users, duplicates and rates
    days: Mapping[date, int]  # events by day
    kinds: Sequence[Kind]  # the most frequent
    kinds_in_all: int
    unusable: Sequence[Unusable]
    nulls: Mapping[str, int]  # of value and item_id
    duplicates: int
    odd_ids: Sequence[tuple[str, int]]  # ids that say nothing, with their rows
    pointed: str | None  # an id that stands there with .0 behind, too
    top_user: tuple[str, int] | None
    late: int  # events that became known a day or more after they happened

    @property
    def first(self) -> date:
        """The first day."""
        return min(self.days)


def measure(engine: "duckdb.DuckDBPyConnection", shaped: str, keys: int) -> Measures:
    """Count everything of a SELECT as `columns.shaped_sql` has it, over all parts."""
    engine.execute(f"CREATE OR REPLACE TEMP VIEW shaped AS {shaped}")
    broken = "SELECT broken, COUNT(*), MIN(found) FROM shaped WHERE broken IS NOT NULL"
    unusable = _rows(engine, f"{broken} GROUP BY 1 ORDER BY 1")
    engine.execute(f"CREATE OR REPLACE TEMP VIEW log AS {_log_sql(keys)}")
    days = dict(_rows(engine, f"SELECT CAST(event_time AS DATE), {EVENTS} FROM log GROUP BY 1 ORDER BY 1"))
    [(rows, events, value, no_value, no_item, late)] = _rows(engine, (
        f"SELECT COUNT(*), {EVENTS}, SUM(value), COUNT(*) - COUNT(value), COUNT(*) - COUNT(item_id), "
        "COUNT_IF(CAST(known_at AS DATE) > CAST(event_time AS DATE)) FROM log"
    ))  # fmt: skip
    estimated = rows > EXACT_ROWS
    count = "APPROX_COUNT_DISTINCT({})" if estimated else "COUNT(DISTINCT {})"
    [(users,)] = _rows(engine, f"SELECT {count.format('user_id')} FROM log")
    kinds = _rows(engine, (
        f"SELECT event_type, {EVENTS}, {count.format('user_id')} FROM log GROUP BY 1 ORDER BY 2 DESC, 1"
    ))  # fmt: skip
    [(apart,)] = _rows(engine, f"SELECT {count.format(ALL)} FROM log")
    names = ", ".join(f"'{text}'" for text in NULL_TEXTS)
    odd = _rows(
        engine, f"SELECT user_id, COUNT(*) FROM log WHERE LOWER(user_id) IN ({names}) GROUP BY 1 ORDER BY 2 DESC"
    )
    top = [] if estimated else _rows(engine, "SELECT user_id, COUNT(*) FROM log GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1")
    shown = [Kind(name, n, who) for name, n, who in kinds[:TYPES]]
    return Measures(
        rows=rows, events=events or 0, users=users, value=value, estimated=estimated, days=days,
        kinds=_with_rates(engine, shown, days, users), kinds_in_all=len(kinds),
        unusable=[Unusable(*row) for row in unusable], nulls={"value": no_value, "item_id": no_item},
        duplicates=max(0, rows - apart), odd_ids=odd, pointed=_pointed(engine), top_user=top[0] if top else None,
        late=late,
    )  # fmt: skip


def _log_sql(keys: int) -> str:
    """The rows that can be used, each event once."""
    sound = "SELECT * FROM shaped WHERE broken IS NULL"
    if not keys:
        return sound
    names = [f"key_{place}" for place in range(keys)]
    unnamed = " OR ".join(f"{name} IS NULL" for name in names)
    first = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(names)} ORDER BY GREATEST(event_time, known_at)) = 1"
    return f"{sound} QUALIFY {first} OR {unnamed}"


def _rows(engine: "duckdb.DuckDBPyConnection", sql: str) -> list[Any]:
    return engine.execute(sql).fetchall()


def _pointed(engine: "duckdb.DuckDBPyConnection") -> str | None:
    pointed = _rows(engine, "SELECT DISTINCT user_id FROM log WHERE ENDS_WITH(user_id, '.0') LIMIT 1000")
    plain = [user.removesuffix(".0") for (user,) in pointed if user.removesuffix(".0").isdigit()]
    if not plain:
        return None
    listed = ", ".join(f"'{user}'" for user in plain)
    twins = _rows(engine, f"SELECT MIN(user_id) FROM log WHERE user_id IN ({listed})")
    return twins[0][0] if twins else None


def _with_rates(
    engine: "duckdb.DuckDBPyConnection", kinds: Sequence[Kind], days: Mapping[date, int], users: int
) -> list[Kind]:
    """How many of the users active in 90 days do each thing within the days after: at the newest day that allows it."""
    if not days:
        return list(kinds)
    newest, first = max(days), min(days)
    part = max(1, users // SAMPLE_USERS)
    sampled = f" AND HASH(user_id) % {part} = 0" if part > 1 else ""
    rates: dict[str, dict[int, float]] = {kind.name: {} for kind in kinds}
    for horizon in HORIZONS:
        cutoff = newest + ONE_DAY - timedelta(days=horizon)
        if cutoff - timedelta(days=28) < first:
            continue
        before = f"event_time >= TIMESTAMP '{cutoff - timedelta(days=90)}' AND event_time < TIMESTAMP '{cutoff}'"
        after = f"event_time >= TIMESTAMP '{cutoff}' AND event_time < TIMESTAMP '{cutoff + timedelta(days=horizon)}'"
        cohort = f"SELECT DISTINCT user_id FROM log WHERE {before}{sampled}"
        [(asked,)] = _rows(engine, f"SELECT COUNT(*) FROM ({cohort})")
        acted = _rows(engine, (
            f"SELECT event_type, COUNT(DISTINCT user_id) FROM log SEMI JOIN ({cohort}) USING (user_id) WHERE {after} "
            "GROUP BY 1"
        ))  # fmt: skip
        for name, n in acted:
            if name in rates and asked:
                rates[name][horizon] = n / asked
    return [Kind(kind.name, kind.events, kind.users, rates[kind.name]) for kind in kinds]
