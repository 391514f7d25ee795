"""Fit a challenger and measure it beside the champion on the same rows; refit what was promoted."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from lib import drift, timeline
from lib.baseline import RecencyRule
from lib.blueprint import Blueprint, Own, make
from lib.config import Question
from lib.decision import Choice, compare
from lib.fold import SEARCH_ROWS
from lib.measure import Measured, Quality, log_losses, measure, paired_difference
from lib.models import Calibration, Pair, calibration, group_columns, parted, recalibrated, sharpness, transformed
from lib.split import Rows, Split, folds, half, thinned
from lib.thresholds import Thresholds

HISTORIES = (None, 4, 0)  # training cutoffs that a challenger of a bad champion learns from beside the holdout's half
CALIBRATING = 100  # rows of each class without which a calibration would follow chance


@dataclass(frozen=True)
class Trained:
    """A challenger, how it and the champion did on the same rows, and what is to become of it."""

    pair: Pair
    quality: Quality
    champion: Quality | None
    choice: Choice
    history: int | None  # training cutoffs that it learnt from; None: all
    judged: Rows  # what both were measured on
    blueprint: Blueprint
    calibration: Calibration | None  # earned on older rows, good for every fit of this blueprint


def judged_quality(pair: Pair, rows: Rows, rule: RecencyRule, seed: int) -> Quality:
    """Measure one pair on labelled rows, beside the recency rule and beside what it had when it was registered."""
    X = rows.X
    return measure(
        rows.y, pair.score(X), rule.score(X), rows.users, seed,
        past_rate=rule.overall, registered=registered(pair), weight=rows.weight,
    )  # fmt: skip


def with_evidence(pair: Pair, quality: Quality) -> Pair:
    """Note with a pair how it did before it was registered: what it is judged against later."""
    return replace(pair, metrics=quality.plain, notes={**pair.notes, "intervals": quality.intervals})


def registered(pair: Pair) -> dict[str, Measured]:
    """What a registered pair had in its metrics, with their intervals where these were noted; none before that."""
    points = {name: (value, value) for name, value in pair.metrics.items()}
    intervals = points | dict(pair.notes.get("intervals", {}))
    return {name: Measured(value, *intervals[name]) for name, value in pair.metrics.items()}


def challenge(
    rows: Rows,
    parts: Split,
    blueprint: Blueprint,
    question: Question,
    champion: Pair | None,
    champion_is_bad: bool,
    thresholds: Thresholds,
    seed: int,
) -> Trained:
    """Fit a challenger on the training cutoffs and compare it with the champion on the holdout.

    After a real change of behaviour no label before the holdout has seen it. So where the champion was judged bad, or
    a first model is, the holdout's users are parted by a seeded hash: the challenger learns from one half too,
    choosing how much of the old behaviour still helps, and both are judged on the other half.
    """
    adapts = champion is not None and champion_is_bad
    trained = _challenged(rows, parts, blueprint, question, champion, champion_is_bad, thresholds, seed, adapts=adapts)
    if champion is None and not trained.choice.promote:
        changed = _challenged(rows, parts, blueprint, question, None, champion_is_bad, thresholds, seed, adapts=True)
        return changed if changed.choice.promote else trained
    return trained


def _challenged(
    rows: Rows,
    parts: Split,
    blueprint: Blueprint,
    question: Question,
    champion: Pair | None,
    champion_is_bad: bool,
    thresholds: Thresholds,
    seed: int,
    *,
    adapts: bool,
) -> Trained:
    """One challenger; it `adapts` by learning from one half of the holdout's users, and is judged on the other."""
    training, holdout = rows.at(parts.training), rows.at(parts.holdout)
    rule = RecencyRule.fit(question, training.X, training.y, training.weight)
    history: int | None = None
    if adapts:
        learnt = half(holdout.users, seed)
        recent, judged = holdout.of(learnt), holdout.of(~learnt)
        history = _best_history(training, parts, recent, blueprint, question, seed)
        learn, through = _joined(_newest(training, parts, history), recent), parts.holdout[0]
    else:
        learn, judged, through = training, holdout, parts.training[0]
    earned = _calibration(training, parts, blueprint, question, seed)
    pair = fitted(learn, blueprint, question, through, seed, earned)
    quality = judged_quality(pair, judged, rule, seed)
    difference: Measured | None = None
    better: float | None = None
    before: Quality | None = None
    if champion is not None:
        rival = _unspoilt(champion, training, parts, question, seed)
        before = judged_quality(rival, judged, rule, seed)
        scores = pair.score(judged.X), rival.score(judged.X)
        difference, better = paired_difference(judged.y, *scores, judged.users, seed, judged.weight)
    choice = compare(quality, difference, better, champion_is_bad, thresholds)
    return Trained(pair, quality, before, choice, history, judged, blueprint, earned)


