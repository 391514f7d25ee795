"""Signs that an attribute knows what happened, each on both sides of its limit."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from lib.attributes.columns import Attribute, Kind
from lib.evaluation.leaks import LEAK, LEAST, SOUND, UNKNOWN, Cutoff, check_attribute, compare_areas
from lib.labels.rows import Rows
from tests.builders.runs import CUTOFF, ago

FLAG, DAY = Attribute("vip", Kind.FLAG), Attribute("last_order", Kind.DATE)
TODAY = CUTOFF + timedelta(days=14)
USERS = 3000


def cutoff_of(values, day=CUTOFF, *, attribute=FLAG, rate=0.2, seed=0):
    """Users of whom a share acts, whose events tell a little; `values` makes an attribute of their labels."""
    rng = np.random.default_rng(seed)
    y = (rng.random(USERS) < rate).astype(int)
    events = np.clip(rate + 0.05 * rng.standard_normal(USERS) + 0.03 * (y - rate), 0.01, 0.99)
    frame = pd.DataFrame({"user_id": [f"u{n}" for n in range(USERS)], "cutoff": day, "label": y})
    made = values(y, rng)
    columns = (made,) if attribute.kind is Kind.FLAG else (made, np.isfinite(made).astype(float))
    rows = Rows(frame.assign(**dict(zip(attribute.columns, columns, strict=True))))
    return Cutoff(day, rows, np.arange(USERS) % 2 == 0, events)


def flags(of_actors, of_others):
    """True for a share of those who act, and for a share of the others."""
    return lambda y, rng: np.where(rng.random(USERS) < np.where(y == 1, of_actors, of_others), "true", "false")


def check(newest, old=None, beginners=None, attribute=FLAG):
    return check_attribute(attribute, newest.rows, newest, beginners, old, TODAY)


def test_what_tells_more_than_all_behaviour_is_found():
    finding = check(cutoff_of(flags(0.9, 0.1)))
    assert finding.finding == LEAK
    assert finding.auc == pytest.approx(0.9, abs=0.02)
    assert finding.why == (
        f"Alone it has an AUC of {finding.auc:.3f}, and all that users did before has {finding.events_auc:.3f}."
    )


def test_what_doubles_the_rate_is_not():
    twice = cutoff_of(flags(0.5, 0.33))
    finding = check(twice, cutoff_of(flags(0.5, 0.33), ago(90), seed=1), twice)
    assert (finding.finding, finding.why) == (SOUND, "")
    assert 0.55 < finding.auc < 0.62
    assert finding.added == pytest.approx(1, abs=0.4)
    assert finding.added_before == pytest.approx(1, abs=0.4)


def test_what_is_written_at_the_first_time_shows_in_those_who_never_did_it():
    newest, beginners = cutoff_of(flags(0.6, 0.5)), cutoff_of(flags(0.9, 0.1), rate=0.1)
    finding = check(newest, beginners=beginners)
    assert finding.finding == LEAK
    assert " of users who never did it before, and all" in finding.why
    assert check(newest).finding == SOUND


@pytest.mark.parametrize(("then", "found"), [((0.5, 0.25), SOUND), ((0.4, 0.27), LEAK), ((0.3, 0.3), LEAK)])
def test_what_it_tells_must_not_fade(then, found):
    newest = cutoff_of(flags(0.55, 0.25))
    finding = check(newest, cutoff_of(flags(*then), ago(90), seed=1))
    assert finding.finding == found
    assert finding.auc < 0.7
    assert finding.why.startswith(f"What it tells beyond the events fades: on {ago(90)} ") == (found == LEAK)


@pytest.mark.parametrize(("days", "found"), [
    (1.0, SOUND),  # the day before the cutoff
    (0.0, LEAK),  # the cutoff's own day
    (-13.0, LEAK),  # yesterday
    (-14.0, SOUND),  # today and later: what is set for a day to come may be known
    (np.nan, SOUND),
])  # fmt: skip
def test_a_day_between_the_cutoff_and_today_came_after(days, found):
    def values(y, rng):
        return np.where(rng.random(USERS) < 0.05, days, 400.0)

    finding = check(cutoff_of(values, attribute=DAY), attribute=DAY)
    assert finding.finding == found
    if found == LEAK:
        assert finding.why.endswith(f"% of the users its day lies between {CUTOFF} and {TODAY}: it came after.")


def test_of_too_few_users_only_days_are_asked():
    rows = cutoff_of(flags(0.9, 0.1)).rows
    finding = check_attribute(FLAG, rows, None, None, None, TODAY)
    assert (finding.finding, finding.why) == (UNKNOWN, "Too few users acted, or did not.")
    few = Rows(rows.frame.assign(label=[1] * (LEAST - 1) + [0] * (USERS - LEAST + 1), recency=1.0))
    assert Cutoff.of(few, ("buy",), 0) is None


def test_areas_are_those_of_all_pairs_and_their_error_that_of_many_draws():
    rng = np.random.default_rng(0)

    def draw(n=400):
        y = (rng.random(n) < 0.3).astype(int)
        shared = rng.standard_normal(n)
        return y, np.round(y + shared + rng.standard_normal(n), 1), np.round(0.7 * y + shared, 1)

    y, one, other = draw()
    pairs = one[y == 1][:, None] - one[y == 0][None, :]
    assert compare_areas(y, one, other)[0] == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), abs=1e-12)
    assert compare_areas(y, one, one)[2] == 0
    drawn = np.array([compare_areas(*draw()) for _ in range(400)])
    assert drawn[:, 2].mean() == pytest.approx(np.std(drawn[:, 0] - drawn[:, 1]), rel=0.1)
