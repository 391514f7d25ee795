"""Find the parameters of a pair by Optuna: the ranges, the time-ordered folds, the study."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import optuna
from sklearn.metrics import log_loss

from lib.blueprint import Blueprint
from lib.models import positive_probability, prediction, preprocessing, transformed
from lib.split import Rows, folds

FOLDS = 2  # the newest two: the next weeks resemble the last ones most
SEARCH_ROWS = 15_000  # a fold learns from so many rows at the most: weekly cutoffs of one user say nearly the same
STARTS: tuple[Mapping[str, Any], ...] = (  # tried first: what is rarely far from the best
    {"family": "logistic", "C": 1e-3, "lifetime": True},
    {
        "family": "blend", "C": 3e-3, "lifetime": True, "learning_rate": 0.05, "max_iter": 100, "max_leaf_nodes": 8,
        "min_samples_leaf": 200, "l2_regularization": 10.0, "max_features": 0.3,
    },
    {"family": "logistic", "C": 1e-2, "lifetime": False},
)  # fmt: skip


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Draw one trial's parameters. All ranges stand here: this is the place to edit them."""
    family = trial.suggest_categorical("family", ["logistic", "boosting", "blend"])
    params: dict[str, Any] = {"family": family, "lifetime": trial.suggest_categorical("lifetime", [True, False])}
    if family in ("logistic", "blend"):
        params["C"] = trial.suggest_float("C", 1e-4, 1e2, log=True)
    if family in ("boosting", "blend"):
        params |= {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "max_iter": trial.suggest_int("max_iter", 40, 200, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 31, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 20, 500, log=True),
            "l2_regularization": trial.suggest_float("l2_regularization", 0.1, 100.0, log=True),
            "max_features": trial.suggest_float("max_features", 0.1, 1.0),
        }
    return params


@dataclass(frozen=True)
class Trial:
    """One finished or pruned trial, as the registry records it."""

    number: int
    params: Mapping[str, Any]
    fold_losses: tuple[float, ...]  # newest fold first
    pruned: bool


@dataclass(frozen=True)
class Found:
    """What a search found, or what somebody put in its place."""

    params: Blueprint
    loss: float  # mean log loss over the folds
    trials: tuple[Trial, ...]


def search(
    rows: Rows,
    training: Sequence[date],
    horizon_days: int,
    n_trials: int,
    seed: int,
    say: Callable[[str], None] = print,
    *,
    storage: str | None = None,
    name: str | None = None,
) -> Found:
    """Tune by log loss on time-ordered, purged folds. One worker and a seeded sampler: it repeats exactly.

    Parameters
    ----------
    rows : Rows
        Labelled rows of the training cutoffs.
    training : cutoffs, newest first
        With fewer than two disjoint label windows nothing can be compared: the first start is taken as it is.
    storage, name : str or None
        An Optuna storage URL that keeps the study under this name; None keeps it in memory. A study that is there
        by that name, as a retried run leaves it, is begun anew: continued, it would not repeat.
    """
    fold_rows = [(thinned(rows, learnt), rows.at([judged])) for learnt, judged in folds(training, horizon_days, FOLDS)]
    prepared = [_Fold(learn, judge) for learn, judge in fold_rows if _both(learn) and _both(judge)]
    if not prepared:
        say("The history is too short for folds: the first parameters of the search space are taken untuned.")
        return Found(dict(STARTS[0]), float("nan"), ())
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if storage and name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name, storage=storage)
    with warnings.catch_warnings():
        # Known and wanted: in a notebook it would stand above the trials in red.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=8, multivariate=True, group=True)
    study = optuna.create_study(
        study_name=name,
        sampler=sampler,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=0),
        storage=storage,
    )
    for start in STARTS:
        study.enqueue_trial(dict(start))
    done: list[Trial] = []

    def objective(trial: optuna.Trial) -> float:
        params, losses = suggest(trial), []
        for step, fold in enumerate(prepared):
            losses.append(fold.loss(params, seed))
            trial.report(float(np.mean(losses)), step)
            if step + 1 < len(prepared) and trial.should_prune():
                done.append(Trial(trial.number, params, tuple(losses), True))
                raise optuna.TrialPruned
        done.append(Trial(trial.number, params, tuple(losses), False))
        best = min(float(np.mean(t.fold_losses)) for t in done if not t.pruned)
        say(f"trial {trial.number + 1}/{n_trials}: {params['family']}, log loss {np.mean(losses):.4f}, best {best:.4f}")
        return float(np.mean(losses))

    try:
        study.optimize(objective, n_trials=n_trials)
    finally:
        optuna.logging.set_verbosity(level)
    best = min((trial for trial in done if not trial.pruned), key=lambda trial: float(np.mean(trial.fold_losses)))
    return Found(best.params, float(np.mean(best.fold_losses)), tuple(done))


def thinned(rows: Rows, learnt: Sequence[date]) -> Rows:
    """Keep every n-th cutoff, the newest first, so that about `SEARCH_ROWS` are left."""
    kept = rows.at(learnt)
    step = min(-(-len(kept) // SEARCH_ROWS), len(learnt)) or 1
    return kept.at(learnt[::step])


class _Fold:
    """One fold's rows, preprocessed once for each choice that the search has."""

    def __init__(self, learn: Rows, judge: Rows) -> None:
        self.learn_X, self.learn_y, self.judge_X, self.judge_y = learn.X, learn.y, judge.X, judge.y
        self.ready: dict[bool, tuple[Any, Any]] = {}

    def loss(self, params: Mapping[str, Any], seed: int) -> float:
        """Fit on the older cutoffs, and return the log loss on the newer one."""
        choice = bool(params["lifetime"])
        if choice not in self.ready:
            transformer = preprocessing(list(self.learn_X.columns), params).fit(self.learn_X.astype(np.float64))
            self.ready[choice] = transformed(transformer, self.learn_X), transformed(transformer, self.judge_X)
        learn, judge = self.ready[choice]
        model = prediction(params, seed).fit(learn, self.learn_y)
        return float(log_loss(self.judge_y, positive_probability(model, judge)))


def _both(rows: Rows) -> bool:
    return bool(0 < rows.y.sum() < len(rows))
