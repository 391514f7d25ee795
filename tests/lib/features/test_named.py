"""Columns of named actions: what they are, and that nobody else's change."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import cache, named
from lib.features.build import build_features
from lib.features.named_note import NamedNote, find_begins, read_noted, write_noted
from lib.features.vocabulary import type_column
from lib.labels.cohorts import cohort_sql
from lib.labels.labels import labelled_cohort_sql
from lib.tables.contracts import NAMED_ACTIVITY
from tests.builders.runs import AS_OF, World, activity, ago, asked, log, plan, row

BIG = {"action": "big", "actions": "big=buy WHERE value >= 25"}
(ACTION,) = asked(ExtractConfig, **BIG).question.named


def named_rows(table, kind=ACTION.kind, least=25.0):
    """What a run would keep of the buys that are worth so much; each row of the log is one event."""
    rows = table.to_pandas()
    rows = rows[(rows["event_type"] == "buy") & (rows["value"] >= least)].assign(event_type=kind)
    return pa.Table.from_pandas(rows[list(NAMED_ACTIVITY)], preserve_index=False)


@pytest.fixture(scope="module")
def world():
    made = World(log())
    made.extract(AS_OF)
    return made


@pytest.fixture
def home(world):
    return world.copy()


def with_big(home, table=None):
    home.tables.replace("named_activity", named_rows(log() if table is None else table), "1 = 1")
    return home


def test_they_are_those_of_an_event_type_that_is_asked_about():
    rows = [
        row("ana", ago(40), "buy", value=30.0), row("ana", ago(3), "buy", count=2, value=80.5),
        row("ana", ago(1), "view"), row("ana", ago(0), "buy", value=99.0),  # the cutoff itself: no feature sees it
        row("bo", ago(20), "buy", value=40.0, known=ago(-1)),  # known too late
        row("bo", ago(95), "view"), row("cy", ago(28), "buy", value=25.0), row("cy", ago(90), "buy", value=26.0),
    ]  # fmt: skip
    table = activity(*rows)
    wanted = build_features(table, plan(table, actions=["buy"])).to_pylist()
    typed = [{**one, "joined_until": date.max} for one in table.to_pylist()]
    made = [{**one, "event_type": one["event_type"] if one["event_type"] == "buy" else None} for one in typed]
    every_day = [{**one, "event_type": None, "count": 0, "value": None} for one in typed]
    both = pa.Table.from_pylist([one for one in [*made, *every_day] if one["event_type"] or not one["count"]])
    first = min(one["known_day"] for one in typed if one["event_type"] == "buy")
    found = pa.concat_tables(named.each_cutoff(both, {ago(0): {"buy": first}})).to_pylist()
    assert [one["user_id"] for one in found] == [one["user_id"] for one in wanted]
    for mine, plain in zip(found, wanted, strict=True):
        assert {name: mine[name] for name in named.FEATURES} == {
            name: plain[type_column("buy", name)] for name in named.FEATURES
        }


def test_a_question_reads_its_own_columns_and_nobody_else_does(home):
    before = home.tables.table(f"{cohort_sql(asked(ExtractConfig).question, [AS_OF])} ORDER BY user_id")
    features = home.tables.stored["features"]
    done, built, width = with_big(home).extract(AS_OF, **BIG)
    assert built == len(done.cutoffs.all)
    assert home.tables.stored["features"].equals(features)  # not a row of others was written
    after = home.tables.table(f"{cohort_sql(asked(ExtractConfig).question, [AS_OF])} ORDER BY user_id")
    assert after.equals(before)
    own = home.tables.table(f"{cohort_sql(asked(ExtractConfig, **BIG).question, [AS_OF])} ORDER BY user_id")
    more = [type_column(ACTION.kind, name) for name in named.FEATURES]
    assert own.column_names == [*before.column_names, *more]
    assert own.select(before.column_names).equals(before)
    assert width == len(before.column_names) - 2 + len(more)
    bought = home.tables.query(
        f"SELECT user_id, CAST(COUNT(*) AS DOUBLE) AS n FROM {{daily_activity}} WHERE event_type = 'buy' "
        f"AND value >= 25 AND day < DATE '{AS_OF}' GROUP BY user_id"
    )
    counts = dict(
        zip(own["user_id"].to_pylist(), own[more[named.FEATURES.index("events_all")]].to_pylist(), strict=True)
    )
    assert {user: n for user, n in counts.items() if n} == dict(bought.itertuples(index=False))


def test_the_same_day_again_builds_nothing_and_a_week_later_one_cutoff(home):
    with_big(home).extract(AS_OF, **BIG)
    assert home.extract(AS_OF, **BIG)[1] == 0
    rows = home.rows("named_features")
    assert home.extract(AS_OF + timedelta(days=7), **BIG)[1] == 1
    assert home.rows("named_features", f"cutoff <= DATE '{AS_OF}'").equals(rows)


def test_features_that_new_rows_outdate_go_and_come_again(home):
    with_big(home).extract(AS_OF, **BIG)
    rows = home.rows("named_features")
    cache.drop_features(home.tables, f"cutoff > DATE '{AS_OF - timedelta(days=10)}'")
    assert home.tables.query("SELECT MAX(cutoff) AS day FROM {named_features}")["day"][0] <= AS_OF - timedelta(days=10)
    assert home.extract(AS_OF, **BIG)[1] > 0
    assert home.rows("named_features").equals(rows)


LATE = AS_OF - timedelta(days=60)


@pytest.mark.parametrize(
    "asked_of",
    [
        {"action": "big,view", "all_actions": "true", "actions": BIG["actions"]},
        {"action": "view", "cohort_where": "events('big', 14) > 0", "actions": BIG["actions"]},
    ],
)
def test_no_cutoff_learns_from_days_that_the_source_had_lost_of_a_named_action(home, asked_of):
    """One day later than the first that is there, and a week more of history is lost."""
    rows = named_rows(log()).to_pandas()
    home.tables.replace("named_activity", pa.Table.from_pandas(rows[rows["day"] >= LATE], preserve_index=False), "1=1")
    before = home.extract(AS_OF, **asked_of)[0].cutoffs
    write_noted(home.tables, NamedNote((ACTION,), {ACTION.kind: LATE}))
    after = home.extract(AS_OF, **asked_of)[0].cutoffs
    assert min(before.training) < LATE + timedelta(days=28) <= min(after.all)
    assert min(after.all) - timedelta(days=7) < LATE + timedelta(days=28)  # the first cutoff that may


def test_where_a_source_has_lost_the_first_days_is_noted_with_the_action(home):
    begins = find_begins([ACTION], {"buy": LATE}, {"buy": LATE - timedelta(days=1)})
    assert begins[ACTION.kind].format(ACTION) == (
        f"big begins on {LATE}: 'buy' was read from {LATE - timedelta(days=1)} on, and the events no longer hold what "
        f"was before. Questions that name it learn from cutoffs after {LATE} alone."
    )
    assert find_begins([ACTION], {"buy": LATE}, {"buy": LATE}) == {}
    assert find_begins([ACTION], {}, {"buy": LATE}) == find_begins([ACTION], {"buy": LATE}, {}) == {}
    note = NamedNote((ACTION,), {ACTION.kind: LATE})
    write_noted(with_big(home).tables, note)
    assert read_noted(home.tables) == note


def test_labels_are_of_who_did_it_in_the_horizon(home):
    found = with_big(home).extract(AS_OF, **BIG)[0]
    question, (day, *_) = asked(ExtractConfig, **BIG).question, found.cutoffs.matured
    labelled = home.tables.query(labelled_cohort_sql(question, [day], AS_OF))
    did = home.tables.query(
        "SELECT DISTINCT user_id FROM {daily_activity} WHERE event_type = 'buy' AND value >= 25 "
        f"AND day >= DATE '{day}' AND day < DATE '{day + timedelta(days=7)}'"
    )["user_id"]
    assert set(labelled[labelled["label"] == 1]["user_id"]) == set(did) & set(labelled["user_id"])
    assert 0 < labelled["label"].sum() < len(labelled)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": "big=bye WHERE value > 1"}, r"Nobody has ever done 'bye' before .* Did you mean 'buy'\? "
         "Set the type of big in actions to one or more of: buy, share, view"),
        ({"actions": "big=buy WHERE value > 1000"}, "Nobody has ever done 'big' before .*: no event 'buy' meets "
         "'value > 1000'. Change its condition in actions"),
        ({"action": "view", "actions": "view=buy WHERE value > 1"}, "actions names 'view', and the events have a "
         "type of that name"),
        ({"action": "bog"}, "Nobody has ever done 'bog' before"),
    ],
)  # fmt: skip
def test_what_nobody_did_and_a_name_that_is_taken_are_refused(home, changes, message):
    with pytest.raises(SourceError, match=message):
        with_big(home).extract(AS_OF, **{**BIG, **changes})


def test_the_whole_job_on_one_leaves_the_list_of_another_question_to_the_digit():
    alone, beside = World(log()), with_big(World(log()))
    beside.run(AS_OF, **BIG)
    for home in (alone, beside):
        home.run(AS_OF)
    plain = asked(ExtractConfig).question
    lists = [home.rows("audience", f"question = '{plain.slug}'") for home in (alone, beside)]
    assert len(lists[0])
    assert lists[0].equals(lists[1])
    own = beside.rows("audience", f"question = '{asked(ExtractConfig, **BIG).question.slug}'")
    assert len(own)
    assert own["action"].eq("big").all()
    assert own["reasons"].str.contains("big: ").any()
    assert not own["reasons"].str.contains(ACTION.kind).any()
    notes = [home.registry.load(plain, home.registry.champion(plain)) for home in (alone, beside)]
    assert notes[0].columns == notes[1].columns
