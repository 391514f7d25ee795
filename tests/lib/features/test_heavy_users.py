"""Histories at their limits: years of daily use, then silence. Every feature stays finite, and no other one moves."""

from datetime import date

import numpy as np
import pytest

from lib.features.build import build_features
from lib.features.windows import BG_A, BG_ALPHA, BG_B, BG_R, Series
from lib.models.estimators import make_preprocessing
from tests.builders.runs import CUTOFF, activity, ago, plan, row

YEARS = 3653  # days of ten years
LEAST = -730  # log of the largest float, 709.8, and of one day in more years than a calendar has
DRAWN = 4000  # users


def drawn(seed=3):
    """Active days of many users, from one to ten years of daily use, of which some stay away for up to ten more."""
    rng = np.random.default_rng(seed)
    histories = []
    for _ in range(DRAWN):
        span, share = int(rng.integers(1, YEARS)) + 1, rng.random() ** 2
        days = np.flatnonzero(rng.random(span) < share)
        silent = int(YEARS * rng.random() ** 4)
        histories.append(2 * YEARS - silent - span + (days if len(days) else np.array([span - 1])))
    return histories


def series(histories):
    group = np.repeat(np.arange(len(histories)), [len(days) for days in histories])
    day = np.concatenate(histories)
    return Series(group, day, day, len(histories))


def as_before(histories, cutoff):
    """The formula as it stood when it could overflow, word for word."""
    x = np.array([len(days) - 1 for days in histories])
    age = np.array([float(cutoff - days[0]) for days in histories])
    lived = np.array([days[-1] - days[0] for days in histories])
    with np.errstate(over="ignore"):
        gone = BG_A / (BG_B + np.maximum(x, 1) - 1) * ((BG_ALPHA + age) / (BG_ALPHA + lived)) ** (BG_R + x)
    there = np.where(x > 0, -np.log1p(gone), 0.0)
    return np.log((BG_R + x) / (BG_ALPHA + age)) + there, x, age, lived


@pytest.mark.parametrize(("kind", "bits"), [(np.float64, np.int64), (np.float32, np.int32)])
def test_what_was_finite_is_the_same_to_the_last_bit(kind, bits):
    histories = drawn()
    before, *_ = as_before(histories, 2 * YEARS)

    now = series(histories).at(2 * YEARS).expected(np.zeros(DRAWN))

    finite = np.isfinite(before)
    assert 0.5 * DRAWN < finite.sum() < 0.99 * DRAWN  # both sides are drawn
    assert np.array_equal(now.astype(kind)[finite].view(bits), before.astype(kind)[finite].view(bits))


def test_what_was_infinite_is_the_formula_in_logs_with_a_bound():
    histories = drawn()
    before, x, age, lived = as_before(histories, 2 * YEARS)
    odds = np.log(BG_A / (BG_B + x - 1)) + (BG_R + x) * np.log((BG_ALPHA + age) / (BG_ALPHA + lived))
    wanted = np.log((BG_R + x) / (BG_ALPHA + age)) - np.minimum(odds, np.log(np.finfo(float).max))

    now = series(histories).at(2 * YEARS).expected(np.zeros(DRAWN))

    infinite = ~np.isfinite(before)
    assert now[infinite] == pytest.approx(wanted[infinite], rel=1e-12)
    assert now.min() > LEAST


def test_the_longer_a_heavy_user_is_away_the_less_is_expected():
    days = np.arange(YEARS)
    seen = [series([days]).at(YEARS + away).expected(np.zeros(1))[0] for away in (0, 7, 30, 365, 700, 1000, YEARS)]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen)


def history(user, days, **given):
    return [row(user, ago(n), **given) for n in days]


HEAVY = {
    "one event": history("u", [1]),
    "one event, long ago": history("u", [20 * YEARS]),
    "a million events a day, once": history("u", [1], count=10**6),
    "a million events a day, for ten years": history("u", range(1, YEARS + 1), count=10**6),
    "daily for ten years until yesterday": history("u", range(1, YEARS + 1)),
    "daily for ten years, then away for as long": history("u", range(YEARS + 1, 2 * YEARS + 1)),
    "4000 active days, the last one a year ago": history("u", range(366, 4366)),
    "4000 active days within 20 years": history("u", sorted({int(n) for n in np.linspace(30, 2 * YEARS, 4000)})),
    "the largest values": history("u", range(1, YEARS + 1), value=1e30),
    "more than the range of features holds": history("u", range(1, 367), value=1e36, count=10**12),
    "values beyond any feature, and their refunds": [
        *history("u", range(1, 5), value=1.7e308),
        *history("u", range(5, 9), value=-1.7e308),
    ],
    "the largest refunds": history("u", range(1, YEARS + 1), value=-1e30),
    "two days, twenty years apart": history("u", [1, 2 * YEARS]),
    "daily under years that begin with the calendar": [row("u", date(1, 1, 1)), *history("u", range(400, 4400))],
}


@pytest.mark.parametrize("rows", HEAVY.values(), ids=HEAVY.keys())
def test_every_feature_of_any_history_is_finite_and_has_its_bounds(rows):
    check_bounds(activity(*rows, *history("other", [1, 3, 9], value=2.0)))


def any_history(user, chance):
    """Days, types, numbers, values, items and lateness by chance, each from nothing to its limit."""
    span = int(10 ** chance.uniform(0, np.log10(YEARS))) + 1
    days = chance.choice(np.arange(1, span + 1), min(span, chance.geometric(0.02)), replace=False)
    return [
        row(
            user, ago(int(day)), str(chance.choice(["view", "buy", "share"])),
            count=int(10 ** chance.uniform(0, 6)), known=ago(int(day) - int(chance.integers(0, 3))),
            value=None if chance.random() < 0.3 else float(chance.choice([-1, 1]) * 10 ** chance.uniform(-300, 308)),
            items=None if chance.random() < 0.3 else [f"i{n}" for n in chance.integers(0, 30, chance.integers(0, 6))],
        )
        for day in days
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_every_feature_of_histories_drawn_by_chance_is_finite_and_has_its_bounds(seed):
    chance = np.random.default_rng(seed)
    check_bounds(activity(*(one for user in range(12) for one in any_history(f"u{user}", chance)), row("v", ago(1))))


def check_bounds(table):
    built = (
        build_features(table, plan(table, CUTOFF, actions=["view"]))
        .to_pandas()
        .set_index("user_id")
        .drop(columns="cutoff")
    )

    assert np.isfinite(built.to_numpy()).all()
    assert (built.filter(regex="expected$") > LEAST).all(axis=None)
    assert (built.filter(regex="(events|days|items)_|gap|tenure|overdue|recency") >= 0).all(axis=None)
    assert (built.filter(regex="ends_within").abs() <= 2 * np.log(1e6)).all(axis=None)
    assert built.filter(regex="faded").stack().between(0, 61 / np.log(2)).all()
    assert (built.filter(regex="trend").abs() <= np.log(1e13 * 400)).all(axis=None)
    assert built.filter(regex="covered|weekend").stack().between(0, 1).all()
    scaled = make_preprocessing(list(built), {"lifetime": True}).fit_transform(built.astype(float))
    assert np.isfinite(scaled).all()
