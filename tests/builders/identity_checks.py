"""Drawn joins read by our SQL, and held against what is true."""

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd
import pyarrow as pa
from pandas.testing import assert_frame_equal

from lib.features import extraction
from lib.features.vocabulary import choose_vocabulary
from lib.identities.resolving import resolve
from lib.labels.cohorts import sizes_sql
from lib.labels.labels import labelled_cohort_sql
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.protocol import Tables
from lib.tables.schemas import arrow_schema
from tests.builders import identity_draws
from tests.builders.identity_draws import FEATURES, Persons
from tests.builders.question_checks import check_counts, daily_rows, put_named, question_of

JOINS = pa.schema([
    ("user_id", pa.string()), ("person", pa.string()), ("known_time", pa.timestamp("us")), ("known_day", pa.date32()),
])  # fmt: skip


def put_identities(tables: Tables, rows: Iterable[Mapping[str, object]]) -> None:
    """Keep joins (dictionaries of user_id, person, known_time, known_day) as a run does that has read them."""
    tables.lend("joins", pa.Table.from_pylist(list(rows), JOINS))
    tables.replace("identities", tables.rows(resolve(tables, "joins")), "1 = 1")


def tables_of(persons: Persons, types: tuple[str, ...] = ()) -> MemoryTables:
    """A home of a draw: activity by ids, joins, and the features of its cutoffs."""
    tables, made = MemoryTables(), persons.made
    activity = pa.Table.from_pylist(daily_rows(made), arrow_schema(DAILY_ACTIVITY))
    tables.replace("daily_activity", activity, "1 = 1")
    put_identities(tables, identity_draws.rows_of(persons))
    first_seen = extraction.read_first_seen(tables, max(made.cutoffs))
    extraction.write_features(tables, {day: choose_vocabulary(first_seen, day, 24) for day in made.cutoffs})
    put_named(tables, made)
    return tables


def read_features(tables: MemoryTables, cutoff: date) -> pd.DataFrame:
    """The features of a cutoff, by user."""
    sql = f"SELECT * FROM {{features}} WHERE cutoff = DATE '{cutoff}' ORDER BY user_id"
    return tables.query(sql).drop(columns="cutoff").set_index("user_id")


def check_draw(seed: int) -> tuple[int, int]:
    """Hold one draw against the truth: how many labelled rows it has, and how many of label 1."""
    persons = identity_draws.draw(seed)
    made, tables = persons.made, tables_of(persons)
    question = question_of(made)
    labelled = tables.query(labelled_cohort_sql(question, made.cutoffs, made.as_of))
    sizes = tables.query(sizes_sql(question, made.cutoffs)).set_index("cutoff")["cohort"]
    for cutoff in made.cutoffs:
        features = read_features(tables, cutoff)[FEATURES].astype(float)
        assert_frame_equal(features, identity_draws.true_features(persons, cutoff), check_names=False, obj=str(seed))
        cohort = identity_draws.true_cohort(persons, cutoff)
        rows = labelled[labelled["cutoff"] == cutoff]
        assert sorted(rows["user_id"]) == sorted(cohort), (seed, str(question))
        assert int(sizes.get(cutoff, 0)) == len(cohort), (seed, str(question))
        told = dict(zip(rows["user_id"], rows["label"].astype(int), strict=True))
        truth = {user: identity_draws.true_label(persons, cutoff, user) for user in cohort}
        assert told == truth, (seed, str(question))
        check_counts(identity_draws.seen_at(persons, cutoff), cutoff, rows)
    return len(labelled), int(labelled["label"].sum())
