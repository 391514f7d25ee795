"""Whom a home has forgotten: a list of keyed digests in each schema, and the key, which lies apart from them."""

import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from cli.local.home import KEY_FILE, Home
from cli.local.plan import SCHEMA
from lib.features.forgotten import CHECK, check_key_of_list, make_digest
from lib.tables.contracts import FORGOTTEN
from lib.tables.ids import IDS
from lib.tables.schemas import arrow_schema

_LIST = "forgotten"
_PROPERTY = f"propensity.{CHECK}"


def note_forgotten(home: Home, users: Sequence[str], today: date) -> None:
    """List users, so that no load brings them back; the first call makes the key.

    Raises
    ------
    SourceError
        If there is a list and its key is not here. Nothing was changed then.
    """
    key = home.forgotten_key()
    for folder in _lists(home):
        if len(_read(folder)):
            check_key_of_list(folder.parent.name, key, _key_check(folder))
    key = key or _make_key(home)
    rows = [{"digest": make_digest(user, key), "forgotten_on": today, "shown_on": today} for user in users]
    schemas = {home.warehouse / SCHEMA, *(path for path in home.warehouse.glob("[!.]*") if path.is_dir())}
    for schema in sorted(schemas):
        _append(schema / _LIST, pa.Table.from_pylist(rows, arrow_schema(FORGOTTEN)), make_digest("", key))


def take_over(home: Home, former: Home) -> str | None:
    """Bring key and lists of the home that a restored one came from; what to do by hand where that cannot be."""
    own = [folder for folder in _lists(home) if len(_read(folder))]
    key = former.forgotten_key()
    if own and _key_check(own[0]) != (make_digest("", key) if key else None):
        return (
            f"The backup has a list of forgotten users and never its key. Put {KEY_FILE} of the home that it was made "
            f"of into {home.root} before the next run, which refuses else; {_AGAIN}"
        )
    if not key:
        there = former.root.is_dir() and former.root != home.root
        return None if there else f"The home that the backup was made of is not there to be asked: {_AGAIN}"
    if not home.forgotten_key():
        _write_key(home, key)
    for folder in _lists(former):
        _append(home.warehouse / folder.parent.name / _LIST, _read(folder), make_digest("", key))
    return None


_AGAIN = "name whoever was forgotten after the backup to ./propensity forget again."


def find_forgotten(home: Home) -> list[str]:
    """The listed users whom a home still holds, in its tables or what they held before."""
    key = home.forgotten_key()
    if not key:
        return []
    listed = {digest for folder in _lists(home) for digest in _read(folder)["digest"].to_pylist()}
    return sorted(user for user in _all_users(home) if make_digest(user, key) in listed)


def _all_users(home: Home) -> set[str]:
    """Every id in a file of the tables, whichever version it is of."""
    users: set[str] = set()
    for name, columns in IDS.items():
        for path in home.warehouse.glob(f"*/{name}/**/*.parquet"):
            if "_delta_log" not in path.parts:
                for ids in pq.read_table(path, columns=list(columns)).columns:
                    users |= set(pc.unique(ids.cast(pa.string())).drop_null().to_pylist())
    return users


def _lists(home: Home) -> Iterator[Path]:
    yield from sorted(log.parent for log in home.warehouse.glob(f"[!.]*/{_LIST}/_delta_log"))


def _read(folder: Path) -> pa.Table:
    return DeltaTable(folder).to_pyarrow_table().cast(arrow_schema(FORGOTTEN))


def _key_check(folder: Path) -> str | None:
    check: str | None = DeltaTable(folder).metadata().configuration.get(_PROPERTY)
    return check


def _append(folder: Path, rows: pa.Table, check: str) -> None:
    """Add entries that are not there; what tells the key from others comes before the first of them."""
    if not (folder / "_delta_log").is_dir():
        write_deltalake(folder, rows.slice(0, 0))
    listed = _read(folder)["digest"]
    if not len(listed) and _key_check(folder) != check:
        DeltaTable(folder).alter.set_table_properties({_PROPERTY: check}, raise_if_not_exists=False)
    new = rows.filter(pc.invert(pc.is_in(rows["digest"], value_set=listed.combine_chunks())))
    if len(new):
        write_deltalake(folder, new, mode="append")


def _make_key(home: Home) -> str:
    key = secrets.token_hex(32)
    _write_key(home, key)
    return key


def _write_key(home: Home, key: str) -> None:
    """For its owner's eyes only, whole or not at all."""
    draft = home.root / f".{KEY_FILE}.part"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key)
    os.replace(draft, home.root / KEY_FILE)
