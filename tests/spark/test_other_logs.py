"""Logs of other shapes, read by parameters alone: the stages on Delta tables. Their notebooks run in tests/job."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from datasets import cdnow, synthetic
from lib.config.stages import ExtractConfig
from lib.errors import PropensityError
from lib.stages import extract_features
from tests.builders.runs import World, as_told, asked


@pytest.fixture
def run(tables):
    """Runs all stages on the tables, as the job's notebooks would; returns the list that was published."""

    def run_stages(**changes):
        world = World()
        world.tables = tables
        extracted = extract_features.run(asked(ExtractConfig, **changes), tables, as_told)
        changes["resolved_as_of"] = extracted.cutoffs.as_of
        assert world.train(**changes).retrain_needed
        world.retrain(**changes)
        world.predict(**changes)
        world.publish(**changes)
        return tables.query("SELECT * FROM {audience}")

    return run_stages


def test_a_log_of_one_type_with_days_for_times(run, tmp_path):
    listed = run(
        events=cdnow.write(tmp_path), action="purchase", horizon_days=28, cohort_days=180, cadence_days=28,
        as_of="1998-04-01",
    )  # fmt: skip
    assert set(listed["question"]) == {"purchase_28d_cohort180d"}
    assert (len(set(listed["user_id"])), set(map(len, listed["user_id"]))) == (len(listed), {5})


def test_an_odd_sized_log_with_many_empty_days(run, tmp_path):
    log = pa.concat_tables(synthetic.generate(seed=7, users=333, days=171))
    kept = np.flatnonzero(np.random.default_rng(1).random(171) < 0.4)
    days = pa.array(np.datetime64("2024-01-01", "D") + kept)
    log = log.filter(pc.is_in(log["event_time"].cast(pa.date32()), value_set=days))
    names = {"user_id": "member", "event_time": "at", "event_type": "what"}
    pq.write_table(log.rename_columns([names.get(name, name) for name in log.column_names]), tmp_path / "log.parquet")
    listed = run(
        events=tmp_path / "log.parquet", event_columns="user_id=member,event_time=at,event_type=what",
        action="cook,favorite", horizon_days=10, cohort_days=60,
    )  # fmt: skip
    (slug,) = set(listed["question"])
    assert slug.startswith("cook_or_favorite_")
    assert set(listed["cutoff"]) == {days[-1].as_py()}  # a blank as_of: the last day with an event


ROWS = "user_id,event_time,event_type\n" + "".join(f"u1,2024-01-{day:02},view\n" for day in range(1, 32))


@pytest.mark.parametrize(("text", "parameters", "message"), [
    (ROWS.replace("user_id", "who", 1), {}, "SourceError: The events have no column 'user_id' for user_id in "),
    (ROWS, {"event_columns": "event_time=event_type", "as_of": "2024-01-31"}, "event_time in 31 rows, such as 'view'"),
    (ROWS.partition("\n")[0] + "\n", {}, "SourceError: The events are empty, or none has a readable event_time."),
    (ROWS + ",2024-01-09,view\n", {"as_of": "2024-01-31"}, "unreadable values: user_id in 1 rows, such as nothing"),
    (ROWS, {"action": "wiew"}, "SourceError: Nobody has ever done 'wiew' before 2024-01-31. Did you mean 'view'?"),
    (ROWS, {"as_of": "2024-03-01"}, "The events end on 2024-01-31 and as_of is 2024-03-01: 29 days are missing"),
    (ROWS, {"as_of": "2023-06-01"}, "hold nothing before as_of 2023-06-01. Run with a later as_of, or load older"),
    (ROWS, {}, "NotEnoughHistory: No cutoff is left to learn from: the log starts on 2024-01-01 and as_of is 2024-01"),
    (ROWS, {"horizon_days": "soon"}, "ConfigError: horizon_days must be a whole number >= 1, got 'soon'."),
    (None, {}, "cannot be read: Path does not exist: "),
], ids=["column", "type", "empty", "null user", "action", "beyond", "before", "history", "parameter",
        "file"])  # fmt: skip
def test_a_bad_input_is_one_clear_error(tables, tmp_path, text, parameters, message):
    file = tmp_path / "events.csv"
    if text:
        file.write_text(text)
    changes = {"events": file, "action": "view", "horizon_days": 28, "cohort_days": 90} | parameters
    with pytest.raises(PropensityError) as caught:
        extract_features.run(asked(ExtractConfig, **changes), tables, as_told)
    said = f"{type(caught.value).__name__}: {caught.value}"
    assert said.count(message) == 1, said


def test_a_parquet_column_of_a_wrong_type_is_named(tables, tmp_path):
    pq.write_table(pa.table({"user_id": ["u"], "event_time": [1.5], "event_type": ["view"]}), tmp_path / "e.parquet")
    with pytest.raises(PropensityError) as caught:
        extract_features.run(asked(ExtractConfig, events=tmp_path / "e.parquet", action="view"), tables, as_told)
    assert "Column 'event_time' of the events must be timestamp or timestamp_ntz or date" in str(caught.value)
    assert "found double. Say what the number counts: event_columns=event_time=timestamp_seconds(event_time)" in str(
        caught.value
    )
