"""Where ids of users stand is said in the contracts: what else holds one fails here."""

import re
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from lib.tables.contracts import CONTRACTS, FILES_WITH_IDS, IDS
from tests.builders.make_old_home import unpack
from tests.builders.runs import two_lists


def texts(column):
    """All texts of a column, those in lists too."""
    flat = column.combine_chunks().flatten() if pa.types.is_list(column.type) else column
    return [text for text in flat.to_pylist() if isinstance(text, str)]


def test_every_column_named_after_users_is_said_to_hold_ids():
    assert {name: ("user_id",) for name, columns in CONTRACTS.items() if "user_id" in columns} == IDS


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
    """Texts and databases are searched as they lie; of tables, the files of those that hold none."""
    users = DeltaTable(home / "warehouse" / "propensity" / "audience").to_pandas()["user_id"]
    ids = [user.encode() for user in users]
    assert len(ids) > 80
    holding = [
        path.relative_to(home) for path in home.rglob("*")
        if path.is_file() and path.suffix != ".parquet" and any(user in path.read_bytes() for user in ids)
    ]  # fmt: skip
    assert any(path.match("reports/*/*.html") for path in holding)
    assert [path for path in holding if not _is_named(PurePosixPath(path))] == []


def _is_named(path):
    of_table = path.parts[0] == "warehouse" and path.parts[2] in IDS  # its log repeats the least and the greatest
    return of_table or any(path.match(pattern) for pattern in FILES_WITH_IDS)


def test_a_new_file_with_one_would_be_noticed():
    assert not _is_named(Path("artifacts/1/artifacts/rows.json"))
    assert not _is_named(Path("warehouse/propensity/outcomes/_delta_log/0.json"))
    assert _is_named(Path("warehouse/propensity/audience/_delta_log/0.json"))
