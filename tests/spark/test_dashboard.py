"""The dashboard's queries mean the same to Spark."""

from tests.core.dashboard_contract import *  # noqa: F403 - the tests that all kinds of tables share
