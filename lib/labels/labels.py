"""Who performed the action in the horizon of a cutoff: from the same table as the features, for any question."""

from collections.abc import Sequence
from datetime import date

from lib.attributes.columns import Attribute
from lib.attributes.joining import with_attributes_sql
from lib.config.question import Question
from lib.tables.sql import days_sql, text_literal
from lib.timeline import NEVER_DAYS, Window


def positives_sql(question: Question, cutoffs: Sequence[date], as_of: date) -> str:
    """SQL for the users who performed the action: one row per user and cutoff.

    An event counts on days `[cutoff, cutoff + horizon)`: at midnight of the cutoff it does, at midnight of
    the horizon's end it does not. It must have become known before as_of. Columns: user_id, cutoff.
    """
    spans = [Window.horizon(cutoff, question.horizon_days) for cutoff in cutoffs]
    rows = " UNION ALL ".join(f"SELECT DATE '{s.start}' AS cutoff, DATE '{s.end}' AS until" for s in spans)
    types = ", ".join(text_literal(action) for action in question.actions)
    return (
        f"SELECT DISTINCT a.user_id, s.cutoff FROM {{daily_activity}} a JOIN ({rows}) s "
        f"ON a.day >= s.cutoff AND a.day < s.until WHERE a.event_type IN ({types}) "
        f"AND a.known_day < DATE '{as_of}'"
    )


def labelled_cohort_sql(
    question: Question, cutoffs: Sequence[date], as_of: date, attributes: Sequence[Attribute] = ()
) -> str:
    """SQL for the cohorts of matured cutoffs with their labels: all columns of `cohort_sql`, then `label` (0 or 1).

    Users without the action are rows with label 0, never missing ones.
    """
    return labelled_sql(cohort_sql(question, cutoffs, attributes), question, cutoffs, as_of)


def labelled_sql(rows: str, question: Question, cutoffs: Sequence[date], as_of: date) -> str:
    """SQL for rows of users at matured cutoffs with what happened: all their columns, then `label` (0 or 1).

    `rows` is a SELECT that has user_id and cutoff.
    """
    return (
        f"SELECT r.*, CASE WHEN p.user_id IS NULL THEN 0 ELSE 1 END AS label FROM ({rows}) r "
        f"LEFT JOIN ({positives_sql(question, cutoffs, as_of)}) p ON r.user_id = p.user_id AND r.cutoff = p.cutoff"
    )


def cohort_sql(question: Question, cutoffs: Sequence[date], attributes: Sequence[Attribute] = ()) -> str:
    """SQL for the users eligible at the cutoffs, chosen from their past only.

    All columns of `features`, then those of the users' attributes, as they were at the cutoff.
    """
    rows = f"SELECT * FROM {{features}} WHERE cutoff IN ({days_sql(cutoffs)}) AND {in_cohort_sql(question)}"
    return with_attributes_sql(rows, attributes, cutoffs)


def in_cohort_sql(question: Question) -> str:
    """SQL condition for the rows of `features` whose users are asked about. A user never seen has no row."""
    days = question.cohort_days
    if days is None:
        return "1 = 1"
    return f"{'recency' if days < NEVER_DAYS else 'silence'} <= {days}"  # a recency says no more than a year or more


def recent_events_sql(window: Window) -> str:
    """SQL for the event types of a window: event_type, since (the day by when it was known), events (their number).

    Nothing that became known on the window's end or later counts.
    """
    inside = f"day >= DATE '{window.start}' AND day < DATE '{window.end}'"
    return (
        f"SELECT event_type, MIN(known_day) AS since, SUM(CASE WHEN {inside} THEN count ELSE 0 END) AS events "
        f"FROM {{daily_activity}} WHERE known_day < DATE '{window.end}' GROUP BY event_type ORDER BY event_type"
    )
