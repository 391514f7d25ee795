"""Does a champion hold, is a challenger better? Every branch is one row of a table."""

import re
from dataclasses import replace

import pytest

from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality
from lib.evaluation.promotion import decide_promotion
from lib.evaluation.verdict import MetricLimit, Verdict, judge_metrics, metric_limits
from tests.builders.runs import THRESHOLDS

HOLDS = {  # every interval touches or passes its limit
    "log_loss": Measured(0.4, 0.3, 0.5),
    "skill_over_base_rate": Measured(-0.1, -0.2, 1e-9),
    "skill_over_past_rate": Measured(0.2, 0.1, 0.3),
    "skill_over_naive": Measured(-0.01, -0.02, 1e-9),
    "auc_kept": Measured(-0.05, -0.07, -0.03),
    "ap_kept": Measured(-0.2, -0.3, -0.1),
    "calibration": Measured(0.5, 0.25, 0.7),
    "ece": Measured(0.06, 0.05, 0.07),
    "drifted_share": Measured(0.4, 0.3, 0.5),
    "unseen_share": Measured(0.2, 0.2, 0.2),
    "age_days": Measured(365, 365, 365),
}
JUDGED = [bound.metric for bound in metric_limits(THRESHOLDS) if not bound.if_there]
NAN = float("nan")


def quality(**changes):
    """A quality whose intervals are as in HOLDS, but for some; None leaves a metric out."""
    metrics = HOLDS | {name: Measured(*three) if three else None for name, three in changes.items()}
    return Quality(800, 80, {name: measured for name, measured in metrics.items() if measured})


def test_a_champion_holds_while_no_whole_interval_lies_beyond_its_limit():
    verdict = judge_metrics(quality(), THRESHOLDS)
    assert verdict == Verdict("good", (
        "Every measure is within its limit: skill over base rate -0.1 (more than 0), skill over naive -0.01 (more than "
        "0), auc kept -0.05 (at least -0.03), ap kept -0.2 (at least -0.1), calibration 0.5 (at most 0.25), "
        "ece 0.06 (at most 0.05), drifted share 0.4 (at most 0.3), unseen share 0.2 (at most 0.2), "
        "age days 365 (at most 365).",
    ))  # fmt: skip
    assert verdict.retrain_needed is False


@pytest.mark.parametrize(
    ("name", "found", "sentence"),
    [
        ("skill_over_base_rate", (-0.03, -0.05, 0.0),
         "The scores save -3.0% (-5.0% to 0.0%) of the base rate's log loss; more than 0.0% is wanted."),
        ("skill_over_naive", (-0.03, -0.05, 0.0),
         "The scores save -3.0% (-5.0% to 0.0%) of the naive rule's log loss; more than 0.0% is wanted."),
        ("auc_kept", (-0.051, -0.07, -0.03 - 1e-9),
         "AUC is 0.051 lower (0.070 lower to 0.030 lower) than when the models were registered; "
         "at most 0.03 lower is allowed."),
        ("ap_kept", (-0.2, -0.3, -0.1 - 1e-9),
         "Normalised average precision is 0.200 lower (0.300 lower to 0.100 lower) than when the models were "
         "registered; at most 0.1 lower is allowed."),
        ("calibration", (0.5, 0.25 + 1e-9, 0.7),
         "Expected and observed actions differ by a factor of 1.65 (1.28 to 2.01); at most 1.28 is allowed."),
        ("ece", (0.06, 0.05 + 1e-9, 0.07),
         "Scores and observed rates lie 0.060 (0.050 to 0.070) apart; at most 0.05 is allowed."),
        ("drifted_share", (0.4, 0.3 + 1e-9, 0.5),
         "40.0% (30.0% to 50.0%) of the features have drifted; at most 30.0% is allowed."),
        ("unseen_share", (0.25, 0.25, 0.25),
         "25.0% of the newest events are of types that the pair has not learnt as they are read now; "
         "at most 20.0% is allowed."),
        ("age_days", (366, 366, 366),
         "The last label that the pair learnt from is 366 days old; at most 365 is allowed."),
    ],
)  # fmt: skip
def test_one_whole_interval_beyond_its_limit_is_bad_and_said_in_a_sentence(name, found, sentence):
    assert judge_metrics(quality(**{name: found}), THRESHOLDS) == Verdict("bad", (sentence,))
    assert judge_metrics(quality(**{name: found}), THRESHOLDS).retrain_needed is True


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ((0.011, -0.005, 0.03), "AUC is 0.011 higher (0.005 lower to 0.030 higher)"),
        ((0.0, -0.005, 0.03), "AUC is 0.000 lower (0.005 lower to 0.030 higher)"),
        ((-0.011, -0.03, 0.005), "AUC is 0.011 lower (0.030 lower to 0.005 higher)"),
    ],
)
def test_what_rose_is_not_said_to_have_fallen(now, sentence):
    limit = MetricLimit("auc_kept", "at least", -0.03)
    assert limit.format_sentence(Measured(*now)) == (
        f"{sentence} than when the models were registered; at most 0.03 lower is allowed."
    )


