"""The built-in year in memory: what benchmarks of models learn from, and what then happened."""

from datetime import date
from functools import cache

import duckdb
import pandas as pd
import pyarrow as pa

from datasets import complete_journey
from lib import extraction, judging, labels
from lib.config import ExtractConfig, RetrainConfig
from lib.split import Rows, Split
from lib.tables import DAILY_ACTIVITY, MemoryTables, arrow_schema

DEFAULTS = {
    "schema": "journey", "events": "journey", "event_columns": "", "models": "journey", "experiment": "journey",
    "run_id": "", "as_of": "", "resolved_as_of": "", "cohort_days": "90", "cadence_days": "7", "max_cutoffs": "26",
    "max_event_types": "24", "max_source_gap_days": "", "min_positives": "50", "seed": "0", "n_trials": "30",
    "optuna_storage": "", "max_training_rows": "0", "search_seconds": "0", "search_workers": "1",
    "search_on": "driver", "objective": "log_loss",
}  # fmt: skip


@cache
def activity() -> pa.Table:
    """All events of the year, summed up as `daily_activity` holds them."""
    events = complete_journey.events()  # noqa: F841 - DuckDB finds it by its name
    rows = duckdb.sql(
        "SELECT user_id, event_time::DATE AS day, event_type, event_time::DATE AS known_day, count(*) AS count, "
        "sum(value) AS value, list_sort(list_distinct(list(item_id))) AS items FROM events GROUP BY ALL ORDER BY ALL"
    )
    return rows.to_arrow_table().cast(arrow_schema(DAILY_ACTIVITY))


class Task:
    """One question at one day."""

    def __init__(self, action: str, horizon_days: int, as_of: date, **changes: object) -> None:
        asked = {"action": action, "horizon_days": horizon_days} | changes
        self.widgets = DEFAULTS | {name: str(text) for name, text in asked.items()}
        self.config = RetrainConfig.from_widgets(self.widgets.__getitem__)
        self.as_of, self.tables = as_of, MemoryTables()
        self.tables.replace("daily_activity", activity(), "1 = 1")
        extract = ExtractConfig.from_widgets(self.widgets.__getitem__)
        self.cutoffs = extraction.build(extract, self.tables, as_of)[0].cutoffs

    def labelled(self) -> tuple[Rows, Split]:
        """What a run at that day learns from."""
        return judging.labelled(self.config, self.tables, self.cutoffs)

    def happened(self) -> tuple[pd.DataFrame, "pd.Series[int]"]:
        """Features of the cohort at that day, and who of them then acted."""
        sql = labels.labelled_cohort(self.config.question, [self.as_of], date.max)
        rows = self.tables.query(sql).sort_values("user_id", ignore_index=True)
        return rows.drop(columns=["user_id", "cutoff", "label"]), rows["label"]
