"""`./propensity audience`: what it shows of each question, and how a list is rolled back; Spark is played."""

from contextlib import contextmanager
from datetime import date

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cli.__main__ import main
from cli.local import questions as cli_questions
from cli.local.file_tables import FileTables
from cli.local.home import lock_home, open_home
from lib.config.bases import ModelConfig
from lib.config.question import Question
from tests.builders.runs import AS_OF, NEXT, two_lists

BUY = Question(actions=("buy",), horizon_days=7, cohort_days=28)
RENT = Question(actions=("rent",), horizon_days=7, cohort_days=28)


def asked(question):
    return ModelConfig(
        schema="spark_catalog.shop", run_id="", as_of=None, question=question, models="shop.propensity",
        experiment="propensity",
    )  # fmt: skip


@pytest.fixture
def world():
    return two_lists()


@pytest.fixture
def home(world, tmp_path, monkeypatch):
    """A home with two lists of one question, and another that has none yet."""
    found = open_home(tmp_path / "home")
    write_deltalake(found.warehouse / "shop" / "publications", world.tables.stored["publications"])
    for version in world.tables.earlier:
        write_deltalake(found.warehouse / "shop" / "audience", version, mode="overwrite")
    monkeypatch.setattr(cli_questions, "known_questions", lambda _: [asked(BUY), asked(RENT)])
    return found


@pytest.fixture
def said(home, capsys):
    def call(*options):
        code = main(["audience", "--home", str(home.root), *options])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out + printed.err

    return call


@pytest.fixture
def tables(world, monkeypatch):
    """Tables in memory in the place of Spark's."""
    twin = world.copy().tables

    @contextmanager
    def opened(home, config, log):
        assert (config.schema, log) == ("spark_catalog.shop", "audience.log")
        assert config.run_id
        yield twin

    monkeypatch.setattr(cli_questions, "tables", opened)
    return twin


def test_a_list_by_estimated_effects_begins_with_the_largest(home, world, said):
    listed = world.tables.query("SELECT * FROM {audience} ORDER BY rank")
    of_effects = listed.assign(effect=listed["rank"] / 1000)
    rows = pa.Table.from_pandas(of_effects, world.tables.stored["audience"].schema, preserve_index=False)
    write_deltalake(home.warehouse / "shop" / "audience", rows, mode="overwrite")
    lines = said("--head", "2")[1].splitlines()
    assert lines[2] == "  those first whom a contact is estimated to move most, as order=uplift asked:"
    last = listed[~listed["held_out"]].tail(2)[::-1]
    assert [line.split()[:2] for line in lines[3:5]] == [
        [str(n), user] for n, user in zip(last["rank"], last["user_id"], strict=True)
    ]


def test_every_question_s_list_is_shown_with_those_before_it(said, world):
    code, text = said("--head", "2")
    assert code == 0
    listed = world.tables.query("SELECT * FROM {audience} ORDER BY rank")
    newest, first = world.tables.query("SELECT * FROM {publications} ORDER BY number DESC").to_dict("records")
    assert text.splitlines()[:8] == [
        "buy_7d_cohort28d: buy within 7 days, users active in the last 28 days",
        f"  the list of {NEXT}, scored by version 1: {len(listed)} users, {listed['propensity'].sum():.0f} of them "
        f"expected to act, {listed['held_out'].sum()} held out",
        *[f"  {row.rank:>3}  {row.user_id:<20} {row.propensity:.4f}  {row.reasons.split('; ')[0]}"
          for row in listed[~listed['held_out']].head(2).itertuples()],
        "  lists so far, newest first:",
        f"    {NEXT}  published by run run-2: {len(listed)} users, {newest['entered']:.0f} entered, "
        f"{newest['left']:.0f} left, mean propensity {newest['mean_propensity']:.4f}",
        f"    {AS_OF}  published by run run-1: {first['users']} users, mean propensity {first['mean_propensity']:.4f}",
        "",
    ]  # fmt: skip
    assert text.splitlines()[8:] == [
        "rent_7d_cohort28d: rent within 7 days, users active in the last 28 days",
        "  no list has been published yet",
        "",
    ]


def test_one_question_can_be_named(said):
    assert said("--question", RENT.slug)[1].startswith("rent_7d_cohort28d: ")
    code, text = said("--question", "sell")
    assert (code, text) == (
        1, "error: There are no models for --question sell. There are some for buy_7d_cohort28d, rent_7d_cohort28d.\n",
    )  # fmt: skip


@pytest.fixture
def no_spark(monkeypatch):
    monkeypatch.setattr(cli_questions, "tables", lambda *_: pytest.fail("it starts Spark"))


def test_a_list_is_rolled_back_and_that_is_written_down(said, home, no_spark):
    tables = FileTables(home.warehouse, "shop")
    code, text = said("rollback", "--question", BUY.slug)
    assert code == 0
    assert text.startswith(f"The list of {AS_OF} is in use again for buy within 7 days, ")
    assert set(tables.query("SELECT cutoff FROM {audience}")["cutoff"]) == {AS_OF}
    last = tables.query("SELECT * FROM {publications} ORDER BY number").iloc[-1]
    assert (last["kind"], last["cutoff"]) == ("rolled_back", AS_OF)
    assert isinstance(last["cutoff"], date)
    code, text = said("rollback", "--question", BUY.slug)
    assert code == 1
    assert text.startswith(f"error: The list of {AS_OF} is the first for buy within 7 days")


def test_of_several_questions_one_has_to_be_named_for_a_rollback(said, no_spark):
    assert said("rollback") == (
        1,
        "error: This home has models of 2 questions. Name one with --question: buy_7d_cohort28d, rent_7d_cohort28d.\n",
    )
    code, text = said("--question", RENT.slug, "rollback")
    assert code == 1
    assert text == (
        "error: There is no list for rent within 7 days, users active in the last 28 days. Run the job first.\n"
    )


def test_a_rollback_waits_for_no_run(said, home, no_spark):
    with lock_home(home):
        code, text = said("rollback", "--question", BUY.slug)
    assert code == 1
    assert text.startswith(f"error: A run is under way in {home.root}, process ")


def test_a_home_without_models_says_how_to_begin(tmp_path, capsys):
    assert main(["audience", "--home", str(tmp_path / "new")]) == 1
    assert capsys.readouterr().err == (
        f"error: There are no models in {tmp_path / 'new'} yet. Start with: ./propensity run\n"
    )


def test_a_list_is_exported_without_a_run(said, tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "staff.csv").write_text("user_id\nnobody\n")
    options = ("--question", BUY.slug, "--param", "export_format=braze", "--param", "export_top=5")
    code, text = said("export", "out/list.csv", *options, "--param", "suppress=staff.csv")
    assert (code, text.splitlines()[0]) == (
        0, f"The list of {NEXT} for {BUY}, written to {tmp_path}/out/list.csv."
    )  # fmt: skip
    lines = (tmp_path / "out" / "list.csv").read_text().splitlines()
    assert (len(lines), lines[0].split(",")[0]) == (6, "external_id")
    assert said("export", "list.csv", *options, "--param", "seed=3") == (
        1,
        "error: --param seed says nothing of a file. There are contacted, cost_of_contact, export, export_columns, "
        "export_format, export_identifiers, export_top, quiet_days_after_contact, suppress, value_of_action.\n",
    )
