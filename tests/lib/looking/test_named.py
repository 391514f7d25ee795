"""Named actions where nothing has started yet: what a look shows of them, and what columns cannot tell."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.events import Events
from lib.config.question import Question
from lib.config.question_kinds import named_actions
from lib.errors import ConfigError, SourceError
from lib.looking.format import format_look
from lib.looking.look import look
from lib.looking.named import SeenFiles, check_files_tell

START = datetime(2024, 1, 1)  # noqa: DTZ001 - as a file has it
TEXT = "big=buy WHERE to_number(points) > 50, milk=buy WHERE category = 'dairy'"


def rows():
    """Twenty users who view each day and buy now and then, for 0 to 99."""
    made = []
    for day in range(120):
        for user in range(20):
            moment = START + timedelta(days=day, hours=user)
            made.append((f"u{user}", moment, "view", None, "dairy"))
            if (day + 3 * user) % 7 == 0:
                made.append((f"u{user}", moment, "buy", str((day * 37 + user * 11) % 100), ("dairy", "meat")[day % 2]))
    return pd.DataFrame(made, columns=["user_id", "event_time", "event_type", "points", "category"])


def events(place, **said):
    return Events.from_widgets((defaults() | {"events": str(place)} | said).__getitem__)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_look_counts_them_and_says_how_many_do_them(tmp_path, ending):
    log, file = rows(), tmp_path / f"log.{ending}"
    log.to_csv(file, index=False) if ending == "csv" else log.to_parquet(file, index=False)
    named = named_actions().read("actions", TEXT)
    seen = look(events(file), date(2024, 4, 30), named)
    buys = log[log["event_type"] == "buy"]
    chosen = {"big": buys[buys["points"].astype(float) > 50], "milk": buys[buys["category"] == "dairy"]}
    assert {one.name: (one.events, one.users.number) for one in seen.measures.named} == {
        name: (len(own), own["user_id"].nunique()) for name, own in chosen.items()
    }
    cutoff = log["event_time"].max().normalize() + timedelta(days=1) - timedelta(days=7)
    for one in seen.measures.named:
        own = chosen[one.name]
        assert one.rates[7] == own[own["event_time"] >= cutoff]["user_id"].nunique() / 20
    assert seen.measures.events == len(log)  # they add nothing
    assert any(line.endswith("buy WHERE category = 'dairy'") for line in format_look(seen, {}))


def test_a_look_tells_of_conditions_that_cannot_be_read(tmp_path):
    log = rows()
    log.loc[log["points"] == log["points"].dropna().iloc[0], "points"] = "free"
    log.to_csv(tmp_path / "log.csv", index=False)
    seen = look(events(tmp_path), None, named_actions().read("actions", TEXT))
    many, example = seen.measures.unclear
    assert many > 0
    assert f"! a condition of actions cannot be read in {many} rows, such as {example!r}" in format_look(seen, {})
    assert example == "big: free"


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (
            "big=buy WHERE brand = 'x'",
            r"actions: big: cannot read .*: the events have no column 'brand'; found: user_id",
        ),
        ("big=buy WHERE points > 50", r"actions: big: cannot read .*: > was given a text, a whole number"),
        ("big=buy WHERE categori = 'x'", r"actions: big: .*'categori'; did you mean 'category'\?"),
        ("big=buy WHERE hour(points) > 1", r"actions: big: cannot read .*: hour takes a time here, found a text"),
    ],
)
def test_what_columns_cannot_tell_is_refused_before_anything_starts(tmp_path, actions, message):
    rows().head(50).to_csv(tmp_path / "log.csv", index=False)
    question = Question.of({"action": "big", "actions": actions})
    with pytest.raises(ConfigError, match=message):
        check_files_tell(events(tmp_path / "log.csv"), question, SeenFiles())


def test_a_name_that_is_an_event_type_is_refused_before_anything_starts(tmp_path):
    rows().head(50).rename(columns={"event_type": "what"}).to_csv(tmp_path / "log.csv", index=False)
    question = Question.of({"action": "view", "actions": "view=buy WHERE category = 'dairy'"})
    log = events(tmp_path / "log.csv", event_columns="event_type=what")
    with pytest.raises(SourceError, match="actions names 'view', and the events have a type of that name"):
        check_files_tell(log, question, SeenFiles())
    check_files_tell(log, Question.of({"action": "see", "actions": "see=view WHERE category = 'dairy'"}), SeenFiles())


def test_one_of_several_sources_may_have_the_column_and_what_is_not_seen_here_is_left_to_the_run(tmp_path):
    rows().head(50).to_csv(tmp_path / "log.csv", index=False)
    rows().head(50).drop(columns="category").to_csv(tmp_path / "other.csv", index=False)
    more = f'[{{"events": "{tmp_path / "log.csv"}"}}]'
    question = Question.of({"action": "milk", "actions": "milk=buy WHERE category = 'dairy'"})
    check_files_tell(events(tmp_path / "other.csv", more_sources=more), question, SeenFiles())
    with pytest.raises(ConfigError, match="the events have no column 'category'"):
        check_files_tell(events(tmp_path / "other.csv"), question, SeenFiles())
    check_files_tell(events("shop.events"), question, SeenFiles())  # a table
    (tmp_path / "log.csv.zst").write_bytes(b"\x28\xb5\x2f\xfd")  # which Spark reads, and nothing here
    check_files_tell(events(tmp_path / "log.csv.zst"), question, SeenFiles())


def test_of_a_file_the_beginning_alone_is_read_before_anything_starts(tmp_path, monkeypatch):
    """What stands below, and may take minutes to read, is the run's to say."""
    monkeypatch.setattr("lib.looking.named.MOST_BYTES", 10)
    text = rows().head(50).to_csv(index=False)
    (tmp_path / "log.csv").write_text(f"{text}u1,2024-01-02,view,\x00,dairy\n")
    question = Question.of({"action": "view", "actions": "view=buy WHERE category = 'dairy'"})
    check_files_tell(events(tmp_path / "log.csv"), question, SeenFiles())
    with pytest.raises(SourceError, match="holds bytes that no text has"):
        look(events(tmp_path / "log.csv"), None)
