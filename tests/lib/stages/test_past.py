"""A run for a day before the newest list: recorded, scored by what was known then, and nothing in use changes."""

import re
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from lib.config.stages import PublishConfig
from lib.errors import ConfigError, ModelError
from lib.evaluation.promotion import Choice
from lib.stages import publications as publications_rules
from lib.training import comparison
from tests.builders.runs import AS_OF, NEXT, World, asked, log, two_lists

BUY = "buy_7d_cohort28d"
IN_USE = ["audience", "decisions"]
BETWEEN = AS_OF + timedelta(days=3)


@pytest.fixture
def world():
    return two_lists().copy()


@pytest.fixture
def promoted(world, monkeypatch):
    """The same with a second pair, which has learnt and scored the later list."""
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(True, False, "Better."))
    world.retrain(run_id="run-2")
    world.predict(run_id="run-2")
    world.publish(run_id="run-2")
    assert world.registry.champion(asked(PublishConfig).question) == "2"
    return world


def past(world, day=AS_OF, **changes):
    return world.run(day, run_id="past", **changes)


def scored_by(world, day):
    return set(world.rows("predictions", f"cutoff = DATE '{day}'")["prediction_version"])


def in_use(world):
    return world.registry.aliases, world.registry.tags


def test_it_is_recorded_and_the_newer_list_and_its_models_stay(world, tmp_path):
    before, signs = world.copy(), str(in_use(world))
    target = tmp_path / "list.csv"
    checked = past(world, BETWEEN, export=target, reports=tmp_path / "reports")
    published = world.publish(run_id="past", export=target, reports=tmp_path / "reports")
    assert not published.in_use
    assert world.differs(before, IN_USE) == []
    assert str(in_use(world)) == signs
    assert not target.exists()
    assert (tmp_path / "reports" / BUY / f"{BETWEEN}.html").exists()
    users = len(world.rows("predictions", f"cutoff = DATE '{BETWEEN}'"))
    assert published.summary.startswith(f"Recorded: {users} users as of {BETWEEN}; ")
    assert published.summary.splitlines()[1] == (
        f"Not put in use. The list of {NEXT} is newer and stays in use. Give replace_newer=true to let that day's run "
        "change what is in use."
    )
    row = world.tables.query("SELECT * FROM {publications} WHERE kind = 'recorded'").iloc[0]
    assert (row["cutoff"], row["number"], row["users"], row["previous_cutoff"]) == (BETWEEN, 3, users, AS_OF)
    assert checked.summary.endswith(
        f"\nThe list of {NEXT} is newer and stays: whatever the verdict, no models are made."
    )
    assert not checked.retrain_needed


def test_its_outcome_is_written_once_it_is_known(world):
    past(world, BETWEEN)
    world.run(NEXT + timedelta(days=7), run_id="run-3")
    assert set(world.rows("outcomes")["cutoff"]) == {AS_OF, BETWEEN, NEXT}


def test_the_next_list_is_held_against_the_newest_one_before_it(world):
    past(world, NEXT - timedelta(days=1))
    world.run(NEXT, run_id="run-3")
    rows = world.tables.query("SELECT * FROM {publications} ORDER BY number")
    assert rows["previous_cutoff"].iloc[-1] == NEXT - timedelta(days=1)


def test_it_is_scored_by_the_pair_in_use_then(promoted):
    past(promoted)
    assert scored_by(promoted, AS_OF) == {"1"}
    assert scored_by(promoted, NEXT) == {"2"}
    assert promoted.registry.champion(asked(PublishConfig).question) == "2"


def test_where_that_has_learnt_what_came_later_another_scores_that_has_not(promoted):
    pairs, tags = promoted.registry.pairs, promoted.registry.tags
    tags[BUY, "2"]["trained_through"] = tags[BUY, "1"]["trained_through"]
    tags[BUY, "1"]["trained_through"] = AS_OF.isoformat()
    pairs[BUY, "2"] = replace(pairs[BUY, "2"], trained_through=tags[BUY, "2"]["trained_through"])
    past(promoted)
    assert scored_by(promoted, AS_OF) == {"2"}


