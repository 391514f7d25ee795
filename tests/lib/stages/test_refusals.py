"""What stops a run or a stage, with which words, and that the published list then stays."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.config.question import Question
from lib.errors import ConfigError, ModelError, NotEnoughHistory, OneClass, PublishRefused
from lib.evaluation.promotion import Choice
from lib.training import comparison
from tests.builders.runs import AS_OF, NEXT, World, activity, log, row

QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
BUY = QUESTION.slug


def everybody_and_nobody():
    """A log in which everybody opens every day and one user, once and long ago, won."""
    rows = [row(f"u{user}", AS_OF - timedelta(days=n), "open") for user in range(30) for n in range(1, 100)]
    return activity(*rows, row("u0", AS_OF - timedelta(days=99), "win"))


@pytest.mark.parametrize("stage", ["train", "retrain", "predict", "publish"])
def test_a_stage_without_an_extraction_says_what_to_run(stage):
    with pytest.raises(NotEnoughHistory, match=r"No features have been extracted in this schema. Run extract_features"):
        getattr(World(), stage)()


@pytest.mark.parametrize("stage", ["train", "retrain", "predict", "publish"])
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"action": "share"},
            "was for buy_7d_cohort28d as of 2024-04-26, this stage asks for share_7d_cohort28d as of",
        ),
        (
            {"horizon_days": 8},
            "this stage asks for buy_8d_cohort28d as of 2024-04-26. Run extract_features with the same",
        ),
        ({"cohort_days": 29}, "this stage asks for buy_7d_cohort29d as of 2024-04-26"),
        ({"as_of": NEXT}, "was for buy_7d_cohort28d as of 2024-04-26, this stage asks for .* as of 2024-05-03"),
        ({"resolved_as_of": NEXT}, "this stage asks for buy_7d_cohort28d as of 2024-05-03"),
    ],
)
def test_a_stage_refuses_what_was_extracted_for_something_else(world, stage, asked, message):
    before = world.copy()
    with pytest.raises(NotEnoughHistory, match=message):
        getattr(world, stage)(**asked)
    assert world.differs(before, ["model_checks", "decisions", "predictions", "audience"]) == []


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("open", r"Of 30 users at 1 training cutoffs, 30 did open: with one class only nothing can be learnt"),
        ("win", r"Of 30 users at 1 training cutoffs, 0 did win: .* Choose an action that some do and some do not"),
    ],
)
def test_an_action_of_everybody_or_nobody_stops_the_run(action, message):
    world = World(everybody_and_nobody())
    world.extract(AS_OF, action=action, max_cutoffs=3)
    assert world.train(action=action).verdict.retrain_needed
    with pytest.raises(OneClass, match=message):
        world.retrain(action=action)
    assert world.registry.pairs == {}


def test_a_holdout_of_one_class_stops_the_run():
    quiet = log()
    kept = [not (kind == "buy" and day >= AS_OF - timedelta(days=7)) for kind, day in zip(
        quiet["event_type"].to_pylist(), quiet["day"].to_pylist(), strict=True)]  # fmt: skip
    world = World(quiet.filter(pa.array(kept)))
    world.extract(AS_OF, max_cutoffs=1)  # no older cutoff can be judged on as well
    with pytest.raises(OneClass, match=r"Of \d+ users at the holdout 2024-04-19, 0 did buy"):
        world.retrain()


def test_a_champion_that_nobody_can_be_found_for_cannot_be_told_to_hold(world):
    world.extract(NEXT)
    world.tables.delete("features", f"cutoff = DATE '{AS_OF}'")  # as after a day on which nobody came
    checked = world.train(run_id="run-2", min_positives=1)
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons[0].endswith("cannot be measured on 0 rows with 0 positives.")


def test_a_champion_that_cannot_be_loaded_is_replaced_and_never_good(world):
    del world.registry.pairs[BUY, "1"]
    checked = world.run(NEXT, run_id="run-2")
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons == (f"Version 1 of {BUY} is not registered. Promote one that is.",)
    why = world.tables.query("SELECT why FROM {decisions} WHERE run_id = 'run-2'")["why"].iloc[0]
    assert why.startswith("First model, promoted")


def test_a_registry_that_is_down_stops_every_stage_that_needs_it(world, monkeypatch):
    def down(*_):
        raise ConnectionError("the registry is down")

    world.extract(NEXT)
    before = world.copy()
    monkeypatch.setattr(world.registry, "champion", down)
    for stage in (world.train, world.retrain, world.predict):
        with pytest.raises(ConnectionError, match="the registry is down"):
            stage(run_id="run-2")
    assert world.differs(before, ["model_checks", "decisions", "predictions", "audience"]) == []


def test_predicting_without_a_model_says_what_to_run():
    world = World(log())
    world.extract(AS_OF)
    with pytest.raises(ModelError, match=r"No model is in use for buy within 7 days, .* Run retrain first"):
        world.predict()


def test_publishing_without_scores_says_what_to_run():
    world = World(log())
    world.extract(AS_OF)
    with pytest.raises(ModelError, match=r"Nothing has been scored in this schema. Run predict first"):
        world.publish()


@pytest.fixture(scope="module")
def scored(after_first_run):
    """A home with the next week's scores, not yet published."""
    world = after_first_run.copy()
    world.extract(NEXT)
    world.train(run_id="run-2")
    world.predict(run_id="run-2")
    return world


