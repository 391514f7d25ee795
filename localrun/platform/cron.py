"""Quartz cron expressions, as its documentation has them: are they valid, and when do they fire next?

Seconds come first, a year may end them, weekdays count from 1 = Sunday, and `?` stands in one of the two day fields.
What Quartz lets pass although it is not documented, and then reads in its own way, is refused: `python -m
benchmarks.quartz` holds both against each other.
"""

import calendar
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from localrun.errors import LocalRunError

LAST_YEAR = 2099
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if number}
_WEEKDAYS = {name: number for number, name in enumerate(("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), start=1)}
_NAMES = {name.upper(): number for name, number in (_MONTHS | _WEEKDAYS).items()}
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<first>\d+|[A-Z]{3})(?:-(?P<last>\d+|[A-Z]{3}))?)?(?:/(?P<step>\d+))?")
Days = Callable[[int, int], list[int]]  # the days of a year and month on which it fires, in order


@dataclass(frozen=True)
class _Field:
    """One of the fields: what it may hold."""

    title: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_SECOND, _MINUTE, _HOUR = _Field("seconds", 0, 59), _Field("minutes", 0, 59), _Field("hours", 0, 23)
_MONTH_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, tuple(name.upper() for name in _MONTHS))
_WEEK_DAY = _Field("day of week", 1, 7, tuple(name.upper() for name in _WEEKDAYS))
_YEAR = _Field("year", 1970, LAST_YEAR)


@dataclass(frozen=True)
class Cron:
    """A parsed expression: local times of day in order, and days."""

    times: tuple[list[int], list[int], list[int]]  # hours, minutes, seconds
    months: list[int]
    years: list[int]
    days: Days

    def firings(self, after: datetime) -> Iterator[datetime]:
        """Every local time later than `after`, which is local too, in order."""
        for day in self._days_from(after.date()):
            start = after.time().replace(microsecond=0) if day == after.date() else None
            for moment in self._times_after(start):
                yield datetime.combine(day, moment)

    def _days_from(self, first: date) -> Iterator[date]:
        for year in self.years[bisect_left(self.years, first.year) :]:
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    found = (date(year, month, day) for day in self.days(year, month))
                    yield from (day for day in found if day >= first)

    def _times_after(self, start: time | None) -> Iterator[time]:
        hours, minutes, seconds = self.times
        for hour in hours[bisect_left(hours, start.hour) if start else 0 :]:
            for minute in minutes:
                for second in seconds:
                    moment = time(hour, minute, second)
                    if start is None or moment > start:
                        yield moment


@cache
def parse_cron(expression: str) -> Cron:
    """Read an expression.

    Raises
    ------
    LocalRunError
        If Quartz would refuse it, or its documentation does not say what it means; the message names the field.
    """
    parts = expression.upper().split()
    if len(parts) not in (6, 7):
        raise LocalRunError(
            f"The cron expression {expression!r} has {len(parts)} fields. Quartz has 6 or 7, seconds first; "
            "0 0 6 * * ? is daily at 06:00."
        )
    if (parts[3] == "?") == (parts[5] == "?"):
        raise LocalRunError(
            f"The cron expression {expression!r} must have ? in exactly one of its two day fields (the 4th, "
            "day of month, and the 6th, day of week)."
        )
    try:
        second, minute, hour = _read(parts[0], _SECOND), _read(parts[1], _MINUTE), _read(parts[2], _HOUR)
        days = _read_week_days(parts[5]) if parts[3] == "?" else _read_month_days(parts[3])
        years = _read(parts[6] if len(parts) == 7 else "*", _YEAR)
        return Cron((hour, minute, second), _read(parts[4], _MONTH), years, days)
    except _Unreadable as error:
        raise LocalRunError(f"The cron expression {expression!r} is not valid: {error}") from None


