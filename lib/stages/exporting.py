"""The files that come with a list: whom to contact, and beside it whom to leave alone as the comparison."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import PurePath

import pandas as pd
import pyarrow as pa

from lib.audience.contacts import Chosen, choose_contacts, format_contacts
from lib.audience.effects import with_effects
from lib.audience.exports import normalise_email, normalise_phone, write_file
from lib.audience.files import Drafts
from lib.audience.release import STAYS
from lib.config.exports import Export
from lib.config.formats import IDENTIFIERS, read_format
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.errors import PublishRefused, SourceError
from lib.sources.user_lists import read_users
from lib.stages.advising import find_effect
from lib.stages.contacting import FILE, quiet_sql, take_contacted, write_chosen
from lib.stages.earlier_lists import read_list_of
from lib.stages.ledger import read_outcomes
from lib.stages.listed import list_again
from lib.stages.nearby import Near, hold_near
from lib.stages.records import list_sql, question_sql, read_rows
from lib.stages.suppressing import find_left_out, read_last_lists
from lib.tables.protocol import Tables
from lib.tables.schemas import to_arrow, to_pandas

_NORMALISE = {"email": normalise_email, "phone": normalise_phone}


@dataclass(frozen=True)
class Files:
    """What is to be written of a list."""

    near: Near  # rows of `audience`, with identifiers where they are known, and `kind`: of the file, or the one beside
    chosen: int  # users in the file
    control: int  # in the file beside it
    nameless: int  # chosen users without an identifier that the format matches by

    def read(self, kind: str) -> Iterator[pd.DataFrame]:
        """The rows of a file, whom to contact first on top, so many at a time."""
        rows = f"SELECT * FROM ({self.near.sql}) f WHERE kind = '{kind}' ORDER BY place"
        return map(to_pandas, self.near.tables.batches(rows))

    def format(self, export: Export) -> list[str]:
        """Say what is in the files."""
        lines = [
            f"In the file, {export.format}: {self.chosen} users to contact; beside it, as the comparison, "
            f"{self.control} held out who would have been among them."
        ]
        names = " or ".join(_matched_by(export))
        return lines + ([f"  {self.nameless} more have no {names}, and are not in it."] if self.nameless else [])


def prepare_files(export: Export, tables: Tables, chosen: Chosen, listed: Near) -> Files:
    """Join what a channel matches users by, and leave out who has none of it: those chosen and the comparison alike.

    Parameters
    ----------
    listed : rows of `audience`
        All that was chosen from.

    Raises
    ------
    PublishRefused
        If the identifiers cannot be read, or name a user twice.
    """
    ranks = [*chosen.rows["rank"], *chosen.control["rank"]]  # by which a list knows its users apart
    listed.tables.lend("chosen_ranks", pa.table({
        "rank": pa.array(ranks, pa.int32()), "place": pa.array(range(len(ranks)), pa.int32()),
        "beside": pa.array([False] * len(chosen.rows) + [True] * len(chosen.control), pa.bool_()),
    }))  # fmt: skip
    kind = "CASE WHEN c.beside THEN 'control' ELSE 'chosen' END AS kind"
    sql = f"SELECT l.*, c.place, {kind} FROM ({listed.sql}) l JOIN chosen_ranks c ON l.rank = c.rank"
    if not export.identifiers:
        return Files(replace(listed, sql=sql), len(chosen.rows), len(chosen.control), 0)
    listed.tables.lend("identified", _read_identifiers(export, tables))
    names = ", ".join(f"COALESCE(i.{name}, '') AS {name}" for name in IDENTIFIERS)
    joined = f"SELECT s.*, {names} FROM ({sql}) s LEFT JOIN identified i ON s.user_id = i.user_id"
    if not read_format(export.format).user:  # else the user's own id is enough
        has_any = " OR ".join(f"{name} <> ''" for name in _matched_by(export))
        joined = f"SELECT * FROM ({joined}) j WHERE {has_any}"
    counted = listed.tables.query(f"SELECT kind, COUNT(*) AS users FROM ({joined}) f GROUP BY kind")
    users = dict.fromkeys(FILE, 0) | dict(zip(counted["kind"], map(int, counted["users"]), strict=True))
    return Files(replace(listed, sql=joined), users["chosen"], users["control"], len(chosen.rows) - users["chosen"])


def _read_identifiers(export: Export, tables: Tables) -> pa.Table:
    try:
        known = read_users(export.identifiers, tables, IDENTIFIERS)
    except SourceError as error:
        raise PublishRefused(f"export_identifiers: {error} {STAYS}") from error
    twice = int(known["user_id"].duplicated().sum())
    if twice:
        raise PublishRefused(f"{export.identifiers} has {twice} rows of users who stand there already. {STAYS}")
    columns = {name: known[name].map(_NORMALISE[name]) for name in IDENTIFIERS}
    return pa.table({"user_id": pa.array(known["user_id"], pa.string()),
                     **{name: pa.array(texts, pa.string()) for name, texts in columns.items()}})  # fmt: skip


def draft_files(export: Export, question: Question, files: Files, drafts: Drafts) -> None:
    """Write both files beside their places."""
    wanted = read_format(export.format)
    for target, kind in ((export.file, "chosen"), (control_file(export.file), "control")):
        read = partial(files.read, kind)
        write = partial(write_file, read=read, wanted=wanted, chosen_columns=export.columns, question=question.slug)
        drafts.add(target, write)


def control_file(target: str) -> str:
    """The file beside a list's, of users to leave alone."""
    path = PurePath(target)
    return str(path.with_name(f"{path.stem}.control{path.suffix}"))


