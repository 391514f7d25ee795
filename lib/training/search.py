"""Find the parameters of a pair by Optuna: what is tried first, the study, what is kept of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from lib.config.stages import RetrainConfig
from lib.labels.rows import Rows
from lib.models.blueprint import Blueprint
from lib.models.calibration import Asked
from lib.training import space, studies, trials
from lib.training.folds import OBJECTIVES, Fold, ask_folds, prepare_folds
from lib.training.trials import Objective, Trial

Params = Mapping[str, Any]
UNCUT = 3  # trials, as many as there are starting points: before them none is cut short
MARK = "mark"  # attribute of a study: what it began with


@dataclass(frozen=True)
class SearchResult:
    """What a search found, or what somebody put in its place."""

    params: Blueprint  # somebody's own models stand here too, where no search was made
    value: float  # mean of the objective over the folds; NaN where nothing could be compared
    trials: tuple[Trial, ...]
    study: optuna.Study | None = field(default=None, compare=False, repr=False)
    mlflow_run: str = field(default="", compare=False)  # where the trials are runs already: the one above them
    asked: Sequence[Asked] | None = field(default=None, compare=False)  # by the folds, of the sharpness; None: not yet


class TrialRunner(Protocol):
    """Where trials run that do not run in this process."""

    def open_study(self, name: str, direction: str, pruner: optuna.pruners.BasePruner) -> tuple[optuna.Study, str]:
        """A new study that other processes can add trials to, and the MLflow run that is above them."""

    def objective(self, folds: Sequence[Fold], name: str) -> Objective:
        """The same objective, for processes that have neither the folds nor this code."""

    def optimize(self, study: optuna.Study, run: Objective, n_trials: int, workers: int, seconds: float | None) -> None:
        """Run trials, and return when they have ended."""


def search(
    rows: Rows,
    training: Sequence[date],
    config: RetrainConfig,
    as_of: date,
    champion: Params | None = None,
    say: Callable[[str], None] = print,
    elsewhere: TrialRunner | None = None,
    others: Sequence[Params] = (),
) -> SearchResult:
    """Tune on time-ordered, purged folds.

    One worker and a number of trials repeat exactly, also when a run with a storage was killed and is tried again:
    it continues its study. A budget of seconds, or several workers, give what the machine has time for, and so does a
    search elsewhere, which always begins anew.

    Parameters
    ----------
    rows : Rows
        Labelled rows of the training cutoffs.
    training : cutoffs, newest first
        With fewer than two disjoint label windows nothing can be compared: the first start is taken as it is.
    config : RetrainConfig
        Question, objective, seed, budget (`n_trials`, `search_seconds`, `search_workers`) and `optuna_storage`.
    as_of : date
        Its own study is named after it; the best trial of the last study before it is tried early.
    champion : parameters or None
        Those of the pair in use, tried early too where they are a point of the space.
    elsewhere : Elsewhere or None
        What runs the trials; None: this process.
    others : parameters
        Those that searches for other questions of the run have found, tried early too.
    """
    folds = prepare_folds(rows, training, config.question, config.seed)
    if not folds:
        say("The history is too short for folds: the first parameters of the search space are taken untuned.")
        return SearchResult(dict(space.STARTS[0]), float("nan"), ())
    known = [champion, *others]
    with studies.quiet_optuna():
        try:
            study, mlflow_run = _search(config.optuna_storage, config, as_of, known, folds, say, elsewhere)
        except Exception as error:  # whatever it was: a fault of the search itself comes again, in memory
            if not config.optuna_storage:
                raise
            say(f"The studies in optuna_storage are left aside, they cannot be used: {studies.first_line(error)}")
            say("This search keeps its trials in memory, and begins without the best of the last one.")
            study, mlflow_run = _search("", config, as_of, known, folds, say, elsewhere)
    best = trials.choose_trial(study)
    tried = tuple(
        trials.record_trial(number, one, config.objective) for number, one in enumerate(trials.finished_trials(study))
    )
    params = trials.trial_params(best)
    return SearchResult(params, float(best.values[0]), tried, study, mlflow_run, ask_folds(folds, params))


def _search(
    url: str,
    config: RetrainConfig,
    as_of: date,
    known: Sequence[Params | None],
    folds: Sequence[Fold],
    say: Callable[[str], None],
    elsewhere: TrialRunner | None,
) -> tuple[optuna.Study, str]:
    """Run all trials here or elsewhere; a study from elsewhere is brought here."""
    storage = optuna.storages.get_storage(url) if url else None
    first, *others = known
    starts = _starting_points(first, _last_best(storage, config, as_of) if storage else None, *others)
    if elsewhere is None:
        study = _open_study(storage, config, as_of, _study_mark(config, starts, folds))
        _run_trials(study, config, starts, trials.make_objective(lambda: folds, config.objective), say, None)
        return study, ""
    study, mlflow_run = elsewhere.open_study(_study_name(config, as_of), OBJECTIVES[config.objective][0], _pruner())
    _run_trials(study, config, starts, elsewhere.objective(folds, config.objective), say, elsewhere)
    return trials.copy_in_memory(study), mlflow_run


def _run_trials(
    study: optuna.Study,
    config: RetrainConfig,
    starts: Sequence[Params],
    run: Objective,
    say: Callable[[str], None],
    elsewhere: TrialRunner | None,
) -> None:
    """Try parameters until the budget is spent, one trial after the other unless there are more workers."""
    alone = config.search_workers == 1 and elsewhere is None
    if elsewhere is not None:
        say("The trials run on Spark's executors: this search does not repeat exactly.")
    elif config.search_seconds or not alone:
        say("The budget is one of seconds or of several workers: this search does not repeat exactly.")
    if done := len(trials.finished_trials(study)):
        say(f"continuing the study: {done} of {config.n_trials} trials are there")
    while (done := len(finished := trials.finished_trials(study))) < config.n_trials:
        left = config.search_seconds - sum(map(trials.trial_seconds, finished)) if config.search_seconds else None
        if left is not None and left <= 0:
            break
        # The sampler of a trial knows its number and the trials before, nothing else: a killed search can go on.
        study.sampler = _sampler(config.seed, done)
        one = alone or done < len(starts)  # several workers may take the same waiting start twice
        for start in starts[done : done + 1]:
            study.enqueue_trial(dict(start))
        n_trials, workers = (1, 1) if one else (config.n_trials - done, config.search_workers)
        if elsewhere is None:
            study.optimize(run, n_trials=n_trials, timeout=left, n_jobs=workers, callbacks=[_teller(config, say)])
        else:
            elsewhere.optimize(study, run, n_trials, min(workers, n_trials), left)
            so_far = trials.copy_in_memory(study)
            say(f"{len(so_far.trials)}/{config.n_trials} trials have ended, best {so_far.best_value:.4f}")


def _teller(config: RetrainConfig, say: Callable[[str], None]) -> Callable[[optuna.Study, FrozenTrial], None]:
    def tell(study: optuna.Study, trial: FrozenTrial) -> None:
        best, place = trials.best_trial(study), f"trial {len(trials.finished_trials(study))}/{config.n_trials}"
        if trial.state == TrialState.PRUNED:
            say(f"{place}: pruned")
        if trial.state == TrialState.COMPLETE and best is not None:
            result = (
                f"{trials.trial_params(trial)['family']}, {config.objective.replace('_', ' ')} {trial.values[0]:.4f}"
            )
            say(f"{place}: {result}, best {best.values[0]:.4f}")

    return tell


def _starting_points(*others: Params | None) -> list[Params]:
    """What is tried first: the space's own starting points, and known parameters that are points of the space."""
    points: list[Params] = [dict(start) for start in space.STARTS]
    for params in others:
        point = space.locate(params) if params else None
        if point and point not in points:
            points.append(point)
    return points


