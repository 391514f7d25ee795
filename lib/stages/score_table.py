"""Scores that come from anywhere, in a table: held against what happened, beside the champion's, and never used."""

from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pandas as pd

from lib import timeline
from lib.config.stages import TrainConfig
from lib.errors import ContractBroken, PropensityError
from lib.evaluation.measured import format_change
from lib.evaluation.metrics import measure, measure_difference
from lib.evaluation.naive_rule import NaiveRule
from lib.features.source_note import SOURCE, SourceNote
from lib.labels import cohorts
from lib.labels.rows import Rows
from lib.labels.split import Split
from lib.models.pair import Pair
from lib.stages.context import Context
from lib.stages.summary import format_quality
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql


def compare_scores(
    context: Context[TrainConfig], pair: Pair | None, read: Callable[[], Rows], parts: Split
) -> list[str]:
    """Hold the table `score_table` against what happened at the holdout; what came of it, in lines.

    It is measured on the rows that models are judged on, with the same intervals, and beside the pair in use where that
    has not learnt from them. Nothing is written, and whatever is wrong with the table stops no run.
    """
    name = context.config.score_table
    if not name:
        return []
    try:
        scores = _read_scores(context.config, context.tables, parts.holdout)
    except PropensityError as error:
        return [f"Table of scores {name}: not comparable. {error}"]
    context.say(f"holding the table of scores {name} against what happened")
    return _format_comparison(context.config, pair, read(), parts, scores)


def _read_scores(config: TrainConfig, tables: Tables, holdout: tuple[date, ...]) -> pd.Series:
    """The score of each user and cutoff of the holdout's cohorts, as they stood when the label windows began.

    Raises
    ------
    ContractBroken
        If they did not all stand there by then, once each and as probabilities; the message names what was wrong.
    """
    scores = pd.concat([_rows_before(config, tables, cutoff) for cutoff in holdout], ignore_index=True)
    twice = scores[scores.duplicated(["user_id", "cutoff"])]
    if len(twice):
        user, cutoff = twice.iloc[0][["user_id", "cutoff"]]
        raise ContractBroken(f"User {user!r} stands there more than once at {cutoff}. Give each user one score.")
    bad = scores[~scores["score"].between(0, 1)]  # a blank fails this too
    if len(bad):
        user, cutoff, score = bad.iloc[0][["user_id", "cutoff", "score"]]
        raise ContractBroken(f"The score of user {user!r} at {cutoff} is {score}, no probability between 0 and 1.")
    cohort = tables.query(f"SELECT user_id, cutoff FROM ({cohorts.cohort_sql(config.question, holdout)}) c")
    beside = cohort.merge(scores, how="left", on=["user_id", "cutoff"])
    without = beside[beside["score"].isna()]
    if len(without):
        user, cutoff = without.sort_values(["cutoff", "user_id"]).iloc[0][["user_id", "cutoff"]]
        raise ContractBroken(
            f"{len(without)} of {len(cohort)} users of the cohort have no score that was written in time, such as "
            f"{user!r} at {cutoff}. Score the whole cohort: who is left out may be who is hard to tell."
        )
    return beside.set_index(["user_id", "cutoff"])["score"]


def _rows_before(config: TrainConfig, tables: Tables, cutoff: date) -> pd.DataFrame:
    """A cutoff's rows as the table's own history has them from before the label window began."""
    begins = datetime.combine(cutoff, time.min, ZoneInfo(_time_zone(tables)))
    rows = tables.as_written(config.score_table, begins, f"cutoff IN ({days_sql([cutoff])})")
    if rows is None:
        raise ContractBroken(
            f"Its history shows no version from before {begins.isoformat()}, when the label window of {cutoff} began: "
            "scores that were written later may know what happened. Write them before, and keep the table's history, "
            "by delta.logRetentionDuration, until the horizon has ended."
        )
    return rows


def _time_zone(tables: Tables) -> str:
    """The zone whose midnight begins a day."""
    noted = tables.get_property("daily_activity", SOURCE)
    return SourceNote.from_json(noted).time_zone if noted else "UTC"


def _format_comparison(
    config: TrainConfig, pair: Pair | None, rows: Rows, parts: Split, scores: pd.Series
) -> list[str]:
    judged, training = rows.at(parts.holdout), rows.at(parts.training)
    rule = NaiveRule.fit(config.question, training.X, training.y, training.weight)
    theirs = scores.reindex(pd.MultiIndex.from_arrays([judged.users, judged.frame["cutoff"]])).to_numpy(float)
    quality = measure(
        judged.y, theirs, rule.score(judged.X), judged.users, config.seed, past_rate=rule.overall, weight=judged.weight
    )
    lines = format_quality(f"Table of scores {config.score_table}", quality, parts)
    if pair is None:
        return [*lines, "  No pair is there to compare it with."]
    through = date.fromisoformat(pair.trained_through)
    if len(timeline.unlearnt_cutoffs(parts.holdout, through, config.question.reach_days)) < len(parts.holdout):
        return [*lines, f"  The pair in use has learnt through {through}, and is not compared on days that it knows."]
    ours = pair.score(judged.X)
    apart, better = measure_difference(judged.y, theirs, ours, judged.users, config.seed, judged.weight)
    return [
        *lines,
        f"  Its log loss is {format_change(apart)} than that of the models in use on the same rows; the probability "
        f"that it is better is {better:.1%}. It is compared, and never put in use.",
    ]
