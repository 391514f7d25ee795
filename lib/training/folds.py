"""One step of the search: learn from older cutoffs, judge on a newer one, at a bounded cost."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Literal, Self

from sklearn.metrics import average_precision_score, log_loss

from lib.config.question import Question
from lib.labels.rows import Rows, thin_rows
from lib.labels.split import fold_cutoffs
from lib.models.estimators import group_columns, make_prediction, make_preprocessing, transform
from lib.models.pair import positive_probability
from lib.training.space import CHOICES

FOLDS = 3  # the newest: the next weeks resemble the last ones most, and one fold alone may be an odd one
SEARCH_ROWS = 15_000  # a fold learns from so many rows at the most, and judges on as many
PREPARED = 4  # so many preprocessed matrices are kept for each fold: about 100 MB at 400 columns
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

    @property
    def is_usable(self) -> bool:
        """Whether something can be learnt and judged: both classes on both sides."""
        return all(rows.has_both_classes for rows in (*self.learn.values(), self.judge))

    def value(self, params: Mapping[str, Any], objective: str) -> float:
        """Fit on the older cutoffs, and return the objective's value on the newer one."""
        learn = self.learn[params["history"]]
        X, judged = self.prepare(tuple((name, params[name]) for name in CHOICES))
        model = make_prediction(params, self.seed).fit(X, learn.y, sample_weight=learn.weight)
        score = OBJECTIVES[objective][1]
        return float(score(self.judge.y, positive_probability(model, judged), sample_weight=self.judge.weight))

    def _prepare(self, choices: tuple[tuple[str, Any], ...]) -> tuple[Any, Any]:
        """The matrices of both sides, in double precision: in single, the solver does not converge."""
        params = dict(choices)
        learn = self.learn[params["history"]].X
        columns = group_columns(list(learn.columns), params, self.actions)
        transformer = make_preprocessing(columns, params)
        matrix = transform(transformer, learn[columns], fit=True)
        return matrix, transform(transformer, self.judge.X[columns])


def prepare_folds(rows: Rows, training: Sequence[date], question: Question, seed: int) -> list[Fold]:
    """Make the newest folds of the training cutoffs; one that holds one class only is left out."""
    pairs = fold_cutoffs(training, question.reach_days, FOLDS)
    folds = [Fold(rows.at(learnt), rows.at([judged]), question, seed) for learnt, judged in pairs]
    return [fold for fold in folds if fold.is_usable]
