"""A challenger beside the champion on the same rows; after a change, one half is learnt from and one judges."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lib.config.stages import RetrainConfig
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure
from lib.evaluation.naive_rule import NaiveRule
from lib.evaluation.promotion import Choice
from lib.labels.rows import Rows, user_half
from lib.labels.split import Split
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.training import adaptation, comparison, space
from tests.builders.runs import THRESHOLDS, ago, asked, labelled

QUESTION = asked(RetrainConfig).question
PARAMS = {"family": "logistic", "C": 0.1, "lifetime": True}
PARTS = Split(training=(ago(14), ago(21), ago(28)), holdout=(ago(7),))
SEED = 3
STARTS = space.STARTS


class Passing:
    def transform(self, X):
        return X


class Saying:
    """A prediction model that gives everybody the same probability."""

    classes_ = np.array([0, 1])

    def __init__(self, p):
        self.p = p

    def predict_proba(self, X):
        return np.tile([1 - self.p, self.p], (len(X), 1))


def champion(p=0.5, auc=0.7):
    return Pair(Passing(), Saying(p), ("recency",), QUESTION.slug, "2024-01-01", metrics={"auc": auc})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One quick start beside what a search has found: boosting would cost most of the time and show no more."""
    monkeypatch.setattr(space, "STARTS", (PARAMS | {"C": 1.0},))


@pytest.fixture
def learnt(monkeypatch):
    """The rows that each fit of a pair has learnt from."""
    seen, fitted = [], comparison.fit_pair
    monkeypatch.setattr(comparison, "fit_pair", lambda rows, *rest: seen.append(rows) or fitted(rows, *rest))
    return seen


@pytest.fixture(scope="module")
def rows():
    return labelled(ago(7), ago(14), ago(21), ago(28))


@pytest.fixture(scope="module")
def drifted():
    """At the holdout those act who did not before."""
    return labelled(ago(7), ago(14), ago(21), ago(28), users=400, flip=[ago(7)])


def keys(rows):
    return set(zip(rows.frame["user_id"], rows.frame["cutoff"], strict=True))


def challenged(rows, champion=None, bad=False, parts=PARTS):
    return comparison.fit_and_compare(rows, parts, PARAMS, QUESTION, champion, bad, THRESHOLDS, SEED)


def test_a_first_challenger_learns_the_training_cutoffs_and_is_judged_on_the_holdout(rows, learnt):
    trained = challenged(rows)
    assert keys(learnt[0]) == keys(rows.at(PARTS.training))
    assert (trained.quality.rows, trained.champion, trained.remembered) == (120, None, None)
    assert trained.choice.why.startswith("First model, promoted")
    pair = trained.pair
    assert (pair.trained_through, pair.question, pair.params) == (str(ago(14)), QUESTION.slug, PARAMS)
    assert pair.columns == ("recency", "events_7", "tenure", "buy__recency", "buy__events_90")
    assert (pair.preprocessing_version, pair.prediction_version) == ("", "")


def test_the_quality_is_measured_beside_the_naive_rule_of_the_training_cutoffs(rows):
    trained = challenged(rows)
    training, holdout = rows.at(PARTS.training), rows.at(PARTS.holdout)
    rule = NaiveRule.fit(QUESTION, training.X, training.y)
    scores = trained.pair.score(holdout.X)
    naive, rate = rule.score(holdout.X), training.y.mean()
    assert trained.quality == measure(holdout.y, scores, naive, holdout.users, SEED, past_rate=rate)


def test_beside_a_champion_that_holds_both_are_judged_on_the_same_holdout(rows, learnt):
    trained = challenged(rows, champion())
    assert keys(learnt[0]) == keys(rows.at(PARTS.training))
    assert (trained.quality.rows, trained.champion.rows) == (120, 120)
    assert trained.champion.plain["log_loss"] == pytest.approx(np.log(2))
    assert trained.champion.plain["auc_kept"] == pytest.approx(0.5 - 0.7)
    assert trained.choice.promote
    assert trained.choice.why.startswith("The challenger is better: its log loss is 0.")


