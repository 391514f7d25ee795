"""Lists over time: what each is held against, what is written of it, and the way back."""

import re
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.config.stages import PublishConfig
from lib.errors import ConfigError, PublishRefused, SourceError
from lib.stages import nearby
from lib.stages import publications as publications_rules
from tests.builders.runs import AS_OF, NEXT, World, asked, log, two_lists

OTHER = {"action": "share", "run_id": "other"}


@pytest.fixture
def after_two_lists():
    return two_lists()


@pytest.fixture
def world(after_two_lists):
    return after_two_lists.copy()


def publications(world, where="1 = 1"):
    return world.tables.query(f"SELECT * FROM {{publications}} WHERE {where} ORDER BY number").to_dict("records")


def back(world, **changes):
    return publications_rules.rollback(asked(PublishConfig, **{"run_id": "back"} | changes), world.tables)


def test_each_list_is_recorded_with_its_difference_to_the_last_one(after_two_lists):
    first, second = publications(after_two_lists)
    assert (first["kind"], first["run_id"], first["cutoff"], first["number"]) == ("published", "run-1", AS_OF, 1)
    assert first["previous_cutoff"] is None
    assert np.isnan(first["score_shift"])
    assert (second["run_id"], second["cutoff"], second["number"]) == ("run-2", NEXT, 2)
    assert second["previous_cutoff"] == AS_OF
    then, now = (set(after_two_lists.rows("predictions", f"cutoff = DATE '{day}'")["user_id"]) for day in (AS_OF, NEXT))
    assert (second["entered"], second["left"]) == (len(now - then), len(then - now))
    assert (second["users"], second["held_out_share"], second["seed"]) == (len(now), 0.1, 0)
    scores = after_two_lists.rows("predictions")
    means = [scores.loc[scores["cutoff"] == day, "propensity"].mean() for day in (AS_OF, NEXT)]
    assert second["mean_propensity"] == pytest.approx(means[1])
    assert second["mean_shift"] == pytest.approx(means[1] - means[0])


def test_publishing_again_tells_the_same_difference(world, after_two_lists):
    assert f"\nSince the list of {AS_OF}: " in world.publish(run_id="run-2").summary
    assert world.differs(after_two_lists, ["audience", "publications"]) == []
    world.publish(run_id="run-3")  # the same day once more: held against the list of the week before, not its own
    assert [row["previous_cutoff"] for row in publications(world)] == [None, AS_OF, AS_OF]


def test_a_list_too_large_to_come_near_is_the_same_list(world, after_two_lists, monkeypatch, tmp_path):
    world.tables.elsewhere["crm.staff"] = pa.table({"user_id": world.rows("audience")["user_id"].tolist()[::9]})
    some = world.rows("audience")["user_id"].tolist()[::2]
    world.tables.elsewhere["crm.people"] = pa.table({"user_id": some, "email": [f"{user}@x.org" for user in some]})
    made, file = [], tmp_path / "list.csv"
    for most in (nearby.MOST_NEAR, 0):
        monkeypatch.setattr(nearby, "MOST_NEAR", most)
        there = world.copy()
        there.tables.elsewhere = world.tables.elsewhere
        published = there.publish(
            run_id="run-2", suppress="crm.staff", export_top=20, export=file, export_identifiers="crm.people"
        )
        files = [path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("list*.csv"))]
        made.append((there, published.summary, published.page, files))
    (near, *told), (far, *told_of_many) = made
    assert far.differs(near, ["audience", "publications", "suppressions", "contacts"]) == []
    assert told_of_many == told
    assert near.differs(after_two_lists, ["audience"]) != []


