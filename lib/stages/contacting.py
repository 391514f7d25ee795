"""Who was contacted: chosen, since a list's file named the user, or told by whoever did it."""

from collections.abc import Iterable
from datetime import date

import pandas as pd

from lib.audience.parts import CHOSEN, CONTROL
from lib.audience.release import STAYS
from lib.config.exports import Export
from lib.config.question import Question
from lib.errors import PublishRefused, SourceError
from lib.identities.together import persons_sql
from lib.sources.user_lists import odd_days, read_users
from lib.stages.nearby import Near
from lib.stages.records import list_sql, question_sql
from lib.tables.contracts import CONTACTS
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql, text_literal, texts_sql
from lib.tables.views import JOINED_IDS, counts_at_sql
from lib.timeline import Window

COLUMNS = ("day", "channel", "question")  # of who was contacted, besides user_id
FILE = (CHOSEN, CONTROL)  # kinds of rows that a file leaves
CONTACT = (CHOSEN, "contacted")  # kinds that stand for a contact


def take_contacted(names: Iterable[str], tables: Tables) -> None:
    """Take over who was contacted, from tables and files of others.

    What one of them says of a day takes the place of what it said of it before; days that it does not hold stay.

    Raises
    ------
    PublishRefused
        If one cannot be read, or a row of it has no day.
    """
    for name in names:
        try:
            rows = read_users(name, tables, COLUMNS)
        except SourceError as error:
            raise PublishRefused(f"contacted: {error} {STAYS}") from error
        days = rows["day"].str.strip()
        if odd := odd_days(days):
            raise PublishRefused(f"{name}: day must be a date like 2024-06-01, got {odd[0]!r}. {STAYS}")
        if len(rows):
            source = f"kind = 'contacted' AND source = {text_literal(name)}"
            when = [date.fromisoformat(day) for day in days]
            texts = {column: rows[column].str.strip().replace("", None) for column in ("channel", "question")}
            contacts = rows.assign(day=when, cutoff=None, kind="contacted", source=name, **texts)
            _replace(tables, contacts, f"{source} AND day IN ({days_sql(sorted(set(when)))})")


def write_chosen(question: Question, tables: Tables, cutoff: date, export: Export, users: Near) -> None:
    """Keep who stood in the file of a list, and beside it, in the place of what was kept of the same list and file.

    Parameters
    ----------
    users : rows with user_id and `kind`, one of `FILE`
    """
    columns = {
        "user_id": "user_id", "question": text_literal(question.slug), "cutoff": f"DATE '{cutoff}'",
        "day": f"DATE '{cutoff}'", "channel": text_literal(export.format), "kind": "kind",
        "source": text_literal(export.file),
    }  # fmt: skip
    sql = f"SELECT {', '.join(f'{columns[name]} AS {name}' for name in CONTACTS)} FROM ({users.sql}) u"
    rows = users.tables.arrow(sql) if users.here else users.tables.rows(sql)
    mine = f"kind IN ({texts_sql(FILE)}) AND {list_sql(question, cutoff)} AND source = {text_literal(export.file)}"
    if users.has_rows() or tables.exists("contacts"):
        tables.replace("contacts", rows, mine)


def sides_sql(question: Question, cutoff: date) -> str:
    """SQL for what is known of contacts of one list, a row per user: user_id, file, contacted, reached.

    `file` is chosen, control or blank. `contacted`: told of the question, or of none in particular, on a day from the
    cutoff to the end of what the list speaks of. `reached`: chosen or contacted on such a day, on whatever question.
    """
    end = question.window(cutoff).end
    within = f"day >= DATE '{cutoff}' AND day < DATE '{end}'"
    mine, slug = list_sql(question, cutoff), question_sql(question)
    stood = {kind: _any_sql(f"own AND kind = '{kind}' AND {mine}") for kind in FILE}
    of_file = " ".join(f"WHEN {condition} THEN '{kind}'" for kind, condition in stood.items())
    of_question = f"kind = 'contacted' AND {within} AND (question IS NULL OR {slug})"
    any_contact = _any_sql(f"kind IN ({texts_sql(CONTACT)}) AND {within}")
    return (
        f"SELECT user_id, CASE {of_file} ELSE '' END AS file, {_any_sql(of_question)} AS contacted, "
        f"{any_contact} AS reached "
        f"FROM ({_by_person_sql(end)}) c WHERE cutoff = DATE '{cutoff}' OR ({within}) GROUP BY user_id"
    )


def _by_person_sql(end: date) -> str:
    """SQL for all contacts, which are `own`, and again for the user whose id was contacted.

    As that was known when the days asked about ended, by which labels are told too. On which side of a file a user
    stood was settled at the cutoff: there each id stands for itself.
    """
    others = ", ".join(name for name in CONTACTS if name != "user_id")
    known = f"{counts_at_sql('i', days_sql([end]))} AND i.person <> i.user_id"
    return (
        f"SELECT user_id, {others}, 1 = 1 AS own FROM {{contacts}} UNION ALL "
        f"SELECT i.person AS user_id, {others}, 1 = 0 AS own "
        f"FROM {{contacts}} c JOIN {JOINED_IDS} i ON c.user_id = i.user_id AND {known}"
    )


def _any_sql(condition: str) -> str:
    return f"COALESCE(MAX(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) = 1"


def quiet_sql(question: Question, tables: Tables, as_of: date, days: int) -> str:
    """SQL for the users who were contacted, on whatever question, in so many days before as_of; blank for nobody.

    By whichever of their ids that are known by then.

    What the question's own list of as_of led to does not count, so that the same run gives the same file.
    """
    if not days or not tables.exists("contacts"):
        return ""
    window = Window.lookback(as_of, days)
    own = f"question = '{question.slug}' AND cutoff = DATE '{as_of}'"
    contacted = (
        f"SELECT DISTINCT user_id FROM {{contacts}} WHERE day >= DATE '{window.start}' AND day < DATE '{window.end}' "
        f"AND kind IN ({texts_sql(CONTACT)}) AND NOT COALESCE({own}, FALSE)"
    )
    return persons_sql(contacted, as_of)


def with_resting_sql(rows: str, quiet: str) -> str:
    """SQL for rows of users with `resting`: who is among the users that `quiet_sql` gives."""
    if not quiet:
        return f"SELECT r.*, 1 = 0 AS resting FROM ({rows}) r"
    return (
        f"SELECT r.*, q.user_id IS NOT NULL AS resting FROM ({rows}) r LEFT JOIN ({quiet}) q ON r.user_id = q.user_id"
    )


def _replace(tables: Tables, rows: pd.DataFrame, where: str) -> None:
    if len(rows) or tables.exists("contacts"):
        tables.replace("contacts", rows.reindex(columns=list(CONTACTS)), where)
