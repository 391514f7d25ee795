"""Who is left out, why and until when, and how that is told."""

import re
from datetime import date

import pandas as pd
import pytest

from lib.audience.suppression import (
    check_not_emptied,
    count_reasons,
    digest_user,
    format_lists,
    format_suppressed,
    make_list,
)
from lib.errors import PublishRefused
from tests.builders.lists import find_suppressed

AS_OF = date(2024, 6, 3)


def users(*rows, name="lists/opt_outs.csv"):
    """A list of rows (user, reason, until)."""
    return make_list(name, pd.DataFrame(list(rows), columns=["user_id", "reason", "until"], dtype=object), AS_OF)


def test_until_is_the_first_day_on_which_a_user_may_be_listed_again():
    found = users(("ever", "", ""), ("day before", "", "2024-06-02"), ("that day", "", "2024-06-03"),
                  ("day after", " staff ", "2024-06-04"))  # fmt: skip
    assert found.rows.to_numpy().tolist() == [["ever", "opt_outs"], ["day after", "staff"]]
    assert found.size == 4


def test_each_user_is_left_out_once_for_the_first_reason_that_there_is():
    staff = users(("bo", "", ""), ("cy", "", ""), ("cy", "complaint", ""), name="crm.staff")
    found = find_suppressed(["ana", "bo", "cy", "di"], [users(("cy", "opt-out", ""), ("who", "", "")), staff])
    assert found.to_numpy().tolist() == [["bo", "crm.staff", "staff"], ["cy", "lists/opt_outs.csv", "opt-out"]]
    assert count_reasons(found) == {"opt-out": 1, "staff": 1}
    assert find_suppressed(["ana"], []).empty


def test_a_digest_leaves_out_whoever_it_is_of():
    assert digest_user("ana") == "sha256:24d4b96f58da6d4a8512313bbd02a28ebf0ca95dec6e4c86ef78ce7f01e788ac"
    found = find_suppressed(["ana", "bo"], [users((digest_user("ana"), "", ""), (digest_user("gone"), "", ""))])
    assert found["user_id"].tolist() == ["ana"]


@pytest.mark.parametrize(("rows", "message"), [
    ([("a", "", "1.7.2024")], "opt_outs.csv: until must be a date like 2024-06-01, got '1.7.2024'. The list stays."),
    ([("a", "", "2024-02-30")], "until must be a date like 2024-06-01, got '2024-02-30'."),
    ([(str(n), f"story {n}", "") for n in range(21)], "has 21 different reasons, the longest of 8 letters: at most 20"),
    ([("a", "x" * 61, "")], "has 1 different reasons, the longest of 61 letters: at most 20 of 60 letters are kinds"),
])  # fmt: skip
def test_a_list_that_makes_no_sense_is_refused_by_name(rows, message):
    with pytest.raises(PublishRefused, match=re.escape(message)):
        users(*rows)


def test_a_list_that_lost_all_its_rows_stops_and_one_that_never_had_any_is_said():
    empty = users()
    message = "lists/opt_outs.csv names nobody to leave out, and 7 rows when the last list was made. Look at whoever"
    with pytest.raises(PublishRefused, match=re.escape(message)):
        check_not_emptied([empty], {"lists/opt_outs.csv": 7})
    for before in ({}, {"lists/opt_outs.csv": 0}, {"other.csv": 7}):
        check_not_emptied([empty], before)
    check_not_emptied([users(("a", "", "2024-01-01"))], {"lists/opt_outs.csv": 7})  # all ran out: it has rows
    assert format_lists([empty], [], None) == ["lists/opt_outs.csv names nobody to leave out yet."]


def test_it_is_said_who_is_left_out_and_which_list_is_odd():
    assert format_suppressed({}, 100) == []
    assert format_suppressed({"opt-out": 5, "staff": 2}, 100) == [
        "Left out: 7 of 100 users scored: opt-out 5, staff 2."
    ]
    named = users(("a", "", ""), ("b", "", ""))
    assert format_lists([named], [named], {"lists/opt_outs.csv": 2, "staff.csv": 3}) == [
        "lists/opt_outs.csv names 2 users, and none of them was scored: are its ids those of the events?",
        "Nobody is left out by staff.csv any more: it was named for the last list.",
    ]
