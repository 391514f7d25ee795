"""A home that an earlier commit has made goes on, in its place and from a backup elsewhere, and does the same there.

tests/builders/make_old_home.py has made it."""

import contextlib
import fcntl
import io
import json
import re
import shutil
from datetime import date
from pathlib import PurePosixPath

import pandas as pd
import pytest
from deltalake import DeltaTable

from cli.__main__ import main
from lib.config.question import Question
from lib.features.vocabulary import DEFINITION
from lib.registry.mlflow_registry import MlflowRegistry
from lib.tables.contracts import CONTRACTS
from tests.builders.ids import files_holding, is_named
from tests.builders.make_old_home import DAYS, HOME, QUESTION, SMALL, unpack

pytestmark = pytest.mark.timeout(900)  # the home has one place: another who runs these tests is waited for
ASKED = Question(actions=("cook",), horizon_days=14, cohort_days=90)
NEXT = "2024-06-23"
RENEWED = {("outcomes", "as_of")}  # measured again while late events may still change them
THEN = [date.fromisoformat(day) for day in DAYS]


def table(name, home=HOME):
    """All rows of a table of a home."""
    frame = DeltaTable(home / "warehouse" / "propensity" / name).to_pandas()
    if "items" in frame:
        frame["items"] = frame["items"].map(str)  # arrays are not compared
    keys = [column for column, kind in CONTRACTS[name].items() if kind in ("string", "date") and column in frame]
    return frame.sort_values(keys, ignore_index=True)


def tables(home=HOME):
    """All tables that a home has."""
    return {name: table(name, home) for name in CONTRACTS if (home / "warehouse" / "propensity" / name).exists()}


