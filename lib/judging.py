"""The registered pair in use, judged on what really happened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from lib import decision, drift, extraction, features, labels, learning, ledger, sampling, timeline
from lib.baseline import RecencyRule
from lib.config import ModelConfig, Question, RetrainConfig, TrainConfig
from lib.decision import Check, Verdict
from lib.errors import ModelError, PropensityError
from lib.measure import Measured, Quality
from lib.models import Pair
from lib.records import check_rows, drift_rows, on_question, rows_or_none, run_rows
from lib.registered import Registry
from lib.split import KEYS, WEIGHT, Rows, Split, split
from lib.tables import Tables
from lib.timeline import Cutoffs, Window


def labelled(config: TrainConfig, tables: Tables, cutoffs: Cutoffs) -> tuple[Rows, Split]:
    """Read the labelled rows of all matured cutoffs, and part them into training and holdout.

    Both are samples where they hold more than `max_training_rows`: counted first, so that no more reach this process.
    What is no longer computed at as_of, where a new pair is to score, is not learnt from: it would count as 0 there.
    """
    counts = tables.query(sampling.counts(config.question, cutoffs.matured, cutoffs.as_of)).set_index("cutoff")
    acted = {day: int(n) for day, n in zip(counts.index, counts["acted"], strict=True)}
    parts = split(cutoffs, acted, config.question.horizon_days, config.min_positives)
    sql = sampling.labelled(config, cutoffs, parts.holdout, counts)
    frame = tables.query(sql)
    frame = frame.drop(columns=_lost(config, tables, [str(name) for name in frame if name not in (*KEYS, WEIGHT)]))
    return Rows(frame.sort_values(["cutoff", "user_id"], ascending=[False, True], ignore_index=True)), parts


@dataclass(frozen=True)
class Judged:
    """What was found about the pair in use."""

    pair: Pair | None
    quality: Quality | None
    verdict: Verdict
    drift: pd.DataFrame  # one row per feature; empty where nothing was compared


def judged(
    config: TrainConfig, tables: Tables, registry: Registry, version: str | None, rows: Rows, parts: Split, as_of: date
) -> Judged:
    """Judge the champion; one that cannot be loaded or measured, like an absent one, cannot be told to hold."""
    pair: Pair | None = None
    nothing = pd.DataFrame(columns=list(drift.SHOWN))
    if version is None:
        return Judged(None, None, decision.judge(None, config.thresholds), nothing)
    try:
        pair = usable(config, tables, registry, version)
        through, horizon = date.fromisoformat(pair.trained_through), config.question.horizon_days
        fresh = timeline.unlearnt(parts.holdout, through, horizon)
        if not fresh:
            return Judged(pair, None, _recorded(tables, config.question, pair, parts.holdout[0], as_of), nothing)
        training = rows.at(parts.training)
        rule = RecencyRule.fit(config.question, training.X, training.y, training.weight)
        quality = learning.judged_quality(pair, rows.at(fresh), rule, config.seed)
        inputs, found = _inputs(config.question, tables, pair, as_of)
        record = ledger.live(config, tables, version, through, as_of)
        age = float(timeline.days_since_learnt(through, horizon, as_of))
        quality = replace(quality, metrics={**quality.metrics, **inputs, **record, "age_days": Measured(age, age, age)})
        verdict = decision.judge(quality, config.thresholds)
        return Judged(pair, quality, _grown(verdict, pair, parts.holdout[0], horizon), found)
    except Exception as error:  # noqa: BLE001 - whatever keeps a champion from being judged must not let it pass
        named = f"Judging broke off: {type(error).__name__}: {error}"
        reason = str(error) if isinstance(error, PropensityError) else named
        return Judged(pair, None, Verdict("cannot_tell", (reason,)), nothing)


def _inputs(question: Question, tables: Tables, pair: Pair, as_of: date) -> tuple[dict[str, Measured], pd.DataFrame]:
    """Compare today's cohort, of which no label is known yet, with the one that the pair learnt from."""
    cohort = tables.query(labels.cohort(question, [as_of]))
    then = pair.notes.get("reference")
    if then is None or cohort.empty:
        return {}, pd.DataFrame(columns=list(drift.SHOWN))
    X = Rows(cohort.assign(label=0)).X
    found = drift.by_feature(then, X)
    recent = tables.query(labels.recent_events(Window.lookback(as_of, drift.RECENT_DAYS)))
    return {
        "drifted_share": drift.drifted_share(found),
        "unseen_share": drift.unseen_share(then, X, recent),
    }, found


