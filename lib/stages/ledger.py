"""The outcome ledger: the scores of each cutoff that matures are held against what happened, and written down."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from lib import timeline
from lib.audience import habits, live_record, outcomes
from lib.audience.parts import ALL, metric_row
from lib.audience.ranking import QUESTION, HeldOut
from lib.config.bases import StageConfig
from lib.config.question import Question
from lib.config.stages import TrainConfig
from lib.evaluation.measured import Measured
from lib.labels import labels, sampling
from lib.labels.rows import user_hash
from lib.models.pair import Pair
from lib.stages.contacting import sides_sql
from lib.stages.nearby import Near, bring_near
from lib.stages.records import list_sql, question_sql, read_rows
from lib.stages.segments import read_segments
from lib.stages.slices import bring_lists
from lib.tables.contracts import OUTCOMES
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql

VERSIONS = ["preprocessing_version", "prediction_version"]


def write_outcomes(config: TrainConfig, tables: Tables, as_of: date) -> pd.DataFrame:
    """Write the outcomes of all cutoffs that were scored and have matured by as_of; each is written when it matures.

    It is written anew while late events may still change it, and where the cutoff was scored anew by another pair.

    Returns
    -------
    DataFrame
        The rows written, as `outcomes` has them; empty where none were due.
    """
    question = config.question
    scored = _read_scored(config, tables, as_of)
    due = _due_cutoffs(config, tables, scored, as_of)
    earlier = {cutoff: _find_before(question, scored, cutoff) for cutoff in due}
    near = bring_lists(tables, question, {*due, *(one for one in earlier.values() if one)}, as_of)
    rows = []
    for cutoff in due:
        held_out, last = read_held_out(question, tables, cutoff), earlier[cutoff]
        others = [scored_sql(question, [last], as_of)] if held_out.share and last else []
        scores, *before = bring_near(near, with_sides_sql(question, near, cutoff, as_of), *others)
        outcome = _hold_against(scores, before, held_out, config)
        of_segments = _hold_segments(config, tables, scores)
        outcome = (pd.concat([outcome, of_segments], ignore_index=True) if len(of_segments) else outcome).assign(
            question=question.slug, action=question.action, horizon_days=question.horizon_days, cutoff=cutoff,
            as_of=as_of, **scores.tables.query(f"SELECT {', '.join(VERSIONS)} FROM ({scores.sql}) s LIMIT 1").iloc[0],
        )  # fmt: skip
        if config.evaluations == "yes":  # before outcomes, by which the cutoff counts as written
            beside = scores.tables.rows(_evaluations_sql(question, scores.sql, as_of))
            tables.replace("evaluations", beside, list_sql(question, cutoff))
        rows.append(outcome)
    if not rows:
        return pd.DataFrame(columns=list(OUTCOMES))
    written = pd.concat(rows, ignore_index=True)
    tables.replace("outcomes", written, f"{question_sql(question)} AND cutoff IN ({days_sql(due)})")
    return written


def _hold_against(scores: Near, before: Sequence[Near], held_out: HeldOut, config: TrainConfig) -> pd.DataFrame:
    """The rows of the ledger of one cutoff's scores: what is measured of a sample reaches this process, and counts.

    Beside the list `before`, where there is one, it is seen how far what users do beyond their propensities lasts.

    Users held out of all questions are compared as long as nobody contacted them; one question's may be contacted on
    another, and are compared all the same.
    """
    scores.tables.define("is_held_out", held_out.flags, "boolean")
    seed = config.seed  # alone: workers get the function with all that it names
    scores.tables.define("user_place", lambda users: user_hash(np.array(users, object), seed), "double")
    spread = scores.read_spread()
    counts = scores.tables.query(outcomes.counts_sql(scores.sql, spread, of_home=held_out.of_home))
    measured = scores.tables.query(outcomes.sample_sql(scores.sql, spread.size))
    rows = outcomes.outcome_rows(counts, measured, config.seed, without=config.question.without)
    for one in before:
        sums = scores.tables.query(habits.habit_sql(scores.sql, one.sql))
        habit = habits.measure_habit(sums, spread.size, one.read_spread().size)
        rows = pd.concat([rows, pd.DataFrame([metric_row(ALL, counts, habits.HABIT, habit)])], ignore_index=True)
    return rows


def _find_before(question: Question, scored: pd.DataFrame, cutoff: date) -> date | None:
    """The newest scored cutoff whose days had ended by another one; None without one."""
    last = timeline.one_horizon_before(cutoff, question.reach_days)
    return max((one for one in scored["cutoff"] if one <= last), default=None)


def _hold_segments(config: TrainConfig, tables: Tables, scores: Near) -> pd.DataFrame:
    """The same of each segment, where some were asked for: then every row reaches this process."""
    if not config.segments:
        return pd.DataFrame()
    rows = scores.tables.query(f"SELECT user_id, cutoff, propensity, label FROM ({scores.sql}) s ORDER BY user_id")
    return outcomes.segment_rows(rows, read_segments(config.segments, tables, rows), config.seed)


def live_metrics(config: TrainConfig, tables: Tables, pair: Pair, as_of: date) -> dict[str, Measured]:
    """The track record of the pair in use: its lists of late whose outcome is known; {} before the first.

    A list of days that the pair has learnt tells nothing: an old day was run again.
    Of more than `max_training_rows` rows a sample is read, as of the holdout.
    """
    if not tables.exists("predictions"):
        return {}
    version, through = pair.prediction_version, date.fromisoformat(pair.trained_through)
    recent = timeline.track_record_window(as_of, config.question.reach_days, config.label_complete_after_days)
    where = (
        f"prediction_version = '{version}' AND cutoff >= DATE '{recent.start}' AND cutoff < DATE '{recent.end}' AND "
        f"{question_sql(config.question)}"
    )
    sizes = tables.query(f"SELECT cutoff, COUNT(*) AS users FROM {{predictions}} WHERE {where} GROUP BY cutoff")
    fresh = timeline.unlearnt_cutoffs(sorted(sizes["cutoff"]), through, config.question.reach_days)
    if not fresh:
        return {}
    sql = scored_sql(config.question, fresh, as_of, f"prediction_version = '{version}'")
    most, users = config.max_training_rows, int(sizes[sizes["cutoff"].isin(fresh)]["users"].sum())
    if most and users > most:
        sql = sampling.sample_sql(sql, (most / users,) * 2, sampling.OF_A_USER, config.seed)
    rows = tables.query(sql).sort_values(["cutoff", "user_id"], ignore_index=True)
    return live_record.live_metrics(rows, config.seed, of_others=pair.notes.others_rarer)


def read_outcomes(config: StageConfig, tables: Tables, as_of: date) -> pd.DataFrame:
    """The ledger on a question as it was known at as_of, oldest cutoff first."""
    newest = timeline.newest_matured(as_of, config.question.reach_days, config.label_complete_after_days)
    rows = read_rows(tables, "outcomes", f"{question_sql(config.question)} AND cutoff <= DATE '{newest}'")
    if rows is None:
        return pd.DataFrame(columns=list(OUTCOMES))
    return rows.sort_values(["cutoff", "part", "metric"], ignore_index=True)


def _read_scored(config: TrainConfig, tables: Tables, as_of: date) -> pd.DataFrame:
    """DataFrame[cutoff, prediction_version] of what was scored at cutoffs that have matured by as_of."""
    newest = timeline.newest_matured(as_of, config.question.reach_days, config.label_complete_after_days)
    where = f"{question_sql(config.question)} AND cutoff <= DATE '{newest}'"
    scored = read_rows(tables, "predictions", where, "DISTINCT cutoff, prediction_version")
    return pd.DataFrame(columns=["cutoff", "prediction_version"]) if scored is None else scored


def _due_cutoffs(config: TrainConfig, tables: Tables, scored: pd.DataFrame, as_of: date) -> list[date]:
    written = pd.DataFrame(columns=["cutoff", "prediction_version", "as_of"])
    if len(scored) and tables.exists("outcomes"):
        written = tables.query(
            f"SELECT DISTINCT cutoff, prediction_version, as_of FROM {{outcomes}} WHERE {question_sql(config.question)}"
        )
    return outcomes.due_cutoffs(scored, written, config.question.reach_days, as_of)


def scored_sql(question: Question, cutoffs: Sequence[date], as_of: date, where: str = "1 = 1") -> str:
    """SQL for the scores at matured cutoffs with what happened: user_id, cutoff, propensity, both versions, label."""
    rows = (
        f"SELECT user_id, cutoff, propensity, {', '.join(VERSIONS)} FROM {{predictions}} "
        f"WHERE {question_sql(question)} AND cutoff IN ({days_sql(cutoffs)}) AND {where}"
    )
    return labels.labelled_sql(rows, question, cutoffs, as_of)


def with_sides_sql(question: Question, tables: Tables, cutoff: date, as_of: date) -> str:
    """SQL for the scores of a cutoff with what happened, and what `lib.audience.outcomes.counts_sql` asks for."""
    scored = scored_sql(question, [cutoff], as_of)
    names, joins = ["1 = 0 AS suppressed", "'' AS file, 1 = 0 AS contacted, 1 = 0 AS reached"], ""
    if tables.exists("suppressions"):
        left_out = f"SELECT DISTINCT user_id FROM {{suppressions}} WHERE {list_sql(question, cutoff)}"
        names[0] = "x.user_id IS NOT NULL AS suppressed"
        joins += f" LEFT JOIN ({left_out}) x ON s.user_id = x.user_id"
    if tables.exists("contacts"):
        names[1] = "COALESCE(c.file, '') AS file, COALESCE(c.contacted, FALSE) AS contacted, "
        names[1] += "COALESCE(c.reached, FALSE) AS reached"
        joins += f" LEFT JOIN ({sides_sql(question, cutoff)}) c ON s.user_id = c.user_id"
    return f"SELECT s.*, {', '.join(names)} FROM ({scored}) s{joins}"


def _evaluations_sql(question: Question, scored: str, as_of: date) -> str:
    return (
        f"SELECT '{question.slug}' AS question, user_id, cutoff, propensity, label, prediction_version, "
        f"DATE '{as_of}' AS as_of FROM ({scored}) s"
    )


def read_held_out(question: Question, tables: Tables, cutoff: date) -> HeldOut:
    """Who was held out from the list of a cutoff, by its own share and seed; nobody where none was published."""
    where = f"{list_sql(question, cutoff)} AND kind = 'published' ORDER BY number DESC"
    rows = read_rows(tables, "publications", where)
    if rows is None:
        return HeldOut(question.slug, 0.0, 0)
    share, seed, held_for = rows[["held_out_share", "seed", "hold_out_for"]].iloc[0]
    return HeldOut.of(question.slug, held_for or QUESTION, float(share), int(seed))
