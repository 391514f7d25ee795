"""Whom a contact moves: what is learnt, how orders are compared, and when one is offered."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks import effects as worlds
from lib.audience import uplift
from lib.audience.effect_model import FOLDS, fit_effects, label_by, user_folds
from lib.audience.uplift import compare_orders, learn_uplift, measure_added, take_lists

FIRST = date(2024, 1, 1)


def drawn(lists=1, users=4_000, moved=0.4, seed=0):
    """Lists a horizon apart: a contact adds `moved` to those with x above 0, whatever their propensity."""
    rng, rows = np.random.default_rng(seed), []
    x, held = rng.normal(size=users), rng.random(users) < 0.2
    for number in range(lists):
        p = rng.uniform(0.1, 0.5, users)
        label = (rng.random(users) < p + np.where(held, 0.0, moved * (x > 0))).astype(int)
        rows.append(pd.DataFrame({
            "user_id": [f"u{n}" for n in range(users)], "cutoff": FIRST + timedelta(days=28 * number),
            "treated": ~held, "label": label, "propensity": p, "x": x,
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def test_a_contact_is_seen_to_move_those_whom_it_moves():
    rows = drawn()
    estimates = fit_effects(rows).estimate(rows)
    moved = rows["x"].to_numpy() > 0
    assert estimates[moved].mean() == pytest.approx(0.4, abs=0.08)
    assert estimates[~moved].mean() == pytest.approx(0.0, abs=0.08)
    assert np.ptp(fit_effects(rows).estimate(rows[["user_id", "propensity"]])) < np.ptp(
        estimates
    )  # x is known no longer


def test_an_order_that_moves_more_is_shown_on_lists_that_it_was_not_learnt_from():
    learnt = learn_uplift(drawn(lists=3), 28)
    assert (learnt.uplift.lists, learnt.uplift.judged, learnt.uplift.is_shown, learnt.uplift.more) == (3, 2, True, 0)
    least = learnt.added(0.1, 1000)
    assert least.low < 400 < least.high
    assert [part["cutoff"].iloc[0] for part, _ in learnt.judged] == [FIRST + timedelta(days=28 * n) for n in (1, 2)]


def test_a_list_is_judged_by_those_alone_whose_outcome_was_known_on_its_day():
    rows = drawn(lists=2)
    assert learn_uplift(rows, 28).uplift.judged == 1
    assert learn_uplift(rows, 28, delay_days=1).uplift.judged == 0
    seen = []

    def fit(before):
        seen.append(sorted(set(before["cutoff"])))
        return fit_effects(before)

    learn_uplift(rows, 28, fit=fit)
    assert seen == [[FIRST], [FIRST, FIRST + timedelta(days=28)]]  # for the second list, and for a new one


def test_a_list_is_judged_by_labels_as_they_were_known_on_its_day():
    rows, day, seen = drawn(lists=2, users=1_200), FIRST + timedelta(days=28), []
    late = rows.assign(**{label_by(day): np.where(rows["cutoff"] == FIRST, 0.0, np.nan)})

    def fit(before):
        seen.append(before["label"].sum())
        return fit_effects(before)

    learnt = learn_uplift(late, 28, fit=fit)
    assert seen == [0, rows["label"].sum()]
    assert learnt.model.columns == ("propensity", "x")


def test_where_a_contact_does_nothing_no_order_is_shown():
    learnt = learn_uplift(drawn(lists=3, moved=0.0, seed=1), 28)
    assert not learnt.uplift.is_shown
    assert learnt.uplift.more != 0


def habits(seed, users=3_000, lists=3):
    """Lists on which a contact does nothing and no column tells anything, of users who go on as they do."""
    rng = np.random.default_rng(seed)
    lasting, held, known = rng.beta(0.3, 1.2, users), rng.random(users) < 0.1, rng.normal(size=(users, 3))
    one = pd.DataFrame(known, columns=["x", "y", "z"]).assign(
        user_id=[f"u{n}" for n in range(users)], treated=~held, propensity=0.2
    )
    days = [FIRST + timedelta(days=28 * number) for number in range(lists)]
    parts = [one.assign(cutoff=day, label=(rng.random(users) < lasting).astype(int)) for day in days]
    return pd.concat(parts, ignore_index=True)


def test_habits_that_last_are_no_effect_where_the_same_users_are_left_alone_list_after_list():
    found = learn_uplift(habits(seed=1), 28).uplift
    assert found.judged == 2
    assert not found.is_shown  # learnt from the users themselves the gain is 3.7 standard deviations


def test_nobody_is_estimated_by_what_was_learnt_from_themselves():
    rows = drawn(users=1_200)
    of_first = user_folds(rows["user_id"]) == 0
    others = rows.assign(label=np.where(of_first, 1 - rows["label"], rows["label"]))
    moved = fit_effects(rows).estimate(rows) != fit_effects(others).estimate(rows)
    assert not moved[of_first].any()
    assert moved[~of_first].any()
    assert np.bincount(user_folds(rows["user_id"])) == pytest.approx(1_200 / FOLDS, rel=0.1)


@pytest.mark.parametrize("known", [[], [0], [1, 2]])
def test_of_a_column_that_is_unknown_throughout_nothing_is_learnt(known):
    rows = drawn(users=600)
    some = user_folds(rows["user_id"])
    of_named = rows.assign(big__recency=rows["x"].where(np.isin(some, known)).astype("Float64"))
    learnt = fit_effects(of_named)
    assert learnt.columns == ("propensity", "x", "big__recency")
    if not known:
        assert (learnt.estimate(of_named) == fit_effects(rows).estimate(rows)).all()
        assert (learnt.estimate(of_named.assign(big__recency=1.0)) == learnt.estimate(of_named)).all()


def test_without_lists_it_is_said_how_many_are_needed():
    assert learn_uplift(drawn(users=100), 28).uplift == uplift.Uplift(0, 0, None, 2)
    assert learn_uplift(drawn(), 28).uplift == uplift.Uplift(1, 0, None, 1)
    assert learn_uplift(drawn().head(0), 28).model is None


def test_a_user_on_several_lists_counts_as_one():
    of_user = [pd.Series([0.5, -0.1, 0.2], index=["ana", "bo", "cy"])] * 2
    once, twice = compare_orders(of_user[:1], 2).gain, compare_orders(of_user, 3).gain
    assert (once.value, twice.value) == (pytest.approx(0.2), pytest.approx(0.2))
    assert twice.high - twice.low == pytest.approx(once.high - once.low)  # the same users tell no more


@pytest.mark.parametrize(("values", "more"), [
    ([1.0] * 50 + [1.1] * 50, 0), ([3.0, -2.5] * 50, 8), ([1.0, -1.2] * 50, None), ([1.0, -0.999] * 50, None),
])  # fmt: skip
def test_the_number_of_lists_that_are_needed_follows_from_the_gain_and_its_interval(values, more):
    part = pd.Series(values, index=[f"u{n}" for n in range(100)])
    assert compare_orders([part], 2).more == more


def test_the_gain_is_the_area_between_the_two_curves():
    rows = drawn(users=400)
    estimates = rows["x"].to_numpy()
    part = uplift._contributions(rows, estimates)
    share, beyond = rows["treated"].mean(), rows["label"] - rows["propensity"]
    score = (beyond - beyond.mean()) * np.where(rows["treated"], 1 / share, -1 / (1 - share))
    curves = [
        np.cumsum(score.to_numpy()[np.argsort(-key, kind="stable")]) / 400
        for key in (estimates, rows["propensity"].to_numpy())
    ]
    assert part.sum() / 400 == pytest.approx((curves[0] - curves[1]).mean())


def test_only_the_newest_lists_with_enough_users_on_both_sides_are_taken():
    rows = drawn(lists=8, users=600)
    assert sorted(set(take_lists(rows)["cutoff"])) == [FIRST + timedelta(days=28 * n) for n in range(2, 8)]
    few = rows[rows["treated"] | (rows["cutoff"] != rows["cutoff"].max())]
    assert take_lists(few)["cutoff"].max() == FIRST + timedelta(days=28 * 6)


def test_lists_that_differ_more_than_their_users_tell_make_the_interval_wide():
    parts = [(rows, np.ones(len(rows))) for rows in (drawn(moved=0.1), drawn(moved=0.7))]
    apart, alike = measure_added(parts, 0.5), measure_added(parts[:1] * 2, 0.5)
    assert apart.value == pytest.approx(0.2, abs=0.03)
    assert apart.high - apart.low > 5 * (alike.high - alike.low)
    assert measure_added(parts, 2.0) is None


def test_following_the_advice_pays_in_a_drawn_world(monkeypatch):
    monkeypatch.setattr(worlds, "LISTS", 4)
    monkeypatch.setattr(worlds, "USERS", 4_000)
    world = worlds.draw_world("differ", 0)
    assert world["followed"] > world["top"]
    monkeypatch.setattr(worlds, "LISTS", 3)
    same, none = worlds.draw_world("same", 0), worlds.draw_world("none", 0)
    assert same["followed"] > 0.98 * same["top"]
    assert same["offered"] == none["offered"] == 0
    table = worlds.format_kind("same", pd.DataFrame([same, same]))
    assert table.startswith(f"| same | 2 | {2 * same['effect_inside']} | {2 * same['profit_inside']} | ")
