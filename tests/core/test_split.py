"""Which cutoffs are learnt from and which judge: apart in time, with enough who acted to say anything."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from made import CUTOFF, ago

from lib.errors import OneClass
from lib.split import Rows, Split, folds, half, split, two_classes
from lib.timeline import Cutoffs, Window, cutoffs

WEEKLY = Cutoffs(CUTOFF, tuple(ago(n) for n in (14, 21, 28, 35, 42, 49)), tuple(ago(n) for n in (28, 35, 42, 49)))


def parted(positives, least=50, horizon=14, of=WEEKLY):
    """The training and holdout cutoffs as days before CUTOFF, for positives given by days."""
    found = split(of, {ago(n): count for n, count in positives.items()}, horizon, least)
    return [[(CUTOFF - cutoff).days for cutoff in chosen] for chosen in (found.training, found.holdout)]


def test_enough_positives_at_the_newest_matured_cutoff_are_a_holdout():
    assert parted({14: 50}) == [[28, 35, 42, 49], [14]]


def test_one_positive_too_few_takes_in_the_cutoff_before():
    # 21 is judged on too, so what is learnt must have ended by then: 28 is gone
    assert parted({14: 49, 21: 1}) == [[35, 42, 49], [14, 21]]


def test_a_cutoff_without_positives_may_be_missing():
    assert parted({}) == [[49], [14, 21, 28, 35]]


def test_pooling_stops_while_there_is_something_left_to_learn_from():
    # with 42 in the holdout nothing would be left: 42 - 14 days is before the oldest training cutoff
    assert parted({14: 1, 21: 1, 28: 1, 35: 1, 42: 99}) == [[49], [14, 21, 28, 35]]


def test_with_one_training_cutoff_the_holdout_stays_alone():
    only = Cutoffs(CUTOFF, (ago(14), ago(21), ago(28)), (ago(28),))
    assert parted({14: 0, 21: 99}, of=only) == [[28], [14]]


@pytest.mark.parametrize(("horizon", "cadence"), [(1, 1), (7, 7), (14, 7), (10, 7), (7, 28), (30, 7)])
@pytest.mark.parametrize("least", [1, 40, 10_000])
def test_no_label_window_that_is_learnt_from_overlaps_one_that_judges(horizon, cadence, least):
    of = cutoffs(CUTOFF, ago(200), horizon_days=horizon, cadence_days=cadence, most=0)
    parts = split(of, dict.fromkeys(of.matured, 15), horizon, least)
    assert parts.training
    assert parts.holdout[0] == of.holdout
    learnt = [Window.horizon(cutoff, horizon) for cutoff in parts.training]
    judged = [Window.horizon(cutoff, horizon) for cutoff in parts.holdout]
    assert max(window.end for window in learnt) <= min(window.start for window in judged)
    # and nothing is left out that could be learnt from
    assert set(parts.training) == {c for c in of.training if Window.horizon(c, horizon).end <= min(judged).start}


def test_folds_judge_different_days_and_learn_from_those_that_ended_before():
    training = [ago(n) for n in (28, 35, 42, 49, 56, 63)]
    assert folds(training, 14, most=9) == [
        ([ago(42), ago(49), ago(56), ago(63)], ago(28)),
        ([ago(56), ago(63)], ago(42)),  # 35 would be judged on days that 28 is judged on
    ]
    assert folds(training, 14, most=1) == [([ago(42), ago(49), ago(56), ago(63)], ago(28))]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([28, 42], [([42], 28)]),  # exactly one horizon apart
        ([28, 41], []),  # a day too near: nothing to learn from
        ([28], []),
        ([], []),
    ],
)
def test_a_short_history_has_one_fold_or_none(days, expected):
    assert folds([ago(n) for n in days], 14, most=2) == [([ago(n) for n in learnt], ago(n)) for learnt, n in expected]


def test_half_of_the_users_is_the_same_half_everywhere():
    users = np.array([f"u{n}" for n in range(4000)], object)
    chosen = half(users, seed=7)
    assert chosen.tolist() == half(users, seed=7).tolist()
    assert half(users[::-1], seed=7).tolist() == chosen[::-1].tolist()  # each user for himself
    assert 0.47 < chosen.mean() < 0.53
    assert 0.45 < np.mean(chosen == half(users, seed=8)) < 0.55  # another seed, an unrelated half
    # known values: another machine, another run and another library version must give these;
    # u64 hashes to the last byte of the lower half, u291 to the first of the upper
    known = np.array(["ana", "bo", "cy", "di", "eve", "flo", "u64", "u291"], object)
    assert half(known, seed=0).tolist() == [False, True, False, True, True, True, True, False]
    assert half(np.array([], object), seed=0).tolist() == []


def rows():
    return Rows(
        pd.DataFrame({
            "user_id": ["ana", "bo", "ana"], "cutoff": [ago(0), ago(0), ago(7)], "label": [1, 0, 1],
            "recency": [1.0, 2.0, 3.0], "new__events_7": [4.0, 0.0, None],
        })
    )  # fmt: skip


def test_rows_give_features_labels_and_users():
    assert rows().X.columns.tolist() == ["recency", "new__events_7"]
    assert rows().X.dtypes.tolist() == [np.float32, np.float32]
    assert rows().X["new__events_7"].tolist() == [4, 0, 0]  # a type that the older cutoff did not know
    assert (rows().y.tolist(), rows().y.dtype) == ([1, 0, 1], np.int64)
    assert rows().users.tolist() == ["ana", "bo", "ana"]
    assert (rows().positives, len(rows())) == (2, 3)


def test_rows_are_chosen_by_cutoff_or_by_mask():
    assert rows().at([ago(0)]).users.tolist() == ["ana", "bo"]
    assert len(rows().at([date(2000, 1, 1)])) == 0
    assert rows().of(np.array([False, True, True])).frame.index.tolist() == [0, 1]
    assert rows().of(np.array([False, True, True])).users.tolist() == ["bo", "ana"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0, 0], "Of 3 users at the holdout, 0 did buy: with one class only nothing can be learnt or judged"),
        ([1, 1], "Of 2 users at the holdout, 2 did buy: .* Choose an action that some do and some do not"),
        ([], "Of 0 users at the holdout, 0 did buy"),
    ],
)
def test_labels_all_alike_are_refused(labels, message):
    with pytest.raises(OneClass, match=message):
        two_classes(np.array(labels, np.int64), "at the holdout", "buy")


def test_two_kinds_of_labels_are_enough():
    two_classes(np.array([0, 1]), "at the holdout", "buy")


def test_a_split_names_both_sides_newest_first():
    assert split(WEEKLY, {ago(14): 49, ago(21): 1}, 14, 50) == Split((ago(35), ago(42), ago(49)), (ago(14), ago(21)))
