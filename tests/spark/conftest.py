"""Here `tables` are Delta's."""

import pytest


@pytest.fixture
def tables(delta_tables):
    """Delta tables of an empty schema."""
    return delta_tables