@pytest.mark.parametrize("noted", [AS_OF.isoformat(), ""])
def test_where_all_have_it_is_refused_before_anything_is_written(world, noted):
    world.registry.tags[BUY, "1"]["trained_through"] = noted
    world.extract(AS_OF)
    before = world.copy()
    message = (
        f"The list of {NEXT} is newer than as_of {AS_OF} and stays, and no pair that was ever in use for buy within 7 "
        f"days, users active in the last 28 days had learnt nothing after {AS_OF}: scores for that day would know what "
        "came later. Give replace_newer=true"
    )
    for stage in (world.train, world.predict):
        with pytest.raises(ModelError, match=re.escape(message)):
            stage(run_id="past")
    assert world.differs(before, ["model_checks", "predictions", "outcomes", *IN_USE]) == []


def test_a_label_known_on_that_day_is_no_later_one(world):
    world.registry.tags[BUY, "1"]["trained_through"] = (AS_OF - timedelta(days=7)).isoformat()
    past(world)
    world.registry.tags[BUY, "1"]["trained_through"] = (AS_OF - timedelta(days=6)).isoformat()
    with pytest.raises(ModelError, match="would know what came later"):
        past(world)


def test_no_models_are_made_for_it(world):
    world.extract(AS_OF)
    message = f"No models are made for {AS_OF}, since the list of {NEXT} is newer and stays. Give replace_newer=true to"
    with pytest.raises(ModelError, match=message):
        world.retrain(run_id="past")
    with pytest.raises(ModelError, match=message):
        world.train(run_id="past", challenger="runs:/a/b")


def test_with_replace_newer_it_is_a_run_like_any_other(world):
    past(world, replace_newer="true")
    assert set(world.rows("audience")["cutoff"]) == {AS_OF}
    kinds = world.tables.query("SELECT kind FROM {publications} ORDER BY number")["kind"].tolist()
    assert kinds == ["published"] * 3
    assert set(world.tables.query("SELECT run_id FROM {decisions}")["run_id"]) == {"run-1", "run-2", "past"}


def test_the_same_day_again_and_a_day_after_a_rollback_are_no_past_days(world):
    world.run(NEXT, run_id="run-3")
    assert world.publish(run_id="run-3").in_use
    for time in ("first", "second"):  # of that day there are two lists
        publications_rules.rollback(asked(PublishConfig, run_id=time), world.tables)
    world.run(BETWEEN, run_id="run-4")
    assert set(world.rows("audience")["cutoff"]) == {BETWEEN}


def test_another_question_has_its_own_newest_list(world):
    world.run(AS_OF, run_id="other", action="share")
    assert set(world.rows("audience", "question = 'share_7d_cohort28d'")["cutoff"]) == {AS_OF}


def test_on_the_way_of_a_catch_up_models_move_and_only_the_last_list_comes_into_use():
    last = NEXT + timedelta(days=7)
    world, plain = World(log()), World(log())
    for day in (AS_OF, NEXT, last):
        plain.run(day, run_id=f"run-{day}")
        world.run(day, run_id=f"run-{day}", catch_up_to="" if day == AS_OF else last)
        assert set(world.rows("audience")["cutoff"]) == {last if day == last else AS_OF}
    assert world.differs(plain, ["predictions", "decisions", "audience"]) == []
    # from a list never used, nobody was held out
    assert world.differs(plain, ["outcomes"], "metric NOT IN ('effect', 'habit') AND part NOT LIKE '%held out'") == []
    lists = [home.rows("publications").drop(columns="kind") for home in (world, plain)]
    pd.testing.assert_frame_equal(*lists)
    kinds = world.tables.query("SELECT kind FROM {publications} ORDER BY number")["kind"].tolist()
    assert kinds == ["published", "recorded", "published"]
    world.extract(NEXT)
    told = world.publish(run_id=f"run-{NEXT}", replace_newer="true", catch_up_to=last).summary.splitlines()[1]
    assert told == f"Not put in use. It is on the way to {last}, whose list is to be in use."


def test_replace_newer_is_yes_or_no():
    with pytest.raises(ConfigError, match=re.escape("replace_newer must be false or true, got 'yes'.")):
        asked(PublishConfig, replace_newer="yes")
    assert asked(PublishConfig, replace_newer="True").replace_newer is True
