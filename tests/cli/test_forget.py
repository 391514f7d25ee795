"""Users are taken out of all that a home keeps, and who only looks like them stays."""

import io
import json
import re
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from cli.__main__ import main
from cli.errors import CliError
from cli.local import file_tables, forgetting
from cli.local.file_tables import FileTables
from cli.local.home import lock_home, open_home
from lib.audience.erasing import whole_words
from lib.audience.files import draft_path
from lib.audience.suppression import digest_user
from lib.config.formats import read_format
from lib.features.forgotten import make_digest
from lib.sources.user_lists import read_users
from lib.stages.exporting import control_file
from lib.tables.ids import IDS
from lib.tables.memory import MemoryTables
from localrun.run.record import past_runs
from tests.builders.exports import exported
from tests.builders.identity_checks import put_identities

NOT_THERE = (
    "evaluations", "suppressions", "contacts", "profiles", "user_attributes", "identities", "named_activity",
    "named_features", "earlier_lists",
)  # fmt: skip
HELD = [name for name in IDS if name not in NOT_THERE]  # the home of before does not have these


@pytest.fixture
def home(old, tmp_path):
    """The old home with the events elsewhere, and users who only look like the first of its list."""
    home = open_home(shutil.copytree(old, tmp_path / "home"))
    (home.sources / "events.parquet").rename(tmp_path / "events.parquet")
    (home.root / "mlflow.db.before-move").unlink()
    folder = home.warehouse / "propensity" / "audience"
    rows = DeltaTable(folder).to_pandas().sort_values("rank").head(1)
    alike = pd.concat([rows.assign(user_id=name) for name in look_alikes(rows["user_id"].iloc[0])])
    write_deltalake(folder, pa.Table.from_pandas(alike, preserve_index=False), mode="append")
    return home


def look_alikes(user):
    return [f"{user}0", f"x{user}", user.upper(), f" {user}", f"{user} ", f"{user}-1", f"{user}.b"]


def table(home, name, version=None):
    return DeltaTable(home.warehouse / "propensity" / name, version=version)


def first_user(home):
    rows = table(home, "audience").to_pandas()
    return rows.loc[rows["user_id"].str.fullmatch(r"u\d{7}"), :].sort_values("rank")["user_id"].iloc[0]


