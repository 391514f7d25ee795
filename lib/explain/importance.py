"""What a pair looks at over all users: what it loses when one group of features is exchanged between them.

Permutation importance (Breiman, "Random Forests", Machine Learning 45, 2001), of groups instead of single columns: ten
columns of one event type say nearly the same, so that each alone could be done without.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.evaluation.metrics import log_losses
from lib.explain.groups import GroupView, Ints
from lib.models.pair import Pair

ROWS = 2_000  # importances are measured on so many rows at the most
REPEATS = 3  # draws for each importance
MOST = 40  # importances that are kept


def format_importances(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in a line what a pair looks at most, by the rows of `importances`."""
    strongest = [f"{row['name']} {row['mean']:.4f}" for row in rows[:3] if row["mean"] > 0]
    if not strongest:
        return "The models rest on nothing that lowers the log loss."
    return f"The models rest most on {', '.join(strongest)}: so much does the log loss rise without each."


def measure_importances(
    pair: Pair, typical: pd.DataFrame, features: pd.DataFrame, y: npt.NDArray[np.int64], seed: int
) -> list[dict[str, Any]]:
    """By how much the log loss rises when a group's values are exchanged between users, the largest rise first.

    Returns
    -------
    list of {name: group, mean: nats, std: over `REPEATS` draws}, at most `MOST`
    """
    from sklearn.inspection import permutation_importance
    from threadpoolctl import threadpool_limits

    if len(features) > ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(features), ROWS, replace=False))
        features, y = features.iloc[chosen], y[chosen]
    exchange = _Exchange(GroupView.of(pair, typical), features)
    with threadpool_limits(1):  # many small predictions: threads would only wait for each other
        measured = permutation_importance(
            exchange, exchange.unchanged, y, scoring=_Exchange.score, n_repeats=REPEATS, random_state=seed
        )
    order = np.argsort(-measured.importances_mean, kind="stable")[:MOST]
    names, mean, std = (
        list(exchange.view.columns),
        measured.importances_mean.tolist(),
        measured.importances_std.tolist(),
    )
    return [{"name": names[n], "mean": mean[n], "std": std[n]} for n in order]


class _Exchange:
    """A pair as scikit-learn permutes it: the input says, for each row and group, whose values of the group it gets."""

    def __init__(self, view: GroupView, features: pd.DataFrame) -> None:
        self.view, self.matrix = view, view.matrix(features)
        self.unchanged: Ints = np.tile(np.arange(len(features))[:, None], (1, len(view.columns)))

    def fit(self, *_: Any) -> "_Exchange":
        """Nothing is left to fit; scikit-learn takes no estimator without it."""
        return self

    def score(self, whose: Ints, y: npt.NDArray[np.int64]) -> float:
        """Minus the log loss: higher is better."""
        matrix = self.matrix.copy()
        for owner, columns in zip(whose.T, self.view.columns.values(), strict=True):
            matrix[:, columns] = self.matrix[np.ix_(owner, columns)]
        return -float(np.mean(log_losses(y, self.view.probability(matrix))))
