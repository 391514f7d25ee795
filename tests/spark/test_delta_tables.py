"""Delta tables keep the contract that their twin in memory keeps, test by test."""

from tests.core.table_contract import *  # noqa: F403 - the tests that all kinds of tables share
