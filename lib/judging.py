"""The registered pair in use, judged on what really happened."""

from collections.abc import Callable, Sequence
from datetime import date

from lib import decision, extraction, features, labels, learning, timeline
from lib.baseline import RecencyRule
from lib.config import ModelConfig, Question, RetrainConfig, TrainConfig
from lib.decision import Verdict
from lib.errors import ModelError
from lib.measure import Quality
from lib.models import Pair
from lib.records import rows_or_none, run_rows
from lib.registered import Registry
from lib.split import KEYS, Rows, Split, split
from lib.tables import Tables
from lib.timeline import Cutoffs


def labelled(config: TrainConfig, tables: Tables, cutoffs: Cutoffs) -> tuple[Rows, Split]:
    """Read the labelled rows of all matured cutoffs, and part them into training and holdout.

    What is no longer computed at as_of, where a new pair is to score, is not learnt from: it would count as 0 there.
    """
    sql = labels.labelled_cohort(config.question, cutoffs.matured, cutoffs.as_of)
    frame = tables.query(sql)
    frame = frame.drop(columns=_lost(config, tables, [str(name) for name in frame if name not in KEYS]))
    rows = Rows(frame.sort_values(["cutoff", "user_id"], ascending=[False, True], ignore_index=True))
    acted = {day: rows.at([day]).positives for day in cutoffs.matured}
    parts = split(cutoffs, acted, config.question.horizon_days, config.min_positives)
    return rows, parts


def judged(
    config: TrainConfig, tables: Tables, registry: Registry, version: str | None, rows: Rows, parts: Split
) -> tuple[Pair | None, Quality | None, Verdict]:
    """Judge the champion; one that cannot be loaded, like an absent one, cannot be told to hold."""
    if version is None:
        return None, None, decision.judge(None)
    try:
        pair = usable(config, tables, registry, version)
    except ModelError as error:
        return None, None, Verdict("cannot_tell", (str(error),))
    fresh = timeline.unlearnt(parts.holdout, date.fromisoformat(pair.trained_through), config.question.horizon_days)
    if not fresh:
        return pair, None, _recorded(tables, config.question, pair)
    holdout = rows.at(fresh)
    training = rows.at(parts.training)
    rule = RecencyRule.fit(config.question, training.X, training.y)
    quality = learning.judged_quality(pair, holdout, rule, config.seed, pair.metrics.get("auc"))
    return pair, quality, decision.judge(quality)


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
    return features.lost(names, extraction.last_extraction(tables, config.question, config.as_of).pooled)


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