def test_the_challenger_of_a_bad_champion_learns_one_half_and_both_are_judged_on_the_other(drifted, learnt):
    trained = challenged(drifted, champion(), bad=True)
    holdout = drifted.at(PARTS.holdout)
    one, other = keys(holdout.of(user_half(holdout.users, SEED))), keys(holdout.of(~user_half(holdout.users, SEED)))
    at_holdout = {key for key in keys(learnt[-1]) if key[1] == ago(7)}
    assert at_holdout == one
    assert trained.quality.rows == trained.champion.rows == len(other)
    assert one | other == keys(holdout)
    assert trained.pair.trained_through == str(ago(7))


def test_after_a_reversal_old_behaviour_is_forgotten_and_the_challenger_wins(drifted, learnt):
    trained = challenged(drifted, champion(), bad=True)
    assert trained.remembered == 0
    assert {cutoff for _, cutoff in keys(learnt[-1])} == {ago(7)}
    assert trained.quality.plain["auc"] > 0.75
    assert trained.choice.promote
    assert trained.choice.why.startswith("New models are needed, and the challenger is not shown to be bad")
    # what the old behaviour alone would have taught
    old = comparison.fit_pair(drifted.at(PARTS.training), PARAMS, QUESTION, ago(14), SEED)
    judged = drifted.at(PARTS.holdout)
    assert roc_auc_score(judged.y, old.score(judged.X)) < 0.3


def test_a_first_model_right_after_a_reversal_learns_from_one_half_too(drifted, learnt):
    trained = challenged(drifted)
    assert {cutoff for _, cutoff in keys(learnt[0])} == set(PARTS.training)  # first as ever: shown to be bad
    assert {cutoff for _, cutoff in keys(learnt[-1])} == {ago(7)}
    assert (trained.remembered, trained.champion, trained.choice.promote) == (0, None, True)
    assert trained.quality.rows < len(drifted.at(PARTS.holdout))  # judged on the other half
    assert trained.choice.why.startswith("First model, promoted")


def test_a_first_model_that_is_bad_either_way_is_told_by_the_evidence_of_all_rows(rows, learnt, monkeypatch):
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(False, True, "Bad."))
    trained = challenged(rows)
    assert len({frozenset(keys(some)) for some in learnt}) > 1  # both were tried
    assert not trained.choice.promote
    assert (trained.quality.rows, trained.remembered) == (120, None)


def test_where_old_behaviour_still_helps_it_is_kept(learnt, monkeypatch):
    monkeypatch.setattr(adaptation, "REMEMBERED", (0, 2))
    steady = labelled(*PARTS.holdout, *PARTS.training, users=60)
    trained = challenged(steady, champion(), bad=True)
    assert trained.remembered == 2
    assert {cutoff for _, cutoff in keys(learnt[-1])} == {ago(7), ago(14), ago(21)}  # the newest two, and the half


@pytest.mark.parametrize("label", [0, 1])
def test_a_history_that_would_teach_one_class_only_is_not_tried(rows, label, monkeypatch):
    monkeypatch.setattr(adaptation, "REMEMBERED", (0, 2))
    holdout = rows.at(PARTS.holdout)
    recent = holdout.users[user_half(holdout.users, SEED)]
    taught = set(recent[~user_half(recent, SEED + 1)])
    alike = rows.frame["user_id"].isin(taught) & (rows.frame["cutoff"] == ago(7))
    trained = challenged(Rows(rows.frame.assign(label=rows.frame["label"].mask(alike, label))), champion(), bad=True)
    assert trained.remembered == 2


def test_a_challenger_shown_to_be_bad_is_not_promoted(rows, monkeypatch):
    bad = champion(p=0.999)
    monkeypatch.setattr(comparison, "fit_pair", lambda *_: bad)
    for is_bad in (False, True):
        trained = challenged(rows, champion(), bad=is_bad)
        assert not trained.choice.promote
        assert trained.choice.why.startswith("The challenger is bad. The scores save -")


def test_what_was_promoted_is_fitted_once_more_through_the_holdout(rows, learnt):
    trained = challenged(rows)
    again = comparison.refit(rows, PARTS, trained, QUESTION, SEED)
    assert keys(learnt[1]) == keys(rows)
    assert (again.trained_through, again.params) == (str(ago(7)), PARAMS)
    assert again.score(rows.X).tolist() != trained.pair.score(rows.X).tolist()


