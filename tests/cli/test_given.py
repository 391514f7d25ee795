"""What is wrong with parameters is said before anything starts: by run, schedule, backtest and remote."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.local import job_run
from cli.local.sources import absolute_events, choose_source, locate_events

ROOT = Path(__file__).parents[2]
WRONG = [
    (["cost_of_contact=0,40"], "cost_of_contact must be a number from 0 to 1e+09, got '0,40'. Write decimals with a "
     "point."),
    (["cost_of_contact=0,40", "value_of_action=2"], "cost_of_contact must be a number from 0 to 1e+09, got '0,40'. "
     "Write decimals with a point."),
    (["cost_of_contact=0.40"], "value_of_action and cost_of_contact are given together or not at all, got '' and "
     "'0.40'. Give both in one currency, or leave both blank."),
    (["export=list.xls"], "export must end in .csv or .parquet or .jsonl, got 'list.xls'. Leave it blank for none."),
    (["held_out_share=10"], "held_out_share must be a number from 0 to 1, got '10'."),
    (["n_trials=abc"], "n_trials must be a whole number >= 1, got 'abc'."),
    (["cohort_days=0.5"], "cohort_days must be a whole number >= 1, got '0.5'."),
    (["events=nothere.csv"], "--param events=nothere.csv names {here}/nothere.csv, and there is no such file or "
     "folder. Correct the path; a table is named like shop.events."),
    (['more_sources=[{"events": "nothere.csv"}]'], "--param events=nothere.csv names {here}/nothere.csv, and there is "
     "no such file or folder. Correct the path; a table is named like shop.events."),
    (['more_sources=[{"event": "a"}]', "events=shop.events"], "more_sources, source 1 says 'event', which is none of "
     "events, event_columns, event_preset, event_where, event_options, event_key, event_unpivot, time_zone, "
     "max_source_gap_days."),
    (["events="], "events is blank. Give the job or the notebook's widget a value for it."),
    (["as_of=tomorrow"], "as_of must be a date like 2024-06-01, got 'tomorrow'."),
]  # fmt: skip


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Calls a command that must be refused with one line; gives the line."""

    def never(*_):
        raise AssertionError("something was started")

    monkeypatch.setattr(job_run, "start", never)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        assert main([*words, "--home", str(tmp_path / "home")]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.count("\n") == 1
        new = {"clean.json", "place"}  # what a new home is made with
        assert {path.name for path in (tmp_path / "home").iterdir()} in (new, new | {"run.lock"})
        return told.err.removeprefix("error: ").rstrip("\n")

    return call


def params(given):
    return [word for pair in given for word in ("--param", pair)]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_a_run_is_refused_before_anything_starts(refused, tmp_path, given, message):
    assert refused("run", *params(given)) == message.format(here=tmp_path)


def test_a_list_of_users_to_leave_out_that_is_not_there_is_refused(refused, tmp_path):
    (tmp_path / "staff, all.csv").write_text("user_id\n")
    message = f"suppress names {tmp_path}/gone.csv, and there is no such file."
    assert refused("run", "--source", "none", *params(["suppress='staff, all.csv',crm.staff,gone.csv"])) == message


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_a_schedule_is_refused_before_it_waits(refused, tmp_path, given, message):
    assert refused("schedule", *params(given)) == message.format(here=tmp_path)


@pytest.mark.parametrize(("given", "message"), [one for one in WRONG if one[0][0].split("=")[0] in (
    "cost_of_contact", "held_out_share", "cohort_days", "events",
)])  # fmt: skip
def test_a_backtest_is_refused_before_it_reads_anything(refused, tmp_path, given, message):
    days = ["--from", "2024-01-01", "--to", "2024-02-01"]
    assert refused("backtest", *days, *params(given)) == message.format(here=tmp_path)


@pytest.mark.job  # a process of its own, in which nothing was imported before
@pytest.mark.parametrize("given", ["n_trials=abc", "events=nothere.csv", "cost_of_contact=0,40"])
def test_nothing_that_takes_long_is_imported_to_refuse_a_run(tmp_path, given):
    code = (
        "import sys; from cli.__main__ import main; "
        f"main(['run', '--home', {str(tmp_path)!r}, '--param', {given!r}]); "
        "print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(ROOT), "PATH": os.defpath}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.startswith("error: ")
    assert set(done.stdout.split()) <= {"cli", "lib", "localrun", "datasets", "__main__", "__mp_main__"}


@pytest.mark.parametrize(
    "events",
    [
        "shop.events", "events", "s3://bucket/no.csv", "abfss://c@a.dfs.core.windows.net/no", "dbfs:/no/such.csv",
        "/Volumes/main/shop/no.parquet", "/Workspace/no.csv", "/no/such/*.csv", "/no/{a,b}.csv", "/no/part-[0-9].csv",
        "delta.`/no/such`",
    ],
)  # fmt: skip
def test_what_may_be_elsewhere_is_left_to_the_engine(events):
    assert locate_events(events) == absolute_events(events) == events


@pytest.mark.parametrize(
    "events", ["no.csv", "no.CSV", "no.parquet", "no/such", "./no", "/no/such/folder", "~/no/such"]
)
def test_a_path_of_this_machine_that_is_not_there_is_refused(refused, events):
    message = refused("run", "--param", f"events={events}")
    assert message.startswith(f"--param events={events} names /")
    assert "and there is no such file or folder. Correct the path" in message


def test_a_look_takes_one_source_at_a_time(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("user_id,event_time,event_type\n")
    assert main(["look", str(tmp_path / "a.csv"), "--param", 'more_sources=[{"events": "b"}]']) == 1
    assert capsys.readouterr().err == (
        "error: look takes one source at a time: look at each by itself, and leave more_sources to the run.\n"
    )


def test_further_sources_are_found_from_any_folder_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("")
    given = {"events": "a.csv", "more_sources": '[{"events": "b.csv", "event_key": "id"}, {"events": "shop.mails"}]'}
    parameters = choose_source(None, given, None, "").parameters
    assert parameters["events"] == f"{tmp_path}/a.csv"
    assert json.loads(parameters["more_sources"]) == [
        {"events": f"{tmp_path}/b.csv", "event_key": "id"}, {"events": "shop.mails"}
    ]  # fmt: skip


def test_a_path_that_nobody_may_look_at_is_left_to_the_engine(tmp_path, monkeypatch):
    def locked(self):
        raise PermissionError

    monkeypatch.setattr(Path, "exists", locked)
    assert locate_events(f"{tmp_path}/no.csv") == f"{tmp_path}/no.csv"
