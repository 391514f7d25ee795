"""A wrong load undone: activity, pair and list as they were before, rows that say so, and what the next run makes."""

import time
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from cli.local.file_tables import FileTables
from lib.config.bases import ModelConfig
from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import cache
from lib.features.named_note import NamedNote, read_noted, write_noted
from lib.features.read_again import read_noted_again
from lib.features.remarks import ACCEPTED, MENDED, TOLD, Remark, read_remarks, write_remarks
from lib.stages import undo as undo_rules
from lib.stages.context import Context
from lib.stages.records import read_verdicts
from lib.stages.undone import Since, find_undone
from lib.tables.contracts import NAMED_ACTIVITY
from lib.tables.schemas import arrow_schema
from lib.tables.sql import days_sql
from lib.timeline import Window
from tests.builders.runs import AS_OF, NEXT, World, asked, log, two_lists

CONFIG = asked(ModelConfig, run_id="undo-1")
BUY = CONFIG.question
BIG, SMALL = asked(
    ExtractConfig, action="big,small", actions="big=buy WHERE value >= 25, small=buy WHERE value < 25"
).question.named
KEPT = ("decisions", "publications", "model_checks")


@pytest.fixture(scope="module")
def broken():
    """A home whose second run took a load that had lost half of the users, and learnt a pair from it."""
    world = World(log())
    world.run(AS_OF)
    odd = [int(user[1:]) % 2 == 1 for user in log()["user_id"].to_pylist()]
    world.tables.stored["daily_activity"] = log().filter(pa.array(odd))
    cache.drop_features(world.tables, "1 = 1")
    days = Window(NEXT - timedelta(days=7), NEXT)
    write_remarks(world.tables, NEXT, "app.events", [Remark(ACCEPTED, "accepted.", days, None, 100, 50)])
    world.run(NEXT, run_id="run-2", max_users_change=5, max_score_shift=1)
    assert world.registry.champion(BUY) == "2"
    return world


@pytest.fixture
def home(broken, tmp_path):
    """The same in files, its activity in two versions, and the moment between them."""
    files, world = FileTables(tmp_path, "app"), broken.copy()
    files.replace("daily_activity", log(), "1 = 1")
    time.sleep(0.02)
    moment = datetime.now(UTC)
    time.sleep(0.02)
    for name, rows in world.tables.stored.items():
        files.replace(name, rows, "1 = 1")
        notes = {key: text for (table, key), text in world.tables.notes.items() if table == name}
        if notes:
            files.set_properties(name, notes)
    return files, world, moment


def undo(home, run="run-2", moment=None):
    files, world, then = home
    contexts = [Context(CONFIG, files, world.registry)]
    return undo_rules.undo(contexts, files, Since(run, moment or then))


def in_memory(home):
    """A world of what the files hold by now."""
    files, world, _ = home
    for name in world.tables.stored:
        world.tables.stored[name] = files.table(f"SELECT * FROM {{{name}}}")
        world.tables.notes |= {(name, key): text for key, text in files.properties(name).items()}
    return world


def activity(world):
    """Who did how much of what when."""
    columns = "user_id, day, event_type, known_day, count, value"
    return world.tables.query(f"SELECT {columns} FROM {{daily_activity}} ORDER BY {columns}")


