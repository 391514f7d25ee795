"""`undo`: a run that is not known, a schema without models, and what is handed on to the stage."""

import json
import shutil

import pytest

from cli.__main__ import main
from cli.local.home import lock_home, open_home


@pytest.fixture
def home(old, tmp_path):
    return open_home(shutil.copytree(old, tmp_path / "home"))


def said(capsys, home, run):
    code = main(["undo", run, "--home", str(home.root)])
    both = capsys.readouterr()
    return code, both.out + both.err


def test_a_run_that_is_not_known_is_refused(home, capsys):
    code, text = said(capsys, home, "20200101-000000-aaaa")
    assert code == 1
    assert f"error: No record of a run 20200101-000000-aaaa is in {home.runs}. Their folders are named by their" in text


def test_a_schema_without_models_is_named(home, capsys):
    record = max(home.runs.glob("*/run.json"))
    run = json.loads(record.read_text())
    run["parameters"]["schema"] = "spark_catalog.other"
    record.write_text(json.dumps(run))
    code, text = said(capsys, home, run["run_id"])
    assert code == 1
    assert f"There are no models of the schema spark_catalog.other, where run {run['run_id']} was." in text


def test_it_waits_for_no_run(home, capsys):
    newest = max(path.parent.name for path in home.runs.glob("*/run.json"))
    with lock_home(home):
        code, text = said(capsys, home, newest)
    assert code == 1
    assert "error: A run is under way in " in text


def test_the_last_run_of_a_home_that_was_made_before_can_be_undone(home, capsys):
    last = max(path.parent.name for path in home.runs.glob("*/run.json"))
    code, text = said(capsys, home, last)
    assert code == 0, text
    assert f"daily_activity is as it was before run {last}; the next run computes all features again" in text
    assert "Mend the load before the next run: it reads again what the source has of these days." in text
