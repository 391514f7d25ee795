"""Drawn questions asked of our SQL, and held against what is true."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.features import extraction, named
from lib.features.vocabulary import choose_vocabulary, type_column
from lib.labels.cohorts import sizes_sql
from lib.labels.labels import labelled_cohort_sql
from lib.tables.contracts import DAILY_ACTIVITY, NAMED_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from tests.builders import question_draws
from tests.builders.question_draws import Drawn, Event


def daily_rows(made: Drawn) -> list[dict[str, Any]]:
    """The log as `daily_activity` holds it: a row for each user, day, type and day of becoming known."""
    groups = defaultdict[tuple[str, date, str, date], list[Event]](list)
    for one in made.events:
        day = made.local_day(one.moment)
        groups[one.user, day, one.kind, max(day, made.local_day(one.known_from))].append(one)
    return [
        {
            "user_id": user, "day": day, "event_type": kind, "known_day": known, "count": sum(e.count for e in events),
            "value": sum(map(float, values)) if (values := [e.value for e in events if e.value is not None]) else None,
            "items": None,
        }
        for (user, day, kind, known), events in groups.items()
    ]  # fmt: skip


def named_rows(made: Drawn) -> list[dict[str, Any]]:
    """The events of its named actions as `named_activity` holds them, told event by event."""
    rows = []
    for one in question_of(made).named:
        events = tuple(replace(event, kind=one.kind) for event in made.events if made.is_done(event, one.name))
        rows += daily_rows(replace(made, events=events))
    return [{name: row[name] for name in NAMED_ACTIVITY} for row in rows]


def tables_of(made: Drawn, rows: Sequence[Mapping[str, Any]] | None = None) -> MemoryTables:
    """A home of a draw: its activity, or other rows of it, and the features of its cutoffs."""
    tables = MemoryTables()
    activity = pa.Table.from_pylist(daily_rows(made) if rows is None else list(rows), arrow_schema(DAILY_ACTIVITY))
    tables.replace("daily_activity", activity, "1 = 1")
    first_seen = extraction.read_first_seen(tables, max(made.cutoffs))
    extraction.write_features(tables, {day: choose_vocabulary(first_seen, day, 24) for day in made.cutoffs})
    put_named(tables, made)
    return tables


def put_named(tables: MemoryTables, made: Drawn) -> None:
    """Keep the events of the named actions of a draw, and their features at its cutoffs."""
    if kinds := [one.kind for one in question_of(made).named]:
        own = pa.Table.from_pylist(named_rows(made), arrow_schema(NAMED_ACTIVITY))
        tables.replace("named_activity", own, "1 = 1")
        tables.replace("named_features", named.SCHEMA.empty_table(), "1 = 1")
        named.build_missing(tables, named.read_first_days(tables, kinds, max(made.cutoffs)), made.cutoffs)


def question_of(made: Drawn) -> Question:
    """The question of a draw."""
    return Question.from_widgets((defaults() | made.texts).__getitem__)


def check_draw(seed: int) -> tuple[int, int]:
    """Hold one draw against the truth: how many labelled rows it has, and how many of label 1."""
    made = question_draws.draw(seed)
    question, tables = question_of(made), tables_of(made)
    labelled = tables.query(labelled_cohort_sql(question, made.cutoffs, made.as_of))
    sizes = tables.query(sizes_sql(question, made.cutoffs)).set_index("cutoff")["cohort"]
    for cutoff in made.cutoffs:
        cohort = question_draws.true_cohort(made, cutoff)
        rows = labelled[labelled["cutoff"] == cutoff]
        assert sorted(rows["user_id"]) == sorted(cohort), (seed, str(question))
        assert int(sizes.get(cutoff, 0)) == len(cohort), (seed, str(question))
        told = dict(zip(rows["user_id"], rows["label"].astype(int), strict=True))
        assert told == {user: question_draws.true_label(made, cutoff, user) for user in cohort}, (seed, str(question))
        check_counts(made, cutoff, rows)
    return len(labelled), int(labelled["label"].sum())


def check_counts(made: Drawn, cutoff: date, rows: pd.DataFrame) -> None:
    """Hold the numbers of events of named actions, in windows before a cutoff, against the truth."""
    now = made.midnight(cutoff)
    for one in question_of(made).named:
        before = [e for e in made.events if made.is_done(e, one.name) and e.moment < now and e.known_from < now]
        for days in (7, 28, 90, 0):
            since = made.midnight(cutoff - timedelta(days=days)) if days else None
            inside = [e for e in before if since is None or e.moment >= since]
            name = type_column(one.kind, f"events_{days or 'all'}")
            told = dict(zip(rows["user_id"], rows[name].fillna(0).astype(int), strict=True))
            true = Counter(e.user for e in inside for _ in range(e.count))
            assert told == {user: true[user] for user in told}, (str(question_of(made)), cutoff, name)
