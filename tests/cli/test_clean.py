"""What a home need not keep: told, removed, and what must stay stays."""

import json
import os
import shutil
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import optuna
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from cli.__main__ import main
from cli.local import cleaning
from cli.local.cleaning import Periods, find_removable
from cli.local.file_tables import FileTables
from cli.local.home import open_home
from lib.features.extraction import Extraction
from lib.stages.earlier_lists import CARRIED
from lib.tables.contracts import AUDIENCE, EARLIER_LISTS
from lib.timeline import Cutoffs

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SLUG = "cook_14d_cohort90d"


@pytest.fixture
def home(old, tmp_path):
    return open_home(shutil.copytree(old, tmp_path / "home"))


def found(home, what, now=NOW, **periods):
    return [one.name for one in find_removable(home, Periods(**periods), now) if one.what == what]


def rerun(home, name, started, **changes):
    """The record of the home's last run once more, as of another time."""
    newest = max(home.runs.glob("*/run.json"))
    record = json.loads(newest.read_text())
    record |= {"run_id": name, "started": started.isoformat()} | changes
    (home.runs / name).mkdir()
    (home.runs / name / "run.json").write_text(json.dumps(record))


def test_old_runs_go_but_for_the_last_of_each_question_and_what_is_unfinished(home):
    first, last = sorted(path.parent.name for path in home.runs.glob("*/run.json"))
    later = NOW + timedelta(days=400)
    assert found(home, "run", later) == [first]
    assert found(home, "run", NOW, runs=3650) == []
    other = json.loads((home.runs / last / "run.json").read_text())["parameters"] | {"action": "favorite"}
    rerun(home, "20200101-000000-aaaa", NOW - timedelta(days=2000), parameters=other)
    rerun(home, "20200101-000000-bbbb", NOW - timedelta(days=2000), state="RUNNING")
    rerun(home, "20200101-000000-cccc", NOW - timedelta(days=2000))
    assert found(home, "run", later) == [first, "20200101-000000-cccc"]


def test_the_run_that_prepared_the_features_stays_where_a_later_one_did_not(home):
    first, last = sorted(path.parent.name for path in home.runs.glob("*/run.json"))
    tasks = json.loads((home.runs / last / "run.json").read_text())["tasks"]
    tasks["extract_features"]["state"] = "DISABLED"
    rerun(home, "20300101-000000-aaaa", NOW, tasks=tasks)
    assert found(home, "run", NOW + timedelta(days=400)) == [first]


def test_old_reports_go_but_for_the_newest(home):
    days = sorted(path.stem for path in home.root.glob("reports/*/*.html"))
    assert found(home, "report") == [f"{SLUG} {day}" for day in days[:-1]]
    assert found(home, "report", reports=3650) == []


def test_old_studies_go_but_for_the_newest_of_each_question(home):
    storage = home.parameters()["optuna_storage"]
    for name in (f"{SLUG} as of 2020-01-01 a", "other_7d as of 2020-01-01 b", "somebody's own"):
        optuna.create_study(study_name=name, storage=storage)
    assert found(home, "study") == [f"{SLUG} as of 2020-01-01 a"]
    for one in find_removable(home, Periods(), NOW):
        one.remove()
    left = optuna.get_all_study_names(storage)
    assert {"other_7d as of 2020-01-01 b", "somebody's own"} < set(left)
    assert f"{SLUG} as of 2020-01-01 a" not in left


def test_cached_features_go_beyond_the_29_newest_cutoffs_and_their_period(home, tmp_path):
    folder = home.warehouse / "other" / "features"
    days = [date(2024, 6, 3) - timedelta(days=7 * n) for n in range(80)]
    rows = pd.DataFrame({"user_id": "u", "cutoff": days, "recency": np.float32(1)})
    write_deltalake(folder, rows)
    wanted = [f"other {day}" for day in days[29:] if day < days[0] - timedelta(days=400)]
    assert found(home, "cutoff of features") == wanted
    assert found(home, "cutoff of features", features=1) == [f"other {day}" for day in days[29:]]
    for one in find_removable(home, Periods(), NOW):
        one.remove()
    assert sorted(DeltaTable(folder).to_pandas()["cutoff"], reverse=True) == [
        day for n, day in enumerate(days) if n < 29 or day >= days[0] - timedelta(days=400)
    ]


