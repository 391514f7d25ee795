"""Parquet files drawn at random: what a writer meant, and the types, row groups and files by which it was written."""

import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lib.errors import SourceError
from lib.features.source import Reading, standardise
from lib.sources.opening import open_source

START = datetime.fromisoformat("2024-03-01")
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")


def _same(meant: Any) -> Any:
    return meant


# type -> how what is meant is written in it; ids are whole numbers or UUIDs, times microseconds, values tenths
IDS: Mapping[str, tuple[pa.DataType, Callable[[int], Any]]] = {
    **{name: (getattr(pa, name)(), _same) for name in WHOLE},
    "float32": (pa.float32(), float), "float64": (pa.float64(), float), "string": (pa.string(), str),
    "large_string": (pa.large_string(), str), "dictionary": (pa.dictionary(pa.int8(), pa.string()), str),
    "decimal": (pa.decimal128(20, 0), Decimal), "decimal38": (pa.decimal128(38, 0), Decimal),
    "scaled": (pa.decimal128(12, 2), Decimal), "uuid": (pa.uuid(), lambda meant: uuid.UUID(int=meant).bytes),
}  # fmt: skip
TIMES: Mapping[str, tuple[pa.DataType, Callable[[datetime], Any]]] = {
    **{f"{unit}{zone}": (pa.timestamp(unit, zone or None), _same) for unit in ("ms", "us", "ns")
       for zone in ("", "UTC", "Europe/Berlin")},
    "seconds": (pa.timestamp("s"), lambda meant: meant.replace(microsecond=0)),
    "date32": (pa.date32(), lambda meant: meant.date()), "date64": (pa.date64(), lambda meant: meant.date()),
    "text": (pa.string(), lambda meant: f"{meant:%Y-%m-%d %H:%M:%S.%f}"),
    "offset": (pa.string(), lambda meant: f"{meant + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00"),
}  # fmt: skip
VALUES: Mapping[str, tuple[pa.DataType, Callable[[int], Any]]] = {
    "float64": (pa.float64(), lambda tenths: tenths / 10), "int64": (pa.int64(), lambda tenths: tenths // 10),
    "float32": (pa.float32(), lambda tenths: tenths / 2), "uint16": (pa.uint16(), abs),
    "decimal": (pa.decimal128(12, 3), lambda tenths: Decimal(tenths) / 10),
    "text": (pa.string(), lambda tenths: f"{tenths / 10}"), "null": (pa.null(), lambda tenths: None),
}  # fmt: skip
ODD: Mapping[str, tuple[pa.DataType, Any]] = {  # columns beside ours, which are nobody's concern
    "list": (pa.list_(pa.int64()), [1, 2]), "struct": (pa.struct({"a": pa.int64()}), {"a": 1}),
    "map": (pa.map_(pa.string(), pa.int64()), [("a", 1)]), "time": (pa.time64("ns"), 5), "binary": (pa.binary(), b"x"),
    "half": (pa.float16(), np.float16(1.5)), "fixed": (pa.binary(7), b"1234567"), "bool": (pa.bool_(), True),
    "a,b 'c'": (pa.int64(), 1), "duration": (pa.duration("us"), 7),
}  # fmt: skip
FAULTS = ("none",) * 8 + ("fraction in an id", "no number", "value of truth", "type of bytes", "no user")


@dataclass(frozen=True)
class Draw:
    """One drawn source: a file, or a folder of files of other types."""

    seed: int
    files: tuple[pa.Table, ...]
    options: Mapping[str, Any]  # of the writer
    rows: tuple[tuple[str, date, str, float | None], ...]  # what was meant: user, day, type, value
    fault: str  # what is wrong with it; "none": it is to be read
    form: str  # for a table


def draw(seed: int) -> Draw:
    """Draw one source; the same seed gives the same files."""
    rng = random.Random(seed)
    fault, files, rows, types = rng.choice(FAULTS), [], [], []
    for number in range(rng.choice((1, 1, 2, 3))):
        kinds = rng.choice(list(IDS)), rng.choice(list(TIMES)), rng.choice(list(VALUES))
        table, meant = _draw_file(rng, kinds, fault if number == 0 else "none")
        files.append(table)
        rows += meant
        types.append("/".join(kinds))
    options = {
        "compression": rng.choice(("snappy", "zstd", "gzip", "none")), "row_group_size": rng.choice((1, 3, 1000)),
        "use_dictionary": rng.random() < 0.5, "data_page_version": rng.choice(("1.0", "2.0")),
        "use_deprecated_int96_timestamps": rng.random() < 0.15,
    }  # fmt: skip
    return Draw(seed, tuple(files), options, tuple(sorted(rows, key=str)), fault, " + ".join(types))


def _draw_file(
    rng: random.Random, kinds: tuple[str, str, str], fault: str
) -> tuple[pa.Table, list[tuple[str, date, str, float | None]]]:
    user_kind, time_kind, value_kind = kinds
    n = rng.randint(1, 9)
    users = [rng.choice((0, 1, 7, 100, 127)) for _ in range(n)]
    last = timedelta(microseconds=-1)  # of a day: the moment that rounding would move
    times = [
        START + timedelta(days=rng.randint(0, 30)) + rng.choice((last, timedelta(0), timedelta(hours=9))) for _ in users
    ]
    values = [rng.choice((None, 0, 5, 130)) for _ in users]
    columns = {
        "user_id": _written(users, *IDS[user_kind]), "event_time": _written(times, *TIMES[time_kind]),
        "event_type": pa.array([rng.choice(("view", "buy")) for _ in users]),
        "value": _written(values, *VALUES[value_kind]),
    }  # fmt: skip
    ids = [str(uuid.UUID(int=user)) if user_kind == "uuid" else str(user) for user in users]
    amounts = columns["value"].cast(pa.float64()).to_pylist()
    meant = list(zip(ids, [one.date() for one in times], columns["event_type"].to_pylist(), amounts, strict=True))
    columns |= _spoiled(fault, users)
    for name in rng.sample(list(ODD), rng.randint(0, 3)):
        kind, one = ODD[name]
        columns[name] = pa.array([one] * n, kind)
    shuffled = rng.sample(list(columns), len(columns))
    return pa.table({name: columns[name] for name in shuffled}), meant


def _written(meant: Sequence[Any], kind: pa.DataType, write: Callable[[Any], Any]) -> pa.Array:
    texts = [None if one is None else write(one) for one in meant]
    return pa.array(texts, pa.string()).cast(kind) if pa.types.is_dictionary(kind) else pa.array(texts, kind)


def _spoiled(fault: str, users: Sequence[int]) -> dict[str, pa.Array]:
    """A column that cannot be used, instead of the sound one."""
    spoiled = {
        "fraction in an id": ("user_id", pa.array([user + 0.5 for user in users])),
        "no number": ("value", pa.array([float("nan")] * len(users))),
        "value of truth": ("value", pa.array([True] * len(users))),
        "type of bytes": ("event_type", pa.array([b"view"] * len(users))),
        "no user": ("user_id", pa.array([None] * len(users), pa.int64())),
    }
    return {} if fault == "none" else dict([spoiled[fault]])


def write(one: Draw, folder: Path) -> Path:
    """Write a drawn source; where it lies."""
    place = folder / f"draw{one.seed}"
    place.mkdir()
    for number, table in enumerate(one.files):
        pq.write_table(table, place / f"{number}.parquet", **one.options)
    return place


def outcome(spark: Any, one: Draw, folder: Path) -> str:
    """What comes of reading it: `as meant`, `refused`, `told` (rows marked as unusable) or `OTHERWISE`."""
    try:
        frame = standardise(open_source(spark, str(write(one, folder))), Reading()).toPandas()
    except SourceError:
        return "refused"
    if frame["broken"].notna().any():
        return "told"
    rows = [
        (user, day, kind, None if math.isnan(value) else value)
        for user, day, kind, value in frame[["user_id", "day", "event_type", "value"]].itertuples(index=False)
    ]
    return "as meant" if tuple(sorted(rows, key=str)) == one.rows else "OTHERWISE"
