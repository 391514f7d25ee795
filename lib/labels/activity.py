"""What users did, as a question calls it: the activity of the log, and beside it that of the actions it names."""

from collections.abc import Sequence
from datetime import date

from lib.config.question import Question
from lib.features.vocabulary import ACTION_FEATURES, TYPE_FEATURES, type_column
from lib.tables.sql import days_sql, text_literal, texts_sql
from lib.tables.views import ACTIVITY, NAMED_ACTIONS

COLUMNS = "user_id, day, event_type, known_day, count, value, joined_after, joined_until"


def activity_sql(question: Question) -> str:
    """What stands behind FROM: rows of `COLUMNS`. Events of a named action are there twice, as its type's and its own.

    Without any it is the activity of all events. Ids of one person are joined in both, see `lib/tables/views.py`.
    """
    if not question.named:
        return ACTIVITY
    kinds = texts_sql(one.kind for one in question.named)
    return (
        f"(SELECT {COLUMNS} FROM {ACTIVITY} d "
        f"UNION ALL SELECT {COLUMNS} FROM {NAMED_ACTIONS} n WHERE event_type IN ({kinds}))"
    )


def stored_sql(question: Question) -> str:
    """The same rows as they are kept, each event once, whoever's ids are joined: day, known_day, event_type, count."""
    if not question.named:
        return "{daily_activity}"
    columns = "day, known_day, event_type, count"
    return f"(SELECT {columns} FROM {{daily_activity}} UNION ALL SELECT {columns} FROM {{named_activity}})"


def with_named_features_sql(rows: str, question: Question, cutoffs: Sequence[date]) -> str:
    """SQL for rows of users at cutoffs, with the columns of the actions that a question names; else the rows alone.

    `rows` is a SELECT that has user_id and cutoff. Where a cutoff does not know an action yet, its columns are null.
    """
    features = (*TYPE_FEATURES, *ACTION_FEATURES)
    columns, joins = "", ""
    for place, one in enumerate(question.named):
        columns += "".join(f", n{place}.{name} AS {type_column(one.kind, name)}" for name in features)
        joins += (
            f" LEFT JOIN (SELECT * FROM {{named_features}} WHERE event_type = {text_literal(one.kind)} "
            f"AND cutoff IN ({days_sql(cutoffs)})) n{place} "
            f"ON f.user_id = n{place}.user_id AND f.cutoff = n{place}.cutoff"
        )
    return f"SELECT f.*{columns} FROM ({rows}) f{joins}" if joins else rows
