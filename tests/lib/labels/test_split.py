"""Which cutoffs are learnt from and which judge: apart in time, with enough who acted to say anything."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from lib.errors import OneClass
from lib.labels.rows import Rows, check_two_classes, thin_rows, user_half
from lib.labels.split import Split, fold_cutoffs, split_cutoffs
from lib.timeline import Cutoffs, Window, lay_out_cutoffs
from tests.builders.runs import CUTOFF, ago, labelled

WEEKLY = Cutoffs(CUTOFF, tuple(ago(n) for n in (14, 21, 28, 35, 42, 49)), tuple(ago(n) for n in (28, 35, 42, 49)))


def parted(positives, least=50, horizon=14, of=WEEKLY):
    """The training and holdout cutoffs as days before CUTOFF, for positives given by days."""
    found = split_cutoffs(of, {ago(n): count for n, count in positives.items()}, horizon, least)
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
    of = lay_out_cutoffs(CUTOFF, ago(200), horizon_days=horizon, cadence_days=cadence, most=0)
    parts = split_cutoffs(of, dict.fromkeys(of.matured, 15), horizon, least)
    assert parts.training
    assert parts.holdout[0] == of.holdout
    learnt = [Window.horizon(cutoff, horizon) for cutoff in parts.training]
    judged = [Window.horizon(cutoff, horizon) for cutoff in parts.holdout]
    assert max(window.end for window in learnt) <= min(window.start for window in judged)
    # and nothing is left out that could be learnt from
    assert set(parts.training) == {c for c in of.training if Window.horizon(c, horizon).end <= min(judged).start}


def test_folds_judge_different_days_and_learn_from_those_that_ended_before():
    training = [ago(n) for n in (28, 35, 42, 49, 56, 63)]
    assert fold_cutoffs(training, 14, most=9) == [
        ([ago(42), ago(49), ago(56), ago(63)], ago(28)),
        ([ago(56), ago(63)], ago(42)),  # 35 would be judged on days that 28 is judged on
    ]
    assert fold_cutoffs(training, 14, most=1) == [([ago(42), ago(49), ago(56), ago(63)], ago(28))]


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
    assert fold_cutoffs([ago(n) for n in days], 14, most=2) == [
        ([ago(n) for n in learnt], ago(n)) for learnt, n in expected
    ]


def test_half_of_the_users_is_the_same_half_everywhere():
    users = np.array([f"u{n}" for n in range(4000)], object)
    chosen = user_half(users, seed=7)
    assert chosen.tolist() == user_half(users, seed=7).tolist()
    assert user_half(users[::-1], seed=7).tolist() == chosen[::-1].tolist()  # each user for himself
    assert 0.47 < chosen.mean() < 0.53
    assert 0.45 < np.mean(chosen == user_half(users, seed=8)) < 0.55  # another seed, an unrelated half
    # known values: another machine, another run and another library version must give these;
    # u64 hashes to the last byte of the lower half, u291 to the first of the upper
    known = np.array(["ana", "bo", "cy", "di", "eve", "flo", "u64", "u291"], object)
    assert user_half(known, seed=0).tolist() == [False, True, False, True, True, True, True, False]
    assert user_half(np.array([], object), seed=0).tolist() == []


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
        check_two_classes(np.array(labels, np.int64), "at the holdout", "did buy")


def test_two_kinds_of_labels_are_enough():
    check_two_classes(np.array([0, 1]), "at the holdout", "did buy")


def test_a_split_names_both_sides_newest_first():
    assert split_cutoffs(WEEKLY, {ago(14): 49, ago(21): 1}, 14, 50) == Split(
        (ago(35), ago(42), ago(49)), (ago(14), ago(21))
    )


WEEKS = [ago(n) for n in (14, 21, 28, 35, 42)]


def cutoffs_of(rows):
    return sorted(set(rows.frame["cutoff"]), reverse=True)


def test_a_history_is_the_newest_cutoffs():
    rows = labelled(*WEEKS, users=20)
    kept = {history: cutoffs_of(rows.newest(history)) for history in (0, 1, 2, 5, 13)}
    assert kept == {0: WEEKS, 1: WEEKS[:1], 2: WEEKS[:2], 5: WEEKS, 13: WEEKS}


@pytest.mark.parametrize("label", [0, 1])
def test_a_history_of_one_class_only_is_no_history(label):
    rows = labelled(*WEEKS, users=20)
    alike = Rows(rows.frame.assign(label=rows.frame["label"].where(rows.frame["cutoff"] < WEEKS[1], label)))
    assert cutoffs_of(alike.newest(2)) == WEEKS
    assert cutoffs_of(alike.newest(3)) == WEEKS[:3]


def test_many_rows_are_thinned_by_cutoffs_the_newest_first():
    rows = labelled(*WEEKS, users=60)
    kept = {most: cutoffs_of(thin_rows(rows, most, seed=0)) for most in (300, 299, 150, 100, 60)}
    assert kept == {
        300: WEEKS,
        299: [WEEKS[0], WEEKS[2], WEEKS[4]],
        150: [WEEKS[0], WEEKS[2], WEEKS[4]],
        100: [WEEKS[0], WEEKS[3]],
        60: [WEEKS[0]],
    }
    assert len(thin_rows(rows.at([]), 0, seed=0)) == 0


def test_a_cutoff_of_too_many_users_is_thinned_by_users():
    rows = labelled(WEEKS[0], WEEKS[1], users=4000)
    kept = thin_rows(rows, 1000, seed=0)
    assert cutoffs_of(kept) == WEEKS[:1]
    assert 920 < len(kept) < 1080  # three standard deviations
    assert kept.y.mean() == pytest.approx(rows.at(WEEKS[:1]).y.mean(), abs=0.05)
    assert kept.users.tolist() == thin_rows(rows, 1000, seed=0).users.tolist()
    overlap = set(kept.users) & set(thin_rows(rows, 1000, seed=1).users)
    assert 190 < len(overlap) < 310  # another seed, other users: a quarter of a quarter are the same
    # known values: another machine and another library version must keep these
    assert sorted(kept.users)[:4] == ["u0", "u1000", "u1002", "u1004"]


def test_weights_are_relative_to_the_average_row_and_are_no_feature():
    plain = rows()
    sampled = Rows(plain.frame.assign(weight=[1.0, 4.0, 4.0]))
    assert plain.weight is None
    assert sampled.weight.tolist() == [1 / 3, 4 / 3, 4 / 3]
    assert sampled.at([ago(7)]).weight.tolist() == [1.0]
    assert sampled.at([date(2000, 1, 1)]).weight.tolist() == []
    assert sampled.X.equals(plain.X)
