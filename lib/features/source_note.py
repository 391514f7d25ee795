"""What is noted with the activity of the source that it was read from, and by which rule: another one is refused."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import source as event_rules
from lib.features.loads import EventCounts
from lib.tables import csv_files

SOURCE = "source"  # property of daily_activity: what it was read from


def describe_source(config: ExtractConfig, columns: list[str]) -> str:
    read = sorted(ours for ours in event_rules.EVENTS if ours in columns or ours in config.event_columns)
    note = {"events": config.events, "event_columns": config.event_columns, "read": read}
    return json.dumps(note | ({"csv": csv_files.RULE} if csv_files.is_csv(config.events) else {}))


def is_other_rule(old: str | None, new: str) -> bool:
    """Whether rows of CSV files were read by another rule than today's, or before there was a note of it."""
    rule = json.loads(new).get("csv")
    return rule is not None and rule != json.loads(old or "{}").get("csv")


def check_reaches_back(config: ExtractConfig, stored: EventCounts, theirs: Sequence[Any], as_of: date) -> None:
    """Refuse to read anew what would lose the first days that are stored."""
    stored_days = [day for known_day, day in stored if known_day < as_of]
    source_days = [row["day"] for row in theirs if row["day"]]
    if stored_days and source_days and min(stored_days) < min(source_days):
        raise SourceError(
            f"The tables of schema {config.schema} were read from {config.events!r} before quotes in CSV were read by "
            f"{csv_files.RULE}, and must be read anew, whole. They begin on {min(stored_days)}, the files on "
            f"{min(source_days)} by now. Nothing was changed. Bring the older files back, or drop daily_activity and "
            "features, so that all begins with what is left: see Starting over in docs/operations.md."
        )


def check_same_source(config: ExtractConfig, old: str, new: str, columns: list[str]) -> None:
    before, now = json.loads(old), json.loads(new)
    if before["events"] != now["events"]:
        raise SourceError(
            f"The tables of schema {config.schema} were read from {before['events']!r}, this run asks for "
            f"{now['events']!r}. Give the new events a schema (or --home) of their own, or drop the old tables."
        )
    if before["event_columns"] != now["event_columns"]:
        raise SourceError(
            f"The tables of schema {config.schema} were read with event_columns {before['event_columns']}, this run "
            f"asks for {now['event_columns']}. Give the new meaning a schema (or --home) of its own."
        )
    held, read = set(before["read"]), set(now["read"])
    if gone := sorted(held - read):
        raise SourceError(
            f"The events had a column for {gone[0]} before and have none now. Found: {', '.join(columns)}."
        )
    if come := sorted(read - held):  # rows read before would go on without it, beside new ones that have it
        raise SourceError(
            f"The events have a column for {come[0]} now and had none when they were read before. Drop daily_activity "
            f"and features of schema {config.schema}, so that all is read anew, or give the events without that column."
        )
