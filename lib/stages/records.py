"""What runs write down and later ones read: verdicts, decisions, the rows of a run and of a list."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from lib.config.bases import StageConfig
from lib.config.question import Question
from lib.config.stages import TrainConfig
from lib.config.thresholds import Thresholds
from lib.evaluation import segments as segment_rules
from lib.evaluation import verdict as verdict_rules
from lib.evaluation.metrics import Quality
from lib.evaluation.segments import Segment
from lib.evaluation.verdict import Verdict
from lib.labels.split import Split
from lib.models.pair import Pair
from lib.tables.contracts import DECISIONS, DRIFT, MODEL_CHECKS
from lib.tables.protocol import Tables


def write_decision(
    config: StageConfig,
    tables: Tables,
    as_of: date,
    kind: str,
    pair: Pair | None,
    challenger: str,
    why: str,
    *,
    low_evidence: bool,
) -> None:
    """Write down what the run decided, before anything acts on it; `pair` is the one in use from now on, if any."""
    others = read_decisions(tables, config.question)
    others = others[others["run_id"] != config.run_id]  # a repaired run decides anew
    row = {
        "run_id": config.run_id, "question": config.question.slug, "as_of": as_of, "kind": kind,
        "preprocessing_version": pair.preprocessing_version if pair else None,
        "prediction_version": pair.prediction_version if pair else None,
        "challenger_version": challenger or None, "why": why, "low_evidence": low_evidence,
        "number": 1 + (int(others["number"].max()) if len(others) else 0), "repair_count": config.repair_count,
    }  # fmt: skip
    tables.replace("decisions", pd.DataFrame([row], columns=list(DECISIONS)), run_sql(config))


def read_decisions(tables: Tables, question: Question) -> pd.DataFrame:
    """All decisions on a question, in the order in which they were made."""
    rows = read_rows(tables, "decisions", f"{question_sql(question)} ORDER BY number")
    return pd.DataFrame(columns=list(DECISIONS)) if rows is None else rows


def read_decision(config: StageConfig, tables: Tables) -> "pd.Series | None":
    """This run's decision; None outside a job."""
    rows = read_rows(tables, "decisions", run_sql(config)) if config.run_id else None
    return None if rows is None else rows.iloc[0]


def read_decided_version(config: StageConfig, tables: Tables) -> str | None:
    """The prediction version that this run decided on; None outside a job, or where it decided on none."""
    decided = read_decision(config, tables)
    return None if decided is None or decided["prediction_version"] is None else str(decided["prediction_version"])


def read_verdicts(tables: Tables, question: Question, version: str) -> pd.DataFrame | None:
    """All verdicts on a pair, the newest first: those of one day by what their runs decided then; None without any."""
    checks = read_rows(tables, "model_checks", f"{question_sql(question)} AND prediction_version = '{version}'")
    if checks is None:
        return None
    numbers = read_decisions(tables, question).groupby("run_id")["number"].max()
    place = checks["run_id"].map(numbers).astype(float).fillna(0)  # a run that ended before it decided comes first
    ordered = checks.assign(place=place).sort_values(["as_of", "place", "run_id"], ascending=False, kind="stable")
    return ordered.drop(columns="place")


def has_decision(tables: Tables, question: Question, version: str) -> bool:
    """Whether a run of this schema made or chose a pair."""
    where = f"{question_sql(question)} AND (prediction_version = '{version}' OR challenger_version = '{version}')"
    return read_rows(tables, "decisions", where) is not None


def is_low_evidence(tables: Tables, question: Question, version: str) -> bool:
    """Whether a pair came into use on low evidence."""
    # Any decision may tell: the one that promoted the pair is replaced when its run decides anew.
    where = f"{question_sql(question)} AND prediction_version = '{version}' AND low_evidence"
    return read_rows(tables, "decisions", where) is not None


def verdict_rows(
    config: TrainConfig,
    as_of: date,
    parts: Split,
    pair: Pair | None,
    quality: Quality | None,
    verdict: Verdict,
    segments: Sequence[Segment] = (),
) -> pd.DataFrame:
    """One verdict as rows of `model_checks`; those of segments last."""
    metrics = metric_rows(quality, config.thresholds) if quality else pd.DataFrame([{"metric": None}])
    if segments:
        of_segments = segment_rules.metric_rows(segments, config.thresholds.max_calibration_error)
        metrics = pd.concat([metrics, of_segments], ignore_index=True)
    return metrics.assign(
        run_id=config.run_id, question=config.question.slug, as_of=as_of, holdout=parts.holdout[0],
        preprocessing_version=pair.preprocessing_version if pair else None,
        prediction_version=pair.prediction_version if pair else None,
        answer=verdict.answer, retrain_needed=verdict.retrain_needed, reasons="\n".join(verdict.reasons),
    ).reindex(columns=list(MODEL_CHECKS))  # fmt: skip


def drift_rows(config: TrainConfig, as_of: date, version: str, compared: pd.DataFrame) -> pd.DataFrame:
    """How far each feature of a pair has moved, as rows of `drift`."""
    return compared.assign(
        run_id=config.run_id, question=config.question.slug, as_of=as_of, prediction_version=version
    ).reindex(columns=list(DRIFT))


def metric_rows(quality: Quality, thresholds: Thresholds) -> pd.DataFrame:
    """One row per metric, with the threshold that it has, in the metric's own unit."""
    limits = {limit.metric: limit.limit for limit in verdict_rules.metric_limits(thresholds)}
    return pd.DataFrame([
        {"metric": name, "measured": m.value, "low": m.low, "high": m.high, "threshold": limits.get(name)}
        for name, m in quality.metrics.items()
    ])  # fmt: skip


def read_rows(tables: Tables, name: str, where: str, columns: str = "*", grouped: str = "") -> pd.DataFrame | None:
    """Rows of a table; None where there are none, or no such table yet."""
    if not tables.exists(name):
        return None
    rows = tables.query(f"SELECT {columns} FROM {{{name}}} WHERE {where} {grouped}")
    return None if rows.empty else rows


def read_lists(tables: Tables, where: str) -> pd.DataFrame | None:
    """Run_id and cutoff of the lists in use that match; None where there are none."""
    if not tables.exists("audience"):
        return None
    rows = tables.query(f"SELECT run_id, cutoff FROM {{lists}} WHERE {where}")
    return None if rows.empty else rows


def question_sql(question: Question) -> str:
    """SQL condition for the rows of a question."""
    return f"question = '{question.slug}'"


def run_sql(config: StageConfig) -> str:
    """SQL condition for what a run wrote on its question."""
    return f"run_id = '{config.run_id}' AND {question_sql(config.question)}"


def list_sql(question: Question, cutoff: date) -> str:
    """SQL condition for the predictions on a question at a cutoff."""
    return f"{question_sql(question)} AND cutoff = DATE '{cutoff}'"
