"""Rows come near where they are few; else they stay, and the answers are the same."""

import pyarrow as pa
import pytest

from lib.stages import nearby
from lib.stages.nearby import bring_near
from lib.tables.memory import MemoryTables

SOME = "SELECT user_id FROM {predictions} WHERE propensity > 0.15"


@pytest.fixture
def tables():
    tables = MemoryTables()
    tables.stored["predictions"] = pa.table({"user_id": ["ana", "bo", "cy"], "propensity": [0.1, 0.2, 0.3]})
    return tables


@pytest.mark.parametrize(("most", "comes"), [(2, True), (1, False)])
def test_so_many_rows_come_near_and_no_more(tables, monkeypatch, most, comes):
    monkeypatch.setattr(nearby, "MOST_NEAR", most)
    (near,) = bring_near(tables, SOME)
    assert (near.tables is tables) is not comes
    assert near.tables.query(f"SELECT * FROM ({near.sql}) c ORDER BY 1")["user_id"].tolist() == ["bo", "cy"]


def test_how_many_come_near_may_be_said(tables):
    assert [bring_near(tables, SOME, most=most)[0].tables is tables for most in (1, 2)] == [True, False]


def test_nobody_comes_near_too(tables):
    (near,) = bring_near(tables, f"{SOME} AND 1 = 0")
    assert near.tables is not tables
    assert near.tables.query(near.sql).empty
