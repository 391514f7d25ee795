"""Fit the two models of a pair to rows, by a blueprint, and calibrate them on days that they have not seen."""

from datetime import date

import pandas as pd

from lib import drift
from lib.blueprint import Blueprint, Own, make
from lib.config import Question
from lib.fold import SEARCH_ROWS
from lib.models import SHARPNESS, Calibration, Pair, calibration, group_columns, recalibrated, sharpness, transformed
from lib.split import Rows, Split, folds, thinned

CALIBRATING = 100  # rows of each class without which a calibration would follow chance


def fitted(
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
    rows, X = asked_for(rows, blueprint, question)
    transformer, model, columns, params = make(X, rows.y, blueprint, seed, rows.weight)
    newest = rows.frame["cutoff"].max()
    notes = {
        "reference": drift.reference(X[(rows.frame["cutoff"] == newest).to_numpy()], newest),
        "sharpness": sharpness(earned) if earned else 1.0,
    }
    model = recalibrated(earned, model) if earned else model
    return Pair(transformer, model, columns, question.slug, through.isoformat(), params, notes=notes)


def asked_for(rows: Rows, blueprint: Blueprint, question: Question) -> tuple[Rows, pd.DataFrame]:
    """The rows and feature columns that a blueprint learns from; somebody's own models choose their columns."""
    if isinstance(blueprint, Own):
        return rows, rows.X
    rows = rows.newest(int(blueprint.get("history", 0)))
    X = rows.X
    return rows, X[group_columns(list(X.columns), blueprint, question.actions)]


def earned_calibration(
    training: Rows, parts: Split, blueprint: Blueprint, question: Question, seed: int
) -> Calibration | None:
    """Learn from the older training cutoffs, and calibrate on the newest one, whose days they have not seen.

    Somebody's own models are left as they are meant to be.
    """
    for learnt, judged in [] if isinstance(blueprint, Own) else folds(parts.training, question.horizon_days, 1):
        older, newest = (thinned(training.at(days), SEARCH_ROWS, seed) for days in (learnt, [judged]))
        if older.has_both_classes and enough(newest):
            return calibrated(fitted(older, blueprint, question, judged, seed), newest)
    return None


def enough(rows: Rows) -> bool:
    """Whether rows can show how sure a model should be."""
    return CALIBRATING <= rows.positives <= len(rows) - CALIBRATING


def calibrated(pair: Pair, unseen: Rows, limits: tuple[float, float] = SHARPNESS) -> Calibration:
    """The calibration of a pair by rows that it has not seen."""
    Z = transformed(pair.preprocessing, pair.inputs(unseen.X))
    return calibration(pair.prediction, Z, unseen.y, unseen.weight, limits)


def remembered(training: Rows, parts: Split, cutoffs: int | None) -> Rows:
    """The rows of so many of the newest training cutoffs, of none where it is 0; None: of all."""
    return training if cutoffs is None else training.at(parts.training[:cutoffs])


def joined(one: Rows, other: Rows) -> Rows:
    """Both sets of rows as one."""
    return Rows(pd.concat([one.frame, other.frame], ignore_index=True))
