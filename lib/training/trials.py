"""One trial of the search: what it computes, what is noted of it, and which of several is the one to take."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from lib.training import space
from lib.training.folds import Fold

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
TRIED = "tried"  # attribute of a trial: its parameters, and the objective's value on each fold
Objective = Callable[[optuna.Trial], float]


@dataclass(frozen=True)
class Trial:
    """One finished or pruned trial, as the registry records it."""

    number: int
    params: Mapping[str, Any]
    fold_values: tuple[float, ...]  # of the objective, newest fold first
    pruned: bool
    objective: str = "log_loss"
    seconds: float = field(default=0.0, compare=False)  # by Optuna's own record

    @property
    def value(self) -> float:
        """The mean over the folds that it came to."""
        return float(np.mean(self.fold_values))


def make_objective(folds: Callable[[], Sequence[Fold]], name: str) -> Objective:
    """What a trial computes. The folds are asked for when it runs, so that they need not travel with it."""
    suggest = space.suggest  # looked up here: a trial that runs elsewhere draws from the space as it is here

    def run(trial: optuna.Trial) -> float:
        tried, folds_here = suggest(trial), folds()
        values: list[float] = []
        for step, fold in enumerate(folds_here):
            values.append(fold.value(tried, name))
            trial.report(float(np.mean(values)), step)
            if step + 1 < len(folds_here) and trial.should_prune():
                trial.set_user_attr(TRIED, [tried, values])
                raise optuna.TrialPruned
        trial.set_user_attr(TRIED, [tried, values])
        return float(np.mean(values))

    return run


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The finished and pruned trials by their number; where two processes took the same one, by their beginning."""
    finished = study.get_trials(deepcopy=False, states=FINISHED)
    return sorted(finished, key=lambda trial: (trial.number, trial.datetime_start))


def copy_in_memory(study: optuna.Study) -> optuna.Study:
    """A copy of the finished trials, numbered in their order: in MLflow each reading costs some requests a trial."""
    copy = optuna.create_study(direction=study.direction)
    copy.add_trials(finished_trials(study))
    return copy


def trial_seconds(trial: FrozenTrial) -> float:
    """How long a trial took."""
    return trial.duration.total_seconds() if trial.duration else 0.0


def best_trial(study: optuna.Study, like: Mapping[str, Any] | None = None) -> FrozenTrial | None:
    """The best trial that finished, the first among equals; of those with some parameters where they are named."""
    sign = 1.0 if study.direction == optuna.study.StudyDirection.MINIMIZE else -1.0
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if like:
        complete = [trial for trial in complete if like.items() <= trial_params(trial).items()]
    return min(complete, key=lambda trial: sign * trial.values[0], default=None)


def choose_trial(study: optuna.Study) -> FrozenTrial:
    """The best trial of the preferred kind, unless another is better by more than folds differ by chance."""
    top = best_trial(study)
    assert top is not None  # the first trials cannot be pruned
    preferred = best_trial(study, space.PREFERRED)
    close = preferred and abs(preferred.values[0] - top.values[0]) <= space.MARGIN * abs(top.values[0])
    return preferred if preferred and close else top


def trial_params(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that a trial tried."""
    tried: dict[str, Any] = trial.user_attrs.get(TRIED, [trial.params])[0]  # studies of older versions have no note
    return tried


def record_trial(number: int, trial: FrozenTrial, objective: str) -> Trial:
    """A trial as the registry records it."""
    values = tuple(trial.user_attrs[TRIED][1])
    return Trial(number, trial_params(trial), values, trial.state == TrialState.PRUNED, objective, trial_seconds(trial))
