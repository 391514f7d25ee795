"""Which day is a log's newest, and on which it begins: no clock that is ahead, or of 1970, moves either."""

from datetime import date, timedelta

import pytest

from lib.features.clocks import Apart, Span, find_begin, find_newest

LAST = date(2024, 6, 30)


def log(*tail, usual=100, days=60, weekend=None):
    """Events by day up to LAST, and what lies behind: of each the days behind it, and the events."""
    counts = {LAST - timedelta(days=back): usual for back in range(days)}
    if weekend is not None:
        counts = {day: weekend if day.isoweekday() > 5 else n for day, n in counts.items()}
    return counts | {LAST + timedelta(days=behind): n for behind, n in tail}


@pytest.mark.parametrize(("counts", "run_date", "newest", "ahead"), [
    (log(), None, 0, None),
    (log((1, 3)), None, 1, None),  # a day that has just begun
    (log((1, 21), (2, 3)), None, 2, None),  # behind a day that holds more than a fifth
    (log((1, 20), (2, 20)), None, 0, (40, 2)),
    (log((3, 5)), None, 0, (5, 3)),
    (log((1, 9), (2, 9), (9, 1)), None, 0, (19, 9)),
    (log((4600, 1)), None, 0, (1, 4600)),
    (log((1, 3), usual=19), None, 1, None),  # chance alone makes thin days
    (log((5, 3), usual=19), None, 5, None),
    (log((5, 300)), LAST, 0, (300, 5)),  # beyond the run's date, however many
    (log((1, 300)), LAST, 0, (300, 1)),
    (log(weekend=5), None, 0, None),  # LAST is a Sunday, thin as all of them are
], ids=range(12))  # fmt: skip
def test_the_newest_day_is_the_last_that_holds_enough(counts, run_date, newest, ahead):
    found = find_newest(counts, run_date)
    expected = ahead and Apart(ahead[0], LAST + timedelta(days=ahead[1]))
    assert found == (LAST + timedelta(days=newest), expected)


def test_events_of_years_before_do_not_begin_the_log():
    early = {date(1970, 1, 1): 2, date(1999, 12, 31): 4}
    begin, apart = find_begin(log() | early)
    assert (begin, apart) == (min(log()), Apart(6, date(1970, 1, 1)))
    assert find_begin(log()) == (None, None)
    assert find_begin(log() | {date(1970, 1, 1): 7}) == (None, None)  # more than a thousandth: it may be an old log
    near = {min(log()) - timedelta(days=364): 1}
    assert find_begin(log() | near) == (None, None)


def test_a_log_of_early_days_alone_has_a_newest_day_too():
    assert find_newest({LAST: 1}, LAST - timedelta(days=9)) == (LAST, None)


def test_what_lies_apart_is_told():
    span = Span(LAST, date(2024, 1, 1), Apart(5, date(2037, 1, 1)), Apart(2, date(1970, 1, 1)))
    assert span.notes() == [
        "5 events lie behind 2024-06-30, the last day of the log, as far as 2037-01-01: the clocks of some devices "
        "are ahead. They move nothing.",
        "2 events lie a year or more before 2024-01-01, on which the log begins, as far back as 1970-01-01. They are "
        "left out.",
    ]
    assert Span(LAST).notes() == []
