"""Which days of a source a run still has to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lib.tables.sql import days_sql

LATE_DAYS = 30  # how far back a run looks for rows that were added to days it had already read


@dataclass(frozen=True)
class Ingestion:
    """Which days of a source a run still has to read: `[start, as_of)` by known day, and days that changed."""

    start: date | None  # None: nothing has been read yet
    as_of: date
    changed_days: tuple[date, ...] = ()

    @property
    def where_sql(self) -> str:
        """SQL condition on known_day for the rows to read and to replace."""
        fresh = f"known_day < DATE '{self.as_of}'" + (f" AND known_day >= DATE '{self.start}'" if self.start else "")
        late = f" OR known_day IN ({days_sql(self.changed_days)})"
        return f"(({fresh}){late})" if self.changed_days else f"({fresh})"

    @property
    def span_sql(self) -> str:
        """SQL condition on known_time that holds for all rows to read, and for others between them."""
        since = f"known_time >= DATE '{self.first_day()}' AND " if self.start else ""
        return f"({since}known_time < DATE '{self.as_of}')"

    def is_read(self, day: date) -> bool:
        """Whether rows known on this day are to be read: what `where` says, for one day."""
        return day in self.changed_days or (day < self.as_of and (self.start is None or day >= self.start))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return self.start is not None and self.start >= self.as_of and not self.changed_days

    def first_day(self) -> date:
        """The earliest day whose features may be out of date after this ingestion."""
        days = [*self.changed_days, *([self.start] if self.start and self.start < self.as_of else [])]
        return min(days, default=date.min if self.start is None else self.as_of)


def find_changed_days(ours: Mapping[date, int], theirs: Mapping[date, int]) -> tuple[date, ...]:
    """Days on which the source now holds another number of events than was read."""
    return tuple(sorted(day for day in ours.keys() | theirs.keys() if ours.get(day, 0) != theirs.get(day, 0)))
