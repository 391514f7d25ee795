"""The list that people act on: its order, its tenths, and everything that keeps it from being published."""

import numpy as np
import pandas as pd
import pytest

from lib.audience import check, rank, spoken
from lib.errors import PublishRefused

VERSIONS = {"preprocessing_version": "3", "prediction_version": "4"}


def predictions(propensities, users=None):
    users = users or [f"u{n}" for n in range(len(propensities))]
    return pd.DataFrame({"user_id": users, "propensity": propensities}).assign(**VERSIONS)


def test_the_highest_propensity_comes_first_and_equal_ones_by_user():
    ranked = rank(predictions([0.2, 0.9, 0.2, 0.9, 0.5], ["e", "d", "a", "b", "c"]), low_evidence=True)
    assert ranked["user_id"].tolist() == ["b", "d", "c", "a", "e"]
    assert ranked["rank"].tolist() == [1, 2, 3, 4, 5]
    assert ranked["rank"].dtype == ranked["decile"].dtype == np.int32
    assert ranked["low_evidence"].tolist() == [True] * 5
    assert ranked.index.tolist() == [0, 1, 2, 3, 4]


def test_the_order_of_the_predictions_does_not_matter():
    rows = predictions([0.1, 0.1, 0.1, 0.7])
    assert rank(rows.iloc[::-1], low_evidence=False).equals(rank(rows, low_evidence=False))


def test_a_line_of_the_list_ends_with_the_strongest_reason():
    rows = predictions([0.25, 0.5, 0.75], ["ana", "bo", "cy"])
    ranked = rank(rows.assign(reasons=["a: 1 (raises); b: 2 (lowers)", None, "c: 3 (raises)"]), low_evidence=False)
    assert spoken(ranked) == [
        "    1  cy                   0.7500  c: 3 (raises)",
        "    2  bo                   0.5000",
        "    3  ana                  0.2500  a: 1 (raises)",
    ]
    assert spoken(ranked.assign(reasons=None).tail(1)) == ["    3  ana                  0.2500"]
    assert spoken(ranked.head(0)) == []


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
    assert rank(predictions([0.5] * users), low_evidence=False)["decile"].tolist() == deciles


def test_nobody_can_be_ranked():
    assert rank(predictions([]), low_evidence=False)[["rank", "decile"]].to_numpy().tolist() == []


def test_a_sound_list_passes():
    check(predictions([0.0, 1.0, 0.5]), 3, VERSIONS)
    check(predictions([0.5]), 1, {})  # outside a job no decision names versions


@pytest.mark.parametrize(
    ("rows", "cohort", "message"),
    [
        (predictions([]), 0, "The predictions hold 0 users and the cohort 0. Run predict again; the list stays"),
        (predictions([0.1]), 2, "The predictions hold 1 users and the cohort 2"),
        (predictions([0.1, 0.2]), 1, "The predictions hold 2 users and the cohort 1"),
        (predictions([0.1, 0.2, 0.3], ["a", "b", "a"]), 3, "1 users stand twice in the predictions"),
        (predictions([0.1, 1.01, -0.01]), 3, "2 propensities are not between 0 and 1. Retrain; the list stays"),
        (predictions([0.1, np.nan]), 2, "1 propensities are not between 0 and 1"),
        (predictions([0.1, 0.2]).assign(prediction_version=["4", "5"]), 2,
         "come from prediction_version 4, 5, this run decided on 4. Run predict again; the list stays"),
        (predictions([0.1]).assign(preprocessing_version="2"), 1,
         "come from preprocessing_version 2, this run decided on 3"),
    ],
)  # fmt: skip
def test_a_list_that_must_not_be_published_is_refused(rows, cohort, message):
    with pytest.raises(PublishRefused, match=message):
        check(rows, cohort, VERSIONS)
