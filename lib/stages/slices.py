"""What past lists are judged by, brought to this process at once where it is little.

On the engine each list costs a query or two of some seconds, however few users it has, and a home comes to many lists.
"""

from collections.abc import Collection
from datetime import date

from lib.config.question import Question
from lib.features.vocabulary import USER_FEATURES, type_prefix
from lib.stages import nearby
from lib.stages.records import question_sql
from lib.tables.protocol import Tables
from lib.tables.sql import column_sql, days_sql, texts_sql


def bring_lists(
    tables: Tables, question: Question, cutoffs: Collection[date], as_of: date, *, with_features: bool = False
) -> Tables:
    """Tables that answer what is asked of the lists of some matured cutoffs, and of what happened; else `tables`.

    They hold the question's scores, who was left out and contacted, and what was done on the days asked about as it was
    known at as_of; with what was known of users before, where that is said: of each user, and of the actions.
    """
    if not cutoffs:
        return tables
    from lib.tables.memory import MemoryTables  # DuckDB is loaded where it is needed

    near = MemoryTables()
    for name, sql in _selects(tables, question, sorted(cutoffs), as_of, with_features=with_features).items():
        if not tables.exists(name):
            continue
        rows = tables.arrow(f"{sql} LIMIT {nearby.MOST_NEAR + 1}")
        if len(rows) > nearby.MOST_NEAR:
            return tables
        near.stored[name] = rows
    near.connection.execute("SET threads = 1")  # sums of the same rows are the same to the last bit
    return near


def _selects(
    tables: Tables, question: Question, cutoffs: list[date], as_of: date, *, with_features: bool
) -> dict[str, str]:
    days = [question.window(cutoff) for cutoff in cutoffs]
    since, until = f"DATE '{min(one.start for one in days)}'", f"DATE '{max(one.end for one in days)}'"
    of_lists = f"cutoff IN ({days_sql(cutoffs)})"
    done = (
        f"event_type IN ({texts_sql(question.kinds)}) AND day >= {since} AND day < {until} AND known_day < "
        f"DATE '{as_of}'"
    )
    selects = {
        "daily_activity": f"SELECT * FROM {{daily_activity}} WHERE {done}",
        "named_activity": f"SELECT * FROM {{named_activity}} WHERE {done}",
        "identities": "SELECT * FROM {identities}",
        "predictions": f"SELECT * FROM {{predictions}} WHERE {question_sql(question)} AND {of_lists}",
        "suppressions": f"SELECT * FROM {{suppressions}} WHERE {question_sql(question)} AND {of_lists}",
        "contacts": f"SELECT * FROM {{contacts}} WHERE {of_lists} OR (day >= DATE '{cutoffs[0]}' AND day < {until})",
    }
    if with_features:
        columns = ", ".join(map(column_sql, ["user_id", "cutoff", *_telling_features(tables, question)]))
        selects["features"] = f"SELECT {columns} FROM {{features}} WHERE {of_lists}"
        selects["named_features"] = f"SELECT * FROM {{named_features}} WHERE {of_lists}"
    return selects


def _telling_features(tables: Tables, question: Question) -> list[str]:
    there = tables.arrow("SELECT * FROM {features} LIMIT 0").column_names
    return [name for name in there if tells_of_effects(name, question)]


def tells_of_effects(name: str, question: Question) -> bool:
    """Whether a feature is of every user, or of the actions asked about: of other types too little tells of effects."""
    return name in USER_FEATURES or name.startswith(tuple(f"{type_prefix(kind)}__" for kind in question.kinds))
