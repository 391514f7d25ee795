"""Named actions of a run that is planned: what its files cannot tell is said with line and key, before Spark."""

import pytest

from cli.local.plan import check_actions
from lib.config.question_file import read_question_file
from lib.errors import ConfigError


def plan(tmp_path, action, name="big"):
    (tmp_path / "log.csv").write_text("user_id,event_time,event_type,value\nana,2024-06-01,buy,3\n")
    file = tmp_path / "asked.yml"
    file.write_text(f"events: log.csv\naction: {name}\nactions:\n  {name}: {action}\n")
    (entry,) = read_question_file(file).entries
    check_actions(entry, {})


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
