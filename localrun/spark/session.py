"""Spark Connect sessions on the local server, and what a fresh server must be told of the warehouse."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localrun.errors import LocalRunError, format_error
from localrun.spark.access import client_environment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TABLE = re.compile(r"\w+", re.ASCII)
_SCHEMA = re.compile(r"[^_\W]\w*(\.db)?", re.ASCII)
# Spark's checksum of a file that delta-rs (1.6) writes anew without one. Where the two disagree, Delta (4.4) takes the
# file for one that is being written, and waits for three seconds whenever it looks at the table.
STALE = "._last_checkpoint.crc"
_PART = re.compile(r"\.?(part-.*\.parquet|_SUCCESS)(\.crc)?")  # files of Spark's own writers


def connect(url: str, session_id: str | None = None, *, default: bool = False) -> "SparkSession":
    """A new session; two with one `session_id` are the same to the server.

    With `default`, it is the one that everybody else in this process gets who asks for a session.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

    from localrun.spark.channel import LoopbackChannel

    builder: Any = SparkSession.builder.channelBuilder(LoopbackChannel(url, session_id))
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # as pyspark does for an address: its functions look there
    if default:
        remote = f"{url}/;session_id={session_id}" if session_id else url
        os.environ.update(client_environment(url), SPARK_REMOTE=remote)
    spark = builder.getOrCreate() if default else builder.create()
    # The default waits ten minutes for a server that is gone. Ours is on this machine: gone is gone.
    spark.client.set_retry_policies([DefaultPolicy(max_retries=2)])
    return spark  # type: ignore[no-any-return]


@contextmanager
def session(url: str) -> "Iterator[SparkSession]":
    """A session for a while; the server forgets it in its own time."""
    spark = connect(url)
    try:
        yield spark
    finally:
        spark.client.close()


def release(url: str, session_id: str) -> None:
    """End a session and whatever it still computes."""
    connect(url, session_id).stop()


def register(url: str, warehouse: Path, schemas: Sequence[str]) -> None:
    """Make the server know every schema and table that lies in the warehouse.

    A table is a folder `<schema>/<table>` with a Delta log, or `<schema>.db/<table>`, where Spark lays a schema made
    without a place. A folder whose name Spark takes for neither, as somebody's copy, is passed over. One whose
    log holds no commit, or that has no log and nothing but Spark's own parts, is what a killed run left of a table
    that never came to be: it is removed, so that the next run can create it. A newest commit of no length, as a
    machine that lost power leaves it, never came to be either.

    Raises
    ------
    LocalRunError
        If a table cannot be registered.
    """
    folders = [folder.name for folder in _folders(warehouse, _SCHEMA)]
    with session(url) as spark:
        for name in sorted({*schemas, *folders}):
            folder, schema = warehouse / name, name.removesuffix(".db")
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {_name(schema)} LOCATION '{_literal(folder)}'")
            for table in _folders(folder, _TABLE):
                if (table / "_delta_log").is_dir():
                    _register_table(spark, schema, table)
                elif _is_leftover(table):
                    shutil.rmtree(table)


def _folders(place: Path, name: re.Pattern[str]) -> list[Path]:
    return sorted(path for path in place.glob("*") if path.is_dir() and name.fullmatch(path.name))


def _register_table(spark: "SparkSession", schema: str, folder: Path) -> None:
    log = folder / "_delta_log"
    if not any(log.glob("*.json")) and not any(log.glob("*.parquet")):
        shutil.rmtree(folder)
        return
    _drop_empty_commit(log)
    log.joinpath(STALE).unlink(missing_ok=True)
    name = f"{_name(schema)}.{_name(folder.name)}"
    try:
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION '{_literal(folder)}'")
    except Exception as error:
        raise LocalRunError(
            f"The table in {folder} cannot be read: {format_error(error)}\nRestore its files, or move the folder away."
        ) from error


def _is_leftover(folder: Path) -> bool:
    """Whether Spark was writing the first rows of a table when it was killed; no file of anybody else's lies there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return bool(files) and all(_PART.fullmatch(path.name) for path in files)


def _drop_empty_commit(log: Path) -> None:
    commits = sorted(log.glob("*.json"))
    if len(commits) > 1 and not commits[-1].stat().st_size:
        commits[-1].unlink()
        log.joinpath(f".{commits[-1].name}.crc").unlink(missing_ok=True)


def _name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def _literal(folder: Path) -> str:
    return str(folder).replace("\\", "\\\\").replace("'", "\\'")
