"""The pair in use, judged: what cannot be told never passes, every verdict is written down, small logs get a list."""

import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.config.question import Question
from lib.config.stages import RetrainConfig
from lib.errors import ModelError, OneClass
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality
from lib.evaluation.verdict import Check, Verdict
from lib.features.extraction import read_extraction
from lib.features.vocabulary import DEFINITION
from lib.models.notes import PairNotes
from lib.registry.mlflow_registry import MlflowRegistry
from lib.stages import champion, standing
from lib.stages.champion import read_labelled
from lib.training import comparison
from tests.builders.runs import AS_OF, NEXT, World, ago, asked, log

WRITTEN = ["model_checks", "decisions", "predictions", "audience"]
BUY = Question(actions=("buy",), horizon_days=7, cohort_days=28).slug


def boom(*_):
    raise ZeroDivisionError("boom")


class Answering:
    """A prediction model that gives everybody the same."""

    classes_ = np.array([0, 1])

    def __init__(self, p):
        self.p = p

    def predict_proba(self, X):
        return np.tile([1 - self.p, self.p], (len(X), 1))


def with_champion(world, **changes):
    """The same home, whose champion has something changed."""
    world.registry.pairs[BUY, "1"] = replace(world.registry.pairs[BUY, "1"], **changes)
    return world


def kept(table, keep):
    """The rows of a log that a condition on type and day keeps."""
    pairs = zip(table["event_type"].to_pylist(), table["day"].to_pylist(), strict=True)
    return table.filter(pa.array([keep(kind, day) for kind, day in pairs]))


def test_a_verdict_rests_on_labels_inputs_and_age(world):
    world.extract(NEXT)
    checked = world.train(run_id="run-2")
    found = checked.metrics.set_index("metric")["measured"]
    assert checked.verdict.answer == "good", checked.verdict.reasons
    assert found[["drifted_share", "unseen_share", "age_days"]].tolist() == [0, 0, 7]
    assert checked.drift.columns.tolist() == ["feature", "psi", "low", "high", "drifted"]
    assert set(checked.drift["feature"]) == set(world.registry.pairs[BUY, "1"].notes.reference["columns"])
    assert not {"tenure", "events_all", "covered_90", "expected"} & set(checked.drift["feature"])


def test_a_verdict_that_stands_is_none_that_was_found_later(world):
    world.extract(NEXT)
    world.train(run_id="run-2")
    pair = world.registry.pairs[BUY, "1"]
    question = asked(RetrainConfig).question
    days = NEXT - timedelta(days=1), NEXT
    for run_id, stands in (("run-3", True), ("", True), ("run-2", False)):  # its own, from before a kill, is none
        before, then = (
            standing.recorded_verdict(world.tables, question, pair, AS_OF, day, run_id).reasons[0] for day in days
        )
        assert before.endswith(", and it was promoted on the evidence before.")
        assert then.endswith("; its recorded verdict, good, stands." if stands else "on the evidence before.")


def test_where_nothing_can_be_measured_no_labelled_row_is_read(world, monkeypatch):
    """With a pair that has learnt from the newest matured cutoff, as when a day is run again; and without one."""
    monkeypatch.setattr(champion, "_read_rows", boom)

    again = world.train(run_id="run-2")
    world.registry.aliases.clear()
    first = world.train(run_id="run-3")

    assert again.verdict.reasons[0].endswith(": nothing newer has matured, and it was promoted on the evidence before.")
    assert first.verdict.reasons == ("No model is registered for this question yet.",)


def test_a_pair_that_no_decision_of_this_schema_names_does_not_hold_before_it_is_judged_here(world):
    """As one that somebody copied from another schema: what it was worth there is no evidence."""
    own = world.registry.pairs[BUY, "1"]
    world.registry.pairs[BUY, "9"] = replace(own, preprocessing_version="9", prediction_version="9")
    world.registry.tags[BUY, "9"] = dict(world.registry.tags[BUY, "1"])
    world.registry.aliases[BUY] = "9"

    checked = world.train(run_id="run-2")

    why = "Version 9 has learnt through 2024-04-19: nothing newer has matured, and no decision of this schema names it."
    assert checked.verdict == Verdict("cannot_tell", (why,))
    assert world.retrain(run_id="run-2").promoted  # it is defended by nothing


