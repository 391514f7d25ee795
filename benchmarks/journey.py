"""The built-in year in memory: what benchmarks of models learn from, and what then happened."""

from datetime import date
from functools import cache

import duckdb
import pandas as pd
import pyarrow as pa

from datasets import complete_journey
from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig, RetrainConfig
from lib.features import extraction
from lib.labels import labels
from lib.labels.rows import Rows
from lib.labels.split import Split
from lib.stages import champion
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema

HERE = {"schema": "here", "events": "here", "models": "here", "experiment": "here", "run_id": "", "resolved_as_of": ""}


def widgets(**changes: object) -> dict[str, str]:
    """The defaults of all parameters, no sampling, and what is asked for besides."""
    return defaults() | HERE | {"max_training_rows": "0"} | {name: str(text) for name, text in changes.items()}


@cache
def activity() -> pa.Table:
    """All events of the year, summed up as `daily_activity` holds them."""
    events = complete_journey.events()  # noqa: F841 - DuckDB finds it by its name
    rows = duckdb.connect().sql(
        "SELECT user_id, event_time::DATE AS day, event_type, event_time::DATE AS known_day, count(*) AS count, "
        "sum(value) AS value, list_sort(list_distinct(list(item_id))) AS items FROM events GROUP BY ALL ORDER BY ALL"
    )
    return rows.to_arrow_table().cast(arrow_schema(DAILY_ACTIVITY))


class Task:
    """One question at one day."""

    def __init__(self, action: str, horizon_days: int, as_of: date, **changes: object) -> None:
        values = widgets(action=action, horizon_days=horizon_days, **changes)
        self.config = RetrainConfig.from_widgets(values.__getitem__)
        self.as_of, self.tables = as_of, MemoryTables()
        self.tables.replace("daily_activity", activity(), "1 = 1")
        extract = ExtractConfig.from_widgets(values.__getitem__)
        self.cutoffs = extraction.build_missing(extract, self.tables, as_of)[0].cutoffs

    def read_labelled(self) -> tuple[Rows, Split]:
        """What a run at that day learns from."""
        return champion.read_labelled(self.config, self.tables, self.cutoffs)

    def read_future(self) -> tuple[pd.DataFrame, "pd.Series[int]"]:
        """Features of the cohort at that day, and who of them then acted."""
        sql = labels.labelled_cohort_sql(self.config.question, [self.as_of], date.max)
        rows = self.tables.query(sql).sort_values("user_id", ignore_index=True)
        return rows.drop(columns=["user_id", "cutoff", "label"]), rows["label"]
