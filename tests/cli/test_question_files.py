"""A question file on one machine: what counts over what, what a home remembers, and what a first look writes."""

import json
from datetime import UTC, datetime

import pytest

from cli.__main__ import main
from cli.errors import CliError
from cli.local import job_run
from cli.local.home import Home
from cli.local.question_files import remembered_file
from cli.local.rerun import whole_job_options
from lib.config.bases import ModelConfig
from lib.config.catalogue import defaults
from lib.config.question_file import read_question_file
from localrun.platform.state import State
from localrun.run.page import render_page, write_page
from localrun.run.record import JobRun

SHOP = "events: clicks.csv\naction: buy\nhorizon_days: 9\nexport: list.csv\nreasons: 1\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Calls run as far as its start; gives the plan, or the error."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "clicks.csv").write_text("user_id,event_time,event_type\n")
    (tmp_path / "shop" / "shop.yml").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    begun = []

    def start(plan):
        begun.append(plan)
        raise CliError("begun")

    monkeypatch.setattr(job_run, "start", start)

    def call(*given, home="home", more=()):
        begun.clear()
        words = [word for pair in given for word in ("--param", pair)]
        assert main(["run", "--home", str(tmp_path / home), *more, *words]) == 1
        error = capsys.readouterr().err.removeprefix("error: ").rstrip("\n")
        return begun[0] if begun else error

    return call


def test_what_is_given_by_hand_counts_over_the_file_and_this_over_the_default(run, tmp_path):
    plan = run("question_file=shop/shop.yml", "action=read", "reasons=")
    assert plan.given["action"] == "read"
    assert (plan.given["horizon_days"], plan.given["reasons"]) == ("9", "1")
    assert plan.given["events"] == str(tmp_path / "shop" / "clicks.csv")  # beside the file, wherever it is called from
    assert plan.given["export"] == str(tmp_path / "shop" / "list.csv")
    assert plan.file.text == SHOP


def test_a_home_remembers_its_file_until_it_is_given_another(run, tmp_path):
    assert remembered_file(Home(tmp_path / "home")) is None
    run("question_file=shop/shop.yml")
    assert run().given["horizon_days"] == "9"
    (tmp_path / "shop" / "shop.yml").write_text(SHOP.replace("9", "5"))  # as it stands now
    assert run("cohort_days=30").given["horizon_days"] == "5"
    assert run("question_file=none").file is None  # this time
    assert run().given["horizon_days"] == "5"
    (tmp_path / "other.yml").write_text("action: read\nevents: shop/clicks.csv\n")
    run("question_file=other.yml")
    assert run().given["action"] == "read"
    assert run(home="new").file is None


def test_a_file_within_the_home_moves_with_it(run, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "shop.yml").write_text("action: buy\n")
    run("question_file=home/shop.yml")
    (tmp_path / "home").rename(tmp_path / "moved")
    assert remembered_file(Home(tmp_path / "moved")) == tmp_path / "moved" / "shop.yml"


def test_a_remembered_file_that_is_gone_is_named(run, tmp_path):
    run("question_file=shop/shop.yml")
    (tmp_path / "shop" / "shop.yml").unlink()
    assert run() == (
        f"{tmp_path}/home is asked by {tmp_path}/shop/shop.yml, and there is no such file. Bring it back, name another "
        "with --param question_file=..., or none."
    )


def test_what_a_file_asks_counts_over_a_built_in_question_and_place(run, tmp_path):
    (tmp_path / "deli.yml").write_text("action: buy_pastry\noptuna_storage: sqlite:///here.db\n")
    plan = run("question_file=deli.yml")
    assert (plan.given["action"], plan.given["horizon_days"]) == ("buy_pastry", "14")
    assert plan.given["optuna_storage"] == "sqlite:///here.db"
    assert plan.source.write


@pytest.mark.parametrize(("text", "message"), [
    ("acton: buy", "shop.yml, line 1, acton: there is no such parameter. Did you mean action?"),
    ("events: gone.csv", "--param events={here}/gone.csv names {here}/gone.csv, and there is no such file or folder. "
     "Correct the path; a table is named like shop.events."),
    ("suppress: gone.csv", "suppress names {here}/gone.csv, and there is no such file."),
    ("value_of_action: 3", "shop.yml, line 1, value_of_action: value_of_action and cost_of_contact are given together or "
     "not at all, got '3' and ''. Give both in one currency, or leave both blank."),
    ("optuna_storage: postgresql://me:secret(a/b)@host/db", "optuna_storage names secret(a/b), and the environment "
     "variable A_B is not set. Set it to the secret."),
])  # fmt: skip
def test_a_broken_file_is_refused_before_anything_starts(run, tmp_path, text, message):
    (tmp_path / "shop" / "shop.yml").write_text(text)
    assert run("question_file=shop/shop.yml") == message.format(here=tmp_path / "shop")
    assert remembered_file(Home(tmp_path / "home")) is None


SEVERAL = """\
events: clicks.csv
horizon_days: 9
questions:
  buy: {action: buy, export: buyers.csv}
  read: {action: read, horizon_days: 5}
"""


