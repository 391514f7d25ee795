"""Which events a run reads: the user's own, or built-in ones with a question that suits them."""

import argparse
import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cli.arguments import given_parameters, known_parameters
from cli.errors import CliError
from cli.local.home import Home
from cli.local.question_files import choose_file, lay_over, read_file
from lib.config.catalogue import check_each
from lib.config.events import more_sources
from lib.sources.files import is_place, split_paths

# What is no path of this machine, or might be one of many: the engine says whether it is there.
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|/(Volumes|Workspace|dbfs)/|.*[*?\[{`]")


# A run takes those of these parameters that its job has.
DELI = {
    "action": "buy_deli",
    "horizon_days": "14",
    "cohort_days": "90",
    "as_of": "2017-12-17",
}
COOK = {
    "action": "cook",
    "horizon_days": "14",
    "as_of": "2024-08-11",
}
PURCHASE = {
    "action": "purchase",
    "horizon_days": "28",
    "as_of": "1998-05-31",
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
        If both a built-in source and events of the user's own are asked for, or the latter cannot be there.
    """
    further = locate_more(given)
    given = {**given, **further}
    if "events" in given:
        if name not in (None, "none"):
            raise CliError(f"--source {name} and --param events={given['events']} exclude each other.")
        return Source({"events": locate_events(given["events"]), **further})
    if name == "none":
        return Source(further)
    if name == "synthetic":
        return Source(COOK | dict(given), partial(_write, "synthetic", home.sources, **(world or {})))
    if name == "cdnow":
        return Source(PURCHASE | dict(given), partial(_write, "cdnow", home.sources))
    from cli.local.journey import choose_file

    file, remark = choose_file(home, schema)
    return Source(DELI | dict(given), file, remark)


def check_given(arguments: argparse.Namespace, home: Home) -> None:
    """Refuse what the command line alone shows to be wrong: at once, before the bundle is read.

    Raises
    ------
    CliError, ConfigError
        The message names the option, or the parameter and what was found.
    """
    given = choose_file(given_parameters(arguments.param), home)
    check_each(known_parameters(given))
    given = lay_over(given, read_file(given))
    if "events" in given or "more_sources" in given:
        choose_source(arguments.source if "events" in given else "none", given, home, "")


def _write(name: str, folder: Path, **world: Any) -> Path:
    """Write a built-in source's events; what that needs takes a second to import, and a refused run does without."""
    written: Path = importlib.import_module(f"datasets.{name}").write(folder, **world)
    return written


def locate_events(events: str, parameter: str = "events") -> str:
    """Where a run reads events, or users: a file's path made absolute, a table's name as it stands.

    Raises
    ------
    CliError
        If it can only be a path of this machine, and nothing is there.
    """
    located = absolute_events(events)
    for place in [located] if _may_exist(Path(located)) else split_paths(located):
        if place.startswith("/") and not _ELSEWHERE.match(place) and not _may_exist(Path(place)):
            raise CliError(
                f"--param {parameter}={events} names {place}, and there is no such file or folder. Correct the path; a "
                "table is named like shop.events."
            )
    return located


def locate_more(given: Mapping[str, str]) -> dict[str, str]:
    """The further sources that were given, each where a run reads it; nothing where none was.

    Raises
    ------
    CliError
        As `locate_events`.
    """
    further = more_sources().read("more_sources", given.get("more_sources", ""))
    located = [{**one, "events": locate_events(one["events"])} for one in further]
    return {"more_sources": json.dumps(located, ensure_ascii=False)} if located else {}


def _may_exist(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # nobody may look there: let the engine try
        return True


def absolute_events(events: str) -> str:
    """A file's path made absolute, because notebooks run in their own folder; a table's name as it stands."""
    path = Path(events).expanduser()
    if not events.strip() or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", events):
        return events
    if len(places := split_paths(events)) > 1 and not path.exists():
        return ",".join(map(absolute_events, places))
    return str(path.absolute()) if (is_place(events) or path.exists()) and "`" not in events else events