def holding(root, user):
    """The files that hold an id: every text searched, every Parquet file read, every table's log."""
    word = whole_words([user])
    found = []
    for path in (path for path in root.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            columns = pq.read_table(path).to_pydict().values()
            held = any(user in map(str, values) for values in columns if values)
        else:
            text = path.read_bytes().decode("utf-8", "replace")
            held = any(user in word.findall(line) and not _alike(line, user) for line in text.splitlines())
        found += [path.relative_to(root)] if held else []
    return found


def _alike(line, user):
    """Statistics of files name the least and the greatest: those with outer spaces are others."""
    return f'" {user}"' in line or f'"{user} "' in line or f'\\" {user}' in line or f"{user} \\" in line


def test_nothing_of_the_home_holds_them_and_everybody_else_stays(home, capsys):
    user = first_user(home)
    assert holding(home.root, user)
    before = {name: table(home, name).to_pandas() for name in HELD}
    assert main(["forget", user, "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert user not in said
    assert holding(home.root, user) == []
    for name, rows in before.items():
        after, kept = table(home, name).to_pandas(), rows[rows["user_id"] != user]
        assert 0 < len(kept) < len(rows)
        assert f"  propensity.{name}: {len(rows) - len(kept)} rows, and all earlier versions\n" in said
        order = [column for column in ("user_id", "cutoff", "day", "event_type") if column in rows]
        assert after.shape == kept.shape
        assert list(after.dtypes) == list(kept.dtypes)
        left, right = (frame.sort_values(order, ignore_index=True) for frame in (after, kept))
        pd.testing.assert_frame_equal(left, right)
    assert {name for name in look_alikes(user)} <= set(table(home, "audience").to_pandas()["user_id"])
    assert not (home.root / "forgetting").exists()


def join_ids(home, *joins):
    """Keep joins (id, user), known for long, as a run does that has read them."""
    known = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    put_identities(FileTables(home.warehouse, "propensity"), [
        {"user_id": one, "person": user, "known_time": known + timedelta(days=place), "known_day": known.date()}
        for place, (one, user) in enumerate(joins)
    ])  # fmt: skip


def test_all_ids_of_a_user_go_together_also_after_a_call_that_was_cut_off(home, capsys, monkeypatch):
    rows = table(home, "audience").to_pandas().sort_values("rank")
    user, web, app, shared, other = rows.loc[rows["user_id"].str.fullmatch(r"u\d{7}"), "user_id"].head(5)
    join_ids(home, (web, user), (app, web), (shared, user), (shared, other))
    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "describe_left_over", lambda home: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(["forget", web, "--home", str(home.root)])
    assert [one for one in (user, web, app, shared) if holding(home.root, one)] != []
    capsys.readouterr()
    assert main(["forget", web, "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert ", 1 users, with 3 more ids of theirs, are taken out of " in said
    gone = (user, web, app, shared)
    assert not any(one in said for one in gone)
    assert [one for one in gone if holding(home.root, one)] == []
    assert holding(home.root, other)  # who only shared an id with them
    listed = set(DeltaTable(home.warehouse / "propensity" / "forgotten").to_pandas()["digest"])
    assert listed == {make_digest(one, home.forgotten_key()) for one in gone}


def test_notes_of_tables_and_earlier_lists_are_kept_without_them(home):
    user = first_user(home)
    notes = {name: table(home, name).metadata().configuration for name in HELD}

    names = [field.name for field in table(home, "audience").schema().fields]
    versions = [table(home, "audience", version).to_pandas() for version in range(table(home, "audience").version())]
    earlier = next(rows for rows in versions if len(rows))
    present = table(home, "audience").to_pandas()
    assert user in set(earlier["user_id"])
    assert earlier["run_id"].unique().tolist() != present["run_id"].unique().tolist()
    assert main(["forget", user, "--home", str(home.root)]) == 0
    assert {name: table(home, name).metadata().configuration for name in HELD} == notes
    kept = table(home, "earlier_lists").to_pandas()
    assert set(kept["number"]) == {1}
    left, right = (
        frame.loc[frame["user_id"] != user, names].sort_values("rank", ignore_index=True) for frame in (kept, earlier)
    )
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    assert len(left) == len(kept)
    assert main(["audience", "rollback", "--home", str(home.root)]) == 0
    assert table(home, "audience").to_pandas()["user_id"].tolist() == left["user_id"].tolist()


def test_records_and_pages_that_stay_are_whole(home):
    user = first_user(home)
    runs = {run.run_id: run for _, run in past_runs(home.runs)}
    assert any(user in str(task.values.get("summary")) for run in runs.values() for task in run.tasks.values())
    assert main(["forget", user, "--home", str(home.root)]) == 0
    for folder, run in past_runs(home.runs):
        assert run.parameters == runs[run.run_id].parameters
        for key, task in run.tasks.items():
            assert all((folder / name).exists() for name in task.attempts)
            then = str(runs[run.run_id].tasks[key].values.get("summary"))
            assert str(task.values.get("summary")).split("\n") == [
                line for line in then.split("\n") if user not in line
            ]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_was_exported_is_rewritten_where_it_still_lies(home, tmp_path, ending, capsys):
    user, target = first_user(home), tmp_path / f"list.{ending}"
    rows = table(home, "audience").to_pandas()
    rows.to_csv(target, index=False) if ending == "csv" else rows.to_parquet(target, index=False)
    record = max(home.runs.glob("*/run.json"))
    run = json.loads(record.read_text())
    run["parameters"]["export"] = str(target)
    record.write_text(json.dumps(run))
    drafts = [draft_path(file) for file in (target, Path(control_file(str(target))), home.root / "reports/q/day.html")]
    for draft in drafts:
        draft.parent.mkdir(exist_ok=True)
        draft.write_text(f"{user}\n")
    assert main(["forget", user, "--home", str(home.root)]) == 0
    assert not any(draft.exists() for draft in drafts)
    assert "  3 files of lists and reports that were never finished\n" in capsys.readouterr().out
    left = pd.read_csv(target) if ending == "csv" else pd.read_parquet(target)
    assert left["user_id"].tolist() == rows.loc[rows["user_id"] != user, "user_id"].tolist()
    assert left.columns.tolist() == rows.columns.tolist()


def test_a_file_and_standard_input_name_users_too(home, tmp_path, monkeypatch, capsys):
    users = table(home, "audience").to_pandas().sort_values("rank")["user_id"].str.strip().unique()[-4:]
    (tmp_path / "ids").write_text(f"{users[0]}\n\n{users[1]}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{users[2]}\n"))
    assert main(["forget", users[3], "-", "--file", str(tmp_path / "ids"), "--home", str(home.root)]) == 0
    assert f"4 users are taken out of {home.root}:\n" in capsys.readouterr().out
    assert not set(users) & set(table(home, "predictions").to_pandas()["user_id"])


def test_a_source_in_the_home_is_its_owner_s_to_mend(home, tmp_path, capsys):
    (tmp_path / "events.parquet").rename(home.sources / "events.parquet")
    assert main(["forget", first_user(home), "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert f"  {home.sources}/events.parquet still holds some of them: it is yours to mend\n" in said


def test_a_second_call_finds_nothing_and_changes_nothing(home, capsys):
    user = first_user(home)
    assert main(["forget", user, "--home", str(home.root)]) == 0
    before = {name: table(home, name).to_pandas() for name in HELD}
    capsys.readouterr()
    assert main(["forget", user, "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert said.count(": 0 rows, and all earlier versions\n") == 5
    assert "  0 reports and executed notebooks, 0 records of runs, 0 lines of logs\n" in said
    for name, rows in before.items():
        pd.testing.assert_frame_equal(table(home, name).to_pandas(), rows)


@pytest.mark.parametrize("at", range(14))
def test_cut_off_anywhere_no_run_begins_before_another_call_has_done_the_rest(home, monkeypatch, at):
    user, left = first_user(home), [at]

    def step(real):
        def call(*given, **named):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return real(*given, **named)

        return call

    with monkeypatch.context() as patch:
        for place, name in (
            (forgetting, "write_deltalake"),
            (file_tables, "write_deltalake"),
            (forgetting.shutil, "rmtree"),
            (forgetting, "remove_if_named"),
        ):
            patch.setattr(place, name, step(getattr(place, name)))
        assert main(["forget", user, "--home", str(home.root)]) == 130
    message = "Users are half taken out of .*: a call of ./propensity forget was cut off. Call it again with the same"
    with pytest.raises(CliError, match=message), lock_home(home):
        pass
    assert main(["forget", user, "--home", str(home.root)]) == 0
    assert holding(home.root, user) == []
    with lock_home(home):
        pass
    assert sorted(path.name for path in (home.warehouse / "propensity").iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Nobody was named. Give ids, or --file with one a line, or - for standard input."),
        (["u1", "--home", "/no/such"], "There is no home in /no/such. Name one with --home."),
    ],
)
def test_what_cannot_be_done_is_one_line(home, capsys, words, message):
    assert main(["forget", *(words if "--home" in words else [*words, "--home", str(home.root)])]) == 1
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_home_that_was_moved_half_way_is_finished_where_it_lies(home, tmp_path):
    (home.root / "forgetting").touch()
    user, moved = first_user(home), home.root.rename(tmp_path / "moved")
    assert main(["forget", user, "--home", str(moved)]) == 0
    (moved / "mlflow.db.before-move").unlink()
    assert holding(moved, user) == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_opt_out_stays_as_a_digest(home, tmp_path, ending, capsys):
    user, target = first_user(home), tmp_path / f"opt outs.{ending}"
    rows = pd.DataFrame({"user_id": ["x", user, f"{user}0"], "reason": ["staff", "opt-out", ""]})
    rows.to_csv(target, index=False) if ending == "csv" else rows.to_parquet(target, index=False)
    record = max(home.runs.glob("*/run.json"))
    run = json.loads(record.read_text())
    run["parameters"]["suppress"] = f"crm.staff,'{target}'"
    record.write_text(json.dumps(run))
    assert main(["forget", user, "--home", str(home.root)]) == 0
    assert f"  {target}: 1 rows, as digests, which still leave them out of lists\n" in capsys.readouterr().out
    left = read_users(str(target), MemoryTables(), ("reason",))
    assert left.to_numpy().tolist() == [["x", "staff"], [digest_user(user), "opt-out"], [f"{user}0", ""]]


def test_the_receipt_names_models_and_files_that_keep_rows(home, capsys):
    """Nobody can be found in these, so they are named: what to do with them is their owner's to say."""
    model = next((home.artifacts / "models").glob("*/artifacts/model.skops"))
    with zipfile.ZipFile(model) as archive:
        text = archive.read("schema.json").decode()
    keeper = '{"__class__": "KNeighborsClassifier", "__module__": "sklearn.neighbors._classification"}'
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("schema.json", text.replace("{", f'{{"own": {keeper}, ', 1))
    (home.artifacts / "models" / "m-broken" / "artifacts").mkdir(parents=True)
    (home.artifacts / "models" / "m-broken" / "artifacts" / "model.skops").write_text("no archive")
    assert main(["forget", "nobody", "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert re.search(
        r"  spark_catalog\.propensity\.propensity_cook_14d_cohort90d_\w+ version 1 keeps rows that it learnt from, "
        r"without ids \(KNeighborsClassifier\): retrain, and delete it\n",
        said,
    )
    assert (
        "  2 files like artifacts/models/*/artifacts/input_example.json hold the features of users that were judged "
        "on, or typical ones, without ids\n" in said
    )
    assert "folds" not in said


@pytest.mark.parametrize("name", ["csv", "parquet", "braze", "klaviyo", "salesforce", "google_customer_match"])
def test_a_file_of_any_format_and_the_one_beside_it_name_them_no_more(home, tmp_path, name):
    user, target = first_user(home), tmp_path / f"list{read_format(name).ending}"
    rows = table(home, "audience").to_pandas().assign(email="a@example.com", starts_in_days=0, effect=None)
    for file in (target, Path(control_file(str(target)))):
        file.write_bytes(exported(rows, read_format(name), {}, "q"))
    record = max(home.runs.glob("*/run.json"))
    run = json.loads(record.read_text())
    run["parameters"]["export"] = str(target)
    record.write_text(json.dumps(run))
    assert main(["forget", user, "--home", str(home.root)]) == 0
    for file in (target, Path(control_file(str(target)))):
        if name == "google_customer_match":  # digests alone: any row may be theirs
            assert not file.exists()
        else:
            assert ids_of(file) == [one for one in rows["user_id"] if one != user]


def ids_of(file):
    """All ids that a file names, in its order."""
    if file.suffix == ".jsonl":
        requests = [json.loads(line) for line in file.read_text().splitlines()]
        profiles = [one for request in requests for one in request["data"]["attributes"]["profiles"]["data"]]
        return [one["attributes"]["external_id"] for one in profiles]
    rows = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file, dtype=str, keep_default_na=False)
    (column,) = {"user_id", "external_id", "user_id__c"} & set(rows)
    return rows[column].tolist()