def _unspoilt(champion: Pair, training: Rows, parts: Split, question: Question, seed: int) -> Pair:
    """The champion, or where it has learnt from the holdout, its twin: the same models fitted without the holdout.

    Otherwise a challenger of the same week would have to beat a pair that was told the answers.
    """
    through = date.fromisoformat(champion.trained_through)
    fresh = timeline.unlearnt(parts.holdout, through, question.horizon_days)
    gone = set(champion.columns) - set(training.frame)  # then it is not good, and the difference decides nothing
    if len(fresh) == len(parts.holdout) or gone:
        return champion
    model, earned = parted(champion.prediction)
    same = Own(champion.preprocessing, model, champion.columns, champion.params)
    twin = fitted(training, same, question, parts.training[0], seed, earned)
    return replace(twin, metrics=champion.metrics, notes=champion.notes)


def refit(rows: Rows, parts: Split, trained: Trained, question: Question, seed: int) -> Pair:
    """Fit the promoted pair anew on everything matured, the holdout included; the evidence stays the old fit's."""
    holdout = rows.at(parts.holdout)
    if trained.history is None:
        learn = rows
    else:
        learn = _joined(_newest(rows.at(parts.training), parts, trained.history), holdout)
    return fitted(learn, trained.blueprint, question, parts.holdout[0], seed, trained.calibration)


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
    rows, X = _asked_for(rows, blueprint, question)
    transformer, model, columns, params = make(X, rows.y, blueprint, seed, rows.weight)
    newest = rows.frame["cutoff"].max()
    notes = {
        "reference": drift.reference(X[(rows.frame["cutoff"] == newest).to_numpy()], newest),
        "sharpness": sharpness(earned) if earned else 1.0,
    }
    model = recalibrated(earned, model) if earned else model
    return Pair(transformer, model, columns, question.slug, through.isoformat(), params, notes=notes)


def _asked_for(rows: Rows, blueprint: Blueprint, question: Question) -> tuple[Rows, pd.DataFrame]:
    """The rows and feature columns that a blueprint learns from; somebody's own models choose their columns."""
    if isinstance(blueprint, Own):
        return rows, rows.X
    rows = rows.newest(int(blueprint.get("history", 0)))
    X = rows.X
    return rows, X[group_columns(list(X.columns), blueprint, question.actions)]


def _calibration(
    training: Rows, parts: Split, blueprint: Blueprint, question: Question, seed: int
) -> Calibration | None:
    """Learn from the older training cutoffs, and calibrate on the newest one, whose days they have not seen.

    Somebody's own models are left as they are meant to be.
    """
    for learnt, judged in [] if isinstance(blueprint, Own) else folds(parts.training, question.horizon_days, 1):
        older, newest = (thinned(training.at(days), SEARCH_ROWS, seed) for days in (learnt, [judged]))
        if CALIBRATING <= newest.positives <= len(newest) - CALIBRATING and older.has_both_classes:
            older, X = _asked_for(older, blueprint, question)
            transformer, model, columns, _ = make(X, older.y, blueprint, seed, older.weight)
            return calibration(model, transformed(transformer, newest.X[list(columns)]), newest.y, newest.weight)
    return None


def _best_history(
    training: Rows, parts: Split, recent: Rows, blueprint: Blueprint, question: Question, seed: int
) -> int | None:
    """Try how many old cutoffs to keep, on one half of the recent users against the other."""
    check = half(recent.users, seed + 1)
    losses = {}
    for history in HISTORIES:
        learn = _joined(_newest(training, parts, history), recent.of(~check))
        if learn.has_both_classes:
            probe = fitted(learn, blueprint, question, parts.holdout[0], seed)
            rest = recent.of(check)
            losses[history] = float(np.average(log_losses(rest.y, probe.score(rest.X)), weights=rest.weight))
    return min(losses, key=lambda history: losses[history]) if losses else None


def _newest(training: Rows, parts: Split, history: int | None) -> Rows:
    return training if history is None else training.at(parts.training[:history])


def _joined(one: Rows, other: Rows) -> Rows:
    return Rows(pd.concat([one.frame, other.frame], ignore_index=True))
