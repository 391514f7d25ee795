"""The list that people act on: its order, its parts, its bands, and whom it holds out."""

import numpy as np
import pandas as pd
import pytest

from lib.audience.ranking import HOME, QUESTION, HeldOut, format_list
from tests.builders.ranked import name_bands, rank

VERSIONS = {"preprocessing_version": "3", "prediction_version": "4"}
NOBODY = HeldOut("q", 0.0, 0)


def predictions(propensities, users=None):
    users = users or [f"u{n}" for n in range(len(propensities))]
    return pd.DataFrame({"user_id": users, "propensity": propensities}).assign(**VERSIONS)


def test_the_highest_propensity_comes_first_and_equal_ones_by_user():
    ranked = rank(predictions([0.2, 0.9, 0.2, 0.9, 0.5], ["e", "d", "a", "b", "c"]), low_evidence=True, held_out=NOBODY)
    assert ranked["user_id"].tolist() == ["b", "d", "c", "a", "e"]
    assert ranked["rank"].tolist() == [1, 2, 3, 4, 5]
    assert ranked["rank"].dtype == ranked["decile"].dtype == np.int32
    assert ranked["low_evidence"].tolist() == [True] * 5
    assert ranked.index.tolist() == [0, 1, 2, 3, 4]


def test_the_order_of_the_predictions_does_not_matter():
    rows = predictions([0.1, 0.1, 0.1, 0.7])
    assert rank(rows.iloc[::-1], False, NOBODY).equals(rank(rows, False, NOBODY))


def test_a_line_of_the_list_ends_with_the_strongest_reason():
    rows = predictions([0.25, 0.5, 0.75], ["ana", "bo", "cy"])
    ranked = rank(rows.assign(reasons=["a: 1 (raises); b: 2 (lowers)", None, "c: 3 (raises)"]), False, NOBODY)
    assert format_list(ranked) == [
        "    1  cy                   0.7500  c: 3 (raises)",
        "    2  bo                   0.5000",
        "    3  ana                  0.2500  a: 1 (raises)",
    ]
    assert format_list(ranked.assign(reasons=None).tail(1)) == ["    3  ana                  0.2500"]
    assert format_list(ranked.head(0)) == []


@pytest.mark.parametrize(
    ("users", "deciles"),
    [
        (1, [1]),
        (3, [1, 4, 7]),
        (10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (11, [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (20, [n // 2 + 1 for n in range(20)]),
    ],
)
def test_a_decile_is_a_tenth_of_the_ranks(users, deciles):
    assert rank(predictions([0.5] * users), low_evidence=False, held_out=NOBODY)["decile"].tolist() == deciles


def test_nobody_can_be_ranked():
    assert rank(predictions([]), low_evidence=False, held_out=NOBODY)[["rank", "decile"]].to_numpy().tolist() == []


def test_a_percentile_is_a_hundredth_of_the_ranks():
    ranked = rank(predictions([0.5] * 250), low_evidence=False, held_out=NOBODY)
    assert ranked["percentile"].tolist() == [n * 100 // 250 + 1 for n in range(250)]
    assert ranked["percentile"].dtype == np.int32
    assert rank(predictions([0.5] * 2), False, NOBODY)["percentile"].tolist() == [1, 51]


def test_the_expected_actions_are_those_of_everybody_down_to_the_row():
    ranked = rank(predictions([0.25, 0.5, 0.125]), low_evidence=False, held_out=NOBODY)
    assert ranked["expected_actions"].tolist() == [0.5, 0.75, 0.875]


@pytest.mark.parametrize(
    ("propensities", "expected"),
    [
        ([0.9, 0.1], ["far above average", "far below average"]),  # the mean is a half
        # the mean is a half, so its odds are 1: the bands part at odds of 4, 1.5, 1 / 1.5 and 1 / 4
        ([0.81, 0.79, 0.61, 0.59, 0.41, 0.39, 0.21, 0.19],
         ["far above average", "above average", "above average", "average",
          "average", "below average", "below average", "far below average"]),
        ([0.0, 0.0], ["average", "average"]),
        ([1.0, 1.0], ["average", "average"]),
        ([1.0, 0.0], ["far above average", "far below average"]),
        ([], []),
    ],
)  # fmt: skip
def test_a_band_says_how_the_odds_compare_with_those_of_the_mean(propensities, expected):
    assert name_bands(np.array(propensities, float)).tolist() == expected


def test_the_same_users_are_held_out_every_time_and_with_a_larger_share_more():
    users = [f"u{n}" for n in range(4000)]
    tenth, half = (HeldOut("q", share, 0).flags(users) for share in (0.1, 0.5))
    assert tenth.tolist() == HeldOut("q", 0.1, 0).flags(users).tolist()
    assert 340 < tenth.sum() < 460
    assert 1900 < half.sum() < 2100
    assert not (tenth & ~half).any()
    assert not HeldOut("q", 0.0, 0).flags(users).any()
    assert HeldOut("q", 1.0, 0).flags(users).all()
    assert HeldOut("q", 0.1, 0).flags(reversed(users))[::-1].tolist() == tenth.tolist()


@pytest.mark.parametrize("other", [HeldOut("r", 0.1, 0), HeldOut("q", 0.1, 1), HeldOut("q" * 200, 0.1, 0)])
def test_another_question_or_seed_holds_out_other_users(other):
    users = [f"u{n}" for n in range(4000)]
    both = HeldOut("q", 0.1, 0).flags(users) & other.flags(users)
    assert both.sum() < 80  # about 40 by chance


def test_a_home_leaves_the_same_users_alone_for_all_questions_and_a_question_those_of_before():
    users = [f"u{n}" for n in range(1000)]
    one, other = (HeldOut.of(slug, HOME, 0.1, 0) for slug in ("q", "r"))
    assert one.flags(users).tolist() == other.flags(users).tolist() != HeldOut("q", 0.1, 0).flags(users).tolist()
    assert HeldOut.of("q", QUESTION, 0.1, 0) == HeldOut("q", 0.1, 0)
    assert (one.of_home, HeldOut.of("q", QUESTION, 0.1, 0).of_home) == (True, False)