@pytest.mark.parametrize("name", JUDGED)
def test_every_limit_is_a_parameter(name):
    """An interval that only touches its limit holds; a limit a little stricter fails it."""
    stricter = {
        "skill_over_base_rate": {"min_skill_over_base_rate": 0.001},
        "skill_over_naive": {"min_skill_over_naive": 0.001},
        "auc_kept": {"max_auc_drop": 0.029},
        "ap_kept": {"max_ap_drop": 0.099},
        "calibration": {"max_calibration_error": 0.249},
        "ece": {"max_ece": 0.049},
        "drifted_share": {"max_drifted_share": 0.299},
        "unseen_share": {"max_unseen_share": 0.199},
        "age_days": {"max_age_days": 364},
    }[name]
    verdict = judge_metrics(quality(), replace(THRESHOLDS, **stricter))
    assert verdict.answer == "bad"
    assert len(verdict.reasons) == 1


LIVE = {"live_skill_over_base_rate": (0.1, 0.0, 0.2), "live_calibration": (0.2, 0.1, 0.3)}


def test_the_record_of_a_pair_s_own_lists_is_part_of_the_verdict_once_there_is_one():
    verdict = judge_metrics(quality(**LIVE), THRESHOLDS)
    assert verdict.answer == "good"
    assert verdict.reasons[0].endswith(
        "age days 365 (at most 365), live skill over base rate 0.1 (more than 0), live calibration 0.2 (at most 0.25)."
    )
    worse = quality(**LIVE | {"live_skill_over_base_rate": (-0.1, -0.2, 0.0)})
    assert judge_metrics(worse, THRESHOLDS) == Verdict("bad", (
        "Over its lists whose outcome is known, scores saved -10.0% (-20.0% to 0.0%) of the base rate's log loss; "
        "more than 0.0% is wanted.",
    ))  # fmt: skip
    assert judge_metrics(quality(**LIVE | {"live_calibration": (0.5, 0.26, 0.7)}), THRESHOLDS) == Verdict("bad", (
        "Over its lists whose outcome is known, expected and observed actions differ by a factor of 1.65 "
        "(1.30 to 2.01); at most 1.28 is allowed.",
    ))  # fmt: skip
    broken = judge_metrics(quality(**LIVE | {"live_calibration": (NAN, 0.1, 0.3)}), THRESHOLDS)
    assert broken == Verdict("cannot_tell", ("live_calibration cannot be measured on 800 rows with 80 positives.",))


def test_every_failed_metric_is_a_reason():
    verdict = judge_metrics(quality(skill_over_naive=(-0.2, -0.3, -0.1), calibration=(1, 0.5, 2)), THRESHOLDS)
    assert [reason[:12] for reason in verdict.reasons] == ["The scores s", "Expected and"]


@pytest.mark.parametrize("gone", [None, (NAN, 0.5, 0.5), (0.5, NAN, 0.5), (0.5, 0.5, NAN)])
@pytest.mark.parametrize("name", JUDGED)
def test_what_could_not_be_measured_is_never_good(name, gone):
    verdict = judge_metrics(quality(**{name: gone}), THRESHOLDS)
    assert verdict == Verdict("cannot_tell", (f"{name} cannot be measured on 800 rows with 80 positives.",))
    assert verdict.retrain_needed is True


def test_a_metric_without_a_limit_may_be_missing():
    assert judge_metrics(quality(log_loss=None), THRESHOLDS).answer == "good"


def test_a_failed_metric_beside_a_missing_one_cannot_tell():
    assert judge_metrics(quality(auc_kept=None, calibration=(2, 1, 3)), THRESHOLDS).answer == "cannot_tell"


def test_nothing_at_all_cannot_tell():
    assert judge_metrics(Quality(0, 0, {}), THRESHOLDS).reasons == (
        f"{', '.join(JUDGED)} cannot be measured on 0 rows with 0 positives.",
    )
    assert judge_metrics(None, THRESHOLDS) == Verdict("cannot_tell", ("No model is registered for this question yet.",))


SURE, UNSURE = 0.9, 0.89
GAIN = Measured(-0.01, -0.02, 0.0)
BIASED = {"calibration": (0.5, 0.3, 0.7)}
RECORD = {"live_calibration": (0.5, 0.3, 0.7), "live_skill_over_base_rate": (0.1, 0.05, 0.2)}