def test_what_breaks_while_judging_is_named_and_never_passes(world, monkeypatch):
    world.extract(NEXT)
    with monkeypatch.context() as patch:
        patch.setattr(comparison, "measure_pair", boom)
        checked = world.train(run_id="run-2")
    assert checked.verdict == Verdict("cannot_tell", ("Judging broke off: ZeroDivisionError: boom",))
    assert checked.verdict.retrain_needed
    (row,) = world.tables.query("SELECT * FROM {model_checks} WHERE run_id = 'run-2'").to_dict("records")
    assert (row["answer"], row["retrain_needed"], row["prediction_version"]) == ("cannot_tell", True, "1")
    assert row["reasons"] == checked.verdict.reasons[0]
    assert world.retrain(run_id="run-2").promoted  # not defended like a champion that holds


def test_where_retrain_then_makes_no_model_either_the_list_stays(world, monkeypatch):
    world.extract(NEXT)
    before = world.copy()
    monkeypatch.setattr(comparison, "measure_pair", boom)
    assert world.train(run_id="run-2").verdict.answer == "cannot_tell"
    with pytest.raises(ZeroDivisionError, match="boom"):
        world.retrain(run_id="run-2")
    assert world.differs(before, WRITTEN[1:]) == []
    assert world.registry.aliases == {BUY: "1"}


def test_a_holdout_of_one_class_cannot_tell_and_stops_the_run_with_the_list_untouched(after_first_run):
    world = World(kept(log(), lambda kind, day: not (kind == "buy" and day >= AS_OF)))
    world.tables.stored |= {name: after_first_run.tables.stored[name] for name in WRITTEN}
    world.registry = after_first_run.copy().registry
    world.extract(NEXT, max_cutoffs=1)  # with fewer training cutoffs none older is left to judge on as well
    before = world.copy()
    checked = world.train(run_id="run-2", min_positives=1)
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons[0].endswith("cannot be measured on 247 rows with 0 positives.")
    with pytest.raises(OneClass, match="0 did buy: with one class only nothing can be learnt or judged"):
        world.retrain(run_id="run-2", min_positives=1)
    assert world.differs(before, WRITTEN[1:]) == []


@pytest.mark.parametrize("noted", [{}, {"intervals": {}}])
def test_a_pair_of_which_no_reference_was_kept_cannot_be_told_to_hold(world, noted):
    notes = PairNotes.from_json(noted | {"definition": DEFINITION})
    with_champion(world, notes=notes).extract(NEXT)
    checked = world.train(run_id="run-2")
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons[0].startswith("drifted_share, unseen_share cannot be measured on")


def test_a_cohort_of_nobody_cannot_be_compared(world):
    world.extract(NEXT)
    world.tables.delete("features", f"cutoff = DATE '{NEXT}'")
    checked = world.train(run_id="run-2")
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons[0].startswith("drifted_share, unseen_share cannot be measured on")
    assert checked.drift.empty


def test_a_pair_registered_without_average_precision_cannot_be_told_to_hold(world):
    old = world.registry.pairs[BUY, "1"]
    with_champion(world, metrics={"auc": old.metrics["auc"]}).extract(NEXT)
    assert world.train(run_id="run-2").verdict.reasons[0].startswith("ap_kept cannot be measured on")


def test_a_pair_that_has_aged_is_bad(world):
    world.extract(NEXT)
    assert world.train(run_id="run-2", max_age_days=7).verdict.answer == "good"
    checked = world.train(run_id="run-2", max_age_days=6)
    assert checked.verdict == Verdict(
        "bad", ("The last label that the pair learnt from is 7 days old; at most 6 is allowed.",)
    )


