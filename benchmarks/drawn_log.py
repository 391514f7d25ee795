"""A log of any size, drawn by DuckDB in bounded memory: five columns, in the order of their times."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb

START, DAYS = date(2024, 1, 1), 365
END = START + timedelta(days=DAYS)
_ROWS = """
SELECT 'user-' || lpad(CAST(user AS VARCHAR), 8, '0') AS user_id,
       TIMESTAMP '{start}' + to_microseconds(CAST(floor(range * ({days} * 86400e6 / {rows})) AS BIGINT)) AS event_time,
       ['view', 'view', 'view', 'view', 'search', 'search', 'favourite', 'cart', 'order', 'open'][kind + 1]
           AS event_type,
       CASE WHEN kind = 8 THEN round((chance // 7 % 10000) / 100, 2) END AS value,
       CASE WHEN kind <> 9 THEN 'item-' || CAST(chance // 11 % 50000 AS VARCHAR) END AS item_id
FROM (
    SELECT range, hash(range) AS chance, CAST(hash(range) % 10 AS BIGINT) AS kind,
           CAST(floor({users} * pow(hash(range, 1) % 1000000 / 1e6, 2)) AS BIGINT) AS user
    FROM range({first}, {last})
)
"""
_WRITTEN = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}


def draw_log(place: Path, rows: int, users: int, files: int = 1) -> Path:
    """Write a log as one file, or as a folder of several of its ending; each holds a span of times.

    Of ten events four are views, and one is an order, which alone has a value; few users do much.
    """
    engine = duckdb.connect()
    engine.execute("SET memory_limit = '1GB'; SET TimeZone = 'UTC'")
    if files > 1:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    for number in range(files):
        span = {"first": rows * number // files, "last": rows * (number + 1) // files}
        sql = _ROWS.format(start=START, days=DAYS, rows=rows, users=users, **span)
        target = place / f"{number:03}{place.suffix}" if files > 1 else place
        engine.execute(f"COPY ({sql}) TO '{target}' ({_WRITTEN[place.suffix[1:]]})")
    return place