def _last_best(storage: optuna.storages.BaseStorage, config: RetrainConfig, as_of: date) -> Params | None:
    """The best parameters of the question's last study of an earlier day: a rerun of the same day must repeat."""
    about = f"{config.question.slug} as of "
    names = [name for name in optuna.get_all_study_names(storage) if name.startswith(about)]
    for name in sorted(names, reverse=True):
        if name[len(about) :][:10] < as_of.isoformat():
            best = trials.best_trial(optuna.load_study(study_name=name, storage=storage))
            if best is not None:
                return trials.trial_params(best)
    return None


def _open_study(
    storage: optuna.storages.BaseStorage | None, config: RetrainConfig, as_of: date, mark: str
) -> optuna.Study:
    """Make the study, or open the one that a killed try of the same run left.

    It goes on only where seed, starts, folds and space are those it began with; else, and by hand, it begins anew.
    """
    name, pruner = _study_name(config, as_of), _pruner()
    if storage and name in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
        fits = config.run_id and study.user_attrs.get(MARK) == mark
        if fits and all(space.can_draw(trial) for trial in trials.finished_trials(study)):
            studies.give_up_unfinished(study)
            return study
        optuna.delete_study(study_name=name, storage=storage)
    direction = OBJECTIVES[config.objective][0]
    study = optuna.create_study(study_name=name, storage=storage, direction=direction, pruner=pruner)
    study.set_user_attr(MARK, mark)
    return study


def _study_name(config: RetrainConfig, as_of: date) -> str:
    return f"{config.question.slug} as of {as_of} {config.run_id}".strip()


def _pruner() -> optuna.pruners.BasePruner:
    # The starts are rarely far from the best: what is not among the best quarter on a fold will hardly replace them.
    return optuna.pruners.PercentilePruner(25.0, n_startup_trials=UNCUT, n_warmup_steps=0)


def _study_mark(config: RetrainConfig, starts: Sequence[Params], folds: Sequence[Fold]) -> str:
    """What a study must have begun with to be continued."""
    sizes = [[len(fold.learn[0]), fold.learn[0].positives, len(fold.judge), fold.judge.positives] for fold in folds]
    return json.dumps([config.seed, config.objective, list(starts), sizes])


def _sampler(seed: int, done: int) -> optuna.samplers.BaseSampler:
    number = int(np.random.default_rng([seed, done]).integers(2**31))
    return optuna.samplers.TPESampler(seed=number, n_startup_trials=8, multivariate=True, group=True)
