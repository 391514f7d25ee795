"""Every feature once more by a second method, plain Python over one user's rows, and what must not move a feature."""

from itertools import pairwise
from math import exp, log, sqrt
from statistics import median_low

import numpy as np
import pyarrow as pa
import pytest

from lib.features.build import build_features
from lib.features.vocabulary import choose_vocabulary, feature_columns, type_column
from lib.timeline import NEVER_DAYS
from tests.builders.runs import CUTOFF, activity, ago, plan, row

CUTOFFS = (CUTOFF, ago(14), ago(45))
KINDS = ["view", "buy", "two words", "it's", "rare", "rarer"]
MOST = 4  # so that the two least used types pool
ACTIONS = ("buy", "view")  # that are asked about


def random_rows(users=60, seed=5):
    """Rows on random days of 150, many learnt late, some without values or items; keys are unique."""
    rng = np.random.default_rng(seed)
    rows = {}
    for user in range(users):
        for _ in range(int(rng.integers(1, 60))):
            kind = KINDS[min(int(rng.geometric(0.4)) - 1, 5)]
            day = ago(int(rng.integers(-5, 150)))
            known = day if rng.random() < 0.6 else ago(-int(rng.integers(0, 40)), day)
            items = None if rng.random() < 0.2 else sorted({f"i{n}" for n in rng.integers(0, 9, rng.integers(0, 4))})
            value = None if rng.random() < 0.3 else round(float(rng.normal(3, 8)), 2)  # refunds are negative
            count = int(rng.integers(1, 9))
            rows[user, day, kind, known] = row(
                f"u{user}", day, kind, count=count, value=value, items=items, known=known
            )
    return list(rows.values())


@pytest.fixture(scope="module")
def rows():
    return random_rows()


@pytest.fixture(scope="module")
def table(rows):
    return activity(*rows)


@pytest.fixture(scope="module")
def planned(table):
    return plan(table, *CUTOFFS, most=MOST, actions=ACTIONS)


@pytest.fixture(scope="module")
def built(table, planned):
    return by_key(build_features(table, planned))


def by_key(features):
    return {(one["user_id"], one["cutoff"]): one for one in features.to_pylist()}


def visible(rows, cutoff):
    return [one for one in rows if one["day"] < cutoff and one["known_day"] < cutoff]


def log_starts(rows, cutoff):
    """{event type: {user: first known day}} before the cutoff."""
    starts = {}
    for one in visible(rows, cutoff):
        users = starts.setdefault(one["event_type"], {})
        users[one["user_id"]] = min(users.get(one["user_id"], cutoff), one["known_day"])
    return starts


def expected_days(past, cutoff, since):
    """Log of the active days per day by BG/NBD, from its published formula; one never seen is silent since then."""
    r, alpha, a, b = 0.243, 4.414 * 7, 0.793, 2.426
    days = sorted({one["day"] for one in past})
    if len(days) < 2:
        return log(r / (alpha + ((cutoff - days[0]).days if days else since)))
    x, age, lived = len(days) - 1, (cutoff - days[0]).days, (days[-1] - days[0]).days
    alive = 1 / (1 + a / (b + x - 1) * ((alpha + age) / (alpha + lived)) ** (r + x))
    return log((r + x) / (alpha + age) * alive)


def user_features(past, cutoff, log_start):
    """The features of one user that do not ask for the type, from the definitions."""
    found = {}
    within = {n: [one for one in past if (cutoff - one["day"]).days <= n] for n in (7, 28, 90)} | {"all": past}
    for n, chosen in within.items():
        found[f"events_{n}"] = sum(one["count"] for one in chosen)
        found[f"days_{n}"] = len({one["day"] for one in chosen})
        found[f"value_{n}"] = sum(one["value"] or 0.0 for one in chosen)
        found[f"items_{n}"] = len({item for one in chosen for item in one["items"] or ()})
    days = sorted({one["day"] for one in past})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    found["silence"] = (cutoff - days[-1]).days
    found["recency"] = min(found["silence"], NEVER_DAYS)
    found["tenure"] = (cutoff - days[0]).days
    found["gap_mean"] = sum(gaps) / len(gaps) if gaps else found["tenure"]
    found["gap_std"] = sqrt(sum((gap - found["gap_mean"]) ** 2 for gap in gaps) / len(gaps)) if gaps else 0.0
    found["overdue"] = found["recency"] / found["gap_mean"]
    found["trend_7_28"] = log((found["events_7"] + 1) / (found["events_28"] / 4 + 1))
    found["trend_28_90"] = log((found["events_28"] + 1) / (found["events_90"] * 28 / 90 + 1))
    found["weekend_share"] = sum(day.isoweekday() >= 6 for day in days) / len(days)
    found["expected"] = expected_days(past, cutoff, None)
    age = (cutoff - log_start).days
    return found | {f"covered_{n}": min(1, age / n) for n in (7, 28, 90)} | {"log_age": age}


def type_features(name, past, cutoff, start, tenure):
    """The features of one user and one type, or of the pool."""
    within = {n: [one for one in past if (cutoff - one["day"]).days <= n] for n in (7, 28, 90)} | {"all": past}
    found = {f"{name}__events_{n}": sum(one["count"] for one in chosen) for n, chosen in within.items()}
    found |= {f"{name}__days_{n}": len({one["day"] for one in within[n]}) for n in (28, 90)}
    found[f"{name}__value_28"] = sum(one["value"] or 0.0 for one in within[28])
    found[f"{name}__recency"] = min([(cutoff - one["day"]).days for one in past] + [NEVER_DAYS])
    found[f"{name}__expected"] = expected_days(past, cutoff, tenure)
    return found | {f"{name}__covered_90": min(1, (cutoff - start).days / 90)}


