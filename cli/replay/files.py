"""Tables that any process can map into its memory."""

from pathlib import Path

import pyarrow as pa

from lib.whole_files import write_whole


def write_arrow(path: Path, table: pa.Table, note: dict[bytes, bytes]) -> None:
    """Write a table that any process can map into its memory, with a note."""
    sink = pa.BufferOutputStream()
    noted = table.replace_schema_metadata(note)
    with pa.ipc.new_file(sink, noted.schema) as file:
        file.write_table(noted)
    write_whole(path, sink.getvalue())


def read_arrow(path: Path) -> pa.Table:
    """Map a table into memory."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
