"""Which ids go together where somebody is forgotten, or some users are looked at: all that are one person's."""

from collections.abc import Collection
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.tables.protocol import Tables
from lib.tables.sql import days_sql
from lib.tables.views import JOINED_IDS, counts_at_sql


def find_together(tables: Tables, users: Collection[str]) -> list[str]:
    """Some ids with all that are of the same persons: the users whose they are or were, and all ids of these users.

    Whoever only shared an id with one of them is somebody else, and stays. Sorted; the ids travel as rows.
    """
    if not users or not tables.exists("identities"):
        return sorted(set(users))
    tables.lend("asked_ids", pa.table({"user_id": pa.array(sorted(set(users)), pa.string())}))
    persons = (
        f"SELECT i.person FROM {JOINED_IDS} i JOIN asked_ids a ON i.user_id = a.user_id "
        "UNION SELECT user_id AS person FROM asked_ids"
    )
    ids = f"SELECT i.user_id FROM {JOINED_IDS} i JOIN ({persons}) p ON i.person = p.person"
    return sorted(tables.query(f"{ids} UNION SELECT person AS user_id FROM ({persons}) q")["user_id"])


def group_ids(tables: Tables) -> pa.Table:
    """All ids of `identities` with the group that they are in: what any of it did is no matter of another group's.

    Ids that one person has or had are in one group, and so are persons who shared an id.

    Returns
    -------
    Table[user_id string, together string]
        `together` is the first id of the group.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joins = tables.query(f"SELECT DISTINCT user_id, person FROM {JOINED_IDS} i")
    places, ids = pd.factorize(pd.concat([joins["user_id"], joins["person"]]), sort=True)
    ends = places[: len(joins)], places[len(joins) :]
    _, groups = connected_components(
        coo_array((np.ones(len(joins), bool), ends), shape=(len(ids),) * 2), directed=False
    )
    _, first = np.unique(groups, return_index=True)  # ids are sorted: the first of a group is its least
    return pa.table({"user_id": pa.array(ids, pa.string()), "together": pa.array(ids[first][groups], pa.string())})


def persons_sql(users: str, moment: date) -> str:
    """SQL for some users with whose they are or were, as it was known at a moment. Column: user_id.

    `users` is a SELECT that has user_id. Of an id that moved, all its users: what is to be left alone is left alone.
    """
    known = counts_at_sql("i", days_sql([moment]))
    return (
        f"SELECT user_id FROM ({users}) u UNION "
        f"SELECT i.person AS user_id FROM ({users}) u JOIN {JOINED_IDS} i ON u.user_id = i.user_id AND {known}"
    )


def ids_of_sql(identities: str, users: str) -> str:
    """SQL for all ids that are or were some users'. Column: user_id; `users` is a relation that has user_id."""
    return f"SELECT DISTINCT i.user_id FROM ({identities}) i JOIN {users} u ON i.person = u.user_id"


def without_sql(identities: str, users: str) -> str:
    """SQL for the rows that name none of some users."""
    return (
        f"SELECT i.* FROM ({identities}) i ANTI JOIN {users} u ON i.user_id = u.user_id "
        f"ANTI JOIN {users} p ON i.person = p.user_id"
    )
