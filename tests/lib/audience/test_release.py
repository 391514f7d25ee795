"""What keeps a list from being published, each by its own message, and what two lists differ in."""

import re

import numpy as np
import pandas as pd
import pytest

from lib.audience.ranking import HeldOut, rank
from lib.audience.release import (
    ListDifference,
    check_against_last,
    check_complete,
    compare_lists,
    difference_columns,
    format_difference,
)
from lib.config.thresholds import PublishLimits
from lib.errors import PublishRefused
from lib.evaluation.metrics import measure_share

VERSIONS = {"preprocessing_version": "3", "prediction_version": "4"}
BOUNDS = PublishLimits(max_users_change=0.5, max_score_shift=0.5, max_rate_ratio=3.0)
RATE = measure_share(250, 1000)


def listed(propensities, users=None):
    users = users or [f"u{n}" for n in range(len(propensities))]
    rows = pd.DataFrame({"user_id": users, "propensity": np.asarray(propensities, float)}).assign(**VERSIONS)
    return rank(rows, False, HeldOut("q", 0.0, 0))


def test_a_sound_list_passes():
    check_complete(listed([0.0, 1.0, 0.5]), 3, VERSIONS)
    check_complete(listed([0.5]), 1, {})  # outside a job no decision names versions


@pytest.mark.parametrize(
    ("rows", "cohort", "message"),
    [
        (listed([]), 0, "The predictions hold 0 users and the cohort 0. Run predict again. The list stays."),
        (listed([0.1]), 2, "The predictions hold 1 users and the cohort 2"),
        (listed([0.1, 0.2]), 1, "The predictions hold 2 users and the cohort 1"),
        (listed([0.1, 0.2, 0.3], ["a", "b", "a"]), 3, "1 users stand twice in the predictions. Run predict again. The"),
        (listed([0.1, 0.2], ["a", None]), 2, "1 predictions name no user. Run extract_features and predict again."),
        (listed([0.1, 1.01, -0.01]), 3, "2 propensities are not between 0 and 1. Retrain. The list stays."),
        (listed([0.1, np.nan]), 2, "1 propensities are not between 0 and 1"),
        (listed([0.1, 0.2]).assign(prediction_version=["4", "5"]), 2,
         "come from prediction_version 4, 5, this run decided on 4. Run predict again. The list stays."),
        (listed([0.1]).assign(preprocessing_version="2"), 1,
         "come from preprocessing_version 2, this run decided on 3"),
    ],
)  # fmt: skip
def test_a_list_that_must_not_be_published_is_refused(rows, cohort, message):
    with pytest.raises(PublishRefused, match=re.escape(message)):
        check_complete(rows, cohort, VERSIONS)


def test_a_first_list_is_held_against_the_base_rate_alone():
    assert check_against_last(listed([0.2, 0.3]), None, RATE, BOUNDS) is None


@pytest.mark.parametrize("mean", [RATE.low / 3 - 1e-6, RATE.high * 3 + 1e-6])
def test_a_mean_far_from_the_base_rate_is_refused(mean):
    message = (
        f"The mean propensity is {mean:.4f}, and of the newest users whose outcome is known 0.2500 (0.2282 to 0.2732) "
        "acted: a mean from 0.0761 to 0.8195 is allowed. Look at the source and the model; if the change is real, run "
        "publish with a larger max_rate_ratio. The list stays."
    )
    with pytest.raises(PublishRefused, match=re.escape(message)):
        check_against_last(listed([mean, mean]), None, RATE, BOUNDS)


@pytest.mark.parametrize("mean", [RATE.low / 3, RATE.high * 3])
def test_a_mean_at_the_bound_passes(mean):
    assert check_against_last(listed([mean]), None, RATE, BOUNDS) is None


@pytest.mark.parametrize(("users", "before"), [(500, 1000), (151, 100), (100, 151)])
def test_a_list_far_longer_or_shorter_than_the_last_is_refused(users, before):
    message = (
        f"The list has {users} users and the last one, of an earlier cutoff, {before}: one may be larger than the "
        "other by 50% at the most. Look at the source and the model; if the change is real, run publish with a larger "
        "max_users_change. The list stays."
    )
    with pytest.raises(PublishRefused, match=re.escape(message)):
        check_against_last(listed([0.25] * users), listed([0.25] * before), RATE, BOUNDS)


@pytest.mark.parametrize(("users", "before"), [(150, 100), (100, 150), (100, 100)])
def test_a_list_of_nearly_the_same_length_passes(users, before):
    assert check_against_last(listed([0.25] * users), listed([0.25] * before), RATE, BOUNDS).score_shift == 0


def test_scores_that_have_moved_are_refused():
    old = listed(np.linspace(0.1, 0.4, 100))
    new = listed(np.linspace(0.1, 0.4, 100) + 0.16)
    message = (
        "The propensities have moved: at some height the shares of users below it differ by 0.53 between this list and "
        "the last one of an earlier cutoff, of the same pair; at most 0.5 is allowed, and the mean went from 0.2500 to "
        "0.4100. Look at the source and the model; if the change is real, run publish with a larger max_score_shift. "
        "The list stays."
    )
    with pytest.raises(PublishRefused, match=re.escape(message)):
        check_against_last(new, old, RATE, BOUNDS)
    assert check_against_last(
        listed(np.linspace(0.1, 0.4, 100) + 0.14), old, RATE, BOUNDS
    ).score_shift == pytest.approx(0.47)
    assert check_against_last(new.assign(prediction_version="5"), old, RATE, BOUNDS).score_shift == pytest.approx(0.53)


def test_what_differs_between_two_lists():
    old = listed(np.linspace(0.9, 0.1, 20), [f"u{n}" for n in range(20)])
    new = listed(np.linspace(0.8, 0.0, 20), ["u1", "u0", *(f"u{n}" for n in range(5, 23))])
    assert compare_lists(new, old) == ListDifference(3, 3, 1.0, pytest.approx(-0.1), pytest.approx(0.15))
    other = listed(np.linspace(0.8, 0.0, 20), ["u1", "new", *(f"u{n}" for n in range(5, 23))])
    assert compare_lists(other, old).jaccard == pytest.approx(1 / 3)


def test_equal_lists_differ_in_nothing_whatever_the_order_of_their_rows():
    rows = listed([0.5, 0.5, 0.25, 0.1])
    assert compare_lists(rows, rows.iloc[::-1]) == ListDifference(0, 0, 1.0, 0.0, 0.0)


def test_the_distance_of_distributions_is_that_of_kolmogorov_and_smirnov():
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(0)
    one, other = rng.beta(2, 5, 300).round(2), rng.beta(3, 5, 200).round(2)
    assert compare_lists(listed(one), listed(other)).score_shift == pytest.approx(ks_2samp(one, other).statistic)


def test_a_difference_is_recorded_and_told():
    found = ListDifference(3, 1, 0.5, -0.0125, 0.25)
    assert difference_columns(found) == {
        "entered": 3,
        "left": 1,
        "jaccard": 0.5,
        "mean_shift": -0.0125,
        "score_shift": 0.25,
    }
    assert difference_columns(None) == dict.fromkeys(difference_columns(found))
    assert format_difference(found, "2024-06-03") == [
        "Since the list of 2024-06-03: 3 users entered, 1 left; the highest deciles share 50% of their users; the "
        "mean propensity fell by 0.0125, scores are 0.25 apart."
    ]
    assert format_difference(None, None) == []
