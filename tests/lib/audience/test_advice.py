"""What is advised about a list: how many to contact by which rule, and when what will be known."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from lib.audience.advice import choose_head, give_advice, registered_quality, sizes
from lib.audience.contacts import choose_contacts
from lib.audience.effects import Effect, pool_effect, with_effects
from lib.audience.ranking import HeldOut
from lib.audience.uplift import Learnt, Uplift
from lib.config.thresholds import Contacts
from lib.config.words import ACTING
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality
from lib.report.numbers import past_lists
from tests.builders.lists import outcome_rows
from tests.builders.ranked import rank

AS_OF = date(2024, 6, 3)  # a Monday
ALL = Contacts(top=0, value_of_action=None, cost_of_contact=None, quiet_days=0)
NO_OUTCOMES = pd.DataFrame(columns=["cutoff", "part", "metric", "measured", "low", "high", "as_of", "word", "users",
                                    "expected", "observed", "prediction_version"])  # fmt: skip
GOOD = Quality(100, 10, {"auc": Measured(0.75, 0.7, 0.8), "ratio": Measured(1.0, 0.9, 1.1),
                         "skill_over_base_rate": Measured(0.1, 0.05, 0.15)})  # fmt: skip

NOTHING = Learnt(Uplift(0, 0, None, 2), None, ())


def listed(users=1000, held=0.1):
    """A list whose propensities fall evenly from 0.5 to 0: their mean is in the middle."""
    rows = pd.DataFrame({
        "user_id": [f"u{n:04}" for n in range(users)], "propensity": np.linspace(0.5, 0.0, users), "cutoff": AS_OF,
    })  # fmt: skip
    return rank(rows, False, HeldOut("q", held, 0)).assign(resting=False)


def advise(rows, outcomes=NO_OUTCOMES, quality=GOOD, oldest=AS_OF, **wanted):
    asked, effect = replace(ALL, **wanted), pool_effect(outcomes, 28)
    known = with_effects(rows, effect, asked.value_of_action, asked.cost_of_contact)
    return give_advice(
        rows, choose_contacts(known, asked), asked, past_lists(outcomes), effect, quality, NOTHING,
        "propensity", oldest=oldest,
        base_rate=0.25, reach_days=28, delay_days=2, seed=0, question="do it", judged_on="2024-05-06",
        when="within 28 days", words=ACTING,
    )  # fmt: skip


def outcome(back, effect, users=4_000):
    """Rows of `outcomes` of a list so many days back, on which contacting added so much to every user's chance."""
    rng = np.random.default_rng(back)
    p = rng.uniform(0.1, 0.4, users)
    held = rng.random(users) < 0.1
    label = (rng.random(users) < p + np.where(held, 0.0, effect)).astype(int)
    rows = pd.DataFrame({"user_id": [f"u{n}" for n in range(users)], "propensity": p, "label": label})
    return outcome_rows(rows, held, 0).assign(cutoff=AS_OF - timedelta(days=back), as_of=AS_OF, prediction_version="1")


