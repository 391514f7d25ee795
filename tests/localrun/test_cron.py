"""Quartz: which expressions are valid, and when they fire."""

import re
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
        ("0 0 0 ? * MON-MON", ["Mon 2024-06-03 00:00:00", "Mon 2024-06-10 00:00:00"]),
        ("0 0 0 9-9 * ?", ["Sun 2024-06-09 00:00:00", "Tue 2024-07-09 00:00:00"]),
        ("0 0 0 30-2 * ?", ["Sun 2024-06-02 00:00:00", "Sun 2024-06-30 00:00:00"]),  # over the month's end
        ("0 0 0 31 * ?", ["Wed 2024-07-31 00:00:00", "Sat 2024-08-31 00:00:00"]),
        ("0 0 0 1 11-2 ?", ["Fri 2024-11-01 00:00:00", "Sun 2024-12-01 00:00:00"]),
        ("0 0 0 L-3 * ?", ["Thu 2024-06-27 00:00:00", "Sun 2024-07-28 00:00:00"]),
        ("0 0 0 LW * ?", ["Fri 2024-06-28 00:00:00", "Wed 2024-07-31 00:00:00"]),
        ("0 0 0 L-2W * ?", ["Fri 2024-06-28 00:00:00", "Mon 2024-07-29 00:00:00"]),
        ("0 0 0 1W * ?", ["Mon 2024-06-03 00:00:00", "Mon 2024-07-01 00:00:00"]),  # Saturday: never before the month
        ("0 0 0 15W * ?", ["Fri 2024-06-14 00:00:00", "Mon 2024-07-15 00:00:00"]),
        ("0 0 0 L-30 * ?", ["Mon 2024-07-01 00:00:00", "Thu 2024-08-01 00:00:00"]),  # no such day in a shorter month
        ("0 0 0 ? * 6L", ["Fri 2024-06-28 00:00:00", "Fri 2024-07-26 00:00:00"]),
        ("0 0 0 ? * FRIL", ["Fri 2024-06-28 00:00:00", "Fri 2024-07-26 00:00:00"]),
        ("0 0 0 ? * L", ["Sat 2024-06-08 00:00:00", "Sat 2024-06-15 00:00:00"]),  # alone: Saturday
        ("0 0 0 ? * MON#1", ["Mon 2024-06-03 00:00:00", "Mon 2024-07-01 00:00:00"]),
        ("0 0 0 ? * 2#5", ["Mon 2024-07-29 00:00:00", "Mon 2024-09-30 00:00:00"]),  # June has four
        ("0 0 0 ? * 2/2", ["Mon 2024-06-03 00:00:00", "Wed 2024-06-05 00:00:00"]),
        ("0 /25 6 ? * *", ["Sun 2024-06-02 06:00:00", "Sun 2024-06-02 06:25:00"]),
        ("0 0 0 30 2 ?", []),
    ],
)
def test_the_next_times(expression, expected):
    assert firings(expression, "2024-06-01T12:00", 2) == expected


def test_a_firing_is_later_than_the_moment_asked_about():
    assert firings("0 0 6 ? * MON", "2024-06-03T06:00", 1) == ["Mon 2024-06-10 06:00:00"]


def test_a_local_time_that_spring_leaves_out_does_not_fire():
    assert firings("0 30 2 * * ?", "2024-03-30T12:00", 1) == ["Mon 2024-04-01 02:30:00"]


def test_a_local_time_that_autumn_repeats_fires_once_the_second_time():
    found = next_fire("0 30 2 * * ?", BERLIN, datetime(2024, 10, 26, 12, tzinfo=BERLIN))
    assert found == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)  # winter time already
    assert next_fire("0 30 2 * * ?", BERLIN, found) == datetime(2024, 10, 28, 1, 30, tzinfo=UTC)
    assert next_fire("0 0/30 * * * ?", BERLIN, datetime(2024, 10, 26, 23, 30, tzinfo=UTC)) == datetime(
        2024, 10, 27, 1, 0, tzinfo=UTC
    )


def test_within_a_second_the_next_one_counts():
    after = datetime(2024, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    assert next_fire("* * * * * ?", BERLIN, after) == datetime(2024, 6, 1, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 6 * * *", "has 5 fields. Quartz has 6 or 7, seconds first"),
        ("0 0 6 * * *", "exactly one of its two day fields"),
        ("0 0 6 ? * ?", "exactly one of its two day fields"),
        ("60 0 6 ? * MON", "is not valid: '60' is out of range in its seconds. Use numbers from 0 to 59, and * , - /."),
        ("0 0 24 ? * MON", "is not valid: '24' is out of range in its hours. Use numbers from 0 to 23, and"),
        ("0 0 6 0 * ?", "is not valid: '0' is out of range in its day of month"),
        (
            "0 0 6 31W * ?",
            "is not valid: '31W' in its day of month must be from 1W to 28W. LW is the last working day.",
        ),
        ("0 0 6 1,L * ?", "is not valid: L and W stand alone in its day of month, got '1,L'."),
        ("0 0 6 10-15W * ?", "L and W stand alone in its day of month, got '10-15W'."),
        ("0 0 6 L-31 * ?", "'L-31' goes back too far for its day of month."),
        ("0 0 6 L-28W * ?", "'L-28W' goes back too far for its day of month."),
        ("0 0 6 ? * MOO", "'MOO' is no name of its day of week. Use numbers from 1 to 7, names from SUN to SAT, and"),
        ("0 0 6 ? * JAN", "'JAN' is no name of its day of week"),
        ("0 0 6 ? * 8", "'8' is out of range in its day of week"),
        ("0 0 6 ? * 0", "'0' is out of range in its day of week"),
        ("0 0 6 ? * 2,6L", "L and # stand behind a single day of week, # with 1 to 5, got '2,6L'."),
        ("0 0 6 ? * MON#6", "L and # stand behind a single day of week, # with 1 to 5, got 'MON#6'."),
        ("0 0 6 ? * MON/2", "'MON/2' in its day of week mixes names with a number or a step. Write numbers."),
        ("0 0 6 ? * MON-6", "'MON-6' in its day of week mixes names with a number or a step. Write numbers."),
        ("0 0/0 6 ? * MON", "the step of '0/0' in its minutes must be from 1 to 59."),
        ("0 5/60 6 * * ?", "the step of '5/60' in its minutes must be from 1 to 59."),
        ("0 1,,2 6 ? * MON", "'' cannot be read in its minutes"),
        ("0 *5 6 ? * MON", "'*5' cannot be read in its minutes"),
        ("0 R 6 ? * MON", "'R' cannot be read in its minutes"),
        ("0 0 6 ?,5 * MON", "exactly one of its two day fields"),
        ("0 0 6 ? 13 MON", "'13' is out of range in its month. Use numbers from 1 to 12, names from JAN to DEC, and"),
        ("0 0 6 ? * MON 1969", "'1969' is out of range in its year. Use numbers from 1970 to 2099, and"),
        ("0 0 6 ? * MON 2030-2026", "'2030-2026' in its year ends before it begins."),
    ],
)
def test_what_quartz_refuses_or_does_not_document_is_named(expression, message):
    with pytest.raises(LocalRunError, match=re.escape(message)):
        parse_cron(expression)
