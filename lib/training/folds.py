"""One step of the search: learn from older cutoffs, judge on a newer one, at a bounded cost."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
from sklearn.metrics import average_precision_score, log_loss

from lib.config.question import Question
from lib.labels.rows import Rows, thin_rows
from lib.labels.split import fold_cutoffs
from lib.models.blueprint import Blueprint, OwnModels
from lib.models.calibration import Asked, ask_for_sharpness
from lib.models.estimators import PARTS, group_columns, make_part, make_preprocessing, part_names, transform
from lib.models.pair import Floats, positive_probability
from lib.training.space import CHOICES

FOLDS = 3  # the newest: the next weeks resemble the last ones most, and one fold alone may be an odd one
SEARCH_ROWS = 15_000  # a fold learns from so many rows at the most, and judges on as many
PREPARED = 4  # so many preprocessed matrices are kept for each fold: about 100 MB at 400 columns
KNOWN = 64  # so many parts of models are learnt once for each fold: what one says of its rows takes 0.1 MB
CALIBRATING = 100  # rows of each class without which a day would follow chance
Choices = tuple[tuple[str, Any], ...]
Direction = Literal["minimize", "maximize"]
OBJECTIVES: Mapping[str, tuple[Direction, Callable[..., float]]] = {
    "log_loss": ("minimize", log_loss),
    "average_precision": ("maximize", average_precision_score),
}


class Fold:
    """Rows to learn from and newer ones to judge on; both are samples where there are many."""

    def __init__(self, learn: Rows, judge: Rows, question: Question, seed: int) -> None:
        histories = {history: thin_rows(learn.newest(history), SEARCH_ROWS, seed) for history in CHOICES["history"]}
        self._hold(histories, thin_rows(judge, SEARCH_ROWS, seed), question.kinds, seed)

    @classmethod
    def from_samples(cls, learn: Mapping[int, Rows], judge: Rows, actions: tuple[str, ...], seed: int) -> Self:
        """A fold of rows that were sampled before, in another process."""
        fold = cls.__new__(cls)
        fold._hold(learn, judge, actions, seed)
        return fold

    def _hold(self, learn: Mapping[int, Rows], judge: Rows, actions: tuple[str, ...], seed: int) -> None:
        self.learn, self.judge, self.actions, self.seed = learn, judge, actions, seed
        self.prepare = lru_cache(PREPARED)(self._prepare)
        self.judge_part = lru_cache(KNOWN)(self._judge_part)

    @property
    def is_usable(self) -> bool:
        """Whether something can be learnt and judged: both classes on both sides."""
        return all(rows.has_both_classes for rows in (*self.learn.values(), self.judge))

    def value(self, params: Mapping[str, Any], objective: str) -> float:
        """Fit on the older cutoffs, and return the objective's value on the newer one."""
        score = OBJECTIVES[objective][1]
        return float(score(self.judge.y, self.score(params), sample_weight=self.judge.weight))

    def score(self, params: Mapping[str, Any]) -> Floats:
        """What a model that learnt from the older cutoffs says of the newer one; trials share its parts.

        A choice that the parameters do not name takes its plainest value.
        """
        choices = tuple((name, params.get(name, values[0])) for name, values in CHOICES.items())
        parts = [(part, tuple(params[name] for name in PARTS[part])) for part in part_names(params)]
        return np.asarray(np.mean([self.judge_part(choices, *part) for part in parts], axis=0))

    def _judge_part(self, choices: Choices, part: str, searched: tuple[Any, ...]) -> Floats:
        learn = self.learn[dict(choices)["history"]]
        X, judged = self.prepare(choices)
        model = make_part(part, dict(zip(PARTS[part], searched, strict=True)), self.seed)
        return positive_probability(model.fit(X, learn.y, sample_weight=learn.weight), judged)

    def _prepare(self, choices: Choices) -> tuple[Any, Any]:
        """The matrices of both sides, in double precision: in single, the solver does not converge."""
        params = dict(choices)
        learn = self.learn[params["history"]].X
        columns = group_columns(list(learn.columns), params, self.actions)
        transformer = make_preprocessing(columns, params)
        # row by row: forests learn so in two thirds of the seconds, others in as many, and what they learn is the same
        matrix = np.ascontiguousarray(transform(transformer, learn[columns], fit=True))
        return matrix, transform(transformer, self.judge.X[columns])


def prepare_folds(rows: Rows, training: Sequence[date], question: Question, seed: int) -> list[Fold]:
    """Make the newest folds of the training cutoffs; one that holds one class only is left out."""
    pairs = fold_cutoffs(training, question.reach_days, FOLDS)
    folds = [Fold(rows.at(learnt), rows.at([judged]), question, seed) for learnt, judged in pairs]
    return [fold for fold in folds if fold.is_usable]


def ask_folds(folds: Sequence[Fold], blueprint: Blueprint) -> tuple[Asked, ...]:
    """How sure a model should have been of each fold's newer cutoff, whose days it has not seen.

    Not asked are days that cannot tell. Somebody's own models are left as they are meant to be.
    """
    if isinstance(blueprint, OwnModels):
        return ()
    return tuple(
        ask_for_sharpness(fold.score(blueprint), fold.judge.y, fold.judge.weight)
        for fold in folds
        if has_enough(fold.judge)
    )


def has_enough(rows: Rows) -> bool:
    """Whether rows can show how sure a model should be."""
    return CALIBRATING <= rows.positives <= len(rows) - CALIBRATING
