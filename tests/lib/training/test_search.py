"""The search: seeded, resumable, started from what is known, with every trial kept."""

import contextlib
import math
import sqlite3

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from lib.config.stages import OBJECTIVES, RetrainConfig
from lib.training import folds, space
from lib.training import search as search_rules
from lib.training.search import search
from tests.builders.runs import PLAIN, ago, as_told, asked, labelled

WEEKS = [ago(n) for n in (14, 21, 28, 35, 42)]
TODAY = ago(0)
LOGISTIC = PLAIN | {"family": "logistic"}
START = LOGISTIC | {"C": 0.01}
NAME = f"buy_7d_cohort28d as of {TODAY} run-1"

KNOWN = {
    "family": CategoricalDistribution(["logistic", "boosting", "blend"]),
    "lifetime": CategoricalDistribution([True, False]), "C": FloatDistribution(1e-4, 1e2, log=True),
}  # fmt: skip


def logistic_only(trial):
    return LOGISTIC | {"C": trial.suggest_float("C", 1e-4, 1e2, log=True)}


@pytest.fixture
def quick(monkeypatch):
    """Logistic trials only: boosting would cost most of the time and show no more."""
    monkeypatch.setattr(space, "STARTS", (START,))
    monkeypatch.setattr(space, "suggest", logistic_only)


@pytest.fixture
def told_values(monkeypatch):
    """Let the folds come to what a test says, in order, and the trials draw one number each."""

    def tell(*values):
        losses = iter(values)
        monkeypatch.setattr(folds, "FOLDS", 2)
        monkeypatch.setattr(space, "STARTS", ())
        monkeypatch.setattr(space, "suggest", lambda t: {"family": "logistic", "n": t.suggest_int("n", 0, 9)})
        monkeypatch.setattr(folds.Fold, "value", lambda *_: next(losses))

    return tell


@pytest.fixture(scope="module")
def rows():
    return labelled(*WEEKS, users=60)


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'optuna.db'}"


def found(rows, n_trials=4, training=WEEKS, as_of=TODAY, champion=None, say=as_told, **more):
    config = asked(RetrainConfig, n_trials=n_trials, **more)
    return search(rows.at(training), training, config, as_of, champion, say)


def points(result):
    return [trial.params["C"] for trial in result.trials]


@pytest.mark.usefixtures("quick")
def test_the_same_seed_finds_the_same_and_another_one_others(rows):
    # the second study of one process must start as fresh as the first: a sampler shared by both would go on
    assert found(rows, seed=5) == found(rows, seed=5)
    assert points(found(rows, seed=6))[1:] != points(found(rows, seed=5))[1:]


@pytest.mark.usefixtures("quick")
def test_every_trial_draws_afresh(rows):
    assert len(set(points(found(rows, n_trials=8)))) == 8


@pytest.mark.usefixtures("quick")
def test_the_best_trial_is_found_and_all_are_told(rows):
    told = []
    best = found(rows, n_trials=3, say=told.append)
    assert [trial.number for trial in best.trials] == [0, 1, 2]
    assert best.trials[0].params == START  # the given start comes first
    means = [sum(trial.fold_values) / folds.FOLDS for trial in best.trials]
    assert [trial.value for trial in best.trials] == pytest.approx(means, rel=1e-15)
    means = [trial.value for trial in best.trials]
    assert not any(trial.pruned for trial in best.trials)
    assert (best.value, best.params) == (min(means), best.trials[means.index(min(means))].params)
    assert told[0] == f"trial 1/3: logistic, log loss {means[0]:.4f}, best {means[0]:.4f}"
    assert told[2] == f"trial 3/3: logistic, log loss {means[2]:.4f}, best {min(means):.4f}"
    assert len(told) == 3


@pytest.mark.usefixtures("quick")
def test_one_fold_is_enough_for_a_search(rows):
    best = found(rows, training=WEEKS[:2])
    assert [len(trial.fold_values) for trial in best.trials] == [1] * 4
    assert not any(trial.pruned for trial in best.trials)


@pytest.mark.parametrize(("training", "why"), [(WEEKS[:1], "one cutoff"), ([ago(14), ago(20)], "labels overlap")])
def test_without_folds_the_first_start_is_taken(rows, training, why):
    told = []
    best = found(rows, training=training, say=told.append)
    assert best.params == space.STARTS[0], why
    assert math.isnan(best.value)
    assert (best.trials, best.study) == ((), None)
    assert told == ["The history is too short for folds: the first parameters of the search space are taken untuned."]


