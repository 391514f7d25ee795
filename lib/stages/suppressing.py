"""Who is left out of a list: the lists of others are read, held against those of the last list, and written down."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.audience import suppression
from lib.audience.release import STAYS
from lib.audience.suppression import UserList
from lib.config.question import Question
from lib.errors import PublishRefused, SourceError
from lib.sources.user_lists import read_users
from lib.stages.nearby import Near
from lib.stages.records import list_sql, question_sql, read_rows
from lib.tables.contracts import SUPPRESSIONS
from lib.tables.protocol import Tables


@dataclass(frozen=True)
class LeftOut:
    """The users of a scored cohort who are to be on no list, and by what that was found."""

    rows: pd.DataFrame  # user_id, list, reason: each user once
    scored: int
    lists: Sequence[UserList]
    before: Mapping[str, int] | None  # the lists of the last publication, and how many rows they had; None: not known
    strangers: Sequence[UserList] = ()  # lists that name users, and none who was scored

    @property
    def users(self) -> "pd.Series[str]":
        return self.rows["user_id"]

    @property
    def by_reason(self) -> dict[str, int]:
        return suppression.count_reasons(self.rows)

    def columns(self) -> dict[str, Any]:
        """What a row of `publications` tells of it."""
        return {
            "scored": self.scored,
            "suppressed": len(self.rows),
            "suppressed_by": json.dumps(self.by_reason),
            "suppress_lists": json.dumps({one.name: one.size for one in self.lists}),
        }

    def format(self) -> list[str]:
        """What a summary tells of it."""
        return [
            *suppression.format_suppressed(self.by_reason, self.scored),
            *suppression.format_lists(self.lists, self.strangers, self.before),
        ]


def find_left_out(
    names: Iterable[str], question: Question, tables: Tables, cutoff: date, scored: Near, users: int
) -> LeftOut:
    """Read the named lists, and find which users of a scored cohort they leave out at its cutoff.

    Parameters
    ----------
    scored, users : rows of the cohort with `user_id`, and how many they are

    Raises
    ------
    PublishRefused
        If a list cannot be read, or is empty and was not when the last list was made, or nobody is left.
    """
    before = read_last_lists(question, tables)
    lists = [_read_list(name, tables, cutoff) for name in names]
    suppression.check_not_emptied(lists, before or {})
    matching = suppression.find_suppressed(scored.tables, scored.sql, lists)
    strangers = [one for one in lists if len(one.rows) and one.name not in set(matching["list"])]
    rows = suppression.take_each_once(matching)
    left_out = LeftOut(rows, users, lists, before, strangers)
    if len(left_out.rows) == users:
        raise PublishRefused(
            f"All {users} users scored are left out: {suppression.format_reasons(left_out.by_reason)}. Look at "
            f"the lists that suppress names. {STAYS}"
        )
    return left_out


def leave_out(scored: Near, left_out: LeftOut) -> Near:
    """The same rows without the users who are left out."""
    if left_out.rows.empty:
        return scored
    scored.tables.lend("left_out_users", pa.table({"user_id": pa.array(left_out.users, pa.string())}))
    listed = f"SELECT s.* FROM ({scored.sql}) s ANTI JOIN left_out_users x ON s.user_id = x.user_id"
    return replace(scored, sql=listed)


def write_left_out(question: Question, tables: Tables, cutoff: date, rows: pd.DataFrame) -> None:
    """Keep who is left out of the list of a cutoff, in the place of what was kept of it before."""
    if len(rows) or tables.exists("suppressions"):
        kept = rows.assign(question=question.slug, cutoff=cutoff).reindex(columns=list(SUPPRESSIONS))
        tables.replace("suppressions", kept, list_sql(question, cutoff))


def read_left_out(question: Question, tables: Tables, cutoff: date) -> pd.DataFrame:
    """Who was left out of the list of a cutoff: user_id, list, reason."""
    rows = read_rows(tables, "suppressions", list_sql(question, cutoff), "user_id, list, reason")
    return pd.DataFrame(columns=["user_id", "list", "reason"], dtype=object) if rows is None else rows


def read_last_lists(question: Question, tables: Tables) -> dict[str, int] | None:
    """The lists that the newest publication looked at, and how many rows each had; None where that is not known."""
    where = f"{question_sql(question)} AND suppress_lists IS NOT NULL ORDER BY number DESC"
    rows = read_rows(tables, "publications", where, "suppress_lists")
    if rows is None:
        return None
    lists: dict[str, int] = json.loads(rows["suppress_lists"].iloc[0])
    return lists


def _read_list(name: str, tables: Tables, as_of: date) -> UserList:
    try:
        rows = read_users(name, tables, suppression.COLUMNS)
    except SourceError as error:
        raise PublishRefused(f"suppress: {error} {STAYS}") from error
    made = suppression.make_list(name, rows, as_of)
    return suppression.add_persons(made, tables, as_of) if tables.exists("identities") else made