@pytest.mark.parametrize("p", [0.5, 0.23])
def test_a_constant_is_bad_however_it_got_into_use(world, p):
    with_champion(world, prediction=Answering(p)).extract(NEXT)
    checked = world.train(run_id="run-2")
    assert checked.verdict.answer == "bad"
    assert checked.verdict.reasons[0].startswith("The scores save -")


ANOTHER = (
    f"Version 1 has learnt from features of definition 3, and definition {DEFINITION} is computed now: columns of the "
    "same name may mean something else. Promote another version, or run retrain."
)


@pytest.mark.parametrize("noted", [{}, {"definition": "3"}], ids=["of before they were noted", "of another one"])
def test_a_pair_of_another_definition_is_never_scored_and_costs_one_retrain(world, noted):
    with_champion(world, notes=PairNotes.from_json(noted))
    checked = world.run(NEXT, run_id="run-2")
    assert checked.verdict == Verdict("cannot_tell", (ANOTHER,))
    assert set(world.rows("audience")["prediction_version"]) == {"2"}
    assert world.registry.pairs[BUY, "2"].notes.definition == DEFINITION
    assert world.run(NEXT + timedelta(days=7), run_id="run-3").verdict.answer == "good"


def test_a_pair_of_another_definition_scores_nobody_where_no_check_was_made(world):
    with_champion(world, notes=PairNotes()).extract(NEXT)
    with pytest.raises(ModelError, match=re.escape(ANOTHER)):
        world.predict(run_id="")


def test_a_champion_that_cannot_score_takes_no_part_and_is_replaced(world):
    with_champion(world, prediction=Answering(np.nan))
    checked = world.run(NEXT, run_id="run-2")
    assert checked.verdict.answer == "cannot_tell"
    assert checked.verdict.reasons[0].endswith("propensities are not probabilities between 0 and 1.")
    assert world.registry.aliases == {BUY: "2"}
    assert set(world.rows("audience")["prediction_version"]) == {"2"}


def test_every_verdict_is_recorded(world):
    ((question, first),) = world.registry.checks
    assert (question, first.version, first.verdict.answer, first.quality) == (BUY, "", "cannot_tell", None)
    assert (first.as_of, first.holdout, first.run_id) == (AS_OF, AS_OF - timedelta(days=7), "run-1")
    assert first.drift.empty
    checked = world.run(NEXT, run_id="run-2")
    _, second = world.registry.checks[-1]
    assert (second.version, second.verdict, second.run_id) == ("1", checked.verdict, "run-2")
    assert second.quality.plain == checked.metrics.set_index("metric")["measured"].to_dict()
    assert second.drift.equals(checked.drift)


def test_a_verdict_that_cannot_be_recorded_passes_nothing_and_its_rows_stay(world, monkeypatch):
    world.extract(NEXT)
    before = world.copy()
    monkeypatch.setattr(world.registry, "record_check", boom)
    with pytest.raises(ZeroDivisionError):
        world.train(run_id="run-2")
    answers = world.tables.query("SELECT DISTINCT answer FROM {model_checks} WHERE run_id = 'run-2'")
    assert answers["answer"].tolist() == ["good"]
    assert world.differs(before, WRITTEN[1:]) == []  # no decision to keep it