PRUNING = [
    ((0.4, 0.3), False),
    ((0.6, 0.3), False),
    ((0.5, 0.25), False),  # nobody is cut before three have finished
    ((0.46,), True),  # cut after its first fold, where a quarter lies below 0.45: better than half is not enough
    ((0.44, 0.5), False),  # bad on the last fold only: there is nothing left to cut
    ((0.25, 0.25), False),
]


@pytest.mark.parametrize(("objective", "sign"), [("log_loss", 1), ("average_precision", -1)])
def test_a_trial_that_is_not_among_the_best_quarter_is_cut_short_and_kept(rows, told_values, objective, sign):
    # what is to be large is mirrored: the same trials are cut and the same one is best
    told_values(*(sign * value for values, _ in PRUNING for value in values))
    best = found(rows, n_trials=len(PRUNING), objective=objective)
    assert [(tuple(sign * v for v in trial.fold_values), trial.pruned) for trial in best.trials] == PRUNING
    assert (best.value, best.params) == (sign * 0.25, best.trials[-1].params)
    assert {trial.objective for trial in best.trials} == {objective}


def test_the_first_among_equals_is_taken(rows, told_values):
    told_values(*[0.5, 0.5] * 4)
    best = found(rows)
    assert best.params == best.trials[0].params


@pytest.mark.parametrize(
    ("others", "blend", "chosen"),
    [
        (0.5, 0.5049, "blend"),  # as good, but for what folds differ by
        (0.5, 0.5051, "logistic"),  # more than a hundredth apart
        (0.5, 0.4, "blend"),
        (-0.5, -0.4951, "blend"),  # large is good: the sign is turned below
        (-0.5, -0.4949, "logistic"),
    ],
)
def test_another_family_must_be_clearly_better_than_a_blend(rows, told_values, monkeypatch, others, blend, chosen):
    objective = "log_loss" if others > 0 else "average_precision"
    values = [abs(value) for value in (others, others, blend, blend, others, others)]
    told_values(*values)
    kinds = iter([("logistic", "all"), ("blend", "all"), ("blend", "lean")])

    def suggest(trial):
        family, groups = next(kinds)
        return {"family": family, "groups": groups, "n": trial.suggest_int("n", 0, 9)}

    monkeypatch.setattr(space, "suggest", suggest)
    best = found(rows, n_trials=3, objective=objective)
    assert best.params["family"] == chosen


@pytest.mark.usefixtures("quick")
def test_the_average_precision_is_tuned_for_by_its_name(rows):
    told = []
    best = found(rows, objective="average_precision", say=told.append)
    assert best.value == max(trial.value for trial in best.trials)
    assert told[0] == f"trial 1/4: logistic, average precision {best.trials[0].value:.4f}, best " + told[0][-6:]
    assert set(folds.OBJECTIVES) == set(OBJECTIVES)


class Killed(BaseException):
    """What no handler of Optuna's sees, like the end of a process."""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("at", "kill"), [(0, Killed), (1, KeyboardInterrupt), (7, Killed), (12, KeyboardInterrupt)])
def test_a_killed_search_continues_and_ends_as_if_it_had_not_been(rows, storage, monkeypatch, kill, at):
    whole = found(rows, n_trials=11, seed=3)
    value, calls = folds.Fold.value, iter(range(100))

    def dying(*asked_for):
        if next(calls) == at:
            raise kill
        return value(*asked_for)

    with monkeypatch.context() as patch:
        patch.setattr(folds.Fold, "value", dying)
        with pytest.raises(kill):
            found(rows, n_trials=11, seed=3, optuna_storage=storage)
    told = []
    again = found(rows, n_trials=11, seed=3, optuna_storage=storage, say=told.append)
    assert again == whole
    assert optuna.get_all_study_names(storage) == [NAME]
    states = {trial.state.name for trial in optuna.load_study(study_name=NAME, storage=storage).trials}
    assert states <= {"COMPLETE", "PRUNED", "FAIL"}
    assert told[0].startswith("continuing the study: " if at > 1 else "trial 1/11")


