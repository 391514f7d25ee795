"""Features in groups, as people think of them: what is about one event type, and the aspects that are about all.

A group can be given other values: the typical user's, or another user's. What a pair says then is what explains it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.attributes.columns import is_attribute, slug_of
from lib.models.pair import Pair, positive_probability

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ASPECTS: Mapping[str, tuple[str, ...]] = {  # what is not about one event type, by what it is about
    "activity": (
        "events_7", "events_28", "events_90", "days_7", "days_28", "days_90", "recency", "silence", "expected",
    ),
    "value": ("value_7", "value_28", "value_90", "value_all"),
    "different items": ("items_7", "items_28", "items_90", "items_all"),
    "rhythm": ("gap_mean", "gap_std", "overdue"),
    "trend of events": ("trend_7_28", "trend_28_90"),
    "history": ("events_all", "days_all", "tenure"),
    "weekends": ("weekend_share",),
}  # fmt: skip
ATTRIBUTE = "attribute "  # what the name of a group begins with that is about one attribute
SHARED = ("covered_7", "covered_28", "covered_90", "log_age")  # the same for all users of a cutoff: nobody's reason


def group_features(columns: Sequence[str]) -> dict[str, list[str]]:
    """Part feature columns into groups, in column order.

    A group is called by its aspect's name, an event type's prefix with its `__`, or `ATTRIBUTE` and an attribute's.

    A column that no aspect knows is a group of its own; the log's coverage and age belong to none.
    """
    aspects = {column: aspect for aspect, names in ASPECTS.items() for column in names}
    groups: dict[str, list[str]] = {}
    for column in columns:
        kind, mark, feature = column.rpartition("__")
        if is_attribute(column):
            groups.setdefault(f"{ATTRIBUTE}{slug_of(column)}", []).append(column)
        elif feature not in SHARED:
            groups.setdefault(f"{kind}{mark}" or aspects.get(column, column), []).append(column)
    return groups


@dataclass(frozen=True)
class GroupView:
    """The matrix in which the groups of a pair can be given other values: a row per user."""

    pair: Pair
    columns: Mapping[str, Ints]  # group -> its columns of the matrix
    transformed: bool  # the matrix is what the prediction model reads; otherwise, what the preprocessing model reads

    @classmethod
    def of(cls, pair: Pair, typical: pd.DataFrame) -> "GroupView":
        """Look at the inputs of the prediction model where each of them comes from one group, which is quicker."""
        groups = group_features(pair.columns)
        owner = _group_of_inputs(pair, typical, groups)
        if owner is not None:
            return cls(pair, {group: np.flatnonzero(owner == n) for n, group in enumerate(groups)}, True)
        place = {column: n for n, column in enumerate(pair.columns)}
        return cls(pair, {group: np.array([place[c] for c in members]) for group, members in groups.items()}, False)

    def matrix(self, features: pd.DataFrame) -> Floats:
        """The matrix of some rows of `features`; it is the caller's to change."""
        X = self.pair.inputs(features)
        return np.array(self.pair.preprocessing.transform(X) if self.transformed else X, np.float64)

    def probability(self, matrix: Floats) -> Floats:
        """P(action = 1) of each row."""
        if self.transformed:
            return positive_probability(self.pair.prediction, matrix)
        X = pd.DataFrame(matrix, columns=list(self.pair.columns))
        return positive_probability(self.pair.prediction, self.pair.preprocessing.transform(X))

    def log_odds(self, matrix: Floats) -> Floats:
        """Log-odds of the action of each row; a certainty counts as one in a million."""
        p = np.clip(self.probability(matrix), 1e-6, 1 - 1e-6)
        return np.asarray(np.log(p) - np.log1p(-p))


def _group_of_inputs(pair: Pair, typical: pd.DataFrame, groups: Mapping[str, list[str]]) -> Ints | None:
    """The number of the group that each input of the prediction model comes from; None where that is not so simple.

    A missing number makes missing whatever is computed from it. So one row per group, with that group missing, shows
    what comes from where; a transformer that fills in or refuses missing numbers shows it not.
    """
    grouped_columns = {column for members in groups.values() for column in members}
    rest = [column for column in pair.columns if column not in grouped_columns]
    probe = pd.concat([pair.inputs(typical)] * (len(groups) + 1), ignore_index=True)
    for row, members in enumerate([*groups.values(), rest]):
        probe.loc[row, members] = np.nan
    try:
        missing = np.isnan(pair.preprocessing.transform(probe))
    except (TypeError, ValueError):
        return None
    simple = isinstance(missing, np.ndarray) and bool((missing.sum(axis=0) == 1).all())
    return missing.argmax(axis=0) if simple else None
