"""Fit a challenger and measure it beside the champion on the same rows; refit what was promoted."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from lib.baseline import RecencyRule
from lib.config import Question
from lib.decision import Choice, compare
from lib.measure import Measured, Quality, log_losses, measure, paired_difference
from lib.models import Pair, Params, fit, group_columns
from lib.split import Rows, Split, half

HISTORIES = (
    None,
    4,
    0,
)  # how many training cutoffs a challenger of a bad champion learns from, besides the holdout's half


@dataclass(frozen=True)
class Trained:
    """A challenger, how it and the champion did on the same rows, and what is to become of it."""

    pair: Pair
    quality: Quality
    champion: Quality | None
    choice: Choice
    history: int | None  # training cutoffs that it learnt from; None: all


def judged_quality(
    pair: Pair, rows: Rows, rule: RecencyRule, seed: int, registered_auc: float | None = None
) -> Quality:
    """Measure one pair on labelled rows beside the recency rule."""
    X = rows.X
    return measure(rows.y, pair.score(X), rule.score(X), rows.users, seed, registered_auc, rows.weight)


def challenge(
    rows: Rows,
    parts: Split,
    params: Params,
    question: Question,
    champion: Pair | None,
    champion_is_bad: bool,
    seed: int,
) -> Trained:
    """Fit a challenger on the training cutoffs and compare it with the champion on the holdout.

    After a real change of behaviour no label before the holdout has seen it. So where the champion was judged bad,
    the holdout's users are parted by a seeded hash: the challenger learns from one half too, choosing how much of
    the old behaviour still helps, and both are judged on the other half.
    """
    training, holdout = rows.at(parts.training), rows.at(parts.holdout)
    rule = RecencyRule.fit(question, training.X, training.y, training.weight)
    history: int | None = None
    if champion is not None and champion_is_bad:
        learnt = half(holdout.users, seed)
        recent, judged = holdout.of(learnt), holdout.of(~learnt)
        history = _best_history(training, parts, recent, params, question, seed)
        learn, through = _joined(_newest(training, parts, history), recent), parts.holdout[0]
    else:
        learn, judged, through = training, holdout, parts.training[0]
    pair = fitted(learn, params, question, through, seed)
    quality = judged_quality(pair, judged, rule, seed)
    difference: Measured | None = None
    better: float | None = None
    before: Quality | None = None
    if champion is not None:
        before = judged_quality(champion, judged, rule, seed, champion.metrics.get("auc"))
        scores = pair.score(judged.X), champion.score(judged.X)
        difference, better = paired_difference(judged.y, *scores, judged.users, seed, judged.weight)
    return Trained(pair, quality, before, compare(quality, difference, better, champion_is_bad), history)


def refit(rows: Rows, parts: Split, trained: Trained, question: Question, seed: int) -> Pair:
    """Fit the promoted pair anew on everything matured, the holdout included; the evidence stays the old fit's."""
    holdout = rows.at(parts.holdout)
    if trained.history is None:
        learn = rows
    else:
        learn = _joined(_newest(rows.at(parts.training), parts, trained.history), holdout)
    return fitted(learn, trained.pair.params, question, parts.holdout[0], seed)


def fitted(rows: Rows, params: Params, question: Question, through: date, seed: int) -> Pair:
    """Fit both models, on as many cutoffs and columns as the parameters say, and tie them to their question."""
    rows = rows.newest(int(params.get("history", 0)))
    X = rows.X[group_columns(list(rows.X.columns), params, question.actions)]
    transformer, model = fit(X, rows.y, params, seed, rows.weight)
    return Pair(transformer, model, tuple(X.columns), question.slug, through.isoformat(), dict(params))


def _best_history(
    training: Rows, parts: Split, recent: Rows, params: Params, question: Question, seed: int
) -> int | None:
    """Try how many old cutoffs to keep, on one half of the recent users against the other."""
    check = half(recent.users, seed + 1)
    losses = {}
    for history in HISTORIES:
        learn = _joined(_newest(training, parts, history), recent.of(~check))
        if learn.has_both_classes:
            probe = fitted(learn, params, question, parts.holdout[0], seed)
            rest = recent.of(check)
            losses[history] = float(np.average(log_losses(rest.y, probe.score(rest.X)), weights=rest.weight))
    return min(losses, key=lambda history: losses[history]) if losses else None


def _newest(training: Rows, parts: Split, history: int | None) -> Rows:
    return training if history is None else training.at(parts.training[:history])


def _joined(one: Rows, other: Rows) -> Rows:
    return Rows(pd.concat([one.frame, other.frame], ignore_index=True))
