"""`./propensity backtest`: what it prints and leaves, in memory and over Delta and MLflow, killed and resumed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import pandas as pd
import psutil
import pytest
from pandas.testing import assert_frame_equal

from cli.__main__ import main
from cli.commands import backtest as cli_backtest
from cli.errors import CliError
from cli.local import spark as cli_own_spark
from cli.local.home import open_home
from cli.replay import over_delta
from cli.replay.request import _NOTED_IF_SAID
from cli.replay.store import Store
from datasets.complete_journey import FILE, FORMER
from lib.backtest.replay import GATE

PROJECT = Path(__file__).parents[2]
WEEKS = ["--from", "2024-08-04", "--to", "2024-08-11"]  # the last one's horizon ends before the log does
ASKED = [*WEEKS, "--source", "synthetic", "--world", "users=250", "--trials", "2", "--param", "max_cutoffs=4"]


def backtest(home, *options, asked=ASKED):
    return main(["backtest", *asked, "--home", str(home), *options])


def runs(home):
    return pd.read_csv(home / "backtest.csv", keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A home in which everything ran through in memory."""
    home = tmp_path_factory.mktemp("done")
    assert backtest(home) == 0
    return home


@pytest.fixture
def begun(done, tmp_path):
    """A home that has read the same events and done nothing yet."""
    home = tmp_path / "begun"
    home.mkdir()
    shutil.copy(done / "activity.arrow", home)
    shutil.copytree(done / "sources", home / "sources")
    return home


@pytest.fixture
def no_spark(monkeypatch):
    monkeypatch.setattr(cli_own_spark, "SparkServer", lambda *_: pytest.fail("nothing is to be read again"))


@pytest.mark.job
def test_each_policy_and_run_has_its_row(done):
    found = runs(done)
    assert found.groupby("policy")["as_of"].apply(list).to_dict() == {
        policy: ["2024-08-04", "2024-08-11"] for policy in ("never", "every", "gate", "oracle")
    }
    assert found["counted"].all()
    for metric in ("log_loss", "auc", "promised_log_loss", "promised_auc", "observed"):
        assert (found[f"{metric}_low"] <= found[metric]).all()
        assert (found[metric] <= found[f"{metric}_high"]).all()
    every = found[found["policy"] == "every"]
    assert (list(every["version"].astype(int)), list(every["retrained"])) == ([1, 2], [True] * 2)
    assert found.groupby("as_of")["observed"].nunique().eq(1).all()  # all are judged on the same users
    oracle = found[found["policy"] == "oracle"]["log_loss"].to_numpy()
    assert (oracle <= every["log_loss"].to_numpy() + 1e-12).all()


@pytest.mark.job
def test_a_second_call_prints_the_result_at_once(done, capsys, no_spark):
    before = (done / "backtest.csv").read_bytes()
    assert backtest(done) == 0
    said = capsys.readouterr().out
    for name in ("never", "every", "gate", "oracle", "truth"):
        assert re.search(rf"^{name} +2  +0\.\d{{4}}", said, re.MULTILINE)
    assert re.search(r"\nThe gate's log loss is [+-]\d\.\d\d% \(.*\) beside retraining every run, at \d of 2", said)
    assert " left  " not in said  # no run was done again
    assert (done / "backtest.csv").read_bytes() == before


@pytest.mark.job
def test_the_page_needs_nothing_else(done):
    page = (done / "backtest.html").read_text()
    assert not re.search(r"(src|href)=[\"'](?!#)", page.replace("xlink:", "")), "it loads something"
    assert page.count("<svg") == 1
    assert page.count("<tr") == 1 + 5 + 1 + 8
    assert (done / "backtest.svg").read_text().startswith("<?xml")