@pytest.mark.usefixtures("quick")
def test_a_start_that_waits_when_the_run_is_killed_is_not_tried_twice(rows, storage):
    found(rows, n_trials=2, optuna_storage=storage)
    study = optuna.load_study(study_name=NAME, storage=storage)
    study.enqueue_trial({"C": 5.0})
    study.enqueue_trial({"C": 7.0})
    assert found(rows, n_trials=4, optuna_storage=storage) == found(rows, n_trials=4)


@pytest.mark.usefixtures("quick")
def test_a_study_that_began_otherwise_is_begun_anew(rows, storage, monkeypatch):
    found(rows, n_trials=2, optuna_storage=storage)
    for changes in ({"seed": 1}, {"objective": "average_precision"}, {"champion": START | {"C": 2.0}}):
        told = []
        assert found(rows, n_trials=2, optuna_storage=storage, say=told.append, **changes) == found(
            rows, n_trials=2, **changes
        )
        assert told[0].startswith("trial 1/2"), changes
    fewer = rows.of(rows.users != "u1")
    assert found(fewer, n_trials=2, optuna_storage=storage) == found(fewer, n_trials=2)
    monkeypatch.setattr(space, "suggest", lambda t: LOGISTIC | {"C": t.suggest_float("C", 1e-3, 1e1, log=True)})
    assert found(fewer, n_trials=2, optuna_storage=storage) == found(fewer, n_trials=2)  # another space
    assert optuna.get_all_study_names(storage) == [NAME]


@pytest.mark.usefixtures("quick")
def test_by_hand_a_study_is_begun_anew(rows, storage):
    """Who runs a notebook again after a change to the code does not want the old trials back."""
    told = []
    for _ in range(2):
        found(rows, n_trials=2, run_id="", optuna_storage=storage, say=told.append)
    assert [line[:9] for line in told] == ["trial 1/2", "trial 2/2"] * 2
    assert optuna.get_all_study_names(storage) == [NAME.removesuffix(" run-1")]


@pytest.mark.usefixtures("quick")
def test_the_champion_and_the_last_study_are_tried_after_the_starts(rows, storage):
    before = found(rows, n_trials=5, as_of=ago(7), optuna_storage=storage, seed=9)
    assert before.params != START
    now = found(rows, n_trials=4, optuna_storage=storage, champion=LOGISTIC | {"C": 4.0})
    assert points(now)[:3] == [0.01, 4.0, before.params["C"]]
    # a run of the same day again, of another id: it does not start from the study of the first one
    again = found(rows, n_trials=4, optuna_storage=storage, champion=LOGISTIC | {"C": 4.0}, run_id="run-2")
    assert again == now


@pytest.mark.usefixtures("quick")
def test_the_last_study_is_the_newest_of_this_question_that_came_to_something(rows, storage):
    for days, seed in ((21, 1), (14, 2)):
        before = found(rows, n_trials=2, as_of=ago(days), optuna_storage=storage, seed=seed)
    found(rows, n_trials=2, as_of=ago(7), optuna_storage=storage, seed=3, action="rent")
    found(rows, n_trials=2, as_of=ago(-7), optuna_storage=storage, seed=4)  # later than this run
    optuna.create_study(study_name=f"buy_7d_cohort28d as of {ago(1)}", storage=storage)  # killed at once
    assert before.params != START
    assert points(found(rows, n_trials=2, optuna_storage=storage))[1] == before.params["C"]


@pytest.mark.usefixtures("quick")
def test_what_searches_for_other_questions_have_found_is_tried_last_of_the_starts(rows, storage):
    before = found(rows, n_trials=2, as_of=ago(7), optuna_storage=storage, seed=9)
    others = [LOGISTIC | {"C": 2.0}, {"forest": 1}, START, LOGISTIC | {"C": 8.0}]
    config = asked(RetrainConfig, n_trials=5, optuna_storage=storage)
    now = search(rows, WEEKS, config, TODAY, LOGISTIC | {"C": 4.0}, as_told, others=others)
    assert points(now) == list(dict.fromkeys([0.01, 4.0, before.params["C"], 2.0, 8.0]))[:5]


