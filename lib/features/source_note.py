"""What is noted with the activity of the source that it was read from, and by which rule: another one is refused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import zip_longest
from typing import Any

from lib.config.events import Events, EventSource
from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features.loads import EventCounts
from lib.features.shapes import find_asked
from lib.sources import csv_files
from lib.sources.part import Part

MEANING = (  # what makes it another source
    "event_columns", "event_where", "event_key", "event_options", "event_unpivot", "time_zone",
)  # fmt: skip
SOURCE = "source"  # property of daily_activity: what it was read from
BEGAN = "periods"  # and that it was made since there are periods: where none is said, the usual ones hold


@dataclass(frozen=True)
class SourceNote:
    """What a source is, and how it was read."""

    events: str
    event_columns: Mapping[str, str]
    read: tuple[str, ...]  # our columns that it has
    csv: str | None = None  # the rule by which text files were read
    event_where: str = ""
    event_key: tuple[str, ...] = ()
    event_options: str = ""
    event_unpivot: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    begin: date | None = None  # events before this day are not of the log
    since: Mapping[str, date] = field(default_factory=dict)  # column -> the first day that has it
    more: tuple["SourceNote", ...] = ()  # further sources of the same log; their begin is the first one's

    @property
    def all(self) -> tuple["SourceNote", ...]:
        """All sources of the log."""
        return (self, *self.more)

    @property
    def is_text(self) -> bool:
        """Whether text files are among what was read."""
        return any(one.csv is not None for one in self.all)

    def with_since(self, since: Sequence[Mapping[str, date]]) -> "SourceNote":
        """The same, with the first day of columns that came later, source by source."""
        first, *others = since
        more = tuple(replace(one, since=dict(days)) for one, days in zip(self.more, others, strict=True))
        return replace(self, since=dict(first), more=more)

    def to_json(self) -> str:
        """Write down as a table property; what says nothing is left out."""
        return json.dumps(self._to_plain())

    def _to_plain(self) -> dict[str, Any]:
        plain = {"events": self.events, "event_columns": dict(self.event_columns), "read": list(self.read)}
        said = {
            "csv": self.csv, "event_where": self.event_where, "event_key": list(self.event_key),
            "event_options": self.event_options, "event_unpivot": dict(self.event_unpivot),
            "time_zone": "" if self.time_zone == "UTC" else self.time_zone,
            "begin": self.begin and self.begin.isoformat(),
            "since": {ours: day.isoformat() for ours, day in sorted(self.since.items())},
            "more": [one._to_plain() for one in self.more],
        }  # fmt: skip
        return plain | {name: value for name, value in said.items() if value}

    @classmethod
    def from_json(cls, text: str) -> "SourceNote":
        """Read back; older notes say less."""
        return cls._from_plain(json.loads(text))

    @classmethod
    def _from_plain(cls, raw: Mapping[str, Any]) -> "SourceNote":
        since = {ours: date.fromisoformat(day) for ours, day in raw.get("since", {}).items()}
        begin = raw.get("begin")
        return cls(
            raw["events"], raw["event_columns"], tuple(raw["read"]), raw.get("csv"), raw.get("event_where", ""),
            tuple(raw.get("event_key", ())), raw.get("event_options", ""), raw.get("event_unpivot", {}),
            raw.get("time_zone", "UTC"), begin and date.fromisoformat(begin), since,
            tuple(map(cls._from_plain, raw.get("more", ()))),
        )  # fmt: skip


def describe_log(config: Events, parts: Sequence[Sequence[Part]], before: SourceNote | None) -> SourceNote:
    """What a run reads, source by source; begin and since are as they were noted before."""
    known = before.all if before else ()
    first, *more = (_describe(*one) for one in zip_longest(config.sources, parts, known[: len(parts)]))
    return replace(first, begin=before.begin if before else None, more=tuple(more))


def _describe(config: EventSource, parts: Sequence[Part], before: SourceNote | None) -> SourceNote:
    mapping = config.mapping
    named = {column.lower() for part in parts for column in part.columns}
    asked = {one.ours for one in find_asked(mapping.columns, mapping.unpivot)}
    read = tuple(sorted(ours for ours in asked if ours in named or ours in mapping.columns))
    rule = csv_files.RULE if any(part.is_text for part in parts) else None
    said = {name: value for name, value in asdict(config.event_options).items() if value not in (None, ())}
    return SourceNote(
        config.events, mapping.columns, read, rule, mapping.where, mapping.key,
        json.dumps(said) if said else "", mapping.unpivot, config.time_zone, since=before.since if before else {},
    )  # fmt: skip


def is_other_rule(old: SourceNote, new: SourceNote) -> bool:
    """Whether rows of text files were read by another rule than today's, or before there was a note of it."""
    return any(now.csv not in (None, then.csv) for then, now in zip(old.all, new.all, strict=True))


def check_reaches_back(config: ExtractConfig, stored: EventCounts, theirs: Sequence[Any], as_of: date) -> None:
    """Refuse to read anew what would lose the first days that are stored."""
    stored_days = [day for known_day, day in stored if known_day < as_of]
    source_days = [row["day"] for row in theirs if row["day"]]
    if stored_days and source_days and min(stored_days) < min(source_days):
        raise SourceError(
            f"The tables of schema {config.schema} were read from {config.events!r} before text files were read by "
            f"today's rule, and must be read anew, whole. They begin on {min(stored_days)}, the files on "
            f"{min(source_days)} by now. Nothing was changed. Bring the older files back, or drop daily_activity and "
            "features, so that all begins with what is left: see Starting over in docs/operations.md."
        )


def check_same_log(
    config: ExtractConfig, old: SourceNote, new: SourceNote, parts: Sequence[Sequence[Part]]
) -> list[list[str]]:
    """Refuse other sources than before; returns the columns that each has gained.

    Raises
    ------
    SourceError
        The message names what is not the same, and what it was.
    """
    if len(old.all) != len(new.all):
        then, now = (" and ".join(repr(one.events) for one in note.all) for note in (old, new))
        raise SourceError(
            f"The tables of schema {config.schema} were read from {then}, this run asks for {now}. Give another log a "
            "schema (or --home) of its own, or drop the old tables."
        )
    return [_check_same(config.schema, *one) for one in zip(old.all, new.all, parts, strict=True)]


def _check_same(schema: str, old: SourceNote, new: SourceNote, parts: Sequence[Part]) -> list[str]:
    if old.events != new.events:
        raise SourceError(
            f"The tables of schema {schema} were read from {old.events!r}, this run asks for "
            f"{new.events!r}. Give the new events a schema (or --home) of their own, or drop the old tables."
        )
    for name in MEANING:
        if getattr(old, name) != getattr(new, name):
            raise SourceError(
                f"The tables of schema {schema} were read with {name} {_shown(getattr(old, name))}, this run "
                f"asks for {_shown(getattr(new, name))}. Give the new meaning a schema (or --home) of its own."
            )
    if gone := sorted(set(old.read) - set(new.read)):
        shown = "; ".join(part.shown for part in parts)
        raise SourceError(f"The events had a column for {gone[0]} before and have none now. Found: {shown}.")
    return sorted(set(new.read) - set(old.read))


def _shown(value: object) -> str:
    return str(value or "none") if not isinstance(value, tuple) else ", ".join(value) or "none"
