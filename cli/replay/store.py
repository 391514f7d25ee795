"""What a backtest keeps in its home: each file is whole or not there, so a kill costs one run at the most.

Pickles are safe here: they are written by this project into a folder of its user's own, and nothing else is read. Each
begins with a fingerprint of the classes that may be in it, so that another version of the project refuses it by name.
"""

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pandas as pd
import pyarrow as pa

from cli.errors import CliError
from cli.replay.files import read_arrow, write_arrow
from lib.attributes.columns import TABLE
from lib.backtest.replay import GROWING, WHO, ExtractedDay, Replayed, SharedTables, WhoUsersAre
from lib.registry.memory import MemoryRegistry
from lib.training.challenger import MadeChallenger
from lib.whole_files import write_whole

UNTIL = b"until"  # note with the activity: it holds what became known before this day
NOTE = b"attributes"  # note with what was read of users: what their attributes are


@dataclass
class State:
    """What one policy has come to."""

    runs: list[Replayed] = field(default_factory=list)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)


@dataclass(frozen=True)
class Outcome:
    """What all of it came to: all that is reported."""

    runs: pd.DataFrame  # policy, as_of, what the run did, promised_* and realised metrics with _low and _high
    policies: pd.DataFrame  # policy, runs, log_loss, ratio and its ends, retrains, promotions, seconds, promised
    left_out: Mapping[date, str]  # runs that no average counts, and why


@dataclass(frozen=True)
class Store:
    """The files of one backtest."""

    root: Path

    @property
    def activity(self) -> Path:
        return self.root / "activity.arrow"

    @property
    def past(self) -> Path:
        return self.root / "features.arrow"

    def table(self, name: str) -> Path:
        """A table that all runs share, beside the activity and the features."""
        return self.root / f"{name}.arrow"

    @property
    def outcome(self) -> Path:
        """The `Outcome`, once there is one: a later call prints it at once."""
        return self.root / "outcome.pickle"

    def challenger(self, as_of: date) -> Path:
        """A challenger without a champion, as of a day, after the seconds that it took."""
        return self.root / "made" / f"{as_of}.pickle"

    def state(self, policy: str) -> Path:
        """What a policy has come to so far."""
        return self.root / "policies" / f"{policy}.pickle"

    def load(self, policy: str) -> State:
        """The state of a policy; a fresh one before its first run."""
        path = self.state(policy)
        state: State = self.read(path) if path.exists() else State()
        return state

    def write(self, path: Path, content: Any) -> None:
        """Pickle something into one of these files, in the place of what was there."""
        write_whole(path, b"\n".join([_layout(), pickle.dumps(content)]))

    def read(self, path: Path) -> Any:
        """What `write` was given.

        Raises
        ------
        CliError
            If another version of this project wrote the file, whose classes lie elsewhere or have other fields.
        """
        layout, _, content = path.read_bytes().partition(b"\n")
        cause = None
        if layout == _layout():
            try:
                return pickle.loads(content)
            except Exception as error:  # noqa: BLE001 - unpickling raises whatever the classes in it raise
                cause = error
        raise CliError(
            f"The backtest in {self.root} was begun by another version of this project, which wrote "
            f"{path.relative_to(self.root)} in a way that this one cannot read. Begin a new one: give it a --home of "
            f"its own, or delete {self.root}."
        ) from cause


@cache
def _layout() -> bytes:
    """A fingerprint of what is pickled: the place of every class, and the names of its fields."""
    fields: dict[str, list[str]] = {}
    kinds: list[Any] = [State, Outcome, MadeChallenger]
    while kinds:
        kind = kinds.pop()
        kinds += get_args(kind)  # of a list, a mapping or a choice
        if isinstance(kind, type) and (name := f"{kind.__module__}.{kind.__qualname__}") not in fields:
            hints = get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}
            fields[name] = sorted(hints)
            kinds += hints.values()
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest().encode()


def read_activity(store: Store) -> tuple[pa.Table, date]:
    """The activity, and the day before which all of it had become known."""
    table = read_arrow(store.activity)
    return table, date.fromisoformat(table.schema.metadata[UNTIL].decode())


def write_past(store: Store, past: SharedTables) -> None:
    """Keep the features and what each run's extraction left."""
    stages = [
        {"as_of": str(stage.as_of), "columns": stage.columns,
         "properties": [[*key, text] for key, text in stage.properties.items()]}
        for stage in past.stages.values()
    ]  # fmt: skip
    for name, rows in past.growing.items():
        write_arrow(store.table(name), rows, {})
    write_arrow(store.past, past.features, {b"stages": json.dumps(stages).encode()})


@lru_cache(1)
def read_past(store: Store) -> SharedTables:
    """The same, once in each process."""
    features = read_arrow(store.past)
    raw = json.loads(features.schema.metadata[b"stages"])
    stages = [
        ExtractedDay(date.fromisoformat(one["as_of"]), tuple(one["columns"]),
              {(table, key): text for table, key, text in one["properties"]})
        for one in raw
    ]  # fmt: skip
    growing = {name: read_arrow(path) for name in GROWING if (path := store.table(name)).exists()}
    by_day = {stage.as_of: stage for stage in stages}
    return SharedTables(read_activity(store)[0], features, by_day, growing, read_who(store))


def write_who(store: Store, who: WhoUsersAre) -> None:
    """Keep what was read of users and of their ids."""
    for name, rows in who.tables.items():
        write_arrow(store.table(name), rows, {NOTE: who.note.encode()})


def read_who(store: Store) -> WhoUsersAre:
    """The same; nothing where the runs know nobody but by events."""
    tables = {name: read_arrow(path) for name in WHO if (path := store.table(name)).exists()}
    note = "".join(rows.schema.metadata[NOTE].decode() for name, rows in tables.items() if name == TABLE)
    return WhoUsersAre(tables, note, read_activity(store)[1])
