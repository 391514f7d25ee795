"""Files that are whole or not there, and tables that any process can map into its memory."""

import os
from pathlib import Path

import pyarrow as pa


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


def read_arrow(path: Path) -> pa.Table:
    """Map a table into memory."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
