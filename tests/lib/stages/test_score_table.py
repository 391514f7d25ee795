"""A table of scores from elsewhere: held against what happened on the rows that models are judged on, never used."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss

from lib.features.source_note import SOURCE, SourceNote
from tests.builders.runs import AS_OF, NEXT, ago

TABLE = "main.graphs.scores"
HOLDOUT = AS_OF  # of the run at NEXT: the day of the first list
BEGINS = datetime.combine(HOLDOUT, time.min, UTC)
IN_TIME = BEGINS - timedelta(seconds=1)
TOUCHED = ["decisions", "predictions", "audience", "publications", "outcomes"]


@pytest.fixture
def judged(world):
    """A home at its second run, and the cohort of the holdout with what happened."""
    world.extract(NEXT)
    rows = world.tables.query(
        "SELECT f.user_id, f.cutoff, EXISTS (SELECT 1 FROM {daily_activity} a WHERE a.user_id = f.user_id AND "
        "a.event_type = 'buy' AND a.day >= f.cutoff AND a.day < f.cutoff + 7) AS acted FROM {features} f "
        f"WHERE f.cutoff = DATE '{HOLDOUT}' AND f.recency <= 28 ORDER BY f.user_id"
    )
    return world, rows


def scores(rows, score):
    return rows[["user_id", "cutoff"]].assign(score=score)


def lines(world, *versions, **changes):
    """What the check says of a table with some versions: moments and rows."""
    world.tables.others[TABLE] = [(at, pa.Table.from_pandas(rows, preserve_index=False)) for at, rows in versions]
    said = world.train(run_id="run-2", score_table=TABLE, **changes).summary.splitlines()
    first = next(place for place, line in enumerate(said) if line.startswith("Table of scores"))
    return said[first:]


def test_scores_that_know_much_are_measured_beside_the_champion(judged):
    world, rows = judged
    score = np.where(rows["acted"], 0.7, 0.1)
    first, second = lines(world, (IN_TIME, scores(rows, score)))
    loss = f"{log_loss(rows['acted'], score):.4f}"
    counts = f"{len(rows)} rows, {rows['acted'].sum()} positive"
    assert first.startswith(f"Table of scores {TABLE} ({HOLDOUT}; {counts}): log loss {loss} (")
    ours = world.tables.query("SELECT user_id, propensity FROM {predictions}").set_index("user_id")["propensity"]
    apart = log_loss(rows["acted"], ours[rows["user_id"]]) - float(loss)
    told = (
        r"than that of the models in use on the same rows; the probability that it is better is 100\.0%\. It is "
        r"compared, and never put in use\."
    )
    assert re.fullmatch(rf"  Its log loss is {apart:.4f} lower \(.*\) {told}", second)


def test_it_touches_nothing_whatever_it_says(judged):
    world, rows = judged
    twin = world.copy()
    lines(world, (IN_TIME, scores(rows, np.where(rows["acted"], 0.9, 0.01))))
    checked = twin.train(run_id="run-2")
    assert world.differs(twin, [name for name in (*TOUCHED, "model_checks") if twin.tables.exists(name)]) == []
    assert world.registry.aliases == twin.registry.aliases
    assert not [line for line in checked.summary.splitlines() if "Table of scores" in line]


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=9)])
def test_what_was_written_when_the_label_window_had_begun_is_not_comparable(judged, late):
    world, rows = judged
    (line,) = lines(world, (BEGINS + late, scores(rows, 0.5)))
    assert line == (
        f"Table of scores {TABLE}: not comparable. Its history shows no version from before {HOLDOUT}T00:00:00+00:00, "
        f"when the label window of {HOLDOUT} began: scores that were written later may know what happened. Write them "
        "before, and keep the table's history, by delta.logRetentionDuration, until the horizon has ended."
    )


def test_rows_that_were_changed_later_count_as_they_stood(judged):
    world, rows = judged
    honest, known = scores(rows, 0.2), scores(rows, np.where(rows["acted"], 0.99, 0.01))
    changed = lines(world, (IN_TIME, honest), (BEGINS, known))
    assert changed == lines(world, (IN_TIME, honest))
    assert changed != lines(world, (IN_TIME, known))


def test_a_day_begins_at_the_midnight_of_the_log_s_zone(judged):
    world, rows = judged
    note = SourceNote("e", {}, (), None, time_zone="Pacific/Auckland")
    world.tables.set_property("daily_activity", SOURCE, note.to_json())
    (line,) = lines(world, (BEGINS - timedelta(hours=12), scores(rows, 0.5)))
    assert f"no version from before {HOLDOUT}T00:00:00+12:00, when" in line
    assert len(lines(world, (BEGINS - timedelta(hours=12, seconds=1), scores(rows, 0.5)))) == 2


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda rows: rows.iloc[1:], "1 of {n} users of the cohort have no score that was written in time, such as "
     "{first!r} at {day}. Score the whole cohort: who is left out may be who is hard to tell."),
    (lambda rows: pd.concat([rows, rows.head(1)]), "User {first!r} stands there more than once at {day}. Give each "
     "user one score."),
    (lambda rows: rows.assign(score=[1.5, *rows["score"][1:]]), "The score of user {first!r} at {day} is 1.5, no "
     "probability between 0 and 1."),
    (lambda rows: rows.assign(score=[np.nan, *rows["score"][1:]]), "The score of user {first!r} at {day} is nan, no "
     "probability between 0 and 1."),
    (lambda rows: rows.assign(cutoff=ago(0)), "{n} of {n} users of the cohort have no score that was written in time, "
     "such as {first!r} at {day}. Score the whole cohort: who is left out may be who is hard to tell."),
])  # fmt: skip
def test_what_is_wrong_with_a_table_is_named_and_stops_nothing(judged, spoil, message):
    world, rows = judged
    (line,) = lines(world, (IN_TIME, spoil(scores(rows, 0.5))))
    said = message.format(n=len(rows), first=rows["user_id"][0], day=HOLDOUT)
    assert line == f"Table of scores {TABLE}: not comparable. {said}"


def test_beside_a_pair_that_knows_the_days_or_none_it_is_measured_alone(judged):
    world, rows = judged
    ((key, pair),) = world.registry.pairs.items()
    world.registry.pairs[key] = replace(pair, trained_through=HOLDOUT.isoformat())
    (second,) = lines(world, (IN_TIME, scores(rows, 0.5)))[1:]
    assert second == f"  The pair in use has learnt through {HOLDOUT}, and is not compared on days that it knows."
    world.registry.aliases.clear()
    assert lines(world, (IN_TIME, scores(rows, 0.5)))[1:] == ["  No pair is there to compare it with."]
