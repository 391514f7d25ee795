"""The lists of a question over time: the one before, what is written of each, and the way back to an earlier one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from lib.audience import release
from lib.audience.contacts import Chosen
from lib.audience.release import ListDifference, Move
from lib.audience.uplift import Learnt
from lib.config.bases import StageConfig
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.errors import PublishRefused
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure_share
from lib.labels import sampling
from lib.report.facts import Facts
from lib.stages import earlier_lists
from lib.stages.advising import read_advice
from lib.stages.context import Context
from lib.stages.listed import list_again
from lib.stages.nearby import hold_near
from lib.stages.records import list_sql, question_sql, read_lists, read_rows
from lib.stages.segments import count_segments
from lib.stages.suppressing import LeftOut, find_left_out, read_last_lists, read_left_out, write_left_out
from lib.tables.contracts import CONTRACTS, PUBLICATIONS
from lib.tables.protocol import Tables
from lib.tables.schemas import to_arrow
from lib.timeline import Cutoffs

MADE = "('published', 'recorded')"  # kinds of publications that a run wrote; the others were lists before


def find_last_cutoff(question: Question, tables: Tables, cutoff: date) -> date | None:
    """The cutoff of the last list before; None where none was ever published, or recorded without being in use."""
    before = f"{question_sql(question)} AND cutoff < DATE '{cutoff}'"
    # A kill may have left a list that no publication tells of.
    made = read_rows(tables, "publications", f"kind IN {MADE} AND {before}", "DISTINCT cutoff")
    sources = made, read_lists(tables, before)
    return max((rows["cutoff"].max() for rows in sources if rows is not None), default=None)


def read_base_rate(question: Question, tables: Tables, cutoffs: Cutoffs) -> Measured:
    """How many of the cohort of the newest matured cutoff acted.

    Raises
    ------
    PublishRefused
        If that cohort is empty.
    """
    sizes = tables.query(sampling.cohort_sizes_sql(question, [cutoffs.holdout], cutoffs.as_of))
    if sizes.empty:
        raise PublishRefused(
            f"Nobody was in the cohort of {cutoffs.holdout}, the newest cutoff whose outcome is known: there is "
            f"nothing to hold the list against. Look at the source, or lengthen cohort_days. {release.STAYS}"
        )
    return measure_share(int(sizes["acted"].iloc[0]), int(sizes["users"].iloc[0]))


def publication_row(
    config: PublishConfig,
    tables: Tables,
    ranked: pd.DataFrame,
    difference: ListDifference | None,
    last: date | None,
    rate: Measured,
    kind: str,
) -> dict[str, Any]:
    """The row of `publications` for a list that is about to be `published` or `recorded`."""
    return _row(config, tables, ranked, kind) | {
        "base_rate": rate.value, "held_out_share": config.held_out_share, "seed": config.seed,
        "hold_out_for": config.hold_out_for, "previous_cutoff": last, **release.difference_columns(difference),
    }  # fmt: skip


def report_facts(
    context: Context[PublishConfig],
    ranked: pd.DataFrame,
    row: Mapping[str, Any],
    chosen: Chosen,
    learnt: Learnt,
    moves: Sequence[Move],
    outcomes_known: pd.DataFrame,
) -> Facts:
    """All that the report of a list tells, as it was known at the list's cutoff; so were the outcomes given."""
    config, tables = context.config, context.tables
    as_of, mine = ranked["cutoff"].iloc[0], question_sql(config.question)
    notes = context.registry.notes(config.question, ranked["prediction_version"].iloc[0])
    until_then = f"{mine} AND as_of <= DATE '{as_of}'"

    def rows(name: str, where: str) -> pd.DataFrame:
        stored = read_rows(tables, name, where)
        return pd.DataFrame(columns=list(CONTRACTS[name])) if stored is None else stored

    checks = rows("model_checks", until_then)
    return Facts(
        question=config.question, as_of=as_of, run_id=config.run_id, audience=ranked, moves=moves, publication=row,
        outcomes=outcomes_known, checks=checks, contacts=config.contacts, free=chosen.free, currency=config.currency,
        advice=read_advice(
            context, ranked, row["previous_cutoff"], chosen, learnt, outcomes_known, checks, row["base_rate"]
        ),
        segments=count_segments(config.segments, tables, ranked, as_of),
        drift=rows("drift", f"run_id = '{config.run_id}' AND {until_then} ORDER BY psi DESC, feature"),
        decisions=rows("decisions", f"{until_then} ORDER BY number"),
        importances=pd.DataFrame(list(notes.importances), columns=["name", "mean", "std"]),
        evidence=pd.DataFrame(list(notes.deciles), columns=["decile", "users", "expected", "observed"]),
    )  # fmt: skip


