"""A home of an earlier commit, restored from a backup elsewhere: its next run gives what the one in place gives."""

import json
import shutil

import pytest
from deltalake import DeltaTable

from cli.__main__ import main
from cli.local.home import open_home
from tests.builders.make_old_home import QUESTION, unpack

pytestmark = [pytest.mark.job, pytest.mark.timeout(900)]  # two runs
NEXT = "2024-06-23"
SMALL = ("n_trials", "max_cutoffs", "max_event_types", "held_out_share")


def run(home):
    """The next run, as the last one was called."""
    newest = max(home.glob("runs/*/run.json"))
    given = json.loads(newest.read_text())["parameters"]
    asked = {name: given[name] for name in (*QUESTION, *SMALL)} | {
        "as_of": NEXT, "events": str(home / "sources" / "events.parquet")
    }  # fmt: skip
    pairs = [word for name, value in asked.items() for word in ("--param", f"{name}={value}")]
    assert main(["run", "--home", str(home), *pairs]) == 0
    return json.loads(max(home.glob("runs/*/run.json")).read_text())


def rows(home, name):
    frame = DeltaTable(home / "warehouse" / "propensity" / name).to_pandas()
    return frame.drop(columns="run_id").sort_values(["user_id", "cutoff"], ignore_index=True)


def test_restored_elsewhere_the_next_run_gives_the_same(tmp_path):
    original = open_home(unpack(tmp_path)).root
    backup, restored = tmp_path / "backup.tar.gz", tmp_path / "elsewhere" / "restored"
    assert main(["backup", str(backup), "--home", str(original)]) == 0
    moved = original.rename(tmp_path / "kept aside")  # whoever still writes to the old place fails, or shows
    assert main(["restore", str(backup), "--home", str(restored)]) == 0
    there = run(restored)
    assert not original.exists()
    moved.rename(original)
    here = run(original)
    assert there["tasks"]["train"]["values"]["summary"] == here["tasks"]["train"]["values"]["summary"]
    assert "definition 3" in there["tasks"]["train"]["values"]["summary"]  # both see that its features are of before
    assert rows(restored, "audience").equals(rows(original, "audience"))
    shutil.rmtree(restored)
