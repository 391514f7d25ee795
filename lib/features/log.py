"""The log as it is now: the events of one source or of several, beside what is stored of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

from lib import timeline
from lib.features.forgotten import leave_out
from lib.features.loads import EventCounts
from lib.features.source import Reading, standardise
from lib.sources.part import Part

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Source:
    """One place of events, and how they are read."""

    name: str  # the place
    parts: Sequence[Part]
    reading: Reading
    gained: Sequence[str] = ()  # columns that it did not have before
    max_gap: int | None = None  # quiet days before as_of that are no error; None: as many as it had before


@dataclass(frozen=True)
class Log:
    """All events of a run, in one shape."""

    sources: Sequence[Source]
    events: "DataFrame"  # as `standardise` has them
    stored: EventCounts
    anew: bool  # all is read again
    forgotten: Sequence[str] = ()  # users whose rows are left out of the events
    is_whole: bool = False  # whether all rows were asked for them
    marked: frozenset[date] = frozenset()  # days that a check spoke of and that are not mended
    is_again: bool = False  # what is stored from `start` on is to be replaced

    @classmethod
    def of(cls, sources: Sequence[Source], stored: EventCounts, anew: bool) -> "Log":
        """Bring the events of all sources to one shape."""
        return cls(sources, _unite(sources), stored, anew)

    @property
    def name(self) -> str:
        """Where the events are, as a message says it."""
        return " and ".join(one.name for one in self.sources)

    @property
    def has_several(self) -> bool:
        """Whether the events are of more than one source."""
        return len(self.sources) > 1

    @property
    def has_key(self) -> bool:
        """Whether rows of any source may be one event."""
        return any(one.reading.key for one in self.sources)

    @property
    def start(self) -> date | None:
        """The first day that was never read; None where none was."""
        return max(self.stored)[0] + timeline.ONE_DAY if self.stored else None

    @property
    def compared(self) -> EventCounts:
        """What is stored and stays."""
        return {} if self.anew else self.stored

    def events_of(self, number: int) -> "DataFrame":
        """The events of one source."""
        return self.events.where(f"source = {number}") if self.has_several else self.events

    def with_since(self, since: "Sequence[dict[str, date]]") -> "Log":
        """The same, where it was found out since which day each source has some columns."""
        if not any(since):
            return self
        sources = [
            replace(one, reading=replace(one.reading, since={**one.reading.since, **more}))
            for one, more in zip(self.sources, since, strict=True)
        ]
        return replace(self, sources=sources, events=leave_out(_unite(sources), self.forgotten))

    def without(self, users: Sequence[str], is_whole: bool) -> "Log":
        """The same without some users; `is_whole` says whether all rows were asked for them."""
        return replace(self, events=leave_out(self.events, users), forgotten=users, is_whole=is_whole)


def _unite(sources: Sequence[Source]) -> "DataFrame":
    frames = [standardise(one.parts, one.reading, number=number) for number, one in enumerate(sources)]
    return reduce(lambda one, other: one.unionByName(other), frames)