def test_what_the_last_extraction_prepared_stays_however_old(home):
    folder = home.warehouse / "other" / "features"
    days = [date(2024, 6, 3) - timedelta(days=7 * n) for n in range(100)]
    write_deltalake(folder, pd.DataFrame({"user_id": "u", "cutoff": days, "recency": np.float32(1)}))
    prepared = Extraction("q", Cutoffs(days[0], tuple(days[4:90]), tuple(days[8:90])))
    note = {"propensity.extraction": prepared.to_json()}
    DeltaTable(folder).alter.set_table_properties(note, raise_if_not_exists=False)
    assert found(home, "cutoff of features", features=1) == [f"other {day}" for day in days[90:]]


def old_files(home, name):
    """Let a table's rows be replaced, and the files that it read before be a hundred days old."""
    folder = home.warehouse / "propensity" / name
    table = DeltaTable(folder)
    before = set(table.file_uris())
    write_deltalake(folder, table.to_pyarrow_table(), mode="overwrite")
    log = max((folder / "_delta_log").glob("*.json"))
    past = int((time.time() - 100 * 86400) * 1000)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "remove" in line:
            line["remove"]["deletionTimestamp"] = past
    log.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder, before


@pytest.mark.parametrize(("name", "periods", "gone"), [
    ("drift", {}, True), ("drift", {"versions": 101}, False), ("audience", {}, False),
])  # fmt: skip
def test_files_of_earlier_versions_go_after_their_period(home, name, periods, gone):
    folder, before = old_files(home, name)
    rows = DeltaTable(folder).to_pandas()
    for one in find_removable(home, Periods(**periods), NOW):
        if one.name.startswith(f"propensity.{name}:"):
            one.remove()
    assert all(os.path.exists(file) for file in before) is not gone
    pd.testing.assert_frame_equal(DeltaTable(folder).to_pandas(), rows)


@pytest.mark.parametrize(("name", "files", "together"), [
    ("decisions", 50, True), ("decisions", 49, False), ("contacts", 50, False), ("forgotten", 50, False),
])  # fmt: skip
def test_many_small_files_of_notes_are_put_together_and_all_versions_can_still_be_read(tmp_path, name, files, together):
    home = open_home(tmp_path / "home")
    folder = home.warehouse / "propensity" / name
    for number in range(files):
        write_deltalake(folder, pa.table({"number": [number]}), mode="append")
    (one, *more) = [*find_removable(home, Periods(), NOW), None]
    assert (one is not None and one.what == "table with small file") is together
    if together:
        assert one.name == f"propensity.{name}: {files} files"
        one.remove()
        assert more == [None]
        assert list(find_removable(home, Periods(), NOW)) == []
    table = DeltaTable(folder)
    assert len(table.file_uris()) == (1 if together else files)
    assert sorted(table.to_pyarrow_table()["number"].to_pylist()) == list(range(files))
    assert len(DeltaTable(folder, version=files // 2).to_pyarrow_table()) == files // 2 + 1


def test_the_command_says_what_would_go_and_then_removes_it(home, capsys):
    first, _ = sorted(path.name for path in home.runs.iterdir())
    words = ["clean", "--home", str(home.root), "--runs", "1", "--reports", "1"]
    run = json.loads((home.runs / first / "run.json").read_text()) | {"started": "2020-01-01T00:00:00+00:00"}
    (home.runs / first / "run.json").write_text(json.dumps(run))
    assert main([*words, "--dry-run", "--always"]) == 0
    said = capsys.readouterr().out
    assert f"MB  {first}\n" in said
    assert said.splitlines()[-1].startswith("would go: 1 run, ")
    assert (home.runs / first).exists()
    assert not (home.root / "clean.json").exists()
    assert main([*words, "--always"]) == 0
    assert "\nremoved: 1 run, " in capsys.readouterr().out
    assert not (home.runs / first).exists()
    assert Periods.of(home) == Periods(runs=1, reports=1)
    assert main(words) == 0
    assert capsys.readouterr().out == "nothing is older than its period\n"


def test_a_new_home_cleans_up_by_the_usual_periods_and_one_of_before_keeps_all(tmp_path, home):
    assert Periods.of(open_home(tmp_path / "new")) == Periods()
    (tmp_path / "empty").mkdir()
    assert Periods.of(open_home(tmp_path / "empty")) == Periods()
    assert Periods.of(home) is None


def test_a_home_keeps_all_until_it_is_told_and_then_each_run_cleans_up(stage, capsys):
    assert stage() == 0
    (stage.home / "clean.json").unlink()  # as in a home that was made before
    (record,) = stage.home.glob("runs/*/run.json")
    record.write_text(record.read_text().replace('"started": "20', '"started": "19'))
    time.sleep(1.1)  # runs are told apart, and put in order, by their second
    assert stage() == 0
    assert record.exists()
    Periods().save(open_home(stage.home))
    assert stage() == 0
    assert not record.exists()
    assert "cleaned up: 1 run, " in capsys.readouterr().out


def test_cleaning_that_fails_is_a_warning(stage, capsys, monkeypatch):
    def fails(*_):
        raise PermissionError("not yours")
        yield

    monkeypatch.setattr(cleaning, "find_removable", fails)
    stage.home.mkdir()
    Periods().save(open_home(stage.home))
    assert stage() == 0
    assert "warning: cleaning up broke off: PermissionError: not yours\n" in capsys.readouterr().out


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "40000"])
def test_a_period_is_a_number_of_days(days, capsys):
    with pytest.raises(SystemExit):
        main(["clean", "--runs", days])
    assert f"{days!r} is no number of days from 1 to 36500" in capsys.readouterr().err


