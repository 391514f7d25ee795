"""Fit a challenger and measure it beside the champion on the same rows; refit what was promoted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from lib import timeline
from lib.config.question import Question
from lib.config.thresholds import Thresholds
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality, measure, measure_difference
from lib.evaluation.naive_rule import NaiveRule
from lib.evaluation.promotion import Choice, decide_promotion
from lib.labels.rows import Rows, user_half
from lib.labels.split import Split
from lib.models.blueprint import Blueprint, OwnModels
from lib.models.calibration import Asked, split_calibration
from lib.models.pair import Pair
from lib.training.adaptation import adapt
from lib.training.fit import earn_sharpness, fit_pair, join_rows, remembered_rows
from lib.training.folds import ask_folds, prepare_folds


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
    sharpness: float | None  # earned on older rows, good for every fit of this blueprint


def measure_pair(pair: Pair, rows: Rows, rule: NaiveRule, seed: int) -> Quality:
    """Measure one pair on labelled rows, beside the naive rule and beside what it had when it was registered."""
    X = rows.X
    return measure(
        rows.y, pair.score(X), rule.score(X), rows.users, seed,
        past_rate=rule.overall, registered=registered_metrics(pair), weight=rows.weight,
        of_others=pair.notes.others_rarer,
    )  # fmt: skip


def note_evidence(pair: Pair, quality: Quality) -> Pair:
    """Note with a pair how it did before it was registered: what it is judged against later."""
    return replace(pair, metrics=quality.plain, notes=replace(pair.notes, intervals=quality.intervals))


def registered_metrics(pair: Pair) -> dict[str, Measured]:
    """What a registered pair had in its metrics, with their intervals where these were noted; none before that."""
    points = {name: (value, value) for name, value in pair.metrics.items()}
    intervals = points | dict(pair.notes.intervals)
    return {name: Measured(value, *intervals[name]) for name, value in pair.metrics.items()}


def fit_and_compare(
    rows: Rows,
    parts: Split,
    blueprint: Blueprint,
    question: Question,
    champion: Pair | None,
    retrain_needed: bool,
    thresholds: Thresholds,
    seed: int,
    *,
    may_adapt: bool = True,
    asked: Sequence[Asked] | None = None,
) -> Trained:
    """Fit a challenger on the training cutoffs and compare it with the champion on the holdout.

    After a real change of behaviour no label before the holdout has seen it. So where the check asked for new
    models, or a first one is bad, the holdout's users are parted by a seeded hash: the challenger learns from one half
    too, choosing how much of the old behaviour still helps, and both are judged on the other half. Not so where a check
    of the load spoke of these days (`may_adapt`): what looks like a change may be a load that broke.

    `asked` is what the folds of the search have asked for, of the sharpness; None: they are asked here.
    """
    one = partial(_fit_and_compare, rows, parts, blueprint, question, champion, retrain_needed, thresholds, seed,
                  asked)  # fmt: skip
    trained = one(adapts=may_adapt and champion is not None and retrain_needed)
    if may_adapt and champion is None and not trained.choice.promote:
        changed = one(adapts=True)
        return changed if changed.choice.promote else trained
    return trained


def _fit_and_compare(
    rows: Rows,
    parts: Split,
    blueprint: Blueprint,
    question: Question,
    champion: Pair | None,
    retrain_needed: bool,
    thresholds: Thresholds,
    seed: int,
    asked: Sequence[Asked] | None,
    *,
    adapts: bool,
) -> Trained:
    """One challenger; it `adapts` by learning from one half of the holdout's users, and is judged on the other."""
    training, judged = rows.at(parts.training), rows.at(parts.holdout)
    rule = NaiveRule.fit(question, training.X, training.y, training.weight)
    cutoffs: int | None = None
    if adapts:
        recent = _rows_after(rows, parts)
        recent, judged = recent.of(user_half(recent.users, seed)), judged.of(~user_half(judged.users, seed))
        adaptation = adapt(training, recent, parts, blueprint, question, seed)
        blueprint, cutoffs, earned = adaptation.blueprint, adaptation.remembered, adaptation.sharpness
        learn, through = join_rows(remembered_rows(training, parts, cutoffs), recent), parts.holdout[0]
    else:
        learn, through = training, parts.training[0]
        if asked is None:
            asked = ask_folds(prepare_folds(training, parts.training, question, seed), blueprint)
        earned = earn_sharpness(asked)
    pair = fit_pair(learn, blueprint, question, through, seed, earned)
    quality = measure_pair(pair, judged, rule, seed)
    difference: Measured | None = None
    better: float | None = None
    before: Quality | None = None
    if champion is not None:
        rival = _stand_in(champion, training, parts, question, seed)
        before = measure_pair(rival, judged, rule, seed)
        scores = pair.score(judged.X), rival.score(judged.X)
        difference, better = measure_difference(judged.y, *scores, judged.users, seed, judged.weight)
    choice = decide_promotion(quality, difference, better, retrain_needed, thresholds)
    since = _changed_since(champion, parts, question) if adapts else None
    return Trained(pair, quality, before, choice, since, cutoffs, judged, blueprint, earned)


def _changed_since(champion: Pair | None, parts: Split, question: Question) -> str:
    """When the change was first seen: a champion made for it knows, not long ago or now that more is known of it."""
    holdout, horizon = parts.holdout[0], question.reach_days
    since = champion.notes.adapts if champion else None
    if champion is None or since is None:
        return holdout.isoformat()
    soon = timeline.is_soon_after(holdout, date.fromisoformat(since), horizon)
    return since if soon or is_outgrown(champion, holdout, horizon) else holdout.isoformat()


def is_outgrown(pair: Pair, holdout: date, horizon_days: int) -> bool:
    """Whether a pair was made for a change of which so much more is known by now that a new fit is worth it."""
    since, through = pair.notes.adapts, date.fromisoformat(pair.trained_through)
    return since is not None and timeline.is_outgrown(holdout, date.fromisoformat(since), through, horizon_days)


def _rows_after(rows: Rows, parts: Split) -> Rows:
    """The rows at all matured cutoffs after the training ones: the holdout's, and those that overlap with it."""
    return rows.of((rows.frame["cutoff"] > parts.training[0]).to_numpy())


def _stand_in(champion: Pair, training: Rows, parts: Split, question: Question, seed: int) -> Pair:
    """The champion, or where it has learnt from the holdout, its stand-in: the same models fitted without the holdout.

    Otherwise a challenger of the same week would have to beat a pair that was told the answers.
    """
    through = date.fromisoformat(champion.trained_through)
    fresh = timeline.unlearnt_cutoffs(parts.holdout, through, question.reach_days)
    gone = set(champion.columns) - set(training.frame)  # then it is not good, and the difference decides nothing
    if len(fresh) == len(parts.holdout) or gone:
        return champion
    model, earned = split_calibration(champion.prediction)
    same = OwnModels(champion.preprocessing, model, champion.columns, champion.params)
    stand_in = fit_pair(training, same, question, parts.training[0], seed, earned)
    return replace(stand_in, metrics=champion.metrics, notes=champion.notes)


def refit(rows: Rows, parts: Split, trained: Trained, question: Question, seed: int) -> Pair:
    """Fit the promoted pair anew on everything matured, the holdout included; the evidence stays the old fit's."""
    learn = rows
    if trained.remembered is not None:
        learn = join_rows(remembered_rows(rows.at(parts.training), parts, trained.remembered), _rows_after(rows, parts))
    pair = fit_pair(learn, trained.blueprint, question, parts.holdout[0], seed, trained.sharpness)
    return replace(pair, notes=replace(pair.notes, adapts=trained.adapts))
