"""What the search may choose: all ranges and starting points stand here. This is the place to edit them."""

import warnings
from collections.abc import Mapping
from typing import Any

from optuna.trial import BaseTrial, FixedTrial, FrozenTrial

# How the features are prepared: each name with its values, the plainest first. A fold prepares its rows once for each
# combination that it meets.
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "lifetime": (True, False),  # whether features take part that grow with the age of the log
    "groups": ("all", "lean"),  # lean: those of the user, and of the question's own actions; of no other event type
    "history": (0, 13, 6),  # how many of the newest cutoffs are learnt from; 0: all
    "scale": ("log", "bins"),  # numbers as logarithms, or as the decile of the rows that they fall into
}
PLAIN: dict[str, Any] = {name: values[0] for name, values in CHOICES.items()}
STARTS: tuple[Mapping[str, Any], ...] = (  # tried first: what is rarely far from the best
    PLAIN | {"family": "logistic", "C": 1e-3},
    PLAIN | {
        "family": "blend", "C": 3e-3, "learning_rate": 0.1, "max_iter": 50, "max_leaf_nodes": 8,
        "min_samples_leaf": 200, "l2_regularization": 10.0, "max_features": 0.3,
    },
    PLAIN | {"family": "logistic", "C": 1e-2, "lifetime": False},
)  # fmt: skip


# Three families that err differently, and all that is known: rarely the best on a few folds, rarely far from it later.
PREFERRED: Mapping[str, Any] = {"family": "blend", "groups": "all"}
MARGIN = 0.01  # share of the objective by which others must beat the best of these to be taken instead


def suggest(trial: BaseTrial) -> dict[str, Any]:
    """Draw one trial's parameters."""
    params = {name: trial.suggest_categorical(name, values) for name, values in CHOICES.items()}
    family = trial.suggest_categorical("family", ["logistic", "boosting", "blend"])
    params["family"] = family
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


def locate(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find parameters in the space; None where they are no point of it, as those of somebody's own model.

    A choice that the parameters do not name, because it is younger than they are, takes its plainest value.
    """
    point = {**PLAIN, **params}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a value out of range is only warned of
        try:
            drawn = suggest(FixedTrial(point))
        except (ValueError, TypeError, UserWarning):
            return None
    return drawn if drawn == point else None


def can_draw(trial: FrozenTrial) -> bool:
    """Whether a kept trial could have been drawn from the space as it is now."""
    again = FixedTrial(trial.params)
    try:
        suggest(again)
    except ValueError:
        return False
    return again.distributions == trial.distributions
