"""Undo what loads have done from a run on: the activity is as it was before, and what followed from it goes.

Features and outcomes are computed again by the next run, from the activity as it is then. The pair and the list that
were in use before are in use again. No decision, publication or verdict goes: each kind gains rows that say so.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from lib.config.bases import ModelConfig
from lib.config.question import Question
from lib.errors import SourceError
from lib.features.cache import drop_features
from lib.features.days import LATE_DAYS
from lib.features.named_note import TABLE, NamedNote, write_noted
from lib.features.read_again import note_read_again
from lib.features.remarks import ACCEPTED, MENDED, TOLD, read_remarks, write_remarks
from lib.models.pair import Pair
from lib.stages import publications
from lib.stages.context import Context
from lib.stages.earlier_lists import read_list_from_before
from lib.stages.records import (
    is_low_evidence,
    question_sql,
    read_decisions,
    read_lists,
    read_rows,
    read_verdicts,
    write_decision,
)
from lib.stages.undone import Since, find_undone
from lib.tables.protocol import Tables
from lib.tables.sql import texts_sql
from lib.timeline import Window

DATED = (("decisions", "as_of"), ("model_checks", "as_of"), ("publications", "cutoff"))  # where runs say their days


class KeepsVersions(Tables, Protocol):
    """Tables that go back to what they were."""

    def version_before(self, name: str, moment: datetime) -> int | None:
        """The newest version of a table from before a moment that can be read whole; None without one."""

    def restore(self, name: str, version: int) -> None:
        """Let a table be again what it was in a version, in one commit."""


def undo(contexts: Sequence[Context[ModelConfig]], tables: KeepsVersions, since: Since) -> list[str]:
    """Undo all loads of one schema from a run on, for all questions that it has; what was done, line by line.

    All that can be known to fail is found before anything is written. A call that was cut off is repeated.

    Raises
    ------
    SourceError
        If there is no activity.
    ModelError
        If the pair that was in use before cannot be loaded.
    """
    if not tables.exists("daily_activity"):
        raise SourceError("No events were read in this schema yet, so there is no load to undo.")
    undone = [find_undone(tables, context.config.question, since) for context in contexts]
    pairs = [_pair_before(context, runs) for context, runs in zip(contexts, undone, strict=True)]
    firsts = [_first_undone(tables, one.config.question, runs) for one, runs in zip(contexts, undone, strict=True)]
    drop_features(tables, "1 = 1")  # cached features are never of another activity: they go first
    named = _restore_named(tables, since)
    lines = [_restore_activity(tables, since, frozenset().union(*undone)), *named]
    for context, runs, first, pair in zip(contexts, undone, firsts, pairs, strict=True):
        said = _undo_question(context, since, runs, first, pair)
        lines += [f"{context.config.question}: {line}" for line in said]
    _mend_marks(tables, since, [day for day in firsts if day])
    return lines


def _restore_activity(tables: KeepsVersions, since: Since, undone: frozenset[str]) -> str:
    """Let the activity be as it was; where no version is left of then, its days are read again by the next run."""
    version = tables.version_before("daily_activity", since.moment)
    if version is not None:
        tables.restore("daily_activity", version)
        return f"daily_activity is as it was before run {since.run_id}; the next run computes all features again"
    first = note_read_again(tables, _first_day_touched(tables, undone))
    days = "all days" if first == date.min else f"all days from {first} on"
    return (
        f"daily_activity has no version from before run {since.run_id}: the next run reads {days} again, which the "
        "events have to hold yet, and computes all features again"
    )


def _first_day_touched(tables: Tables, undone: frozenset[str]) -> date:
    """The first day that the undone loads can have read: late rows and marked days included."""
    before = _read_days(tables, f"run_id NOT IN ({texts_sql(sorted(undone))})")
    if not before:
        return date.min
    start = max(before)
    marked = [one.days.start for one in read_remarks(tables) if one.days and one.said_on and one.said_on >= start]
    return min([Window.lookback(start, LATE_DAYS).start, *marked])


def _restore_named(tables: KeepsVersions, since: Since) -> list[str]:
    """Let the rows of named actions be those of the same moment: with them goes back by which actions they were read.

    Where none are left of then, the table is emptied, and the next run reads them from all events.
    """
    if not tables.exists(TABLE):
        return []
    version = tables.version_before(TABLE, since.moment)
    if version is not None:
        tables.restore(TABLE, version)
        return []
    write_noted(tables, NamedNote())  # first: a kill in between must leave no action that is noted and has no rows
    tables.delete(TABLE, "1 = 1")
    return ["named_activity has no version from before: the next run that asks reads named actions from all events"]


def _pair_before(context: Context[ModelConfig], undone: frozenset[str]) -> Pair | None:
    """The pair that was in use before, by the decisions of earlier runs."""
    decisions = read_decisions(context.tables, context.config.question)
    earlier = decisions[~decisions["run_id"].isin(undone) & decisions["prediction_version"].notna()]
    if earlier.empty:
        return None
    return context.registry.load(context.config.question, str(earlier["prediction_version"].iloc[-1]))


def _undo_question(
    context: Context[ModelConfig], since: Since, undone: frozenset[str], first: date | None, pair: Pair | None
) -> list[str]:
    config, tables, question = context.config, context.tables, context.config.question
    if first is None:
        return [f"no run from {since.run_id} on that is known has decided or published anything: nothing changes"]
    lines = _forget_outcomes(tables, question, first)
    lines += _take_pair_back(context, since, pair)
    _repeat_verdict(config, tables, since, undone, pair)
    lines += _take_list_back(config, tables, undone)
    return lines


def _first_undone(tables: Tables, question: Question, undone: frozenset[str]) -> date | None:
    """The first as_of of what is undone; None where nothing was judged, decided or published since."""
    where = f"{question_sql(question)} AND run_id IN ({texts_sql(sorted(undone))})"
    return min(_read_days(tables, where), default=None)


def _read_days(tables: Tables, where: str) -> set[date]:
    """The days of some runs' judgements, decisions and publications."""
    records = (read_rows(tables, name, where, f"DISTINCT {column} AS day") for name, column in DATED)
    return {day for rows in records if rows is not None for day in rows["day"]}


