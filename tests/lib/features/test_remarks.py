"""What checks of a load said of which days: kept, marked until mended or accepted, and what is thin of a week."""

from datetime import date, timedelta

import pytest

from lib.features.remarks import (
    ACCEPTED,
    MENDED,
    TOLD,
    Remark,
    accept,
    find_mended,
    format_marked,
    list_days,
    marked,
    read_remarks,
    read_spoken,
    write_remarks,
)
from lib.features.thin import tell_thin
from lib.tables.memory import MemoryTables
from lib.timeline import FULL_HISTORY_DAYS, Window
from tests.builders.runs import LOAD_LIMITS, activity, row

AS_OF = date(2024, 6, 3)
DAY = timedelta(days=1)


def span(first, last=None):
    return Window(AS_OF - first * DAY, AS_OF - ((last or first) - 1) * DAY)


def told(days, about=None, *, had=100, has=40, needed=95):
    return Remark(TOLD, "said.", days, about, had, has, needed)


@pytest.fixture
def tables():
    return MemoryTables()


def held(tables, **counts):
    """Events of each type by how many days ago they are."""
    rows = [row("u", AS_OF - back * DAY, kind, count=n) for kind, days in counts.items() for back, n in days.items()]
    tables.replace("daily_activity", activity(*rows), "1 = 1")


def test_the_last_thing_said_of_each_span_counts_and_none_of_no_days(tables):
    assert read_remarks(tables) == []
    one, other, third = told(span(9)), told(span(7, 1), "buy"), told(span(8))
    write_remarks(tables, AS_OF - 7 * DAY, "app.events", [Remark(TOLD, "2 rows were left out."), one, other, third])
    write_remarks(tables, AS_OF, "app.events", [Remark(MENDED, "mended.", one.days, has=99)])
    write_remarks(tables, AS_OF, "app.events", [accept(third), third])  # the same run once more
    last = read_remarks(tables)
    assert [(said.days, said.about, said.kind) for said in last] == [
        (one.days, None, MENDED), (third.days, None, ACCEPTED), (other.days, "buy", TOLD),
    ]  # fmt: skip
    assert marked(last) == [other]
    assert list_days(marked(last)) == {AS_OF - n * DAY for n in range(1, 8)}
    assert accept(third).message == "accepted: said."


def test_days_are_mended_when_they_hold_what_they_should(tables):
    day, week, kept = told(span(9)), told(span(7, 1), "buy", needed=50), told(span(20))
    held(tables, buy={8: 900, 7: 25, 1: 24, 0: 900, 9: 90, 20: 100}, view={9: 5, 3: 900})
    now = {AS_OF - 20 * DAY: 94}  # it stays as it was read, of which the source has less
    assert [one.days for one in find_mended(tables, [day, week, kept], now)] == [day.days]
    held(tables, buy={7: 25, 1: 25, 9: 94, 20: 100})
    (mended,) = find_mended(tables, [day, week, kept], now)
    assert (mended.days, mended.kind, mended.has) == (week.days, MENDED, 50)
    assert mended.message == "mended: events 'buy' of 2024-05-27 to 2024-06-02 hold 50 now."
    assert find_mended(tables, [], {}) == []


def test_marked_days_are_named_in_one_line():
    assert format_marked([], AS_OF) == []
    (line,) = format_marked([told(span(40 - n)) for n in range(6)], AS_OF)
    assert line == (
        "told before and neither mended nor accepted: events of 2024-04-24, events of 2024-04-25, events of "
        "2024-04-26, events of 2024-04-27, events of 2024-04-28 and 1 more. They are read again in each run; "
        "accept_shrunk=2024-06-03 takes them as they are."
    )


def usual(weeks=10, n=100):
    return dict.fromkeys(range(1, 7 * weeks + 1), n)


@pytest.mark.parametrize("change", [{}, {1: 99}, {1: 0}])  # of a day, half is not less than half
def test_a_usual_week_is_nothing_to_tell(tables, change):
    held(tables, buy=usual(), view=usual() | change)
    assert tell_thin(tables, AS_OF, LOAD_LIMITS) == []


def test_a_thin_day_and_a_type_that_falls_silent_are_told_with_what_they_should_hold(tables):
    held(tables, buy=usual() | {3: 30}, view=usual() | {3: 60}, rare={40: 49})
    assert tell_thin(tables, AS_OF, LOAD_LIMITS) == [
        Remark(TOLD, "events of 2024-05-31 are 90; usual is 200.", span(3), None, 200, 90, 100)
    ]
    silent = dict.fromkeys(range(1, 8), 0)
    held(tables, buy=usual(), view=usual(), fav=usual(n=8) | silent)
    assert tell_thin(tables, AS_OF, LOAD_LIMITS) == [
        Remark(TOLD, "events 'fav' of 2024-05-27 to 2024-06-02 are 0; usual is 56.", span(7, 1), "fav", 56, 0, 28)
    ]
    held(tables, buy=usual(), view=usual(), fav=usual(n=7) | silent)  # 49 a week: chance alone may do that
    assert tell_thin(tables, AS_OF, LOAD_LIMITS) == []


def test_a_week_that_lost_a_third_is_told_and_half_of_it_is_for_others_to_stop(tables):
    held(tables, view=usual() | dict.fromkeys(range(1, 8), 70))
    assert [one.message for one in tell_thin(tables, AS_OF, LOAD_LIMITS)] == [
        "events of 2024-05-27 to 2024-06-02 are 490; usual is 700."
    ]
    held(tables, view=usual() | dict.fromkeys(range(1, 8), 75))
    assert tell_thin(tables, AS_OF, LOAD_LIMITS) == []


def test_what_was_learnt_from_begins_with_the_past_of_the_oldest_cutoff(tables):
    """Whatever their order: what broke long before the newest cutoff was learnt from by the older ones."""
    newest, oldest = AS_OF - 40 * DAY, AS_OF - 200 * DAY
    first = oldest - FULL_HISTORY_DAYS * DAY
    for day in (first - DAY, first, AS_OF - DAY, AS_OF):
        write_remarks(tables, AS_OF, "app.events", [told(Window(day, day + DAY))])
    for training in ((newest, oldest), (oldest, newest)):
        assert read_spoken(tables, training, AS_OF) == [first, AS_OF - DAY]
    assert read_spoken(tables, (newest,), AS_OF) == [AS_OF - DAY]
