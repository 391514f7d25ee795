"""How often users did things of late, as it will stand once a load is taken: what `likeness.py` judges."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from lib.features.days import Ingestion
from lib.features.likeness import DAYS
from lib.features.log import Log
from lib.features.writing import events_to_read
from lib.tables.delta import DeltaTables
from lib.timeline import Window

MOST_CELLS = 300_000  # of a larger log some of the users tell as much
_COLUMNS = ("user_id", "event_type", "day", "count")


def read_cells(
    log: Log, tables: DeltaTables, plan: Ingestion, rows: Sequence[Any], begin: date | None
) -> pd.DataFrame | None:
    """Events of each user, type and day of the last `DAYS` days before as_of; None where nothing of them can be told.

    Of some of the users where the log is large. `rows` are the source's numbers by day. DataFrame[user_id, event_type,
    day, n].
    """
    from pyspark.sql import functions as F

    window = Window.lookback(plan.as_of, DAYS)
    new = [row for row in rows if row["known_day"] and plan.is_read(row["known_day"])]
    kept = {day: n for (known_day, day), n in log.compared.items() if not plan.is_read(known_day)}
    first = min([*kept, *(row["day"] for row in new)], default=plan.as_of)
    if plan.is_empty or first > window.start:
        return None
    # no event is known before its day: by this condition whole files need not be read
    recent = events_to_read(log, plan, begin).where(f"known_time >= DATE '{window.start}'")
    events = recent.where(F.col("day") >= F.lit(window.start)).select(*_COLUMNS)
    most = sum(int(row["rows"]) for row in new if row["day"] >= window.start)
    if kept:
        stored = tables.frame(
            f"SELECT {', '.join(_COLUMNS)} FROM {{daily_activity}} WHERE day >= DATE '{window.start}' "
            f"AND known_day < DATE '{plan.as_of}' AND NOT {plan.where_sql}"
        )
        of_stored = sum(n for day, n in kept.items() if day >= window.start)
        most += of_stored if most + of_stored <= MOST_CELLS else stored.count()
        events = events.unionByName(stored)
    if most > MOST_CELLS:
        events = events.where(F.pmod(F.xxhash64("user_id"), F.lit(most)) < MOST_CELLS)
    return events.groupBy("user_id", "event_type", "day").agg(F.sum("count").alias("n")).toPandas()