def _matched_by(export: Export) -> list[str]:
    return [name for name in IDENTIFIERS if getattr(read_format(export.format), name)]


def export_list(config: PublishConfig, tables: Tables, cutoff: date | None) -> list[str]:
    """Make the files of a published list by hand; what they hold is noted as of a run.

    Parameters
    ----------
    cutoff : date or None
        Of a list that was in use and whose version can still be read; None: of the present one.

    Returns
    -------
    list of str
        What was written, line by line.

    Raises
    ------
    PublishRefused
        If there is no such list, or a list of users to leave out cannot be read: nothing was written then.
    """
    question = config.question
    ranked = _read_list(question, tables, cutoff)
    day = ranked["cutoff"].iloc[0]
    take_contacted(config.contacted, tables)
    (scored,) = hold_near(to_arrow("audience", ranked))
    names = config.suppress or read_last_lists(question, tables) or ()
    left_out = find_left_out(names, question, tables, day, scored, len(ranked))
    quiet = quiet_sql(question, tables, day, config.contacts.quiet_days)
    resting: list[str] = tables.query(quiet)["user_id"].tolist() if quiet else []
    listed = list_again(ranked, left_out)
    listed = listed.assign(resting=listed["user_id"].isin(resting))
    effect = find_effect(question, read_outcomes(config, tables, day))
    wanted = config.contacts
    chosen = choose_contacts(with_effects(listed, effect, wanted.value_of_action, wanted.cost_of_contact), wanted)
    again = to_arrow("audience", listed).append_column("resting", pa.array(listed["resting"], pa.bool_()))
    files = prepare_files(config.export, tables, chosen, hold_near(again)[0])
    with Drafts() as drafts:
        draft_files(config.export, question, files, drafts)
        write_chosen(question, tables, day, config.export, files.near)
        drafts.keep()
    head = f"The list of {day} for {question}, written to {config.export.file}."
    return [head, *left_out.format(), *format_contacts(chosen, len(ranked), config.contacts, question.words),
            *files.format(config.export)]  # fmt: skip


def _read_list(question: Question, tables: Tables, cutoff: date | None) -> pd.DataFrame:
    """The present list, or the one of an earlier cutoff that went out of use last."""
    mine = question_sql(question)
    where = mine if cutoff is None else list_sql(question, cutoff)
    present = read_rows(tables, "audience", where, "*", "ORDER BY rank")
    if present is not None:
        return present
    earlier = read_list_of(question, tables, cutoff) if cutoff else None
    if earlier is not None:
        return earlier
    what = f"No list of {cutoff}" if cutoff else "No list"
    raise PublishRefused(
        f"{what} for {question} was published, or can still be read. ./propensity audience names the lists that were."
    )