def test_the_refit_of_a_forgetful_challenger_learns_the_whole_holdout_and_as_much_history(rows, learnt):
    trained = challenged(rows)
    pooled = Split(training=(ago(28),), holdout=(ago(7), ago(14)))
    for history, cutoffs in ((0, {ago(7)}), (1, {ago(7), ago(14)}), (None, {ago(7), ago(14), ago(21), ago(28)})):
        comparison.refit(rows, PARTS, replace(trained, remembered=history), QUESTION, SEED)
        assert {cutoff for _, cutoff in keys(learnt[-1])} == cutoffs
    again = comparison.refit(rows, pooled, replace(trained, remembered=0), QUESTION, SEED)
    # the one whose labels overlap with the holdout's has matured too
    assert {cutoff for _, cutoff in keys(learnt[-1])} == {ago(7), ago(14), ago(21)}
    assert again.trained_through == str(ago(7))


def test_days_that_overlap_with_the_holdout_are_learnt_from_by_the_half_that_does_not_judge(drifted, learnt):
    """Between the training cutoffs and the holdout lie matured ones that may have seen the change too."""
    parts = Split(training=(ago(21), ago(28)), holdout=(ago(7),))
    trained = challenged(drifted, champion(), bad=True, parts=parts)
    told = keys(learnt[-1])
    assert {cutoff for _, cutoff in told} >= {ago(7), ago(14)}
    judges = set(trained.judged.users)
    assert not judges & {user for user, cutoff in told if cutoff > ago(21)}
    assert set(trained.judged.frame["cutoff"]) == {ago(7)}


def test_a_start_of_the_space_may_suit_the_changed_behaviour_better(drifted, monkeypatch):
    monkeypatch.setattr(space, "STARTS", (PARAMS | {"C": 10.0},))
    trained = comparison.fit_and_compare(
        drifted, PARTS, PARAMS | {"C": 1e-4}, QUESTION, champion(), True, THRESHOLDS, SEED
    )
    assert trained.pair.params["C"] == 10.0
    again = comparison.refit(drifted, PARTS, trained, QUESTION, SEED)
    assert (again.params["C"], again.notes.adapts) == (10.0, str(ago(7)))


@pytest.mark.parametrize(
    ("seen", "through", "since"),
    [
        (35, 14, 35),  # within four horizons
        (36, 14, 7),  # later it is another change that made the champion bad ...
        (77, 35, 77),  # ... unless two fifths more is known of it: 77 days, and it has learnt from 49
        (77, 14, 7),
        (7, 14, 7),
        (None, 14, 7),
    ],
)
def test_a_change_is_dated_by_the_champion_that_was_made_for_it(drifted, seen, through, since):
    known = replace(champion(), notes=PairNotes(adapts=seen and str(ago(seen))), trained_through=str(ago(through)))
    assert challenged(drifted, known, bad=True).adapts == str(ago(since))
    assert challenged(drifted.at(PARTS.training), parts=Split(PARTS.training[1:], PARTS.training[:1])).adapts is None


def test_the_same_seed_gives_the_same_challenger(drifted, monkeypatch):
    monkeypatch.setattr(space, "STARTS", STARTS)  # with a blend among them, which draws
    first, second = (challenged(drifted, champion(), bad=True) for _ in range(2))
    assert (first.quality, first.choice, first.remembered) == (second.quality, second.choice, second.remembered)
    assert first.pair.score(drifted.X).tolist() == second.pair.score(drifted.X).tolist()


def test_a_half_where_nobody_acted_shows_nothing(rows):
    holdout = rows.at(PARTS.holdout)
    judged = set(holdout.users[~user_half(holdout.users, SEED)])
    hidden = rows.frame["user_id"].isin(judged) & (rows.frame["cutoff"] == ago(7))
    nobody = Rows(rows.frame.assign(label=rows.frame["label"].where(~hidden, 0)))
    trained = challenged(nobody, champion(), bad=True)
    assert not trained.choice.promote
    assert trained.choice.why == "The challenger's skill cannot be measured on the holdout."
    assert isinstance(trained.quality.metrics["log_loss"], Measured)


