"""Several ways of making scores, held against what happened to the same users. Measures; reads and writes nothing."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.evaluation.measured import Measured
from lib.evaluation.metrics import bootstrap_interval, bootstrap_weights, log_losses, measure, measure_share

SHOWN = ("log_loss", "auc", "ratio")  # what one list is judged by


def list_quality(scored: pd.DataFrame, seed: int) -> dict[str, Measured]:
    """How one list proved, as the outcome ledger has it: log_loss, auc, and ratio, which is expected over observed.

    Beside these, expected and observed: numbers of users, of which only what was observed is left to chance.

    Parameters
    ----------
    scored : DataFrame[user_id string, propensity double, acted int]
        A row per user. With one class only, auc and ratio are left out.
    """
    y, scores = scored["acted"].to_numpy(np.int64), scored["propensity"].to_numpy(float)
    metrics = measure(y, scores, None, scored["user_id"].to_numpy(object), seed).metrics
    quality = {name: metrics[name] for name in SHOWN if name in metrics}
    acted = measure_share(int(y.sum()), len(y))
    expected = float(scores.sum())
    quality["expected"] = Measured(expected, expected, expected)
    quality["observed"] = Measured(*(len(y) * end for end in (acted.value, acted.low, acted.high)))
    return quality


def log_loss_ratios(scored: Mapping[str, pd.DataFrame], beside: str, seed: int) -> dict[str, Measured]:
    """The mean log loss of each way, over that of the way `beside`, with its interval over users.

    All are paired: one draw of users weighs the rows of all ways and of all cutoffs, so what makes a week hard for
    everybody cancels out. Every cutoff counts alike, however many users it has.

    Parameters
    ----------
    scored : {way: DataFrame[user_id string, cutoff date, propensity double, acted int]}
        The same users at the same cutoffs for each way.

    Raises
    ------
    ValueError
        If two ways have scored other users or cutoffs.
    """
    keys = ["cutoff", "user_id"]
    ordered = {way: rows.sort_values(keys, ignore_index=True) for way, rows in scored.items()}
    first = ordered[beside]
    for way, rows in ordered.items():
        if not rows[[*keys, "acted"]].equals(first[[*keys, "acted"]]):
            raise ValueError(f"{way} and {beside} have not scored the same users at the same cutoffs.")
    y = first["acted"].to_numpy(np.int64)
    cutoff = np.unique(first["cutoff"].to_numpy(), return_inverse=True)[1]
    losses = {way: log_losses(y, rows["propensity"].to_numpy(float)) for way, rows in ordered.items()}
    ratios: dict[str, list[float]] = {way: [] for way in ordered}
    for weights in bootstrap_weights(first["user_id"].to_numpy(object), seed):
        sizes = np.bincount(cutoff, weights)
        drawn = sizes > 0  # a small cutoff may have none of the users drawn
        means = {
            way: float(np.mean(np.bincount(cutoff, weights * loss)[drawn] / sizes[drawn]))
            for way, loss in losses.items()
        }
        for way, mean in means.items():
            ratios[way].append(mean / means[beside])
    return {way: bootstrap_interval(values) for way, values in ratios.items()}


def mean_log_loss(scored: pd.DataFrame, truth: npt.NDArray[np.float64] | None = None) -> float:
    """The mean over cutoffs of each one's log loss; with the `truth`, each row's probability, the expected one."""
    acted = scored["acted"].to_numpy(float) if truth is None else truth
    ones, scores = np.ones(len(scored), np.int64), scored["propensity"].to_numpy(float)
    losses = acted * log_losses(ones, scores) + (1 - acted) * log_losses(0 * ones, scores)
    return float(pd.Series(losses).groupby(scored["cutoff"].to_numpy()).mean().mean())
