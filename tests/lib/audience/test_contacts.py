"""Whom a list says to contact, and what that is expected to bring."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lib.audience.contacts import choose_contacts, expected_gain, format_contacts
from lib.audience.ranking import HeldOut, rank
from lib.config.thresholds import Contacts
from lib.evaluation.measured import Measured

ALL = Contacts(top=0, value_of_action=None, cost_of_contact=None, quiet_days=0)


@pytest.fixture(scope="module")
def ranked():
    rows = pd.DataFrame({"user_id": [f"u{n}" for n in range(100)], "propensity": np.linspace(0.99, 0.0, 100)})
    return rank(rows, False, HeldOut("q", 0.2, 0))


def users(rows):
    return rows["user_id"].tolist()


def choose(ranked, quiet=(), **wanted):
    return choose_contacts(ranked, replace(ALL, **wanted), quiet)


def test_where_nothing_is_chosen_all_are_kept_but_those_held_out(ranked):
    everybody = choose(ranked)
    assert users(everybody.rows) == users(ranked[~ranked["held_out"]])
    assert format_contacts(everybody, 100, ALL, None) == []


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
    told = format_contacts(found, 100, replace(ALL, top=5, quiet_days=7), None)
    assert told[1:] == ["  3 more have their quiet: they were contacted in the 7 days before."]


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


def test_the_profit_is_what_is_expected_less_what_it_costs(ranked):
    found = expected_gain(ranked, 10.0, 1.0, None, 0)
    assert found.profit.value == pytest.approx(49.5 * 10 - 100)
    chance = 10 * np.sqrt((ranked["propensity"] * (1 - ranked["propensity"])).sum())
    assert found.profit.low == pytest.approx(found.profit.value - 1.645 * chance, abs=0.1 * chance)
    assert found.profit.high == pytest.approx(found.profit.value + 1.645 * chance, abs=0.1 * chance)
    assert expected_gain(ranked, 10.0, 1.0, None, 0) == found
    assert expected_gain(ranked, 10.0, 1.0, None, 1) != found


def test_the_interval_is_true_of_users_who_act_with_their_propensity(ranked):
    found = expected_gain(ranked, 10.0, 1.0, None, 0).profit
    acted = np.random.default_rng(5).random((4000, 100)) < ranked["propensity"].to_numpy()
    profits = acted.sum(axis=1) * 10.0 - 100.0
    assert 0.87 < np.mean((profits >= found.low) & (profits <= found.high)) < 0.93


def test_what_past_lists_were_off_by_widens_the_interval(ranked):
    sure = expected_gain(ranked, 10.0, 1.0, Measured(1.1, 1.1, 1.1), 0).profit
    unsure = expected_gain(ranked, 10.0, 1.0, Measured(1.1, 0.8, 1.5), 0).profit
    assert unsure.value == sure.value
    assert unsure.low < sure.low < sure.high < unsure.high
    chance = expected_gain(ranked, 10.0, 1.0, None, 0).profit
    assert sure.high - sure.low == pytest.approx(chance.high - chance.low, rel=0.05)


def test_nobody_to_contact_brings_and_costs_nothing(ranked):
    assert expected_gain(ranked.head(0), 10.0, 1.0, None, 0).profit == Measured(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("ratio", "doubt"), [
    (None, "chance alone"),
    (Measured(1.0, 0.9, 1.1), "chance, and how far the newest list whose outcome is known was off"),
])  # fmt: skip
def test_it_is_told_whom_to_contact_and_what_it_brings(ranked, ratio, doubt):
    asked = replace(ALL, value_of_action=4.0, cost_of_contact=2.0)
    chosen = choose_contacts(ranked, asked)
    found = chosen.rows
    told = format_contacts(chosen, 100, asked, expected_gain(found, 4.0, 2.0, ratio, 0))
    assert told[0] == f"To contact: {len(found)} of 100 users, {found['propensity'].sum():.1f} expected to act."
    profit = expected_gain(found, 4.0, 2.0, ratio, 0).profit
    assert told[1] == (
        f"  Expected profit {profit.value:,.2f} ({profit.low:,.2f} to {profit.high:,.2f}) at 4 for an action and 2 "
        f"for a contact; the interval tells of {doubt}."
    )
