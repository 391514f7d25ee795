"""The whole job on tables and a registry in memory: what each run decides, writes, and leaves alone."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_series_equal
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from lib.config.question import Question
from lib.config.stages import PredictConfig
from lib.errors import ModelError, NotPromoted
from lib.evaluation.promotion import Choice
from lib.features.cache import EXTRACTION
from lib.features.vocabulary import DEFINITION
from lib.models.blueprint import OwnModels
from lib.models.notes import PairNotes
from lib.stages import predict
from lib.stages.context import Context
from lib.training import challenger, comparison
from tests.builders.runs import AS_OF, EVIDENCE, NEXT, World, activity, asked, log, row

EVERYTHING = ("features", "model_checks", "decisions", "predictions", "audience")
QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
BUY = "question = 'buy_7d_cohort28d'"
DRIFT = (AS_OF - date(2024, 1, 1)).days  # day of the log on which the holdout of the run at NEXT begins


def decision(world, run_id):
    (found,) = world.tables.query(f"SELECT * FROM {{decisions}} WHERE run_id = '{run_id}'").to_dict("records")
    return found


def test_a_first_run_finds_no_model_makes_one_and_publishes_its_list(after_first_run):
    world = after_first_run
    assert world.first.verdict.answer == "cannot_tell"
    assert world.first.verdict.reasons == ("No model is registered for this question yet.",)
    assert world.registry.aliases == {"buy_7d_cohort28d": "1"}
    found = decision(world, "run-1")
    assert (found["kind"], found["prediction_version"], found["challenger_version"]) == ("promoted", "1", "1")
    assert world.registry.pairs["buy_7d_cohort28d", "1"].trained_through == str(AS_OF - timedelta(days=7))


def test_the_list_is_the_cohort_ranked(after_first_run):
    audience = after_first_run.tables.query("SELECT * FROM {audience} ORDER BY rank")
    cohort = after_first_run.tables.query(
        f"SELECT user_id FROM {{features}} WHERE cutoff = DATE '{AS_OF}' AND recency <= 28"
    )
    assert set(audience["user_id"]) == set(cohort["user_id"])
    assert audience["rank"].tolist() == list(range(1, len(cohort) + 1))
    assert (audience["propensity"].diff().dropna() <= 0).all()
    first = audience.iloc[0]
    assert first["expected_actions"] == first["propensity"]
    assert audience["effect"].isna().all()  # of nobody yet
    assert first.drop(["user_id", "propensity", "expected_actions", "held_out", "reasons", "effect"]).to_dict() == {
        "question": "buy_7d_cohort28d", "action": "buy", "horizon_days": 7, "cutoff": AS_OF, "rank": 1, "decile": 1,
        "preprocessing_version": "1", "prediction_version": "1", "run_id": "run-1", "low_evidence": False,
        "percentile": 1, "band": "far above average", "starts_in_days": 0,
    }  # fmt: skip


def test_the_list_carries_the_reasons_of_the_predictions(after_first_run):
    predicted = after_first_run.rows("predictions").set_index("user_id")["reasons"]
    published = after_first_run.rows("audience").set_index("user_id")["reasons"]
    assert published.to_dict() == predicted[published.index].to_dict()
    told = published.dropna().str.split("; ")
    assert set(told.str.len()) == {1, 2, 3}
    assert told.explode().str.fullmatch(r"(buy|view|share|activity|value|different items|rhythm|trend of events|"
                                        r"history|weekends): .+ \((raises|lowers)\)").all()  # fmt: skip


def test_a_pair_is_registered_with_what_explains_it(after_first_run, world):
    notes = after_first_run.registry.pairs["buy_7d_cohort28d", "1"].notes
    assert notes.names == {"buy__": "buy", "share__": "share", "view__": "view"}
    newest = AS_OF - timedelta(days=14)  # the last cutoff learnt from before the holdout
    cohort = world.tables.query(f"SELECT * FROM {{features}} WHERE cutoff = DATE '{newest}' AND recency <= 28")
    for name in ("view__events_28", "tenure"):  # tenure grows from cutoff to cutoff: the newest alone is meant
        assert notes.typical[name] == cohort[name].median()
    retrained = world.retrain(run_id="run-2")
    assert retrained.importances.to_dict("records") == retrained.pair.notes.importances
    assert retrained.importances["mean"].is_monotonic_decreasing
    assert "\n  The models rest most on " in retrained.summary


def test_reasons_can_be_left_out_and_an_older_pair_has_none(world):
    scores = world.rows("predictions")["propensity"]
    world.predict(reasons=0)
    assert world.rows("predictions")["reasons"].isna().all()
    world.publish()
    free = world.rows("audience").query("not held_out")["user_id"]
    best = world.rows("predictions").set_index("user_id")["propensity"][free].max()
    head = world.publish().summary.partition("The ten likeliest who may be contacted:\n")[2]
    assert head.splitlines()[0].endswith(f"{best:.4f}")
    said, pairs = [], world.registry.pairs
    pairs["buy_7d_cohort28d", "1"] = replace(pairs["buy_7d_cohort28d", "1"], notes=PairNotes(definition=DEFINITION))
    predict.run(Context(asked(PredictConfig), world.tables, world.registry, said.append))
    assert said[-1] == "no reasons: this pair was registered without its typical user; the next one will have it"
    assert world.rows("predictions")["reasons"].isna().all()
    assert world.rows("predictions")["propensity"].tolist() == scores.tolist()
    said.clear()
    predict.run(Context(asked(PredictConfig, reasons=0), world.tables, world.registry, said.append))
    assert said == ["loading the pair", "scoring with preprocessing version 1, prediction version 1"]


def test_everybody_ever_seen_is_asked_about_listed_and_judged():
    table = log(users=150)
    away = {f"u{n}" for n in range(40)}  # who stay away for 60 days before as_of, and some for longer
    rows = zip(table["user_id"].to_pylist(), table["day"].to_pylist(), strict=True)
    world = World(table.filter(pa.array([user not in away or day < AS_OF - timedelta(days=60) for user, day in rows])))
    world.run(AS_OF, cohort_days="all")
    everybody = f"SELECT user_id FROM {{features}} WHERE cutoff = DATE '{AS_OF}'"
    assert set(world.rows("audience")["user_id"]) == set(world.tables.query(everybody)["user_id"])
    silent = world.tables.query(f"{everybody} AND recency > 28")
    assert len(silent) >= 40  # whom a cohort of 28 days leaves out
    assert set(world.rows("audience")["question"]) == {"buy_7d_cohortall"}
    scores = world.rows("audience").set_index("user_id")["propensity"]
    assert scores[list(away & set(scores.index))].mean() < 0.5 * scores.mean()
    world.run(NEXT, cohort_days="all", run_id="run-2")
    assert set(world.rows("outcomes")["question"]) == {"buy_7d_cohortall"}


def test_no_run_dies_of_one_user():
    """Ten years of a million events a day, worth more than any number holds: the list stays what it was."""
    heavy = [
        row("heavy", AS_OF - timedelta(days=n), kind, count=10**6, value=1.7e308, items=[f"i{n}"])
        for n in range(-7, 3650) for kind in ("view", "buy")
    ]  # fmt: skip
    world, usual = World(pa.concat_tables([log(), activity(*heavy)])), World(log())
    for one in (world, usual):
        one.run(AS_OF)
    scores, others = (one.rows("predictions").set_index("user_id")["propensity"] for one in (world, usual))
    assert scores["heavy"] > others.quantile(0.9)
    assert (scores.drop("heavy") - others).abs().max() < 0.1


def test_what_is_published_came_true(after_first_run):
    """The scores order the users by what they then did."""
    audience = after_first_run.tables.query("SELECT user_id, decile FROM {audience}")
    acted = after_first_run.tables.query(
        "SELECT DISTINCT user_id FROM {daily_activity} WHERE event_type = 'buy' "
        f"AND day >= DATE '{AS_OF}' AND day < DATE '{NEXT}'"
    )
    hit = audience["user_id"].isin(acted["user_id"])
    assert hit[audience["decile"] <= 2].mean() > 3 * hit[audience["decile"] >= 6].mean()


def test_a_week_later_the_models_hold_and_score_again(world):
    checked = world.run(NEXT, run_id="run-2")
    assert checked.verdict.answer == "good"
    assert checked.metrics["metric"].tolist() == [
        "log_loss", "auc", "average_precision", "normalised_ap", "base_rate_log_loss", "naive_log_loss",
        "skill_over_base_rate", "skill_over_naive", "skill_over_past_rate", "ratio", "calibration", "ece",
        "auc_kept", "ap_kept", "sharpness", "drifted_share", "unseen_share", "live_skill_over_base_rate",
        "live_calibration", "live_lists", "live_lists_above", "age_days",
    ]  # fmt: skip
    limits = checked.metrics.set_index("metric")["threshold"].dropna().to_dict()
    assert limits == {
        "skill_over_base_rate": 0, "skill_over_naive": 0, "calibration": 0.25, "ece": 0.05, "auc_kept": -0.03,
        "ap_kept": -0.1, "drifted_share": 0.3, "unseen_share": 0.2, "age_days": 365,
        "live_skill_over_base_rate": 0, "live_calibration": 0.25,
    }  # fmt: skip
    assert (decision(world, "run-2")["kind"], len(world.registry.pairs)) == ("kept", 1)
    assert set(world.rows("audience")["cutoff"]) == {NEXT}  # the current list only
    assert set(world.rows("predictions")["cutoff"]) == {AS_OF, NEXT}


def test_running_the_same_day_again_leaves_the_same_rows(world, after_first_run):
    checked = world.run(AS_OF, run_id="run-2")
    assert checked.verdict.answer == "good"
    (reason,) = checked.verdict.reasons
    assert reason == (
        "Version 1 has learnt through 2024-04-19: nothing newer has matured, "
        "and it was promoted on the evidence before."
    )
    assert world.differs(after_first_run, ("features", "predictions", "audience")) == []
    assert (len(world.registry.pairs), decision(world, "run-2")["kind"]) == (1, "kept")


def test_running_the_same_run_again_leaves_no_twins(world, after_first_run):
    world.run(AS_OF)
    world.run(AS_OF)
    assert [len(world.rows(name)) for name in EVERYTHING] == [len(after_first_run.rows(name)) for name in EVERYTHING]


def test_two_homes_with_the_same_log_hold_the_same(after_first_run):
    table = log()
    shuffled = World(table.take(pa.array(np.random.default_rng(0).permutation(len(table)))))
    shuffled.run(AS_OF)
    assert shuffled.differs(after_first_run, EVERYTHING) == []


def test_what_happens_after_as_of_changes_nothing(after_first_run):
    whole = log()
    truncated = World(whole.filter(pc.less(whole["known_day"], pa.scalar(AS_OF))))
    truncated.run(AS_OF)
    planted = [
        row("u1", AS_OF, "buy", count=1000, value=1e6),  # on the day itself
        row("u2", AS_OF + timedelta(days=3), "never seen", count=1000),
        row("u3", AS_OF - timedelta(days=3), "buy", count=1000, known=AS_OF),  # before, and not known by then
        row("u4", AS_OF - timedelta(days=40), "view", count=1000, known=AS_OF + timedelta(days=9)),
        row("new", AS_OF - timedelta(days=9), "view", known=AS_OF),
    ]
    more = World(pa.concat_tables([whole, activity(*planted)]))
    more.run(AS_OF)
    assert truncated.differs(after_first_run, EVERYTHING) == []
    assert more.differs(after_first_run, EVERYTHING) == []


def test_two_questions_side_by_side_leave_each_other_alone(world, after_first_run):
    share = {"action": "share,view", "horizon_days": 14, "run_id": "run-2"}
    assert world.run(AS_OF, **share).verdict.answer == "cannot_tell"  # the other question's model is none for this one
    assert world.differs(after_first_run, EVERYTHING[1:], BUY) == []
    assert set(world.registry.aliases.values()) == {"1"}
    assert set(world.rows("audience")["action"]) == {"buy", "share,view"}
    before = world.copy()
    world.run(AS_OF, run_id="run-3")  # and the first one again: the second stays
    assert world.differs(before, EVERYTHING[1:], f"NOT ({BUY})") == []
    assert world.differs(before, ("predictions", "audience")) == []


@pytest.fixture(scope="module")
def before_the_drift():
    """A home after its first run, whose users will soon buy far more."""
    world = World(log(drift=DRIFT))
    world.run(AS_OF)
    return world


def test_after_a_change_of_behaviour_the_model_is_replaced(before_the_drift):
    drifted = before_the_drift.copy()
    old = drifted.registry.pairs["buy_7d_cohort28d", "1"]
    checked = drifted.run(NEXT, run_id="run-2")
    assert checked.verdict.answer == "bad"
    assert any(reason.startswith("Expected and observed actions differ") for reason in checked.verdict.reasons)
    found = decision(drifted, "run-2")
    assert (found["kind"], found["prediction_version"]) == ("promoted", "2")
    assert found["why"].startswith("New models are needed, and the challenger is not shown to be bad")
    assert drifted.registry.aliases == {"buy_7d_cohort28d": "2"}
    assert set(drifted.rows("audience")["prediction_version"]) == {"2"}
    features = drifted.tables.query(f"SELECT * FROM {{features}} WHERE cutoff = DATE '{NEXT}' AND recency <= 28")
    truth = drifted.tables.query(
        f"SELECT DISTINCT user_id FROM {{daily_activity}} WHERE event_type = 'buy' AND day >= DATE '{NEXT}' "
        f"AND day < DATE '{NEXT + timedelta(days=7)}'"
    )
    rate = features["user_id"].isin(truth["user_id"]).mean()
    means = drifted.rows("audience")["propensity"].mean(), old.score(features).mean()
    assert abs(means[0] - rate) < 0.1 < abs(means[1] - rate)


def test_where_no_usable_model_is_left_everything_stays(before_the_drift, monkeypatch):
    drifted = before_the_drift.copy()
    drifted.extract(NEXT)
    drifted.train(run_id="run-2")
    before = drifted.copy()
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(False, False, "The challenger is bad."))
    with pytest.raises(NotPromoted, match=r"Version 2 was registered and not promoted: The challenger is bad\. No"):
        drifted.retrain(run_id="run-2")
    assert drifted.differs(before, [name for name in EVERYTHING if name != "decisions"]) == []
    told = decision(drifted, "run-2")
    assert (told["kind"], told["prediction_version"], told["challenger_version"]) == ("rejected", "1", "2")
    assert drifted.registry.aliases == {"buy_7d_cohort28d": "1"}
    assert ("buy_7d_cohort28d", "2") in drifted.registry.pairs  # registered, to be looked at


def test_a_pair_that_holds_and_is_due_for_a_new_fit_goes_on_where_the_challenger_is_bad(world, monkeypatch):
    key = ("buy_7d_cohort28d", "1")
    pair = world.registry.pairs[key]
    world.registry.pairs[key] = replace(pair, notes=replace(pair.notes, adapts=pair.trained_through))
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(False, False, "The challenger is bad."))
    checked = world.run(NEXT, run_id="run-2")
    assert (checked.verdict.answer, checked.retrain_needed) == ("good", True)
    assert checked.summary.startswith(
        "Verdict: good, the registered models hold, and so much was learnt since that new"
    )
    assert set(world.rows("model_checks", "as_of = DATE '" + str(NEXT) + "'")["retrain_needed"]) == {True}
    told = decision(world, "run-2")
    assert (told["kind"], told["prediction_version"], told["challenger_version"]) == ("rejected", "1", "2")
    assert set(world.rows("audience")["cutoff"]) == {NEXT}
    assert set(world.rows("audience")["prediction_version"]) == {"1"}


def test_a_first_model_worse_than_the_base_rate_is_not_used(monkeypatch):
    world = World(log())
    world.extract(AS_OF)
    world.train()
    monkeypatch.setattr(
        comparison, "decide_promotion", lambda *_: Choice(False, True, "First model, worse than the base rate.")
    )
    with pytest.raises(NotPromoted, match="worse than the base rate"):
        world.retrain()
    assert world.registry.aliases == {}
    told = decision(world, "run-1")
    assert (told["kind"], told["prediction_version"], told["challenger_version"]) == ("rejected", None, "1")
    with pytest.raises(ModelError, match="No model is in use for buy within 7 days"):
        world.predict(run_id="run-1")


def test_a_challenger_of_a_champion_that_holds_may_be_rejected(world, monkeypatch):
    world.extract(NEXT)
    world.train(run_id="run-2")
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(False, True, "Not shown to be better."))
    assert world.retrain(run_id="run-2").promoted is False
    found = decision(world, "run-2")
    assert (found["kind"], found["prediction_version"], found["challenger_version"]) == ("rejected", "1", "2")
    assert not found["low_evidence"]  # the champion's, not the challenger's
    world.predict(run_id="run-2")
    world.publish(run_id="run-2")
    assert set(world.rows("audience")["prediction_version"]) == {"1"}
    assert not world.rows("audience")["low_evidence"].any()


def test_the_trials_and_plots_of_a_rejected_pair_are_recorded_too(world, monkeypatch):
    kept, register = [], world.registry.register
    monkeypatch.setattr(world.registry, "register", lambda *args: kept.append(args[-1]) or register(*args))
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(False, True, "Not shown to be better."))
    world.extract(NEXT)
    world.train(run_id="run-2")
    retrained = world.retrain(run_id="run-2")
    (evidence,) = kept
    assert evidence.kind == "rejected"
    assert [trial.number for trial in evidence.trials] == [0, 1]
    assert sorted(evidence.plots) == sorted(retrained.plots) == ["history", "importances", "slices"]
    assert retrained.trials.columns.tolist()[:4] == ["trial", "log_loss", "pruned", "seconds"]
    assert "  2 trials, 0 pruned, " in retrained.summary


def test_a_champion_of_an_earlier_day_is_a_start_of_the_search_and_one_of_this_day_is_not(world, monkeypatch):
    known, search = [], challenger.search
    monkeypatch.setattr(challenger, "search", lambda *args: known.append(args[4]) or search(*args))
    champion = world.registry.pairs["buy_7d_cohort28d", "1"]
    world.retrain(run_id="run-2")  # the same day again
    world.extract(NEXT)
    world.retrain(run_id="run-3")
    assert known == [None, champion.params]


def killed(*_):
    raise KeyboardInterrupt


def test_a_kill_before_the_alias_moves_leaves_the_champion_and_the_list(world, after_first_run, monkeypatch):
    world.extract(NEXT)
    world.train(run_id="run-2")
    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "promote", killed)
        patch.setattr(comparison, "decide_promotion", lambda *_: Choice(True, False, "Better."))
        with pytest.raises(KeyboardInterrupt):
            world.retrain(run_id="run-2")
    assert world.registry.aliases == {"buy_7d_cohort28d": "1"}
    assert world.differs(after_first_run, ("predictions", "audience")) == []
    assert world.run(NEXT, run_id="run-3").verdict.answer == "good"
    assert set(world.rows("audience")["prediction_version"]) == {"1"}


def test_predict_follows_the_decision_of_its_run(world):
    pair = world.registry.pairs["buy_7d_cohort28d", "1"]
    world.registry.register(QUESTION, pair, pd.DataFrame(), EVIDENCE)
    world.registry.promote(QUESTION, "2", AS_OF)
    for run_id, version in (("run-1", "1"), ("run-9", "2"), ("", "2")):  # run-1 decided on 1, the others on nothing
        world.predict(run_id=run_id)
        assert set(world.rows("predictions")["prediction_version"]) == {version}


def test_another_run_s_newer_version_changes_nothing(world):
    """The highest version is nobody's decision: what counts is this run's, and else the alias."""
    world.extract(NEXT)
    world.train(run_id="run-2")
    pair = world.registry.pairs["buy_7d_cohort28d", "1"]
    worse = replace(pair, prediction=DummyClassifier().fit(np.zeros((2, 1)), [0, 1]))
    world.registry.register(QUESTION, worse, pd.DataFrame(), EVIDENCE)  # by a run that was killed, or rejected it
    for run_id in ("run-2", "run-9", ""):
        world.predict(run_id=run_id)
        assert set(world.rows("predictions", f"cutoff = DATE '{NEXT}'")["prediction_version"]) == {"1"}
    world.publish(run_id="run-2")
    assert set(world.rows("audience")["prediction_version"]) == {"1"}


def own(X, y, columns):
    """Somebody's own models, fitted on rows that hold the holdout too."""
    whole = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=0.01))]).fit(X[columns], y)
    return OwnModels.of("runs:/abc/own", whole.steps[:-1], whole.steps[-1][1])


