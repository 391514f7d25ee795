"""Fit the two models of a pair to rows, by a blueprint, and calibrate them on days that they have not seen."""

from datetime import date

import pandas as pd

from lib.config.question import Question
from lib.evaluation import drift
from lib.features.vocabulary import DEFINITION
from lib.labels.rows import Rows, thin_rows
from lib.labels.split import Split, fold_cutoffs
from lib.models.blueprint import Blueprint, OwnModels, make_models
from lib.models.calibration import SHARPNESS, Calibration, apply_calibration, fit_calibration, read_sharpness
from lib.models.estimators import group_columns, transform
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.training.folds import SEARCH_ROWS

CALIBRATING = 100  # rows of each class without which a calibration would follow chance


def fit_pair(
    rows: Rows,
    blueprint: Blueprint,
    question: Question,
    through: date,
    seed: int,
    earned: Calibration | None = None,
) -> Pair:
    """Fit both models, put a calibration on them where one was earned, and tie them to their question.

    Parameters of the search say on how many cutoffs and on which columns. How the newest rows' features were spread
    is noted, to tell a drift by.
    """
    rows, X = select_rows(rows, blueprint, question)
    transformer, model, columns, params = make_models(X, rows.y, blueprint, seed, rows.weight)
    newest = rows.frame["cutoff"].max()
    notes = PairNotes(
        reference=drift.reference_spread(X[(rows.frame["cutoff"] == newest).to_numpy()], newest),
        sharpness=read_sharpness(earned) if earned else 1.0,
        definition=DEFINITION,
    )
    model = apply_calibration(earned, model) if earned else model
    return Pair(transformer, model, columns, question.slug, through.isoformat(), params, notes=notes)


def select_rows(rows: Rows, blueprint: Blueprint, question: Question) -> tuple[Rows, pd.DataFrame]:
    """The rows and feature columns that a blueprint learns from; somebody's own models choose their columns."""
    if isinstance(blueprint, OwnModels):
        return rows, rows.X
    rows = rows.newest(int(blueprint.get("history", 0)))
    X = rows.X
    return rows, X[group_columns(list(X.columns), blueprint, question.actions)]


def earn_calibration(
    training: Rows, parts: Split, blueprint: Blueprint, question: Question, seed: int
) -> Calibration | None:
    """Learn from the older training cutoffs, and calibrate on the newest one, whose days they have not seen.

    Somebody's own models are left as they are meant to be.
    """
    for learnt, judged in (
        [] if isinstance(blueprint, OwnModels) else fold_cutoffs(parts.training, question.horizon_days, 1)
    ):
        older, newest = (thin_rows(training.at(days), SEARCH_ROWS, seed) for days in (learnt, [judged]))
        if older.has_both_classes and has_enough(newest):
            return calibrate(fit_pair(older, blueprint, question, judged, seed), newest)
    return None


def has_enough(rows: Rows) -> bool:
    """Whether rows can show how sure a model should be."""
    return CALIBRATING <= rows.positives <= len(rows) - CALIBRATING


def calibrate(pair: Pair, unseen: Rows, limits: tuple[float, float] = SHARPNESS) -> Calibration:
    """The calibration of a pair by rows that it has not seen."""
    Z = transform(pair.preprocessing, pair.inputs(unseen.X))
    return fit_calibration(pair.prediction, Z, unseen.y, unseen.weight, limits)


def remembered_rows(training: Rows, parts: Split, cutoffs: int | None) -> Rows:
    """The rows of so many of the newest training cutoffs, of none where it is 0; None: of all."""
    return training if cutoffs is None else training.at(parts.training[:cutoffs])


def join_rows(one: Rows, other: Rows) -> Rows:
    """Both sets of rows as one."""
    return Rows(pd.concat([one.frame, other.frame], ignore_index=True))
