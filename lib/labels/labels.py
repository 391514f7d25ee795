"""Who did what is asked about in the days after a cutoff: from the same table as the features, for any question."""

from collections.abc import Sequence
from datetime import date

from lib.attributes.columns import Attribute
from lib.config.question import Question
from lib.labels.activity import activity_sql
from lib.labels.cohorts import cohort_sql
from lib.tables.sql import decimal_sql, text_literal, texts_sql
from lib.tables.views import counts_at_sql
from lib.timeline import Window


def positives_sql(question: Question, cutoffs: Sequence[date], as_of: date) -> str:
    """SQL for the users who did what is asked about: one row per user and cutoff. Of a `without` they are the others.

    An event counts on the question's days `[start, end)`: at midnight of the start it does, at midnight of the end it
    does not. It must have become known before as_of. Whose it is, is taken as it was known when these days ended, and
    whoever was somebody else's id by then did what that user did. Columns: user_id, cutoff.
    """
    spans = [(cutoff, question.window(cutoff)) for cutoff in cutoffs]
    rows = " UNION ALL ".join(
        f"SELECT DATE '{cutoff}' AS cutoff, DATE '{days.start}' AS since, DATE '{days.end}' AS until"
        for cutoff, days in spans
    )
    done = (
        f"FROM {activity_sql(question)} a JOIN ({rows}) s ON a.day >= s.since AND a.day < s.until "
        f"AND {counts_at_sql('a', 's.until')} "
        f"WHERE a.event_type IN ({texts_sql(question.kinds)}) AND a.known_day < DATE '{as_of}'"
    )
    enough = "" if question.is_plain else f" HAVING {_enough_sql(question)}"
    persons = f"SELECT a.user_id, s.cutoff, s.until {done} GROUP BY a.user_id, s.cutoff, s.until{enough}"
    return (
        f"WITH persons AS ({persons}) SELECT user_id, cutoff FROM persons UNION ALL "
        "SELECT i.user_id, p.cutoff FROM persons p JOIN {joined_ids} i ON p.user_id = i.person AND "
        "i.user_id <> i.person AND i.first_day < p.cutoff AND p.cutoff <= i.end_day "
        f"AND {counts_at_sql('i', 'p.until')}"
    )


def _enough_sql(question: Question) -> str:
    """SQL condition on the action's events of one user: often enough, worth enough, each of several or all together."""
    kinds = [f"a.event_type = {text_literal(kind)}" for kind in question.kinds]
    conditions = []
    for inside in kinds if question.needs_all else ["1 = 1"]:
        conditions.append(f"SUM(CASE WHEN {inside} THEN a.count ELSE 0 END) >= {question.at_least}")
        if question.at_least_value is not None:
            worth = f"SUM(CASE WHEN {inside} THEN {decimal_sql('a.value')} ELSE 0 END)"
            conditions.append(f"{worth} >= CAST('{question.at_least_value:f}' AS DECIMAL(22, 6))")
    return " AND ".join(conditions)


def labelled_cohort_sql(
    question: Question, cutoffs: Sequence[date], as_of: date, attributes: Sequence[Attribute] = ()
) -> str:
    """SQL for the cohorts of matured cutoffs with their labels: all columns of `cohort_sql`, then `label` (0 or 1).

    Users of whom nothing is known after the cutoff are rows too, never missing ones.
    """
    return labelled_sql(cohort_sql(question, cutoffs, attributes), question, cutoffs, as_of)


def labelled_sql(rows: str, question: Question, cutoffs: Sequence[date], as_of: date, label: str = "label") -> str:
    """SQL for rows of users at matured cutoffs with what happened: all their columns, then the label (0 or 1).

    `rows` is a SELECT that has user_id and cutoff.
    """
    others, doers = (1, 0) if question.without else (0, 1)
    return (
        f"SELECT r.*, CASE WHEN p.user_id IS NULL THEN {others} ELSE {doers} END AS {label} FROM ({rows}) r "
        f"LEFT JOIN ({positives_sql(question, cutoffs, as_of)}) p ON r.user_id = p.user_id AND r.cutoff = p.cutoff"
    )


def recent_events_sql(window: Window) -> str:
    """SQL for the event types of a window: event_type, since (the day by when it was known), events (their number).

    Nothing that became known on the window's end or later counts.
    """
    inside = f"day >= DATE '{window.start}' AND day < DATE '{window.end}'"
    return (
        f"SELECT event_type, MIN(known_day) AS since, SUM(CASE WHEN {inside} THEN count ELSE 0 END) AS events "
        f"FROM {{daily_activity}} WHERE known_day < DATE '{window.end}' GROUP BY event_type ORDER BY event_type"
    )
