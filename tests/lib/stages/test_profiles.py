"""One row per user with what each question says: by its name, nulls off its list, and where horizons contradict."""

import re
from datetime import date

import pandas as pd
import pytest

from lib.config.stages import PublishConfig
from lib.report.side_by_side import render_side_by_side, side_by_side
from lib.stages.profiles import write_profiles
from lib.tables.contracts import AUDIENCE
from lib.tables.memory import MemoryTables
from tests.builders.runs import asked

DAY = date(2024, 6, 3)


def config(action="buy", days=28, **more):
    return asked(PublishConfig, action=action, horizon_days=str(days), **more)


@pytest.fixture
def tables():
    """The lists in use of three questions, and of one that nobody asks any more."""
    tables, rows = MemoryTables(), []
    lists = [
        (config(days=28), {"ana": (0.5, 1, False), "bo": (0.2, 9, True)}),
        (config(days=7), {"ana": (0.6, 1, False), "cy": (0.1, 10, False)}),
        (config("share", 7), {"bo": (0.9, 1, False)}),
        (config("gone", 7), {"di": (0.9, 1, False)}),
        (config("buy", 7, without="true"), {"ana": (0.4, 1, False), "bo": (0.9, 1, False)}),
        (config("buy", 28, without="true"), {"ana": (0.5, 1, False), "bo": (0.8, 1, False)}),
    ]
    for number, (asked_for, users) in enumerate(lists):
        for user, (propensity, decile, held_out) in users.items():
            blank = dict.fromkeys(AUDIENCE) | {"horizon_days": 7, "rank": 1, "percentile": 1, "low_evidence": False}
            rows.append(blank | {
                "question": asked_for.question.slug, "user_id": user, "cutoff": date(2024, 6, 3 - number % 2),
                "propensity": propensity, "decile": decile, "held_out": held_out,
            })  # fmt: skip
    tables.append("audience", pd.DataFrame(rows))
    return tables


def profiles(tables):
    return {row["user_id"]: row for row in tables.table("SELECT * FROM {profiles}").to_pylist()}


def test_a_user_has_a_row_with_what_each_question_says(tables):
    named = {"month": config(days=28, value_of_action="12.5", cost_of_contact="1"), "share": config("share", 7)}
    assert write_profiles(named, tables) == 2
    assert profiles(tables) == {
        "ana": {
            "user_id": "ana", "as_of": DAY, "contradiction": None, "month_propensity": 0.5, "month_decile": 1,
            "month_held_out": False, "month_expected_value": 6.25, "share_propensity": None, "share_decile": None,
            "share_held_out": None, "share_expected_value": None,
        },
        "bo": {
            "user_id": "bo", "as_of": DAY, "contradiction": None, "month_propensity": 0.2, "month_decile": 9,
            "month_held_out": True, "month_expected_value": 2.5, "share_propensity": 0.9, "share_decile": 1,
            "share_held_out": False, "share_expected_value": None,
        },
    }  # fmt: skip


def test_horizons_of_one_action_that_contradict_each_other_are_named(tables):
    write_profiles({"month": config(days=28), "week": config(days=7), "share": config("share", 7)}, tables)
    told = {user: row["contradiction"] for user, row in profiles(tables).items()}
    assert told == {"ana": "week is above month", "bo": None, "cy": None}


def test_who_stays_away_for_long_stays_away_for_a_short_time_too(tables):
    write_profiles({f"no_{days}": config(days=days, without="true") for days in (7, 28)}, tables)
    told = {user: row["contradiction"] for user, row in profiles(tables).items()}
    assert told == {"ana": "no_28 is above no_7", "bo": None}


def test_the_cohort_is_no_matter_for_that_and_other_questions_contradict_nobody(tables):
    write_profiles({"month": config(days=28), "share": config("share", 7)}, tables)
    assert {row["contradiction"] for row in profiles(tables).values()} == {None}


def test_a_question_that_is_asked_no_more_leaves_no_column(tables):
    write_profiles({"month": config(days=28), "week": config(days=7)}, tables)
    write_profiles({"week": config(days=7)}, tables)
    assert set(profiles(tables)["ana"]) == {
        "user_id", "as_of", "contradiction", "week_propensity", "week_decile", "week_held_out", "week_expected_value",
    }  # fmt: skip


def test_the_page_sets_them_side_by_side_and_leads_to_each_report():
    table = side_by_side([
        {"question": "month", "asked": "buy <b> within 28 days", "verdict": "bad", "users": 12_345, "expected": 66.6,
         "mean": 0.0555, "quality": "good", "contact": 340, "summary": "more"},
        {"question": "share", "asked": "share within 7 days", "failed": "train: no history"},
    ])  # fmt: skip
    page = render_side_by_side(table, {"month": "/r/buy_28d_cohort28d/2024-06-03.html"}, "2024-06-03")
    assert ">All questions of the run of 3 June 2024</h1>" in page
    assert '"><a href="../buy_28d_cohort28d/2024-06-03.html">month</a></td>' in page
    rows = [re.findall(r"<td[^>]*>(?:<a[^>]*>)?([^<]*)", row) for row in page.split("<tr>")[2:]]
    assert rows == [
        ["month", "buy &lt;b&gt; within 28 days", "good", "12,345", "67", "340", "5.5%", "bad", "-"],
        ["share", "share within 7 days", *"------", "train: no history"],
    ]
    titles = re.findall('data-title="([^"]*)"', page)
    assert titles[:9] == titles[9:] == re.findall(r"<th(?: [^>]*)?>([^<]*)", page)
    assert "Failed" not in render_side_by_side(table.head(1), {}, "2024-06-03")  # of nobody
    assert '<nav class="around" aria-label="Other pages"></nav>' in page  # where the home puts its links
    assert "http" not in page
