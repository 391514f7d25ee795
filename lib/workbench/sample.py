"""Some of the users of a home, so that their rows fit into memory: whole users, and the same ones every time."""

from dataclasses import dataclass

import pandas as pd

from lib.attributes.columns import Attribute
from lib.features.cache import read_definition
from lib.features.extraction import AskedTypes, Extraction, read_first_seen
from lib.labels.sampling import digest_limit
from lib.tables.protocol import Tables
from lib.tables.sql import text_literal


@dataclass(frozen=True)
class Users:
    """Who the users are: rows of the table `user_attributes`, and the attributes that models may read."""

    rows: pd.DataFrame
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Sample:
    """The rows of some users of a home."""

    activity: pd.DataFrame  # rows of daily_activity
    types: AskedTypes  # the event types of everybody, and those that were ever asked about: they decide on columns
    users: Users | None
    share: float  # of all users


def read_sample(tables: Tables, prepared: Extraction, most: int, seed: int = 0) -> Sample:
    """Read what is stored of about `most` users, drawn by a digest of their ids; of all where there are no more.

    `prepared` is the extraction that the rows are to be looked at by.
    """
    (there,) = tables.query("SELECT COUNT(DISTINCT user_id) AS users FROM {daily_activity}")["users"]
    share = min(1.0, most / max(int(there), 1))
    where = f"SUBSTR(MD5(user_id || ' {seed}'), 1, 8) < '{digest_limit(share)}'"
    activity = tables.query(f"SELECT * FROM {{daily_activity}} WHERE {where}")
    definition = read_definition(tables)
    types = AskedTypes(read_first_seen(tables, prepared.cutoffs.as_of), definition.pinned if definition else ())
    if not prepared.attributes:
        return Sample(activity, types, None, share)
    rows = tables.query(f"SELECT * FROM {{user_attributes}} WHERE {where}")
    return Sample(activity, types, Users(rows, prepared.attributes), share)


def read_user(tables: Tables, user: str) -> pd.DataFrame:
    """What is stored of one user's events, the newest day first.

    Returns
    -------
    DataFrame[day date, event_type string, count int, value float, items list, known_day date]
    """
    return tables.query(
        "SELECT day, event_type, count, value, items, known_day FROM {daily_activity} "
        f"WHERE user_id = {text_literal(user)} ORDER BY day DESC, event_type, known_day"
    )
