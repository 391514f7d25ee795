"""Read the events of a backtest once, through local Spark, into the activity that all its runs see parts of."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable

from cli.home import Home
from cli.replay_request import Request
from cli.replay_store import UNTIL, Store, write_arrow
from lib import backtest, extraction
from lib import events as event_rules
from lib.config import ExtractConfig
from lib.errors import SourceError
from lib.tables import DAILY_ACTIVITY, DeltaTables, arrow_schema
from localrun.session import session
from localrun.spark import SparkServer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SCHEMA = "activity"


@contextmanager
def spark_in(home: Home, schemas: list[str]) -> "Iterator[SparkSession]":
    """A session on a server of the home's own."""
    with SparkServer(home.root, schemas, home.root / "spark.log") as server:
        server.wait_ready()
        with session(server.url) as spark:
            yield spark


def located(request: Request) -> dict[str, str]:
    """The job's parameters with the place of the events, written where they are built-in ones."""
    events = str(request.source.write()) if request.source.write else request.parameters["events"]
    return {**request.parameters, "events": events}


def ingest(request: Request, home: Home, store: Store) -> None:
    """Read all that became known until the last run's horizon ends, or until the day of the source's last event."""
    if store.activity.exists():
        return
    asked = {**located(request), "schema": f"spark_catalog.{_SCHEMA}"}
    with spark_in(home, [_SCHEMA]) as spark:
        tables = DeltaTables(spark, asked["schema"])
        until = min(request.last_day, _last_event(tables, asked))
        config = ExtractConfig.from_widgets(backtest.widgets(asked, "", until))
        extraction.ingest(config, tables)
    rows = DeltaTable(home.warehouse / _SCHEMA / "daily_activity").to_pyarrow_table(columns=list(DAILY_ACTIVITY))
    write_arrow(store.activity, rows.cast(arrow_schema(DAILY_ACTIVITY)), {UNTIL: until.isoformat().encode()})


def arrow_of(folder: Path) -> pa.Table:
    """A Delta table, without Spark."""
    return DeltaTable(folder).to_pyarrow_table()


def _last_event(tables: DeltaTables, asked: dict[str, str]) -> date:
    from pyspark.sql import functions as F

    config = ExtractConfig.from_widgets(backtest.widgets(asked, "", date.max))
    events = event_rules.standard(tables.source(config.events), config.event_columns)
    with tables.reading(config.events):
        last: date | None = events.agg(F.max("day").alias("day")).collect()[0]["day"]
    if last is None:
        raise SourceError("The events are empty, or none has a readable event_time. Load events, or name other ones.")
    return last
