"""Fit a challenger and measure it beside the champion on the same rows; refit what was promoted."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from lib import drift
from lib.baseline import RecencyRule
from lib.config import Question
from lib.decision import Choice, compare
from lib.measure import Measured, Quality, log_losses, measure, paired_difference
from lib.models import Pair, Params, fit
from lib.split import Rows, Split, half
from lib.thresholds import Thresholds

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


def judged_quality(pair: Pair, rows: Rows, rule: RecencyRule, seed: int) -> Quality:
    """Measure one pair on labelled rows, beside the recency rule and beside what it had when it was registered."""
    X = rows.X
    return measure(
        rows.y, pair.score(X), rule.score(X), rows.users, seed,
        past_rate=rule.overall, registered=registered(pair),
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
    params: Params,
    question: Question,
    champion: Pair | None,
    champion_is_bad: bool,
    thresholds: Thresholds,
    seed: int,
) -> Trained:
    """Fit a challenger on the training cutoffs and compare it with the champion on the holdout.

    After a real change of behaviour no label before the holdout has seen it. So where the champion was judged bad,
    the holdout's users are parted by a seeded hash: the challenger learns from one half too, choosing how much of
    the old behaviour still helps, and both are judged on the other half.
    """
    training, holdout = rows.at(parts.training), rows.at(parts.holdout)
    rule = RecencyRule.fit(question, training.X, training.y)
    history: int | None = None
    if champion is not None and champion_is_bad:
        learnt = half(holdout.users, seed)
        recent, judged = holdout.of(learnt), holdout.of(~learnt)
        history = _best_history(training, parts, recent, params, seed)
        learn, through = _joined(_newest(training, parts, history), recent), parts.holdout[0]
    else:
        learn, judged, through = training, holdout, parts.training[0]
    pair = fitted(learn, params, question, through, seed)
    quality = judged_quality(pair, judged, rule, seed)
    difference: Measured | None = None
    better: float | None = None
    before: Quality | None = None
    if champion is not None:
        before = judged_quality(champion, judged, rule, seed)
        scores = pair.score(judged.X), champion.score(judged.X)
        difference, better = paired_difference(judged.y, *scores, judged.users, seed)
    choice = compare(quality, difference, better, champion_is_bad, thresholds)
    return Trained(pair, quality, before, choice, history)


def refit(rows: Rows, parts: Split, trained: Trained, question: Question, seed: int) -> Pair:
    """Fit the promoted pair anew on everything matured, the holdout included; the evidence stays the old fit's."""
    holdout = rows.at(parts.holdout)
    if trained.history is None:
        learn = rows
    else:
        learn = _joined(_newest(rows.at(parts.training), parts, trained.history), holdout)
    return fitted(learn, trained.pair.params, question, parts.holdout[0], seed)


def fitted(rows: Rows, params: Params, question: Question, through: date, seed: int) -> Pair:
    """Fit both models and tie them to their question; note how the newest rows' features were spread."""
    X = rows.X
    transformer, model = fit(X, rows.y, params, seed)
    newest = rows.frame["cutoff"].max()
    notes = {"reference": drift.reference(X[(rows.frame["cutoff"] == newest).to_numpy()], newest)}
    return Pair(transformer, model, tuple(X.columns), question.slug, through.isoformat(), dict(params), notes=notes)


def _best_history(training: Rows, parts: Split, recent: Rows, params: Params, seed: int) -> int | None:
    """Try how many old cutoffs to keep, on one half of the recent users against the other."""
    check = half(recent.users, seed + 1)
    losses = {}
    for history in HISTORIES:
        learn = _joined(_newest(training, parts, history), recent.of(~check))
        if 0 < learn.y.sum() < len(learn):
            transformer, model = fit(learn.X, learn.y, params, seed)
            probe = Pair(transformer, model, tuple(learn.X.columns), "", "", params)
            rest = recent.of(check)
            losses[history] = float(np.mean(log_losses(rest.y, probe.score(rest.X))))
    return min(losses, key=lambda history: losses[history]) if losses else None


def _newest(training: Rows, parts: Split, history: int | None) -> Rows:
    return training if history is None else training.at(parts.training[:history])


def _joined(one: Rows, other: Rows) -> Rows:
    return Rows(pd.concat([one.frame, other.frame], ignore_index=True))