@pytest.mark.parametrize(("changes", "sentence"), [
    (BIASED | {"ratio": (1.65, 1.4, 2.0), "sharpness": (0.98, 0.9, 1.06)},
     "Expected over observed actions is 1.65 (1.40 to 2.00), and log-odds should have been 0.98 (0.90 to 1.06) "
     "times as large: the level moved and the sharpness did not move."),
    ({"ece": (0.08, 0.06, 0.1), "ratio": (1.0, 0.9, 1.1), "sharpness": (0.7, 0.6, 0.8)},
     "Expected over observed actions is 1.00 (0.90 to 1.10), and log-odds should have been 0.70 (0.60 to 0.80) "
     "times as large: the level did not move and the sharpness moved."),
    (RECORD | {"live_lists": (4, 4, 4), "live_lists_above": (4, 4, 4)},
     "Of its 4 lists whose outcome is known, 4 expected more than happened: a bias that lasts."),
    (RECORD | {"live_lists": (4, 4, 4), "live_lists_above": (0, 0, 0)},
     "Of its 4 lists whose outcome is known, 0 expected more than happened: a bias that lasts."),
    (RECORD | {"live_lists": (4, 4, 4), "live_lists_above": (1, 1, 1)},
     "Of its 4 lists whose outcome is known, 1 expected more than happened: no bias that lasts over several lists."),
    (RECORD | {"live_lists": (1, 1, 1), "live_lists_above": (1, 1, 1)},
     "Of its 1 lists whose outcome is known, 1 expected more than happened: no bias that lasts over several lists."),
])  # fmt: skip
def test_where_probabilities_failed_it_is_told_what_moved_and_for_how_long(changes, sentence):
    verdict = judge_metrics(quality(**changes), THRESHOLDS)
    assert verdict.answer == "bad"
    assert verdict.reasons[-1] == sentence
    assert len(verdict.reasons) == 2


SHOWN_BAD = {"calibration": (1, 0.5, 2)}
CLEAR = {"skill_over_base_rate": (0.2, 0.0, 0.3), "skill_over_past_rate": (0.2, 0.0, 0.3)}
DOUBTFUL = {"skill_over_base_rate": (0.05, -0.1, 0.2)}  # its interval reaches below the base rate
SEASON = {"skill_over_base_rate": (-0.2, -0.4, -0.1), "skill_over_past_rate": (0.1, 0.05, 0.2)}
CONSTANT = {"skill_over_base_rate": (0.0, -0.1, -1e-9), "skill_over_past_rate": (0, 0, 0)}


@pytest.mark.parametrize(
    ("challenger", "difference", "better", "retrain_needed", "promote", "low", "why"),
    [
        # no champion: promoted unless shown to be no better than the rate that was known before
        ({}, None, None, False, True, False, r"First model, promoted: it saves 20.0% \(0.0% to"),
        (DOUBTFUL, None, None, False, True, True, "First model, promoted: .*, low evidence"),
        ({"skill_over_past_rate": (0.1, -0.1, 1e-9)}, None, None, False, True, True, "promoted: .*, low evidence"),
        (SEASON, None, None, False, True, True, "First model, promoted: .*, low evidence"),
        (CONSTANT, None, None, False, False, True, "First model, no better than a constant: it saves "),
        ({"skill_over_past_rate": (-0.2, -0.4, -0.01)}, None, None, False, False, True,
         r"no better than a constant: .* -20.0% \(-40.0% to -1.0%\) of that of one at the rate known"),
        (SHOWN_BAD, None, None, False, True, False, "First model, promoted"),  # no other model is left to score with
        # a champion that holds: only a better one replaces it
        ({}, GAIN, SURE, False, True, False, r"The challenger is better: its log loss is 0.0100 lower \(.*90.0%"),
        ({}, GAIN, UNSURE, False, False, False, "not shown to be better: .* is 89.*%, and 90% is wanted"),
        ({}, -GAIN, 0.0, False, False, False, r"its log loss is 0.0100 higher \(0.0000 lower to 0.0200 higher\) than"),
        (DOUBTFUL, GAIN, SURE, False, True, True, "The challenger is better: .*, low evidence"),
        (SHOWN_BAD, GAIN, 1.0, False, False, False,
         r"The challenger is bad. Expected and observed actions differ by a factor of 2.72 .* Its log loss is 0.01"),
        # a champion that does not: any challenger that is not shown to be bad
        ({}, GAIN, 0.0, True, True, False, "New models are needed, and the challenger is not shown to be bad"),
        (DOUBTFUL, GAIN, 0.5, True, True, True, "are needed, .*, low evidence"),
        (SHOWN_BAD, GAIN, 1.0, True, False, False, "The challenger is bad. Expected and observed"),
        (SEASON, GAIN, 1.0, True, False, True, "The challenger is bad. The scores save -20.0%"),
        # one class only: nothing is shown
        ({"skill_over_base_rate": None}, None, None, False, False, True, "skill cannot be measured on the holdout"),
        ({"skill_over_past_rate": (NAN, 0, 0)}, None, None, False, False, True, "cannot be measured on the holdout"),
        ({"skill_over_base_rate": None}, GAIN, 1.0, True, False, True, "skill cannot be measured on the holdout"),
    ],
)  # fmt: skip
def test_a_challenger_takes_the_place(challenger, difference, better, retrain_needed, promote, low, why):
    measured = CLEAR | {"auc_kept": None, "drifted_share": None} | challenger
    choice = decide_promotion(quality(**measured), difference, better, retrain_needed, THRESHOLDS)
    assert (choice.promote, choice.low_evidence) == (promote, low)
    assert re.search(why, choice.why), choice.why


def test_how_sure_a_replacement_must_be_is_a_parameter():
    for wanted, promote in ((UNSURE, True), (SURE, False)):
        thresholds = replace(THRESHOLDS, promote_probability=wanted)
        assert decide_promotion(quality(**CLEAR), GAIN, UNSURE, False, thresholds).promote is promote
