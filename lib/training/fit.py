"""Fit the two models of a pair to rows, by a blueprint, and calibrate them on days that they have not seen."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from lib.config.question import Question
from lib.evaluation import drift
from lib.features.vocabulary import DEFINITION
from lib.labels.rows import Rows, thin_rows
from lib.labels.split import Split
from lib.models.blueprint import Blueprint, OwnModels, make_models
from lib.models.calibration import Asked, apply_sharpness, ask_for_sharpness, pool_sharpness
from lib.models.estimators import group_columns, transform
from lib.models.notes import PairNotes
from lib.models.pair import Pair, positive_probability
from lib.training.folds import SEARCH_ROWS

AGREEING = 2  # days without which nothing is learnt of the sharpness: one alone may be an odd one


def fit_pair(
    rows: Rows,
    blueprint: Blueprint,
    question: Question,
    through: date,
    seed: int,
    earned: float | None = None,
) -> Pair:
    """Fit both models, put a sharpness on them where one was earned, and tie them to their question.

    Parameters of the search say on how many cutoffs and on which columns. How the newest rows' features were spread
    is noted, to tell a drift by.
    """
    rows, X = select_rows(rows, blueprint, question)
    transformer, model, columns, params = make_models(X, rows.y, blueprint, seed, rows.weight)
    newest = rows.frame["cutoff"].max()
    notes = PairNotes(
        reference=drift.reference_spread(X[(rows.frame["cutoff"] == newest).to_numpy()], newest),
        sharpness=1.0 if earned is None else earned,
        definition=DEFINITION,
        others_rarer=are_others_rarer(rows, question),
    )
    if earned is not None:
        some = thin_rows(rows, SEARCH_ROWS, seed)
        model = apply_sharpness(earned, model, transform(transformer, some.X[list(columns)]), some.weight)
    return Pair(transformer, model, columns, question.slug, through.isoformat(), params, notes=notes)


def are_others_rarer(rows: Rows, question: Question) -> bool:
    """Whether label 0 is the rarer one; of equally many, those who did it count as rarer, however they are labelled."""
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    share = float(np.average(rows.y, weights=weight))
    return question.without if share == 0.5 else share > 0.5


def select_rows(rows: Rows, blueprint: Blueprint, question: Question) -> tuple[Rows, pd.DataFrame]:
    """The rows and feature columns that a blueprint learns from; somebody's own models choose their columns."""
    if isinstance(blueprint, OwnModels):
        return rows, rows.X
    rows = rows.newest(int(blueprint.get("history", 0)))
    X = rows.X
    return rows, X[group_columns(list(X.columns), blueprint, question.kinds)]


def earn_sharpness(asked: Sequence[Asked]) -> float | None:
    """How sure to be by what newer cutoffs asked for; None, nothing learnt, where fewer than two of them could tell."""
    return pool_sharpness(asked) if len(asked) >= AGREEING else None


def ask_rows(pair: Pair, unseen: Rows) -> Asked:
    """How sure a pair should have been of rows that it has not seen."""
    Z = transform(pair.preprocessing, pair.inputs(unseen.X))
    return ask_for_sharpness(positive_probability(pair.prediction, Z), unseen.y, unseen.weight)


def remembered_rows(training: Rows, parts: Split, cutoffs: int | None) -> Rows:
    """The rows of so many of the newest training cutoffs, of none where it is 0; None: of all."""
    return training if cutoffs is None else training.at(parts.training[:cutoffs])


def join_rows(one: Rows, other: Rows) -> Rows:
    """Both sets of rows as one."""
    return Rows(pd.concat([one.frame, other.frame], ignore_index=True))