@pytest.mark.parametrize(("through", "told"), [(7, True), (13, True), (14, False), (15, False)])
def test_a_champion_that_was_told_the_answers_is_compared_as_if_it_was_not(rows, learnt, through, told):
    """A horizon after its promotion it has learnt from the holdout: a stand-in without those rows is compared."""
    known = comparison.fit_pair(rows, PARAMS, QUESTION, ago(through), SEED)
    trained = challenged(rows, replace(known, metrics={"auc": 0.7}))
    assert len(learnt) == (3 if told else 2)  # the champion of this test, the challenger, and the stand-in
    assert keys(learnt[-1]) == keys(rows.at(PARTS.training))
    same = trained.champion.plain["log_loss"] == pytest.approx(trained.quality.plain["log_loss"], rel=1e-9)
    assert same is told  # of the same settings, and fitted on the same rows: the stand-in is no better and no worse
    assert trained.champion.plain["auc_kept"] == pytest.approx(trained.champion.plain["auc"] - 0.7)


def test_a_champion_that_was_told_a_part_of_the_answers_is_not_compared_as_it_is(rows, learnt):
    pooled = Split(training=(ago(28),), holdout=(ago(7), ago(14)))
    challenged(rows, comparison.fit_pair(rows, PARAMS, QUESTION, ago(17), SEED), parts=pooled)  # the older one overlaps
    assert keys(learnt[-1]) == keys(rows.at(pooled.training))
    assert len(learnt) == 3


def test_a_champion_whose_columns_are_gone_is_compared_as_it_is(rows, learnt):
    known = comparison.fit_pair(rows, PARAMS, QUESTION, ago(7), SEED)
    fewer = Rows(rows.frame.drop(columns="buy__recency"))
    trained = challenged(fewer, known)
    assert len(learnt) == 2
    assert trained.champion.rows == 120


def test_a_pair_learns_from_as_many_cutoffs_as_its_parameters_say(rows):
    short = PARAMS | {"history": 2}
    for parts, whole in ((PARTS.training, PARTS.training[:2]), ((ago(7), *PARTS.training), (ago(7), ago(14)))):
        one = comparison.fit_pair(rows.at(parts), short, QUESTION, ago(7), SEED)
        other = comparison.fit_pair(rows.at(whole), PARAMS, QUESTION, ago(7), SEED)
        assert one.score(rows.X).tolist() == other.score(rows.X).tolist()


def test_challenge_and_refit_honour_the_history(rows):
    trained = comparison.fit_and_compare(rows, PARTS, PARAMS | {"history": 1}, QUESTION, None, False, THRESHOLDS, SEED)
    alone = comparison.fit_pair(rows.at([ago(14)]), PARAMS, QUESTION, ago(14), SEED)
    assert trained.pair.score(rows.X).tolist() == alone.score(rows.X).tolist()
    again = comparison.refit(rows, PARTS, trained, QUESTION, SEED)
    newest = comparison.fit_pair(rows.at([ago(7)]), PARAMS, QUESTION, ago(7), SEED)
    assert again.score(rows.X).tolist() == newest.score(rows.X).tolist()
    assert again.params["history"] == 1


def test_a_lean_pair_reads_the_user_and_the_action_only(rows):
    more = Rows(rows.frame.assign(view__events_7=1.0))
    pair = comparison.fit_pair(more, PARAMS | {"groups": "lean"}, QUESTION, ago(7), SEED)
    assert pair.columns == ("recency", "events_7", "tenure", "buy__recency", "buy__events_90")
    assert (
        pair.score(more.X).tolist() == comparison.fit_pair(rows, PARAMS, QUESTION, ago(7), SEED).score(rows.X).tolist()
    )


def test_the_weights_of_a_sample_reach_fit_rule_and_measures(rows):
    """Positives kept whole and a third of the others, each standing for three: as if all had been there."""
    rng = np.random.default_rng(0)
    kept = (rows.y == 1) | (rng.random(len(rows)) < 1 / 3)
    sample = rows.of(kept)
    sample = Rows(sample.frame.assign(weight=np.where(sample.y == 1, 1.0, 3.0)))
    unweighted = Rows(sample.frame.drop(columns="weight"))
    whole, right, wrong = (challenged(some).quality.plain for some in (rows, sample, unweighted))
    for name in ("log_loss", "base_rate_log_loss", "naive_log_loss"):
        assert right[name] == pytest.approx(whole[name], abs=0.06), name
    assert abs(wrong["base_rate_log_loss"] - whole["base_rate_log_loss"]) > abs(
        right["base_rate_log_loss"] - whole["base_rate_log_loss"]
    )
