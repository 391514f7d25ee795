"""A home that is moved, copied, backed up or restored goes on where it lies; where it came from stays as it was."""

import hashlib
import os
import re
import shutil
import sqlite3
import tarfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable

from cli.__main__ import main
from cli.errors import CliError
from cli.local import place
from cli.local.home import lock_home, open_home
from lib.config.question import Question
from localrun.run.record import past_runs
from tests.builders.make_old_home import HOME

ASKED = Question(actions=("cook",), horizon_days=14, cohort_days=90)
LAST = date(2024, 6, 16)
FILES = (
    ("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)  # fmt: skip


@pytest.fixture
def home(old, tmp_path, monkeypatch):
    for name in open_home(tmp_path / "x").environment():
        monkeypatch.setenv(name, os.environ.get(name, ""))
    return shutil.copytree(old, tmp_path / "new ä home")


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*") if path.is_file() and path.name != "run.lock"
    }  # fmt: skip


def texts(database):
    """All texts of a database that name a path."""
    with sqlite3.connect(database) as connection:
        return [line for line in connection.iterdump() if "/propensity-home-" in line or "/new ä home" in line]


def lost(home):
    """Places of MLflow's files that are not in the home, or not there."""
    with sqlite3.connect(home / "mlflow.db") as connection:
        found = [place for table, column in FILES for (place,) in connection.execute(f"SELECT {column} FROM {table}")]
    assert len(found) > 10
    gone = [place for place in found if "/models/" in place and not Path(place, "MLmodel").exists()]
    return gone + [place for place in found if not Path(place).is_relative_to(home)]


def scores(home):
    """What the pair in use gives the last list's users, and what stands in `predictions`."""
    import mlflow  # once in this module: it keeps in memory where a run's files lie

    from lib.registry.mlflow_registry import MlflowRegistry

    for choose in (mlflow.set_tracking_uri, mlflow.set_registry_uri):
        choose(f"sqlite:///{home}/mlflow.db")
    tables = home / "warehouse" / "propensity"
    features = DeltaTable(tables / "features").to_pandas(filters=[("cutoff", "=", LAST)])
    stored = DeltaTable(tables / "predictions").to_pandas(filters=[("cutoff", "=", LAST)])
    pair = MlflowRegistry("spark_catalog.propensity.propensity", "propensity").load(ASKED, "1")
    for choose in (mlflow.set_tracking_uri, mlflow.set_registry_uri):
        choose(None)  # other tests go by the environment
    cohort = features[features["recency"] <= ASKED.cohort_days]
    return pd.Series(pair.score(cohort), cohort["user_id"]), stored.set_index("user_id")["propensity"]


def test_a_home_that_was_moved_goes_on_and_says_so(home, capsys):
    assert main(["models", "--home", str(home)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        f"This home lay in {HOME} before: its models and notes lead to {home} now, and mlflow.db.before-move is "
        "MLflow's database as it was."
    )
    assert said[1].startswith("cook_14d_cohort90d")
    assert [line for line in texts(home / "mlflow.db") if str(HOME) in line] == []
    assert texts(home / "mlflow.db.before-move")
    now, then = scores(home)
    pd.testing.assert_series_equal(now.sort_index(), then.sort_index(), check_names=False, rtol=0, atol=1e-12)
    note = DeltaTable(home / "warehouse/propensity/daily_activity").metadata().configuration["propensity.source"]
    assert f'"events": "{home}/sources/events.parquet"'.replace("ä", "\\u00e4") in note
    for _, run in past_runs(home / "runs"):
        assert run.parameters["optuna_storage"] == f"sqlite:///{home}/optuna.db"
        assert run.parameters["reports"] == f"{home}/reports"
        assert run.tasks["publish"].values["report"].startswith(f"{home}/reports/")
    assert main(["models", "--home", str(home)]) == 0
    assert "This home lay in" not in capsys.readouterr().out


def test_the_note_of_further_sources_moves_too():
    note = {"events": "/a/b/x.csv", "begin": None, "more": [{"events": "/a/b/y.csv", "read": ["/a/bc"]}]}
    assert place._moved(note, "/a/b", "/new") == {
        "events": "/new/x.csv", "begin": None, "more": [{"events": "/new/y.csv", "read": ["/a/bc"]}]
    }  # fmt: skip


def test_a_copy_leaves_the_original_as_it_was(home, tmp_path, capsys):
    open_home(home)
    before, copy = digests(home), tmp_path / "copy"
    shutil.copytree(home, copy)
    assert main(["audience", "--home", str(copy)]) == 0
    assert capsys.readouterr().out.count(f"This home lay in {home} before: ") == 1
    assert lost(copy) == []
    assert digests(home) == before


def test_nothing_is_rewritten_while_a_run_is_under_way(home):
    before = digests(home)
    from cli.local.home import Home

    with lock_home(Home(home)), pytest.raises(CliError, match="A run is under way in"):
        open_home(home)
    assert digests(home) == before


@pytest.mark.parametrize("step", ["_rewrite_database", "_rewrite_notes", "_rewrite_runs", "note_place"])
def test_a_kill_at_any_step_is_mended_by_the_next_call(home, monkeypatch, step):
    with monkeypatch.context() as patch:
        patch.setattr(place, step, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_home(home)
    open_home(home)
    assert place.former_place(home) is None
    assert [line for line in texts(home / "mlflow.db") if str(HOME) in line] == []
    assert lost(home) == []


def test_a_database_that_is_damaged_is_named_and_nothing_is_noted(home):
    open_home(home)
    moved = home.with_name("further")
    home.rename(moved)
    (moved / "mlflow.db").write_bytes(b"no database at all, by any means" * 100)
    message = f"This home lay in {home} and lies in {moved} now. Its models are known by whole paths, and these cannot"
    with pytest.raises(CliError, match=message):
        open_home(moved)
    assert place.former_place(moved) == str(home)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a/home", "/b"),
        ("/a/home/artifacts/1", "/b/artifacts/1"),
        ("sqlite:////a/home/optuna.db", "sqlite:////b/optuna.db"),
        ("file:///a/home/x", "file:///b/x"),
        ("see '/a/home/x', or /a/home", "see '/b/x', or /b"),
        ("/a/home2/x", "/a/home2/x"),
        ("/a/home.bak", "/a/home.bak"),
        ("x/a/home", "x/a/home"),
        ("home", "home"),
    ],
)
def test_paths_below_the_former_place_are_rewritten_and_no_others(text, expected):
    assert place.rewrite(text, "/a/home", "/b") == expected


def test_a_home_moved_into_its_former_place_is_rewritten_once():
    once = place.rewrite("/a/home/x", "/a/home", "/a/home/in")
    assert (once, place.rewrite(once, "/a/home", "/a/home/in")) == ("/a/home/in/x", "/a/home/in/x")


@pytest.mark.parametrize("letter", ["%", "?", "#"])
def test_a_home_whose_path_mlflow_would_misread_is_refused(tmp_path, letter):
    with pytest.raises(
        CliError, match=re.escape(f"a{letter}b has a {letter} in its path, which MLflow reads otherwise.")
    ):
        open_home(tmp_path / f"a{letter}b")
    assert not (tmp_path / f"a{letter}b").exists()


def test_a_new_home_notes_where_it_lies(tmp_path):
    open_home(tmp_path / "new")
    assert (tmp_path / "new" / "place").read_text() == f"{tmp_path}/new\n"


def test_a_backup_is_restored_to_another_place(home, tmp_path, capsys):
    open_home(home)
    capsys.readouterr()
    file, new = tmp_path / "deep" / "backup.tar.gz", tmp_path / "restored"
    assert main(["backup", str(file), "--home", str(home)]) == 0
    assert capsys.readouterr().out == (
        f"{file} has all of {home}. Back again: ./propensity restore {file} --home NEW\n"
    )
    assert file.stat().st_mode & 0o777 == 0o600
    before = digests(home)
    shutil.rmtree(home)
    assert main(["restore", str(file), "--home", str(new)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{new} is restored. Where it was made, nothing was touched."
    assert not home.exists()
    commit = "warehouse/propensity/daily_activity/_delta_log/00000000000000000004.json"  # the place of the events
    assert set(digests(new)) == {*before, commit}
    assert lost(new) == []
    assert not list(tmp_path.glob(".restore-*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backup", "{home}/b.tar.gz"], "lies in the home that is to be backed up. Name a file elsewhere."),
        (["backup", "{tmp}/there"], "{tmp}/there is there already. Name a new file, or move that one away."),
        (["backup", "{tmp}/there/b"], "{tmp}/there/b cannot be written: "),
        (["restore", "{tmp}/there"], "There is something in {home}. Restore into a --home that is not there yet"),
        (["restore", "{tmp}/there", "--home", "{tmp}/n"], "{tmp}/there cannot be restored into {tmp}/n: "),
        (["restore", "{tmp}/none", "--home", "{tmp}/n"], "{tmp}/none cannot be restored into {tmp}/n: "),
        (["restore", "{tmp}/other", "--home", "{tmp}/n"], "{tmp}/other is no backup of a home: it does not say where"),
        (["backup", "{tmp}/b", "--home", "{tmp}/none"], "There is no home in {tmp}/none. Name one with --home."),
    ],
)
def test_what_cannot_be_copied_is_one_line(tmp_path, capsys, words, message):
    root = open_home(tmp_path / "home").root
    (tmp_path / "there").write_text("no archive")
    with tarfile.open(tmp_path / "other", "w:gz") as archive:
        archive.add(Path(__file__), "file")
    names = {"tmp": str(tmp_path), "home": str(root)}
    words = [word.format(**names) for word in words]
    assert main(words if "--home" in words else [*words, "--home", str(root)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message.format(**names)}") or message in line
    assert not (tmp_path / "n").exists()
