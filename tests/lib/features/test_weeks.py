"""A newest week held against the log's own past: what is thin, what fell so before, and what was accepted."""

from datetime import date, timedelta

import pytest

from lib.errors import SourceError
from lib.features.weeks import check_not_thin, find_thin

HALF = {"below": 0.5, "least": 50}

AS_OF = date(2024, 6, 3)


def counts(*weeks):
    """Events by day of weeks, the newest last: each day has a seventh of its week's."""
    days = {}
    for back, week in enumerate(reversed(weeks)):
        for day in range(7):
            days[AS_OF - timedelta(days=back * 7 + day + 1)] = week // 7
    return days


@pytest.mark.parametrize(("weeks", "thin"), [
    ([700] * 9 + [350], False),  # half is not less than half
    ([700] * 9 + [343], True),
    ([700] * 9 + [0], True),
    ([700] * 4 + [343], True),  # no past week can be held against four before it
    ([700] * 3 + [343], False),  # nor can this one
    ([49] * 9 + [0], False),  # chance alone may do that
    ([56] * 9 + [21], True),
    ([700] * 5 + [280] * 4 + [70], True),  # it had fallen to 0.4 before, and to a quarter now
    ([700] * 5 + [280] + [700] * 5 + [280], False),  # as far as it had fallen before
    ([700] * 5 + [280] + [700] * 5 + [217], True),  # farther
    ([1400, 700, 350, 175, 84, 42], False),  # it dies out
    ([700] * 9 + [2800] * 4 + [700], False),  # a season ends
], ids=str)  # fmt: skip
def test_a_week_is_thin_by_the_four_before_it_and_by_its_own_past(weeks, thin):
    assert (find_thin(counts(*weeks), AS_OF, **HALF) is not None) is thin


def test_the_week_ends_before_as_of():
    days = counts(*[700] * 9, 343)
    thin = find_thin(days | {AS_OF: 10_000}, AS_OF, **HALF)
    assert (thin.days.start, thin.days.end, thin.events) == (date(2024, 5, 27), AS_OF, 343)
    assert find_thin(days | {AS_OF - timedelta(days=1): 10_000}, AS_OF, **HALF) is None
    assert find_thin({}, AS_OF, **HALF) is None


def test_a_thin_week_is_refused_unless_it_is_accepted_for_that_very_day():
    days = counts(*[700] * 9, 343)
    said = (
        "all events from 2024-05-27 to 2024-06-02 are 343; usual is 700, and no week of the last half "
        "year fell below 100% of that"
    )
    with pytest.raises(SourceError) as caught:
        check_not_thin("app.events", "all events", days, AS_OF, AS_OF - timedelta(days=7), (0.5, 50))
    assert str(caught.value) == (
        f"The newest week of the events 'app.events' is thin: {said}. Nothing was written. Wait until the load is "
        "whole, run with an earlier as_of, or, where this is how it is, with accept_shrunk=2024-06-03, which counts "
        "for this as_of alone."
    )
    assert (
        check_not_thin("app.events", "all events", days, AS_OF, AS_OF, (0.5, 50)).message
        == f"accepted for this as_of: {said}."
    )
    assert check_not_thin("app.events", "all events", counts(*[700] * 10), AS_OF, None, (0.5, 50)) is None


@pytest.mark.parametrize(("below", "least", "thin"), [
    (0.5, 50, False), (0.51, 50, True), (0, 1, False), (0.51, 701, False), (0.51, 700, True),
])  # fmt: skip
def test_what_is_thin_is_a_matter_of_the_bounds(below, least, thin):
    assert (find_thin(counts(*[700] * 9, 350), AS_OF, below=below, least=least) is not None) is thin
