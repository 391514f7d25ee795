"""`run --catch-up`: which days were missed, and that each is run as it would have been; and waiting for a lock."""

import argparse
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from deltalake import write_deltalake

from cli.__main__ import main
from cli.commands import run as cli_run
from cli.local import home as cli_home
from cli.local import job_run
from cli.local.catch_up import missed_days
from cli.local.home import HomeInUse, lock_home, open_home
from cli.local.plan import plan_run
from localrun.platform.state import State
from localrun.run.record import JobRun, new_tasks
from tests.builders import bundles

ASKED = ["--source", "none", "--param", "events=shop.events", "--param", "action=buy", "--param", "horizon_days=7"]
SLUG = "buy_7d_cohort90d"
MONDAY = date(2024, 6, 3)


def monday(weeks):
    return MONDAY + timedelta(days=7 * weeks)


@pytest.fixture
def home(tmp_path):
    """A home whose newest list is of MONDAY; two later ones were recorded on the way of a catch-up that ended early."""
    home = open_home(tmp_path / "home")
    folder = home.warehouse / "propensity"
    write_deltalake(folder / "audience", pd.DataFrame({"question": [SLUG, "other"], "cutoff": [MONDAY, monday(9)]}))
    rows = {"question": [SLUG] * 3, "cutoff": [MONDAY, monday(1), monday(2)], "kind": ["published"] + ["recorded"] * 2}
    write_deltalake(folder / "publications", pd.DataFrame(rows))
    return home


@pytest.fixture
def started(monkeypatch):
    """Runs are only noted: the tasks of each and its parameters. What `ends` says of a day, its run comes to."""
    calls, ends = [], {"looked": State.SUCCESS, "newest": "2024-07-03"}

    def start(plan):
        day = plan.given.get("as_of", "")
        calls.append(
            (sorted(plan.selection) if len(plan.selection) == 1 else "all", day, plan.given.get("catch_up_to"))
        )
        run = JobRun(
            run_id=f"run-{len(calls)}", job="propensity", target="dev", started="2024-07-03T06:00:00+00:00",
            parameters=dict(plan.given), changed=[], tasks=new_tasks(plan.job, plan.selection),
            state=ends.get(day or "looked", State.SUCCESS),
        )  # fmt: skip
        run.tasks["extract_features"].values = {"as_of": ends["newest"]}
        return run

    monkeypatch.setattr(job_run, "start", start)
    return calls, ends


def call(home, *options):
    return main(["run", "--home", str(home.root), "--catch-up", *ASKED, *options])


def test_missed_weeks_are_made_in_order_and_only_the_last_comes_into_use(home, started, capsys):
    assert call(home) == 0
    calls, _ = started
    assert calls == [
        (["extract_features"], "", None),  # tells the day of the last event
        ("all", "2024-06-24", "2024-07-01"),  # those before were recorded already
        ("all", "2024-07-01", "2024-07-01"),
    ]
    said = capsys.readouterr().out
    assert "catch-up, run 1 of 2: as of 2024-06-24\ncatch-up, run 2 of 2: as of 2024-07-01\n" in said
    assert f"page      {home.runs}/run-3/index.html" in said


def test_up_to_a_day_that_was_named_nothing_has_to_be_looked_up(home, started):
    assert call(home, "--param", "as_of=2024-06-17", "--param", "catch_up_to=2020-01-01") == 0
    assert started[0] == [("all", "2024-06-17", "2024-06-17")]  # recorded before, and now to be in use


def test_a_run_that_fails_is_the_last(home, started):
    calls, ends = started
    ends["2024-06-24"] = State.FAILED
    assert call(home) == 1
    assert [day for _, day, _ in calls] == ["", "2024-06-24"]
    ends["looked"] = State.FAILED
    assert call(home) == 1
    assert [day for _, day, _ in calls] == ["", "2024-06-24", ""]


def test_where_nothing_was_missed_nothing_is_run(home, started, capsys):
    assert call(home, "--param", "as_of=2024-06-09") == 0
    assert started[0] == []
    assert capsys.readouterr().out == (
        f"Nothing was missed: the list of {MONDAY} is the last that was due by 2024-06-09.\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "train+"], "--catch-up makes whole runs: leave out --only."),
        (["--param", "horizon_days=8"], "There is no list for buy within 8 days, users active in the last 90 days in "),
    ],
)
def test_what_cannot_be_caught_up_is_one_line(home, started, capsys, options, message):
    assert call(home, *options) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert started[0] == []


def planned(tmp_path, cron, zone="UTC"):
    text = bundles.JOB.replace("0 0 6 ? * MON", cron).replace("Europe/Berlin", zone)
    bundles.write(tmp_path / "bundle")
    (tmp_path / "bundle" / "jobs" / "toy.yml").write_text(text)
    asked = argparse.Namespace(
        param=[], source="none", bundle=tmp_path / "bundle", job="toy", only=None, target=None
    )  # fmt: skip
    return plan_run(asked, open_home(tmp_path / "home"))


@pytest.mark.parametrize(
    ("cron", "zone", "newest", "until", "expected"),
    [
        ("0 0 6 ? * MON", "UTC", "2024-06-03", "2024-06-17", ["2024-06-10", "2024-06-17"]),
        ("0 0 6 ? * MON", "UTC", "2024-06-03", "2024-06-16", ["2024-06-10"]),
        ("0 0 6 ? * MON", "UTC", "2024-06-02", "2024-06-16", ["2024-06-09", "2024-06-16"]),  # loaded up to Sunday
        ("0 0 1 ? * MON", "Europe/Berlin", "2024-06-02", "2024-06-16", ["2024-06-09", "2024-06-16"]),
        ("0 0 6 * * ?", "UTC", "2024-06-03", "2024-06-05", ["2024-06-04", "2024-06-05"]),
        ("0 0 6,18 * * ?", "UTC", "2024-06-03", "2024-06-05", ["2024-06-04", "2024-06-05"]),
        ("0 0 6 ? * MON,THU", "UTC", "2024-06-03", "2024-06-10", ["2024-06-06", "2024-06-10"]),
        ("0 0 6 1 1 ? 2025", "UTC", "2024-06-03", "2024-06-10", []),
    ],
)
def test_the_days_that_were_due(tmp_path, cron, zone, newest, until, expected):
    days = missed_days(planned(tmp_path, cron, zone), date.fromisoformat(newest), date.fromisoformat(until))
    assert [day.isoformat() for day in days] == expected


def test_a_lock_is_waited_for_and_the_wait_is_told_once(tmp_path, monkeypatch, capsys):
    home, naps, held = open_home(tmp_path), [], lock_home(open_home(tmp_path))
    held.__enter__()

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            held.__exit__(None, None, None)

    monkeypatch.setattr(cli_home.time, "sleep", nap)
    with lock_home(home, datetime.now(UTC) + timedelta(hours=1)):
        assert len(naps) == 2
    assert capsys.readouterr().out.count(f"waiting for process {(tmp_path / 'run.lock').read_text()}, which works") == 1


def test_who_has_waited_in_vain_ends_with_a_code_of_its_own(stage, capsys):
    with lock_home(open_home(stage.home)):
        past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        assert stage("--wait-until", past) == cli_run.SKIPPED
        assert stage() == 1
        with pytest.raises(HomeInUse, match="A run is under way in"), lock_home(open_home(stage.home)):
            pass
    assert capsys.readouterr().err.count("error: A run is under way in ") == 2
    assert stage.calls == []
