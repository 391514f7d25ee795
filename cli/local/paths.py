"""Paths that parameters name, as a run finds them from wherever it works: notebooks run in their own folder."""

from collections.abc import Mapping
from pathlib import Path

from cli.errors import CliError
from cli.local.sources import locate_events
from lib.config.event_kinds import quote_name, split_names
from lib.config.kinds import is_none
from lib.sources.files import is_place

_WRITTEN = ("export", "reports")
_SEVERAL, _ONE = ("suppress", "contacted"), ("export_identifiers",)  # tables or files of users
_SOURCES = ("users", "identities")  # what is read as events are


def whole_paths(given: Mapping[str, str]) -> dict[str, str]:
    """The same parameters, with the paths that they name made whole.

    Raises
    ------
    CliError
        If a file of users is not there.
    """
    named = {name: text for name, text in given.items() if not is_none(text)}
    written = {name: _whole(named[name]) for name in _WRITTEN if name in named}
    several = {name: ",".join(quote_name(_read(name, place)) for place in split_names(named[name]))
               for name in _SEVERAL if name in named}  # fmt: skip
    one = {name: _read(name, named[name]) for name in _ONE if name in named}
    sources = {name: locate_events(named[name], name) for name in _SOURCES if name in named}
    return {**given, **written, **several, **one, **sources}


def _read(name: str, place: str) -> str:
    """A table by its name, or a file by its whole path."""
    if not is_place(place):
        return place
    path = _whole(place)
    if not Path(path).is_file():
        raise CliError(f"{name} names {path}, and there is no such file.")
    return path


def _whole(path: str) -> str:
    return str(Path(path).expanduser().absolute())