def test_a_verdict_is_a_run_in_mlflow(mlflow_registry, question):
    drift = pd.DataFrame({"feature": ["recency", "events_7"], "psi": [0.5, 0.1], "low": [0.25, 0.0], "high": [0.75, 1],
                          "drifted": [True, False]})  # fmt: skip
    quality = Quality(100, 10, {"auc": Measured(0.75, 0.5, 1.0), "age_days": Measured(7, 7, 7)})
    verdict = Verdict("bad", ("One.", "Two."))
    mlflow_registry.record_check(question, Check(ago(0), ago(7), "run-7", "3", verdict, quality, drift))
    mlflow_registry.record_check(question, Check(ago(0), ago(7), "", "", verdict, None, drift.head(0)))
    client = mlflow_registry.client
    experiment = client.get_experiment_by_name("tests").experiment_id
    bare, full = client.search_runs([experiment], f"tags.question = '{question.slug}'")
    assert (full.info.run_name, full.info.status) == (f"check {ago(0)}", "FINISHED")
    assert full.data.metrics == {
        "auc": 0.75, "auc_low": 0.5, "auc_high": 1, "age_days": 7, "age_days_low": 7, "age_days_high": 7,
    }  # fmt: skip
    assert full.data.tags.items() >= {
        "answer": "bad", "reasons": "One.\nTwo.", "version": "3", "holdout": str(ago(7)), "run_id": "run-7",
    }.items()  # fmt: skip
    table = client.download_artifacts(full.info.run_id, "drift.json")
    assert pd.read_json(table, orient="split").equals(drift.astype({"high": float}))
    assert (bare.data.metrics, client.list_artifacts(bare.info.run_id)) == ({}, [])
    assert isinstance(mlflow_registry, MlflowRegistry)


def thinned(share, seed=0):
    """The log with only a share of its buys."""
    table = log(users=500)
    chance = np.random.default_rng(seed).random(len(table))
    buys = np.array(table["event_type"].to_pylist()) == "buy"
    return table.filter(pa.array(~buys | (chance < share)))


LIFT = (AS_OF - timedelta(days=7) - date(2024, 1, 1)).days  # from the newest cutoff on everybody buys far more


@pytest.mark.parametrize(("table", "cutoffs", "low"), [
    (lambda: log(users=40), 4, True),
    (lambda: thinned(0.04), 4, False),  # one user in a hundred acts
    (lambda: log(drift=LIFT), 2, True),  # the base rate is above anything in training, as at Christmas
], ids=["small", "rare", "seasonal"])  # fmt: skip
def test_a_small_a_rare_and_a_seasonal_log_get_their_first_list(table, cutoffs, low):
    world = World(table())
    world.extract(AS_OF)
    config = asked(RetrainConfig, min_positives=50)
    prepared = read_extraction(world.tables, config.question, AS_OF).cutoffs
    assert (
        len(read_labelled(config, world.tables, prepared)[1].holdout) == cutoffs
    )  # older ones too, for want of positives
    assert world.run(AS_OF, min_positives=50).verdict.answer == "cannot_tell"
    rows = world.rows("audience")
    assert len(rows) >= 40
    assert set(rows["low_evidence"]) == {low}
    assert world.run(AS_OF, run_id="run-2", min_positives=50).verdict.answer == "good"  # nothing newer has matured


@pytest.mark.parametrize(
    ("since", "days", "due"),
    [
        # a horizon is 7 days, so a pair that has learnt at the change alone knows 7 days of the new behaviour
        (0, 0, False),  # the same day again
        (0, 2, False),
        (0, 3, True),  # 10 days are known: two fifths more than 7 is 9.8
        (-28, 13, False),
        (-28, 14, True),  # 49 instead of 35
        (-77, 33, False),
        (-77, 34, True),  # 118 instead of 84
        (None, 28, False),
    ],
)
def test_a_pair_made_for_a_change_learns_anew_when_two_fifths_more_is_known(world, since, days, due):
    question = asked(RetrainConfig).question
    through = date(2024, 4, 19)
    pair = replace(world.registry.pairs[question.slug, "1"], trained_through=through.isoformat())
    seen = None if since is None else (through + timedelta(days=since)).isoformat()
    pair = replace(pair, notes=replace(pair.notes, adapts=seen))
    verdict = standing.recorded_verdict(world.tables, question, pair, through + timedelta(days=days), NEXT, "run-2")
    assert (verdict.answer, verdict.retrain_needed) == ("good", due)
    if due:
        assert verdict.reasons[1:] == (
            f"Version 1 was made for the change of behaviour of {seen} and has learnt through 2024-04-19: by now "
            "two fifths more is known of the new behaviour.",
        )
