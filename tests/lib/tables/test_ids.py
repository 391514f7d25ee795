"""Where ids of users stand is said in the contracts: what else holds one fails here."""

import re
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from lib.tables.contracts import CONTRACTS
from lib.tables.ids import IDS
from tests.builders.ids import files_holding, is_named, texts
from tests.builders.make_old_home import unpack
from tests.builders.runs import two_lists


def test_every_column_named_after_users_is_said_to_hold_ids():
    users = ("user_id", "person")
    named = {name: tuple(one for one in users if one in columns) for name, columns in CONTRACTS.items()}
    assert {name: columns for name, columns in named.items() if columns} == IDS


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_no_other_column_of_a_table_holds_one(name):
    home = two_lists()
    ids = re.compile(r"\bu\d+\b")  # as the log names its users
    assert ids.search(home.tables.stored["audience"]["user_id"][0].as_py())
    if name not in home.tables.stored:
        pytest.skip("this home has no such table")
    stored = home.tables.stored[name]
    holding = [c for c in stored.column_names if any(ids.search(text) for text in texts(stored[c]))]
    assert tuple(holding) == IDS.get(name, ())


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("home"))


def test_no_other_file_of_a_home_holds_one(home):
    """Here of an earlier commit; tests/job/test_moved_home.py asks the same of one that today's runs have written."""
    users = DeltaTable(home / "warehouse" / "propensity" / "audience").to_pandas()["user_id"]
    assert len(users) > 80
    holding = files_holding(home, list(users))
    assert any(path.match("reports/*/*.html") for path in holding)
    assert [path for path in holding if not is_named(path)] == []


def test_a_new_file_with_one_would_be_noticed(tmp_path):
    assert not is_named(PurePosixPath("artifacts/1/artifacts/rows.json"))
    assert not is_named(PurePosixPath("warehouse/propensity/outcomes/_delta_log/0.json"))
    assert is_named(PurePosixPath("warehouse/propensity/audience/_delta_log/0.json"))
    (tmp_path / "rows.json").write_text('["u1"]')
    pq.write_table(pa.table({"items": [["a", "u1"], None]}), tmp_path / "rows.parquet")
    assert files_holding(tmp_path, ["u1"]) == [PurePosixPath("rows.json"), PurePosixPath("rows.parquet")]
    assert files_holding(tmp_path, ["u2"]) == []
