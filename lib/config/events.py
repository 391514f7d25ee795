"""The parameters that say where the events are and how they are read."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from lib.config.event_kinds import columns, condition, counts, mapping, options, source, zone
from lib.config.kinds import NONE, Kind, choice, decimal, is_none, optional, whole
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.errors import ConfigError
from lib.sources.options import Options
from lib.sources.presets import Preset, preset_names, read_preset


@dataclass(frozen=True, kw_only=True)
class EventSource(FromWidgets, group=Group.QUESTION, of_run=True):
    """Where events are, and how they are read."""

    events: str = parameter(
        "",
        source(),
        "where the events are: a table, a Delta folder, or files of CSV, JSON lines or Parquet",
        job="${var.events}",
    )
    event_columns: dict[str, str] = parameter(  # our column name -> the source's, or an expression
        "",
        mapping(),
        "other column names or expressions, like user_id=customer,event_time=timestamp_millis(ts)",
        job="${var.event_columns}",
    )
    event_preset: str = parameter(
        "",
        optional(choice(*preset_names()), ""),
        "a ready-made mapping; what event_columns, event_where and event_key say counts over it",
        group=Group.READING,
    )
    event_where: str = parameter(
        "", condition(), "which rows count, like is_bot = 'false'", shown="all", group=Group.READING
    )
    event_options: Options = parameter(
        "",
        options(),
        "how text files are written, like sep=';',encoding=cp1252",
        shown="as the files say",
        group=Group.READING,
    )
    event_key: tuple[str, ...] = parameter(
        "",
        columns(),
        "columns that are alike in rows of one event, which count once",
        shown="every row is an event",
        group=Group.READING,
    )
    event_unpivot: dict[str, str] = parameter(  # event type -> the column of its number, or an expression
        "",
        counts(),
        "columns that count one behaviour each, where a row is a user's day, like views,favorite=favourites",
        shown="a row is an event",
        group=Group.READING,
    )
    time_zone: str = parameter(
        "UTC", zone(), "whose midnight begins a day, and what times without a zone are", group=Group.READING
    )

    @property
    def mapping(self) -> Preset:
        """How rows are to be read: the ready-made mapping, and over it what was said by hand."""
        preset = read_preset(self.event_preset)
        columns = {**preset.columns, **self.event_columns}
        kept = {ours: theirs for ours, theirs in columns.items() if theirs != NONE}
        where = "" if is_none(self.event_where) else self.event_where
        return replace(
            preset, columns=kept, where=where or preset.where, key=self.event_key or preset.key,
            unpivot=self.event_unpivot,
        )  # fmt: skip

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        config = super().from_widgets(get)
        check_wide(config.mapping)
        return config


@dataclass(frozen=True, kw_only=True)
class QuietDays(FromWidgets, group=Group.LIMITS, of_run=True):
    """How long a source may be silent."""

    max_source_gap_days: int | None = parameter(  # None: the longest gap that the last 90 days show
        "",
        optional(whole(0, unit="days"), None),
        "quiet days before as_of that are no error",
        job="${var.max_source_gap_days}",
        shown="longest gap of 90 days",
    )


@dataclass(frozen=True, kw_only=True)
class FurtherSource(QuietDays, EventSource):
    """What is said of a source besides the first: how it is read, and how long it may be silent."""


def more_sources() -> Kind[tuple[dict[str, str], ...]]:
    """A JSON list of further sources, each with the parameters of one; what is read is what was said of each."""
    return Kind(_read_more_sources, f"a JSON list of sources, or {NONE}", below=_more_sources_below)


def _more_sources_below(text: str, folder: Path) -> str:
    given = _read_more_sources("more_sources", text)
    return json.dumps([{**one, "events": source().below(one["events"], folder)} for one in given], ensure_ascii=False)


def _read_more_sources(name: str, text: str) -> tuple[dict[str, str], ...]:
    if is_none(text):
        return ()
    form = f'{name} must be a JSON list like [{{"events": "mails.csv", "event_columns": "user_id=recipient"}}]'
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{form}; at line {error.lineno}, column {error.colno}: {error.msg}.") from None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ConfigError(f"{form}, got {text!r}.")
    return tuple(_read_one(f"{name}, source {number}", one) for number, one in enumerate(given, 1))


def _read_one(name: str, given: Mapping[str, object]) -> dict[str, str]:
    known = [each.name for each in FurtherSource.parameters()]
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"{name} says {key!r}, which is none of {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ConfigError(f"{name}: {key} must be a text or a number, got {json.dumps(value)}.")
    said = defaultdict(str, {key: str(value) for key, value in given.items()})
    try:
        FurtherSource.from_widgets(said.__getitem__)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    return {key: said[key] for key in given}


@dataclass(frozen=True, kw_only=True)
class Events(EventSource, group=Group.READING, of_run=True):
    """All sources of a log, of which the first is said by the parameters themselves."""

    more_sources: tuple[dict[str, str], ...] = parameter(
        "",
        more_sources(),
        "further sources of the same log, a JSON list: each says its events and how they are read",
        shown="one source",
    )
    max_bad_rows: float = parameter(
        "0", decimal(0, 1), "share of a source's rows with an unusable value that may be left out", group=Group.LIMITS
    )

    @property
    def sources(self) -> tuple[EventSource, ...]:
        """All of them."""
        return (self, *self.further)

    @property
    def further(self) -> tuple[FurtherSource, ...]:
        """The further sources; where one says nothing of its zone, its clock is the log's."""
        said = [defaultdict(str, {"time_zone": self.time_zone, **one}) for one in self.more_sources]
        return tuple(FurtherSource.from_widgets(one.__getitem__) for one in said)


def check_wide(mapping: Preset) -> None:
    """Refuse a mapping that says twice what event_unpivot says, or what it leaves open.

    Raises
    ------
    ConfigError
        The message names the column.
    """
    several = ("value",) if len(mapping.unpivot) > 1 else ()
    for ours in ("event_type", "count", "item_id", *several):
        if mapping.unpivot and ours in mapping.columns:
            why = "it would stand for every one of them" if ours == "value" else "the columns of event_unpivot say that"
            raise ConfigError(
                f"event_columns maps {ours} and event_unpivot names {', '.join(mapping.unpivot)}: {why}. Leave one out."
            )
