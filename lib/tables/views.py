"""What queries may name besides tables: activity as its readers see it, where several ids are known to be one person.

`{activity}` is `daily_activity` by persons, with two columns more: a row counts for its person at moments (cutoffs,
ends of labels) after `joined_after`, up to and with `joined_until`. `{joined_ids}` is `identities`, or an empty one.
"""

from collections.abc import Callable

FIRST_DAY, LAST_DAY = "DATE '0001-01-01'", "DATE '9999-12-31'"  # of a span without a beginning, and without an end
_OWN = f"(SELECT *, {FIRST_DAY} AS joined_after, {LAST_DAY} AS joined_until FROM {{daily_activity}})"
_JOINED = (
    "(SELECT COALESCE(i.person, a.user_id) AS user_id, a.day, a.event_type, a.known_day, a.count, a.value, a.items, "
    f"COALESCE(i.joined_after, {FIRST_DAY}) AS joined_after, COALESCE(i.joined_until, {LAST_DAY}) AS joined_until "
    "FROM {daily_activity} a LEFT JOIN {identities} i ON a.user_id = i.user_id AND a.day >= i.first_day AND "
    "a.day < i.end_day)"
)
_NONE = (
    "(SELECT CAST(NULL AS STRING) AS user_id, CAST(NULL AS STRING) AS person, CAST(NULL AS DATE) AS first_day, "
    "CAST(NULL AS DATE) AS end_day, CAST(NULL AS DATE) AS joined_after, CAST(NULL AS DATE) AS joined_until WHERE 1 = 0)"
)
ACTIVITY, JOINED_IDS = "{activity}", "{joined_ids}"


def with_views(sql: str, exists: Callable[[str], bool]) -> str:
    """A query with what these names stand for; `exists` says whether a table is there."""
    if ACTIVITY not in sql and JOINED_IDS not in sql:
        return sql
    joined = exists("identities")
    for name, stands_for in (
        (ACTIVITY, _JOINED if joined else _OWN),
        (JOINED_IDS, "{identities}" if joined else _NONE),
    ):
        sql = sql.replace(name, stands_for)
    return sql
