"""The registered pair in use, judged on what really happened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import pandas as pd

from lib import timeline
from lib.attributes.columns import is_attribute
from lib.config.bases import ModelConfig
from lib.config.question import Question
from lib.config.stages import RetrainConfig, TrainConfig
from lib.errors import ModelError, PropensityError
from lib.evaluation import drift
from lib.evaluation import verdict as verdict_rules
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality
from lib.evaluation.naive_rule import NaiveRule
from lib.evaluation.segments import Segment, format_off, measure_segments
from lib.evaluation.sharpness import measure_sharpness
from lib.evaluation.verdict import Check, Verdict
from lib.features import extraction, vocabulary
from lib.labels import sampling
from lib.labels.rows import KEYS, WEIGHT, Rows
from lib.labels.split import Split, split_cutoffs
from lib.models.checks import check_definition
from lib.models.pair import Pair
from lib.registry.protocol import Registry
from lib.stages import ledger
from lib.stages.context import Context
from lib.stages.inputs import compare_inputs
from lib.stages.records import drift_rows, read_rows, run_sql, verdict_rows
from lib.stages.segments import read_segments
from lib.stages.standing import ask_when_outgrown, recorded_verdict
from lib.tables.protocol import Tables
from lib.timeline import Cutoffs
from lib.training import comparison


def read_labelled(config: TrainConfig, tables: Tables, cutoffs: Cutoffs) -> tuple[Rows, Split]:
    """Read the labelled rows of all matured cutoffs, and part them into training and holdout."""
    read, parts = part_labelled(config, tables, cutoffs)
    return read(), parts


def part_labelled(config: TrainConfig, tables: Tables, cutoffs: Cutoffs) -> tuple[Callable[[], Rows], Split]:
    """Part all matured cutoffs into training and holdout, and say how to read their labelled rows.

    Both are samples where they hold more than `max_training_rows`: counted first, so that no more reach this process.
    What is no longer computed at as_of, where a new pair is to score, is not learnt from: it would count as 0 there.
    """
    counts = tables.query(sampling.cohort_sizes_sql(config.question, cutoffs.matured, cutoffs.as_of)).set_index(
        "cutoff"
    )
    parts = part_cutoffs(config, cutoffs, counts)
    attributes = extraction.read_extraction(tables, config.question, config.as_of).attributes
    sql = sampling.labelled_sample_sql(config, cutoffs, parts.holdout, counts, attributes)
    return partial(_read_rows, config, tables, sql), parts


def part_cutoffs(config: TrainConfig, cutoffs: Cutoffs, counts: pd.DataFrame) -> Split:
    """Part matured cutoffs by how many users each one has, and how many of them acted: columns of the same names."""
    least = counts["acted"].where(2 * counts["acted"] <= counts["users"], counts["users"] - counts["acted"])
    rarer = {day: int(n) for day, n in zip(counts.index, least, strict=True)}
    return split_cutoffs(cutoffs, rarer, config.question.reach_days, config.min_positives)


def _read_rows(config: TrainConfig, tables: Tables, sql: str) -> Rows:
    return shape_rows(config, tables, tables.query(sql))


def shape_rows(config: TrainConfig, tables: Tables, frame: pd.DataFrame) -> Rows:
    """Labelled rows in the order in which models learn from them, without columns that are no longer computed."""
    lost = _lost_columns(config, tables, [str(name) for name in frame if name not in (*KEYS, WEIGHT)])
    return Rows(frame.drop(columns=lost).sort_values(["cutoff", "user_id"], ascending=[False, True], ignore_index=True))


@dataclass(frozen=True)
class ChampionCheck:
    """What was found about the pair in use."""

    pair: Pair | None
    quality: Quality | None
    verdict: Verdict
    drift: pd.DataFrame  # one row per feature; empty where nothing was compared
    segments: Sequence[Segment] = ()

    def telling(self, more: Sequence[str]) -> "ChampionCheck":
        """The same, where the verdict says more besides."""
        return replace(self, verdict=replace(self.verdict, reasons=(*self.verdict.reasons, *more)))


def judge_champion(
    context: Context[TrainConfig], version: str | None, read: Callable[[], Rows], parts: Split, as_of: date
) -> ChampionCheck:
    """Judge the champion; one that cannot be loaded or measured, like an absent one, cannot be told to hold.

    `read` gives the labelled rows: they are read where there is something to measure, and not where that is known.
    """
    config, tables = context.config, context.tables
    pair: Pair | None = None
    nothing = pd.DataFrame(columns=list(drift.SHOWN))
    if version is None:
        return ChampionCheck(None, None, verdict_rules.judge_metrics(None, config.thresholds), nothing)
    try:
        pair = load_champion(context, version)
        through, horizon = date.fromisoformat(pair.trained_through), config.question.reach_days
        fresh = timeline.unlearnt_cutoffs(parts.holdout, through, horizon)
        if not fresh:
            stands = recorded_verdict(tables, config.question, pair, parts.holdout[0], as_of, config.run_id)
            return ChampionCheck(pair, None, stands, nothing)
        context.say(f"judging it on {len(fresh)} cutoffs, the newest {fresh[0]}")
        rows = read()
        training = rows.at(parts.training)
        rule = NaiveRule.fit(config.question, training.X, training.y, training.weight)
        judged = rows.at(fresh)
        quality = _measure(pair, judged, rule, config.seed)
        inputs, drifts = compare_inputs(config.question, tables, pair, as_of)
        track_record = ledger.live_metrics(config, tables, pair, as_of)
        age = float(timeline.days_since_learnt(through, horizon, as_of))
        quality = replace(
            quality, metrics={**quality.metrics, **inputs, **track_record, "age_days": Measured(age, age, age)}
        )
        verdict = verdict_rules.judge_metrics(quality, config.thresholds)
        segments = measure_segments(
            scored_rows(pair, judged), read_segments(config.segments, tables, judged.frame), config.seed
        )
        off = format_off(segments, config.thresholds.max_calibration_error, config.question.words)
        verdict = ask_when_outgrown(verdict, pair, parts.holdout[0], horizon)
        return ChampionCheck(pair, quality, verdict, drifts, segments).telling(off)
    except Exception as error:  # noqa: BLE001 - whatever keeps a champion from being judged must not let it pass
        named = f"Judging broke off: {type(error).__name__}: {error}"
        reason = str(error) if isinstance(error, PropensityError) else named
        return ChampionCheck(pair, None, Verdict("cannot_tell", (reason,)), nothing)


def scored_rows(pair: Pair, rows: Rows) -> pd.DataFrame:
    """What a pair says of labelled rows: user_id, cutoff, label, propensity, and weight where they are a sample."""
    kept = [name for name in (*KEYS, WEIGHT) if name in rows.frame]
    return rows.frame[kept].assign(propensity=pair.score(rows.X))


def _measure(pair: Pair, judged: Rows, rule: NaiveRule, seed: int) -> Quality:
    """Measure a champion, and besides how sure it should have been: its level and its sharpness may move apart."""
    quality = comparison.measure_pair(pair, judged, rule, seed)
    if not len(judged.y):
        return quality
    slope = measure_sharpness(judged.y, pair.score(judged.X), judged.users, seed, judged.weight)
    return replace(quality, metrics={**quality.metrics, **({"sharpness": slope} if slope else {})})


def record_verdict(
    context: Context[TrainConfig], version: str | None, parts: Split, as_of: date, judged: ChampionCheck
) -> pd.DataFrame:
    """Write a verdict down: its rows of `drift` and of `model_checks`, on which later stages act, its run in MLflow.

    Returns the rows. Where MLflow fails the run does too: a verdict that nobody can look up passes nothing.
    """
    config, tables = context.config, context.tables
    rows = verdict_rows(config, as_of, parts, judged.pair, judged.quality, judged.verdict, judged.segments)
    if not judged.drift.empty:
        tables.replace("drift", drift_rows(config, as_of, version or "", judged.drift), run_sql(config))
    tables.replace("model_checks", rows, run_sql(config))
    check = Check(as_of, parts.holdout[0], config.run_id, version or "", judged.verdict, judged.quality, judged.drift)
    context.registry.record_check(config.question, check)
    return rows


def load_champion(context: Context[ModelConfig], version: str) -> Pair:
    """Load a pair, and see that all it reads is still computed.

    Raises
    ------
    ModelError
        If the pair is not whole, learnt when features meant something else, or reads columns that are no longer
        there; the message names them.
    """
    pair = load_of_today(context.registry, context.config.question, version)
    lost = _lost_columns(context.config, context.tables, pair.columns)
    if lost:
        more = f" and {len(lost) - 1} more columns" if len(lost) > 1 else ""
        raise ModelError(
            f"Version {version} reads {lost[0]}{more}, no longer computed: their event types share the columns of "
            f"{vocabulary.OTHER} now, or the features or attributes are gone. Raise max_event_types, or run retrain."
        )
    return pair


def load_of_today(registry: Registry, question: Question, version: str) -> Pair:
    """Load a pair that learnt from features as they are computed now; another one is refused by name."""
    pair = registry.load(question, version)
    check_definition(pair, f"Version {version}")
    return pair


def _lost_columns(config: ModelConfig, tables: Tables, names: Sequence[str]) -> list[str]:
    """The columns among these that the last extraction did not compute although what they count goes on."""
    last = extraction.read_extraction(tables, config.question, config.as_of)
    there = {column for one in last.attributes for column in one.columns}
    gone = [name for name in names if is_attribute(name) and name not in there]
    features = [name for name in names if not is_attribute(name)]
    return [*vocabulary.lost_columns(features, last.pooled, pool=last.pool), *gone]


@dataclass(frozen=True)
class Champion:
    """What a challenger is compared with, and what this run's check said of it."""

    pair: Pair | None
    retrain_needed: bool = False
    holds: bool = True  # it may go on being used where the challenger may not


def load_champion_to_beat(context: Context[RetrainConfig], as_of: date, X: pd.DataFrame) -> Champion:
    """The champion, as this run has judged it; without a check, as by hand, it holds.

    One that cannot be loaded, or cannot score `X`, the features of the holdout, is none.
    """
    config, registry = context.config, context.registry
    version = registry.champion(config.question)
    if version is None:
        return Champion(None)
    try:
        pair = load_of_today(registry, config.question, version)
        pair.score(X)
    except PropensityError as error:
        context.say(f"the champion cannot take part: {error}")
        return Champion(None)
    where = f"{run_sql(config)} AND as_of = DATE '{as_of}' AND prediction_version = '{version}'"
    checks = read_rows(context.tables, "model_checks", where)
    if checks is None:
        return Champion(pair)
    return Champion(pair, bool(checks.iloc[0]["retrain_needed"]), bool(checks.iloc[0]["answer"] == "good"))
