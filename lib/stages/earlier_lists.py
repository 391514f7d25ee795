"""Lists that went out of use, as rows of their own: what a rollback and an export of an earlier list read.

Earlier versions had them in the versions of the table `audience` alone: those that can still be read are carried over
once, before the first list of today goes out of use.
"""

from collections.abc import Collection
from datetime import date

import pandas as pd

from lib.config.question import Question
from lib.stages.records import list_sql, question_sql, read_lists, read_rows
from lib.tables.contracts import AUDIENCE, EARLIER_LISTS
from lib.tables.protocol import Tables

CARRIED = "carried"  # property of the table: that the lists of earlier versions of `audience` are in it
MARKS = ["number", "run_id", "cutoff"]


def keep_list(question: Question, tables: Tables) -> None:
    """Keep the list in use, before another takes its place; again after a kill, it is there once."""
    carry_over(tables)
    present = read_lists(tables, question_sql(question))
    if present is None:
        return
    stored = _read_marks(question, tables)
    number = 1 + (int(stored["number"].max()) if len(stored) else 0)
    if len(stored) and _is_same(stored.iloc[-1], present.iloc[0]):
        number -= 1  # kept, and its place was not taken then
    rows = tables.rows(
        f"SELECT {', '.join(AUDIENCE)}, CAST({number} AS BIGINT) AS number FROM {{audience}} "
        f"WHERE {question_sql(question)}"
    )
    tables.replace("earlier_lists", rows, f"{question_sql(question)} AND number = {number}")


def read_list_before(question: Question, tables: Tables, present: pd.DataFrame) -> pd.DataFrame | None:
    """The list that was in use before the present one came into use first; None where there is none.

    Parameters
    ----------
    present : DataFrame[run_id, cutoff]
        Of the present list; its first row counts.
    """
    carry_over(tables)
    stored = _read_marks(question, tables)
    mine = [_is_same(row, present.iloc[0]) for _, row in stored.iterrows()]
    before = stored["number"][: mine.index(True)] if any(mine) else stored["number"]
    if before.empty:
        return None
    return _read_list(question, tables, int(before.max()))


def read_list_from_before(question: Question, tables: Tables, undone: Collection[str]) -> pd.DataFrame | None:
    """The list of none of some runs that went out of use last; None where there is none."""
    carry_over(tables)
    stored = _read_marks(question, tables)
    before = stored[~stored["run_id"].isin(undone)]["number"]
    return None if before.empty else _read_list(question, tables, int(before.max()))


def read_list_of(question: Question, tables: Tables, cutoff: date) -> pd.DataFrame | None:
    """The list of a cutoff that went out of use last; None where there is none."""
    carry_over(tables)
    mine = list_sql(question, cutoff)
    newest = read_rows(tables, "earlier_lists", mine, "MAX(number) AS number")
    if newest is None or pd.isna(newest["number"].iloc[0]):
        return None
    return _read_list(question, tables, int(newest["number"].iloc[0]))


def carry_over(tables: Tables) -> None:
    """Write the lists that earlier versions of `audience` hold as rows, of all questions, unless that was done."""
    if not tables.exists("audience") or is_carried_over(tables):
        return
    lists = _find_lists(tables)
    of_versions = {(slug, *mark) for slug, marks in lists.items() for *mark, _ in marks}
    stored = read_rows(tables, "earlier_lists", "1 = 1", f"DISTINCT question, {', '.join(MARKS)}")
    there = set() if stored is None else set(stored.itertuples(index=False, name=None))
    if there <= of_versions:  # else these are lists that no version holds any more, and only the note was lost
        tables.replace("earlier_lists", pd.DataFrame(columns=list(EARLIER_LISTS)), "1 = 1")  # what a kill left too
        for slug, marks in lists.items():
            for number, *_, version in marks:
                rows = tables.at_version(version, f"question = '{slug}'").assign(number=number)
                tables.append("earlier_lists", rows)
    tables.set_property("earlier_lists", CARRIED, "yes")


def is_carried_over(tables: Tables) -> bool:
    """Whether all lists that went out of use are rows, so that no version of `audience` is needed for them."""
    return bool(tables.get_property("earlier_lists", CARRIED))


def _find_lists(tables: Tables) -> dict[str, list[tuple[int, str, date, int]]]:
    """The lists of each question in versions of `audience`, but for the present one: its marks, and a version."""
    lists: dict[str, list[tuple[str, date, int]]] = {}
    for version in tables.versions():
        there = tables.at_version(version, "1 = 1", "DISTINCT question, run_id, cutoff")
        for slug, run_id, cutoff in there.itertuples(index=False):
            seen = lists.setdefault(slug, [])
            if not seen or seen[-1][:2] != (run_id, cutoff):
                seen.append((run_id, cutoff, version))
    return {slug: [(number, *one) for number, one in enumerate(seen[:-1], 1)] for slug, seen in lists.items()}


def _read_list(question: Question, tables: Tables, number: int) -> pd.DataFrame | None:
    where = f"{question_sql(question)} AND number = {number} ORDER BY rank"
    return read_rows(tables, "earlier_lists", where, ", ".join(AUDIENCE))


def _read_marks(question: Question, tables: Tables) -> pd.DataFrame:
    rows = read_rows(
        tables, "earlier_lists", question_sql(question), f"DISTINCT {', '.join(MARKS)}", "ORDER BY number"
    )  # fmt: skip
    return pd.DataFrame(columns=MARKS) if rows is None else rows


def _is_same(one: "pd.Series", other: "pd.Series") -> bool:
    """Whether two lists are one: of the same run and cutoff."""
    return (one["run_id"], one["cutoff"]) == (other["run_id"], other["cutoff"])
