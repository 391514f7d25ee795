"""Quartz cron expressions: are they valid, and when do they fire next?

Quartz differs from Unix cron: seconds come first, a year may follow, weekdays count from 1 = Sunday, and one
of the two day fields must be `?`. Besides `* , - /` and names, `L`, `6L` and `6#3` are understood; Quartz's
`W` and `L-3` are refused.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from localrun.errors import LocalRunError

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("seconds", 0, 59, []),
    ("minutes", 0, 59, []),
    ("hours", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _WEEKDAYS),
    ("year", 1970, 2099, []),
)
_WEEKDAY_OF_MONTH = re.compile(r"(\w+?)(?:L|#([1-5]))")  # 6L: the last Friday; 6#3: the third


@dataclass(frozen=True)
class Quartz:
    """A parsed expression; the day fields stay text because what they mean depends on the month."""

    seconds: list[int]
    minutes: list[int]
    hours: list[int]
    month_day: str
    months: list[int]
    week_day: str
    years: list[int]

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The first firing later than `moment` (aware), in UTC; None if the years are over.

        A local time that spring leaves out does not fire, and one that comes twice in autumn fires once.
        """
        day = moment.astimezone(zone).date()
        times = [(h, m, s) for h in self.hours for m in self.minutes for s in self.seconds]
        while day.year <= self.years[-1]:
            for clock in times if self._fires_on(day) else ():
                local = datetime.combine(day, time(*clock), zone)
                fired = local.astimezone(UTC)
                if fired > moment and fired.astimezone(zone).time() == local.time():
                    return fired
            day += timedelta(days=1)
        return None

    def _fires_on(self, day: date) -> bool:
        last = calendar.monthrange(day.year, day.month)[1]
        if day.year not in self.years or day.month not in self.months:
            return False
        if self.month_day != "?":
            return day.day == last if self.month_day == "L" else day.day in _values(3, self.month_day)
        special = _WEEKDAY_OF_MONTH.fullmatch(self.week_day)
        weekday = day.isoweekday() % 7 + 1  # Quartz counts from 1 = Sunday
        if weekday not in _values(5, special[1] if special else self.week_day):
            return False
        if special and special[2]:
            return (day.day - 1) // 7 + 1 == int(special[2])
        return special is None or day.day + 7 > last


def parse(expression: str) -> Quartz:
    """Read an expression.

    Raises
    ------
    LocalRunError
        If Quartz would refuse it, or it uses `W` or `L-3`; the message names the field.
    """
    parts = expression.upper().split()
    if len(parts) not in (6, 7):
        raise LocalRunError(
            f"The cron expression {expression!r} has {len(parts)} fields. Quartz has 6 or 7, seconds first; "
            "0 0 6 * * ? is daily at 06:00."
        )
    seconds, minutes, hours, month_day, months, week_day, years = [*parts, "*"][:7]
    if (month_day == "?") == (week_day == "?"):
        raise LocalRunError(
            f"The cron expression {expression!r} must have ? in exactly one of its two day fields (the 4th, "
            "day of month, and the 6th, day of week)."
        )
    if month_day not in ("?", "L"):
        _values(3, month_day)
    if week_day != "?":
        special = _WEEKDAY_OF_MONTH.fullmatch(week_day)
        _values(5, special[1] if special else week_day)
    clock = (_values(0, seconds), _values(1, minutes), _values(2, hours))
    return Quartz(*clock, month_day, _values(4, months), week_day, _values(6, years))


def _values(index: int, text: str) -> list[int]:
    """The numbers that a list of `*`, `a`, `a-b`, each perhaps with `/step`, stands for."""
    name, low, high, names = _FIELDS[index]
    chosen: set[int] = set()
    for item in text.split(","):
        span, slash, step = item.partition("/")
        first, dash, last = (f"{low}", "-", f"{high}") if span == "*" else span.partition("-")
        ends = [names.index(end) + low if end in names else end for end in (first, last if dash else first)]
        if not all(low <= int(end) <= high if str(end).isdecimal() else False for end in ends) or (
            slash and not (step.isdecimal() and 1 <= int(step) <= high)
        ):
            words = f" or {', '.join(names)}" if names else ""
            raise LocalRunError(f"The cron field {name!r} cannot be {text!r}. Use {low} to {high}{words}.")
        start, end = int(ends[0]), high if slash and not dash else int(ends[1])
        around = [*range(start, end + 1)] or [*range(start, high + 1), *range(low, end + 1)]  # FRI-MON
        chosen.update(around[:: int(step or 1)])
    return sorted(chosen)
