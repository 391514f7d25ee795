"""The outcome ledger beside an independent recomputation from the events, and what a verdict reads of it."""

from dataclasses import replace
from datetime import timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from lib.audience.habits import HABIT
from lib.config.stages import RetrainConfig
from lib.models.pair import Pair
from lib.stages import ledger, nearby
from tests.builders.runs import AS_OF, NEXT, World, asked, log, two_lists

DAY = timedelta(days=1)
CONFIG = asked(RetrainConfig)
THROUGH = AS_OF - 7 * DAY  # the holdout of the first run: what its pair has learnt through


@pytest.fixture
def world():
    return two_lists().copy()


def what_happened(world, cutoff):
    """Who acted within [cutoff, cutoff + 7), from the activity itself, by a query of its own."""
    activity, scores = world.tables.stored["daily_activity"], world.tables.stored["predictions"]
    assert min(len(activity), len(scores)) > 0  # DuckDB reads the local names
    return duckdb.sql(
        "SELECT user_id, propensity, EXISTS (FROM activity a WHERE a.user_id = s.user_id AND a.event_type = 'buy' "
        f"AND datediff('day', DATE '{cutoff}', a.day) BETWEEN 0 AND 6) AS acted "
        f"FROM scores s WHERE cutoff = DATE '{cutoff}' ORDER BY propensity DESC, user_id"
    ).df()


