"""Every kind of tables, so that each test here holds all of them to one contract."""

import pytest

from cli.local.file_tables import FileTables
from lib.tables.memory import MemoryTables


@pytest.fixture(
    params=[
        "memory",
        "files",
        pytest.param("delta", marks=[pytest.mark.spark, pytest.mark.xdist_group("tests/contract")]),
    ]
)
def tables(request, tmp_path):
    """Empty tables of one kind: the kind in memory, a home's files without Spark, and Delta through Spark."""
    if request.param == "files":
        return FileTables(tmp_path, "shop")
    return MemoryTables() if request.param == "memory" else request.getfixturevalue("delta_tables")
