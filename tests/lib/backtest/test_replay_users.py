"""Replays that know who users are: newcomers, attributes, segments and joined ids, as the job of the day knew them."""

from datetime import date, datetime, time, timedelta

import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from lib.attributes.columns import NOTE, TABLE, Attribute, Kind
from lib.backtest import hindsight, replay
from lib.backtest.replay import EVERY, GATE, SharedTables, WhoUsersAre
from lib.config.question import Question
from lib.errors import ConfigError
from lib.evaluation.leaks import LEAK
from lib.registry.memory import MemoryRegistry
from lib.tables.memory import MemoryTables
from lib.training import space
from tests.builders.attributes import put_users
from tests.builders.identity_checks import put_identities
from tests.builders.runs import QUICK, WIDGETS, World, as_told, log, row

DAYS = tuple(date(2024, 4, 5) + timedelta(days=7 * week) for week in range(2))
UNTIL = DAYS[-1] + timedelta(days=7)  # the last horizon's end
SAID = {"users": "app.members", "newcomers": "joined", "segments": "plan", "identities": "app.logins", "reasons": "0"}
ATTRIBUTES = [Attribute("joined", Kind.DATE, True), Attribute("plan", Kind.TEXT, True)]
START = date(2024, 1, 1)


def members(known=DAYS[0] + timedelta(days=99)):
    """Everybody of the log; who joins every second day, before and after the runs, and changes plan a week later."""
    rows = [(f"u{n}", START, START, START, "plus" if n % 3 else "free") for n in range(250)]
    for n in range(0, 120, 2):
        day = START + timedelta(days=n)
        later = day + timedelta(days=7)
        rows += [(f"n{n}", at, at, day, plan) for at, plan in ((day, "free"), (later, "plus")) if at < known]
    return rows


def logins(known=DAYS[0] + timedelta(days=99)):
    """Ten of the log turn out to be ten others, one each week."""
    days = [DAYS[0] + timedelta(days=7 * n - 42) for n in range(10)]
    return [
        {"user_id": f"u{n}", "person": f"u{n + 100}", "known_time": datetime.combine(day, time(9)), "known_day": day}
        for n, day in enumerate(days) if day < known
    ]  # fmt: skip


def events():
    """The log, and of whoever joins each third buys two days later."""
    first = [row(f"n{n}", START + timedelta(days=n + 2), "buy", value=5.0) for n in range(0, 118, 6)]
    return pa.concat_tables([log(days=118), pa.Table.from_pylist(first, log().schema)])


def put_into(tables, users=None, joins=None):
    put_users(tables, members() if users is None else users, ATTRIBUTES)
    put_identities(tables, logins() if joins is None else joins)
    return tables


def who(users=None, joins=None, written=None):
    tables = put_into(MemoryTables(), users, joins)
    return WhoUsersAre({name: tables.stored[name] for name in replay.WHO}, tables.get_property(TABLE, NOTE), written)


def replayed(policy, past, days=DAYS, **said):
    """One policy's runs in memory, one after the other; its tables, and what it was shown."""
    registry, own, runs = MemoryRegistry(), {}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "STARTS", QUICK)
        for day in days:
            tables = past.tables(day, own)
            runs.append(replay.replay(policy, day, WIDGETS | SAID | said, tables, registry, as_told))
            own = replay.policy_tables(tables)
    shared = {"features": past.features, **past.growing}
    return runs, replay.tables_in_hindsight({**own, **shared}, past.activity, past.who), registry


def ordered(tables, name):
    rows = tables.query(f"SELECT * FROM {{{name}}}")
    return rows.sort_values([name for name in rows if rows[name].dtype != float], ignore_index=True)


@pytest.fixture(scope="module")
def past():
    return SharedTables.extract(events(), DAYS, WIDGETS | SAID, as_told, who())


@pytest.fixture(scope="module")
def gate(past):
    return replayed(GATE, past)