def test_a_repair_decides_and_publishes_anew_under_the_same_run_and_says_so(world):
    counted = "SELECT run_id, repair_count FROM {{{}}} ORDER BY number"
    world.train(run_id="run-2", repair_count=1)
    world.publish(run_id="run-2", repair_count=2, held_out_share=0.2)  # by then the job's settings are others
    told = [world.tables.query(counted.format(name)) for name in ("decisions", "publications")]
    assert [rows.to_numpy().tolist() for rows in told] == [
        [["run-1", 0], ["run-2", 1]], [["run-1", 0], ["run-2", 2]],
    ]  # fmt: skip
    assert publications(world)[1]["held_out_share"] == 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.assign(propensity=p["propensity"] * 0.02), "of the newest users whose outcome is known"),
        (lambda p: p.assign(propensity=p["propensity"].rank(pct=True) * 0.2 + 0.3), "The propensities have moved"),
        (lambda p: p.assign(propensity=np.nan), "247 propensities are not between 0 and 1"),
        (lambda p: p.iloc[: len(p) // 2], "The predictions hold "),
        (lambda p: p.assign(user_id=p["user_id"].iloc[0]), "users stand twice in the predictions"),
    ],
)
def test_a_bad_list_is_not_published(world, after_two_lists, change, message):
    where = f"cutoff = DATE '{NEXT}'"
    rows = world.tables.query(f"SELECT * FROM {{predictions}} WHERE {where} ORDER BY user_id")
    world.tables.replace("predictions", change(rows), where)
    told = message.replace("247", str(len(rows)))
    with pytest.raises(PublishRefused, match=told):
        world.publish(run_id="run-2")
    assert world.differs(after_two_lists, ["audience", "publications"]) == []


def test_a_list_of_half_the_users_is_not_published_though_it_is_the_whole_cohort(world, after_two_lists):
    """The source lost half of its users: cohort and predictions agree, only the last list tells."""
    half = f"CAST(SUBSTR(user_id, 2) AS INT) % 2 = 0 AND cutoff = DATE '{NEXT}'"
    for name in ("features", "predictions"):
        world.tables.delete(name, half)
    with pytest.raises(PublishRefused, match=r"The list has 1\d\d users and the last one, of an earlier cutoff, 2\d\d"):
        world.publish(run_id="run-2")
    assert world.differs(after_two_lists, ["audience", "publications"]) == []
    world.publish(run_id="run-2", max_users_change=2)  # on purpose


def test_a_list_from_a_stale_source_is_not_published(world, after_two_lists):
    world.tables.delete("daily_activity", f"day >= DATE '{NEXT - timedelta(days=4)}'")
    message = (
        f"The events end on {NEXT - timedelta(days=5)} and as_of is {NEXT}: 4 days are missing, at most 1 are usual."
    )
    with pytest.raises(SourceError, match=re.escape(message)):
        world.publish(run_id="run-2")
    assert world.differs(after_two_lists, ["audience", "publications"]) == []
    world.publish(run_id="run-2", max_source_gap_days=4)


def test_without_anybody_whose_outcome_is_known_nothing_is_published(world):
    world.tables.delete("features", f"cutoff = DATE '{AS_OF}'")
    with pytest.raises(PublishRefused, match=f"Nobody was in the cohort of {AS_OF}, the newest cutoff whose"):
        world.publish(run_id="run-2")


def test_rolled_back_a_list_is_as_it_was_and_no_other_list_is_touched(world):
    world.run(NEXT, **OTHER)
    first = World(log())
    first.run(AS_OF)
    before, share = world.rows("audience"), "question = 'share_7d_cohort28d'"
    told = back(world)
    assert told.cutoff == AS_OF
    assert told.summary == (
        f"The list of {AS_OF} is in use again for buy within 7 days, users active in the last 28 days: "
        f"{len(first.rows('audience'))} users, in the place of the list of {NEXT} with "
        f"{len(before[before['question'] == 'buy_7d_cohort28d'])}."
    )
    assert world.differs(first, ["audience"], "question = 'buy_7d_cohort28d'") == []
    assert world.rows("audience", share).equals(before[before["question"] != "buy_7d_cohort28d"].reset_index(drop=True))
    last = publications(world, "question = 'buy_7d_cohort28d'")[-1]
    assert (last["kind"], last["run_id"], last["cutoff"], last["number"]) == ("rolled_back", "back", AS_OF, 3)
    assert last["previous_cutoff"] is None


