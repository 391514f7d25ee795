"""`./propensity features`: the dictionary of a home, whole or as far as a word goes."""

import pytest
from deltalake import write_deltalake

from cli.__main__ import main
from lib.explain.dictionary import describe_features


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    rows = describe_features(["events_7", "buy__events_28", "buy__recency"], ["buy"])
    write_deltalake(tmp_path / "warehouse" / "shop" / "feature_dictionary", rows)
    return tmp_path


def test_all_of_them_by_what_they_are_about(home, capsys):
    assert main(["features", "--home", str(home)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "activity",
        "  events_7        events of all types in the 7 days before the cutoff (events)",
        "",
        "buy",
        "  buy__events_28  buy events in the 28 days before the cutoff (events)",
        "  buy__recency    days since the last buy event, at most 365, which also stands for never",
        "                  (days)",
        "",
        "3 of 3 columns of the table features, and of users' attributes beside them.",
    ]


def test_those_that_a_word_stands_in(home, capsys):
    assert main(["features", "Recency", "--home", str(home)]) == 0
    out = capsys.readouterr().out
    assert "buy__recency" in out
    assert "events_7" not in out
    assert "1 of 3 columns" in out


def test_a_word_that_is_nowhere_is_told_with_what_there_is(home, capsys):
    assert main(["features", "mood", "--home", str(home)]) == 1
    assert capsys.readouterr().err == (
        "error: None of 3 features is about 'mood'. There are some about activity, buy.\n"
    )


def test_before_the_first_run_it_says_how_to_get_one(tmp_path, capsys):
    assert main(["features", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: There is no dictionary of features in {tmp_path} yet: a run writes it. Start with: ./propensity run\n"
    )
