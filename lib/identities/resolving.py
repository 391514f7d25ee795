"""SQL that makes of joins (an id is a user's, known since a moment) the rows of `identities`; Spark and DuckDB read it.

A join counts at moments after the day on which it became known, for all that the id did; where the id was another's
before, for what it did from that day on. A user who is joined to another in turn is followed to the end of the chain.
"""

from itertools import pairwise

from lib.errors import SourceError
from lib.tables.protocol import Tables
from lib.tables.sql import text_literal
from lib.tables.views import FIRST_DAY, LAST_DAY

MOST_STEPS = 10  # of a chain from an id to its user
COLUMNS = ("user_id", "person", "first_day", "end_day", "joined_after", "joined_until")


def resolve(tables: Tables, joins: str) -> str:
    """SQL for the rows of `identities`.

    Parameters
    ----------
    joins : name of a relation [user_id string, person string, known_time timestamp, known_day date]
        None of them null. `known_day` is the day of `known_time`.

    Raises
    ------
    SourceError
        If an id has two users at one moment, is joined to itself after it was another's, or stands in a circle; the
        message names the ids.
    """
    _check_one_user(tables, joins)
    _check_own(tables, joins)
    pieces = _pieces_sql(joins)
    spans = f"SELECT *, person <> user_id AS is_open FROM ({pieces}) p"
    for _ in range(MOST_STEPS):
        spans = _step_sql(spans, pieces)
        left = tables.query(f"SELECT COUNT(*) AS n, MIN(user_id) AS user_id FROM ({spans}) s WHERE is_open").iloc[0]
        if not left["n"]:
            return f"SELECT {', '.join(COLUMNS)} FROM ({spans}) s"
    raise SourceError(_tell_circle(tables, joins, left["user_id"]))


def _pieces_sql(joins: str) -> str:
    """SQL for where one step leads: an id's events are its own until the first join, and then its users', in turn."""
    said = (
        "SELECT user_id, person, known_time, known_day, LAG(person) OVER (PARTITION BY user_id ORDER BY known_time) AS "
        f"before FROM {joins} WHERE person <> user_id"
    )
    of_each = "OVER (PARTITION BY user_id ORDER BY known_time)"
    steps = (
        f"SELECT user_id, person, known_day, ROW_NUMBER() {of_each} AS number, LEAD(known_day) {of_each} AS next_day "
        f"FROM ({said}) s WHERE before IS NULL OR before <> person"
    )
    joined = (
        f"SELECT user_id, person, CASE WHEN number = 1 THEN {FIRST_DAY} ELSE known_day END AS first_day, "
        f"COALESCE(next_day, {LAST_DAY}) AS end_day, known_day AS joined_after, {LAST_DAY} AS joined_until "
        f"FROM ({steps}) t"
    )
    own = (
        f"SELECT user_id, user_id AS person, {FIRST_DAY} AS first_day, {LAST_DAY} AS end_day, {FIRST_DAY} AS "
        f"joined_after, MIN(known_day) AS joined_until FROM {joins} WHERE person <> user_id GROUP BY user_id"
    )
    return f"SELECT * FROM ({joined} UNION ALL {own}) u WHERE first_day < end_day"


def _step_sql(spans: str, pieces: str) -> str:
    """SQL for the same spans, one step further: those whose person is joined to another become several."""
    both = ", ".join(
        f"{narrower}(s.{name}, COALESCE(p.{name}, s.{name})) AS {name}"
        for narrower, names in (("GREATEST", ("first_day", "joined_after")), ("LEAST", ("end_day", "joined_until")))
        for name in names
    )
    led = (
        f"SELECT s.user_id, COALESCE(p.person, s.person) AS person, {both}, "
        "COALESCE(p.person <> p.user_id, 1 = 0) AS is_open "
        f"FROM ({spans}) s LEFT JOIN ({pieces}) p ON s.is_open AND s.person = p.user_id"
    )
    return f"SELECT * FROM ({led}) l WHERE first_day < end_day AND joined_after < joined_until"


