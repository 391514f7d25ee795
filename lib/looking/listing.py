"""The files of a source as this process sees them, by the rules of `lib/sources/files.py`."""

import os
import re
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from lib.sources.files import TABLES, File, check_pattern, find_folders, split_paths

_DEEPEST = 4  # folders of partitions, below the one of a table
_CHOICE = re.compile(r"\{([^{}]*)\}")


def list_files(events: str) -> list[File]:
    """All files that hold data; none where there are none, and of tables.

    Raises
    ------
    SourceError
        If a pattern cannot be listed.
    """
    files = []
    for path in [events] if os.path.exists(events) else split_paths(events):
        for place in [path] if os.path.exists(path) else _find_places(path):
            files += [File(name, find_folders(name, path), os.path.getsize(name)) for name in _walk(place)]
    folders = {folder for file in files for folder in list(Path(file.address).parents)[:_DEEPEST]}
    if any((folder / log).is_dir() for folder in folders for log in TABLES):
        return []
    return [file for file in dict.fromkeys(files) if file.bytes]


def _find_places(pattern: str) -> list[str]:
    return sorted({place for one in _choices(check_pattern(pattern)) for place in glob(one)})


def _choices(pattern: str) -> Iterator[str]:
    """The patterns that one with braces stands for."""
    choice = _CHOICE.search(pattern)
    if choice is None:
        yield pattern
        return
    for one in choice[1].split(","):
        yield from _choices(pattern[: choice.start()] + one + pattern[choice.end() :])


def _walk(place: str) -> Iterator[str]:
    """Files that are there, through links as Spark goes through them, those aside that are no data by their names."""
    if os.path.isfile(place):
        if is_data(os.path.basename(place)):
            yield os.path.abspath(place)
        return
    seen = set()
    for folder, folders, names in os.walk(place, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # a link back up
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(filter(is_data, folders))
        for name in sorted(filter(is_data, names)):
            if os.path.isfile(path := os.path.join(folder, name)):  # and no link to what is gone
                yield os.path.abspath(path)


def is_data(name: str) -> bool:
    """Whether a name is one of data."""
    return not name.startswith(("_", "."))