def record(
    config: TrainConfig,
    tables: Tables,
    registry: Registry,
    version: str | None,
    parts: Split,
    as_of: date,
    found: Judged,
) -> pd.DataFrame:
    """Write a verdict down: its rows of `drift` and of `model_checks`, on which later stages act, its run in MLflow.

    Returns the rows. Where MLflow fails the run does too: a verdict that nobody can look up passes nothing.
    """
    rows = check_rows(config, as_of, parts, found.pair, found.quality, found.verdict)
    if not found.drift.empty:
        tables.replace("drift", drift_rows(config, as_of, version or "", found.drift), run_rows(config))
    tables.replace("model_checks", rows, run_rows(config))
    check = Check(as_of, parts.holdout[0], config.run_id, version or "", found.verdict, found.quality, found.drift)
    registry.record_check(config.question, check)
    return rows


def usable(config: ModelConfig, tables: Tables, registry: Registry, version: str) -> Pair:
    """Load a pair, and see that all it reads is still computed.

    Raises
    ------
    ModelError
        If the pair is not whole, or reads columns that are no longer there; the message names them.
    """
    pair = registry.load(config.question, version)
    lost = _lost(config, tables, pair.columns)
    if lost:
        more = f" and {len(lost) - 1} more columns" if len(lost) > 1 else ""
        raise ModelError(
            f"Version {version} reads {lost[0]}{more}, no longer computed: their event types share the columns of "
            f"{features.OTHER} now, or the features are gone. Raise max_event_types, or run retrain."
        )
    return pair


def _lost(config: ModelConfig, tables: Tables, names: Sequence[str]) -> list[str]:
    """The columns among these that the last extraction did not compute although what they count goes on."""
    last = extraction.last_extraction(tables, config.question, config.as_of)
    return features.lost(names, last.pooled, pool=last.pool)


@dataclass(frozen=True)
class Champion:
    """What a challenger is compared with, and what this run's check said of it."""

    pair: Pair | None
    retrain_needed: bool = False
    holds: bool = True  # it may go on being used where the challenger may not


def champion_to_beat(
    config: RetrainConfig,
    tables: Tables,
    registry: Registry,
    as_of: date,
    X: pd.DataFrame,
    say: Callable[[str], None],
) -> Champion:
    """The champion, as this run has judged it; without a check, as by hand, it holds.

    One that cannot be loaded, or cannot score `X`, the features of the holdout, is none.
    """
    version = registry.champion(config.question)
    if version is None:
        return Champion(None)
    try:
        pair = registry.load(config.question, version)
        pair.score(X)
    except PropensityError as error:
        say(f"the champion cannot take part: {error}")
        return Champion(None)
    where = f"{run_rows(config)} AND as_of = DATE '{as_of}' AND prediction_version = '{version}'"
    checks = rows_or_none(tables, "model_checks", where)
    if checks is None:
        return Champion(pair)
    return Champion(pair, bool(checks.iloc[0]["retrain_needed"]), bool(checks.iloc[0]["answer"] == "good"))


def _grown(verdict: Verdict, pair: Pair, holdout: date, horizon_days: int) -> Verdict:
    """Ask for a new pair where the one that holds was made for a change of which two fifths more is known by now."""
    if verdict.answer != "good" or not learning.outgrown(pair, holdout, horizon_days):
        return verdict
    reason = (
        f"Version {pair.prediction_version} was made for the change of behaviour of {pair.notes[learning.ADAPTS]} and "
        f"has learnt through {pair.trained_through}: by now two fifths more is known of the new behaviour."
    )
    return Verdict("good", (*verdict.reasons, reason), outgrown=True)


def _recorded(tables: Tables, question: Question, pair: Pair, holdout: date, as_of: date) -> Verdict:
    """The verdict that stands for a pair which has learnt from the holdout and cannot be judged on it anew."""
    checks = rows_or_none(
        tables, "model_checks",
        f"{on_question(question)} AND prediction_version = '{pair.prediction_version}' AND as_of <= DATE '{as_of}' "
        "ORDER BY as_of DESC, run_id DESC",
    )  # fmt: skip
    told = f"Version {pair.prediction_version} has learnt through {pair.trained_through}: nothing newer has matured"
    verdict = Verdict("good", (f"{told}, and it was promoted on the evidence before.",))
    if checks is not None:
        answer = checks.iloc[0]["answer"]
        verdict = Verdict(answer, (f"{told}; its recorded verdict, {answer.replace('_', ' ')}, stands.",))
    return _grown(verdict, pair, holdout, question.horizon_days)
