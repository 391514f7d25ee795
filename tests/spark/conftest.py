"""Here Spark reads the sources, and `tables` are in memory where nothing is asked of Delta."""

import itertools

import pytest

from tests.fakes.near_tables import NearTables
from tests.marks import note_start

_numbers = itertools.count()


@pytest.fixture
def tables(request, spark):
    """Empty tables: in memory, or Delta's where the test is parametrized with `ON_DELTA`."""
    if getattr(request, "param", "") == "delta":
        return request.getfixturevalue("delta_tables")
    note_start("a query on the shared Spark server")
    return NearTables(spark, f"near{next(_numbers)}")
