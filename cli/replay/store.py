"""What a backtest in memory keeps in its home: each file is whole or not there, so a kill costs one run at the most.

Pickles are safe here: they are written by this project into a folder of its user's own, and nothing else is read.
"""

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from lib.backtest.replay import ExtractedDay, Replayed, SharedTables
from lib.progress import Say
from lib.registry.memory import MemoryRegistry
from lib.training import challenger
from lib.training.challenger import ChallengerRequest, MadeChallenger

UNTIL = b"until"  # note with the activity: it holds what became known before this day


@dataclass
class State:
    """What one policy has come to."""

    runs: list[Replayed] = field(default_factory=list)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)


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

    def made(self, as_of: date) -> Path:
        """A challenger without a champion, as of a day."""
        return self.root / "made" / f"{as_of}.pickle"

    def state(self, policy: str) -> Path:
        """What a policy has come to so far."""
        return self.root / "policies" / f"{policy}.pickle"

    def load(self, policy: str) -> State:
        """The state of a policy; a fresh one before its first run."""
        path = self.state(policy)
        found: State = pickle.loads(path.read_bytes()) if path.exists() else State()
        return found

    def save(self, policy: str, state: State) -> None:
        """Keep the state of a policy in the place of the one before."""
        write(self.state(policy), pickle.dumps(state))

    def outcome(self) -> Any:
        """What all of it came to, as `save_outcome` was given it; None before the end."""
        path = self.root / "outcome.pickle"
        return pickle.loads(path.read_bytes()) if path.exists() else None

    def save_outcome(self, found: Any) -> None:
        """Keep what all of it came to: a later call prints it at once."""
        write(self.root / "outcome.pickle", pickle.dumps(found))


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def write_arrow(path: Path, table: pa.Table, note: dict[bytes, bytes]) -> None:
    """Write a table that any process can map into its memory, with a note."""
    sink = pa.BufferOutputStream()
    noted = table.replace_schema_metadata(note)
    with pa.ipc.new_file(sink, noted.schema) as file:
        file.write_table(noted)
    write(path, sink.getvalue())


def read_activity(store: Store) -> tuple[pa.Table, date]:
    """The activity, and the day before which all of it had become known."""
    table = read_arrow(store.activity)
    return table, date.fromisoformat(table.schema.metadata[UNTIL].decode())


def read_arrow(path: Path) -> pa.Table:
    """Map a table into memory."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def write_past(store: Store, past: SharedTables) -> None:
    """Keep the features and what each run's extraction left."""
    stages = [
        {"as_of": str(stage.as_of), "columns": stage.columns,
         "properties": [[*key, text] for key, text in stage.properties.items()]}
        for stage in past.stages.values()
    ]  # fmt: skip
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
    return SharedTables(read_activity(store)[0], features, {stage.as_of: stage for stage in stages})


class Remembered:
    """Makes challengers; one that needs no champion only once, whichever policy asks for it.

    `seconds` adds up what a policy has been spared, which it would have spent.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store, self.clock, self.seconds = store, clock, 0.0

    def __call__(self, asked: ChallengerRequest, say: Say) -> MadeChallenger:
        path = self.store.made(asked.as_of)
        if asked.champion is None and path.exists():
            kept: tuple[float, MadeChallenger] = pickle.loads(path.read_bytes())
            self.seconds += kept[0]
            return kept[1]
        began = self.clock()
        made = challenger.make_challenger(asked, say)
        if asked.champion is None:
            plain = replace(made, found=replace(made.found, study=None))  # of which nobody here draws plots
            write(path, pickle.dumps((self.clock() - began, plain)))
        return made
