"""Fit a challenger and measure it beside the champion on the same rows; refit what was promoted."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from lib import timeline
from lib.adaptation import adapted
from lib.baseline import RecencyRule
from lib.blueprint import Blueprint, Own
from lib.config import Question
from lib.decision import Choice, compare
from lib.fitting import earned_calibration, fitted, joined, remembered
from lib.measure import Measured, Quality, measure, paired_difference
from lib.models import Calibration, Pair, parted
from lib.split import Rows, Split, half
from lib.thresholds import Thresholds

ADAPTS = "adapts"  # note of a pair that was made for a change of behaviour: since when, ISO


@dataclass(frozen=True)
class Trained:
    """A challenger, how it and the champion did on the same rows, and what is to become of it."""

    pair: Pair
    quality: Quality
    champion: Quality | None
    choice: Choice
    adapts: str | None  # the holdout that showed a change of behaviour for which it was made, ISO; None: without one
    remembered: int | None  # training cutoffs that it learnt from beside a change, the newest; None: all
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
    retrain_needed: bool,
    thresholds: Thresholds,
    seed: int,
) -> Trained:
    """Fit a challenger on the training cutoffs and compare it with the champion on the holdout.

    After a real change of behaviour no label before the holdout has seen it. So where the check asked for new
    models, or a first one is bad, the holdout's users are parted by a seeded hash: the challenger learns from one half
    too, choosing how much of the old behaviour still helps, and both are judged on the other half.
    """
    one = partial(_challenged, rows, parts, blueprint, question, champion, retrain_needed, thresholds, seed)
    trained = one(adapts=champion is not None and retrain_needed)
    if champion is None and not trained.choice.promote:
        changed = one(adapts=True)
        return changed if changed.choice.promote else trained
    return trained


def _challenged(
    rows: Rows,
    parts: Split,
    blueprint: Blueprint,
    question: Question,
    champion: Pair | None,
    retrain_needed: bool,
    thresholds: Thresholds,
    seed: int,
    *,
    adapts: bool,
) -> Trained:
    """One challenger; it `adapts` by learning from one half of the holdout's users, and is judged on the other."""
    training, judged = rows.at(parts.training), rows.at(parts.holdout)
    rule = RecencyRule.fit(question, training.X, training.y, training.weight)
    cutoffs: int | None = None
    if adapts:
        recent = _after(rows, parts)
        recent, judged = recent.of(half(recent.users, seed)), judged.of(~half(judged.users, seed))
        found = adapted(training, recent, parts, blueprint, question, seed)
        blueprint, cutoffs, earned = found.blueprint, found.remembered, found.calibration
        learn, through = joined(remembered(training, parts, cutoffs), recent), parts.holdout[0]
    else:
        learn, through = training, parts.training[0]
        earned = earned_calibration(training, parts, blueprint, question, seed)
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
    choice = compare(quality, difference, better, retrain_needed, thresholds)
    since = _changed_since(champion, parts, question) if adapts else None
    return Trained(pair, quality, before, choice, since, cutoffs, judged, blueprint, earned)


def _changed_since(champion: Pair | None, parts: Split, question: Question) -> str:
    """When the change was first seen: a champion made for it knows, not long ago or now that more is known of it."""
    holdout, horizon = parts.holdout[0], question.horizon_days
    since = champion.notes.get(ADAPTS) if champion else None
    if champion is None or since is None:
        return holdout.isoformat()
    soon = timeline.soon_after(holdout, date.fromisoformat(since), horizon)
    return str(since) if soon or outgrown(champion, holdout, horizon) else holdout.isoformat()


def outgrown(pair: Pair, holdout: date, horizon_days: int) -> bool:
    """Whether a pair was made for a change of which so much more is known by now that a new fit is worth it."""
    since, through = pair.notes.get(ADAPTS), date.fromisoformat(pair.trained_through)
    return since is not None and timeline.outgrown(holdout, date.fromisoformat(since), through, horizon_days)


def _after(rows: Rows, parts: Split) -> Rows:
    """The rows at all matured cutoffs after the training ones: the holdout's, and those that overlap with it."""
    return rows.of((rows.frame["cutoff"] > parts.training[0]).to_numpy())


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
    learn = rows
    if trained.remembered is not None:
        learn = joined(remembered(rows.at(parts.training), parts, trained.remembered), _after(rows, parts))
    pair = fitted(learn, trained.blueprint, question, parts.holdout[0], seed, trained.calibration)
    return replace(pair, notes={**pair.notes, ADAPTS: trained.adapts})
