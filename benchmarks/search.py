"""The search beside two other ways at equal seconds: on the built-in year, scored by what then happened.

    .venv/bin/python -m benchmarks.search [--seconds 60] [--seeds 2]

textbook: ten values of C for a logistic regression, by random three-fold cross-validation on all training rows.
random: points of our own space drawn blindly, on our own folds, without pruning.
ours: the search as a run does it, its sampler, pruner and starting points.
Each fits its best parameters to all matured rows. The seconds are a budget: no way is cut off within a trial.
"""

import argparse
import time
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import optuna
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_score

from benchmarks.journey import Task
from lib.models.blueprint import Blueprint
from lib.models.estimators import make_prediction, make_preprocessing
from lib.training import space
from lib.training.fit import fit_pair
from lib.training.folds import prepare_folds
from lib.training.search import search

QUESTION = ("buy_deli", 14, date(2017, 12, 17))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    print(f"{'way':<10}{'seed':>5}{'trials':>8}{'seconds':>9}{'AUC':>9}{'log loss':>10}  chosen")
    for seed in range(options.seeds):
        task = Task(*QUESTION, seed=seed, n_trials=1000, search_seconds=options.seconds)
        for name, way in (("textbook", search_by_textbook), ("random", search_blindly), ("ours", search_as_ours)):
            started = time.perf_counter()
            trials, params = way(task, options.seconds)
            seconds = time.perf_counter() - started
            rows, parts = task.read_labelled()
            pair = fit_pair(rows, params, task.config.question, parts.holdout[0], seed)
            X, y = task.read_future()
            p = pair.score(X)
            quality = f"{roc_auc_score(y, p):>9.4f}{log_loss(y, p):>10.4f}"
            print(f"{name:<10}{seed:>5}{trials:>8}{seconds:>9.0f}{quality}  {pair.params['family']}", flush=True)


def search_by_textbook(task: Task, seconds: int) -> tuple[int, Mapping[str, Any]]:
    """Ten trials of C on folds that mix all days."""
    rows, parts = task.read_labelled()
    training = rows.at(parts.training)
    X = training.X.astype(np.float64)
    Z = make_preprocessing(list(X.columns), space.PLAIN).fit_transform(X)
    best: tuple[float, Mapping[str, Any]] = (np.inf, {})
    shuffled = np.random.default_rng(task.config.seed).permutation(len(training))
    stop = time.perf_counter() + seconds
    tried = 0
    for C in np.logspace(-4, 2, 10):
        params = space.PLAIN | {"family": "logistic", "C": float(C)}
        losses = -cross_val_score(
            make_prediction(params, 0), Z[shuffled], training.y[shuffled], cv=3, scoring="neg_log_loss"
        )
        best = min(best, (float(losses.mean()), params), key=lambda one: one[0])
        tried += 1
        if time.perf_counter() >= stop:
            break
    return tried, best[1]


def search_blindly(task: Task, seconds: int) -> tuple[int, Mapping[str, Any]]:
    """Random points of our space on our folds."""
    rows, parts = task.read_labelled()
    folds = prepare_folds(rows.at(parts.training), parts.training, task.config.question, task.config.seed)

    def objective(trial: optuna.Trial) -> float:
        params = space.suggest(trial)
        trial.set_user_attr("params", params)
        return float(np.mean([fold.value(params, "log_loss") for fold in folds]))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=task.config.seed))
    study.optimize(objective, timeout=seconds)
    return len(study.trials), study.best_trial.user_attrs["params"]


def search_as_ours(task: Task, seconds: int) -> tuple[int, Blueprint]:
    """As `retrain` searches."""
    rows, parts = task.read_labelled()
    result = search(rows.at(parts.training), parts.training, task.config, task.as_of, say=lambda _: None)
    return len(result.trials), result.params


if __name__ == "__main__":
    main()
