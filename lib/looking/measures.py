"""Numbers of a log, counted by DuckDB; of a large log users, repeated rows and medians are estimates, with their error.

The rows are read three times: once for what is counted exactly, and twice for a part of them (`samples.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lib.features import clocks
from lib.features.clocks import Span
from lib.features.namesakes import find_groups
from lib.looking import odd_ids, samples
from lib.looking.counts import Count
from lib.looking.samples import Drawn, Middle, fetch_rows

if TYPE_CHECKING:
    import duckdb

TYPES = 12  # event types that are shown
EVENTS = "SUM(COALESCE(count, 1))::BIGINT"
_ODD = ("nameless", "pointed", "rounded", "zeroed")


@dataclass(frozen=True)
class Unusable:
    """Rows that cannot be used for one column."""

    column: str
    rows: int
    example: str


@dataclass(frozen=True)
class Values:
    """What the column of values holds."""

    total: float
    least: float
    most: float
    median: Middle | None


@dataclass(frozen=True)
class Kind:
    """One event type."""

    name: str
    events: int
    users: Count
    rates: Mapping[int, float]  # horizon -> share of the users active before who do it


@dataclass(frozen=True)
class Measures:
    """What a log holds; counts are of rows that can be used."""

    rows: int
    events: int
    users: Count
    values: Values | None
    days: Mapping[date, int]  # events by day
    kinds: Sequence[Kind]  # the most frequent
    kinds_in_all: int
    unusable: Sequence[Unusable]
    nulls: Mapping[str, int]  # of value and item_id
    duplicates: Count
    odd_ids: Sequence[tuple[str, int]]  # ids that say nothing, with their rows
    pointed: str | None  # an id that stands there with .0 behind, too
    zeroed: str | None  # an id that stands there with zeros before it, too
    rounded: tuple[int, str]  # rows of ids that have lost digits, and one that has
    alike: Sequence[tuple[str, ...]]  # event types that differ in capitals or blanks alone
    top_user: tuple[str, Count] | None
    events_per_user: Middle | None
    late: int  # events that became known a day or more after they happened
    span: Span | None = None  # the days of the log's own; None where no row can be used
    named: Sequence[Kind] = ()  # named actions
    unclear: tuple[int, str] = (0, "")  # rows of which it cannot be told whether they count as one, and an example

    @property
    def length(self) -> int:
        """How many days the log has before its newest."""
        return (self.span.newest - (self.span.begin or min(self.days))).days if self.span else 0

    @property
    def is_estimated(self) -> bool:
        """Whether some numbers are estimates."""
        return self.duplicates.error is not None


def measure(
    engine: "duckdb.DuckDBPyConnection", shaped: str, keys: int, run_date: date | None, named: Sequence[str] = ()
) -> Measures:
    """Count everything of a SELECT as `columns.shaped_sql` has it, over all parts, and of actions by their names."""
    engine.execute(f"CREATE OR REPLACE TEMP VIEW shaped AS {_once_sql(shaped, keys)}")
    by_day, by_kind = _count_exactly(engine)
    unusable = _find_unusable(engine)
    sound = " WHERE broken IS NULL" if unusable else ""  # that nothing is broken was seen, and need not be seen again
    engine.execute(f"CREATE OR REPLACE TEMP VIEW log AS SELECT * FROM shaped{sound}")
    names = [name for name, _ in by_kind[:TYPES]]
    days = {row.day: row.events for row in by_day}
    rows = sum(row.rows for row in by_day)
    drawn = samples.draw_rows(engine, rows)
    span = _find_span(days, run_date)
    own = [day for day in days if span and (span.begin or day) <= day <= span.newest]  # of no clock that goes wrong
    people = samples.draw_users(engine, drawn, names, own)
    return Measures(
        rows=rows, events=sum(days.values()), users=people.users, values=_sum_up(by_day, drawn.value), days=days,
        kinds=[Kind(name, n, people.by_kind[name], people.rates[name]) for name, n in by_kind[:TYPES]],
        kinds_in_all=len(by_kind), unusable=unusable,
        nulls={"value": rows - sum(row.valued for row in by_day), "item_id": rows - sum(row.named for row in by_day)},
        duplicates=drawn.repeated, odd_ids=odd_ids.find_nameless(engine) if any(row.nameless for row in by_day) else [],
        pointed=odd_ids.find_pointed(engine) if any(row.pointed for row in by_day) else None,
        zeroed=odd_ids.find_zeroed(engine) if any(row.zeroed for row in by_day) else None,
        rounded=odd_ids.find_rounded(engine, sum(row.rounded for row in by_day)),
        alike=find_groups([name for name, _ in by_kind]),
        top_user=drawn.top_user, events_per_user=people.events, late=sum(row.late for row in by_day), span=span,
        named=_measure_named(engine, drawn, named, own), unclear=_find_unclear(engine) if named else (0, ""),
    )  # fmt: skip


def _find_span(days: Mapping[date, int], run_date: date | None) -> Span | None:
    """As a run finds it, which passes over the last day that there is: tools write so that there is no end."""
    known = {day: n for day, n in days.items() if day < date.max}
    if not known:
        return None
    begin, early = clocks.find_begin(known)
    newest, ahead = clocks.find_newest(known, run_date)
    return Span(newest, begin, ahead, early)


def _measure_named(
    engine: "duckdb.DuckDBPyConnection", drawn: Drawn, names: Sequence[str], days: Sequence[date]
) -> list[Kind]:
    """The named actions, of which a row may count as several; looked at besides, where there are any."""
    if not names:
        return []
    events = dict(fetch_rows(
        engine, f"SELECT kind, {EVENTS} FROM (SELECT UNNEST(named) AS kind, count FROM log) GROUP BY 1"
    ))  # fmt: skip
    users, rates = samples.draw_doers(engine, drawn, names, days)
    return [Kind(name, events.get(name, 0), users[name], rates[name]) for name in names]


def _find_unclear(engine: "duckdb.DuckDBPyConnection") -> tuple[int, str]:
    [(rows, example)] = fetch_rows(engine, "SELECT COUNT(unclear), COALESCE(MIN(unclear), '') FROM log")
    return rows, example


def _once_sql(shaped: str, keys: int) -> str:
    """The rows that cannot be used, and of those that can be each event once."""
    if not keys:
        return shaped
    names = [f"key_{place}" for place in range(keys)]
    unnamed = " OR ".join(f"{name} IS NULL" for name in names)
    alike = f"PARTITION BY broken IS NULL, {', '.join(names)} ORDER BY GREATEST(event_time, known_at)"
    return f"SELECT * FROM ({shaped}) QUALIFY broken IS NOT NULL OR ROW_NUMBER() OVER ({alike}) = 1 OR {unnamed}"


@dataclass(frozen=True)
class _Day:
    """What one scan counts of a day's rows."""

    day: date
    rows: int
    events: int
    total: float | None  # of values
    least: float | None
    most: float | None
    valued: int
    named: int  # with an item
    late: int
    nameless: int
    pointed: int
    rounded: int
    zeroed: int