def _forget_outcomes(tables: Tables, question: Question, first: date) -> list[str]:
    """Remove the outcomes that were written since: the next run writes them by what is known then."""
    where = f"{question_sql(question)} AND as_of >= DATE '{first}'"
    rows = read_rows(tables, "outcomes", where, "DISTINCT cutoff")
    if rows is None:
        return []
    tables.delete("outcomes", where)
    return [f"outcomes of {len(rows)} lists, written since, are computed again by the next run"]


def _take_pair_back(context: Context[ModelConfig], since: Since, pair: Pair | None) -> list[str]:
    config, tables, registry = context.config, context.tables, context.registry
    champion = registry.champion(config.question)
    if pair is None:
        return [f"no pair was in use before; version {champion} stays, promote another or let the next run decide"]
    version = pair.prediction_version
    how = "stays in use" if champion == version else f"is in use again, in the place of {champion}"
    decisions = read_decisions(tables, config.question)
    write_decision(
        config, tables, decisions["as_of"].iloc[-1], "kept" if champion == version else "rolled_back", pair, "",
        f"The loads from run {since.run_id} on were undone: version {version} {how}.",
        low_evidence=is_low_evidence(tables, config.question, version),
    )  # fmt: skip
    if champion != version:
        registry.promote(config.question, version, decisions["as_of"].iloc[-1])
    return [f"version {version} {how}"]


def _repeat_verdict(
    config: ModelConfig, tables: Tables, since: Since, undone: frozenset[str], pair: Pair | None
) -> None:
    """Let the last verdict from before stand again, where undone activity led to another."""
    checks = read_verdicts(tables, config.question, pair.prediction_version) if pair else None
    if checks is None or checks["run_id"].iloc[0] not in undone:
        return
    earlier = checks[~checks["run_id"].isin(undone)]
    if len(earlier):
        last = earlier[earlier["run_id"] == earlier["run_id"].iloc[0]]
    else:  # as of any pair that was promoted and not judged since
        said = f"The loads from run {since.run_id} on were undone: it was promoted on the evidence before."
        last = checks.head(1).assign(
            answer="good", retrain_needed=False, reasons=said, metric=None, measured=None, low=None, high=None,
            threshold=None,
        )  # fmt: skip
    repeated = last.assign(run_id=config.run_id, as_of=checks["as_of"].iloc[0])
    tables.replace("model_checks", repeated, f"run_id = '{config.run_id}' AND {question_sql(config.question)}")


def _take_list_back(config: ModelConfig, tables: Tables, undone: frozenset[str]) -> list[str]:
    question = config.question
    present = read_lists(tables, question_sql(question))
    if present is None or present["run_id"].iloc[0] not in undone:
        return []
    before = read_list_from_before(question, tables, undone)
    if before is None:
        return [f"the list of {present['cutoff'].iloc[0]} stays, since none from before can be read"]
    listed, _ = publications.put_back(config, tables, before, "undone")
    return [
        f"the list of {listed['cutoff'].iloc[0]} is in use again, in the place of that of {present['cutoff'].iloc[0]}"
    ]


def _mend_marks(tables: Tables, since: Since, firsts: Sequence[date]) -> None:
    """Days that undone loads were told of, or accepted with, are as they were: no mark of theirs stays."""
    said = f"undone: the loads from run {since.run_id} on."
    undone = [
        replace(one, kind=MENDED, message=said)
        for one in read_remarks(tables)
        if one.kind in (TOLD, ACCEPTED) and one.said_on is not None and firsts and one.said_on >= min(firsts)
    ]
    for one in undone:
        write_remarks(tables, one.said_on or min(firsts), one.source, [one])
