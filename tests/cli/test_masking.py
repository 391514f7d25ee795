"""A home in which an earlier version wrote passwords down: they are hidden by the first run."""

import json

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from cli.errors import CliError
from cli.local.home import open_home
from cli.local.masking import hide_passwords
from cli.local.plan import check_secrets

CLEAR = "postgresql://me:hush@host/studies"
EVENTS = "s3a://KEY:hush@bucket/events"


@pytest.fixture
def home(tmp_path):
    home = open_home(tmp_path)
    run = home.runs / "20240603-060000-0001"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"parameters": {"optuna_storage": CLEAR, "events": EVENTS}}, indent=2))
    (run / "index.html").write_text(f"<td>optuna_storage</td><td><code>{CLEAR}</code></td>")
    (run / "extract_features.html").write_text(f"<pre>The events &#39;{EVENTS}&#39; cannot be read</pre>")
    (run / "spark.log").write_bytes(f"reading {EVENTS}\n".encode() + b"\xff\n")
    (home.root / "models.log").write_text("nothing to hide: http://127.0.0.1:4040/x@y")
    folder = home.warehouse / "propensity" / "daily_activity"
    write_deltalake(folder, pa.table({"n": [1]}))
    note = json.dumps({"events": EVENTS, "event_columns": {}, "read": []})
    DeltaTable(folder).alter.set_table_properties({"propensity.source": note}, raise_if_not_exists=False)
    return home


def test_they_are_hidden_in_every_file_and_the_tables_are_read_as_before(home, capsys):
    hide_passwords(home.root)
    assert [path for path in home.root.rglob("*") if path.is_file() and b"hush" in path.read_bytes()] == []
    assert capsys.readouterr().out == (
        "Passwords stood in clear in 5 files of this home, as earlier versions wrote them: they are hidden now. Change "
        "them where they open something.\n"
    )
    (run,) = home.runs.iterdir()
    assert json.loads((run / "run.json").read_text())["parameters"] == {
        "optuna_storage": "postgresql://me:***@host/studies", "events": "s3a://KEY:***@bucket/events"
    }  # fmt: skip
    assert (run / "spark.log").read_bytes().endswith(b"\xff\n")
    table = DeltaTable(home.warehouse / "propensity" / "daily_activity")
    assert json.loads(table.metadata().configuration["propensity.source"])["events"] == "s3a://bucket/events"
    assert table.to_pyarrow_table().to_pylist() == [{"n": 1}]
    assert (home.root / "models.log").read_text() == "nothing to hide: http://127.0.0.1:4040/x@y"


def test_it_is_done_once(home, capsys):
    hide_passwords(home.root)
    capsys.readouterr()
    hide_passwords(home.root)
    assert capsys.readouterr().out == ""
    assert open_home(home.root).root == home.root


def test_a_secret_that_is_not_there_is_told_before_anything_starts():
    given = {"optuna_storage": "postgresql://me:secret(shop/db)@host/studies"}
    message = "optuna_storage names secret\\(shop/db\\), and the environment variable SHOP_DB is not set. Set it to the"
    with pytest.raises(CliError, match=message):
        check_secrets(given, {})
    check_secrets(given, {"SHOP_DB": "hush"})