def test_the_gate_does_what_the_job_does(gate):
    job = World(events())
    put_into(job.tables)
    for day in DAYS:
        job.run(day, **SAID, run_id=f"gate-{day}")
    runs, tables, _ = gate
    assert [run.version for run in runs] == ["1"] * 2
    for name in ("predictions", "decisions", "model_checks", "audience", "outcomes"):
        assert_frame_equal(ordered(tables, name), ordered(job.tables, name))
    listed = set(job.rows("predictions", f"cutoff = DATE '{DAYS[-1]}'")["user_id"])
    seen = set(job.rows("features", f"cutoff = DATE '{DAYS[-1]}'")["user_id"])
    assert len({user for user in listed if user.startswith("n")} - seen) > 5  # of newcomers
    assert {"u0", "u105"} & listed == {"u105"}  # and of one person one row
    assert (job.rows("outcomes")["part"].str.startswith("plan: ")).any()


def test_what_became_known_on_a_run_s_day_or_later_changes_nothing_of_it(gate):
    day = DAYS[1]
    earlier = SharedTables.extract(events(), DAYS, WIDGETS | SAID, as_told, who(members(day), logins(day)))
    (runs, tables, _), (same, others, _) = gate, replayed(GATE, earlier)
    assert runs == same
    for name in ("predictions", "model_checks"):
        assert_frame_equal(ordered(tables, name), ordered(others, name))


def test_what_happened_is_what_persons_did_and_the_oracle_reads_attributes(past):
    question = Question.from_widgets((WIDGETS | SAID).__getitem__)
    runs, tables, registry = replayed(EVERY, past, DAYS[1:])
    happened = hindsight.read_scored(tables, question, DAYS, UNTIL)
    ids = {one["user_id"]: one["person"] for one in logins() if one["known_day"] < UNTIL}
    bought = {
        ids.get(one["user_id"], one["user_id"])
        for one in events().to_pylist() if one["event_type"] == "buy" and DAYS[-1] <= one["day"] < UNTIL
    }  # fmt: skip
    last = happened.set_index("user_id")["acted"]
    assert last.to_dict() == {user: int(ids.get(user, user) in bought) for user in last.index}
    assert {"u7", "u107"} <= set(last.index)  # joined within these days: listed as two, and both did what the one did
    chosen, scored = hindsight.choose_in_hindsight(runs, tables, registry, question, happened)
    assert len(scored) == len(happened)
    for version in {run.version for run in chosen}:
        assert any(column.startswith("attribute_") for column in registry.load(question, version).columns)


def test_an_attribute_that_knows_what_came_after_the_runs_is_left_out():
    """The day of the last purchase, as the table has it once all is over: for nearly all after the run's own day."""
    table, last = events(), {}
    for one in table.filter(pa.compute.field("event_type") == "buy").to_pylist():
        last[one["user_id"]] = max(last.get(one["user_id"], START), one["day"])
    known = [Attribute("last_order", Kind.DATE)]
    tables = MemoryTables()
    put_users(tables, [(user, None, None, day) for user, day in last.items()], known)
    of = WhoUsersAre({TABLE: tables.stored[TABLE]}, tables.get_property(TABLE, NOTE), UNTIL)
    said = WIDGETS | {"users": "app.members"}
    made = SharedTables.extract(table, DAYS[:1], said, as_told, of)
    assert made.growing["attribute_checks"].select(["attribute", "finding", "used"]).to_pylist() == [
        {"attribute": "last_order", "finding": LEAK, "used": False}
    ]
    assert str(UNTIL) in made.growing["attribute_checks"]["why"][0].as_py()


def test_a_question_that_the_table_of_users_cannot_answer_is_refused():
    with pytest.raises(ConfigError, match="newcomers is 'plan', which is a text: it must be a date of the users that"):
        SharedTables.extract(events(), DAYS, WIDGETS | SAID | {"newcomers": "plan"}, as_told, who())
