"""What queries may name besides tables: activity as its readers see it, where several ids are known to be one person.

`{activity}` is `daily_activity` by persons, with two columns more: a row counts for its person at moments (cutoffs,
ends of labels) after `joined_after`, up to and with `joined_until`. `{named_actions}` is `named_activity` so. What
`{joined_ids}` stands for is `identities`, or an empty one.
`{lists}` is which lists are in `audience`: question, run_id and cutoff of each.
`* {but} (column)` leaves a column out, which the two engines spell otherwise.
"""

from collections.abc import Callable

FIRST_DAY, LAST_DAY = "DATE '0001-01-01'", "DATE '9999-12-31'"  # of a span without a beginning, and without an end
_OWN = f"(SELECT *, {FIRST_DAY} AS joined_after, {LAST_DAY} AS joined_until FROM {{table}})"
_JOINED = (
    "(SELECT COALESCE(i.person, a.user_id) AS user_id, a.day, a.event_type, a.known_day, a.count, a.value{items}, "
    f"COALESCE(i.joined_after, {FIRST_DAY}) AS joined_after, COALESCE(i.joined_until, {LAST_DAY}) AS joined_until "
    "FROM {table} a LEFT JOIN {{identities}} i ON a.user_id = i.user_id AND a.day >= i.first_day AND "
    "a.day < i.end_day)"
)
_NONE = (
    "(SELECT CAST(NULL AS STRING) AS user_id, CAST(NULL AS STRING) AS person, CAST(NULL AS DATE) AS first_day, "
    "CAST(NULL AS DATE) AS end_day, CAST(NULL AS DATE) AS joined_after, CAST(NULL AS DATE) AS joined_until WHERE 1 = 0)"
)
ACTIVITY, NAMED_ACTIONS, JOINED_IDS = "{activity}", "{named_actions}", "{joined_ids}"
LISTS = "{lists}"
_LISTS = "(SELECT DISTINCT question, run_id, cutoff FROM {audience})"


def counts_at_sql(rows: str, moment: str) -> str:
    """SQL condition for the rows of these views that count at a moment (a cutoff, the end of a label's days).

    Parameters
    ----------
    rows : what the query calls them
    moment : SQL of a day
    """
    return f"{rows}.joined_after < {moment} AND {moment} <= {rows}.joined_until"


def with_views(sql: str, exists: Callable[[str], bool]) -> str:
    """A query with what these names stand for; `exists` says whether a table is there."""
    sql = sql.replace(LISTS, _LISTS)
    if not any(name in sql for name in (ACTIVITY, NAMED_ACTIONS, JOINED_IDS)):
        return sql
    joined = exists("identities")
    activity = _JOINED if joined else _OWN
    for name, stands_for in (
        (ACTIVITY, activity.format(table="{daily_activity}", items=", a.items")),
        (NAMED_ACTIONS, activity.format(table="{named_activity}", items="")),
        (JOINED_IDS, "{identities}" if joined else _NONE),
    ):
        sql = sql.replace(name, stands_for)
    return sql
