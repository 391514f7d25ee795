"""The list that people act on: ranked, banded, and checked before it replaces the last one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.errors import PublishRefused


def rank(predictions: pd.DataFrame, low_evidence: bool) -> pd.DataFrame:
    """Add rank and decile to one question's predictions at one cutoff.

    Parameters
    ----------
    predictions : DataFrame
        Rows of the `predictions` table.

    Returns
    -------
    DataFrame
        Rows of the `audience` table, best first. Equal propensities are ranked by user_id; decile 1 is the
        highest tenth of the ranks.
    """
    ordered = predictions.sort_values(["propensity", "user_id"], ascending=[False, True], ignore_index=True)
    position = np.arange(len(ordered))
    return ordered.assign(
        rank=(position + 1).astype(np.int32),
        decile=(position * 10 // max(len(ordered), 1) + 1).astype(np.int32),
        low_evidence=low_evidence,
    )


def spoken(ranked: pd.DataFrame) -> list[str]:
    """A line for each row of a list: rank, user, propensity, and the strongest reason where there is one."""
    strongest = ranked["reasons"].fillna("").str.split("; ").str[0]
    columns = ranked["rank"], ranked["user_id"], ranked["propensity"], strongest
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [f"  {rank:>3}  {user:<20} {propensity:.4f}  {why}".rstrip() for rank, user, propensity, why in rows]


def check(audience: pd.DataFrame, cohort: int, versions: Mapping[str, str]) -> None:
    """Refuse a list that must not be published.

    Raises
    ------
    PublishRefused
        If it is empty, not the whole cohort, names a user twice, holds no probability, or mixes models.
    """
    if audience.empty or len(audience) != cohort:
        raise PublishRefused(
            f"The predictions hold {len(audience)} users and the cohort {cohort}. Run predict again; the list stays."
        )
    twins = int(audience["user_id"].duplicated().sum())
    if twins:
        raise PublishRefused(f"{twins} users stand twice in the predictions. Run predict again; the list stays.")
    outside = int((~audience["propensity"].between(0, 1)).sum())
    if outside:
        raise PublishRefused(f"{outside} propensities are not between 0 and 1. Retrain; the list stays.")
    for column, version in versions.items():
        found = sorted(set(audience[column]))
        if found != [version]:
            raise PublishRefused(
                f"The predictions come from {column} {', '.join(map(str, found))}, this run decided on {version}. "
                "Run predict again; the list stays."
            )
