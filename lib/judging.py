"""The registered pair in use, judged on what really happened."""

from collections.abc import Callable
from datetime import date

from lib import decision, learning, sampling, timeline
from lib.baseline import RecencyRule
from lib.config import Question, RetrainConfig, TrainConfig
from lib.decision import Verdict
from lib.errors import ModelError
from lib.measure import Quality
from lib.models import Pair
from lib.records import rows_or_none, run_rows
from lib.registry import Registry
from lib.split import Rows, Split, split
from lib.tables import Tables
from lib.timeline import Cutoffs


def labelled(config: TrainConfig, tables: Tables, cutoffs: Cutoffs) -> tuple[Rows, Split]:
    """Read the labelled rows of all matured cutoffs, and part them into training and holdout.

    Both are samples where they hold more than `max_training_rows`: counted first, so that no more reach this process.
    """
    counts = tables.query(sampling.counts(config.question, cutoffs.matured, cutoffs.as_of)).set_index("cutoff")
    acted = {day: int(n) for day, n in zip(counts.index, counts["acted"], strict=True)}
    parts = split(cutoffs, acted, config.question.horizon_days, config.min_positives)
    sql = sampling.labelled(config, cutoffs, parts.holdout, counts)
    frame = tables.query(sql)
    return Rows(frame.sort_values(["cutoff", "user_id"], ascending=[False, True], ignore_index=True)), parts


def judged(
    config: TrainConfig, tables: Tables, registry: Registry, version: str | None, rows: Rows, parts: Split
) -> tuple[Pair | None, Quality | None, Verdict]:
    """Judge the champion; one that cannot be loaded, like an absent one, cannot be told to hold."""
    if version is None:
        return None, None, decision.judge(None)
    try:
        pair = registry.load(config.question, version)
    except ModelError as error:
        return None, None, Verdict("cannot_tell", (str(error),))
    fresh = timeline.unlearnt(parts.holdout, date.fromisoformat(pair.trained_through), config.question.horizon_days)
    if not fresh:
        return pair, None, _recorded(tables, config.question, pair)
    holdout = rows.at(fresh)
    training = rows.at(parts.training)
    rule = RecencyRule.fit(config.question, training.X, training.y, training.weight)
    quality = learning.judged_quality(pair, holdout, rule, config.seed, pair.metrics.get("auc"))
    return pair, quality, decision.judge(quality)


def champion_to_beat(
    config: RetrainConfig, tables: Tables, registry: Registry, as_of: date, say: Callable[[str], None]
) -> tuple[Pair | None, bool]:
    """The champion that a challenger is compared with, and whether this run's check found that it does not hold."""
    version = registry.champion(config.question)
    if version is None:
        return None, False
    try:
        pair = registry.load(config.question, version)
    except ModelError as error:
        say(f"the champion cannot take part: {error}")
        return None, False
    where = f"{run_rows(config)} AND as_of = DATE '{as_of}' AND prediction_version = '{version}'"
    checks = rows_or_none(tables, "model_checks", where)
    return pair, checks is not None and checks.iloc[0]["answer"] != "good"


def _recorded(tables: Tables, question: Question, pair: Pair) -> Verdict:
    """The verdict that stands for a pair which has learnt from the holdout and cannot be judged on it anew."""
    checks = rows_or_none(
        tables, "model_checks",
        f"question = '{question.slug}' AND prediction_version = '{pair.prediction_version}' "
        "ORDER BY as_of DESC, run_id DESC",
    )  # fmt: skip
    told = f"Version {pair.prediction_version} has learnt through {pair.trained_through}: nothing newer has matured"
    if checks is None:
        return Verdict("good", (f"{told}, and it was promoted on the evidence before.",))
    answer = checks.iloc[0]["answer"]
    return Verdict(answer, (f"{told}; its recorded verdict, {answer.replace('_', ' ')}, stands.",))
