"""Does a champion hold, is a challenger better? Every branch is one row of a table."""

import re

import pytest

from lib.decision import BETTER_PROBABILITY, THRESHOLDS, Verdict, compare, judge
from lib.measure import Measured, Quality

HOLDS = {  # every interval touches or passes its threshold
    "log_loss": Measured(0.4, 0.3, 0.5),
    "skill_over_base_rate": Measured(0.2, 0.1, 0.3),
    "skill_over_naive": Measured(0.01, -0.02, 0.04),
    "auc_kept": Measured(-0.05, -0.07, -0.03),
    "calibration": Measured(-0.5, -0.7, -0.25),
}


def quality(**changes):
    """A quality whose intervals are as in HOLDS, but for some; None leaves a metric out."""
    metrics = HOLDS | {name: Measured(*three) if three else None for name, three in changes.items()}
    return Quality(800, 80, {name: measured for name, measured in metrics.items() if measured})


def test_a_champion_holds_while_no_whole_interval_lies_below_its_threshold():
    verdict = judge(quality())
    assert verdict == Verdict("good", (
        "skill_over_base_rate is 0.2000 (0.1000 to 0.3000), at least 0 wanted",
        "skill_over_naive is 0.0100 (-0.0200 to 0.0400), at least 0 wanted",
        "auc_kept is -0.0500 (-0.0700 to -0.0300), at least -0.03 wanted",
        "calibration is -0.5000 (-0.7000 to -0.2500), at least -0.25 wanted",
    ))  # fmt: skip
    assert verdict.retrain_needed is False


@pytest.mark.parametrize(
    ("name", "high"),
    [("skill_over_base_rate", 0.0), ("skill_over_naive", 0.0), ("auc_kept", -0.03), ("calibration", -0.25)],
)
def test_one_whole_interval_beyond_its_threshold_is_bad(name, high):
    assert judge(quality(**{name: (-1, -2, high)})).answer == "good"  # its end touches the threshold
    verdict = judge(quality(**{name: (-1, -2, high - 1e-9)}))
    assert verdict.answer == "bad"
    assert [reason.split(" is ")[0] for reason in verdict.reasons] == [name]  # the others are no reasons
    assert verdict.retrain_needed is True


def test_every_failed_metric_is_a_reason():
    verdict = judge(quality(skill_over_naive=(-0.2, -0.3, -0.1), calibration=(-1, -2, -0.5)))
    assert verdict.reasons == (
        "skill_over_naive is -0.2000 (-0.3000 to -0.1000), at least 0 wanted",
        "calibration is -1.0000 (-2.0000 to -0.5000), at least -0.25 wanted",
    )


@pytest.mark.parametrize("gone", [*THRESHOLDS, "log_loss"])
def test_what_could_not_be_measured_is_never_good(gone):
    verdict = judge(quality(**{gone: None}))
    if gone == "log_loss":  # it has no threshold of its own
        assert verdict.answer == "good"
        return
    assert verdict == Verdict("cannot_tell", (f"{gone} cannot be measured on 800 rows with 80 positives.",))
    assert verdict.retrain_needed is True


def test_a_failed_metric_beside_a_missing_one_cannot_tell():
    assert judge(quality(auc_kept=None, calibration=(-1, -2, -0.9))).answer == "cannot_tell"


def test_nothing_at_all_cannot_tell():
    assert judge(Quality(0, 0, {})).reasons == (
        "skill_over_base_rate, skill_over_naive, auc_kept, calibration cannot be measured on 0 rows with 0 positives.",
    )
    assert judge(None) == Verdict("cannot_tell", ("No model is registered for this question yet.",))


SURE, UNSURE = BETTER_PROBABILITY, BETTER_PROBABILITY - 0.01
GAIN = Measured(-0.01, -0.02, 0.0)
SHOWN_BAD = {"calibration": (-1, -2, -0.5)}
DOUBTFUL = {"skill_over_base_rate": (0.05, -0.1, 0.2)}  # its interval reaches below the base rate


@pytest.mark.parametrize(
    ("challenger", "difference", "better", "champion_is_bad", "promote", "low", "why"),
    [
        # no champion: promoted unless shown to be worse than the base rate
        ({}, None, None, False, True, False, "First model, promoted: skill over the base rate 0.2000"),
        (DOUBTFUL, None, None, False, True, True, "First model, promoted: .*, low evidence"),
        ({"skill_over_base_rate": (0, 0, 0)}, None, None, False, True, False, "First model, promoted"),
        ({"skill_over_base_rate": (-0.2, -0.4, -0.01)}, None, None, False, False, True,
         r"First model, worse than the base rate: skill over the base rate -0.2000 \(-0.4000 to -0.0100\)"),
        (SHOWN_BAD, None, None, False, True, False, "First model, promoted"),  # no other model is left to score with
        # a champion that holds: only a better one replaces it
        ({}, GAIN, SURE, False, True, False, r"The challenger is better: log loss differs .* -0.0100 .*0.90"),
        ({}, GAIN, UNSURE, False, False, False, "The challenger is not shown to be better: .*probability 0.89"),
        (DOUBTFUL, GAIN, SURE, False, True, True, "The challenger is better: .*, low evidence"),
        (SHOWN_BAD, GAIN, 1.0, False, False, False, r"The challenger is bad \(calibration is -1.0000"),
        # a champion that does not: any challenger that is not shown to be bad
        ({}, GAIN, 0.0, True, True, False, "The champion no longer holds, the challenger is not shown to be bad"),
        (DOUBTFUL, GAIN, 0.5, True, True, True, "no longer holds, .*, low evidence"),
        (SHOWN_BAD, GAIN, 1.0, True, False, False, r"The challenger is bad \(calibration"),
        ({"skill_over_base_rate": (-0.2, -0.4, -0.01)}, GAIN, 1.0, True, False, True, "The challenger is bad"),
        # one class only: nothing is shown
        ({"skill_over_base_rate": None}, None, None, False, False, True, "skill cannot be measured on the holdout"),
        ({"skill_over_base_rate": None}, GAIN, 1.0, True, False, True, "skill cannot be measured on the holdout"),
    ],
)  # fmt: skip
def test_a_challenger_takes_the_place(challenger, difference, better, champion_is_bad, promote, low, why):
    choice = compare(quality(auc_kept=None, **challenger), difference, better, champion_is_bad)
    assert (choice.promote, choice.low_evidence) == (promote, low)
    assert re.search(why, choice.why), choice.why
