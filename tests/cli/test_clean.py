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
from cli.errors import CliError
from cli.local import cleaning
from cli.local.cleaning import find_removable, read_periods
from cli.local.file_tables import FileTables
from cli.local.home import open_home
from cli.local.table_files import checkpoint, vacuum
from lib.config.keeping import Periods
from lib.stages.earlier_lists import CARRIED
from lib.tables.contracts import AUDIENCE, EARLIER_LISTS

NOW = datetime(2026, 12, 1, tzinfo=UTC)
NAMES = {one.name.removeprefix("keep_").removesuffix("_days") for one in Periods.parameters()}
SLUG = "cook_14d_cohort90d"


@pytest.fixture
def home(old, tmp_path):
    return open_home(shutil.copytree(old, tmp_path / "home"))


def kept(**days):
    """Periods of which some are said, by short names."""
    return Periods.from_widgets(lambda name: str(days.get(name.removeprefix("keep_").removesuffix("_days"), "")))


def found(home, what, now=NOW, **days):
    return [one.name for one in find_removable(home, kept(**days), now) if one.what == what]


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
    assert len(days) == 2
    assert found(home, "report", reports=1) == [f"{SLUG} {days[0]}"]
    assert found(home, "report") == []


def test_old_studies_go_but_for_the_newest_of_each_question(home):
    storage = home.parameters()["optuna_storage"]
    for name in (f"{SLUG} as of 2020-01-01 a", "other_7d as of 2020-01-01 b", "somebody's own"):
        optuna.create_study(study_name=name, storage=storage)
    assert found(home, "study") == [f"{SLUG} as of 2020-01-01 a"]
    for one in find_removable(home, kept(), NOW):
        one.remove()
    left = optuna.get_all_study_names(storage)
    assert {"other_7d as of 2020-01-01 b", "somebody's own"} < set(left)
    assert f"{SLUG} as of 2020-01-01 a" not in left


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
    for one in find_removable(home, kept(**periods), NOW):
        if one.name.startswith(f"propensity.{name}:"):
            one.remove()
    assert all(os.path.exists(file) for file in before) is not gone
    pd.testing.assert_frame_equal(DeltaTable(folder).to_pandas(), rows)


def test_they_go_also_where_the_log_has_forgotten_them(home):
    folder, before = old_files(home, "drift")
    for file in before:
        os.utime(file, (0, 0))
    DeltaTable(folder).create_checkpoint()  # which drops what was removed more than a week ago
    rows = DeltaTable(folder).to_pandas()
    for one in find_removable(home, kept(), NOW):
        if one.name.startswith("propensity.drift:"):
            one.remove()
    assert not any(os.path.exists(file) for file in before)
    pd.testing.assert_frame_equal(DeltaTable(folder).to_pandas(), rows)


