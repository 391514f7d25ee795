"""The search: seeded, on folds apart in time, with every trial kept."""

import math

import optuna
import pytest
from made import CUTOFF, ago, as_told, labelled

from lib import search as module
from lib.models import fit
from lib.search import Trial, search, suggest
from lib.split import Rows
from lib.timeline import Window

WEEKS = [ago(n) for n in (14, 21, 28, 35, 42)]
LOGISTIC = {"family": "logistic", "lifetime": True}


@pytest.fixture
def quick(monkeypatch):
    """Logistic trials only: boosting would cost most of the time and show no more."""
    monkeypatch.setattr(module, "STARTS", (LOGISTIC | {"C": 0.01},))
    monkeypatch.setattr(
        module, "suggest", lambda trial: LOGISTIC | {"C": trial.suggest_float("C", 1e-4, 1e2, log=True)}
    )


@pytest.fixture(scope="module")
def rows():
    return labelled(*WEEKS, users=60)


def found(rows, n_trials=4, seed=0, training=WEEKS, **more):
    return search(rows.at(training), training, 7, n_trials, seed, as_told, **more)


@pytest.mark.usefixtures("quick")
def test_the_same_seed_finds_the_same_and_another_one_others(rows):
    # the second study of one process must start as fresh as the first
    assert found(rows, seed=5) == found(rows, seed=5)
    assert [trial.params["C"] for trial in found(rows, seed=6).trials] != [
        t.params["C"] for t in found(rows, seed=5).trials
    ]


@pytest.mark.usefixtures("quick")
def test_the_best_trial_is_found_and_all_are_told(rows):
    told = []
    best = search(rows, WEEKS, 7, 4, 0, told.append)
    assert [trial.number for trial in best.trials] == [0, 1, 2, 3]
    assert best.trials[0].params == LOGISTIC | {"C": 0.01}  # the given start comes first
    means = [sum(trial.fold_losses) / 2 for trial in best.trials]
    assert not any(trial.pruned for trial in best.trials)
    assert (best.loss, best.params) == (min(means), best.trials[means.index(min(means))].params)
    assert told[0] == f"trial 1/4: logistic, log loss {means[0]:.4f}, best {means[0]:.4f}"
    assert told[3] == f"trial 4/4: logistic, log loss {means[3]:.4f}, best {min(means):.4f}"


@pytest.mark.usefixtures("quick")
def test_a_fold_learns_only_from_labels_that_ended_before_it(rows, monkeypatch):
    seen = []

    class Fold(module._Fold):
        def __init__(self, learn, judge):
            seen.append((set(learn.frame["cutoff"]), set(judge.frame["cutoff"])))
            super().__init__(learn, judge)

    monkeypatch.setattr(module, "_Fold", Fold)
    search(rows, WEEKS, 10, 1, 0, as_told)
    assert seen == [({ago(28), ago(35), ago(42)}, {ago(14)}), ({ago(42)}, {ago(28)})]  # 21 ends inside 14's horizon
    assert all(max(Window.horizon(c, 10).end for c in learn) <= min(judge) for learn, judge in seen)


@pytest.mark.usefixtures("quick")
def test_one_fold_is_enough_for_a_search(rows):
    best = found(rows, training=WEEKS[:2])
    assert [len(trial.fold_losses) for trial in best.trials] == [1] * 4
    assert not any(trial.pruned for trial in best.trials)


@pytest.mark.parametrize(("training", "why"), [(WEEKS[:1], "one cutoff"), ([ago(14), ago(20)], "labels overlap")])
def test_without_folds_the_first_start_is_taken(rows, training, why):
    told = []
    best = search(rows.at(training), training, 7, 4, 0, told.append)
    assert best.params == module.STARTS[0], why
    assert math.isnan(best.loss)
    assert best.trials == ()
    assert told == ["The history is too short for folds: the first parameters of the search space are taken untuned."]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("label", [0, 1])
def test_a_fold_with_one_class_is_left_out(rows, label):
    alike = rows.frame.assign(label=rows.frame["label"].where(rows.frame["cutoff"] != WEEKS[0], label))
    best = found(Rows(alike))
    assert [len(trial.fold_losses) for trial in best.trials] == [1] * 4


def test_a_trial_worse_than_half_of_the_others_is_cut_short_and_kept(rows, monkeypatch):
    trials = [
        *[((0.5, 0.25), False)] * 4,  # nobody is cut before four have finished
        ((0.9,), True),  # cut after its first fold
        ((0.5, 0.5), False),  # bad on the last fold only: there is nothing left to cut
        ((0.25, 0.25), False),
    ]
    losses = iter([loss for fold_losses, _ in trials for loss in fold_losses])
    monkeypatch.setattr(module, "STARTS", ())
    monkeypatch.setattr(module, "suggest", lambda trial: {"family": "logistic", "n": trial.suggest_int("n", 0, 9)})
    monkeypatch.setattr(module._Fold, "loss", lambda *_: next(losses))
    best = found(rows, n_trials=len(trials))
    assert [(trial.fold_losses, trial.pruned) for trial in best.trials] == trials
    assert (best.loss, best.params) == (0.25, best.trials[-1].params)


@pytest.mark.usefixtures("quick")
def test_a_kept_study_is_begun_anew_under_its_name(rows, tmp_path):
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    first = found(rows, n_trials=1, storage=storage, name="buy as of today")
    again = found(rows, n_trials=1, storage=storage, name="buy as of today")
    assert first == again
    assert optuna.get_all_study_names(storage) == ["buy as of today"]
    assert len(optuna.load_study(study_name="buy as of today", storage=storage).trials) == 1


@pytest.mark.usefixtures("quick")
def test_a_search_says_only_what_it_is_to_say(rows, recwarn, capsys):
    level = optuna.logging.get_verbosity()
    found(rows, n_trials=1)
    assert optuna.logging.get_verbosity() == level
    assert [str(warning.message) for warning in recwarn] == []
    assert capsys.readouterr() == ("", "")


def test_many_rows_are_thinned_by_cutoffs_the_newest_first(rows, monkeypatch):
    kept = {}
    for most in (300, 299, 150, 100, 60, 1):
        monkeypatch.setattr(module, "SEARCH_ROWS", most)
        kept[most] = sorted(set(module.thinned(rows, WEEKS).frame["cutoff"]), reverse=True)
    assert kept == {
        300: WEEKS,
        299: [WEEKS[0], WEEKS[2], WEEKS[4]],
        150: [WEEKS[0], WEEKS[2], WEEKS[4]],
        100: [WEEKS[0], WEEKS[3]],
        60: [WEEKS[0]],
        1: [WEEKS[0]],
    }
    assert len(module.thinned(rows, [CUTOFF])) == 0


def test_every_start_lies_in_the_search_space():
    for start in module.STARTS:
        assert suggest(optuna.trial.FixedTrial(dict(start))) == start


@pytest.mark.parametrize("family", ["logistic", "boosting", "blend"])
def test_whatever_is_suggested_can_be_fitted(rows, family):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial({"family": family, "max_iter": 40, "lifetime": True})
    few = rows.at(WEEKS[:1])
    params = suggest(study.ask())
    assert params["family"] == family
    fit(few.X, few.y, params, seed=0)
    assert Trial(0, params, (), False).params["family"] == family
