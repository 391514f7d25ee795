"""The whole job asked about users without any event: scored, listed, told of, and held to what they then did."""

from datetime import timedelta

import pyarrow as pa

from lib.attributes.columns import Attribute, Kind
from lib.audience import uplift as rules
from lib.audience.ranking import HeldOut
from lib.config.stages import PublishConfig
from lib.stages.contacting import with_resting_sql
from lib.stages.listed import rank_list
from lib.stages.nearby import Near
from lib.stages.uplift import add_estimates, read_uplift
from lib.tables.contracts import NAMED_ACTIVITY
from tests.builders.attributes import put_users
from tests.builders.runs import AS_OF, NEXT, World, asked, log

NEW = {"users": "app.members", "newcomers": "joined", "reasons": 3}
DAYS = range(-7, 90)  # before AS_OF, on each of which somebody joins


def members():
    """Everybody of the log, long known; and whoever joins, of whom each third buys two days later."""
    old = [(f"u{n}", None, None, AS_OF - timedelta(days=300)) for n in range(250)]
    return old + [(f"n{n}", None, None, AS_OF - timedelta(days=n)) for n in DAYS]


def events():
    own = log()
    first = [
        {"user_id": f"n{n}", "day": day, "event_type": "buy", "known_day": day, "count": 1, "value": 5.0, "items": None}
        for n in DAYS[::3]
        if (day := AS_OF - timedelta(days=n - 2)) < NEXT
    ]
    return pa.concat_tables([own, pa.Table.from_pylist(first, own.schema)])


def home():
    world = World(events())
    put_users(world.tables, members(), [Attribute("joined", Kind.DATE, True)])
    return world


def estimated(world, monkeypatch):
    """What contacts are estimated to add on the list of AS_OF, learnt from that same list, whose days are over."""
    monkeypatch.setattr(rules, "FEWEST", 5)
    config = asked(PublishConfig, **NEW)
    model = read_uplift(config, world.tables, NEXT).model
    near = Near(world.tables, with_resting_sql(f"SELECT * FROM {{predictions}} WHERE cutoff = DATE '{AS_OF}'", ""))
    listed = rank_list(near, near.read_spread(), HeldOut("q", 0.2, 0), low_evidence=False)
    with_effects = add_estimates(listed, world.tables, config.question, AS_OF, model)
    return with_effects.read(whole=True).set_index("user_id")["effect"]


def test_users_without_events_are_scored_listed_and_held_to_what_they_did(monkeypatch):
    world = home()
    world.run(AS_OF, **NEW)
    listed = world.rows("audience").set_index("user_id")
    slug = listed["question"].iloc[0]
    seen = set(world.tables.query(f"SELECT user_id FROM {{features}} WHERE cutoff = DATE '{AS_OF}'")["user_id"])
    new = [user for user in (f"n{n}" for n in range(1, 29)) if user not in seen]
    assert len(new) > 15
    assert {user for user in listed.index if user.startswith("n")} - seen == set(new)
    assert "" not in listed.index
    assert listed.loc[new, "propensity"].between(0, 1).all()
    assert listed.loc[new, "reasons"].str.contains("no events yet").any()
    world.extract(NEXT, **NEW)
    world.train(**NEW, run_id="run-2")
    outcomes = world.rows("outcomes", f"question = '{slug}' AND part = 'all' AND metric = 'auc'")
    assert outcomes["users"].tolist() == [len(listed)]
    effects = estimated(world, monkeypatch)
    assert set(effects.index) == set(listed.index)
    assert effects.notna().all()


def test_they_are_asked_about_an_action_of_one_s_own():
    """Bought for more than 4: of whoever joins all who buy, of the others nine of ten buys."""
    world, own = home(), NEW | {"action": "big", "actions": "big=buy WHERE value > 4"}
    rows, kind = events().to_pandas(), asked(PublishConfig, **own).question.kinds[0]
    rows = rows[(rows["event_type"] == "buy") & (rows["value"] > 4)].assign(event_type=kind)
    kept = pa.Table.from_pandas(rows[list(NAMED_ACTIVITY)], preserve_index=False)
    world.tables.replace("named_activity", kept, "1 = 1")
    world.run(AS_OF, **own)
    cutoffs = set(world.tables.query("SELECT DISTINCT cutoff FROM {features}")["cutoff"])
    blank = world.rows("named_features", "user_id = ''")
    assert set(blank["cutoff"]) == cutoffs
    assert set(blank[["events_all", "recency"]].itertuples(index=False, name=None)) == {(0, 365)}
    listed = world.rows("audience").set_index("user_id")
    new = [user for user in listed.index if (listed.loc[user, "reasons"] or "").count("no events yet")]
    assert len(new) > 15
    assert listed.loc[new, "propensity"].nunique() > 1  # their days since they joined tell them apart
    assert world.extract(NEXT, **own)[1] == 1
    assert len(world.rows("named_features", "user_id = ''")) == len(cutoffs) + 1


def test_where_nobody_asks_about_them_nothing_of_theirs_is_kept():
    world = home()
    world.extract(AS_OF, users="app.members")
    assert "" not in set(world.tables.query("SELECT DISTINCT user_id FROM {features}")["user_id"])
