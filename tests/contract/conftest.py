"""Every kind of tables, so that each test here holds all of them to one contract."""

import pytest

from lib.tables.memory import MemoryTables


@pytest.fixture(
    params=["memory", pytest.param("delta", marks=[pytest.mark.spark, pytest.mark.xdist_group("tests/contract")])]
)
def tables(request):
    """Empty tables of one kind: the kind in memory, and Delta through Spark."""
    return MemoryTables() if request.param == "memory" else request.getfixturevalue("delta_tables")