@pytest.fixture
def challenged(world):
    """A week later, with somebody's own models at hand."""
    world.extract(NEXT)
    features = world.tables.query(f"SELECT * FROM {{features}} WHERE cutoff = DATE '{AS_OF}'").fillna(0.0)
    columns = ["recency", "events_28", "buy__events_90", "buy__recency"]
    world.registry.own_models["runs:/abc/own"] = own(features, features["recency"] < 10, columns)
    return world


@pytest.mark.parametrize("better", [True, False])
def test_own_models_compete_whatever_the_verdict_by_the_same_rule(challenged, monkeypatch, better):
    world, seen = challenged, []
    monkeypatch.setattr(challenger, "search", lambda *_, **__: pytest.fail("nothing is to be searched"))
    compare = comparison.decide_promotion
    said = Choice(better, False, "So.")
    monkeypatch.setattr(comparison, "decide_promotion", lambda *asked: seen.append(compare(*asked)) or said)
    checked = world.train(run_id="run-2", challenger="runs:/abc/own")
    assert (checked.verdict.answer, checked.retrain_needed) == ("good", True)
    retrained = world.retrain(run_id="run-2", challenger="runs:/abc/own")
    assert "than that of the models in use; the probability that" in seen[0].why  # on the same holdout rows
    assert retrained.pair.columns == ("recency", "events_28", "buy__events_90", "buy__recency")
    assert retrained.pair.params["challenger"] == "runs:/abc/own"
    newest, last = str(AS_OF), str(AS_OF - timedelta(days=7))
    assert retrained.pair.trained_through == (newest if better else last)  # refitted through the holdout, or never
    found = decision(world, "run-2")
    assert (found["kind"], found["prediction_version"], found["challenger_version"]) == (
        ("promoted", "2", "2") if better else ("rejected", "1", "2")
    )
    assert "  0 trials, 0 pruned, 0 s, on " in retrained.summary
    assert " rows; family own, challenger runs:/abc/own" in retrained.summary
    world.predict(run_id="run-2")
    world.publish(run_id="run-2")
    assert set(world.rows("audience")["prediction_version"]) == {"2" if better else "1"}