def test_without_a_number_the_likelier_than_average_are_advised_in_a_round_number():
    advice = advise(listed())
    free = listed().query("not held_out")
    likelier = int((free["propensity"] > 0.25).sum())
    assert (advice.rule, len(advice.contact)) == ("average", likelier // 10 * 10)
    assert advice.contact["user_id"].tolist() == free["user_id"].head(len(advice.contact)).tolist()
    assert advice.expected.value == pytest.approx(advice.contact["propensity"].sum())
    assert advice.held_share == pytest.approx(advice.expected.value / 250)
    assert (advice.users, advice.held_out) == (1000, int(listed()["held_out"].sum()))
    assert len(advise(listed(50)).contact) == int((listed(50).query("not held_out")["propensity"] > 0.25).sum())


def test_at_that_cut_the_list_is_farthest_ahead_of_chance():
    rows = listed(100, held=0.0)
    _, head = choose_head(rows, choose_contacts(rows, ALL), ALL)
    curve = sizes(rows, rows["propensity"].sum(), ALL, 100)
    ahead = curve["share"] - curve["users"] / 100
    assert ahead.max() == pytest.approx(ahead[len(head)])


@pytest.mark.parametrize(("wanted", "rule", "number"), [
    ({"top": 123}, "top", 123), ({"top": 0.2}, "top", 200), ({"top": 0.0005}, "top", 1),
    ({"value_of_action": 10.0, "cost_of_contact": 6.0}, "profit", 0),
])  # fmt: skip
def test_what_was_asked_for_is_advised(wanted, rule, number):
    advice = advise(listed(), **wanted)
    assert (advice.rule, len(advice.contact)) == (rule, number)


def test_with_value_and_cost_those_are_advised_whom_it_pays_for_and_the_curve_peaks_there():
    rows = listed()
    advice = advise(rows, value_of_action=10.0, cost_of_contact=2.0)
    assert advice.contact["propensity"].min() > 0.2
    assert advice.profit.value == pytest.approx(10 * advice.expected.value - 2 * len(advice.contact))
    assert advice.profit.low < advice.profit.value < advice.profit.high
    free, priced = rows.query("not held_out"), replace(ALL, value_of_action=10.0, cost_of_contact=2.0)
    curve = sizes(free, free["propensity"].sum(), priced, 10_000)
    assert curve["users"][curve["profit"].idxmax()] == len(advice.contact)
    assert curve["profit"].max() == pytest.approx(advice.profit.value)
    assert (curve["users"].iloc[0], curve["share"].iloc[-1]) == (0, pytest.approx(1.0))
    assert sizes(rows, 500.0, ALL, 4, besides=123)["users"].tolist() == [0, 123, 250, 500, 750, 1000]
    assert sizes(rows, 500.0, ALL, 4)["share"].iloc[-1] == pytest.approx(0.5)


def test_the_interval_is_that_of_the_newest_known_ratio_then_of_the_holdout():
    sure = Quality(100, 10, {**GOOD.metrics, "ratio": Measured(1.0, 0.999, 1.001)})
    wide, narrow = (advise(listed(), quality=quality).everybody for quality in (GOOD, sure))
    assert wide.high - wide.low > narrow.high - narrow.low
    assert advise(listed(), quality=None).everybody.high == pytest.approx(narrow.high, rel=0.01)
    unsure = outcome(28, 0.0, users=300)
    assert (unsure["metric"] == "ratio").any()
    past = advise(listed(), unsure).everybody
    assert past.high - past.low > wide.high - wide.low
    boundless = unsure.assign(high=unsure["high"].where(unsure["metric"] != "ratio", np.inf))  # nearly nobody acted
    assert advise(listed(), boundless).everybody == wide


def test_an_effect_is_known_once_it_is_shown_and_counts_what_it_adds():
    advice = advise(listed(), pd.concat([outcome(28, 0.1), outcome(56, 0.1)]))
    assert advice.is_effect_known
    assert advice.effect.overall.low < 0.1 < advice.effect.overall.high
    assert len(advice.effect.deciles) == 10
    assert advice.added.low < 0.1 * len(advice.contact) < advice.added.high


def test_until_then_the_day_is_told_by_which_one_worth_knowing_could_be_seen():
    first = advise(listed())
    held, others = first.held_out, first.users - first.held_out
    arm = 1.645 * np.sqrt(0.25 * 0.75 * (1 / held + 1 / others))
    lists = int(np.ceil((arm / 0.025) ** 2))  # a tenth of the rate
    assert lists > 1
    assert first.effect_known == AS_OF + timedelta(days=28 * lists + 2)
    assert (first.first_known, first.again) == (AS_OF + timedelta(days=30),) * 2
    assert not first.is_effect_known
    assert advise(listed(), oldest=AS_OF - timedelta(days=7)).first_known == AS_OF + timedelta(days=23)
    one = advise(listed(), outcome(35, 0.0, users=1000))
    assert one.effect_known == first.effect_known - timedelta(days=28)
    cheap = advise(listed(), value_of_action=100.0, cost_of_contact=10.0)  # a contact pays from 10 points on
    assert cheap.effect_known < first.effect_known
    assert advise(listed(held=0.0)).effect_known is None
    assert advise(listed(held=0.002)).effect_known is None  # in more than five years


def test_a_quality_is_known_only_with_its_interval():
    metrics = {"auc": 0.8, "ratio": 1.0, "skill_over_base_rate": 0.1, "ece": 0.01}
    intervals = {name: (value - 0.1, value + 0.1) for name, value in metrics.items()}
    quality = registered_quality(metrics, intervals)
    assert quality.metrics["auc"] == Measured(0.8, pytest.approx(0.7), pytest.approx(0.9))
    assert registered_quality(metrics, {}) is None
    assert registered_quality({}, intervals) is None
    assert advise(listed()).word == "good"
    assert advise(listed(), quality=None).word == ""


def test_once_it_is_known_the_cut_is_where_contacts_no_longer_add_what_they_cost():
    rows, priced = listed(), replace(ALL, value_of_action=10.0, cost_of_contact=1.0)
    adds = [0.05, 0.3, 0.2, 0.12, 0.05, 0.12, *[0.0] * 4]  # the third part of the sixth decile would not make good
    effect = Effect(3, Measured(0.08, 0.07, 0.09), tuple(Measured(one, one - 0.02, one + 0.02) for one in adds))
    chosen = choose_contacts(with_effects(rows, effect, 10.0, 1.0), priced)
    free = rows.query("not held_out")
    assert chosen.rows["user_id"].tolist() == free[free["decile"] <= 4]["user_id"].tolist()
    assert chosen.control["user_id"].tolist() == rows.query("held_out and decile <= 4")["user_id"].tolist()
    assert choose_head(rows, chosen, priced)[0] == "added"
    curve = sizes(chosen.free, rows["propensity"].sum(), priced, 10_000)
    assert curve["users"][curve["added_profit"].idxmax()] == len(chosen.rows)
    assert curve["added"].iloc[len(chosen.rows)] == pytest.approx(effect.added(_counts(chosen.rows)).value)
    capped = choose_contacts(with_effects(rows, effect, 10.0, 1.0), replace(priced, top=100))
    assert capped.rows["user_id"].tolist() == free["user_id"].head(100).tolist()


def _counts(rows):
    return [int((rows["decile"] == decile).sum()) for decile in range(1, 11)]


def test_an_effect_that_is_not_known_or_has_no_price_changes_no_cut():
    rows = listed()
    unsure = Effect(1, Measured(0.01, -0.3, 0.3), ())
    sure = Effect(1, Measured(0.3, 0.2, 0.4), ())
    assert with_effects(rows, unsure, 10.0, 1.0) is rows
    assert with_effects(rows, sure, None, None) is rows
    assert with_effects(rows, None, 10.0, 1.0) is rows
    perhaps = Effect(3, Measured(0.08, 0.05, 0.11), ())  # that contacts pay nowhere is not shown
    assert with_effects(rows, perhaps, 10.0, 1.0) is rows
    assert "adds" in with_effects(rows, perhaps, 10.0, 1.11)


def test_contacts_that_add_less_than_they_cost_are_advised_to_nobody():
    advice = advise(listed(), pd.concat([outcome(28, -0.05), outcome(56, -0.05)]),
                    value_of_action=10.0, cost_of_contact=1.0)  # fmt: skip
    assert (advice.rule, len(advice.contact)) == ("added", 0)
