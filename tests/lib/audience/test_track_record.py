"""What past lists say together: whether they erred to one side, and what contacting has added."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from lib.audience.contacts import ARM
from lib.audience.effects import Effect, effect_arm, lists_until_known, pool_effect
from lib.audience.track_record import find_bias
from lib.evaluation.measured import Measured

FIRST = date(2024, 1, 1)


def past(*pairs, days=7, spread=1.2):
    """Lists of expected and observed actions, so many days apart; each ratio may be off by a factor of `spread`."""
    rows = [
        {"cutoff": FIRST + timedelta(days=days * n), "expected": float(expected), "observed": observed,
         "ratio_low": expected / observed / spread, "ratio_high": expected / observed * spread}
        for n, (expected, observed) in enumerate(pairs)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["cutoff", "expected", "observed", "ratio_low", "ratio_high"])


def test_twelve_lists_in_a_row_that_expected_too_many_are_a_lasting_bias():
    bias = find_bias(past(*[(101, 100)] * 12), 7)
    assert (bias.lists, bias.too_many, bias.lasting) == (12, True, True)
    assert bias.factor.value == pytest.approx(1.01)


def test_only_the_lists_since_the_last_one_that_erred_otherwise_are_counted():
    bias = find_bias(past((150, 100), (90, 100), (120, 100), (130, 100)), 7)
    assert (bias.lists, bias.factor.value) == (2, pytest.approx(1.25))
    assert not bias.lasting
    few = find_bias(past((150, 100), (90, 100), (70, 100)), 7)
    assert (few.lists, few.too_many, few.factor.value) == (2, False, pytest.approx(0.8))


@pytest.mark.parametrize(("pairs", "lasting"), [
    ([(150, 100)] * 3, True),  # few, and shown
    ([(150, 100)] * 2, False),  # too few
    ([(102, 100)] * 5, False),  # not shown, and not long
    ([(102, 100)] * 6, True),  # long
    ([(67, 100)] * 3, True),
])  # fmt: skip
def test_a_bias_lasts_that_is_long_or_shown(pairs, lasting):
    assert find_bias(past(*pairs), 7).lasting is lasting


def test_lists_whose_days_overlap_say_no_more_than_one():
    one, overlapping, separate = (
        find_bias(past(*[(150, 100)] * n), horizon).factor for n, horizon in ((1, 7), (4, 28), (4, 7))
    )
    assert np.log(one.high / one.value) == pytest.approx(np.log(1.2))
    assert overlapping.high == pytest.approx(one.high)
    assert np.log(separate.high / separate.value) == pytest.approx(np.log(1.2) / 2)


def test_without_lists_or_where_nobody_acted_there_is_no_bias():
    assert find_bias(past(), 7) is None
    assert find_bias(past((100, 100)), 7) is None
    nobody = past((100, 50)).assign(observed=0, ratio_low=np.nan, ratio_high=np.nan)
    assert find_bias(nobody, 7) is None


def effects(*values, days=28, arm=0.02, parts=("not held out",)):
    """Rows of `outcomes`: an effect per list and part, and that no user has habits."""
    habit = {"cutoff": FIRST, "part": "all", "metric": "habit", "measured": 0.0, "users": 100}
    rows = [
        {"cutoff": FIRST + timedelta(days=days * n), "part": part, "metric": "effect", "measured": value + shift,
         "low": value + shift - arm, "high": value + shift + arm}
        for n, value in enumerate(values) for part, shift in zip(parts, np.linspace(0, 0, len(parts)), strict=True)
    ]  # fmt: skip
    columns = ["cutoff", "part", "metric", "measured", "low", "high", "users", "expected"]
    return pd.DataFrame([*rows, habit], columns=columns)


def test_effects_of_lists_that_do_not_overlap_are_taken_together():
    effect = pool_effect(effects(0.01, 0.03, 0.02, 0.06), 28)
    assert effect.lists == 4
    assert effect.overall.value == pytest.approx(0.03)
    assert effect.overall.high - effect.overall.value == pytest.approx(0.01)  # a half of the arm of one
    assert pool_effect(effects(0.01, 0.03, 0.02, 0.06, days=14), 28).overall.value == pytest.approx(0.045)  # 2nd, 4th
    assert pool_effect(effects(), 28) is None


def test_how_much_likelier_the_others_were_is_allowed_for():
    rows = effects(0.05, 0.05)
    sides = [
        {"cutoff": cutoff, "part": part, "metric": "rate", "users": 100, "expected": expected}
        for cutoff in rows["cutoff"].unique() for part, expected in (("held out", 20.0), ("not held out", 23.0))
    ]  # fmt: skip
    assert pool_effect(pd.concat([rows, pd.DataFrame(sides)]), 28).overall.value == pytest.approx(0.02)


def test_a_surer_list_weighs_more():
    rows = effects(0.0, 0.04)
    rows.loc[0, ["low", "high"]] = [-0.01, 0.01]  # twice as sure as the other
    assert pool_effect(rows, 28).overall.value == pytest.approx(0.04 / 5)


def test_without_deciles_every_user_gets_the_effect_of_all():
    added = Effect(1, Measured(0.02, 0.01, 0.03), ()).added([100, 50, *[0] * 8])
    assert (added.value, added.low, added.high) == pytest.approx((3.0, 1.5, 4.5))


def test_deciles_that_differ_by_chance_alone_become_alike_and_others_keep_their_own():
    deciles = tuple(f"decile {n}" for n in range(1, 11))
    rows = effects(0.02, parts=("not held out", *deciles))
    alike = pool_effect(rows, 28)
    assert [one.value for one in alike.deciles] == pytest.approx([0.02] * 10)
    assert alike.added([10] * 10).value == pytest.approx(2.0)
    first = (rows["part"] == "decile 1").to_numpy()
    rows.loc[first, ["measured", "low", "high"]] += 0.5
    apart = pool_effect(rows, 28)
    assert 0.45 < apart.deciles[0].value < 0.52
    assert apart.deciles[5].value == pytest.approx(0.02, abs=0.005)
    assert apart.deciles[0].high - apart.deciles[0].value <= 0.0201


def test_the_number_of_lists_until_an_effect_is_known_follows_from_the_arm_of_one():
    rng = np.random.default_rng(0)
    held, others = (rng.binomial(n, 0.2, 20_000) / n for n in (200, 1800))
    arm = effect_arm(0.2, 200, 1800)
    assert np.std(others - held) * ARM == pytest.approx(arm, rel=0.03)
    assert lists_until_known(arm, arm) == lists_until_known(arm, 2 * arm) == 1
    assert lists_until_known(arm, arm / 2) == 4
    assert lists_until_known(arm, arm / 2.01) == 5
