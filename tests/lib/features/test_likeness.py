"""A newest week of other users, of exchanged ones, or with rows twice; and all that is sound."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from lib.config.thresholds import LoadLimits
from lib.features.likeness import GONE, LIKENESS, TWICE, USERS, check_likeness, find_odd, measure_weeks
from lib.features.remarks import LoadRefused, Remark
from lib.timeline import Window
from tests.builders.runs import LOAD_LIMITS

AS_OF = date(2024, 6, 3)
WEEK = Window(AS_OF - timedelta(days=7), AS_OF)


def row(user, kind, ago, n=1):
    """An event of a user so many days before as_of."""
    return {"user_id": user, "event_type": kind, "day": AS_OF - timedelta(days=ago), "n": n}


def cells(weeks=9, users=30, *, kinds=("read", "like", "buy")):
    """Users who do one thing on two days of each week, and each other thing on one; once, and at times twice."""
    rows = []
    for week in range(weeks):
        for user in range(users):
            own = kinds[user % len(kinds)]
            rows += [
                row(f"u{user}", own, 7 * week + 1 + (user + day) % 7, 1 + (user + week) % 3 // 2) for day in (0, 3)
            ]
            rows += [row(f"u{user}", kind, 7 * week + 1 + (user + 5) % 7) for kind in kinds if kind != own]
    return pd.DataFrame(rows)


def in_week(rows):
    return rows["day"] >= WEEK.start


def odd(rows, **said):
    limits = LoadLimits.from_widgets(lambda name: said.get(name, ""))
    return [(one.about, one.days) for one in find_odd(rows, AS_OF, limits)]


def exchanged(rows):
    """Users of the newest week exchanged for one another."""
    users = rows["user_id"].unique()
    others = dict(zip(users, np.roll(users, 1), strict=True))
    return rows.assign(user_id=rows["user_id"].where(~in_week(rows), rows["user_id"].map(others)))


def renamed(rows, share=1.0):
    """Ids of another form, of a share of the users, since the newest week."""
    chosen = rows["user_id"].isin(sorted(rows["user_id"].unique())[: round(share * rows["user_id"].nunique())])
    return rows.assign(user_id=rows["user_id"].where(~(in_week(rows) & chosen), "x" + rows["user_id"]))


def lacking(rows, share=0.5):
    """The newest week without a share of the users."""
    gone = sorted(rows["user_id"].unique())[: round(share * rows["user_id"].nunique())]
    return rows[~(in_week(rows) & rows["user_id"].isin(gone))]


def twice(rows, where):
    return pd.concat([rows, rows[where(rows)]])


def test_a_week_is_measured_by_whose_it_is_what_they_do_and_how_often():
    rows = pd.DataFrame([
        row("ana", "buy", 63), row("ana", "read", 56, 9),  # nine weeks before, and eight: not of the newest week's past
        row("ana", "buy", 35), row("ana", "buy", 28, 2), row("ana", "read", 8),  # 3/4 buy
        row("bo", "read", 14),
        row("ana", "buy", 7), row("ana", "buy", 7, 2), row("ana", "read", 1, 2),  # parts of a day are one number
        row("bo", "read", 3), row("cy", "buy", 2, 4), row("cy", "buy", 0, 5),  # as_of itself is not of it
    ])  # fmt: skip
    newest = measure_weeks(rows, AS_OF)[0]
    assert (newest.events, newest.known, newest.cells, newest.odd) == (10, 6, 4, 2)
    assert (newest.before, newest.returned) == (2, 2)
    # ana 3 of buy at 3/4 and 2 of read at 1/4, bo 1 of read at 1: 3.75 of 6; by chance 1/2 * 3.75/6 + 1/2 * 2.25/6
    assert newest.likeness == pytest.approx((3.75 / 6 - 0.5) / 0.5)


def test_a_sound_log_has_nothing_odd():
    rows = cells()
    assert odd(rows) == []
    assert check_likeness("app.events", rows, AS_OF, None, LOAD_LIMITS) == []
    weeks = measure_weeks(rows, AS_OF)
    assert len(weeks) == 5
    assert all(one.known_share == 1 and one.odd_share > 0.6 and one.likeness > 0.05 for one in weeks)


@pytest.mark.parametrize(("weeks", "users"), [(8, 30), (9, 9)])  # too young, and too few
def test_nothing_is_told_of_a_log_that_is_too_young_or_too_small(weeks, users):
    assert odd(renamed(cells(weeks, users))) == []
    assert odd(renamed(cells(9, 30))) == [(USERS, WEEK)]
    assert odd(renamed(cells(9, 30)), min_counted_events="151") == []


@pytest.mark.parametrize(("share", "stops"), [(1, True), (0.6, True), (0.5, False), (0.1, False)])
def test_a_week_of_other_users_is_odd_where_fewer_than_half_are_known(share, stops):
    assert odd(renamed(cells(), share)) == [(USERS, WEEK)] * stops


def test_new_users_beside_the_known_ones_are_not_odd():
    rows = cells()
    new = rows[in_week(rows)].assign(user_id="new-" + rows["user_id"])
    assert odd(pd.concat([rows, new.head(len(new) * 9 // 10)])) == []


def test_a_log_that_always_has_other_users_tells_nothing_by_that():
    rows = cells()
    assert odd(rows.assign(user_id=rows["user_id"] + rows["day"].astype(str))) == []


@pytest.mark.parametrize(("share", "stops"), [(0, False), (0.4, False), (0.45, False), (0.46, True), (0.8, True)])
def test_a_week_that_lacks_users_is_odd_however_many_events_new_ones_bring(share, stops):
    rows = cells(users=100)
    new = pd.concat([rows[in_week(rows)].assign(user_id=f"new-{copy}-" + rows["user_id"]) for copy in "ab"])
    assert odd(lacking(rows, share)) == [(GONE, WEEK)] * stops
    assert odd(pd.concat([lacking(rows, share), new]), min_known_share="0") == [(GONE, WEEK)] * stops
    assert odd(lacking(rows, share), min_returning_share="0", min_known_share="0") == []
    assert odd(lacking(cells(users=49), share), min_known_share="0") == []  # of so few chance alone keeps many away


def test_exchanged_users_are_known_by_what_they_do():
    rows = cells()
    assert odd(exchanged(rows)) == [(LIKENESS, WEEK)]
    assert odd(exchanged(rows), min_likeness_share="0") == []


def test_where_everybody_does_the_same_or_something_else_each_week_exchanged_users_are_not_looked_for():
    assert odd(exchanged(cells(kinds=("buy",)))) == []
    rows = cells()
    kinds = np.random.default_rng(0).permutation(rows["event_type"])
    assert odd(exchanged(rows.assign(event_type=kinds))) == []


def test_a_week_or_a_day_that_is_there_twice_has_no_odd_number():
    rows = cells(users=90)
    assert odd(twice(rows, in_week)) == [(TWICE, WEEK)]
    yesterday = Window(AS_OF - timedelta(days=1), AS_OF)
    assert odd(twice(rows, lambda all_rows: all_rows["day"] == yesterday.start)) == [(TWICE, yesterday)]
    assert odd(twice(rows, lambda all_rows: in_week(all_rows) & (all_rows.index % 2 == 0))) == []
    assert odd(twice(rows, in_week), max_repeated_share="1") == []


def test_a_log_of_even_numbers_tells_nothing_by_them():
    rows = cells()
    assert odd(rows.assign(n=2 * rows["n"])) == []


@pytest.mark.parametrize(("load", "said"), [
    (renamed, "are of other users: from 2024-05-27 to 2024-06-02 0 of 140 are of users who were there in the four "
     "weeks before; usual are 100%. Nothing was written. Look whether ids are written as they were, and mend the load, "
     "or, where this is how it is, run with accept_shrunk=2024-06-03, which counts for this as_of alone."),
    (lambda rows: lacking(pd.concat([rows, rows.assign(user_id="w" + rows["user_id"])])), "lack users: from 2024-05-27 "
     "to 2024-06-02 30 of the 60 users of the four weeks before came back; usual are 100%. Nothing was written. Look "
     "whether the load is whole, and mend it, or, where this is how it is, run with accept_shrunk=2024-06-03, which"),
    (exchanged, "are of exchanged users: from 2024-05-27 to 2024-06-02 what they did agrees to "),
    (lambda rows: twice(rows, in_week), "are there twice: from 2024-05-27 to 2024-06-02 0% of the numbers of a user's "
     "events of a type and day are odd; usual are 83%. Nothing was written. Mend the load, or name what tells events "
     "apart by event_key, or, where"),
], ids=[USERS, GONE, LIKENESS, TWICE])  # fmt: skip
def test_an_odd_week_is_refused_unless_it_is_accepted_for_that_very_day_and_then_stops_no_other(load, said):
    rows = load(cells())
    with pytest.raises(LoadRefused) as refused:
        check_likeness("app.events", rows, AS_OF, AS_OF - timedelta(days=7), LOAD_LIMITS)
    assert str(refused.value).startswith(f"The events 'app.events' {said}")
    stopped = refused.value.remark
    assert (stopped.kind, stopped.days) == ("stopped", WEEK)
    (accepted,) = check_likeness("app.events", rows, AS_OF, AS_OF, LOAD_LIMITS)
    assert (accepted.kind, accepted.days, accepted.about) == ("accepted", WEEK, stopped.about)
    assert accepted.message == f"accepted for this as_of: {stopped.message}"
    assert check_likeness("app.events", rows, AS_OF, None, LOAD_LIMITS, [accepted]) == []
    long_ago = Remark("accepted", "", Window(WEEK.start - timedelta(days=7), WEEK.start), stopped.about)
    with pytest.raises(LoadRefused):
        check_likeness("app.events", rows, AS_OF, None, LOAD_LIMITS, [long_ago])