def test_of_several_questions_a_record_has_what_all_have_in_common_and_what_each_says(run, tmp_path):
    (tmp_path / "shop" / "shop.yml").write_text(SEVERAL)
    plan = run("question_file=shop/shop.yml", "reasons=1")
    record = job_run._record(plan, plan.given, "id", datetime(2024, 6, 3, tzinfo=UTC))
    given = {name: record.parameters[name] for name in ("action", "horizon_days", "export", "reasons", "cohort_days")}
    assert given == {"action": "", "horizon_days": "", "export": "", "reasons": "1", "cohort_days": "90"}
    assert record.questions == {
        "buy": {"action": "buy", "horizon_days": "9", "export": str(tmp_path / "shop" / "buyers.csv")},
        "read": {"action": "read", "horizon_days": "5"},
    }
    asked = record.each_question()
    assert (asked["buy"]["horizon_days"], asked["read"]["horizon_days"], asked["read"]["reasons"]) == ("9", "5", "1")
    for entry in plan.file.entries:  # as each stage reads it, below what the job gives
        assert entry.over(record.parameters)["horizon_days"] == asked[entry.name]["horizon_days"]
    by_hand = run("question_file=shop/shop.yml", "horizon_days=3")
    assert by_hand.given["horizon_days"] == "3"
    assert by_hand.questions["buy"] == {"action": "buy", "export": str(tmp_path / "shop" / "buyers.csv")}


def test_what_is_done_again_of_one_of_several_questions_is_asked_alone(run, tmp_path):
    (tmp_path / "shop" / "shop.yml").write_text(SEVERAL)
    plan = run("question_file=shop/shop.yml")
    record = job_run._record(plan, plan.given, "20240603", datetime(2024, 6, 3, tzinfo=UTC))
    for key in ("extract_features", "publish"):
        record.tasks[key].state, record.tasks[key].values = State.SUCCESS, {"as_of": "2024-06-03"}
    home = Home(tmp_path / "home")
    (home.runs / "20240603").mkdir(parents=True)
    write_page(home.runs / "20240603", record)
    asked = {**defaults(), **record.parameters, **record.questions["read"]}
    options = whole_job_options(home, ModelConfig.from_widgets(asked.__getitem__))
    given = dict(word.split("=", 1) for word in options if "=" in word)
    assert given == {
        "question_file": "none", "action": "read", "horizon_days": "5", "events": str(tmp_path / "shop" / "clicks.csv"),
    }  # fmt: skip


def test_a_backtest_asks_by_the_file_too(run, tmp_path, capsys):
    (tmp_path / "two.yml").write_text("questions:\n  a: {action: buy}\n  b: {action: read}\n")
    days = ["--from", "2024-01-01", "--to", "2024-02-01", "--home", str(tmp_path / "home")]
    assert main(["backtest", *days, "--param", "question_file=two.yml"]) == 1
    assert capsys.readouterr().err == (
        f"error: A backtest asks one question, and {tmp_path}/two.yml has a, b. Give one by --param.\n"
    )


def test_a_run_keeps_the_text_and_its_page_shows_it():
    run = JobRun(run_id="1", job="j", target="dev", started="2024-06-03T06:00:00+00:00", parameters={}, changed=[],
                 tasks={}, asked="action: <buy>\n")  # fmt: skip
    assert JobRun.from_json(run.to_json()).asked == "action: <buy>\n"
    assert "<h2>Question file</h2><pre>action: &lt;buy&gt;\n</pre>" in render_page(run)
    before = json.loads(run.to_json())
    del before["asked"]  # a record of an earlier version
    assert "Question file" not in render_page(JobRun.from_json(json.dumps(before)))


def test_a_first_look_writes_a_file_that_asks_what_it_proposes_and_never_over_one(run, tmp_path, capsys):
    rows = "".join(f"u{n % 40},2024-0{1 + n % 5}-{1 + n % 27:02},{'buy' if n % 3 else 'a: b'}\n" for n in range(900))
    (tmp_path / "log.csv").write_text("customer,event_time,event_type\n" + rows)
    columns = ["--param", "event_columns=user_id=customer", "--param", "time_zone=Europe/Berlin"]
    assert main(["look", "log.csv", "--write", "shop.yml", *columns]) == 0
    assert capsys.readouterr().out.endswith(
        "To run on it:\n  ./propensity run --home .home-of-my-log --param question_file=shop.yml\n"
    )
    read = read_question_file(tmp_path / "shop.yml")
    assert read.entries[0].name == "first"
    assert read.common == {
        "events": str(tmp_path / "log.csv"), "event_columns": "user_id=customer", "time_zone": "Europe/Berlin",
        "action": "buy", "horizon_days": "28", "cohort_days": "90",
    }  # fmt: skip
    assert "other actions that the events know: a: b" in read.text
    assert run("question_file=shop.yml").given["action"] == "buy"
    assert main(["look", "log.csv", "--write", "shop.yml", *columns]) == 1
    assert capsys.readouterr().err == "error: shop.yml is there already and stays as it is. Name another file.\n"
    assert read_question_file(tmp_path / "shop.yml") == read