def test_what_was_before_is_again_and_each_change_is_written_down(home, broken):
    files, world, _ = home
    assert undo(home) == [
        "daily_activity is as it was before run run-2; the next run computes all features again",
        f"{BUY}: outcomes of 1 lists, written since, are computed again by the next run",
        f"{BUY}: version 1 is in use again, in the place of 2",
        f"{BUY}: the list of {AS_OF} is in use again, in the place of that of {NEXT}",
    ]
    assert world.registry.champion(BUY) == "1"
    assert files.query("SELECT * FROM {features}").empty
    assert set(files.query("SELECT run_id FROM {audience}")["run_id"]) == {"run-1"}
    after = in_memory(home)
    assert activity(after).equals(activity(two_lists()))
    first = two_lists().tables.query(f"SELECT * FROM {{predictions}} WHERE cutoff = DATE '{AS_OF}'")
    assert set(after.rows("audience")["user_id"]) == set(first["user_id"])
    for name in KEPT:
        assert after.differs(broken, [name], "run_id <> 'undo-1'") == []
        assert len(after.rows(name, "run_id = 'undo-1'")) > 0
    decided = after.tables.query("SELECT * FROM {decisions} ORDER BY number").iloc[-1]
    assert (decided["kind"], decided["prediction_version"], decided["run_id"]) == ("rolled_back", "1", "undo-1")
    assert decided["why"] == ("The loads from run run-2 on were undone: version 1 is in use again, in the place of 2.")
    verdict = after.tables.query("SELECT * FROM {model_checks} WHERE run_id = 'undo-1'")
    assert verdict[["as_of", "prediction_version", "answer"]].values.tolist() == [[NEXT, "1", "good"]]
    published = after.tables.query("SELECT * FROM {publications} ORDER BY number").iloc[-1]
    assert (published["kind"], published["cutoff"], published["run_id"]) == ("undone", AS_OF, "undo-1")
    assert [(one.kind, one.source) for one in read_remarks(files)] == [(MENDED, "app.events")]


def test_the_next_run_is_that_of_a_home_which_never_saw_the_load(home):
    undo(home)
    world = in_memory(home)
    world.run(NEXT, run_id="run-4")
    assert activity(world).equals(activity(two_lists()))
    cutoffs = days_sql(sorted(set(world.rows("features")["cutoff"])))
    assert len(set(world.rows("features")["cutoff"])) > 4
    assert world.differs(two_lists(), ["features"], f"cutoff IN ({cutoffs})") == []
    assert world.differs(two_lists(), ["outcomes", "predictions", "audience"]) == []


def test_which_runs_came_later_is_told_by_numbers_and_not_by_ids(home):
    files, *_ = home
    for table in ("decisions", "publications", "model_checks", "predictions", "audience", "earlier_lists"):
        rows = files.query(f"SELECT * FROM {{{table}}}")
        ids = rows["run_id"].replace({"run-1": "z904", "run-2": "z17"})
        files.replace(table, rows.assign(run_id=ids), "1 = 1")
    assert undo(home, run="z17")[1:] == [
        f"{BUY}: outcomes of 1 lists, written since, are computed again by the next run",
        f"{BUY}: version 1 is in use again, in the place of 2",
        f"{BUY}: the list of {AS_OF} is in use again, in the place of that of {NEXT}",
    ]
    judged = read_verdicts(files, BUY, "1")["run_id"].unique()
    assert judged.tolist() == ["undo-1", "z17"]  # z904 promoted it, and z17 was the first to judge it


def test_a_question_that_no_named_run_answered_is_left_alone_and_that_is_said(home, broken):
    assert undo(home, run="other-job")[1:] == [
        f"{BUY}: no run from other-job on that is known has decided or published anything: nothing changes"
    ]
    assert in_memory(home).differs(broken, ["audience", "outcomes", *KEPT]) == []
    assert find_undone(home[0], BUY, Since("other-job", home[2], ("run-2",))) == {"other-job", "run-2"}


def test_a_second_call_changes_nothing_but_says_so_again(home):
    undo(home)
    once = in_memory(home).copy()
    assert undo(home)[1:] == [f"{BUY}: version 1 stays in use"]
    assert in_memory(home).differs(once, ["audience", "outcomes", "publications"]) == []
    assert activity(in_memory(home)).equals(activity(once))


def named_days(files):
    """What is there of named actions, and by which they were read."""
    rows = files.query("SELECT event_type, day FROM {named_activity} ORDER BY event_type, day")
    return [*rows.itertuples(index=False, name=None)], [one.name for one in read_noted(files).actions]