def test_without_a_challenger_a_good_verdict_asks_for_nothing(challenged):
    assert not challenged.train(run_id="run-2").retrain_needed


def test_a_version_whose_event_types_are_pooled_now_is_named_and_replaced(world):
    """Its columns would count as 0 although their events go on: the probabilities would be wrong without a word."""
    world.extract(NEXT, max_event_types=1)  # one of the other types is pooled from now on
    pooled = json.loads(world.tables.get_property("features", f"{EXTRACTION}.buy_7d_cohort28d"))["pooled"]
    (kind,) = pooled
    with pytest.raises(ModelError, match=f"Version 1 reads {kind}__events_7 and 9 more columns, no longer computed"):
        world.predict(run_id="run-2")
    checked = world.train(run_id="run-2")
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons[0].endswith("Raise max_event_types, or run retrain.")
    world.run(NEXT, run_id="run-3", max_event_types=1)  # older cutoffs still know the type: it is not learnt from
    assert not any(name.startswith(f"{kind}__") for name in world.registry.pairs["buy_7d_cohort28d", "2"].columns)
    assert world.registry.aliases == {"buy_7d_cohort28d": "2"}
    assert set(world.rows("audience")["prediction_version"]) == {"2"}


@pytest.fixture(scope="module")
def turned():
    """Whether they will buy, and whether they will not: one cohort, each judged by a job of its own."""
    worlds = {}
    for without in ("false", "true"):
        asked_of = {"without": without, "cohort_where": "active_days(28) > 0", "min_positives": "20"}
        worlds[without] = World(log())
        for day in (AS_OF, NEXT):
            worlds[without].run(day, **asked_of)
    return worlds["false"], worlds["true"]


