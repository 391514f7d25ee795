"""Which version was in use when, what was before it, and how two versions differ."""

from datetime import date

import pandas as pd
import pytest

from lib.registry.versions import (
    Version,
    compare_versions,
    format_metrics,
    format_params,
    periods_in_use,
    version_before,
)

DAYS = [date(2024, 6, n) for n in range(1, 10)]
ALL = ("1", "2", "3", "4")


def decided(*steps):
    """Decisions written as "promoted 2", a week of days one after the other, the rows shuffled."""
    rows = []
    for number, step in enumerate(steps, start=1):
        kind, version = step.split()
        rows.append({
            "number": number, "as_of": DAYS[number - 1], "kind": kind, "prediction_version": version,
            "why": f"why {number}",
        })  # fmt: skip
    columns = ["number", "as_of", "kind", "prediction_version", "why"]
    return pd.DataFrame(rows, columns=columns).sort_values("number", key=lambda n: n * 7 % 5)


def spans(decisions, were=ALL):
    return [
        (p.version, p.since.day, p.until.day if p.until else None, p.kind, p.why)
        for p in periods_in_use(decisions, were)
    ]


def test_a_version_is_in_use_from_its_promotion_until_the_next_one():
    story = decided("promoted 1", "kept 1", "rejected 1", "promoted 3", "rolled_back 1", "kept 1")
    assert spans(story) == [
        ("1", 1, 4, "promoted", "why 1"), ("3", 4, 5, "promoted", "why 4"), ("1", 5, None, "rolled_back", "why 5"),
    ]  # fmt: skip
    assert spans(decided()) == []


def test_a_promotion_that_was_cut_off_before_the_alias_moved_is_no_period():
    story = decided("promoted 1", "promoted 2", "kept 1", "promoted 3")
    assert spans(story, ("1", "3")) == [("1", 1, 4, "promoted", "why 1"), ("3", 4, None, "promoted", "why 4")]
    assert version_before(story, "3", ("1", "3")) == "1"
    assert version_before(story, "3", ("1", "2", "3")) == "1"  # what was kept tells it too
    assert version_before(decided("promoted 1", "promoted 2", "promoted 3"), "3", ("1", "3")) == "1"


def test_the_order_is_that_of_the_decisions_and_not_of_their_days():
    story = decided("promoted 1", "promoted 2")
    story["as_of"] = story["number"].map({1: DAYS[5], 2: DAYS[0]})  # the second run was of an older day
    assert version_before(story, "2", ALL) == "1"
    assert spans(story) == [("1", 6, 1, "promoted", "why 1"), ("2", 1, None, "promoted", "why 2")]


@pytest.mark.parametrize(
    ("steps", "champion", "expected"),
    [
        ("promoted 1", "1", None),
        ("promoted 1, promoted 2, promoted 3", "3", "2"),
        ("promoted 1, promoted 2, promoted 3, rolled_back 2", "2", "1"),  # back twice goes two back, not to and fro
        ("promoted 1, promoted 2, rolled_back 1", "1", None),
        ("promoted 1, promoted 2, promoted 3, rolled_back 2, rolled_back 1, promoted 4", "4", "1"),
        ("promoted 1, promoted 2, promoted 3, promoted 1", "1", "3"),  # by hand, which is a promotion like any
        ("promoted 1, promoted 2, promoted 3, promoted 1, rolled_back 3", "3", "2"),
        ("promoted 1, promoted 2, kept 2, rejected 2", "2", "1"),
        ("promoted 1, promoted 2, kept 1", "1", None),  # somebody moved the alias back by hand
        ("promoted 1, promoted 2", "1", None),  # the same, and no run since
        ("promoted 1, promoted 2", "4", "2"),  # moved by hand to one that no decision knows
        ("", "1", None),
    ],
)
def test_the_version_before_is_the_one_below_on_the_pile(steps, champion, expected):
    assert version_before(decided(*filter(None, steps.split(", "))), champion, ALL) == expected


ONE = Version(
    "3", "3", "2024-06-01 06:00", as_of="2024-06-01", holdout="2024-05-25", trained_through="2024-05-25",
    decision="promoted", why="a", params={"family": "logistic", "C": 0.001}, metrics={"auc": 0.8, "log_loss": 0.5},
    intervals={"auc": (0.7, 0.9)},
)  # fmt: skip
OTHER = Version(
    "5", "6", "2024-06-08 06:00", as_of="2024-06-08", holdout="2024-06-01", trained_through="2024-06-01",
    decision="promoted", why="b", params={"family": "boosting", "max_iter": 40}, metrics={"auc": 0.8, "log_loss": 0.4},
    intervals={"auc": (0.75, 0.9)},
)  # fmt: skip


def test_a_difference_leaves_out_what_is_equal():
    assert compare_versions(ONE, OTHER, {"3": ["a", "b"], "5": ["b", "c", "d"]}) == [
        ("preprocessing_version", "3", "6", ""),
        ("created", "2024-06-01 06:00", "2024-06-08 06:00", ""),
        ("as_of", "2024-06-01", "2024-06-08", ""),
        ("holdout", "2024-05-25", "2024-06-01", ""),
        ("trained_through", "2024-05-25", "2024-06-01", ""),
        ("family", "logistic", "boosting", ""),
        ("C", "0.001", "-", ""),
        ("auc", "0.8000 (0.7000 to 0.9000)", "0.8000 (0.7500 to 0.9000)", "+0.0000 (-0.1118 to +0.1414)"),
        ("log_loss", "0.5000", "0.4000", "-0.1000"),
        ("max_iter", "-", "40", ""),
        ("number of feature columns", "2", "3", "+1"),
        ("feature columns of its own", "a", "c, d", ""),
    ]
    assert compare_versions(ONE, ONE, {"3": ["a"]}) == []


def test_values_are_spoken_with_their_intervals():
    assert format_metrics({"auc": 0.8, "loss": 1 / 3}, {"auc": (0.7, 0.9)}) == {
        "auc": "0.8000 (0.7000 to 0.9000)", "loss": "0.3333",
    }  # fmt: skip
    assert format_params({"family": "logistic", "C": 0.0012345, "lifetime": True}) == (
        "family logistic, C 0.001234, lifetime True"
    )


@pytest.mark.parametrize(
    ("tags", "champion", "expected"),
    [
        ({}, None, (False, False)),
        ({}, "4", (False, False)),
        ({}, "3", (True, True)),  # a kill between alias and tag
        ({"champion_since": "2024-06-01"}, "3", (True, True)),
        ({"champion_since": "2024-06-01"}, "4", (False, True)),
        ({"champion_until": "2024-06-01"}, "4", (False, True)),
    ],
)
def test_a_version_knows_whether_it_was_in_use(tags, champion, expected):
    version = Version.of(("3", "2"), tags, champion)
    assert (version.in_use, version.was_in_use) == expected
    assert not Version.of(("", "2"), {}, "").in_use  # an orphan
