"""The models that a home's MLflow database names, read as it has them, for commands that only list.

MLflow takes seconds to import, and a listing needs nothing else of it.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from cli.errors import CliError
from cli.local.home import Home
from lib.config.bases import ModelConfig
from lib.registry.run_record import parse_record
from lib.registry.versions import CHAMPION, Version, model_names, pair_versions

T = TypeVar("T")
_DELETED = "Deleted_Internal"  # the stage of a version that was deleted: MLflow keeps its row


def registered_models(home: Home) -> list[tuple[str, dict[str, str]]]:
    """The name and the tags of every registered model, by name; none before the first.

    Raises
    ------
    CliError
        If the database is damaged.
    """
    return _read(home, _models)


def registered_versions(home: Home, config: ModelConfig) -> list[Version]:
    """Every pair of a question, the newest first, then its orphans: what `MlflowRegistry.versions` answers.

    Raises
    ------
    CliError
        If the database is damaged.
    """
    transformers, predictors = model_names(config.models, config.question)

    def pairs(database: sqlite3.Connection) -> list[Version]:
        alias = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
        row = database.execute(alias, (predictors, CHAMPION)).fetchone()
        champion, recorded = str(row[0]) if row else None, partial(_recorded, database)
        return pair_versions(_versions(database, predictors), _versions(database, transformers), champion, recorded)

    return _read(home, pairs)


@dataclass(frozen=True)
class _Registered:
    version: int
    creation_timestamp: int
    tags: dict[str, str] = field(default_factory=dict)


def _read(home: Home, what: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
    """Ask the database; one that is not there, or only half made by a run that was killed, holds nothing."""
    if not home.database.exists():
        return []
    with closing(sqlite3.connect(home.database)) as database:
        try:
            return what(database)
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error):
                return []
            raise CliError(f"{home.database} cannot be read: {error}. Restore it.") from error


def _models(database: sqlite3.Connection) -> list[tuple[str, dict[str, str]]]:
    names = database.execute("SELECT name FROM registered_models ORDER BY name")
    tags: dict[str, dict[str, str]] = {name: {} for (name,) in names}
    for name, key, value in database.execute("SELECT name, key, value FROM registered_model_tags"):
        tags[name][key] = value
    return list(tags.items())


def _versions(database: sqlite3.Connection, name: str) -> list[_Registered]:
    query = "SELECT version, creation_time FROM model_versions WHERE name = ? AND current_stage != ? ORDER BY version"
    versions = {number: _Registered(number, made) for number, made in database.execute(query, (name, _DELETED))}
    tags = database.execute("SELECT version, key, value FROM model_version_tags WHERE name = ?", (name,))
    for number, key, value in tags:
        if number in versions:
            versions[number].tags[key] = value
    return list(reversed(versions.values()))


def _recorded(database: sqlite3.Connection, run_id: str) -> dict[str, object]:
    params = dict(database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,)))
    query = "SELECT key, CASE WHEN is_nan THEN NULL ELSE value END FROM latest_metrics WHERE run_uuid = ?"
    metrics = {name: float("nan") if value is None else value for name, value in database.execute(query, (run_id,))}
    return parse_record(params, metrics)