def spoilt(scored, change):
    """The same with scores changed by a function."""
    world = scored.copy()
    scores = world.tables.query(f"SELECT * FROM {{predictions}} WHERE cutoff = DATE '{NEXT}'")
    world.tables.replace("predictions", change(scores), f"cutoff = DATE '{NEXT}'")
    return world


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.iloc[:0], r"The predictions hold 0 users and the cohort \d+\. Run predict again"),
        (lambda p: p.iloc[1:], r"The predictions hold 247 users and the cohort 248"),
        (lambda p: pd.concat([p.iloc[1:], p.iloc[1:2]]), "1 users stand twice in the predictions"),
        (lambda p: p.assign(propensity=np.where(p.index == 3, np.nan, 0.5)), "1 propensities are not between 0 and 1"),
        (lambda p: p.assign(prediction_version="7"), "come from prediction_version 7, this run decided on 1"),
        (
            lambda p: p.assign(preprocessing_version=np.where(p.index == 3, "7", "1")),
            "preprocessing_version 1, 7, this",
        ),
    ],
)
def test_a_spoilt_list_is_refused_and_the_published_one_stays(scored, change, message):
    world = spoilt(scored, change)
    with pytest.raises(PublishRefused, match=message):
        world.publish(run_id="run-2")
    assert world.differs(scored, ["audience"]) == []


def test_by_hand_a_list_follows_the_one_pair_that_scored_it(scored):
    world = spoilt(scored, lambda p: p.assign(prediction_version="7"))
    for noted in (world.registry.pairs, world.registry.tags, world.registry.intervals):
        noted["buy_7d_cohort28d", "7"] = noted["buy_7d_cohort28d", "1"]
    world.publish(run_id="")  # no run decided on a version
    assert set(world.rows("audience")["prediction_version"]) == {"7"}
    for change in (lambda p: p.assign(prediction_version=np.where(p.index == 3, "7", "1")), lambda p: p.iloc[:0]):
        with pytest.raises(PublishRefused, match=r"come from prediction_version 1, 7, this run|hold 0 users and the"):
            spoilt(scored, change).publish(run_id="")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_list_is_exported_beside_the_table(world, tmp_path, ending):
    target = tmp_path / "new" / f"list.{ending}"
    world.publish(export=target)
    exported = pd.read_csv(target) if ending == "csv" else pd.read_parquet(target)
    listed = world.tables.query("SELECT * FROM {audience} WHERE NOT held_out ORDER BY rank")
    assert exported["user_id"].tolist() == listed["user_id"].tolist()
    assert np.allclose(exported["propensity"], listed["propensity"], rtol=0, atol=1e-12)
    beside = f"list.control.{ending}"
    assert sorted(path.name for path in target.parent.iterdir()) == sorted([target.name, beside])  # no draft is left


def test_an_export_that_cannot_be_written_is_refused_before_the_list_changes(world, tmp_path):
    world.run(NEXT, run_id="run-2")
    world.extract(AS_OF)
    (tmp_path / "file").write_text("not a folder")
    before = world.copy()
    with pytest.raises(PublishRefused, match=r".*list.csv cannot be written: .* The published list stays"):
        world.publish(run_id="run-1", replace_newer="true", export=tmp_path / "file" / "list.csv")
    assert world.differs(before, ["audience"]) == []


def test_low_evidence_stays_with_a_pair_while_it_is_in_use(monkeypatch):
    world = World(log())
    world.extract(AS_OF)
    world.train()
    monkeypatch.setattr(
        comparison, "decide_promotion", lambda *_: Choice(True, True, "First model, promoted, low evidence.")
    )
    world.retrain()
    for run_id, as_of in (("run-1", AS_OF), ("", AS_OF), ("", AS_OF), ("run-2", NEXT)):
        world.extract(as_of)
        world.train(run_id=run_id)  # the same run again: a repair
        world.predict(run_id=run_id)
        assert world.publish(run_id=run_id).summary.startswith(
            f"Published: {247 + (as_of == NEXT)} users as of {as_of}, low"
        )
        assert world.rows("audience")["low_evidence"].all()


def test_a_verdict_that_was_recorded_stands_until_newer_labels_have_matured(world):
    world.run(NEXT, run_id="run-2")
    again = world.run(NEXT, run_id="run-3")  # judged on the same holdout, not from the record
    assert again.metrics["measured"].notna().all()
    later = replace(world.registry.pairs[BUY, "1"], trained_through=AS_OF.isoformat())
    world.registry.pairs[BUY, "1"] = later  # as if it had learnt through the holdout
    recorded = world.train(run_id="run-4")
    assert recorded.verdict.answer == "good"
    assert recorded.verdict.reasons[0].endswith("its recorded verdict, good, stands.")
    assert recorded.metrics["metric"].tolist() == [None]


def test_a_pair_that_cannot_be_read_again_never_comes_into_use(world, monkeypatch):
    load, before = world.registry.load, world.copy()

    def broken(question, version):
        if version == "2":
            raise ModelError("Version 2 cannot be loaded.")
        return load(question, version)

    monkeypatch.setattr(world.registry, "load", broken)
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(True, False, "Better."))
    with pytest.raises(ModelError, match=r"^Version 2 cannot be loaded\.$"):
        world.retrain(run_id="run-2")
    assert world.registry.aliases == {BUY: "1"}
    assert world.differs(before, ["decisions"]) == []


def test_tables_in_memory_refuse_a_search_on_spark(world):
    with pytest.raises(ConfigError, match=r"search_on is spark, and these tables are in memory, without Spark\. Set"):
        world.retrain(search_on="spark")
