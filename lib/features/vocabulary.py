"""Which event types have columns of their own at a cutoff, and what all feature columns are called."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha1

import pyarrow as pa

from lib.features.meanings import OF_ACTIONS, OF_TYPES, OF_USERS

OTHER = "other"  # column prefix of the event types pooled beyond the most used ones
DEFINITION = "5"  # raise when any value below changes its meaning: cached features are then rebuilt
USER_FEATURES, TYPE_FEATURES, ACTION_FEATURES = map(tuple, (OF_USERS, OF_TYPES, OF_ACTIONS))


@dataclass(frozen=True)
class Vocabulary:
    """The event types that a cutoff knows, in column order, and the day on which each one's log starts.

    Types beyond the most used ones share `other`, but never an action that was asked about.
    """

    types: tuple[str, ...]
    pooled: tuple[str, ...]
    starts: tuple[date, ...]  # of `types`, then of `other` where there are more than the most used ones
    log_start: date  # by when the types that most users know had begun: one odd early type does not move it
    asked: tuple[str, ...] = ()  # those of `types` that were ever asked about: they have the columns of an action

    @property
    def known(self) -> set[str]:
        """Every event type, with columns of its own or pooled."""
        return {*self.types, *self.pooled}

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The slots of per-type features: `types`, then `other` where it has a start."""
        prefixes = tuple(map(type_prefix, self.types))
        return (*prefixes, OTHER) if len(self.starts) > len(self.types) else prefixes


def choose_vocabulary(
    first_seen: Mapping[str, Sequence[tuple[date, int]]], cutoff: date, most: int, pinned: Collection[str] = ()
) -> Vocabulary:
    """Choose the event types that get columns of their own at a cutoff, from the log before it only.

    Parameters
    ----------
    first_seen : {event type: [(day, users)]}
        How many users showed the type for the first time, visibly, on each day.
    most : int
        How many types, ranked by users (ties by name), keep their own columns.
    pinned : event types
        These keep theirs besides. They take nobody's place, and `other` stays where it is even when it is left
        empty: a model that learnt it would read a column that is gone as 0, which for a recency is today.
    """
    users = Counter({kind: sum(n for day, n in days if day < cutoff) for kind, days in first_seen.items()})
    types = sorted((kind for kind, n in users.items() if n), key=lambda kind: (-users[kind], kind))
    beyond = types[most:]
    pooled = sorted(set(beyond) - set(pinned))
    own = sorted(set(types) - set(pooled))
    starts = {kind: min(day for day, _ in first_seen[kind]) for kind in types}
    ends = [min(starts[kind] for kind in beyond)] if beyond else []
    return Vocabulary(
        tuple(own),
        tuple(pooled),
        (*(starts[kind] for kind in own), *ends),
        _median_start(starts, users, cutoff),
        tuple(kind for kind in own if kind in pinned),
    )


def _median_start(starts: Mapping[str, date], users: Mapping[str, int], empty: date) -> date:
    """The median start of the types, each weighted by its users."""
    middle, reached = sum(users[kind] for kind in starts) / 2, 0
    for start, kind in sorted((start, kind) for kind, start in starts.items()):
        reached += users[kind]
        if reached >= middle:
            return start
    return empty


def type_column(kind: str, feature: str) -> str:
    """Name one per-type column: letters, digits and underscores only, distinct for distinct types."""
    return f"{type_prefix(kind)}__{feature}"


def type_prefix(kind: str) -> str:
    """What the columns of an event type begin with."""
    safe = re.sub(r"[^0-9a-z]+", "_", kind.lower())
    plain = safe == kind and kind != OTHER  # a type of that name must not share the pool's columns
    return safe if plain else f"{safe}_{sha1(kind.encode(), usedforsecurity=False).hexdigest()[:6]}"


def feature_columns(vocabulary: Vocabulary) -> list[str]:
    """List the feature columns of one cutoff, in order."""
    of_types = [f"{kind}__{name}" for kind in vocabulary.prefixes for name in TYPE_FEATURES]
    return [
        *USER_FEATURES,
        *of_types,
        *(type_column(kind, name) for kind in vocabulary.asked for name in ACTION_FEATURES),
    ]


def lost_columns(names: Sequence[str], pooled: Collection[str], *, pool: bool) -> list[str]:
    """Of the columns that a pair reads, those that are computed no longer although what they count goes on.

    These are the columns of event types that are pooled now, of a pool that is none any more, and of features that
    are gone. A column of a type without any event is not among them: 0 is right for it.

    Parameters
    ----------
    pooled : event types that share the columns of `other` at the cutoff to be scored
    pool : whether there are such columns, even if no type is left in them
    """
    away = {type_prefix(kind) for kind in pooled} | (set() if pool else {OTHER})
    parts = [(name, *name.rpartition("__")[::2]) for name in names]
    return [
        name
        for name, prefix, feature in parts
        if prefix in away or feature not in ((*TYPE_FEATURES, *ACTION_FEATURES) if prefix else USER_FEATURES)
    ]


def features_schema(names: Sequence[str]) -> pa.Schema:
    """Arrow schema of a features table with these feature columns."""
    keys = [pa.field("user_id", pa.string()), pa.field("cutoff", pa.date32())]
    return pa.schema([*keys, *(pa.field(name, pa.float32()) for name in names)])
