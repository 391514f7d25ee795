"""What a run makes of days that it read before: late rows, corrections, and a source that has lost too much."""

from datetime import date

import pytest

from lib.config.thresholds import LoadLimits
from lib.errors import SourceError
from lib.features.loads import (
    ComparedDays,
    check_action_not_shrunk,
    check_not_doubled,
    check_not_shrunk,
    compare_days,
    has_shrunk,
)
from lib.features.remarks import LoadRefused
from lib.timeline import Window
from tests.builders.runs import CUTOFF, ago
from tests.builders.runs import LOAD_LIMITS as LIMITS


def days(*numbers):
    """Numbers of events of the last days, the newest first; a day of none is not there."""
    return {ago(1 + n): number for n, number in enumerate(numbers) if number}


@pytest.mark.parametrize(
    ("stored", "now", "shrunk"),
    [
        ((), (), False),
        ((), (5,), False),
        ((500, 500), (500, 500), False),
        ((500, 500), (900, 900), False),  # late rows are none of its matters
        ((500, 500), (450, 500), False),  # 50 of 1000: exactly 5 %
        ((500, 499), (450, 499), True),  # 50 of 999
        ((500, 500), (449, 500), True),
        ((100, 100), (51, 100), False),  # 49 fewer, of whatever
        ((100, 100), (50, 100), True),
        ((500, 500), (400, 551), False),  # together 49 fewer
        ((500, 500), (400, 549), True),  # 51 of 1000
        ((900, 900, 300), (900, 900), True),  # together and of itself
        ((147, 147, 49), (147, 147), True),  # a third of the median
        ((147, 147, 48), (147, 147), False),
        ((9, 9, 3), (9, 9, 1), False),
        ((10, 5, 2, 2), (10, 5, 2), True),  # of 3.5
        ((9, 6, 6, 1), (9, 6, 6), False),
        ((11, 9, 0, 9, 3), (11, 9, 0, 9), True),  # a quiet day takes no part in the median
        ((9, 9, 3), (9, 9, 0, 99), True),  # more on another day is no answer
        ((1,), (), True),
    ],
)
def test_a_source_has_shrunk_where_so_much_is_gone_of_all_days_or_a_whole_day(stored, now, shrunk):
    assert has_shrunk(days(*stored), days(*now), LIMITS) is shrunk


@pytest.mark.parametrize(
    ("first", "fallen", "changed", "shrunk"),
    [
        (None, (4, 3, 1), (5, 4, 3, 1), True),  # it holds nothing: nothing stays
        (9, (4, 3, 1), (5, 4, 3, 1), True),  # it begins long before
        (4, (3, 1), (3, 1), True),  # the first day stays, whatever it lacks
        (3, (1,), (1,), False),
        (2, (1,), (1,), False),
        (1, (), (), False),
        (-5, (), (), False),  # it holds newer days only
    ],
)
def test_days_before_and_on_the_source_s_first_day_stay_as_stored(first, fallen, changed, shrunk):
    stored, now = days(60, 60, 60, 60, 60), days(59, 60, 0, 1, 61)
    kept = ComparedDays(stored, now).after(None if first is None else ago(first))
    assert kept.fallen_days == tuple(map(ago, fallen))
    assert kept.changed_days == tuple(map(ago, changed))
    assert has_shrunk(kept.stored, kept.now, LIMITS) is shrunk


def test_a_day_that_cannot_be_counted_is_read_again_unless_it_stays():
    some = ComparedDays(days(1, 1, 1), days(1, 1, 1), frozenset({ago(1), ago(2)}))
    assert (some.changed_days, some.fallen_days) == ((ago(2), ago(1)), ())
    assert some.after(ago(2)).changed_days == (ago(1),)


def seen(known, n, day=None, broken=None):
    return {"known_day": known, "day": day or known, "n": n, "broken": broken}


@pytest.mark.parametrize(
    ("as_of", "stored"),
    [
        (ago(-1), {ago(30): 2, ago(2): 7, ago(1): 1}),
        (ago(1), {ago(30): 2, ago(2): 7}),  # in the past of what is stored: as_of itself does not exist
        (ago(30), {}),
    ],
)
def test_the_days_before_the_newest_one_read_are_compared_by_known_day(as_of, stored):
    ours = {(ago(31), ago(31)): 9, (ago(30), ago(40)): 2, (ago(2), ago(2)): 4, (ago(2), ago(3)): 3, (ago(1), ago(1)): 1}
    theirs = [seen(ago(2), 4), seen(ago(2), 1, ago(3)), seen(ago(2), 0, broken="count"), seen(ago(0), 5), seen(None, 1)]
    found = compare_days(ours, theirs, Window.lookback(CUTOFF, 30), as_of)
    assert found == ComparedDays(stored, {ago(2): 5}, frozenset({ago(2)}))


def test_a_shrunk_source_is_refused_with_both_numbers_of_each_day_and_two_ways_on():
    found = ComparedDays(days(60, 60, 70, 60), days(60, 0, 30, 61))
    with pytest.raises(SourceError) as refused:
        check_not_shrunk("app.events", found, CUTOFF, None, LIMITS)
    assert str(refused.value) == (
        "The events 'app.events' hold fewer than were read before: 2024-05-31 had 70 and has 30; 2024-06-01 had 60 and "
        "has 0; all days compared had 250 and have 151. Nothing was written. Mend the load, or, where this is how it "
        "is to be, run with accept_shrunk=2024-06-03, which counts for this as_of alone."
    )