def name(files, days, *actions):
    """Keep rows of these days of some named actions, as a run does."""
    rows = [
        {"user_id": "u1", "day": day, "event_type": one.kind, "known_day": day, "count": 1, "value": 30.0}
        for one in actions
        for day in days
    ]
    files.replace("named_activity", pa.Table.from_pylist(rows, schema=arrow_schema(NAMED_ACTIVITY)), "1 = 1")
    write_noted(files, NamedNote(tuple(actions)))


def test_named_actions_are_those_of_the_same_moment(home):
    files, world, _ = home
    days = [AS_OF - timedelta(days=n) for n in (2, 1)]
    name(files, days, BIG)
    time.sleep(0.02)
    moment = datetime.now(UTC)
    time.sleep(0.02)
    files.replace("daily_activity", log(), "1 = 1")
    name(files, days[:1], BIG, SMALL)  # the load lost a day of one, and was the first in which the other was asked for
    undo((files, world, moment))
    assert named_days(files) == ([(BIG.kind, day) for day in days], ["big"])
    assert files.version_before("named_activity", datetime.now(UTC)) is not None


def test_named_actions_that_no_load_touched_stay(home):
    files, world, _ = home
    name(files, [AS_OF], BIG)
    time.sleep(0.02)
    moment = datetime.now(UTC)
    undo((files, world, moment))
    assert named_days(files) == ([(BIG.kind, AS_OF)], ["big"])


def test_named_actions_without_a_version_from_before_are_read_anew(home):
    files, *_ = home
    name(files, [AS_OF], BIG)
    assert undo(home)[1] == (
        "named_activity has no version from before: the next run that asks reads named actions from all events"
    )
    assert named_days(files) == ([], [])


def test_what_no_version_holds_is_read_again_from_before_the_first_undone_load(home, broken):
    before = datetime(2020, 1, 1, tzinfo=UTC)
    first = AS_OF - timedelta(days=30)
    assert undo(home, moment=before) == [
        f"daily_activity has no version from before run run-2: the next run reads all days from {first} on again, "
        "which the events have to hold yet, and computes all features again",
        f"{BUY}: outcomes of 1 lists, written since, are computed again by the next run",
        f"{BUY}: version 1 is in use again, in the place of 2",
        f"{BUY}: the list of {AS_OF} is in use again, in the place of that of {NEXT}",
    ]
    assert activity(in_memory(home)).equals(activity(broken))  # until then it is as it was read
    assert home[0].query("SELECT * FROM {features}").empty
    assert read_noted_again(home[0]) == first
    undo(home, moment=before)
    assert read_noted_again(home[0]) == first


def test_days_that_were_marked_since_are_read_again_too(home):
    files, *_ = home
    long_ago = Window(AS_OF - timedelta(days=200), AS_OF - timedelta(days=199))
    write_remarks(files, AS_OF - timedelta(days=7), "app.events", [Remark(ACCEPTED, "accepted.", long_ago)])
    undo(home, moment=datetime(2020, 1, 1, tzinfo=UTC))
    assert read_noted_again(files) == AS_OF - timedelta(days=30)
    older = Window(AS_OF - timedelta(days=201), AS_OF - timedelta(days=200))
    write_remarks(files, NEXT, "app.events", [Remark(TOLD, "told.", older)])
    undo(home, moment=datetime(2020, 1, 1, tzinfo=UTC))
    assert read_noted_again(files) == older.start


def test_of_the_first_run_all_days_are_read_again(home):
    assert undo(home, run="run-1", moment=datetime(2020, 1, 1, tzinfo=UTC))[0] == (
        "daily_activity has no version from before run run-1: the next run reads all days again, which the events have "
        "to hold yet, and computes all features again"
    )
    assert read_noted_again(home[0]) == date.min


def test_without_any_activity_there_is_nothing_to_undo(home, tmp_path):
    with pytest.raises(SourceError, match=r"No events were read in this schema yet, so there is no load to undo\."):
        undo((FileTables(tmp_path / "none", "app"), *home[1:]))
