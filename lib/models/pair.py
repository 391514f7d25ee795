"""A preprocessing model and a prediction model that belong together, and what they say of a user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.attributes.codes import encode_texts
from lib.errors import ContractBroken, ModelError
from lib.models.notes import PairNotes

Floats = npt.NDArray[np.float64]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """A preprocessing model and a prediction model that belong together."""

    preprocessing: Any
    prediction: Any
    columns: tuple[str, ...]  # feature columns that the preprocessing model reads, in order
    question: str  # slug
    trained_through: str  # newest cutoff learnt from, ISO
    params: Params = field(default_factory=dict)
    preprocessing_version: str = ""  # blank until registered
    prediction_version: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)  # as measured when it was registered
    notes: PairNotes = field(default_factory=PairNotes)  # what else is known of it

    def score(self, features: pd.DataFrame) -> Floats:
        """Return P(action = 1) for rows of `features`; columns the pair does not know are ignored.

        A known event type without any event since has no column any more: it counts as 0.

        Raises
        ------
        ContractBroken
            If a score is missing or outside [0, 1].
        """
        if len(features) == 0:  # nobody to score: scikit-learn would refuse to transform no rows
            return np.zeros(0)
        return positive_probability(self.prediction, self.preprocessing.transform(self.inputs(features)))

    def inputs(self, features: pd.DataFrame) -> pd.DataFrame:
        """Rows of `features` as the preprocessing model reads them: its columns, in order, 0 for what is not known."""
        # In single precision a score would depend, in its eighth digit, on which rows share its batch.
        return encode_texts(features.reindex(columns=list(self.columns))).astype(np.float64).fillna(0.0)


def positive_probability(model: Any, X: Any) -> Floats:
    """Take the probability of class 1 by its label, whatever the column order, and check it."""
    labels = list(model.classes_)
    if 1 not in labels:
        raise ModelError(f"The prediction model knows the classes {labels}, not 1 for the action. Retrain it.")
    scores = np.asarray(model.predict_proba(X), float)[:, labels.index(1)]
    if not np.all((scores >= 0) & (scores <= 1)):  # NaN fails this too
        bad = int(np.sum(~((scores >= 0) & (scores <= 1))))
        raise ContractBroken(f"{bad} of {len(scores)} propensities are not probabilities between 0 and 1.")
    return scores