def _count_exactly(engine: "duckdb.DuckDBPyConnection") -> tuple[list[_Day], list[tuple[str, int]]]:
    """In one scan: the days, and events by event type from the most frequent on, of rows that can be used."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE counted AS SELECT CAST(event_time AS DATE) AS day, event_type, broken, "
        f"COUNT(*) AS n, {EVENTS} AS events, SUM(value) AS total, MIN(value) AS least, MAX(value) AS most, "
        "COUNT(value) AS valued, COUNT(item_id) AS named, "
        "COALESCE(COUNT_IF(CAST(known_at AS DATE) > CAST(event_time AS DATE)), 0) AS late, "
        f"COUNT_IF({odd_ids.NAMELESS}) AS nameless, COUNT_IF({odd_ids.POINTED}) AS pointed, "
        f"COUNT_IF({odd_ids.ROUNDED}) AS rounded, COUNT_IF({odd_ids.ZEROED}) AS zeroed FROM shaped GROUP BY ALL"
    )
    sums = ", ".join(f"SUM({name})::BIGINT" for name in ("valued", "named", "late", *_ODD))
    days = fetch_rows(engine, (
        f"SELECT day, SUM(n)::BIGINT, SUM(events)::BIGINT, SUM(total), MIN(least), MAX(most), {sums} "
        "FROM counted WHERE broken IS NULL GROUP BY 1 ORDER BY 1"
    ))  # fmt: skip
    kinds = fetch_rows(engine, (
        "SELECT event_type, SUM(events)::BIGINT FROM counted WHERE broken IS NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ))  # fmt: skip
    return [_Day(*row) for row in days], kinds


def _find_unusable(engine: "duckdb.DuckDBPyConnection") -> list[Unusable]:
    """The rows that cannot be used, each column with one value as found."""
    broken = "SELECT broken, SUM(n)::BIGINT FROM counted WHERE broken IS NOT NULL GROUP BY 1 ORDER BY 1"
    rows = dict(fetch_rows(engine, broken))
    if not rows:
        return []
    shown = dict(fetch_rows(engine, "SELECT broken, MIN(found) FROM shaped WHERE broken IS NOT NULL GROUP BY 1"))
    return [Unusable(column, n, shown[column]) for column, n in rows.items()]


def _sum_up(days: Sequence[_Day], median: Middle | None) -> Values | None:
    totals, least, most = (
        [number for day in days if (number := getattr(day, name)) is not None] for name in ("total", "least", "most")
    )
    return Values(sum(totals), min(least), max(most), median) if totals else None
