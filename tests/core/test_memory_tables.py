"""The tables' twin in memory keeps the tables' contract; every contract can be translated."""

import pytest

from lib.contracts import CONTRACTS, DAILY_ACTIVITY, FEATURES, arrow_schema, checked
from lib.errors import ContractBroken
from lib.memory_tables import MemoryTables
from tests.core.table_contract import *  # noqa: F403 - the tests that all kinds of tables share


@pytest.fixture
def tables():
    return MemoryTables()


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_has_an_arrow_schema(name):
    assert arrow_schema(CONTRACTS[name]).names == list(CONTRACTS[name])
    checked(name, CONTRACTS[name])


def test_a_broken_contract_names_the_first_column_and_what_was_found():
    with pytest.raises(ContractBroken, match="Table daily_activity: column user_id string is missing; found day"):
        checked("daily_activity", {"day": "date"})
    with pytest.raises(ContractBroken, match="Table daily_activity: column count must be bigint, found int"):
        checked("daily_activity", DAILY_ACTIVITY | {"count": "int"})
    with pytest.raises(ContractBroken, match="Table daily_activity: unexpected columns a, b"):
        checked("daily_activity", DAILY_ACTIVITY | {"b": "float", "a": "float"})
    checked("features", FEATURES | {"events_7": "float"})
    with pytest.raises(ContractBroken, match="Table features: unexpected columns label"):
        checked("features", FEATURES | {"events_7": "float", "label": "int"})
