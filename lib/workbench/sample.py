"""Some of the users of a home, so that their rows fit into memory: whole users, and the same ones every time."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from lib.attributes.columns import Attribute, read_note
from lib.errors import ConfigError
from lib.features.cache import read_definition
from lib.features.extraction import AskedTypes, Extraction, read_first_seen, read_named_days
from lib.labels.sampling import digest_limit
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql, text_literal
from lib.tables.views import ACTIVITY, counts_at_sql


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
    share: float  # of all users


def read_sample(tables: Tables, prepared: Extraction, most: int, seed: int = 0) -> Sample:
    """Read what is stored of about `most` users, drawn by a digest of their ids; of all where there are no more.

    `prepared` is the extraction that the rows are to be looked at by.

    Raises
    ------
    ConfigError
        If ids are joined to persons, and there are more users than so many: what is drawn would be parts of persons.
    """
    (there,) = tables.query("SELECT COUNT(DISTINCT user_id) AS users FROM {daily_activity}")["users"]
    share = min(1.0, most / max(int(there), 1))
    joined, has_named = (tables.exists(name) for name in ("identities", "named_activity"))
    if share < 1 and joined:
        raise ConfigError(
            f"most_users is {most}, and this home has {there} ids that it joins to persons: a sample would tell of "
            f"these otherwise than the whole. Say most_users={there}, or look at a home of fewer users."
        )
    where = f"SUBSTR(MD5(user_id || ' {seed}'), 1, 8) < '{digest_limit(share)}'"
    activity = tables.query(f"SELECT * FROM {{daily_activity}} WHERE {where}")
    definition = read_definition(tables)
    as_of, pinned = prepared.cutoffs.as_of, definition.pinned if definition else ()
    kinds = tables.query("SELECT DISTINCT event_type FROM {named_activity}")["event_type"] if has_named else ()
    types = AskedTypes(read_first_seen(tables, as_of), pinned, read_named_days(tables, list(kinds), as_of))
    users = None
    if note := read_note(tables):
        rows = tables.query(f"SELECT * FROM {{user_attributes}} WHERE {where}")
        others = tuple(one for one in note.attributes if one not in prepared.attributes)
        users = Users(rows, prepared.attributes, others)
    identities = tables.query("SELECT * FROM {identities}") if joined else None
    named = tables.query(f"SELECT * FROM {{named_activity}} WHERE {where}") if has_named else None
    return Sample(activity, types, users, identities, named, share)


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
