"""A Spark of a home's own, for a command that needs tables and runs no job."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.local.home import Home
from localrun.spark.server import SparkServer
from localrun.spark.session import session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def start_spark(home: Home, schemas: list[str], log: str) -> "Iterator[SparkSession]":
    """A session on a server that ends with it; `log` is the name of the server's file in the home."""
    with SparkServer(home.root, schemas, home.root / log) as server:
        server.wait_ready()
        with session(server.url) as spark:
            yield spark