@pytest.mark.parametrize(("name", "files", "together"), [
    ("decisions", 10, True), ("decisions", 9, False), ("contacts", 10, False), ("forgotten", 10, False),
])  # fmt: skip
def test_many_small_files_of_notes_are_put_together_and_all_versions_can_still_be_read(tmp_path, name, files, together):
    home = open_home(tmp_path / "home")
    folder = home.warehouse / "propensity" / name
    for number in range(files):
        write_deltalake(folder, pa.table({"number": [number]}), mode="append")
    (one, *more) = [*find_removable(home, kept(), NOW), None]
    assert (one is not None and one.what == "table with small files") is together
    if together:
        assert one.name == f"propensity.{name}: {files} files"
        one.remove()
        assert more == [None]
        assert list(find_removable(home, kept(), NOW)) == []
    table = DeltaTable(folder)
    assert len(table.file_uris()) == (1 if together else files)
    assert sorted(table.to_pyarrow_table()["number"].to_pylist()) == list(range(files))
    assert len(DeltaTable(folder, version=files // 2).to_pyarrow_table()) == files // 2 + 1


def age(folder, days):
    for path in (folder / "_delta_log").iterdir():
        moment = path.stat().st_mtime - days * 86400
        os.utime(path, (moment, moment))


def test_logs_that_delta_keeps_no_longer_go_and_so_do_checksums_of_what_is_gone(tmp_path):
    home = open_home(tmp_path / "home")
    folder = home.warehouse / "propensity" / "contacts"
    log = folder / "_delta_log"

    def write(number):
        write_deltalake(folder, pa.table({"number": [number]}), mode="append")
        newest = max(log.glob("*.json"))
        for written in (newest, *folder.glob("part-*.parquet")):  # as Spark does
            (written.parent / f".{written.name}.crc").touch()
        for checksum in (newest.with_suffix(".crc"), log / f".{newest.stem}.crc.crc"):
            checksum.touch()

    def versions():
        return {path.name.lstrip(".")[19] for path in log.iterdir() if path.name.endswith((".json", ".crc"))}

    for number in range(3):
        write(number)
    (log / "._last_checkpoint.crc").touch()  # of one that Spark wrote
    age(folder, 29)
    for _ in range(2):
        checkpoint(home.warehouse)
        assert [path.name[19:] for path in log.glob("*.checkpoint*")] == ["2.checkpoint.parquet"]
        assert versions() == {"0", "1", "2"}
        assert (log / "_last_checkpoint").exists()
        assert not (log / "._last_checkpoint.crc").exists()
    age(folder, 1.1)
    write(3)
    checkpoint(home.warehouse)
    assert versions() == {"2", "3"}
    assert sorted(DeltaTable(folder).to_pyarrow_table()["number"].to_pylist()) == [0, 1, 2, 3]
    assert len(list(folder.glob(".part*.crc"))) == 4
    next(iter(folder.glob("part*.parquet"))).unlink()
    vacuum(folder, 24)
    assert len(list(folder.glob(".part*.crc"))) == 3


def test_the_command_says_what_would_go_and_then_removes_it(home, capsys):
    first, _ = sorted(path.name for path in home.runs.iterdir())
    words = ["clean", "--home", str(home.root), "--param", "keep_runs_days=1", "--param", "keep_reports_days=1"]
    run = json.loads((home.runs / first / "run.json").read_text()) | {"started": "2020-01-01T00:00:00+00:00"}
    (home.runs / first / "run.json").write_text(json.dumps(run))
    assert main([*words, "--dry-run", "--always"]) == 0
    said = capsys.readouterr().out
    assert f"MB  {first}\n" in said
    assert said.splitlines()[-1].startswith("would go: 1 report, 1 run, ")
    assert (home.runs / first).exists()
    assert not (home.root / "clean.json").exists()
    assert main([*words, "--always"]) == 0
    assert "\nremoved: 1 report, 1 run, " in capsys.readouterr().out
    assert not (home.runs / first).exists()
    assert home.periods() == {"keep_runs_days": "1", "keep_reports_days": "1"}
    assert main(["clean", "--home", str(home.root)]) == 0
    assert capsys.readouterr().out == "nothing is older than its period\n"


def test_a_new_home_cleans_up_by_the_usual_periods_and_one_of_before_keeps_all(tmp_path, home):
    assert open_home(tmp_path / "new").periods() == {}
    (tmp_path / "empty").mkdir()
    assert open_home(tmp_path / "empty").periods() == {}
    assert home.periods() is None
    assert read_periods(home, {}) == kept()  # where somebody asks by hand
    assert kept(runs=3).without_usual() == kept(runs=3, **dict.fromkeys(NAMES - {"runs"}, "none"))


def test_what_a_home_was_told_before_counts_on(home):
    (home.root / "clean.json").write_text('{"runs": 30, "predictions": 900}')
    said = {"keep_runs_days": "30", "keep_predictions_days": "900"}
    assert home.periods() == said
    assert said.items() <= home.parameters().items()
    assert read_periods(home, {"keep_runs_days": "7"}) == kept(runs=7, predictions=900)
    (home.root / "clean.json").write_text("30")
    with pytest.raises(CliError, match=r"clean\.json cannot be read: .* Delete it, and the home keeps all\."):
        home.periods()


def test_what_a_question_file_says_counts_for_the_command(home, tmp_path, capsys):
    (home.root / "asked.yml").write_text("action: cook\nkeep_reports_days: 1\n")
    (home.root / "question_file").write_text("asked.yml\n")
    assert main(["clean", "--home", str(home.root), "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("would go: 1 report, ")
    assert main(["clean", "--home", str(home.root), "--dry-run", "--param", "question_file=none"]) == 0
    assert "report" not in capsys.readouterr().out


def test_a_home_keeps_all_until_it_is_told_and_then_each_run_cleans_up(stage, capsys):
    assert stage() == 0
    (stage.home / "clean.json").unlink()  # as in a home that was made before
    (record,) = stage.home.glob("runs/*/run.json")
    record.write_text(record.read_text().replace('"started": "20', '"started": "19'))
    time.sleep(1.1)  # runs are told apart, and put in order, by their second
    assert stage() == 0
    assert record.exists()
    open_home(stage.home).keep_for({})
    assert stage() == 0
    assert not record.exists()
    assert "cleaned up: 1 run, " in capsys.readouterr().out


def test_cleaning_that_fails_is_a_warning(stage, capsys, monkeypatch):
    def fails(*_):
        raise PermissionError("not yours")
        yield

    monkeypatch.setattr(cleaning, "find_of_machine", fails)
    stage.home.mkdir()
    open_home(stage.home).keep_for({})
    assert stage() == 0
    assert "warning: cleaning up broke off: PermissionError: not yours\n" in capsys.readouterr().out


@pytest.mark.parametrize(("pair", "message"), [
    ("keep_runs_days=0", "keep_runs_days must be a whole number >= 1, got '0'."),
    ("keep_runs_days=1.5", "keep_runs_days must be a whole number >= 1, got '1.5'."),
    ("keep_lists_days=40000", "keep_lists_days must be at most 36500, got '40000'."),
    ("action=buy", "action is no period. clean takes keep_features_days, keep_predictions_days, "),
    ("runs", "--param 'runs' should be NAME=VALUE, such as --param keep_runs_days=30."),
])  # fmt: skip
def test_a_period_is_a_number_of_days(home, pair, message, capsys):
    assert main(["clean", "--home", str(home.root), "--param", pair]) == 1
    assert message in capsys.readouterr().err


def test_rows_of_every_schema_go_without_spark_and_without_reading_more_than_is_asked(home):
    folder = home.warehouse / "other" / "features"
    days = [date(2024, 6, 3) - timedelta(days=7 * n) for n in range(80)]
    rows = pd.DataFrame({"user_id": "u", "cutoff": days, "recency": np.float32(1)})
    write_deltalake(folder, rows)
    gone = [day for day in days[29:] if day < days[0] - timedelta(days=210)]
    assert found(home, "cutoff of features") == [f"other {min(gone)} to {max(gone)}"]
    for one in find_removable(home, kept(), NOW):
        one.remove()
    assert set(DeltaTable(folder).to_pandas()["cutoff"]) == set(days) - set(gone)
    assert found(home, "cutoff of features", features="none") == []


def test_leftovers_of_a_table_that_was_never_whole_are_none(home):
    (home.warehouse / "other" / "features" / "_delta_log").mkdir(parents=True)
    assert found(home, "cutoff of features") == []


def test_versions_of_lists_stay_until_all_of_them_are_rows(home):
    tables = FileTables(home.warehouse, "other")
    for day in (1, 2):
        rows = {name: None for name in AUDIENCE} | {"question": "q", "cutoff": date(2024, 6, day), "user_id": "ana"}
        tables.replace("audience", pd.DataFrame([rows]), "1 = 1")
    tables.replace("earlier_lists", pd.DataFrame(columns=list(EARLIER_LISTS)), "1 = 1")  # a kill let none follow
    with pytest.MonkeyPatch.context() as patch:  # as if all of these were old
        patch.setattr(DeltaTable, "vacuum", lambda *_, **__: ["one"])
        assert "other.audience: 1 files" not in found(home, "table with old files")
        checkpoint(home.warehouse)
        assert list(home.warehouse.glob("other/audience/_delta_log/*.checkpoint*")) == []
        tables.set_property("earlier_lists", CARRIED, "yes")
        assert "other.audience: 1 files" in found(home, "table with old files")
