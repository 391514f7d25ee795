"""What contacting added, by whom the sides are made of: the list, a file, or who was really contacted."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from lib.audience.effects import pool_effect
from tests.builders.lists import outcome_rows

USERS = 400  # in fours: contacted, chosen and not contacted, on the list alone, held out


def users():
    """Those held out beside the file and beyond it, those chosen of whom a half are contacted, and others.

    Chosen are the likelier half. Of these the contacted always act, of the others every second one does.
    """
    number = np.arange(USERS)
    likely, held = number < USERS // 2, number % 4 == 3
    file = np.where(likely, np.where(held, "control", "chosen"), "")
    contacted = likely & (number % 4 == 0)
    return pd.DataFrame({
        "user_id": [f"u{n}" for n in number], "propensity": np.where(likely, 0.5, 0.25), "file": file,
        "contacted": contacted, "reached": contacted, "label": (contacted | (number // 4 % 2 == 0)).astype(int),
    }), held  # fmt: skip


def effect(rows, metric, part="not held out"):
    (row,) = rows[(rows["metric"] == metric) & (rows["part"] == part)].to_dict("records")
    return row


def test_each_way_compares_its_own_sides_and_counts_its_own_users():
    rows = outcome_rows(*users(), 0)
    listed, chosen, contacted = (effect(rows, name) for name in ("effect", "effect_chosen", "effect_contacted"))
    assert (listed["users"], chosen["users"], contacted["users"]) == (300, 150, 50)
    assert listed["measured"] == pytest.approx((150 + 25) / 300 - 0.5)
    assert chosen["measured"] == pytest.approx((75 + 25) / 150 - 0.5)
    assert contacted["measured"] == pytest.approx(3 * chosen["measured"])  # a third of those chosen were contacted
    assert contacted["low"] == pytest.approx(3 * chosen["low"])
    sides = rows[rows["metric"] == "rate"].set_index("part")
    assert sides.loc[["chosen", "control"], "users"].tolist() == [150, 50]
    assert set(rows[rows["metric"] == "effect_chosen"]["part"]) >= {"decile 1", "decile 5"}
    assert "decile 10" not in set(rows[rows["metric"] == "effect_chosen"]["part"])


def test_how_likely_each_side_was_is_allowed_for():
    made, held = users()
    made.loc[made["file"] == "control", "propensity"] -= 0.1
    rows = outcome_rows(made, held, 0)
    assert effect(rows, "effect_chosen")["measured"] == pytest.approx((75 + 25) / 150 - 0.5 - 0.1)


def test_suppressed_users_stand_on_no_side():
    made, held = users()
    suppressed = made["contacted"].to_numpy()
    rows = outcome_rows(made, held & ~suppressed, 0, suppressed)
    assert effect(rows, "effect_chosen")["users"] == 100
    assert "effect_contacted" not in set(rows["metric"])


def test_without_a_file_those_told_of_are_held_against_the_list():
    made, held = users()
    rows = outcome_rows(made.assign(file=""), held, 0)
    assert "effect_chosen" not in set(rows["metric"])
    whole = effect(rows, "effect_contacted")
    ahead = 0.0  # every fourth user is held out, of the likely and of the others alike
    assert whole["measured"] == pytest.approx(6 * (effect(rows, "effect")["measured"] - ahead))


def test_too_few_contacts_tell_nothing_of_a_contact():
    made, held = users()
    few = made.assign(contacted=made["contacted"] & (made.index < 56))
    assert "effect_contacted" not in set(outcome_rows(few, held, 0)["metric"])


def test_whom_another_question_reached_is_no_comparison_of_the_home_and_one_of_a_question():
    made, held = users()
    made["reached"] = held & (made.index < 100)
    of_question, of_home = (outcome_rows(made, held, 0, of_home=home) for home in (False, True))
    for rows, left_alone in ((of_question, 100), (of_home, 75)):
        sides = rows[rows["metric"] == "rate"].set_index("part")["users"]
        assert (sides["held out"], sides["not held out"]) == (left_alone, 300)
        assert effect(rows, "effect")["users"] == 300
    assert of_home.loc[of_home["part"] == "all", "users"].iloc[0] == USERS


def test_of_each_list_counts_what_tells_of_a_contact_most_nearly():
    made, held = users()
    lists = [
        outcome_rows(made.assign(**blank), held, 0).assign(cutoff=day)
        for day, blank in (
            (date(2024, 1, 1), {"file": "", "contacted": False}), (date(2024, 2, 5), {"contacted": False}),
            (date(2024, 3, 4), {}),
        )
    ]  # fmt: skip
    bases = [pool_effect(rows, 28).basis for rows in lists]
    assert bases == ["effect", "effect_chosen", "effect_contacted"]
    nearest = pool_effect(lists[2], 28).overall.value
    assert nearest == pytest.approx(effect(lists[2], "effect_contacted")["measured"])
    together = pool_effect(pd.concat(lists[1:]), 28)
    assert (together.lists, together.basis) == (2, "effect_chosen")
    assert effect(lists[1], "effect_chosen")["measured"] < together.overall.value < nearest


def test_a_decile_that_nobody_contacts_is_taken_for_one_as_the_others_are():
    made, held = users()
    effects = pool_effect(outcome_rows(made, held, 0).assign(cutoff=date(2024, 3, 4)), 28)
    assert effects.deciles[9].value == pytest.approx(effects.overall.value)
    assert effects.deciles[9].high - effects.deciles[9].value >= effects.overall.high - effects.overall.value
