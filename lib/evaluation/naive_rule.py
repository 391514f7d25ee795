"""The rule that anybody could write down: how lately and how often did this user do it? Models must beat it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.config.question import Question
from lib.features.vocabulary import type_column
from lib.timeline import NEVER_DAYS

RECENCY_EDGES = (8, 15, 29, 91, NEVER_DAYS)  # days since the action; from the last edge on: never
COUNT_EDGES = (1, 2, 4, 8)  # times in the last 90 days
PRIOR_USERS = 20.0  # a cell counts as if it held so many more users who act at the overall rate


@dataclass(frozen=True)
class NaiveRule:
    """The rate of the action by recency and frequency of the action."""

    question: Question
    rates: npt.NDArray[np.float64]  # recency cell x count cell
    overall: float  # rate of all rows together

    @classmethod
    def fit(
        cls,
        question: Question,
        X: pd.DataFrame,
        y: npt.NDArray[np.int64],
        weight: npt.NDArray[np.float64] | None = None,
    ) -> "NaiveRule":
        """Count the action's rate in each cell, drawn towards the overall rate; a row counts as often as it weighs."""
        weights = np.ones(len(y)) if weight is None else weight
        cells = _cell_numbers(question, X)
        shape = (len(RECENCY_EDGES) + 1, len(COUNT_EDGES) + 1)
        acted, users = np.zeros(shape), np.zeros(shape)
        np.add.at(acted, cells, y * weights)
        np.add.at(users, cells, weights)
        base = float(np.average(y, weights=weights)) if len(y) else 0.5
        return cls(question, (acted + PRIOR_USERS * base) / (users + PRIOR_USERS), base)

    def score(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The rate of each row's cell."""
        return self.rates[_cell_numbers(self.question, X)]


def _cell_numbers(question: Question, X: pd.DataFrame) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    recency = [X[name] for kind in question.kinds if (name := type_column(kind, "recency")) in X]
    counts = [X[name] for kind in question.kinds if (name := type_column(kind, "events_90")) in X]
    # where all of several actions are asked for, they were done as lately and as often as the one done least
    last = (np.max if question.needs_all else np.min)(recency, axis=0) if recency else np.full(len(X), NEVER_DAYS)
    often = (np.min if question.needs_all else np.sum)(counts, axis=0) if counts else np.zeros(len(X))
    return np.digitize(last, RECENCY_EDGES), np.digitize(often, COUNT_EDGES)
