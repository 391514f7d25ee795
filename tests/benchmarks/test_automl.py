"""What libraries of automatic learning are given: our rows, our folds, as many CPU seconds, and no later label."""

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.automl import __main__ as module
from benchmarks.automl.__main__ import Ours, draw_difference, format_row, give
from benchmarks.automl.budget import Try, is_done, nearest, next_limit
from benchmarks.automl.ours import export_rows, number_folds
from benchmarks.automl.outside import Folds, group_seconds
from lib.config.stages import RetrainConfig
from lib.labels.rows import Rows
from lib.training.folds import Fold, prepare_folds
from tests.builders.runs import ago, asked, labelled

WEEKS = [ago(n) for n in (14, 21, 28, 35, 42)]
QUESTION = asked(RetrainConfig, horizon_days=10).question


@pytest.fixture(scope="module")
def rows():
    return labelled(*WEEKS, users=40)


def test_folds_are_numbered_by_the_rows_that_the_search_learns_from(rows, monkeypatch):
    monkeypatch.setattr("lib.training.folds.SEARCH_ROWS", 30)  # fewer than a cutoff has: the search samples
    folds = prepare_folds(rows, WEEKS, QUESTION, seed=0)
    numbered = number_folds(rows, folds)
    assert [len(each["judge"]) for each in numbered] == [len(fold.judge) for fold in folds]
    for fold, numbers in zip(folds, numbered, strict=True):
        for side, theirs in (("learn", fold.learn[0]), ("judge", fold.judge)):
            there = rows.frame.iloc[numbers[side]].reset_index(drop=True)
            pd.testing.assert_frame_equal(there, theirs.frame)
    assert len(numbered[0]["learn"]) < 40


def test_without_a_fold_nothing_is_compared(rows):
    with pytest.raises(SystemExit, match=r"^The history is too short for folds: no search could choose anything\. Ask"):
        number_folds(rows, [])


def test_later_rows_come_last_and_without_their_labels(rows, tmp_path):
    later = pd.DataFrame({
        "user_id": ["a", "b"], "cutoff": ago(0), "label": [1, 0], "recency": [3, None], "sent__recency": 9.5,
    })  # fmt: skip
    export_rows(rows, later, 14, tmp_path / "rows.parquet")
    written = pd.read_parquet(tmp_path / "rows.parquet")
    assert list(written) == ["user_id", "cutoff", "label", *rows.X]  # what is new since training is nobody's feature
    assert written["label"][:200].astype(int).tolist() == rows.y.tolist()
    assert written["label"][200:].isna().tolist() == [True, True]
    assert written["recency"][200:].tolist() == [3.0, 0.0]
    assert {str(written[name].dtype) for name in rows.X} == {"float32"}
    assert (written["buy__recency"][200:] == 0).all()


def test_a_label_that_tells_of_what_is_to_be_predicted_is_refused(rows, tmp_path):
    message = rf"^The label at {ago(14)} reaches 15 days, into what is judged from {ago(0)} on\.$"
    with pytest.raises(SystemExit, match=message):
        export_rows(rows, rows.frame.assign(cutoff=ago(0)), 15, tmp_path / "rows.parquet")


def test_a_sample_of_rows_is_refused(rows, tmp_path):
    sampled = Rows(rows.frame.assign(weight=2.0))
    with pytest.raises(SystemExit, match=r"^The 200 rows are a sample of more, with weights\. Name fewer --users\.$"):
        export_rows(sampled, rows.frame.assign(cutoff=ago(0)), 14, tmp_path / "rows.parquet")


def test_a_splitter_hands_out_the_folds_as_they_are():
    splitter = Folds([{"learn": [0, 2], "judge": [3]}, {"learn": [0], "judge": [1, 2]}])
    assert splitter.get_n_splits() == 2
    assert [(learn.tolist(), judge.tolist()) for learn, judge in splitter.split()] == [([0, 2], [3]), ([0], [1, 2])]
    assert splitter.shuffle is False