def test_the_ledger_is_what_an_independent_recomputation_finds(world):
    rows = world.tables.query("SELECT * FROM {outcomes}")
    assert set(rows["cutoff"]) == {AS_OF}
    assert set(rows["as_of"]) == {NEXT}
    assert set(zip(rows["preprocessing_version"], rows["prediction_version"], strict=True)) == {("1", "1")}
    happened = what_happened(world, AS_OF)
    whole = rows[rows["part"] == "all"].set_index("metric")
    assert set(whole["users"]) == {len(happened)}
    assert set(whole["observed"]) == {int(happened["acted"].sum())}
    assert whole["expected"].tolist() == pytest.approx([happened["propensity"].sum()] * len(whole))
    assert whole["measured"]["auc"] == pytest.approx(roc_auc_score(happened["acted"], happened["propensity"]))
    for number, tenth in enumerate(np.array_split(np.arange(len(happened)), 10), start=1):
        row = rows[(rows["part"] == f"decile {number}") & (rows["metric"] == "rate")].iloc[0]
        part = happened.iloc[np.flatnonzero(np.arange(len(happened)) * 10 // len(happened) == number - 1)]
        assert abs(len(part) - len(tenth)) <= 1
        assert (row["users"], row["observed"]) == (len(part), part["acted"].sum())
        assert row["measured"] == pytest.approx(part["acted"].mean())


def test_a_list_is_held_against_the_one_whose_days_ended_as_its_own_began(world):
    found = ledger.write_outcomes(CONFIG, world.tables, NEXT + 7 * DAY)
    assert list(found["cutoff"].unique()) == [AS_OF, NEXT]  # late events may still change the first
    (told,) = found[found["metric"] == HABIT].to_dict("records")  # no list was there before the first
    now, before = (what_happened(world, cutoff).set_index("user_id") for cutoff in (NEXT, AS_OF))
    held = world.tables.at_version(0, "1 = 1").set_index("user_id")["held_out"]
    beyond = pd.DataFrame({"now": now["acted"] - now["propensity"], "before": before["acted"] - before["propensity"]})
    both = beyond.dropna()
    own = both - both.groupby(held.reindex(both.index)).transform("mean")
    correlation = (own["now"] * own["before"]).sum() / np.sqrt((own["now"] ** 2).sum() * (own["before"] ** 2).sum())
    assert told["measured"] == pytest.approx(correlation * len(both) / np.sqrt(len(now) * len(before)))
    assert (told["cutoff"], told["part"], told["users"]) == (NEXT, "all", len(now))


def test_without_users_held_out_nobody_asks_for_habits(world):
    where = f"cutoff = DATE '{NEXT}' AND kind = 'published'"
    of_list = world.tables.query(f"SELECT * FROM {{publications}} WHERE {where}")
    world.tables.replace("publications", of_list.assign(held_out_share=0.0), where)
    assert HABIT not in set(ledger.write_outcomes(CONFIG, world.tables, NEXT + 7 * DAY)["metric"])


def test_a_list_too_large_to_come_near_has_the_same_outcome(world, monkeypatch):
    written = []
    for most in (nearby.MOST_NEAR, 0):
        monkeypatch.setattr(nearby, "MOST_NEAR", most)
        there = world.copy()
        del there.tables.stored["outcomes"]
        written.append(ledger.write_outcomes(asked(RetrainConfig, evaluations="yes"), there.tables, NEXT + 7 * DAY))
        written[-1].attrs["told"] = there.rows("evaluations", "1 = 1").sort_values("user_id").to_numpy().tolist()
    pd.testing.assert_frame_equal(*written, rtol=1e-12, atol=0)
    assert written[0].attrs["told"] == written[1].attrs["told"] != []
    assert set(written[0]["cutoff"]) == {AS_OF, NEXT}
    assert HABIT in set(written[0]["metric"])


def of_pair(version, through):
    """A pair, as far as its record goes."""
    return Pair(None, None, (), CONFIG.question.slug, through.isoformat(), prediction_version=version)


@pytest.mark.parametrize(("wait", "due"), [(0, [AS_OF]), (6, [AS_OF]), (7, [])])
def test_an_outcome_waits_for_late_events(world, wait, due):
    """The horizon of the first list ended at NEXT; six days later it is complete after six."""
    del world.tables.stored["outcomes"]
    config = asked(RetrainConfig, label_complete_after_days=wait)
    assert list(ledger.write_outcomes(config, world.tables, NEXT + 6 * DAY)["cutoff"].unique()) == due
    assert bool(ledger.live_metrics(config, world.tables, of_pair("1", THROUGH), NEXT + 6 * DAY)) == bool(due)
    assert ledger.read_outcomes(config, world.tables, NEXT + 6 * DAY).empty != bool(due)


def test_users_held_out_are_those_that_the_list_flagged(world):
    flagged = world.copy()
    flagged.extract(AS_OF)
    flagged.publish(run_id="run-1")
    held = set(flagged.rows("audience", "held_out")["user_id"])
    happened = what_happened(world, AS_OF)
    row = world.rows("outcomes", "part = 'held out' AND metric = 'rate'").iloc[0]
    mine = happened[happened["user_id"].isin(held)]
    assert (row["users"], row["observed"]) == (len(mine), mine["acted"].sum())
    assert len(mine) > 5


def test_the_held_out_are_those_whom_the_list_held_out_whatever_the_seed_is_now(world):
    held = "part LIKE '%held out' AND metric = 'rate'"
    columns = ["part", "users", "observed"]
    before = world.rows("outcomes", held)[columns]
    world.tables.delete("outcomes", "1 = 1")
    ledger.write_outcomes(asked(RetrainConfig, seed=5), world.tables, NEXT)
    assert world.rows("outcomes", held)[columns].equals(before)
    assert len(before) == 2


def test_a_list_of_days_that_the_pair_has_learnt_is_no_part_of_its_record(world):
    assert ledger.live_metrics(CONFIG, world.tables, of_pair("1", THROUGH + DAY), NEXT) == {}
    assert ledger.live_metrics(CONFIG, world.tables, of_pair("1", THROUGH), NEXT) != {}


def test_a_matured_list_is_told_by_the_run_that_first_knows(world):
    fresh = World(log())
    fresh.run(AS_OF)
    fresh.extract(NEXT - DAY)
    assert "The list of" not in fresh.train(run_id="early").summary
    assert not fresh.tables.exists("outcomes")
    fresh.extract(NEXT)
    assert f"\nThe list of {AS_OF} proved " in fresh.train(run_id="run-2").summary
    assert fresh.differs(world, ["outcomes"]) == []


def test_settling_twice_leaves_no_twins_and_a_late_event_corrects_the_outcome(world):
    before = world.rows("outcomes")
    assert ledger.write_outcomes(CONFIG, world.tables, NEXT).empty
    assert world.rows("outcomes").equals(before)
    idle = what_happened(world, AS_OF).query("not acted")["user_id"].iloc[0]
    rows = world.tables.query("SELECT * FROM {daily_activity} WHERE event_type = 'buy' LIMIT 1")
    late = rows.assign(user_id=idle, day=NEXT - DAY, known_day=NEXT)
    world.tables.append("daily_activity", late)
    assert ledger.write_outcomes(CONFIG, world.tables, NEXT).empty  # known on that day, not before it
    found = ledger.write_outcomes(CONFIG, world.tables, NEXT + DAY)
    assert set(found["as_of"]) == {NEXT + DAY}
    assert len(world.rows("outcomes")) == len(before)
    assert found["observed"].iloc[0] == before["observed"].max() + 1
    assert ledger.write_outcomes(CONFIG, world.tables, NEXT).empty  # what is known later stays


@pytest.mark.parametrize(("day", "counts"), [(AS_OF - DAY, 0), (AS_OF, 1), (NEXT - DAY, 1), (NEXT, 0)])
def test_an_event_counts_from_the_cutoff_on_and_not_at_the_horizon_s_end(world, day, counts):
    idle = what_happened(world, AS_OF).query("not acted")["user_id"].iloc[0]
    rows = world.tables.query("SELECT * FROM {daily_activity} WHERE event_type = 'buy' LIMIT 1")
    before = world.rows("outcomes")["observed"].max()
    world.tables.append("daily_activity", rows.assign(user_id=idle, day=day, known_day=day))
    found = ledger.write_outcomes(CONFIG, world.tables, NEXT + DAY)
    assert found["observed"].iloc[0] == before + counts


def test_a_cutoff_that_another_pair_scored_anew_is_settled_anew(world):
    scores = world.tables.query(f"SELECT * FROM {{predictions}} WHERE cutoff = DATE '{AS_OF}'")
    world.tables.replace(
        "predictions", scores.assign(prediction_version="9", propensity=0.5), f"cutoff = DATE '{AS_OF}'"
    )
    found = ledger.write_outcomes(CONFIG, world.tables, NEXT)
    assert set(found["prediction_version"]) == {"9"}
    assert found.set_index(["part", "metric"])["measured"]["all", "auc"] == 0.5
    assert set(world.rows("outcomes")["prediction_version"]) == {"9"}


def test_the_record_is_of_the_pair_s_own_matured_lists(world):
    happened = what_happened(world, AS_OF)
    found = ledger.live_metrics(CONFIG, world.tables, of_pair("1", THROUGH), NEXT)
    assert found["live_calibration"].value == pytest.approx(
        abs(np.log(happened["propensity"].sum() / happened["acted"].sum()))
    )
    assert ledger.live_metrics(CONFIG, world.tables, of_pair("1", THROUGH), NEXT - DAY) == {}
    assert ledger.live_metrics(CONFIG, world.tables, of_pair("2", THROUGH), NEXT) == {}
    assert ledger.live_metrics(CONFIG, World().tables, of_pair("1", THROUGH), NEXT) == {}
    assert (
        ledger.live_metrics(CONFIG, world.tables, of_pair("1", THROUGH), AS_OF + timedelta(days=7 * 5)) != found
    )  # two lists
    assert (
        ledger.live_metrics(CONFIG, world.tables, of_pair("1", THROUGH), NEXT + 7 * 5 * DAY) == {}
    )  # four horizons on: too old


def test_of_too_many_rows_a_sample_of_users_is_read(world):
    whole, some = (
        ledger.live_metrics(replace(CONFIG, max_training_rows=most), world.tables, of_pair("1", THROUGH), NEXT)
        for most in (0, 120)
    )
    assert some["live_calibration"].value != whole["live_calibration"].value
    assert some["live_calibration"].high - some["live_calibration"].low > 0


def test_what_was_known_at_an_earlier_as_of_is_read_alone(world):
    assert set(ledger.read_outcomes(CONFIG, world.tables, NEXT)["cutoff"]) == {AS_OF}
    assert ledger.read_outcomes(CONFIG, world.tables, NEXT - DAY).empty
    assert ledger.read_outcomes(CONFIG, World().tables, NEXT).empty


def test_each_propensity_stands_beside_what_happened_where_that_is_asked_for(world):
    assert not world.tables.exists("evaluations")  # it names users: nobody has it who did not ask
    world.tables.delete("outcomes", "1 = 1")
    ledger.write_outcomes(asked(RetrainConfig, evaluations="yes"), world.tables, NEXT)
    told = world.tables.query("SELECT * FROM {evaluations} ORDER BY user_id")
    scored = world.tables.query(ledger.scored_sql(CONFIG.question, [AS_OF], NEXT)).sort_values("user_id")
    assert told["user_id"].tolist() == scored["user_id"].tolist()
    assert told["propensity"].tolist() == scored["propensity"].tolist()
    assert told["label"].tolist() == scored["label"].tolist()
    assert set(told["question"]) == {CONFIG.question.slug}
    assert (set(told["cutoff"]), set(told["as_of"]), set(told["prediction_version"])) == ({AS_OF}, {NEXT}, {"1"})
    total = world.rows("outcomes", "part = 'all'")
    assert total["observed"].iloc[0] == told["label"].sum()
