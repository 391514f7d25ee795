"""Quartz: which expressions are valid, and when they fire."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from localrun.errors import LocalRunError
from localrun.platform.cron import next_fire, parse_cron

BERLIN = ZoneInfo("Europe/Berlin")


def firings(expression, after, count=3, zone=BERLIN):
    moment, found = datetime.fromisoformat(after).replace(tzinfo=zone), []
    for _ in range(count):
        if (moment := next_fire(expression, zone, moment)) is None:
            break
        found.append(f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 6 ? * MON", ["Mon 2024-06-03 06:00:00", "Mon 2024-06-10 06:00:00"]),
        ("0 0 6 ? * 2", ["Mon 2024-06-03 06:00:00", "Mon 2024-06-10 06:00:00"]),  # 1 is Sunday
        ("0 0 6 * * ?", ["Sun 2024-06-02 06:00:00", "Mon 2024-06-03 06:00:00"]),
        ("0 0/20 8 ? * mon-fri", ["Mon 2024-06-03 08:00:00", "Mon 2024-06-03 08:20:00"]),
        ("0 0 0 ? * FRI-SUN", ["Sun 2024-06-02 00:00:00", "Fri 2024-06-07 00:00:00"]),  # over the week's end
        ("15,45 0 6 3 * ?", ["Mon 2024-06-03 06:00:15", "Mon 2024-06-03 06:00:45"]),
        ("0 0 0 L * ?", ["Sun 2024-06-30 00:00:00", "Wed 2024-07-31 00:00:00"]),
        ("0 0 0 ? * 7,1", ["Sun 2024-06-02 00:00:00", "Sat 2024-06-08 00:00:00"]),
        ("0 0 22-1 ? * 2-3", ["Mon 2024-06-03 00:00:00", "Mon 2024-06-03 01:00:00"]),  # over midnight
        ("0 0 0 1 JAN ? 2026/2", ["Thu 2026-01-01 00:00:00", "Sat 2028-01-01 00:00:00"]),
        ("0 0 0 29 FEB ?", ["Tue 2028-02-29 00:00:00", "Sun 2032-02-29 00:00:00"]),
        ("0 0 0 1 1 ? 2020", []),
        ("0 0 0 30 2 ?", []),
    ],
)
def test_the_next_times(expression, expected):
    assert firings(expression, "2024-06-01T12:00", 2) == expected


def test_a_firing_is_later_than_the_moment_asked_about():
    assert firings("0 0 6 ? * MON", "2024-06-03T06:00", 1) == ["Mon 2024-06-10 06:00:00"]


def test_a_local_time_that_spring_leaves_out_does_not_fire():
    assert firings("0 30 2 * * ?", "2024-03-30T12:00", 1) == ["Mon 2024-04-01 02:30:00"]


def test_a_local_time_that_autumn_repeats_fires_once():
    found = next_fire("0 30 2 * * ?", BERLIN, datetime(2024, 10, 26, 12, tzinfo=BERLIN))
    assert found == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)  # the first 02:30, still summer time
    assert next_fire("0 30 2 * * ?", BERLIN, found) == datetime(2024, 10, 28, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 6 * * *", "has 5 fields. Quartz has 6 or 7, seconds first"),
        ("0 0 6 * * *", "exactly one of its two day fields"),
        ("0 0 6 ? * ?", "exactly one of its two day fields"),
        ("60 0 6 ? * MON", "is not valid. Use numbers in range"),
        ("0 0 24 ? * MON", "is not valid. Use numbers in range"),
        ("0 0 6 0 * ?", "is not valid. Use numbers in range"),
        ("0 0 6 15W * ?", "is not valid in '15W'.*W, # and steps of weekdays are not supported"),
        ("0 0 6 L-3 * ?", "is not valid in 'L-3'"),
        ("0 0 6 ? * MOO", "is not valid. Use numbers in range"),
        ("0 0 6 ? * 8", "is not valid in '8'"),
        ("0 0 6 ? * 6L", "is not valid in '6L'"),
        ("0 0 6 ? * MON#1", "is not valid in 'MON#1'"),
        ("0 0 6 ? * 2/2", "is not valid in '2/2'"),
        ("0 0/0 6 ? * MON", "is not valid. Use numbers in range"),
        ("0 1,,2 6 ? * MON", "is not valid. Use numbers in range"),
        ("0 R 6 ? * MON", "is not valid in 'R'"),  # croniter's own dialect
        ("0 0 6 ? 13 MON", "is not valid. Use numbers in range"),
        ("0 0 6 ? * MON 1969", "is not valid. Use numbers in range"),
    ],
)
def test_what_quartz_refuses_is_named(expression, message):
    with pytest.raises(LocalRunError, match=message):
        parse_cron(expression)