@pytest.mark.job
@pytest.mark.parametrize(("options", "message"), [
    (["--trials", "3"], "was begun with --param n_trials '2', and this call says '3'. Give this one a --home"),
    (["--every", "14d"], "was begun with --every '7d', and this call says '14d'"),
    (["--stores", "delta"], "was begun with --stores 'memory', and this call says 'delta'"),
    (["--param", "seed=1"], "was begun with --param seed '0', and this call says '1'"),
    (["--world", "seed=1"], "was begun with --world seed nothing, and this call says '1'"),
])  # fmt: skip
def test_other_parameters_in_the_same_home_are_refused_by_name(done, capsys, options, message):
    assert backtest(done, *options) == 1
    assert message in capsys.readouterr().err


def test_a_home_that_read_csv_by_an_older_rule_does_not_go_on_with_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cli.commands.backtest.ingest", lambda *_: pytest.fail("it goes on"))
    (tmp_path / "shop.csv").write_text("user_id,event_time,event_type\n")
    asked = [*WEEKS, "--param", f"events={tmp_path}/shop.csv", "--home", str(tmp_path / "home")]
    with pytest.raises(pytest.fail.Exception, match="it goes on"):
        main(["backtest", *asked])
    note = tmp_path / "home" / "backtest.json"
    noted = json.loads(note.read_text())
    assert noted.pop("reading of CSV") == "RFC 4180, line breaks included"
    note.write_text(json.dumps(noted))
    assert main(["backtest", *asked]) == 1
    assert (
        "was begun with reading of CSV nothing, and this call says 'RFC 4180, line breaks included'. Give this"
        in capsys.readouterr().err
    )


def test_who_users_are_is_noted_where_it_is_said_and_else_a_home_of_before_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cli.commands.backtest.ingest", lambda *_: pytest.fail("it goes on"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").touch()
    (tmp_path / "shop.csv").touch()
    asked = [*WEEKS, "--param", "events=shop.csv", "--home", "home"]
    with pytest.raises(pytest.fail.Exception, match="it goes on"):
        main(["backtest", *asked])
    noted = json.loads((tmp_path / "home" / "backtest.json").read_text())
    assert noted["--param events"] == f"{tmp_path}/shop.csv"
    assert {f"--param {name}" for name in _NOTED_IF_SAID}.isdisjoint(noted)
    assert {"--param newcomers", "--param segments"} <= set(noted)
    assert main(["backtest", *asked, "--param", "users=people.csv"]) == 1
    said = f"was begun with --param users nothing, and this call says '{tmp_path}/people.csv'. Give this one a"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "message"), [
    (["--from", "June", "--to", "2024-08-04"], "--from must be a date like 2024-06-01, got 'June'."),
    (["--from", "2024-08-04", "--to", "4"], "--to must be a date like 2024-06-01, got '4'."),
    (["--from", "2024-08-04", "--to", "2024-07-28"], "--to 2024-07-28 lies before --from 2024-08-04."),
    ([*WEEKS, "--every", "week"], "--every must be a number of days such as 7d, got 'week'."),
    ([*WEEKS, "--trials", "0"], "--trials must be 1 or more, got 0."),
    ([*WEEKS, "--param", "as_of=2024-08-04"], "--param as_of has no place in a backtest: --from, --to and --every say"),
    ([*WEEKS, "--param", "newcomers=joined"], "newcomers is 'joined', and users names no table that has it. Name one"),
    ([*WEEKS, "--param", "users=/no/users.csv"], "--param users=/no/users.csv names /no/users.csv, and there"),
    ([*WEEKS, "--param", "identities=/no/ids.csv"], "--param identities=/no/ids.csv names /no/ids.csv, and"),
    ([*WEEKS, "--param", "suppress=/no/out.csv"], "--param suppress has no place in a backtest: no list leaves"),
    ([*WEEKS, "--param", "sed=1"], "There is no parameter 'sed'."),
    ([*WEEKS, "--param", "cohort_days=x"], "cohort_days must be a whole number >= 1, got 'x'."),
    ([*WEEKS, "--world", "users=9"], "--world describes the invented app: it needs --source synthetic."),
    ([*WEEKS, "--source", "synthetic", "--world", "user=9"], "--world knows no 'user'. It has users, days, seed"),
    ([*WEEKS, "--source", "synthetic", "--world", "users=all"], "--world users must be a number, got 'all'."),
    ([*WEEKS, "--source", "synthetic", "--world", "9"], "--world '9' should be NAME=VALUE, such as --world users="),
    ([*WEEKS, "--source", "none"], "--source none leaves nothing to read. Name the events with --param events=..."),
])  # fmt: skip
def test_what_cannot_be_replayed_is_said_before_anything_is_read(tmp_path, capsys, no_spark, asked, message):
    assert backtest(tmp_path, asked=asked) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert not (tmp_path / "backtest.json").exists()


