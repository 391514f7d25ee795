"""Every kind of tables, so that each test here holds all of them to one contract."""

import pytest

from cli.local.file_tables import FileTables
from lib.tables.memory import MemoryTables

KINDS = [
    "memory",
    "files",
    pytest.param("delta", marks=[pytest.mark.spark, pytest.mark.xdist_group("tests/contract")]),
]


@pytest.fixture(params=KINDS)
def tables(request, tmp_path):
    """Empty tables of one kind: the kind in memory, a home's files without Spark, and Delta through Spark."""
    return _make(request, tmp_path, "delta_tables")


@pytest.fixture(scope="module", params=KINDS)
def module_tables(request, tmp_path_factory):
    """The same, for tests of a module that write to them once and then only read."""
    return _make(request, tmp_path_factory.mktemp("tables"), "module_delta_tables")


def _make(request, folder, delta):
    if request.param == "files":
        return FileTables(folder, "shop")
    return MemoryTables() if request.param == "memory" else request.getfixturevalue(delta)