@pytest.mark.parametrize("accepted", [None, ago(1), ago(-1), date.max])
def test_what_is_accepted_for_one_as_of_counts_for_no_other(accepted):
    found = ComparedDays(days(60, 60), days(60))
    check_not_shrunk("app.events", found, CUTOFF, CUTOFF, LIMITS)
    with pytest.raises(SourceError, match="2024-06-01 had 60 and has 0; all days compared had 120 and have 60"):
        check_not_shrunk("app.events", found, CUTOFF, accepted, LIMITS)


def test_an_accepted_fall_is_kept_day_by_day():
    (fell,) = check_not_shrunk("app.events", ComparedDays(days(60, 60), days(60)), CUTOFF, CUTOFF, LIMITS)
    assert (fell.kind, fell.message) == ("accepted", "accepted: 2024-06-01 had 60 events and has 0 now.")
    assert (fell.days, fell.had, fell.has) == (Window(ago(2), ago(1)), 60, 0)


def test_a_stopped_load_says_what_is_kept_of_it():
    with pytest.raises(LoadRefused) as refused:
        check_not_shrunk("app.events", ComparedDays(days(60, 60, 9), days(60)), CUTOFF, None, LIMITS)
    remark = refused.value.remark
    assert (remark.kind, remark.days, remark.had, remark.has) == ("stopped", Window(ago(3), ago(1)), 129, 60)
    assert refused.value.as_of == CUTOFF


@pytest.mark.parametrize(
    ("stored", "now", "told", "corrected"),
    [
        ((600, 600), (600, 570), [], 30),
        ((600, 600), (600, 569), [ago(2)], 0),
        ((600, 100), (600, 91), [], 9),
        ((600, 100), (600, 90), [ago(2)], 0),
        ((600, 600, 100), (600, 599, 88), [ago(3)], 1),
        ((60, 60), (61, 60), [], 0),
    ],
)
def test_a_day_that_lost_a_twentieth_is_told_by_itself_and_less_is_a_correction(stored, now, told, corrected):
    said = check_not_shrunk("app.events", ComparedDays(days(*stored), days(*now)), CUTOFF, None, LIMITS)
    assert [one.days.start for one in said if one.kind == "told"] == told
    assert [one.message for one in said if one.kind == "corrected"] == (
        [f"1 days that were read before hold {corrected} events fewer now."] if corrected else []
    )
    assert all(one.needed == one.had - one.had // 20 for one in said if one.kind == "told")


@pytest.mark.parametrize(
    ("stored", "now", "stopped"),
    [
        ((9, 9, 9), (9, 9), False),  # 9 fewer are a correction of a rare action
        ((10, 9, 9), (0, 9, 9), True),
        ((60, 60, 60), (60, 60, 50), False),
        ((900, 900), (900, 800), True),  # a twentieth of 1800, and 50
        ((60, 60), (60, 90), False),
    ],
)
def test_a_load_that_lost_the_action_is_refused_however_few_of_all_events_it_is(stored, now, stopped):
    found = ComparedDays(days(*stored), days(*now))
    check_action_not_shrunk("app.events", "events 'buy'", found, CUTOFF, CUTOFF, LIMITS)
    if not stopped:
        check_action_not_shrunk("app.events", "events 'buy'", found, CUTOFF, None, LIMITS)
        return
    with pytest.raises(LoadRefused, match=r"hold fewer events 'buy' than were read before: .* all days compared had"):
        check_action_not_shrunk("app.events", "events 'buy'", found, CUTOFF, None, LIMITS)


@pytest.mark.parametrize(
    ("now", "doubled"),
    [
        ((120, 120, 120, 120), True),
        ((120, 120, 114, 60), True),
        ((120, 120, 113, 60), False),  # two of four days, and at least three are needed
        ((180, 180, 180, 180), False),  # late rows of another source
        ((60, 60, 60, 60), False),
    ],
)
def test_days_that_are_there_twice_are_refused_and_late_rows_are_not(now, doubled):
    found = ComparedDays(days(60, 60, 60, 60), days(*now))
    if not doubled:
        assert check_not_doubled("app.events", found, CUTOFF, None, LIMITS) == []
        return
    (accepted,) = check_not_doubled("app.events", found, CUTOFF, CUTOFF, LIMITS)
    assert accepted.kind == "accepted"
    with pytest.raises(
        LoadRefused, match=r"hold rows twice that were read once: \d days from .* had \d+ events and have"
    ):
        check_not_doubled("app.events", found, CUTOFF, None, LIMITS)


@pytest.mark.parametrize(("said", "stored", "now", "shrunk"), [
    ({"max_lost_share": "0.1"}, (500, 500), (400, 500), False),
    ({"max_lost_share": "0.1"}, (500, 500), (399, 500), True),
    ({"max_lost_share": "1"}, (500, 500), (), False),  # whatever is lost
    ({"min_counted_events": "10"}, (100, 100), (90, 99), True),
    ({"min_counted_events": "12"}, (100, 100), (90, 99), False),
])  # fmt: skip
def test_how_much_may_be_lost_is_a_parameter(said, stored, now, shrunk):
    limits = LoadLimits.from_widgets(lambda name: said.get(name, ""))
    assert has_shrunk(days(*stored), days(*now), limits) is shrunk


def test_how_many_days_may_be_there_twice_is_a_parameter():
    limits = LoadLimits.from_widgets(lambda name: "0.8" if name == "max_doubled_share" else "")
    four_of_five = ComparedDays(days(60, 60, 60, 60, 60), days(120, 120, 120, 120, 60))
    three_of_four = ComparedDays(days(60, 60, 60, 60), days(120, 120, 120, 60))
    assert check_not_doubled("app.events", three_of_four, CUTOFF, None, limits) == []
    with pytest.raises(LoadRefused, match=r"hold rows twice that were read once: 4 days from "):
        check_not_doubled("app.events", four_of_five, CUTOFF, None, limits)
