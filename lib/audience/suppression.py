"""Who is left out of a list, why, and until when: opt-outs, staff, complaints, as others keep them.

Left out are users of the list alone: what is scored, measured and learnt from keeps everybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import PurePath

import pandas as pd
import pyarrow as pa

from lib.audience.release import STAYS
from lib.errors import PublishRefused
from lib.sources.files import is_place
from lib.sources.user_lists import odd_days
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql
from lib.tables.views import JOINED_IDS, counts_at_sql

COLUMNS = ("reason", "until")  # of a list, besides user_id
DIGEST = "sha256:"  # before the digest of an id that stands in its place
MOST_REASONS = 20  # so many kinds people can read
MOST_LETTERS = 60  # of a reason: a kind, and no story of a user


@dataclass(frozen=True)
class UserList:
    """One list of users to leave out."""

    name: str  # as the parameter names it
    rows: pd.DataFrame  # user_id, reason; those in force
    size: int  # its rows, in force or not


def make_list(name: str, rows: pd.DataFrame, as_of: date) -> UserList:
    """Take of a list what is in force at a day.

    Parameters
    ----------
    rows : DataFrame[user_id, reason, until]
        Texts. A blank reason is the list's name, a blank `until` is for ever; else it is the first day on which the
        user may be listed again.

    Raises
    ------
    PublishRefused
        If an `until` is no day, or the reasons are no kinds.
    """
    days = rows["until"].str.strip()
    if odd := odd_days(days[days != ""]):
        raise PublishRefused(f"{name}: until must be a date like 2024-06-01, got {odd[0]!r}. {STAYS}")
    reasons = rows["reason"].str.strip().where(rows["reason"].str.strip() != "", _stem(name))
    if reasons.nunique() > MOST_REASONS or reasons.str.len().max() > MOST_LETTERS:
        raise PublishRefused(
            f"{name} has {reasons.nunique()} different reasons, the longest of {reasons.str.len().max()} letters: at "
            f"most {MOST_REASONS} of {MOST_LETTERS} letters are kinds that can be counted. {STAYS}"
        )
    in_force = (days == "") | (days > as_of.isoformat())  # days in ISO stand in the order of texts
    return UserList(name, rows.assign(reason=reasons).loc[in_force, ["user_id", "reason"]], len(rows))


def add_persons(one: UserList, tables: Tables, as_of: date) -> UserList:
    """The same list with whose the ids are that it names, as it is known at a day: any id leaves its user out."""
    named = one.rows.reset_index(drop=True).rename_axis("place").reset_index()
    tables.lend("listed_ids", pa.Table.from_pandas(named, preserve_index=False))
    keys = ["i.user_id", f"'{DIGEST}' || sha2(i.user_id, 256)"]
    known = f"{counts_at_sql('i', days_sql([as_of]))} AND i.person <> i.user_id"
    persons = " UNION ".join(
        f"SELECT n.place, i.person AS user_id, n.reason FROM listed_ids n JOIN {JOINED_IDS} i ON n.user_id = {key} "
        f"AND {known}"
        for key in keys
    )
    rows = pd.concat([named, tables.query(persons)], ignore_index=True).sort_values(["place", "user_id"])
    return replace(one, rows=rows[["user_id", "reason"]].reset_index(drop=True))


def check_not_emptied(lists: Iterable[UserList], before: Mapping[str, int]) -> None:
    """Refuse to publish with a list that had rows at the last publication and has none.

    Raises
    ------
    PublishRefused
        The message names the first such list, and how many rows it had.
    """
    for one in lists:
        if not one.size and before.get(one.name):
            raise PublishRefused(
                f"{one.name} names nobody to leave out, and {before[one.name]} rows when the last list was made. Look "
                f"at whoever writes it; if nobody is to be left out any more, take it out of suppress. {STAYS}"
            )


def find_suppressed(tables: Tables, scored: str, lists: Iterable[UserList]) -> pd.DataFrame:
    """Find who of some users is left out, and by which lists, the first reason that there is first.

    Parameters
    ----------
    scored : SELECT with user_id

    Returns
    -------
    DataFrame[user_id, list, reason]
        A row for each row of a list that names one of them.
    """
    named = [one.rows.assign(list=one.name) for one in lists if len(one.rows)]
    if not named:
        return pd.DataFrame(columns=["user_id", "list", "reason"], dtype=object)
    rows = pd.concat(named, ignore_index=True).rename_axis("place").reset_index()
    tables.lend("named_users", pa.Table.from_pandas(rows, preserve_index=False))
    keys = ["s.user_id"]
    if rows["user_id"].str.startswith(DIGEST).any():
        keys.append(f"'{DIGEST}' || sha2(s.user_id, 256)")
    matches = " UNION ALL ".join(
        f"SELECT n.place, s.user_id, n.list, n.reason FROM named_users n JOIN ({scored}) s ON n.user_id = {key}"
        for key in keys
    )
    return tables.query(matches).sort_values("place", ignore_index=True)[["user_id", "list", "reason"]]


def take_each_once(matching: pd.DataFrame) -> pd.DataFrame:
    """Of the users whom lists name each once, for the first reason that there is."""
    return matching.drop_duplicates("user_id").sort_values("user_id", ignore_index=True)


def digest_user(user: str) -> str:
    """What may stand in a list in the place of an id that is to be known nowhere else."""
    return DIGEST + sha256(user.encode()).hexdigest()


def count_reasons(suppressed: pd.DataFrame) -> dict[str, int]:
    """How many users are left out for each reason, the most frequent first."""
    counts = suppressed["reason"].value_counts()
    return {str(reason): int(counts[reason]) for reason in sorted(counts.index, key=lambda one: (-counts[one], one))}


def format_suppressed(suppressed: Mapping[str, int], scored: int) -> list[str]:
    """Say how many of the users scored are left out, and why; nothing where nobody is."""
    if not suppressed:
        return []
    return [f"Left out: {sum(suppressed.values())} of {scored} users scored: {format_reasons(suppressed)}."]


def format_reasons(counts: Mapping[str, int]) -> str:
    """Each reason with its users."""
    return ", ".join(f"{reason} {users}" for reason, users in counts.items())


def format_lists(
    lists: Sequence[UserList], strangers: Sequence[UserList], before: Mapping[str, int] | None
) -> list[str]:
    """Say which lists are empty or name `strangers` alone, and which were named for the last list and are no longer."""
    lines = [f"{one.name} names nobody to leave out yet." for one in lists if not one.size]
    lines += [
        f"{one.name} names {len(one.rows)} users, and none of them was scored: are its ids those of the events?"
        for one in strangers
    ]
    gone = sorted(set(before or {}) - {one.name for one in lists})
    return lines + [f"Nobody is left out by {name} any more: it was named for the last list." for name in gone]


def _stem(name: str) -> str:
    """What a list is called where its rows give no reason."""
    stem = PurePath(name).stem if is_place(name) else name.replace("`", "").rpartition(".")[2]
    return stem[:MOST_LETTERS]
