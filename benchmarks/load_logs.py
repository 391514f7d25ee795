"""The logs that loads are tried on: their activity, what is asked of them, and the day of the run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from datasets import cdnow, complete_journey, synthetic
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.schemas import arrow_schema

ABSENT = "online_retail: no file was named by --retail (columns user_id, event_time, event_type, value, item_id)"


@dataclass(frozen=True)
class Log:
    """One log, whole, and a question about it."""

    name: str
    activity: pa.Table
    action: str
    horizon_days: int
    cohort_days: int
    as_of: date


def read_logs(names: list[str], retail: Path | None) -> Iterator[Log]:
    """The logs that were asked for; of one whose file is absent it is said."""
    for name in names:
        if name == "complete_journey":
            yield Log(name, summed(complete_journey.events()), "buy_deli", 14, 90, date(2017, 10, 2))
        elif name == "cdnow":
            bought = cdnow.purchases()
            named = bought.append_column("item_id", pa.nulls(len(bought), pa.string()))
            yield Log(name, summed(named), "purchase", 28, 364, date(1997, 12, 1))
        elif name == "invented":
            events = pa.concat_tables(synthetic.generate(seed=7, users=3000, days=400))
            yield Log(name, summed(events), "cook", 14, 90, date(2025, 1, 6))
        elif retail is None or not retail.exists():
            print(ABSENT)
        else:
            file = duckdb.connect().sql(f"SELECT * FROM read_parquet('{retail}')").to_arrow_table()
            yield Log(name, summed(file), "purchase", 28, 364, date(2011, 10, 3))


def summed(events: pa.Table) -> pa.Table:
    """Events as `daily_activity` holds them."""
    rows = duckdb.connect().sql(
        "SELECT user_id, event_time::DATE AS day, event_type, event_time::DATE AS known_day, count(*) AS count, "
        "sum(value) AS value, list_sort(list_distinct(list(item_id))) AS items FROM events GROUP BY ALL ORDER BY ALL"
    )
    return rows.to_arrow_table().cast(arrow_schema(DAILY_ACTIVITY))


def count_days(rows: pd.DataFrame, action: str) -> tuple[dict[tuple[date, date], int], dict[tuple[date, date], int]]:
    """Events by known day and day: all, and those of the action."""
    acted = rows["count"].where(rows["event_type"] == action, 0)
    grouped = rows.assign(acts=acted).groupby(["known_day", "day"])[["count", "acts"]].sum()
    days = list(grouped.index)
    counts, acts = (dict(zip(days, map(int, grouped[name]), strict=True)) for name in ("count", "acts"))
    return counts, acts
