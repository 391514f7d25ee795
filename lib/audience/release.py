"""Whether a list may take the place of the last one: what differs between both, and what must not be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.config.thresholds import PublishLimits
from lib.errors import PublishRefused
from lib.evaluation.measured import Measured

STAYS = "The list stays."


@dataclass(frozen=True)
class ListDifference:
    """What differs between a list and the last one of an earlier cutoff."""

    entered: int
    left: int
    jaccard: float  # of the two highest deciles: users in both, of those in either
    mean_shift: float
    score_shift: float  # Kolmogorov-Smirnov: the largest distance of the two cumulative distributions


def compare_lists(new: pd.DataFrame, old: pd.DataFrame) -> ListDifference:
    """Compare two lists, each DataFrame[user_id, propensity, decile]; neither is empty."""
    now, then = set(new["user_id"]), set(old["user_id"])
    top, before = (set(ranked.loc[ranked["decile"] == 1, "user_id"]) for ranked in (new, old))
    scores, others = (np.sort(ranked["propensity"].to_numpy(float)) for ranked in (new, old))
    places = np.concatenate([scores, others])
    apart = [np.searchsorted(values, places, side="right") / len(values) for values in (scores, others)]
    return ListDifference(
        entered=len(now - then),
        left=len(then - now),
        jaccard=len(top & before) / len(top | before),
        mean_shift=float(scores.mean() - others.mean()),
        score_shift=float(np.abs(apart[0] - apart[1]).max()),
    )


def difference_columns(difference: ListDifference | None) -> dict[str, Any]:
    """A difference as columns of `publications`; nulls without one."""
    names = ListDifference.__dataclass_fields__
    return dict.fromkeys(names) if difference is None else asdict(difference)


def check_complete(ranked: pd.DataFrame, cohort: int, versions: Mapping[str, str]) -> None:
    """Refuse a list that is no list of its cohort.

    Raises
    ------
    PublishRefused
        If it is empty, not the whole cohort, names a user twice or none, holds no probability, or mixes models.
    """
    if ranked.empty or len(ranked) != cohort:
        raise PublishRefused(
            f"The predictions hold {len(ranked)} users and the cohort {cohort}. Run predict again. {STAYS}"
        )
    nameless = int(ranked["user_id"].isna().sum())
    if nameless:
        raise PublishRefused(f"{nameless} predictions name no user. Run extract_features and predict again. {STAYS}")
    doubles = int(ranked["user_id"].duplicated().sum())
    if doubles:
        raise PublishRefused(f"{doubles} users stand twice in the predictions. Run predict again. {STAYS}")
    outside = int((~ranked["propensity"].between(0, 1)).sum())  # what is no number lies outside too
    if outside:
        raise PublishRefused(f"{outside} propensities are not between 0 and 1. Retrain. {STAYS}")
    for column, version in versions.items():
        scored_by = sorted(set(ranked[column]))
        if scored_by != [version]:
            raise PublishRefused(
                f"The predictions come from {column} {', '.join(map(str, scored_by))}, this run decided on {version}. "
                f"Run predict again. {STAYS}"
            )


def check_against_last(
    ranked: pd.DataFrame, old: pd.DataFrame | None, base_rate: Measured, bounds: PublishLimits
) -> ListDifference | None:
    """Refuse a list that differs too much from the last one, or from what happens usually.

    Parameters
    ----------
    old : DataFrame[user_id, propensity, decile, prediction_version] or None
        The last list of an earlier cutoff, if there is one. Only where the same pair scored it, its propensities are
        compared: another pair was put in use because it scores otherwise, and was held against what happened.
    base_rate : Measured
        Of the newest matured cutoff.

    Returns
    -------
    Difference or None
        To the last list.

    Raises
    ------
    PublishRefused
        The message names what was found, the bound, and the parameter that sets it.
    """
    mean = float(ranked["propensity"].mean())
    low, high = base_rate.low / bounds.max_rate_ratio, base_rate.high * bounds.max_rate_ratio
    if not low <= mean <= high:
        raise PublishRefused(
            f"The mean propensity is {mean:.4f}, and of the newest users whose outcome is known {base_rate:.4f} acted: "
            f"a mean from {low:.4f} to {high:.4f} is allowed. {_way_out('max_rate_ratio')}"
        )
    if old is None:
        return None
    difference = compare_lists(ranked, old)
    smaller, larger = sorted((len(ranked), len(old)))
    if larger > smaller * (1 + bounds.max_users_change):
        raise PublishRefused(
            f"The list has {len(ranked)} users and the last one, of an earlier cutoff, {len(old)}: one may be larger "
            f"than the other by {bounds.max_users_change:.0%} at the most. {_way_out('max_users_change')}"
        )
    same_pair = set(ranked["prediction_version"]) == set(old["prediction_version"])
    if same_pair and difference.score_shift > bounds.max_score_shift:
        raise PublishRefused(
            f"The propensities have moved: at some height the shares of users below it differ by "
            f"{difference.score_shift:.2f} between this list and the last one of an earlier cutoff, of the same pair; "
            f"at most {bounds.max_score_shift:g} is allowed, and the mean went from "
            f"{mean - difference.mean_shift:.4f} to {mean:.4f}. {_way_out('max_score_shift')}"
        )
    return difference


def _way_out(parameter: str) -> str:
    return f"Look at the source and the model; if the change is real, run publish with a larger {parameter}. {STAYS}"


def format_difference(difference: ListDifference | None, since: Any) -> list[str]:
    """Say what differs from the last list, in one line; none without one."""
    if difference is None:
        return []
    moved = f"{'rose' if difference.mean_shift > 0 else 'fell'} by {abs(difference.mean_shift):.4f}"
    return [
        f"Since the list of {since}: {difference.entered} users entered, {difference.left} left; the highest deciles "
        f"share {difference.jaccard:.0%} of their users; the mean propensity {moved}, scores are "
        f"{difference.score_shift:.2f} apart."
    ]