def test_the_seconds_are_those_of_the_group_and_of_what_it_waited_for(tmp_path):
    tick = os.sysconf("SC_CLK_TCK")

    def process(pid, group, *ticks):
        (tmp_path / str(pid)).mkdir()
        between = " ".join(["0"] * 8)
        line = f"{pid} (a (name) b) S 1 {group} {between} {' '.join(str(n * tick) for n in ticks)} 20 0"
        (tmp_path / str(pid) / "stat").write_text(line, encoding="utf-8")

    process(11, os.getpgrp(), 1, 2, 30, 40)  # in Python, in the system, and what ended below it
    process(12, os.getpgrp(), 100, 0, 0, 0)
    process(13, os.getpgrp() + 1, 5000, 0, 0, 0)  # another group
    assert group_seconds(tmp_path) == 173.0


@pytest.mark.parametrize(
    ("taken", "done"),
    [([], False), ([94.9], False), ([95.0], True), ([140.0], True), ([141.0], False), ([10.0, 20.0], True)],
)
def test_a_clock_is_turned_until_the_seconds_are_reached_once_more_at_most(taken, done):
    assert is_done(100.0, [Try(1.0, seconds, Path()) for seconds in taken]) is done


def test_the_clock_is_set_by_the_last_try_whatever_it_was_for():
    assert next_limit(100.0, []) == 100.0
    assert next_limit(300.0, [Try(60.0, 10.0, Path()), Try(50.0, 100.0, Path())]) == 150.0


def test_the_try_nearest_to_the_budget_counts():
    tries = [Try(1.0, 90.0, Path("a")), Try(1.0, 120.0, Path("b"))]
    assert nearest(100.0, tries).file == Path("a")


def test_what_was_made_is_not_made_again_and_sets_the_next_clock(tmp_path, monkeypatch):
    limits = []

    def fit(_python, _script, _library, _rows, _folds, limit, file):
        limits.append(limit)
        np.savez(file, p=[0.5], limit=limit, seconds=1.2 * limit)

    monkeypatch.setattr(module, "run_in_group", fit)
    first = give("flaml", 1, 100.0, tmp_path, "python")
    assert (first.seconds, limits) == (120.0, [100.0])
    assert give("flaml", 1, 100.0, tmp_path, "python") == first
    assert give("flaml", 3, 100.0, tmp_path, "python").seconds == 300.0
    assert limits == [100.0, 250.0]


def test_a_difference_is_drawn_over_users_not_over_rows():
    difference = np.array([0.0, 0.0, 1.0, 1.0])
    users = np.array(["a", "a", "b", "b"], object)
    assert draw_difference(difference, users) == (0.0, 1.0)  # a draw of two users has either, or both
    assert draw_difference(difference, np.array(["a"] * 4, object)) == (0.5, 0.5)


def test_a_row_says_who_is_nearer_to_what_happened(tmp_path):
    scored = pd.DataFrame({"user": ["a", "b"], "cutoff": ago(0) + timedelta(1), "y": [1, 0], "p": [0.5, 0.5]})
    np.savez(tmp_path / "flaml.npz", p=[0.25, 0.75], limit=9.0, seconds=30.0)
    row = format_row(Ours("deli 14 d", scored, 10.0), "flaml", 3, Try(9.0, 30.0, tmp_path / "flaml.npz"))
    shown = "| deli 14 d | 2 | 0.500 | 0.6931 | 10 | flaml | 3 x | 30 | 1.3863 | -0.6931 (-0.6931 to -0.6931) |"
    assert row == shown


def test_a_fold_of_the_search_is_a_fold_of_the_export(rows):
    fold = Fold(rows.at(WEEKS[2:]), rows.at(WEEKS[:1]), QUESTION, seed=0)
    assert number_folds(rows, [fold]) == [{"learn": [*range(80, 200)], "judge": [*range(40)]}]
