"""What a schema need not keep is found and removed alike: in memory, in a home's files, and on Delta through Spark."""

from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from lib.config.keeping import Periods
from lib.config.stages import PublishConfig
from lib.features.extraction import Extraction
from lib.registry.memory import MemoryRegistry
from lib.stages.cleaning import clean_up, find_rows
from lib.stages.context import Context
from lib.stages.earlier_lists import CARRIED
from lib.tables.contracts import DAILY_ACTIVITY, DRIFT, EARLIER_LISTS, OUTCOMES, PREDICTIONS
from lib.tables.delta import DeltaTables
from lib.tables.schemas import arrow_schema
from lib.timeline import Cutoffs
from tests.builders.runs import asked

DAYS = [date(2024, 6, 3) - timedelta(days=7 * n) for n in range(32)]


def periods(**days):
    return Periods.from_widgets(lambda name: str(days.get(name, "")))


def clean(tables, **said):
    return clean_up([Context(asked(PublishConfig, **said), tables, MemoryRegistry())])


def rows_of(contract, **columns):
    """Rows of a table's columns, null where nothing is said."""
    frame = pd.DataFrame(columns)
    schema = arrow_schema(contract)
    return frame.reindex(columns=schema.names)


def fill(tables):
    tables.replace("features", pd.DataFrame({"user_id": "u", "cutoff": DAYS}), "1 = 1")
    prepared = Extraction("q", Cutoffs(DAYS[0], (DAYS[31],), (DAYS[31],)))
    tables.set_property("features", "extraction.q", prepared.to_json())
    tables.replace("predictions", rows_of(PREDICTIONS, question="q", horizon_days=7, user_id="u", cutoff=DAYS), "1 = 1")
    written = [day + timedelta(days=37) for day in DAYS]
    tables.replace("outcomes", rows_of(OUTCOMES, question="q", cutoff=DAYS, as_of=written), "1 = 1")
    lists = rows_of(EARLIER_LISTS, question="q", cutoff=DAYS, user_id="u").assign(number=range(32, 0, -1))
    tables.replace("earlier_lists", lists, "1 = 1")
    tables.set_property("earlier_lists", CARRIED, "yes")
    tables.replace("drift", rows_of(DRIFT, question="q", as_of=DAYS), "1 = 1")


def test_all_kinds_of_tables_are_cleaned_up_alike(tables):
    said = {f"keep_{name}_days": 200 for name in ("features", "predictions", "lists", "notes")}
    assert list(find_rows(tables, periods(**said))) == []  # of tables that are not there yet
    fill(tables)
    assert [(one.what, one.name, one.number) for one in find_rows(tables, periods(**said))] == [
        ("cutoff of features", f"{DAYS[30]} to {DAYS[29]}", 2),
        ("cutoff of predictions", f"q {DAYS[31]} to {DAYS[29]}", 3),
        ("earlier list", f"q {DAYS[31]} to {DAYS[29]}", 3),
        ("day of drift", f"q {DAYS[31]} to {DAYS[29]}", 3),
    ]
    assert clean(tables, **said) == (
        "cleaned up: 2 cutoffs of features, 3 cutoffs of predictions, 3 earlier lists, 3 days of drift"
    )
    assert clean(tables, **said) == "cleaned up: nothing is older than its period"
    left = tables.query("SELECT DISTINCT cutoff FROM {features} ORDER BY cutoff DESC")["cutoff"]
    assert list(left) == [*DAYS[:29], DAYS[31]]


def test_versions_of_the_activity_are_kept_as_long_as_is_said(tables):
    row = {"user_id": "u", "day": DAYS[0], "known_day": DAYS[0]}
    tables.replace("daily_activity", pa.Table.from_pylist([row], arrow_schema(DAILY_ACTIVITY)), "1 = 1")
    for days in ("60", "7", "none"):
        assert clean(tables, keep_versions_days=days) == "cleaned up: nothing is older than its period"
        if isinstance(tables, DeltaTables):
            hours = 24 * (36500 if days == "none" else int(days))
            kept = tables.spark.sql(f"SHOW TBLPROPERTIES {tables.full_name('daily_activity')}").collect()
            settings = {row["key"]: row["value"] for row in kept}
            assert settings["delta.deletedFileRetentionDuration"] == f"interval {hours} hours"
            logs = settings.get("delta.logRetentionDuration")
            assert logs == f"interval {1440 if days != 'none' else hours} hours"
