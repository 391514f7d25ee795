"""What all core tests need before they are collected."""

import pytest

pytest.register_assert_rewrite("tests.core.table_contract", "made")