def call(*words, home=HOME):
    """Call the command line on a home; its exit code and what it said."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        code = main([words[0], "--home", str(home), *words[1:]])
    return code, out.getvalue()


def run_next(home):
    """The next run of a home, as its last one was called; all its tables, what that said, and its record."""
    known = set(home.glob("runs/*/run.json"))
    given = json.loads(max(known).read_text())["parameters"]
    asked = {name: given[name] for name in (*QUESTION, *SMALL)} | {
        "as_of": NEXT, "evaluations": "yes", "events": str(home / "sources" / "events.parquet")
    }  # fmt: skip
    pairs = [word for name, value in asked.items() for word in ("--param", f"{name}={value}")]
    code, said = call("run", *pairs, home=home)
    assert code == 0, said
    (record,) = set(home.glob("runs/*/run.json")) - known
    return tables(home) | {"said": said, "run": json.loads(record.read_text()), "home": home}


@pytest.fixture(scope="module")
def before():
    """The home where it was made, as that commit has left it: its tables. Who else runs these tests here waits."""
    with HOME.with_suffix(".lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(HOME, ignore_errors=True)
        unpack(HOME.parent)
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.setenv(name, f"sqlite:///{HOME}/mlflow.db")
        yield tables()
        shutil.rmtree(HOME)


@pytest.fixture(scope="module")
def restored(before, tmp_path_factory):
    """The home from a backup, after its next run elsewhere. Whoever writes to the place before fails, or shows."""
    folder = tmp_path_factory.mktemp("restored")
    backup, there, aside = folder / "backup.tar.gz", folder / "elsewhere" / "home", HOME.with_name(f"{HOME.name} aside")
    assert call("backup", str(backup))[0] == 0
    assert call("restore", str(backup), home=there)[0] == 0
    shutil.rmtree(aside, ignore_errors=True)
    HOME.rename(aside)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.delenv(name)
        done = run_next(there)
    assert not HOME.exists()
    aside.rename(HOME)
    return done


@pytest.fixture(scope="module")
def after(before, restored):
    """The same home after the next run, a week later; the backup was taken before."""
    return run_next(HOME)


def test_its_tables_are_read_and_its_models_score_as_they_did(before):
    assert set(before) == set(CONTRACTS) - {  # which that commit did not know
        "evaluations", "source_checks", "forgotten", "suppressions", "contacts", "user_attributes", "attribute_checks",
        "question_runs", "profiles", "earlier_lists", "identities", "feature_dictionary", "named_activity",
        "named_features",
    }  # fmt: skip
    features = before["features"]
    cohort = features[(features["cutoff"] == THEN[1]) & (features["recency"] <= ASKED.cohort_days)]
    stored = before["predictions"].query("cutoff == @THEN[1]")
    registry = MlflowRegistry("spark_catalog.propensity.propensity", "propensity")
    (version,) = set(stored["prediction_version"])
    scores = pd.Series(registry.load(ASKED, version).score(cohort), cohort["user_id"])
    assert len(stored) == len(cohort) > 80
    pd.testing.assert_series_equal(
        scores.sort_index(), stored.set_index("user_id")["propensity"].sort_index(), check_names=False, rtol=0,
        atol=1e-12,
    )  # fmt: skip


def test_its_models_and_its_list_are_shown(before):
    code, said = call("models")
    assert code == 0
    assert f"{ASKED.slug}: {ASKED}" in said
    assert "\n  version 1, as of 2024-06-02\n" in said
    until = "(now|2024-06-23)"  # the next run's pair takes its place, where that was made already
    assert re.search(f"promoted, in use from 2024-06-02 until {until}: First model,\\s+promoted", said)
    code, said = call("audience", "--head", "3")
    assert code == 0
    first = table("audience").sort_values("rank").head(3)  # the next run's, where that was made already
    assert [name for name in first["user_id"] if name not in said] == []


@pytest.mark.job
def test_the_next_run_scores_nobody_by_features_that_mean_something_else_and_trains_once(before, after):
    assert "Verdict: cannot tell whether any models hold, and new ones are asked for." in after["said"]
    assert (
        f"Version 1 has learnt from features of definition 3, and definition {DEFINITION} is computed" in after["said"]
    )
    assert {task["state"] for task in after["run"]["tasks"].values()} == {"SUCCESS"}
    assert set(after["audience"]["prediction_version"]) == {"2"}
    assert set(after["audience"]["cutoff"]) == {date.fromisoformat(NEXT)}
    assert after["decisions"].sort_values("number")["repair_count"].tolist()[-1] == 0
    assert after["decisions"]["repair_count"].isna().sum() == len(before["decisions"])  # nobody noted it then
    assert len(after["evaluations"]) > 80


@pytest.mark.job
@pytest.mark.parametrize("name", ["daily_activity", "predictions", "decisions", "outcomes", "model_checks"])
def test_what_stood_in_its_tables_stands(before, after, name):
    columns = [column for column in before[name] if (name, column) not in RENEWED]
    then, now = (frame[name].round({"expected": 9}) for frame in (before, after))  # a sum, by another order of rows
    merged = then.merge(now[columns], how="left", on=columns, indicator=True)
    assert len(then) > 0
    assert set(merged["_merge"]) == {"both"}


@pytest.mark.job
def test_who_was_held_out_stays_held_out(before, after):
    then, now = (frame["audience"].set_index("user_id")["held_out"] for frame in (before, after))
    both = then.index.intersection(now.index)
    assert then[both].sum() > 5
    assert then[both].equals(now[both])


@pytest.mark.job
def test_the_lists_before_are_rows_of_their_own(after):
    rows = table("earlier_lists")
    runs = rows.groupby("number")["run_id"].unique()
    assert len(runs) >= 2
    assert all(len(one) == 1 for one in runs)
    assert runs.index.tolist() == list(range(1, len(runs) + 1))
    assert not {one[0] for one in runs} & set(after["audience"]["run_id"])


@pytest.mark.job
def test_restored_elsewhere_the_next_run_gives_the_same(after, restored):
    there, here = (done["run"]["tasks"]["train"]["values"]["summary"] for done in (restored, after))
    assert there == here
    assert "definition 3" in there  # both see that its features are of before
    lists = [done["audience"].drop(columns="run_id") for done in (restored, after)]
    assert lists[0].equals(lists[1])


@pytest.mark.job
def test_the_next_load_brings_no_forgotten_user_back(after, restored):
    home = restored["home"]
    first, *others = sorted(set(restored["audience"]["user_id"]))
    assert call("forget", first, home=home)[0] == 0
    later = restored["run"]["parameters"] | {"as_of": "2024-06-30"}
    pairs = [word for name in (*QUESTION, *SMALL, "as_of", "events") for word in ("--param", f"{name}={later[name]}")]
    code, said = call("run", "--only", "extract_features", *pairs, home=home)
    assert code == 0, said
    assert table("daily_activity", home)["day"].max() == date(2024, 6, 29)
    assert files_holding(home, [first]) == [PurePosixPath("sources/events.parquet")]  # which is its owner's to mend
    assert [path for path in files_holding(home, others) if not is_named(path)] == []
