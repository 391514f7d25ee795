"""Named actions of a run that is planned: what its files cannot tell is said with line and key, before Spark."""

import pytest

from cli.local.plan import check_actions
from lib.config.question_file import read_question_file
from lib.errors import ConfigError
from lib.looking import named


def plan(tmp_path, action, name="big"):
    (tmp_path / "log.csv").write_text("user_id,event_time,event_type,value\nana,2024-06-01,buy,3\n")
    file = tmp_path / "asked.yml"
    file.write_text(f"events: log.csv\naction: {name}\nactions:\n  {name}: {action}\n")
    check_actions(read_question_file(file).entries, {})


def test_what_the_columns_of_its_files_cannot_tell_is_refused_with_line_and_key(tmp_path):
    plan(tmp_path, "buy WHERE to_number(value) > 2")
    with pytest.raises(
        ConfigError, match=r"^asked.yml, line 3, actions: actions: big: cannot read .* no column 'brand'"
    ):
        plan(tmp_path, "buy WHERE brand = 'x'")
    with pytest.raises(
        ConfigError, match=r"^asked.yml, line 3, actions: actions: big: cannot read .*: > was given a text"
    ):
        plan(tmp_path, "buy WHERE value > 2")
    with pytest.raises(
        ConfigError, match=r"^asked.yml, line 3, actions: actions names 'buy', and the events have a type"
    ):
        plan(tmp_path, "sell WHERE to_number(value) > 2", "buy")


def test_files_are_looked_through_once_however_many_questions_ask(tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text("user_id,event_time,event_type,value\nana,2024-06-01,buy,3\n")
    opened, scanned = [], []
    for name, calls in (("open_files", opened), ("find_values", scanned)):
        real = getattr(named, name)
        monkeypatch.setattr(named, name, lambda *asked, real=real, calls=calls: calls.append(asked) or real(*asked))
    questions = "".join(f"  q{n}: {{action: a, actions: {{a: buy WHERE to_number(value) > {n}}}}}\n" for n in range(3))
    (tmp_path / "asked.yml").write_text(f"events: log.csv\nquestions:\n{questions}")
    check_actions(read_question_file(tmp_path / "asked.yml").entries, {})
    assert (len(opened), len(scanned)) == (1, 1)
