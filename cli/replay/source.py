"""Read the events of a backtest once, through local Spark, into the activity that all its runs see parts of."""

from datetime import date
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from cli.local.file_tables import FileTables
from cli.local.home import Home
from cli.local.spark import start_spark
from cli.replay.files import write_arrow
from cli.replay.progress import be_silent
from cli.replay.request import SCHEMA, Request
from cli.replay.store import UNTIL, Store, write_who
from lib.attributes.columns import NOTE, TABLE
from lib.backtest import replay
from lib.backtest.replay import WHO, WhoUsersAre
from lib.config.stages import ExtractConfig
from lib.features import ingest as ingest_rules
from lib.features.identities import load_identities
from lib.features.users import load_users
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.delta import DeltaTables
from lib.tables.schemas import arrow_schema

LOG = "spark.log"


def locate_events(request: Request) -> dict[str, str]:
    """The job's parameters with the place of the events, written where they are built-in ones."""
    events = str(request.source.write()) if request.source.write else request.parameters["events"]
    return {**request.parameters, "events": events}


def ingest(request: Request, home: Home, store: Store) -> None:
    """Read all that became known until the last run's horizon ends, or until the day of the source's last event."""
    if store.activity.exists():
        return
    values = {**locate_events(request), "schema": f"spark_catalog.{SCHEMA}"}
    with start_spark(home, [SCHEMA], LOG) as spark:
        tables = DeltaTables(spark, values["schema"])
        until = min(request.last_day, _read_last_day(tables, values))
        config = ExtractConfig.from_widgets(replay.widget_values(values, "", until))
        if config.identities:
            load_identities(config, tables, be_silent)
        ingest_rules.ingest(config, tables)
        if config.users:
            load_users(config, tables)
    _keep_who(FileTables(home.warehouse, SCHEMA), store)
    folder, schema = home.warehouse / SCHEMA, arrow_schema(DAILY_ACTIVITY)
    rows = [read_delta(folder / "daily_activity").select(schema.names).cast(schema)]
    kinds = [one.kind for one in config.question.named]
    if kinds:
        named = read_delta(folder / "named_activity")
        nothing = pa.nulls(len(named), pa.list_(pa.string()))
        rows.append(named.append_column("items", nothing).select(schema.names).cast(schema))
    notes = {UNTIL: until.isoformat().encode(), replay.NAMED: "\n".join(kinds).encode()}
    write_arrow(store.activity, pa.concat_tables(rows), notes)


def _keep_who(tables: FileTables, store: Store) -> None:
    """Keep what was read of users and of their ids, before the activity: once that is there, nothing is read again."""
    rows = {name: tables.arrow(f"SELECT * FROM {{{name}}}") for name in WHO if tables.exists(name)}
    note = tables.get_property(TABLE, NOTE) if TABLE in rows else None
    write_who(store, WhoUsersAre(rows, note or ""))


def read_delta(folder: Path) -> pa.Table:
    """A Delta table, without Spark."""
    return DeltaTable(folder).to_pyarrow_table()


def _read_last_day(tables: DeltaTables, values: dict[str, str]) -> date:
    config = ExtractConfig.from_widgets(replay.widget_values(values, "", date.max))
    return ingest_rules.read_newest_day(config, tables.spark)
