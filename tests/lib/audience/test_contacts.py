"""Whom a list says to contact, and what that is expected to bring."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lib.audience.contacts import choose_contacts, expected_actions, format_contacts, worth
from lib.audience.ranking import HeldOut
from lib.config.thresholds import Contacts
from lib.config.words import ACTING, STAYING
from lib.evaluation.measured import Measured
from tests.builders.ranked import rank

ALL = Contacts(top=0, value_of_action=None, cost_of_contact=None, quiet_days=0)


@pytest.fixture(scope="module")
def ranked():
    rows = pd.DataFrame({"user_id": [f"u{n}" for n in range(100)], "propensity": np.linspace(0.99, 0.0, 100)})
    return rank(rows, False, HeldOut("q", 0.2, 0))


def users(rows):
    return rows["user_id"].tolist()


def choose(ranked, quiet=(), **wanted):
    return choose_contacts(ranked.assign(resting=ranked["user_id"].isin(list(quiet))), replace(ALL, **wanted))


def test_where_nothing_is_chosen_all_are_kept_but_those_held_out(ranked):
    everybody = choose(ranked)
    assert users(everybody.rows) == users(ranked[~ranked["held_out"]])
    assert format_contacts(everybody, 100, ALL, ACTING) == []


def test_the_comparison_is_of_users_held_out_who_would_have_been_chosen(ranked):
    held = ranked[ranked["held_out"]]
    assert users(choose(ranked).control) == users(held)
    top = choose(ranked, top=10)
    assert users(top.control) == users(held[held["rank"] < top.rows["rank"].max()])
    assert 0 < len(top.control) < len(held)
    worth = choose(ranked, {users(held)[0]}, value_of_action=4.0, cost_of_contact=2.0)
    assert users(worth.control) == users(held[held["propensity"] > 0.5])[1:]


def test_who_is_to_have_quiet_makes_room_for_the_next_and_is_counted(ranked):
    free = users(ranked[~ranked["held_out"]])
    held = users(ranked[ranked["held_out"]])[0]
    found = choose(ranked, {*free[:3], held, "stranger"}, top=5, quiet_days=7)
    assert (users(found.rows), found.quiet) == (free[3:8], 3)
    told = format_contacts(found, 100, replace(ALL, top=5, quiet_days=7), ACTING)
    assert told[1:] == ["  3 more are left in peace: they were contacted in the 7 days before."]


def test_the_top_is_without_the_users_held_out(ranked):
    found = choose(ranked, top=10).rows
    assert users(found) == users(ranked[~ranked["held_out"]])[:10]
    assert ranked["held_out"][:20].any()


def test_those_are_contacted_whose_expected_value_is_above_the_cost(ranked):
    found = choose(ranked, value_of_action=4.0, cost_of_contact=2.0).rows
    assert (found["propensity"] > 0.5).all()
    assert len(found) == (~ranked["held_out"] & (ranked["propensity"] > 0.5)).sum()
    assert not found["held_out"].any()
    assert len(choose(ranked, top=7, value_of_action=4.0, cost_of_contact=2.0).rows) == 7
    assert choose(ranked, value_of_action=1.0, cost_of_contact=2.0).rows.empty


def test_the_head_may_be_a_share_of_the_list(ranked):
    assert users(choose(ranked, top=0.15).rows) == users(choose(ranked, top=15).rows)
    assert len(choose(ranked, top=0.001).rows) == 1
    assert users(choose(ranked, top=10).free) == users(ranked[~ranked["held_out"]])


def test_as_many_act_as_the_propensities_sum_up_to(ranked):
    found = expected_actions(ranked, None, 0)
    assert found.value == pytest.approx(49.5)
    chance = np.sqrt((ranked["propensity"] * (1 - ranked["propensity"])).sum())
    assert found.low == pytest.approx(found.value - 1.645 * chance, abs=0.1 * chance)
    assert found.high == pytest.approx(found.value + 1.645 * chance, abs=0.1 * chance)
    assert expected_actions(ranked, None, 0) == found
    assert expected_actions(ranked, None, 1) != found


def test_the_profit_is_what_is_expected_less_what_it_costs():
    found = worth(Measured(49.5, 40.0, 60.0), 100, 10.0, 1.0)
    assert (found.value, found.low, found.high) == pytest.approx((395.0, 300.0, 500.0))


def test_the_interval_is_true_of_users_who_act_with_their_propensity(ranked):
    found = expected_actions(ranked, None, 0)
    acted = (np.random.default_rng(5).random((4000, 100)) < ranked["propensity"].to_numpy()).sum(axis=1)
    assert 0.87 < np.mean((acted >= found.low) & (acted <= found.high)) < 0.93


def test_what_past_lists_were_off_by_widens_the_interval(ranked):
    sure = expected_actions(ranked, Measured(1.1, 1.1, 1.1), 0)
    unsure = expected_actions(ranked, Measured(1.1, 0.8, 1.5), 0)
    assert unsure.value == sure.value
    assert unsure.low < sure.low < sure.high < unsure.high
    chance = expected_actions(ranked, None, 0)
    assert sure.high - sure.low == pytest.approx(chance.high - chance.low, rel=0.05)


def test_of_nobody_nobody_acts(ranked):
    assert expected_actions(ranked.head(0), None, 0) == Measured(0.0, 0.0, 0.0)


def test_it_is_told_how_many_are_contacted(ranked):
    asked = replace(ALL, value_of_action=4.0, cost_of_contact=2.0)
    chosen = choose_contacts(ranked.assign(resting=False), asked)
    assert format_contacts(chosen, 100, asked, ACTING) == [
        f"To contact: {len(chosen.rows)} of 100 users, {chosen.rows['propensity'].sum():.0f} expected to act, "
        "contacted or not."
    ]
    assert format_contacts(chosen, 100, asked, STAYING)[0].endswith(" expected to stay away, contacted or not.")