def next_fire(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first firing later than `after` (aware), in UTC; None if there is none any more.

    Reckoned in local time, as Quartz does: one that spring leaves out does not fire, and one that comes twice in autumn
    fires once, the second time.
    """
    local = after.astimezone(zone).replace(tzinfo=None, fold=0)
    for moment in parse_cron(expression).firings(local):
        fired = moment.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if fired > after and fired.astimezone(zone).replace(tzinfo=None, fold=0) == moment:
            return fired
    return None


class _Unreadable(Exception):
    """What is wrong with one field."""


def _read(text: str, field: _Field) -> list[int]:
    """The values of a field: items with commas between, each a value, a range, or either with a step."""
    return sorted({value for item in text.split(",") for value in _read_item(item, field)})


def _read_item(item: str, field: _Field) -> list[int]:
    found = _ITEM.fullmatch(item)
    if not found or not item:
        raise _Unreadable(f"{item!r} cannot be read in its {field.title}. {_allowed(field)}")
    least, most, step = field.least, field.most, int(found["step"] or 1)
    if not 1 <= step <= (most if field is not _YEAR else 100):
        raise _Unreadable(f"the step of {item!r} in its {field.title} must be from 1 to {most}.")
    named = [name for name in (found["first"], found["last"]) if name and name.isalpha()]
    if named and (found["step"] or len(named) < 1 + bool(found["last"])):
        raise _Unreadable(f"{item!r} in its {field.title} mixes names with a number or a step. Write numbers.")
    start = _value(found["first"], field) if found["first"] else least
    end = _value(found["last"], field) if found["last"] else (start if found["first"] and not found["step"] else most)
    if end < start and field is _YEAR:
        raise _Unreadable(f"{item!r} in its {field.title} ends before it begins.")
    span = end - start + (most - least + 1 if end < start else 0)  # over midnight, or the end of the week
    return [least + (start - least + passed) % (most - least + 1) for passed in range(0, span + 1, step)]


def _value(text: str, field: _Field) -> int:
    if text.isalpha():
        if text not in field.names:
            raise _Unreadable(f"{text!r} is no name of its {field.title}. {_allowed(field)}")
        return _NAMES[text]
    if len(text) > 4 or not field.least <= int(text) <= field.most:
        raise _Unreadable(f"{text!r} is out of range in its {field.title}. {_allowed(field)}")
    return int(text)


def _allowed(field: _Field) -> str:
    names = f", names from {field.names[0]} to {field.names[-1]}" if field.names else ""
    return f"Use numbers from {field.least} to {field.most}{names}, and * , - /."


def _read_month_days(text: str) -> Days:
    """Days of the month; L is the last one, L-3 three days before, W the nearest day from Monday to Friday."""
    if found := re.fullmatch(r"L(?:-(\d{1,2}))?(W?)", text):
        offset, working = int(found[1] or 0), bool(found[2])
        if offset > (27 if working else 30):
            raise _Unreadable(f"{text!r} goes back too far for its day of month.")
        return lambda year, month: _one_day(year, month, _length(year, month) - offset, working=working)
    if found := re.fullmatch(r"(\d{1,2})W", text):
        day = int(found[1])
        if not 1 <= day <= 28:
            raise _Unreadable(f"{text!r} in its day of month must be from 1W to 28W. LW is the last working day.")
        return lambda year, month: _one_day(year, month, day, working=True)
    if "L" in text or "W" in text:
        raise _Unreadable(f"L and W stand alone in its day of month, got {text!r}.")
    days = _read(text, _MONTH_DAY)
    return lambda year, month: days[: bisect_left(days, _length(year, month) + 1)]


def _one_day(year: int, month: int, day: int, *, working: bool) -> list[int]:
    """A day of a month, none where there is no such day; the nearest working day never leaves the month."""
    if day < 1:
        return []
    weekday = date(year, month, day).isoweekday()
    if working and weekday == 6:
        day += 2 if day == 1 else -1
    elif working and weekday == 7:
        day += -2 if day == _length(year, month) else 1
    return [day]


def _read_week_days(text: str) -> Days:
    """Days of the week; 6L is the last Friday of a month, 6#3 its third, L alone Saturday."""
    if found := re.fullmatch(r"(\w+?)(?:(L)|#([1-5]))", text):
        (weekday,) = _read(found[1], _WEEK_DAY)
        if found[2]:
            return lambda year, month: _weekdays(year, month, [weekday])[-1:]
        nth = int(found[3])
        return lambda year, month: _weekdays(year, month, [weekday])[nth - 1 : nth]
    if text != "L" and ("#" in text or re.search(r"\dL", text)):
        raise _Unreadable(f"L and # stand behind a single day of week, # with 1 to 5, got {text!r}.")
    weekdays = [7] if text == "L" else _read(text, _WEEK_DAY)
    return lambda year, month: _weekdays(year, month, weekdays)


def _weekdays(year: int, month: int, weekdays: list[int]) -> list[int]:
    """The days of a month that are one of some weekdays, 1 = Sunday."""
    first = date(year, month, 1).isoweekday() % 7 + 1
    return [day for day in range(1, _length(year, month) + 1) if (first + day - 2) % 7 + 1 in weekdays]


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
