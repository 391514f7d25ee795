"""Some of the users of a home, so that their rows fit into memory: whole users, and the same ones every time."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from lib.attributes.columns import Attribute, read_note
from lib.features.cache import read_definition
from lib.features.extraction import AskedTypes, Extraction, read_first_seen, read_named_days
from lib.identities.together import group_ids
from lib.labels.sampling import digest_limit
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql, text_literal
from lib.tables.views import ACTIVITY, counts_at_sql

TOGETHER = "together_ids"  # what queries call the groups of ids that were lent to them
JOIN_GROUPS, DRAWN_BY = f"LEFT JOIN {TOGETHER} t ON a.user_id = t.user_id", "COALESCE(t.together, a.user_id)"


@dataclass(frozen=True)
class Users:
    """Who the users are: rows of the table `user_attributes`, and the attributes that models may read."""

    rows: pd.DataFrame
    attributes: tuple[Attribute, ...]
    others: tuple[Attribute, ...] = ()  # in the rows besides: whom a question asks about may be said by them


@dataclass(frozen=True)
class Sample:
    """The rows of some users of a home."""

    activity: pd.DataFrame  # rows of daily_activity
    types: AskedTypes  # the event types of everybody, and those that were ever asked about: they decide on columns
    users: Users | None
    identities: pd.DataFrame | None  # rows of identities, where ids are joined to persons
    named: pd.DataFrame | None  # rows of named_activity, where actions are named
    share: float  # of all users, those who share ids counted as one


def read_sample(tables: Tables, prepared: Extraction, most: int, seed: int = 0) -> Sample:
    """Read what is stored of about `most` users, drawn by a digest of their ids; of all where there are no more.

    Ids that are or were one person's are drawn together, with whoever shared an id with that person. `prepared` is the
    extraction that the rows are to be looked at by.
    """
    joined, has_named = (tables.exists(name) for name in ("identities", "named_activity"))
    tables.lend(TOGETHER, group_ids(tables))
    users = f"SELECT DISTINCT {DRAWN_BY} AS drawn_by FROM {{daily_activity}} a {JOIN_GROUPS}"
    (there,) = tables.query(f"SELECT COUNT(*) AS users FROM ({users}) u")["users"]
    share = min(1.0, most / max(int(there), 1))

    def read(name: str) -> pd.DataFrame:
        drawn = f"SUBSTR(MD5({DRAWN_BY} || ' {seed}'), 1, 8) < '{digest_limit(share)}'"
        return tables.query(f"SELECT a.* FROM {{{name}}} a {JOIN_GROUPS} WHERE {drawn}")

    definition = read_definition(tables)
    as_of, pinned = prepared.cutoffs.as_of, definition.pinned if definition else ()
    kinds = tables.query("SELECT DISTINCT event_type FROM {named_activity}")["event_type"] if has_named else ()
    types = AskedTypes(read_first_seen(tables, as_of), pinned, read_named_days(tables, list(kinds), as_of))
    known = None
    if note := read_note(tables):
        others = tuple(one for one in note.attributes if one not in prepared.attributes)
        known = Users(read("user_attributes"), prepared.attributes, others)
    identities = read("identities") if joined else None
    named = read("named_activity") if has_named else None
    return Sample(read("daily_activity"), types, known, identities, named, share)


def read_user(tables: Tables, user: str, as_of: date) -> pd.DataFrame:
    """What is stored of one user's events and was known before a day to be this user's, the newest day first.

    Returns
    -------
    DataFrame[day date, event_type string, count int, value float, items list, known_day date]
    """
    return tables.query(
        f"SELECT day, event_type, count, value, items, known_day FROM {ACTIVITY} a "
        f"WHERE user_id = {text_literal(user)} AND known_day < DATE '{as_of}' "
        f"AND {counts_at_sql('a', days_sql([as_of]))} ORDER BY day DESC, event_type, known_day"
    )
