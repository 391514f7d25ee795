"""`forget --missing`: what it asks of the events, and that its output is a file for `--file`."""

import shutil
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from cli.__main__ import main
from cli.local import missing
from cli.local.home import open_home
from lib.errors import SourceError
from lib.features.missing import Missing
from tests.builders.make_old_home import unpack


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return open_home(unpack(tmp_path_factory.mktemp("home")))


@pytest.fixture
def asked(monkeypatch):
    """The answers of a Spark that is played, and the configurations that it was asked with."""
    configs, answers = [], [Missing(("u2", " u1"), 9)]

    def find(config, tables):
        configs.append(config)
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    monkeypatch.setattr(missing, "start_spark", lambda home, schemas, log: nullcontext())
    monkeypatch.setattr(missing, "find_missing", find)
    return configs, answers


def test_ids_alone_are_printed_and_nobody_is_forgotten(old, asked, capsys, tmp_path):
    assert main(["forget", "--missing", "--home", str(old.root)]) == 0
    printed = capsys.readouterr()
    assert printed.out == " u1\nu2\n"
    assert "spark_catalog.propensity: 2 of 9 users are not in " in printed.err
    (config,) = asked[0]
    assert (config.as_of, config.accept_shrunk, config.forgotten_key) == (None, None, "")
    assert config.run_date == datetime.now(UTC).date()
    assert config.question.action == "cook"
    assert config.events.endswith("/sources/events.parquet")
    assert not (old.root / "forgotten.key").exists()
    (tmp_path / "ids").write_text(printed.out)
    home = shutil.copytree(old.root, tmp_path / "home")
    assert main(["forget", "--file", str(tmp_path / "ids"), "--home", str(home)]) == 0
    assert ", 2 users are taken out of " in capsys.readouterr().out


def test_nobody_missing_is_an_empty_file(old, asked, capsys):
    asked[1][0] = Missing((), 9)
    assert main(["forget", "--missing", "--home", str(old.root)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("answer", "words", "message"),
    [
        (SourceError("too few"), [], "too few"),
        (Missing(("a\nb",), 9), [], r"1 ids hold line breaks, such as 'a\nb': name them as arguments."),
        (
            Missing((), 9),
            ["u1"],
            "--missing lists users and forgets nobody: leave out the others, or forget them",
        ),
    ],
)
def test_what_cannot_be_listed_is_one_line(old, asked, capsys, answer, words, message):
    asked[1][0] = answer
    assert main(["forget", "--missing", *words, "--home", str(old.root)]) == 1
    assert f"error: {message}" in capsys.readouterr().err


def test_a_home_that_has_read_nothing_misses_nobody(tmp_path, capsys):
    home = open_home(tmp_path / "new")
    assert main(["forget", "--missing", "--home", str(home.root)]) == 1
    assert "has read events yet, so nobody is missing. Run the job first.\n" in capsys.readouterr().err