def test_a_question_and_its_opposite_get_the_same_verdict(turned):
    checks = [world.rows("model_checks").set_index(["as_of", "metric"]) for world in turned]
    for column in ("measured", "low", "high"):
        measured = [each[column].dropna().drop("age_days", level=1, errors="ignore") for each in checks]
        assert_series_equal(*measured, rtol=1e-4, atol=1e-4)
    assert checks[0]["answer"].tolist() == checks[1]["answer"].tolist()
    kinds = [world.rows("decisions")["kind"].tolist() for world in turned]
    assert kinds[0] == kinds[1]


def test_the_opposite_list_stands_on_its_head(turned):
    lists = [world.rows("audience").set_index("user_id") for world in turned]
    assert len(lists[0]) == len(lists[1]) > 100
    sums = lists[0]["propensity"] + lists[1]["propensity"].reindex(lists[0].index)
    assert sums.to_numpy() == pytest.approx(1.0, abs=1e-4)
    outcomes = [world.rows("outcomes").query("part == 'all'").iloc[0] for world in turned]
    assert outcomes[0]["observed"] + outcomes[1]["observed"] == outcomes[0]["users"] == outcomes[1]["users"]
    assert outcomes[0]["word"] == outcomes[1]["word"]
    assert outcomes[0]["expected"] + outcomes[1]["expected"] == pytest.approx(outcomes[0]["users"], rel=1e-4)
