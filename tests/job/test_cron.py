"""Quartz: which expressions are valid, and when they fire."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from localrun.cron import parse
from localrun.errors import LocalRunError

BERLIN = ZoneInfo("Europe/Berlin")


def firings(expression, after, count=3, zone=BERLIN):
    moment, found = datetime.fromisoformat(after).replace(tzinfo=zone), []
    for _ in range(count):
        if (moment := parse(expression).next_after(moment, zone)) is None:
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
        ("0 0 0 ? * 6L", ["Fri 2024-06-28 00:00:00", "Fri 2024-07-26 00:00:00"]),
        ("0 0 0 ? * 1L", ["Sun 2024-06-30 00:00:00", "Sun 2024-07-28 00:00:00"]),  # on the month's last day
        ("0 0 0 ? * FRI#1", ["Fri 2024-06-07 00:00:00", "Fri 2024-07-05 00:00:00"]),  # on the 7th
        ("0 0 0 ? * MON#2", ["Mon 2024-06-10 00:00:00", "Mon 2024-07-08 00:00:00"]),
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
    found = parse("0 30 2 * * ?").next_after(datetime(2024, 10, 26, 12, tzinfo=BERLIN), BERLIN)
    assert found == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)  # the first 02:30, still summer time
    assert parse("0 30 2 * * ?").next_after(found, BERLIN) == datetime(2024, 10, 28, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 6 * * *", "has 5 fields. Quartz has 6 or 7, seconds first"),
        ("0 0 6 * * *", "exactly one of its two day fields"),
        ("0 0 6 ? * ?", "exactly one of its two day fields"),
        ("60 0 6 ? * MON", "'seconds' cannot be '60'. Use 0 to 59"),
        ("0 0 24 ? * MON", "'hours' cannot be '24'"),
        ("0 0 6 0 * ?", "'day of month' cannot be '0'. Use 1 to 31"),
        ("0 0 6 15W * ?", "'day of month' cannot be '15W'"),
        ("0 0 6 L-3 * ?", "'day of month' cannot be 'L-3'"),
        ("0 0 6 ? * MOO", "'day of week' cannot be 'MOO'. Use 1 to 7 or SUN, MON"),
        ("0 0 6 ? * 8", "'day of week' cannot be '8'"),
        ("0 0 6 ? * MON#6", "'day of week' cannot be 'MON#6'"),
        ("0 0/0 6 ? * MON", "'minutes' cannot be '0/0'"),
        ("0 1,,2 6 ? * MON", "'minutes' cannot be '1,,2'"),
        ("0 0 6 ? 13 MON", "'month' cannot be '13'"),
        ("0 0 6 ? * MON 1969", "'year' cannot be '1969'"),
    ],
)
def test_what_quartz_refuses_is_named(expression, message):
    with pytest.raises(LocalRunError, match=message):
        parse(expression)