def first_change_sql(rows: str, stored: str) -> str:
    """SQL for the day after which the moments lie at which anything is otherwise; null where nothing is.

    `rows` and `stored` are SELECTs of rows of `identities`. Column: day.
    """
    end = "LEAST(CASE WHEN n.end_day <> o.end_day THEN LEAST(n.end_day, o.end_day) ELSE {last} END, CASE WHEN "
    end += "n.joined_until <> o.joined_until THEN LEAST(n.joined_until, o.joined_until) ELSE {last} END)"
    alone = "CASE WHEN {x}.person = {x}.user_id THEN {x}.joined_until ELSE {x}.joined_after END"
    return (
        f"SELECT MIN(CASE WHEN o.user_id IS NULL THEN {alone.format(x='n')} WHEN n.user_id IS NULL THEN "
        f"{alone.format(x='o')} ELSE {end.format(last=LAST_DAY)} END) AS day FROM ({rows}) n "
        f"FULL OUTER JOIN ({stored}) o ON n.user_id = o.user_id AND n.person = o.person AND "
        "n.first_day = o.first_day AND n.joined_after = o.joined_after WHERE n.user_id IS NULL OR o.user_id IS NULL "
        "OR n.end_day <> o.end_day OR n.joined_until <> o.joined_until"
    )


def _check_one_user(tables: Tables, joins: str) -> None:
    twice = tables.query(
        f"SELECT user_id, MIN(person) AS one, MAX(person) AS other, CAST(known_time AS STRING) AS known_at "
        f"FROM {joins} GROUP BY user_id, known_time HAVING MIN(person) <> MAX(person) ORDER BY user_id LIMIT 1"
    )
    for row in twice.itertuples():
        raise SourceError(
            f"The identities join {row.user_id!r} to two users at {row.known_at}: {row.one!r} and {row.other!r}. "
            "Nothing was read. Keep the one whose it is; an id that goes to another user does so at a later known_at."
        )


def _check_own(tables: Tables, joins: str) -> None:
    """Refuse an id that is joined to itself when it is another's: from when on it would be whose, nobody could say."""
    again = tables.query(
        "SELECT o.user_id, MIN(j.person) AS person, CAST(MIN(o.known_time) AS STRING) AS known_at "
        f"FROM {joins} o JOIN {joins} j ON o.user_id = j.user_id AND j.known_time < o.known_time "
        "WHERE o.user_id = o.person AND j.user_id <> j.person GROUP BY o.user_id ORDER BY o.user_id LIMIT 1"
    )
    for row in again.itertuples():
        raise SourceError(
            f"The identities join {row.user_id!r} to itself at {row.known_at}, and before that to {row.person!r}. "
            "Nothing was read. Leave that row out: an id stays a user's until it is another's."
        )


def _tell_circle(tables: Tables, joins: str, user: str) -> str:
    """What is said of an id whose chain has no end: the ids that it leads through."""
    if circle := _find_circle(tables, joins, [user], set()):
        steps = ", ".join(f"{one!r} to {other!r}" for one, other in pairwise(circle))
        return (
            f"The identities join ids in a circle: {steps}. Nothing was read. Join each of them to the one id that the "
            "user is to be known by."
        )
    return (
        f"The identities lead from {user!r} to its user through {MOST_STEPS} ids or more. Nothing was read. Join each "
        "id to its user itself."
    )


def _find_circle(tables: Tables, joins: str, path: list[str], seen: set[str]) -> list[str]:
    """The first ids again at the end of a way that leads back to them; none where no way does."""
    own = f"user_id = {text_literal(path[-1])} AND person <> user_id"
    for person in tables.query(f"SELECT DISTINCT person FROM {joins} WHERE {own} ORDER BY person")["person"]:
        if person in path:
            return [*path[path.index(person) :], person]
        if person not in seen and (circle := _find_circle(tables, joins, [*path, person], seen)):
            return circle
        seen.add(person)
    return []
