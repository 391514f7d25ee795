"""What a user did before a cutoff, as numbers that a condition on users reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# function -> what it says of a type, of all events, and behind both of a window
FACTS: Mapping[str, tuple[str, str]] = {
    "events": ("the number of {type} events", "the number of events"),
    "active_days": ("the number of days with {type}", "the number of active days"),
    "value": ("the value of {type}", "the value of all events"),
    "days_since_first": ("the number of days since the first {type}", "the number of days since the first event"),
    "days_since_last": ("the number of days since the last {type}", "the number of days since the last event"),
}
WITH_WINDOW = ("events", "active_days", "value")


@dataclass(frozen=True, order=True)
class Fact:
    """One number of a user at a cutoff: `days_since_*` is null where it never happened, all others are 0 then."""

    name: str  # of `FACTS`
    event_type: str = ""  # blank: of any type
    days: int = 0  # days `[cutoff - days, cutoff)` count; 0: the whole past

    def __str__(self) -> str:
        """As it is written."""
        args = ["'" + self.event_type.replace("'", "''") + "'"] if self.event_type else []
        args += [str(self.days)] if self.days else []
        return f"{self.name}({', '.join(args)})"

    @property
    def words(self) -> str:
        """For people."""
        of_type, of_all = FACTS[self.name]
        what = of_type.format(type=self.event_type) if self.event_type else of_all
        if self.name not in WITH_WINDOW:
            return what
        return f"{what} in the last {self.days} days" if self.days else f"{what} ever"


@dataclass(frozen=True)
class UserCondition:
    """A condition on one user at a cutoff. Two are equal where they ask the same."""

    same: str  # one text of all its spellings
    text: str = field(compare=False)  # as it was written
    words: str = field(compare=False)  # for people
    facts: tuple[Fact, ...] = field(compare=False)  # that it reads; the column of the n-th is `fact_n` in `sql`
    attributes: Mapping[str, str] = field(compare=False)  # that it reads -> as which type; by name `attribute_n`
    sql: str = field(compare=False)  # for Spark and DuckDB alike, over these columns; braces are doubled

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types that it names, sorted."""
        return tuple(sorted({fact.event_type for fact in self.facts} - {""}))
