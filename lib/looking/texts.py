"""What a run refuses of a text file's bytes, by the rules of `lib/sources/lines.py`; DuckDB would read on.

A file is read through once for two signs. Only where one of them stands, more of it is looked at.
"""

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from lib.errors import SourceError
from lib.sources import headers, quoting
from lib.sources.files import File
from lib.sources.headers import BACKSLASHED, Layout
from lib.sources.lines import check_breaks, check_size

_CHUNK = 1 << 24  # bytes
_FIRST = 1 << 18  # bytes, in which rows look as all do
_LINES = 10_000  # that are walked over at once
_PLACE = (("", pa.string()), (0, pa.int64()))  # file and block of a line, where all lines are of one file in order


def open_file(file: File) -> IO[bytes]:
    """The bytes of a file, unpacked."""
    opened: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(Path(file.address).suffix, open)
    stream: IO[bytes] = opened(file.address, "rb")
    return stream


@contextmanager
def unpacking(events: str, file: File) -> Iterator[None]:
    """Name a packed file that proves to be none, or no whole one.

    Raises
    ------
    SourceError
        In the place of what the unpacker says.
    """
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"The events {events!r} cannot be read: {file.name} cannot be unpacked: {str(error).rstrip('.')}. Write "
            "that file anew, or leave it out."
        ) from error


def check_text(events: str, file: File, layout: Layout) -> None:
    """Refuse a character 0, and a backslash before a quote of which it cannot be told how it is meant.

    Raises
    ------
    SourceError
        As a run does; the message names the file, shows a line and says what to say.
    """
    with _as_utf_8(file, layout) as stream:
        start = stream.read(_FIRST)
    lines = start.splitlines()
    _check_start(events, file, layout, lines[:-1] if len(start) == _FIRST else lines)
    asked = layout.options.escape is None and layout.options.marks[0] == '"'
    with _as_utf_8(file, layout) as stream:
        is_empty, is_backslashed = _find_signs(stream)
    if is_empty:
        raise headers.no_text(events, file.name, layout)
    if is_backslashed and asked:
        _check_backslashes(events, file, layout)


def _check_start(events: str, file: File, layout: Layout, lines: Sequence[bytes]) -> None:
    """Refuse what tools write in each row, and DuckDB would read: a separator at the end, a blank before a quote."""
    sep, quote = layout.sep.encode(), layout.quoting.quote.encode()
    fields = len(layout.written_names)
    longer = [
        line for line in lines if line.endswith(sep) and line.count(sep) == fields and not (quote and quote in line)
    ]
    if longer and 2 * len(longer) >= len(lines):
        shown = longer[0][: headers.SHOWN].decode("utf-8", "replace")
        raise SourceError(
            f"The events {events!r} cannot be read: in {file.name} rows end in {layout.sep!r}, such as {shown!r}, and "
            "the header does not, so that they have a field more. Let it end so, too, as by: "
            f"sed -i '1s/$/{layout.sep}/' {file.name}"
        )
    if quote and any(sep + b" " + quote in line for line in lines):
        check_breaks(events, file, _walk(file, layout, layout.quoting))


def _as_utf_8(file: File, layout: Layout) -> IO[bytes]:
    """The bytes of a file; where a character is several, those of its text in UTF-8."""
    if not layout.is_wide:
        return open_file(file)
    check_size(file, layout.encoding)
    with open_file(file) as stream:
        return io.BytesIO(stream.read().decode(layout.encoding, "replace").encode())


def _find_signs(stream: IO[bytes]) -> tuple[bool, bool]:
    is_backslashed, last = False, b""
    while chunk := stream.read(_CHUNK):
        if b"\x00" in chunk:
            return True, is_backslashed
        is_backslashed = is_backslashed or BACKSLASHED.encode() in chunk or last + chunk[:1] == BACKSLASHED.encode()
        last = chunk[-1:]
    return False, is_backslashed


def has_two_ends(file: File) -> bool:
    """Whether some lines of a file end in CRLF and some in LF, as where files of several writers were put together."""
    with open_file(file) as stream:
        ends = {line.endswith(b"\r\n") for line in stream if line.endswith(b"\n")}
    return len(ends) > 1


def _check_backslashes(events: str, file: File, layout: Layout) -> None:
    fields = len(layout.written_names)
    escaped = quoting.Quoting(layout.sep, layout.quoting.quote, "\\")
    row, doubled, other = (
        re.compile(text.encode("latin-1"))
        for text in (layout.quoting.complete(), layout.quoting.complete(fields), escaped.complete(fields))
    )
    first, number, is_open, unlike, surely = b"", 0, False, 0, 0
    for line in _lines(file, layout):
        is_open = is_open or (b'"' in line and not row.search(line))
        if BACKSLASHED.encode() in line:
            first, number = first or line, number + 1
            unlike += not doubled.search(line)
            surely += not other.search(line)
    is_clear = surely > 0 and not unlike
    if is_open:
        ways = [_walk(file, layout, signs) for signs in (layout.quoting, escaped)]
        is_clear = ways[0].is_sound and not ways[1].is_sound
    if number and not is_clear:
        raise headers.unclear_backslash(events, file.name, number, first.decode("utf-8", "replace"))


def _lines(file: File, layout: Layout) -> Iterator[bytes]:
    """All lines but comments."""
    comment = layout.options.comment
    with _as_utf_8(file, layout) as stream:
        for line in stream:
            for one in line.splitlines():
                if not (comment and one.startswith(comment.encode())):
                    yield one


def _walk(file: File, layout: Layout, signs: quoting.Quoting) -> quoting.Breaks:
    """Follow quoted texts over line breaks."""

    def batches(stream: IO[bytes]) -> Iterator[pa.RecordBatch]:
        while lines := list(islice(stream, _LINES)):
            values = pa.array([line.removesuffix(b"\n") for line in lines], pa.binary())
            files, blocks = (pa.repeat(pa.scalar(value, kind), len(lines)) for value, kind in _PLACE)
            yield pa.RecordBatch.from_arrays([values, files, blocks], names=["value", "file", "block"])

    with _as_utf_8(file, layout) as stream:
        ends = [row for batch in quoting.walk_blocks(batches(stream), signs) for row in batch.to_pylist()]
    return quoting.join_blocks(ends)[""]
