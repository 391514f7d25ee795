"""Users with and without events, drawn on the days that matter, asked about by what they did and are."""

from collections import Counter

import pyarrow as pa
import pytest

from lib.attributes.columns import Attribute, Kind
from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.features.build import blank_rows
from lib.features.extraction import read_first_seen, write_features
from lib.features.vocabulary import choose_vocabulary
from lib.labels.cohorts import sizes_sql
from lib.labels.labels import labelled_cohort_sql
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from tests.builders.attributes import put_users
from tests.builders.newcomer_draws import CUTOFF, NAMES, ago, draw, true_labels

KINDS = (Kind.DATE, Kind.TEXT, Kind.NUMBER, Kind.FLAG)
ATTRIBUTES = [Attribute(name, kind, True) for name, kind in zip(NAMES, KINDS, strict=True)]


def home(made):
    tables, counts = MemoryTables(), Counter()
    for *event, number in made.events:
        counts[tuple(event)] += number
    rows = [
        {"user_id": user, "day": ago(day), "event_type": kind, "known_day": ago(known), "count": number, "value": 1.0}
        for (user, day, kind, known), number in counts.items()
    ]
    tables.replace("daily_activity", pa.Table.from_pylist(rows, arrow_schema(DAILY_ACTIVITY)), "1 = 1")
    put_users(tables, made.users, ATTRIBUTES)
    plan = {CUTOFF: choose_vocabulary(read_first_seen(tables, ago(-30)), CUTOFF, 24)}
    if not plan[CUTOFF].types:
        return None  # nobody did anything before
    write_features(tables, plan)
    tables.append("features", blank_rows(plan))
    return tables


@pytest.mark.parametrize("seeds", [range(20), range(20, 40)])
def test_who_is_asked_about_and_what_came_true_is_what_is_true_row_by_row(seeds):
    asked, new = 0, 0
    for seed in seeds:
        made = draw(seed)
        if (tables := home(made)) is None:
            continue
        question, true = Question.from_widgets((defaults() | made.texts).__getitem__), true_labels(made)
        rows = tables.query(labelled_cohort_sql(question, [CUTOFF], ago(-30)))
        labels = rows["label"].astype(int)
        assert sorted(zip(rows["user_id"], labels, strict=True)) == sorted(true.items()), (seed, made.texts)
        sizes = tables.query(sizes_sql(question, [CUTOFF]))["cohort"].tolist() or [0]
        assert sizes == [len(true)], (seed, made.texts)
        asked, new = asked + len(true), new + int((rows["tenure"] == 0).sum())
    assert asked > 25
    assert new > 3
