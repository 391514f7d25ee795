"""The naive rule: rates by how lately and how often, drawn towards the overall rate."""

import numpy as np
import pandas as pd
import pytest

from lib.config.question import Question
from lib.evaluation.naive_rule import NaiveRule

BUY = Question(actions=("buy",), horizon_days=7, cohort_days=28)


def frame(recency, often, kind="buy"):
    return pd.DataFrame({f"{kind}__recency": recency, f"{kind}__events_90": often}, dtype=np.float32)


def test_a_cell_is_drawn_towards_the_overall_rate():
    X = frame([1] * 20 + [365] * 60, [3] * 20 + [0] * 60)
    y = np.array([1] * 16 + [0] * 64)  # 16 of 20 against 0 of 60; overall 0.2
    rule = NaiveRule.fit(BUY, X, y)
    assert rule.overall == 0.2
    assert rule.score(frame([1, 365, 20], [3, 0, 1])) == pytest.approx([
        (16 + 20 * 0.2) / (20 + 20),
        (0 + 20 * 0.2) / (60 + 20),
        0.2,  # a cell that nobody was in
    ])  # fmt: skip


def test_a_row_counts_as_often_as_it_weighs():
    X, y = frame([1, 1, 20, 365], [3, 3, 1, 0]), np.array([1, 0, 1, 0])
    times = np.array([1, 3, 2, 4])
    weighted = NaiveRule.fit(BUY, X, y, times.astype(float))
    copied = NaiveRule.fit(BUY, X.loc[X.index.repeat(times)], np.repeat(y, times))
    assert weighted.rates == pytest.approx(copied.rates)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ((7, 1), (8, 1), False),
        ((8, 1), (14, 1), True),
        ((14, 1), (15, 1), False),
        ((28, 1), (29, 1), False),
        ((90, 1), (91, 1), False),
        ((91, 1), (364, 1), True),
        ((364, 0), (365, 0), False),  # never
        ((7, 0), (7, 1), False),
        ((7, 1), (7, 2), False),
        ((7, 2), (7, 3), True),
        ((7, 3), (7, 4), False),
        ((7, 7), (7, 8), False),
        ((7, 8), (7, 999), True),
    ],
)
def test_where_a_cell_ends(one, other, together):
    X = frame([one[0]] * 10 + [50], [one[1]] * 10 + [50])
    rule = NaiveRule.fit(BUY, X, np.array([1] * 10 + [0]))  # no cell but that of `one` is above the overall rate
    first, second = rule.score(frame([one[0], other[0]], [one[1], other[1]]))
    assert bool(first == second) == together


def test_several_actions_count_by_the_latest_and_by_their_sum():
    either = Question(actions=("buy", "rent"), horizon_days=7, cohort_days=28)
    rates = np.zeros((6, 5))
    rates[0, 4], rates[0, 0] = 0.7, 0.2  # within 8 days: eight times or more in all, and not at all in 90 days
    X = pd.concat([frame([200, 200], [4, 0]), frame([3, 3], [4, 0], "rent")], axis=1)
    assert NaiveRule(either, rates, 0.3).score(X).tolist() == [0.7, 0.2]


def test_without_columns_of_the_action_everybody_stands_in_one_cell():
    rule = NaiveRule.fit(BUY, frame([1, 2], [1, 9], "view"), np.array([1, 0]))
    assert rule.score(frame([5], [5], "view")).tolist() == [0.5]


def test_from_nothing_it_knows_nothing():
    rule = NaiveRule.fit(BUY, frame([], []), np.array([], np.int64))
    assert rule.score(frame([1, 365], [9, 0])).tolist() == [0.5, 0.5]