def test_a_study_that_an_older_version_kept_is_a_start_too(rows, storage, monkeypatch):
    old = optuna.create_study(study_name=f"buy_7d_cohort28d as of {ago(7)}", storage=storage)
    known = {"family": "logistic", "lifetime": False, "C": 0.25}  # no choice of groups or history yet
    old.add_trial(optuna.trial.create_trial(params=known, distributions=KNOWN, value=0.5))
    monkeypatch.setattr(space, "STARTS", ())
    assert found(rows, n_trials=1, optuna_storage=storage).params == PLAIN | known


@pytest.mark.usefixtures("quick")
def test_what_is_no_point_of_the_space_or_tried_already_is_no_start(rows):
    plain = points(found(rows))
    for champion in ({}, {"forest": 1}, LOGISTIC | {"C": 1e3}, START, dict(START, extra=1)):
        assert points(found(rows, champion=champion)) == plain


@pytest.mark.usefixtures("quick")
def test_a_budget_of_seconds_ends_the_search_and_is_told(rows, monkeypatch):
    value = folds.Fold.value

    def slow(*asked_for):
        import time

        time.sleep(0.2)
        return value(*asked_for)

    monkeypatch.setattr(folds.Fold, "value", slow)
    told = []
    best = found(rows, n_trials=50, search_seconds=1, say=told.append)
    assert len(best.trials) == 2  # each takes 0.6 s: the second begins in time
    assert all(trial.seconds > 0.6 for trial in best.trials)
    assert told[0] == "The budget is one of seconds or of several workers: this search does not repeat exactly."


@pytest.mark.usefixtures("quick")
def test_several_workers_try_as_many_trials_the_starts_among_them(rows, storage):
    told = []
    best = found(rows, n_trials=6, search_workers=3, optuna_storage=storage, say=told.append)
    assert [trial.number for trial in best.trials] == list(range(6))
    assert 0.01 in points(best)
    assert len(set(points(best))) == 6
    assert best.value <= 1.01 * min(trial.value for trial in best.trials)  # a better one by less changes nothing
    assert told[0] == "The budget is one of seconds or of several workers: this search does not repeat exactly."


@pytest.mark.usefixtures("quick")
def test_a_search_says_only_what_it_is_to_say(rows, recwarn, capsys):
    level = optuna.logging.get_verbosity()
    found(rows, n_trials=1)
    assert optuna.logging.get_verbosity() == level
    assert [str(warning.message) for warning in recwarn] == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("harm", ["locked", "no database", "a folder", "no driver"])
def test_a_study_that_cannot_be_opened_is_left_aside_and_the_search_goes_on(rows, tmp_path, monkeypatch, harm):
    file, told = tmp_path / "studies.db", []
    url = f"sqlite:///{file}?timeout=0.1"
    with contextlib.ExitStack() as held:
        if harm == "locked":
            found(rows, n_trials=2, optuna_storage=url)
            connection = held.enter_context(contextlib.closing(sqlite3.connect(file)))
            connection.execute("BEGIN EXCLUSIVE")
        elif harm == "no database":
            file.write_text("neither a database nor empty")
        elif harm == "a folder":
            file.mkdir()
        else:
            url = "postgresql+pg8000x://me@nowhere/studies"
        assert found(rows, n_trials=2, optuna_storage=url, say=told.append) == found(rows, n_trials=2)
    assert told[0].startswith("The studies in optuna_storage are left aside, they cannot be used: ")
    assert told[1] == "This search keeps its trials in memory, and begins without the best of the last one."
    assert "me@nowhere" not in told[0]
    assert len(told[0]) < 200


@pytest.mark.usefixtures("quick")
def test_a_study_that_fails_on_the_way_is_begun_anew_in_memory(rows, storage, monkeypatch):
    told = []

    def full(self, *given, **named):
        raise optuna.exceptions.StorageInternalError("An exception is raised during the commit.")

    monkeypatch.setattr(optuna.storages.RDBStorage, "set_trial_user_attr", full)
    assert found(rows, n_trials=2, optuna_storage=storage, say=told.append) == found(rows, n_trials=2)
    assert "StorageInternalError: An exception is raised during the commit." in told[0]


def test_an_error_of_the_search_itself_is_no_error_of_its_storage(rows, monkeypatch):
    def broken(*_):
        raise RuntimeError("of ours")

    monkeypatch.setattr(search_rules, "_run_trials", broken)
    with pytest.raises(RuntimeError, match="of ours"):
        found(rows, n_trials=2)