def test_rolling_back_goes_further_back_each_time_and_ends_at_the_first_list(world):
    later = NEXT + timedelta(days=7)
    world.run(later, run_id="run-3")
    assert [back(world).cutoff, back(world).cutoff] == [NEXT, AS_OF]
    present = world.rows("audience")
    message = f"The list of {AS_OF} is the first for buy within 7 days, users active in the last 28 days that can still"
    with pytest.raises(PublishRefused, match=message):
        back(world)
    assert world.rows("audience").equals(present)
    world.run(later, run_id="run-4")  # the next run publishes as ever, held against the newest earlier list
    assert publications(world)[-1]["previous_cutoff"] == NEXT


def test_where_there_is_no_list_there_is_nothing_to_roll_back():
    with pytest.raises(PublishRefused, match="There is no list for buy within 7 days, users active in the last"):
        back(World())


def test_after_a_rollback_the_bad_list_is_still_what_its_outcome_is_told_of(world):
    back(world)
    world.run(NEXT + timedelta(days=7), run_id="run-3")
    assert set(world.rows("outcomes")["cutoff"]) == {AS_OF, NEXT}


def test_contacts_are_exported_without_those_held_out(world, tmp_path):
    target = tmp_path / "contacts.csv"
    told = world.publish(run_id="run-2", export=target, export_top=20).summary
    listed = world.tables.query("SELECT user_id, held_out FROM {audience} ORDER BY rank")
    assert pd.read_csv(target)["user_id"].tolist() == listed[~listed["held_out"]]["user_id"].head(20).tolist()
    assert "\nContact the first 20 of " in told
    priced = {"run_id": "run-2", "export": target, "value_of_action": 10, "cost_of_contact": 5}
    told = world.publish(**priced).summary  # nobody was contacted, and the last list shows that this added nothing
    assert (len(pd.read_csv(target)), "\nContact nobody: contacts of past lists added less than" in told) == (0, True)
    del world.tables.stored["outcomes"]
    told = world.publish(**priced).summary
    rows = pd.read_csv(target)
    assert rows["propensity"].min() > 0.5
    assert not rows["held_out"].any()
    assert f"\nContact the first {len(rows)} of " in told
    assert f"\nWhy {len(rows)}: an action is worth 10 and a contact costs 5, " in told
    target_share = world.publish(run_id="run-2", export=target, export_top="10%").summary
    assert len(pd.read_csv(target)) == -(-len(listed) // 10)
    assert f"\nContact the first {len(pd.read_csv(target))} of {len(listed)}; " in target_share


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value_of_action": "5"}, "value_of_action and cost_of_contact are given together or not at all, got '5' and"),
        ({"cost_of_contact": "5"}, "cost_of_contact are given together or not at all, got '' and '5'"),
        ({"value_of_action": "x", "cost_of_contact": "5"}, "value_of_action must be a number from 0 to 1e+09, got 'x'"),
        ({"held_out_share": "1.5"}, "held_out_share must be a number from 0 to 1, got '1.5'."),
        ({"order": "best"}, "order must be propensity or uplift, got 'best'."),
        ({"hold_out_for": "all"}, "hold_out_for must be question or home, got 'all'."),
        ({"max_rate_ratio": "0.5"}, "max_rate_ratio must be a number from 1 to 1000, got '0.5'."),
        ({"max_users_change": "-1"}, "max_users_change must be a number from 0 to 1000, got '-1'."),
        ({"max_score_shift": "2"}, "max_score_shift must be a number from 0 to 1, got '2'."),
        ({"export_top": "-3"}, "export_top must be a whole number >= 0 or a share like 20%, got '-3'."),
        ({"export_top": "120%"}, "export_top must be a whole number >= 0 or a share like 20%, got '120%'."),
    ],
)
def test_a_parameter_of_publish_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        asked(PublishConfig, **changes)
