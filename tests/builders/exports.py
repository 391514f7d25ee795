"""What an export is, as bytes, and whom it names."""

import io

import pyarrow as pa

from lib.audience.exports import write_file
from lib.stages.nearby import hold_near


def exported(rows, wanted, columns, question, at_once=None):
    """The file of these rows, written so many at a time."""
    file, step = io.BytesIO(), at_once or max(len(rows), 1)
    write_file(
        file, lambda: (rows.iloc[n : n + step] for n in range(0, max(len(rows), 1), step)), wanted, columns, question
    )
    return file.getvalue()


def users_of(chosen, control):
    """Who stands in a file, and beside it."""
    kinds = ["chosen"] * len(chosen) + ["control"] * len(control)
    users = {"user_id": pa.array([*chosen, *control], pa.string()), "kind": pa.array(kinds, pa.string())}
    return hold_near(pa.table(users))[0]
