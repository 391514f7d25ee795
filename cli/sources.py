"""Which events a run reads: the user's own, or built-in ones with a question that suits them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cli.errors import CliError
from datasets import cdnow, complete_journey, synthetic


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


def choose(name: str | None, given: Mapping[str, str], folder: Path, world: Mapping[str, Any] | None = None) -> Source:
    """The source of a run; `world` says how the invented app is to be, where it is the source.

    Raises
    ------
    CliError
        If both a built-in source and events of the user's own are asked for.
    """
    if "events" in given:
        if name not in (None, "none"):
            raise CliError(f"--source {name} and --param events={given['events']} exclude each other.")
        return Source({"events": absolute(given["events"])})
    if name == "none":
        return Source()
    if name == "synthetic":
        return Source(COOK | dict(given), partial(synthetic.write, folder, **(world or {})))
    if name == "cdnow":
        return Source(PURCHASE | dict(given), partial(cdnow.write, folder))
    return Source(DELI | dict(given), partial(complete_journey.write, folder))


def absolute(events: str) -> str:
    """A file's path made absolute, because notebooks run in their own folder; a table's name as it stands."""
    path = Path(events).expanduser()
    looks_like_a_file = "/" in events or path.suffix in (".csv", ".parquet") or path.exists()
    return str(path.absolute()) if looks_like_a_file and "://" not in events else events
