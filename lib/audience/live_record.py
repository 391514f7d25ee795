"""What a pair's own lists of late turned out to be worth: the part of its verdict that no holdout tells."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure


def live_metrics(rows: pd.DataFrame, seed: int, *, of_others: bool = False) -> dict[str, Measured]:
    """The track record of one pair over the lists that it scored: what a verdict reads of it, beside the holdout.

    `of_others` as `lib.evaluation.metrics.measure` has it.

    Parameters
    ----------
    rows : DataFrame[user_id, cutoff, propensity, label], and weight where the rows are a sample
        Of several cutoffs maybe; a user may stand at each.
    """
    weight = rows["weight"].to_numpy(float) if "weight" in rows else None
    users = rows["user_id"].to_numpy(object)
    y, scores = rows["label"].to_numpy(np.int64), rows["propensity"].to_numpy(float)
    metrics = measure(y, scores, None, users, seed, weight=weight, of_others=of_others).metrics
    live = {f"live_{name}": metrics[name] for name in ("skill_over_base_rate", "calibration") if name in metrics}
    return live | _count_lists(rows, weight, of_others=of_others)


def _count_lists(rows: pd.DataFrame, weight: npt.NDArray[np.float64] | None, *, of_others: bool) -> dict[str, Measured]:
    """How many lists there are, and of how many more was expected than happened: one bad day, or a bias that lasts?"""
    excess = (rows["propensity"] - rows["label"]) * (1.0 if weight is None else weight)
    by_list = excess.groupby(rows["cutoff"]).sum()
    above = by_list < 0 if of_others else by_list > 0
    counts = {"live_lists": float(len(above)), "live_lists_above": float(above.sum())}
    return {name: Measured(n, n, n) for name, n in counts.items()}