def record_publication(config: StageConfig, tables: Tables, row: Mapping[str, Any]) -> None:
    """Write a publication down, in the place of what the same run wrote of the same cutoff."""
    rows = pd.DataFrame([row], columns=list(PUBLICATIONS))
    where = f"run_id = '{row['run_id']}' AND kind = '{row['kind']}' AND {list_sql(config.question, row['cutoff'])}"
    tables.replace("publications", rows, where)


@dataclass(frozen=True)
class ListRollback:
    """What a rollback did."""

    cutoff: date
    summary: str


def rollback(config: StageConfig, tables: Tables) -> ListRollback:
    """Put the list in use again that was before the present one: its rows as they were, and no other list's.

    Raises
    ------
    PublishRefused
        If there is no list, or none from before can be read. Nothing was changed then.
    """
    mine = question_sql(config.question)
    present = read_rows(tables, "audience", mine, "run_id, cutoff, COUNT(*) AS users", "GROUP BY run_id, cutoff")
    if present is None:
        raise PublishRefused(f"There is no list for {config.question}. Run the job first.")
    of_present = present["cutoff"].iloc[0]
    before = earlier_lists.read_list_before(config.question, tables, present)
    if before is None:
        raise PublishRefused(
            f"The list of {of_present} is the first for {config.question} that can still be read: there is none to "
            "go back to. It stays."
        )
    listed, left_out = put_back(config, tables, before, "rolled_back")
    cutoff: date = listed["cutoff"].iloc[0]
    back = (
        f"The list of {cutoff} is in use again for {config.question}: {len(listed)} users, in the place of the list of "
        f"{of_present} with {present['users'].iloc[0]}."
    )
    return ListRollback(cutoff, "\n".join([back, *left_out.format()]))


def put_back(config: StageConfig, tables: Tables, before: pd.DataFrame, kind: str) -> tuple[pd.DataFrame, LeftOut]:
    """Put an earlier list in use again without whom it may not name by now, and write that down as this kind.

    Returns its rows, and who was left out.
    """
    question = config.question
    listed, left_out = _without_suppressed(question, tables, before)
    write_left_out(question, tables, listed["cutoff"].iloc[0], left_out.rows)
    earlier_lists.keep_list(question, tables)
    tables.replace("audience", listed, question_sql(question))
    record_publication(config, tables, _row(config, tables, listed, kind) | left_out.columns())
    return listed, left_out


def _without_suppressed(question: Question, tables: Tables, ranked: pd.DataFrame) -> tuple[pd.DataFrame, LeftOut]:
    """A list of before without the users whom the newest list was to leave out, by what these lists say now."""
    cutoff, names = ranked["cutoff"].iloc[0], read_last_lists(question, tables) or {}
    earlier = read_left_out(question, tables, cutoff)
    (scored,) = hold_near(to_arrow("audience", ranked))
    now = find_left_out(names, question, tables, cutoff, scored, len(ranked))
    rows = pd.concat([earlier, now.rows], ignore_index=True)
    both = replace(now, rows=rows.drop_duplicates("user_id"), scored=len(ranked) + len(earlier))
    return list_again(ranked, now), both


def _row(config: StageConfig, tables: Tables, rows: pd.DataFrame, kind: str) -> dict[str, Any]:
    """What is told of any list: of the run that made it, and how many users it has."""
    first = rows.iloc[0]
    # what the same run wrote of the same list is replaced, and does not count
    same = f"run_id = '{config.run_id}' AND kind = '{kind}' AND cutoff = DATE '{first['cutoff']}'"
    others = read_rows(tables, "publications", f"{question_sql(config.question)} AND NOT ({same})")
    return dict.fromkeys(PUBLICATIONS) | {
        "question": config.question.slug, "run_id": config.run_id, "cutoff": first["cutoff"], "kind": kind,
        "number": 1 if others is None else int(others["number"].max()) + 1,
        "preprocessing_version": first["preprocessing_version"], "prediction_version": first["prediction_version"],
        "users": len(rows), "mean_propensity": float(rows["propensity"].mean()), "repair_count": config.repair_count,
    }  # fmt: skip
