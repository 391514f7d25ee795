"""The folds of a search: apart in time, as large as they may be, prepared once for each choice."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss

from lib.config.stages import RetrainConfig
from lib.labels.rows import Rows
from lib.models.blueprint import OwnModels
from lib.models.calibration import ask_for_sharpness
from lib.models.estimators import make_part, make_prediction, make_preprocessing
from lib.models.pair import positive_probability
from lib.registry.spark_trials import read_folds, write_folds
from lib.timeline import Window
from lib.training import folds as module
from lib.training.folds import Fold, prepare_folds
from lib.training.space import CHOICES
from tests.builders.runs import PLAIN, ago, asked, labelled

WEEKS = [ago(n) for n in (14, 21, 28, 35, 42)]
LOGISTIC = PLAIN | {"family": "logistic", "C": 0.5}
TREES = {
    "learning_rate": 0.1, "max_iter": 5, "max_leaf_nodes": 4, "min_samples_leaf": 20, "l2_regularization": 1.0,
    "max_features": 0.5,
}  # fmt: skip
QUESTION = asked(RetrainConfig).question
TEN_DAYS = asked(RetrainConfig, horizon_days=10).question


@pytest.fixture(scope="module")
def rows():
    return labelled(*WEEKS, users=60)


@pytest.fixture
def fold(rows):
    return Fold(rows.at(WEEKS[1:]), rows.at(WEEKS[:1]), QUESTION, seed=0)


def cutoffs_of(rows):
    return set(rows.frame["cutoff"])


def test_a_fold_learns_only_from_labels_that_ended_before_it(rows):
    made = prepare_folds(rows, WEEKS, TEN_DAYS, seed=0)
    seen = [(cutoffs_of(fold.learn[0]), cutoffs_of(fold.judge)) for fold in made]
    assert seen == [({ago(28), ago(35), ago(42)}, {ago(14)}), ({ago(42)}, {ago(28)})]  # 21 ends inside 14's horizon
    for fold in made:
        for learn in fold.learn.values():
            assert max(Window.horizon(c, 10).end for c in cutoffs_of(learn)) <= min(cutoffs_of(fold.judge))


def test_a_fold_learns_from_as_many_cutoffs_as_the_parameters_say(rows, monkeypatch):
    monkeypatch.setattr(module, "CHOICES", {**module.CHOICES, "history": (0, 3, 1)})
    fold = Fold(rows.at(WEEKS[1:]), rows.at(WEEKS[:1]), QUESTION, seed=0)
    learnt = {history: sorted(cutoffs_of(learn), reverse=True) for history, learn in fold.learn.items()}
    assert learnt == {0: WEEKS[1:], 3: WEEKS[1:4], 1: WEEKS[1:2]}
    values = {history: fold.value(LOGISTIC | {"history": history}, "log_loss") for history in learnt}
    assert len(set(values.values())) == 3


@pytest.mark.parametrize("label", [0, 1])
def test_a_fold_with_one_class_is_left_out(rows, label):
    alike = rows.frame.assign(label=rows.frame["label"].where(rows.frame["cutoff"] != WEEKS[0], label))
    left = prepare_folds(Rows(alike), WEEKS, QUESTION, seed=0)
    assert [cutoffs_of(fold.judge) for fold in left] == [{WEEKS[1]}, {WEEKS[2]}]


def test_both_sides_of_a_fold_are_capped(rows, monkeypatch):
    monkeypatch.setattr(module, "SEARCH_ROWS", 40)
    fold = Fold(rows.at(WEEKS[1:]), rows.at(WEEKS[:1]), QUESTION, seed=0)
    for side in (*fold.learn.values(), fold.judge):
        assert 25 < len(side) < 55
    assert fold.is_usable


@pytest.mark.parametrize(
    ("objective", "score"), [("log_loss", log_loss), ("average_precision", average_precision_score)]
)
def test_the_value_is_that_of_the_objective_on_the_newer_cutoff(rows, fold, objective, score):
    X = rows.at(WEEKS[1:]).X.astype(np.float64)
    prepared = make_preprocessing(list(X.columns), LOGISTIC).fit(X)
    model = make_prediction(LOGISTIC, 0).fit(prepared.transform(X), rows.at(WEEKS[1:]).y)
    judge = rows.at(WEEKS[:1])
    expected = score(judge.y, positive_probability(model, prepared.transform(judge.X.astype(np.float64))))
    assert fold.value(LOGISTIC, objective) == pytest.approx(expected, rel=1e-12)


def test_a_fold_says_of_a_blend_what_the_model_would_and_learns_what_trials_share_once(rows, fold, monkeypatch):
    made = []
    monkeypatch.setattr(module, "make_part", lambda name, *rest: made.append(name) or make_part(name, *rest))
    X, judged = fold.prepare(tuple(PLAIN.items()))
    for C in (0.1, 1.0):
        blend = LOGISTIC | TREES | {"family": "blend", "C": C}
        whole = make_prediction(blend, fold.seed).fit(X, rows.at(WEEKS[1:]).y)
        assert fold.score(blend).tolist() == positive_probability(whole, judged).tolist()
    assert made == ["logistic", "boosting", "forest", "logistic"]
    fold.score(blend | {"scale": "bins"})  # another matrix: nothing is shared
    assert made[4:] == ["logistic", "boosting", "forest"]


def test_folds_are_asked_for_a_sharpness_where_they_can_tell(rows, fold):
    assert module.ask_folds([fold], LOGISTIC) == ()  # 60 users, so that one class has fewer than a hundred
    large = labelled(*WEEKS, users=800)
    folds = [Fold(large.at(WEEKS[n + 1 :]), large.at([WEEKS[n]]), QUESTION, seed=0) for n in (0, 1)]
    found = module.ask_folds([folds[0], fold, folds[1]], LOGISTIC)
    scores = [each.score(LOGISTIC) for each in folds]
    assert found == tuple(ask_for_sharpness(p, each.judge.y) for p, each in zip(scores, folds, strict=True))
    assert module.ask_folds(folds, OwnModels(None, None, (), {})) == ()


def test_a_lean_fold_reads_nothing_of_other_event_types(rows):
    plain = Fold(rows.at(WEEKS[1:]), rows.at(WEEKS[:1]), QUESTION, seed=0)
    noisy = Rows(rows.frame.assign(view__events_7=np.random.default_rng(0).normal(size=len(rows))))
    fold = Fold(noisy.at(WEEKS[1:]), noisy.at(WEEKS[:1]), QUESTION, seed=0)
    lean = LOGISTIC | {"groups": "lean"}
    assert fold.value(lean, "log_loss") == plain.value(LOGISTIC, "log_loss")
    assert fold.value(LOGISTIC, "log_loss") != plain.value(LOGISTIC, "log_loss")


def test_weights_count_where_is_learnt_and_where_is_judged(rows):
    weight = np.where(rows.y == 1, 1.0, 3.0)
    weighted = Rows(rows.frame.assign(weight=weight))
    repeated = Rows(rows.frame.loc[rows.frame.index.repeat(weight)].reset_index(drop=True))
    few = LOGISTIC | {"C": 1e2}  # hardly any penalty: with weights of mean 1 it weighs otherwise than on the copies
    values = [
        Fold(some.at(WEEKS[1:]), some.at(WEEKS[:1]), QUESTION, seed=0).value(few, "log_loss")
        for some in (weighted, repeated, rows)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-3)
    assert abs(values[0] - values[2]) > 0.01


def test_matrices_are_double_prepared_once_for_each_choice_and_only_so_many_kept(fold, monkeypatch):
    made = []
    monkeypatch.setattr(module, "make_preprocessing", lambda *args: made.append(args[1]) or make_preprocessing(*args))
    for C in (0.1, 1.0, 10.0):
        fold.value(LOGISTIC | {"C": C}, "log_loss")
    assert len(made) == 1
    choice = tuple(PLAIN.items())
    assert [side.dtype for side in fold.prepare(choice)] == [np.float64, np.float64]
    others = [
        (life, groups, history, "log") for life in (True, False) for groups in ("all", "lean") for history in (0, 6)
    ]
    for values in others:
        fold.value(LOGISTIC | dict(zip(PLAIN, values, strict=True)), "log_loss")
    assert len(made) == len(others)  # the first one was there already
    assert fold.prepare.cache_info().currsize == module.PREPARED


def test_a_fold_that_was_written_and_read_is_the_same_without_its_users(tmp_path):
    frame = labelled(*WEEKS).frame.assign(rare=lambda rows: rows["recency"].where(rows["recency"] < 30))  # with gaps
    sampled = Rows(frame.assign(weight=1.0 + frame["recency"] % 3))
    fold = Fold(sampled.at(WEEKS[1:]), sampled.at(WEEKS[:1]), QUESTION, seed=0)
    write_folds([fold, fold], tmp_path)
    again = read_folds(tmp_path, 2, fold.actions, fold.seed)[1]
    for params in (LOGISTIC | {"history": history} for history in CHOICES["history"]):
        assert again.value(params, "log_loss") == fold.value(params, "log_loss")
    columns = {name for rows in (*again.learn.values(), again.judge) for name in rows.frame}
    assert columns == set(frame) - {"user_id", "cutoff"} | {"weight"}
