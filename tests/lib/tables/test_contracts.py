"""The columns of every table: each contract can be translated, and what breaks one is named."""

import pytest

from lib.errors import ContractBroken
from lib.tables.contracts import ADDED, CONTRACTS, DAILY_ACTIVITY, FEATURES
from lib.tables.ids import IDS, STATISTICS
from lib.tables.schemas import arrow_schema, check_columns, missing_added


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_has_an_arrow_schema(name):
    assert arrow_schema(CONTRACTS[name]).names == list(CONTRACTS[name])
    check_columns(name, CONTRACTS[name])


def test_what_a_list_may_lack_an_earlier_list_may_lack_too():
    for name in ("audience", "earlier_lists"):
        lacking = {column for column in CONTRACTS[name] if column not in ADDED["audience"]}
        assert missing_added(name, lacking) == {column: CONTRACTS[name][column] for column in ADDED["audience"]}


def test_a_broken_contract_names_the_first_column_and_what_was_found():
    with pytest.raises(ContractBroken, match="Table daily_activity: column user_id string is missing; found day"):
        check_columns("daily_activity", {"day": "date"})
    with pytest.raises(ContractBroken, match="Table daily_activity: column count must be bigint, found int"):
        check_columns("daily_activity", DAILY_ACTIVITY | {"count": "int"})
    with pytest.raises(ContractBroken, match="Table daily_activity: unexpected columns a, b"):
        check_columns("daily_activity", DAILY_ACTIVITY | {"b": "float", "a": "float"})
    check_columns("features", FEATURES | {"events_7": "float"})
    with pytest.raises(ContractBroken, match="Table features: unexpected columns label"):
        check_columns("features", FEATURES | {"events_7": "float", "label": "int"})


def test_the_logs_of_tables_with_ids_have_statistics_of_other_columns_only():
    assert set(STATISTICS) == set(IDS)
    for name, columns in STATISTICS.items():
        assert set(columns) <= set(CONTRACTS[name]) - {*IDS[name]}
