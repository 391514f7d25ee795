"""The parameters that say where the events are and how they are read."""

from dataclasses import dataclass, replace
from typing import Self

from lib.config.event_kinds import columns, condition, counts, mapping, options, source, zone
from lib.config.kinds import NONE, choice, decimal, is_none, optional
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.errors import ConfigError
from lib.sources.options import Options
from lib.sources.presets import Preset, preset_names, read_preset


@dataclass(frozen=True, kw_only=True)
class Events(FromWidgets, group=Group.QUESTION):
    """Where the events are, and what their columns are called."""

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
    max_bad_rows: float = parameter(
        "0", decimal(0, 1), "share of rows with an unusable value that may be left out", group=Group.LIMITS
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
