"""The notes of a home's tables of what they were read from; without Spark, which has not started yet."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def read_notes(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each table of activity, and its note; a damaged table is passed over, for the run will name it."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    for folder in sorted((root / "warehouse").glob("*/daily_activity")):
        with suppress(DeltaError):
            note = json.loads(DeltaTable(folder).metadata().configuration.get(_property(), "{}"))
            yield folder, note


def write_note(folder: Path, note: dict[str, Any]) -> None:
    """Note it with the table instead of what was noted."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    with suppress(DeltaError):
        DeltaTable(folder).alter.set_table_properties({_property(): json.dumps(note)}, raise_if_not_exists=False)


def _property() -> str:
    from lib.features.source_note import SOURCE  # takes long, and a command that is refused needs no note

    return f"propensity.{SOURCE}"