def action_features(name, past, cutoff, tenure):
    """How one user does an action: how it fades, the usual gap, what followed gaps as long as today's silence."""
    days = sorted({one["day"] for one in past})
    ages = [(cutoff - day).days for day in days]
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    silence = ages[-1] if ages else max(tenure, 1)
    found = {f"{name}__faded_{half}": sum(2 ** (-age / half) for age in ages) for half in (14, 60)}
    found[f"{name}__gap_median"] = median_low(gaps) if gaps else silence
    lasted = [gap for gap in gaps if gap >= silence]
    for within in (7, 28, 90):
        prior = 1 - exp(-exp(expected_days(past, cutoff, tenure)) * within)
        share = (sum(gap < silence + within for gap in lasted) + 5 * prior) / (len(lasted) + 5)
        found[f"{name}__ends_within_{within}"] = log(share / (1 - share)) - log(prior / (1 - prior))
    return found


def expected(rows, cutoff):
    """{user: features} at one cutoff."""
    starts = log_starts(rows, cutoff)
    ranked = sorted(starts, key=lambda kind: (-len(starts[kind]), kind))
    first = {kind: min(users.values()) for kind, users in starts.items()}
    each = sorted(first[kind] for kind in starts for _ in starts[kind])
    slots = {type_column(kind, "")[:-2]: {kind} for kind in ranked[:MOST]} | {"other": set(ranked[MOST:])}
    found = {}
    for user in {one["user_id"] for one in visible(rows, cutoff)}:
        past = [one for one in visible(rows, cutoff) if one["user_id"] == user]
        found[user] = user_features(past, cutoff, each[(len(each) - 1) // 2])
        for name, kinds in slots.items():
            own = [one for one in past if one["event_type"] in kinds]
            start = min(first[kind] for kind in kinds)
            found[user] |= type_features(name, own, cutoff, start, found[user]["tenure"])
            if kinds <= set(ACTIONS):
                found[user] |= action_features(name, own, cutoff, found[user]["tenure"])
    return found


@pytest.mark.parametrize("cutoff", CUTOFFS, ids=str)
def test_a_second_method_finds_the_same_features(rows, planned, built, cutoff):
    wanted = expected(rows, cutoff)
    assert {user for user, day in built if day == cutoff} == set(wanted)
    assert len(wanted) > 50
    for user, features in wanted.items():
        assert set(features) == set(feature_columns(planned[cutoff]))
        got = {name: built[user, cutoff][name] for name in features}
        assert got == pytest.approx(features, rel=2e-7, abs=1e-5), user  # rounded to float32


def test_neither_order_nor_chunks_of_rows_matter(rows, planned, built):
    shuffled = [rows[n] for n in np.random.default_rng(1).permutation(len(rows))]
    pieces = pa.concat_tables([activity(*shuffled[:100]), activity(*shuffled[100:])])
    assert by_key(build_features(pieces, planned)) == built


def test_users_may_be_spread_over_calls(rows, planned, built):
    apart = {}
    for part in range(5):
        own = [one for one in rows if int(one["user_id"][1:]) % 5 == part]
        apart |= by_key(build_features(activity(*own), planned))
    assert apart == built


def test_many_cutoffs_in_one_call_are_one_call_each(table, planned, built):
    for cutoff, words in planned.items():
        alone = by_key(build_features(table, {cutoff: words}))
        assert alone.keys() == {key for key in built if key[1] == cutoff}
        for key, features in alone.items():
            assert features.items() <= built[key].items()
            assert {built[key][name] for name in built[key].keys() - features.keys()} <= {0.0}


def test_a_type_that_only_a_later_cutoff_knows_is_zero_before():
    table = activity(row("ana", ago(20), "old"), row("ana", ago(2), "new", count=3))
    words = plan(table, CUTOFF, ago(7))
    built = by_key(build_features(table, words))
    assert built["ana", CUTOFF]["new__events_7"] == 3
    assert {built["ana", ago(7)][name] for name in feature_columns(words[CUTOFF]) if name.startswith("new__")} == {0.0}


def test_what_is_not_known_yet_moves_nothing(rows, planned, built):
    oldest = min(CUTOFFS)
    planted = [
        row("u0", ago(-1), "view", count=10_000, value=1e9, items=["planted"]),  # after every cutoff
        row("u1", CUTOFF, "buy", count=10_000, value=1e9),  # on the newest
        row("u2", ago(300), "buy", count=10_000, value=1e9, known=CUTOFF),  # long before, learnt too late for all
        row("u3", ago(60), "never seen", count=10_000, known=ago(-9)),
        row("newcomer", ago(0), "view"),
    ]
    again = plan(activity(*rows, *planted), *CUTOFFS, most=MOST, actions=ACTIONS)
    assert again == planned
    assert by_key(build_features(activity(*rows, *planted), planned)) == built
    late = row("u0", ago(100), "view", count=10_000, known=oldest)  # for the newer cutoffs it is a past like any other
    moved = by_key(build_features(activity(*rows, late), planned))
    assert {key: value for key, value in moved.items() if key[1] == oldest} == {
        key: value for key, value in built.items() if key[1] == oldest
    }
    assert moved["u0", CUTOFF]["events_all"] == built["u0", CUTOFF]["events_all"] + 10_000


def test_rows_of_types_that_a_cutoff_does_not_know_are_not_read(rows, table):
    seen = {"view": [(ago(149), 60)]}
    words = choose_vocabulary(seen, CUTOFF, MOST)
    only = activity(*(one for one in rows if one["event_type"] == "view"))
    assert by_key(build_features(table, {CUTOFF: words})) == by_key(build_features(only, {CUTOFF: words}))
