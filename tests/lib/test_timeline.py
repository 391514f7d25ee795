"""Days: where a span begins and ends, which cutoffs a run has, and how many days it needs."""

from datetime import date

import pytest

from lib.errors import NotEnoughHistory
from lib.timeline import (
    Cutoffs,
    Window,
    days_behind,
    lay_out_cutoffs,
    longest_gap,
    one_horizon_before,
    track_record_window,
    unlearnt_cutoffs,
)
from tests.builders.runs import CUTOFF, ago

OLD = date(2020, 1, 1)  # a log that covers every window


def laid_out(log_days, *, horizon=14, cadence=7, most=0):
    """The cutoffs of a run on CUTOFF whose log began so many days before, as days before CUTOFF."""
    found = lay_out_cutoffs(CUTOFF, ago(log_days), horizon_days=horizon, cadence_days=cadence, most=most)
    return [[(CUTOFF - cutoff).days for cutoff in chosen] for chosen in (found.matured, found.training)]


def test_a_lookback_ends_where_the_horizon_begins():
    assert Window.lookback(date(2024, 3, 1), 2) == Window(date(2024, 2, 28), date(2024, 3, 1))  # a leap year
    assert Window.horizon(date(2024, 3, 1), 2) == Window(date(2024, 3, 1), date(2024, 3, 3))
    assert Window.lookback(CUTOFF, 90).days == 90


def test_cutoffs_step_back_from_one_horizon_before_as_of():
    matured, training = laid_out(log_days=70)
    assert matured == [14, 21, 28, 35, 42]  # 42: 28 days after the log's start; 49 would be a week too early
    assert training == [28, 35, 42]  # 21 would learn from days that the holdout at 14 is judged on


def test_a_label_that_completes_late_matures_late():
    found = lay_out_cutoffs(CUTOFF, ago(70), horizon_days=14, cadence_days=7, most=0, delay_days=3)
    assert [(CUTOFF - cutoff).days for cutoff in found.matured] == [17, 24, 31, 38]
    assert [(CUTOFF - cutoff).days for cutoff in found.training] == [31, 38]
    assert track_record_window(CUTOFF, 14, 3) == Window(ago(72), ago(16))  # the last cutoff is 17 days ago
    message = r"needs 59 days \(28 of history, 14 to learn, 14 to judge, 3 until labels are complete\)"
    with pytest.raises(NotEnoughHistory, match=message):
        lay_out_cutoffs(CUTOFF, ago(58), horizon_days=14, cadence_days=7, most=0, delay_days=3)
    assert lay_out_cutoffs(CUTOFF, ago(59), horizon_days=14, cadence_days=7, most=0, delay_days=3).holdout == ago(17)


def test_a_horizon_between_two_steps_keeps_the_labels_apart():
    matured, training = laid_out(log_days=70, horizon=10)
    assert matured == [10, 17, 24, 31, 38]
    assert training == [24, 31, 38]  # 17's horizon ends on 7, inside the holdout's


def test_a_cadence_longer_than_the_horizon_skips_no_cutoff():
    assert laid_out(log_days=100, horizon=7, cadence=28) == [[7, 35, 63], [35, 63]]


def test_the_newest_training_horizon_ends_where_the_holdout_begins():
    found = lay_out_cutoffs(CUTOFF, OLD, horizon_days=14, cadence_days=14, most=3)
    assert Window.horizon(found.training[0], 14).end == found.holdout


def test_four_fully_covered_cutoffs_leave_the_younger_ones_out():
    # training cutoffs at 28, 35, 42, 49, 56, ...; the log begins 49 + 90 days before: 49 is just covered
    assert laid_out(log_days=139) == [[14, 21, 28, 35, 42, 49], [28, 35, 42, 49]]


def test_three_fully_covered_cutoffs_are_too_few_to_leave_others_out():
    # one day younger: 49 is a day short of 90 and every cutoff with 28 days of history is kept
    assert laid_out(log_days=138)[1] == list(range(28, 111, 7))


@pytest.mark.parametrize(("most", "training"), [(1, [28]), (2, [28, 35]), (3, [28, 35, 42]), (0, [28, 35, 42])])
def test_most_bounds_the_training_cutoffs_and_zero_takes_all(most, training):
    matured, kept = laid_out(log_days=70, most=most)
    assert kept == training
    assert matured[-1] == training[-1]  # none older than what is learnt from


@pytest.mark.parametrize(
    ("horizon", "cadence", "needed"),
    [
        (14, 7, 56),  # 28 of history, 14 to learn, 14 to judge
        (10, 7, 52),  # two steps of 7 to get over a horizon of 10
        (7, 28, 63),  # one step of 28 to get over a horizon of 7
        (1, 1, 30),
    ],
)
def test_too_short_a_log_names_the_days_that_are_needed(horizon, cadence, needed):
    assert laid_out(needed, horizon=horizon, cadence=cadence)[1] == [needed - 28]  # just enough: one cutoff
    message = f"the log starts on {ago(needed - 1)} and as_of is 2024-06-03, {needed - 1} days; .* needs {needed} days"
    with pytest.raises(NotEnoughHistory, match=message):
        laid_out(needed - 1, horizon=horizon, cadence=cadence)


def test_a_log_that_begins_after_as_of_is_too_short_as_well():
    with pytest.raises(NotEnoughHistory, match=r"No cutoff is left to learn from.*Run with a later as_of"):
        laid_out(-5)


def test_a_run_needs_the_features_of_as_of_and_of_every_matured_cutoff():
    assert Cutoffs(ago(0), (ago(7), ago(14)), (ago(14),)).all == (ago(0), ago(7), ago(14))


def test_one_horizon_before_is_where_a_label_window_would_end_at_the_cutoff():
    assert one_horizon_before(date(2024, 3, 1), 1) == date(2024, 2, 29)


def test_a_cutoff_is_unlearnt_when_its_labels_begin_where_the_learnt_ones_ended():
    found = unlearnt_cutoffs([ago(n) for n in (0, 13, 14, 15, 28)], trained_through=ago(28), horizon_days=14)
    assert found == [ago(0), ago(13), ago(14)]  # 15's labels share a day with those of 28


@pytest.mark.parametrize(
    ("days", "gap"),
    [
        ([10, 4, 3], 6),
        ([3, 10, 4, 4], 6),  # any order, any day twice
        ([90, 9, 1], 81),  # the first day of the window counts
        ([91, 10, 8], 2),  # the day before it does not
        ([5, 3, 0], 2),  # neither does as_of itself
        ([5, 91, 0], 1),  # one day inside: no gap is known
        ([], 1),
    ],
)
def test_the_longest_gap_lies_inside_the_window(days, gap):
    assert longest_gap([ago(n) for n in days], Window.lookback(CUTOFF, 90)) == gap


@pytest.mark.parametrize(("last", "behind"), [(1, 0), (2, 1), (8, 7)])
def test_a_source_up_to_yesterday_is_not_behind(last, behind):
    assert days_behind(ago(last), CUTOFF) == behind