@pytest.mark.parametrize(("lying", "remarks"), [(FILE, 0), (FORMER, 1)])
def test_a_home_that_began_with_the_former_journey_goes_on_and_says_so(tmp_path, monkeypatch, capsys, lying, remarks):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / lying).touch()
    read = []

    def ingest(request, home, store):
        read.append(request.source.write())
        raise CliError("read so far")

    monkeypatch.setattr(cli_backtest, "ingest", ingest)
    assert backtest(tmp_path, asked=["--from", "2017-12-03", "--to", "2017-12-03"]) == 1
    assert read == [tmp_path / "sources" / lying]
    assert capsys.readouterr().out.count("This home began with complete_journey.parquet and goes on with it") == remarks


@pytest.mark.job
def test_killed_at_any_moment_it_goes_on_where_it_was(done, begun):
    """Killed twice, each time with tasks under way; what is left of it ends too, and the end is the same."""
    command = [sys.executable, "-m", "cli", "backtest", *ASKED, "--home", str(begun)]
    for lines in (2, 2):
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as running:
            for _ in range(lines):
                assert " left  " in running.stdout.readline()
            workers = psutil.Process(running.pid).children(recursive=True)
            os.kill(running.pid, signal.SIGKILL)
            running.stdout.close()
        assert workers
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert alive == []
    assert 0 < sum(len(Store(begun).load(policy).runs) for policy in ("never", "every", "gate")) < 6
    assert backtest(begun) == 0
    assert_frame_equal(runs(begun).drop(columns="seconds"), runs(done).drop(columns="seconds"))


@pytest.mark.job
def test_a_run_whose_horizon_goes_beyond_the_source_is_in_no_average(tmp_path, capsys):
    asked = ["--from", "2024-08-11", "--to", "2024-08-18", *ASKED[4:]]
    assert backtest(tmp_path, asked=asked) == 0
    said = capsys.readouterr().out
    assert "2024-08-18 is in no average: its horizon goes beyond 2024-08-27." in said
    assert re.search(r"^gate +1  +0\.\d{4}", said, re.MULTILINE)
    assert list(runs(tmp_path).query("policy == 'gate'")["counted"]) == [True, False]


@pytest.mark.job
def test_over_delta_and_mlflow_the_gate_does_the_same(done, begun, monkeypatch):
    """Its first run makes a pair, its second one holds it: what is judged afterwards is alike then."""
    monkeypatch.setattr(over_delta, "RUN_BY_RUN", (GATE,))
    monkeypatch.setattr(cli_backtest, "_judge", refuse_to_judge)
    assert backtest(begun, "--stores", "delta") == 1
    assert json.loads((begun / "backtest.json").read_text())["--stores"] == "delta"
    here, there = Store(done).load(GATE), over_delta.read_state(open_home(begun), Store(begun), GATE)
    assert [replace(run, promised={}) for run in there.runs] == [replace(run, promised={}) for run in here.runs]
    for one, other in zip(there.runs, here.runs, strict=True):
        assert {k: astuple(v) for k, v in one.promised.items()} == {
            k: pytest.approx(astuple(v), rel=0, abs=1e-9) for k, v in other.promised.items()
        }
    scored = (state.tables["predictions"].to_pandas() for state in (there, here))
    frames = (frame.sort_values(["cutoff", "user_id"], ignore_index=True) for frame in scored)
    assert_frame_equal(*frames, check_exact=False, rtol=0, atol=1e-9, check_like=True)


def refuse_to_judge(*_):
    raise CliError("it is left at that")