def scores(home, weeks, outcome_after=45):
    """Weekly scores of a question with a horizon of 14 days, of which outcomes were written so many days after."""
    days = [date(2024, 6, 3) - timedelta(days=7 * n) for n in range(weeks)]
    frame = pd.DataFrame({"question": "q", "horizon_days": np.int32(14), "user_id": "u", "cutoff": days})
    for name in ("predictions", "evaluations"):
        write_deltalake(home.warehouse / "other" / name, frame)
    written = pd.DataFrame({"question": "q", "cutoff": days})
    written["as_of"] = [day + timedelta(days=outcome_after) for day in days]
    write_deltalake(home.warehouse / "other" / "outcomes", written)
    return days


def test_old_scores_go_where_their_outcome_stands_and_nothing_reads_them(home):
    days = scores(home, 60)
    listed = pd.DataFrame({"question": ["q", "other"], "cutoff": [days[40], days[41]]})
    write_deltalake(home.warehouse / "other" / "audience", listed)
    what = "cutoff of predictions"
    assert found(home, what) == []  # 60 weeks are less than 800 days
    old = [day for n, day in enumerate(days) if n >= 29 and n != 40 and day < days[0] - timedelta(days=300)]
    assert 0 < len(old) < 30
    assert found(home, what, predictions=300) == [f"other q {day}" for day in old]
    for one in find_removable(home, Periods(predictions=300), NOW):
        if one.what == what:
            one.remove()
    for name in ("predictions", "evaluations"):
        assert set(DeltaTable(home.warehouse / "other" / name).to_pandas()["cutoff"]) == set(days) - set(old)
    assert len(DeltaTable(home.warehouse / "other" / "outcomes").to_pandas()) == 60


def test_earlier_lists_go_after_their_period_but_for_the_last_of_each_question(home):
    newest = date(2024, 6, 3)
    rows = [("q", n, newest - timedelta(days=7 * (20 - n))) for n in range(1, 21)] + [("old", 1, date(2020, 1, 6))]
    folder = home.warehouse / "other" / "earlier_lists"
    write_deltalake(folder, pd.DataFrame(rows, columns=["question", "number", "cutoff"]))
    assert found(home, "earlier list", lists=140) == []
    old = [f"other q {day}" for question, _, day in rows if question == "q" and day < newest - timedelta(days=90)]
    assert len(old) == 7
    assert found(home, "earlier list") == old
    for one in find_removable(home, Periods(), NOW):
        one.remove()
    left = DeltaTable(folder).to_pandas()
    assert sorted(left[left["question"] == "q"]["number"]) == list(range(8, 21))
    assert len(left) == 14


@pytest.mark.parametrize(("outcome_after", "gone"), [(43, False), (44, True)])  # 14 days of horizon, 30 of late events
def test_scores_stay_until_their_outcome_is_final(home, outcome_after, gone):
    scores(home, 40, outcome_after)
    assert bool(found(home, "cutoff of predictions", predictions=1)) is gone


def test_versions_of_lists_stay_until_all_of_them_are_rows(home):
    tables = FileTables(home.warehouse, "other")
    for day in (1, 2):
        rows = {name: None for name in AUDIENCE} | {"question": "q", "cutoff": date(2024, 6, day), "user_id": "ana"}
        tables.replace("audience", pd.DataFrame([rows]), "1 = 1")
    tables.replace("earlier_lists", pd.DataFrame(columns=list(EARLIER_LISTS)), "1 = 1")  # a kill let none follow
    with pytest.MonkeyPatch.context() as patch:  # as if all of these were old
        patch.setattr(DeltaTable, "vacuum", lambda *_, **__: ["one"])
        assert "other.audience: 1 files" not in found(home, "table with old file")
        tables.set_property("earlier_lists", CARRIED, "yes")
        assert "other.audience: 1 files" in found(home, "table with old file")
