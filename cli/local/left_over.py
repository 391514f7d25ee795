"""What forgetting leaves in a home, for the receipt: rows of users without ids, in which nobody can be found."""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cli.local.home import Home
from lib.models.kept_rows import find_row_keepers
from lib.tables.ids import FILES_WITH_ROWS


def describe_left_over(home: Home) -> Iterator[str]:
    """One line for each kind of thing."""
    names = _registered_files(home)
    for path in sorted(home.artifacts.glob("models/*/artifacts/*.skops")):
        if keepers := _read_keepers(path):
            what = names.get(path.parent, str(path.parent))
            yield f"{what} keeps rows that it learnt from, without ids ({', '.join(keepers)}): retrain, and delete it"
    for pattern, what in FILES_WITH_ROWS.items():
        if number := sum(path.is_file() for path in home.root.glob(pattern)):
            yield f"{number} files like {pattern} hold {what}, without ids"


def _read_keepers(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return find_row_keepers(archive.read("schema.json").decode("utf-8", "replace"))
    except (zipfile.BadZipFile, KeyError, OSError):  # no run can load it either, and says so
        return []


def _registered_files(home: Home) -> dict[Path, str]:
    """Name and version of each registered model, by where its files lie."""
    if not home.database.exists():
        return {}
    query = "SELECT name, version, COALESCE(storage_location, source) FROM model_versions"
    with closing(sqlite3.connect(home.database)) as database:
        try:
            return {Path(place): f"{name} version {version}" for name, version, place in database.execute(query)}
        except sqlite3.DatabaseError:  # another MLflow's, or damaged: the folder's own name has to do
            return {}
