"""What keeps a list from being published, each by its own message, and what two lists differ in."""

import re

import numpy as np
import pandas as pd
import pytest

from lib.audience import spread
from lib.audience.ranking import HeldOut
from lib.audience.release import NAMED, ListDifference, difference_columns, format_difference
from lib.config.thresholds import PublishLimits
from lib.config.words import ACTING, STAYING
from lib.errors import PublishRefused
from lib.evaluation.metrics import measure_share
from tests.builders.lists import check_against_last, check_complete, compare
from tests.builders.ranked import rank

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
        (listed([]), 0, "Nobody is asked about: the cohort is empty. Widen cohort_days or cohort_where, or see what "
         "ended in the events. The list stays."),
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
    for words in (ACTING, STAYING):  # of a question turned round the rate is of those who stayed away
        with pytest.raises(PublishRefused, match=re.escape(message.replace("acted", words.acted))):
            check_against_last(listed([mean, mean]), None, RATE, BOUNDS, words)


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
    assert check_against_last(listed([0.25] * users), listed([0.25] * before), RATE, BOUNDS) == 0


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
    nearer = listed(np.linspace(0.1, 0.4, 100) + 0.14)
    assert check_against_last(nearer, old, RATE, BOUNDS) == pytest.approx(0.47)
    assert check_against_last(new.assign(prediction_version="5"), old, RATE, BOUNDS) == pytest.approx(0.53)


def test_what_differs_between_two_lists():
    old = listed(np.linspace(0.9, 0.1, 20), [f"u{n}" for n in range(20)])
    new = listed(np.linspace(0.8, 0.0, 20), ["u1", "u0", *(f"u{n}" for n in range(5, 23))])
    assert compare(new, old).difference == ListDifference(3, 3, 1.0, pytest.approx(-0.1), pytest.approx(0.15))
    other = listed(np.linspace(0.8, 0.0, 20), ["u1", "new", *(f"u{n}" for n in range(5, 23))])
    assert compare(other, old).difference.jaccard == pytest.approx(1 / 3)


def test_equal_lists_differ_in_nothing_whatever_the_order_of_their_rows():
    rows = listed([0.5, 0.5, 0.25, 0.1])
    assert compare(rows, rows.iloc[::-1]).difference == ListDifference(0, 0, 1.0, 0.0, 0.0)


def drawn(kind, seed, users):
    """A list of some of these users, with odd names."""
    rng = np.random.default_rng(seed)
    p = {"spread": rng.random(users), "ties": rng.integers(0, 4, users) / 4, "alike": np.full(users, 0.3)}[kind]
    names = rng.permutation([f"{'Zä9'[n % 3]}{n}" for n in range(users * 3 // 2 + 1)])[:users]
    return listed(p, list(names))


def in_pandas(new, old):
    """What differs, and who moved, as it was found when both lists were frames."""
    now, then = set(new["user_id"]), set(old["user_id"])
    top, before = (set(ranked.loc[ranked["decile"] == 1, "user_id"]) for ranked in (new, old))
    scores, others = (np.sort(ranked["propensity"].to_numpy(float)) for ranked in (new, old))
    places = np.concatenate([scores, others])
    apart = [np.searchsorted(values, places, side="right") / len(values) for values in (scores, others)]
    columns = ["user_id", "propensity", "rank", "decile"]
    both = new[columns].merge(old[columns], on="user_id", how="outer", suffixes=("", "_before"))
    moves = []
    for is_top in (True, False):
        here, there = (both[name] == 1 if is_top else both[name].notna() for name in ("decile", "decile_before"))
        moves += [both[here & ~there].sort_values("rank"), both[there & ~here].sort_values("rank_before")]
    return ListDifference(
        len(now - then), len(then - now), len(top & before) / len(top | before),
        pytest.approx(scores.mean() - others.mean(), abs=1e-12), float(np.abs(apart[0] - apart[1]).max()),
    ), moves  # fmt: skip


@pytest.mark.parametrize("piece", [1, 10**6])
@pytest.mark.parametrize("users", [(1, 1), (40, 50), (400, 300)])
@pytest.mark.parametrize("kinds", [("spread", "spread"), ("ties", "ties"), ("alike", "spread"), ("spread", "alike")])
def test_lists_differ_in_what_they_differed_in_as_frames(monkeypatch, kinds, users, piece):
    monkeypatch.setattr(spread, "PIECE", piece)
    new, old = (drawn(kind, seed, size) for seed, (kind, size) in enumerate(zip(kinds, users, strict=True)))
    found, (difference, moves) = compare(new, old), in_pandas(new, old)
    assert found.difference == difference
    columns = ["user_id", "propensity", "rank", "propensity_before", "rank_before"]
    for move, rows in zip(found.moves, moves, strict=True):
        other = "rank_before" if move.verb == "entered" else "rank"
        assert (move.users, move.on_both) == (len(rows), rows[other].notna().sum())
        wanted = rows.head(NAMED).reset_index(drop=True)
        pd.testing.assert_frame_equal(move.head[columns], wanted[columns], check_dtype=False, check_exact=True)


def test_the_distance_of_distributions_is_that_of_kolmogorov_and_smirnov():
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(0)
    one, other = rng.beta(2, 5, 300).round(2), rng.beta(3, 5, 200).round(2)
    assert compare(listed(one), listed(other)).difference.score_shift == pytest.approx(ks_2samp(one, other).statistic)


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
        "Since the list of 2024-06-03: 3 users entered, 1 left. Of the users in either top decile 50% are in both; the "
        "mean propensity is 0.0125 lower. At no height do the shares of users above it differ by more than 25%."
    ]
    assert format_difference(None, None) == []
