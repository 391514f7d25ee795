"""How alike users stray from their propensities list after list, and what several lists then tell together."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from lib.audience.contacts import ARM
from lib.audience.effects import effect_arm, lists_to_wait, lists_until_known, pool_effect
from lib.audience.habits import HABIT, find_habit, measure_habit
from lib.evaluation.metrics import measure_change, measure_share
from tests.builders.lists import habit
from tests.builders.ranked import sum_beyond, sums_of_both

FIRST = date(2024, 1, 1)


def one_list(labels, propensity, first=0):
    """A list of users numbered from `first` on."""
    users = [f"u{n}" for n in range(first, first + len(labels))]
    return pd.DataFrame({"user_id": users, "propensity": propensity, "label": labels})


def test_it_is_the_correlation_of_what_users_did_beyond_their_propensities():
    rng = np.random.default_rng(0)
    p, q, lasting = rng.uniform(0.1, 0.9, 400), rng.uniform(0.1, 0.9, 400), rng.random(400)
    now, before = (one_list((rng.random(400) < (x + lasting) / 2).astype(int), x) for x in (p, q))
    beyond = [frame["label"] - frame["propensity"] for frame in (now, before)]
    alike = habit(now, before, set())
    assert alike.value == pytest.approx(np.corrcoef(*beyond)[0, 1])
    assert alike.low < alike.value < alike.high
    assert alike.high - alike.low == pytest.approx(2 * ARM / 400**0.5, rel=0.1)
    shuffled = before.sample(frac=1, random_state=1)
    assert habit(now, shuffled, set()) == alike


def test_by_how_much_a_side_did_more_is_no_habit_and_each_side_counts_by_its_users():
    rng = np.random.default_rng(0)
    now, before = (one_list((rng.random(4_000) < 0.3).astype(int), 0.3) for _ in range(2))
    held = {f"u{n}" for n in range(400)}
    apart = [frame.assign(propensity=np.where(frame["user_id"].isin(held), 0.9, 0.1)) for frame in (now, before)]
    assert habit(*apart, held).value == pytest.approx(habit(now, before, held).value)
    assert abs(habit(*apart, held).value) < 0.04
    assert habit(*apart, set()).value > 0.2


def test_who_is_on_one_list_alone_adds_nothing():
    rng = np.random.default_rng(0)
    labels = (rng.random(300) < 0.4).astype(int)
    assert habit(one_list(labels, 0.4), one_list(labels, 0.4), set()).value == pytest.approx(1.0)
    half = habit(one_list(labels, 0.4), one_list(np.append(labels[150:], 1 - labels[:150]), 0.4, first=150), set())
    assert half.value == pytest.approx(0.5)
    nobody = habit(one_list(labels, 0.4), one_list(labels, 0.4, first=300), set())
    assert (nobody.value, nobody.low, nobody.high) == (0.0, 0.0, 0.0)


def ledger(*arms, told=()):
    """Rows of `outcomes`: an effect of each list, and the habit that the later ones told."""
    days = [FIRST + timedelta(days=28 * n) for n in range(len(arms))]
    rows = [
        {"cutoff": day, "part": "not held out", "metric": "effect_chosen", "measured": 0.02, "low": 0.02 - arm,
         "high": 0.02 + arm, "users": 90, "expected": 9.0} for day, arm in zip(days, arms, strict=True)
    ]  # fmt: skip
    rows += [
        {"cutoff": day, "part": "all", "metric": HABIT, "measured": value, "users": users}
        for day, (value, users) in zip(days[1:], told, strict=False)
    ]
    return pd.DataFrame(rows)


def arm_of(outcomes):
    effect = pool_effect(outcomes, 28)
    return effect.overall.high - effect.overall.value


@pytest.mark.parametrize(("told", "arm"), [
    ([(0.0, 100)] * 3, 0.02 / 2),  # as independent ones
    ([(1.0, 100)] * 3, 0.02),  # four times the same
    ([(0.2, 100)] * 3, 0.02 * (0.2 + 0.8 / 4) ** 0.5),
    ([(0.1, 100), (0.3, 300)], 0.02 * (0.25 + 0.75 / 4) ** 0.5),  # by users
    ([(-0.2, 100)] * 3, 0.02 / 2),  # by chance
    ([], 0.02),  # nobody measured it
])  # fmt: skip
def test_lists_of_users_with_habits_tell_less_together(told, arm):
    assert arm_of(ledger(0.02, 0.02, 0.02, 0.02, told=told)) == pytest.approx(arm)


def test_of_lists_that_are_not_equally_sure_the_covariances_count_by_their_arms():
    certain = np.array([0.01, 0.04])
    weights = certain**-2.0 / (certain**-2.0).sum()
    covariance = np.outer(certain, certain) * [[1, 0.3], [0.3, 1]]
    assert arm_of(ledger(*certain, told=[(0.3, 100)])) == pytest.approx((weights @ covariance @ weights) ** 0.5)


def test_one_list_needs_no_habit_and_where_none_was_measured_more_lists_are_waited_for():
    assert find_habit(ledger(0.02)) is None
    assert arm_of(ledger(0.02)) == pytest.approx(0.02)
    of_earlier_version = pool_effect(ledger(0.06, 0.06), 28)
    assert (of_earlier_version.lists, of_earlier_version.habit) == (2, 0.0)
    wanted = effect_arm(0.2, 200, 1800) / 2
    assert lists_to_wait(of_earlier_version, 0.2, 200, 1800, wanted) == 2  # of four


def test_it_takes_more_lists_where_habits_last_and_from_some_point_on_none_helps():
    assert (lists_until_known(0.1, 0.05), lists_until_known(0.1, 0.05, 0.1), lists_until_known(0.1, 0.05, 0.24)) == (
        4, 6, 76,
    )  # fmt: skip
    assert lists_until_known(0.1, 0.05, 0.25) is None
    assert lists_until_known(0.1, 0.1, 1.0) == 1
    effect = pool_effect(ledger(0.03, 0.03, told=[(0.5, 100)]), 28)
    assert lists_to_wait(effect, 0.2, 200, 1800, 0.001) is None


def draw_world(rng, users=1_000, lists=8, added=0.05):
    """The rows of the ledger: users act by their own lasting rates, which nobody knows, and by what a contact adds."""
    rates, held = rng.beta(0.3, 1.2, users) * (1 - added), rng.random(users) < 0.2
    labels = rng.random((lists, users)) < rates + np.where(held, 0.0, added)
    left_alone, others = (
        [measure_share(int(of_list[side].sum()), int(side.sum())) for of_list in labels] for side in (held, ~held)
    )
    effects = map(measure_change, left_alone, others)
    alike = (measure_habit(sum_beyond(now - 0.2, before - 0.2, held), users, users)
             for before, now in pairwise(labels.astype(float)))  # fmt: skip
    measured = [("not held out", "effect_chosen", effects, 0), ("all", HABIT, alike, 1)]
    return pd.DataFrame([
        {"cutoff": FIRST + timedelta(days=28 * number), "part": part, "metric": metric, "measured": one.value,
         "low": one.low, "high": one.high, "users": users, "expected": 0.2 * users}
        for part, metric, rows, first in measured for number, one in enumerate(rows, first)
    ])  # fmt: skip


def test_the_truth_lies_within_the_interval_of_lists_together_nine_times_in_ten():
    together, as_if_of_others = 0, 0
    for seed in range(80):
        outcomes = draw_world(np.random.default_rng(seed))
        overall = pool_effect(outcomes, 28).overall
        together += overall.low <= 0.05 <= overall.high
        none = outcomes.assign(measured=outcomes["measured"].where(outcomes["metric"] != HABIT, 0.0))
        overall = pool_effect(none, 28).overall
        as_if_of_others += overall.low <= 0.05 <= overall.high
    assert 66 <= together <= 78  # of 80; 72 are expected
    assert as_if_of_others < 55


def test_tables_give_the_sums_that_frames_do():
    rng = np.random.default_rng(0)
    now, before = (one_list((rng.random(400) < 0.3).astype(int), rng.random(400)) for _ in range(2))
    held = {f"u{n}" for n in range(0, 400, 7)}
    of_frames = measure_habit(sums_of_both(now, before, held), 400, 400)
    of_tables = habit(now, before, held)
    assert (of_tables.value, of_tables.low) == pytest.approx((of_frames.value, of_frames.low))
