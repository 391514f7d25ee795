"""Which file of the Complete Journey a home reads: on the stores' own clock, or the former one that it began with."""

import json
from contextlib import suppress
from functools import partial
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cli.local.home import Home
from datasets.complete_journey import FILE, FORMER, write
from lib.features.source_note import SOURCE


def choose_file(home: Home, schema: str) -> tuple[partial[Path], str]:
    """What writes the file, and what is to be said of it; blank for a home on the stores' clock."""
    if not _is_on_former(home, schema):
        return partial(write, home.sources), ""
    return partial(write, home.sources, FORMER), (
        f"This home began with {FORMER} and goes on with it: its receipts are told in UTC, not on the stores' own "
        "clock. A --home of its own has them on that."
    )


def _is_on_former(home: Home, schema: str) -> bool:
    """Whether the schema's tables, or else others of the home, were read from the former file; else whether it lies."""
    files = {name: Path(events).name for name, events in _read_notes(home).items()}
    names = {files[schema]} if schema in files else set(files.values())
    lies = (home.sources / FORMER).exists()
    return FORMER in names or (lies and FILE not in names)


def _read_notes(home: Home) -> dict[str, str]:
    """The events that `daily_activity` of each schema was read from, where its first run came so far."""
    events: dict[str, str] = {}
    for folder in home.warehouse.glob("*/daily_activity"):
        with suppress(DeltaError):  # not a table yet; or a damaged one, which the run will name
            note = DeltaTable(folder).metadata().configuration.get(f"propensity.{SOURCE}")
            events |= {folder.parent.name: json.loads(note)["events"]} if note else {}
    return events
