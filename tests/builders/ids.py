"""Which files of a home hold the ids of users: every Parquet file is read, all else is searched as it lies."""

from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from lib.tables.ids import FILES_WITH_IDS, IDS


def files_holding(root: Path, users: list[str]) -> list[PurePosixPath]:
    """The files below a folder that hold one of some ids, in whatever column or text; sorted."""
    return sorted(
        PurePosixPath(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and _holds(path, users)
    )


def is_named(path: PurePosixPath) -> bool:
    """Whether the contracts say that a file of a home holds ids."""
    of_table = path.parts[0] == "warehouse" and path.parts[2] in IDS  # its log repeats the least and the greatest
    return of_table or any(path.match(pattern) for pattern in FILES_WITH_IDS)


def texts(column: pa.ChunkedArray) -> list[str]:
    """All texts of a column, those in lists too."""
    flat = column.combine_chunks()
    while pa.types.is_list(flat.type):
        flat = flat.flatten()
    return [text for text in flat.to_pylist() if isinstance(text, str)]


def _holds(path: Path, users: list[str]) -> bool:
    if path.suffix == ".parquet":
        rows = pq.read_table(path)
        cells = [text for name in rows.column_names for text in texts(rows[name])]
        return any(user in cell for user in users for cell in cells)
    content = path.read_bytes()
    return any(user.encode() in content for user in users)
