"""Quartz cron expressions: are they valid, and when do they fire next?

croniter reckons; this module bridges the two dialects. Quartz puts seconds first, may end with a year, counts
weekdays from 1 = Sunday, and wants `?` in one of the two day fields. Of its own letters only `L`, the last day
of the month, is understood; `W`, `#` and steps of weekdays are refused.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from localrun.errors import LocalRunError

_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_TIME = re.compile(r"(?:[\d*,/-]|[A-Z]{3})+")
_MONTH_DAY = re.compile(r"[\d*,/-]+|[?L]")
_WEEK_DAY = re.compile(r"(?:(?:[1-7]|[A-Z]{3})(?:[,-]|$))+|[?*]")


def parse_cron(expression: str) -> str:
    """The expression as croniter reads it.

    Raises
    ------
    LocalRunError
        If Quartz would refuse it, or it uses what is not understood here.
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
    patterns = {3: _MONTH_DAY, 5: _WEEK_DAY}
    wrong = [part for i, part in enumerate(parts) if not patterns.get(i, _TIME).fullmatch(part)]
    parts[5] = re.sub(r"[1-7]", lambda match: _WEEKDAYS[int(match[0]) - 1], parts[5])
    if wrong or not croniter.is_valid(" ".join(parts), second_at_beginning=True):
        raise LocalRunError(
            f"The cron expression {expression!r} is not valid{f' in {wrong[0]!r}' if wrong else ''}. Use numbers in "
            "range, names like MON and JAN, * , - / and L; W, # and steps of weekdays are not supported."
        )
    return " ".join(parts)


def next_fire(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first firing later than `after` (aware), in UTC; None if there is none any more.

    Reckoned in local time: one that spring leaves out does not fire, one that comes twice in autumn fires once.
    """
    times = croniter(parse_cron(expression), after.astimezone(zone).replace(tzinfo=None), second_at_beginning=True)
    try:
        while True:
            local: datetime = times.get_next(datetime)
            fired = local.replace(tzinfo=zone).astimezone(UTC)
            if fired > after and fired.astimezone(zone).replace(tzinfo=None) == local:
                return fired
    except CroniterBadDateError:
        return None
