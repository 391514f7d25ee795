"""Rows of users in pieces that a worker can hold, each user whole in one of them."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST_BYTES = 16 * 2**20  # of a piece's rows, some 200,000: what is computed of them takes several times as much
MOST_VALUES = 4_000_000  # that are made of a piece at once: its users times the columns of what is made


def whole_users(source: Iterable[pa.RecordBatch], columns: int) -> Iterator[pa.Table]:
    """Part rows that are sorted by `user_id` between users, into pieces of bounded size.

    A piece ends with the user who reaches a bound. `columns` says how many values are made of each user at once.
    """
    most_users = max(1, MOST_VALUES // columns)
    held: list[pa.RecordBatch] = []
    size, users, last = 0.0, 0, None
    for batch in source:
        bytes_of_a_row, start = batch.nbytes / max(len(batch), 1), 0
        for begin in _find_begins(batch["user_id"], last):
            if users and (size + (begin - start) * bytes_of_a_row >= MOST_BYTES or users >= most_users):
                yield pa.Table.from_batches([*held, batch.slice(start, begin - start)])
                held, size, users, start = [], 0.0, 0, begin
            users += 1
        held.append(batch.slice(start))
        size += (len(batch) - start) * bytes_of_a_row
        last = batch["user_id"][-1] if len(batch) else last
    if users:
        yield pa.Table.from_batches(held)


def _find_begins(ids: pa.Array, last: pa.Scalar | None) -> list[int]:
    """The rows with which a user begins, after a row of the user `last`."""
    if not len(ids):
        return []
    changes = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(zero_copy_only=False)
    begins: list[int] = (np.flatnonzero(changes) + 1).tolist()
    return begins if last is not None and ids[0].equals(last) else [0, *begins]
