"""One session for all tests here, and a schema of its own for each test that writes."""

import itertools

import pytest

from lib.tables import DeltaTables
from localrun.session import session

_numbers = itertools.count()


@pytest.fixture(scope="session")
def spark(server):
    """A session on the shared server, as a notebook has it."""
    server.wait_ready()
    with session(server.url) as spark:
        yield spark


@pytest.fixture
def tables(spark):
    """Delta tables of an empty schema."""
    schema = f"t{next(_numbers)}"
    spark.sql(f"CREATE SCHEMA {schema}")
    yield DeltaTables(spark, schema)
    spark.sql(f"DROP SCHEMA {schema} CASCADE")
