"""Which events a run reads: the user's own, or built-in ones with a question that suits them."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cli.errors import CliError
from cli.local.home import Home
from datasets import cdnow, complete_journey, synthetic
from lib.features.source_note import SOURCE


def _questions(*pairs: tuple[str, str]) -> str:
    """For the job of many questions: actions and horizons, as it wants them."""
    return json.dumps([{"action": action, "horizon_days": days, "cohort_days": "90"} for action, days in pairs])


# A run takes those of these parameters that its job has.
DELI = {
    "action": "buy_deli",
    "horizon_days": "14",
    "cohort_days": "90",
    "as_of": "2017-12-17",
    "questions": _questions(("buy_deli", "14"), ("buy_pastry", "14")),
}
COOK = {
    "action": "cook",
    "horizon_days": "14",
    "as_of": "2024-08-11",
    "questions": _questions(("cook", "14"), ("favorite", "14")),
}
PURCHASE = {
    "action": "purchase",
    "horizon_days": "28",
    "as_of": "1998-05-31",
    "questions": _questions(("purchase", "28"), ("purchase", "14")),
}


@dataclass(frozen=True)
class Source:
    """Parameters that a source sets where the user has not, and how to write its events, if there are any."""

    parameters: dict[str, str] = field(default_factory=dict)
    write: Callable[[], Path] | None = None
    remark: str = ""  # one line for the user, where there is something to know about the events


def choose_source(
    name: str | None, given: Mapping[str, str], home: Home, schema: str, world: Mapping[str, Any] | None = None
) -> Source:
    """The source of a run in a schema of a home; `world` says how the invented app is to be, where it is the source.

    Raises
    ------
    CliError
        If both a built-in source and events of the user's own are asked for.
    """
    if "events" in given:
        if name not in (None, "none"):
            raise CliError(f"--source {name} and --param events={given['events']} exclude each other.")
        return Source({"events": absolute_events(given["events"])})
    if name == "none":
        return Source()
    if name == "synthetic":
        return Source(COOK | dict(given), partial(synthetic.write, home.sources, **(world or {})))
    if name == "cdnow":
        return Source(PURCHASE | dict(given), partial(cdnow.write, home.sources))
    return _journey(DELI | dict(given), home, schema)


def _journey(parameters: dict[str, str], home: Home, schema: str) -> Source:
    """The Complete Journey on the stores' clock, or the former file where a home began with that."""
    if not _is_on_former(home, schema):
        return Source(parameters, partial(complete_journey.write, home.sources))
    file = complete_journey.FORMER
    remark = (
        f"This home began with {file} and goes on with it: its receipts are told in UTC, not on the stores' own "
        "clock. A --home of its own has them on that."
    )
    return Source(parameters, partial(complete_journey.write, home.sources, file), remark)


def _is_on_former(home: Home, schema: str) -> bool:
    """Whether the schema's tables, or else others of the home, were read from the former file; else whether it lies."""
    notes = {name: Path(events).name for name, events in _read_note(home).items()}
    names = {notes[schema]} if schema in notes else set(notes.values())
    lies = (home.sources / complete_journey.FORMER).exists()
    return complete_journey.FORMER in names or (lies and complete_journey.FILE not in names)


def _read_note(home: Home) -> dict[str, str]:
    """The events that `daily_activity` of each schema was read from, where its first run came so far."""
    found: dict[str, str] = {}
    for folder in home.warehouse.glob("*/daily_activity"):
        with suppress(DeltaError):  # not a table yet; or a damaged one, which the run will name
            note = DeltaTable(folder).metadata().configuration.get(f"propensity.{SOURCE}")
            found |= {folder.parent.name: json.loads(note)["events"]} if note else {}
    return found


def absolute_events(events: str) -> str:
    """A file's path made absolute, because notebooks run in their own folder; a table's name as it stands."""
    path = Path(events).expanduser()
    looks_like_a_file = "/" in events or path.suffix in (".csv", ".parquet") or path.exists()
    return str(path.absolute()) if looks_like_a_file and "://" not in events else events
