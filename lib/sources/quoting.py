"""RFC 4180: what a line of CSV may hold, as patterns, and a walk over lines whose quoted texts hold line breaks.

A quote within quotes is doubled. One inside of a text without quotes stands for itself. A text that begins with a quote
must end with one, directly before a separator or the end of the line: what else there is, no two readers read alike.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ENDS = pa.schema([  # of the lines of one block of a file, for a start outside and for one inside of a quoted text
    ("file", pa.string()), ("block", pa.int64()), ("inside", pa.bool_()), ("ends_inside", pa.bool_()),
    ("bad", pa.binary()), ("crlf", pa.int64()), ("lf", pa.int64()), ("last_is_lf", pa.bool_()),
])  # fmt: skip


@dataclass(frozen=True)
class Quoting:
    """The signs of a file, and the patterns that follow from them; alike to Java and Python."""

    sep: str
    quote: str  # '' where there is none
    escape: str  # the quote itself where it is doubled

    @property
    def _inner(self) -> str:
        q, e = re.escape(self.quote), re.escape(self.escape)
        if self.escape in (self.quote, ""):
            return f"[^{q}]*+(?:{q}{q}[^{q}]*+)*+"
        return f"[^{q}{e}]*+(?:(?:{e}.|{q}{q})[^{q}{e}]*+)*+"

    @property
    def _field(self) -> str:
        q, s = re.escape(self.quote), re.escape(self.sep)
        return f"(?:{q}{self._inner}{q}|(?![ \\t]++{q})[^{q}{s}\\r][^{s}\\r]*+|(?!{q}))"

    def complete(self, fields: int | None = None) -> str:
        """A line that begins and ends outside of quotes, with so many fields where that is given."""
        more = "*+" if fields is None else f"{{{fields - 1}}}"
        return f"^{self._field}(?:{re.escape(self.sep)}{self._field}){more}$"

    def steps(self) -> "Steps":
        """From outside and from inside: the lines that end outside, and those that end inside."""
        q, s, one, inner = re.escape(self.quote), re.escape(self.sep), self._field, self._inner
        texts = (
            (f"{one}(?:{s}{one})*+", f"(?:{one}{s})*+{q}{inner}"),
            (f"{inner}{q}(?:{s}{one})*+", f"{inner}(?:{q}(?:{s}{one})*+{s}{q}{inner})?"),
        )
        outside, inside = (tuple(re.compile(text.encode("latin-1"), re.DOTALL) for text in pair) for pair in texts)
        return outside, inside  # type: ignore[return-value]


Step = tuple["re.Pattern[bytes]", "re.Pattern[bytes]"]
Steps = tuple[Step, Step]


def next_state(steps: Steps, line: bytes, inside: bool) -> bool | None:
    """Whether a line that begins inside or outside of a quoted text ends inside of one; None: it is no CSV."""
    outside_after, inside_after = steps[inside]
    if outside_after.fullmatch(line.removesuffix(b"\r")):
        return False
    return True if inside_after.fullmatch(line) else None


@dataclass
class _Walk:
    """One way through a block."""

    inside: bool
    bad: bytes | None = None
    crlf: int = 0
    lf: int = 0
    last_is_lf: bool = field(default=False)

    def pass_plain(self, lines: "np.ndarray[Any, Any]") -> None:
        """Take lines without a quote, of which it is told which end in a carriage return."""
        if self.inside or self.bad is not None or not len(lines):
            return
        self.crlf += int(lines.sum())
        self.lf += int(len(lines) - lines.sum())
        self.last_is_lf = not lines[-1]

    def pass_quoted(self, steps: Steps, line: bytes) -> None:
        """Take one line with a quote."""
        if self.bad is not None:
            return
        after = next_state(steps, line, self.inside)
        if after is None:
            self.bad = line
            return
        self.inside = after
        if not after:
            returned = line.endswith(b"\r")
            self.crlf, self.lf, self.last_is_lf = self.crlf + returned, self.lf + (not returned), not returned


def walk_blocks(batches: Iterable[pa.RecordBatch], quoting: Quoting) -> Iterator[pa.RecordBatch]:
    """Walk over lines[value binary, file string, block int64], as they follow each other; gives rows of `ENDS`."""
    at: tuple[str, int] | None = None
    steps = quoting.steps()
    walks: tuple[_Walk, _Walk] = (_Walk(False), _Walk(True))
    for batch in batches:
        for (file, block), lines in _runs(batch):
            if (file, block) != at:
                if at:
                    yield _ends(at, walks)
                at, walks = (file, block), (_Walk(False), _Walk(True))
            _walk_run(lines, quoting.quote, steps, walks)
    if at:
        yield _ends(at, walks)


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[tuple[str, int], pa.Array]]:
    """The parts of a batch that are of one block each."""
    file = batch.column("file").dictionary_encode().indices.to_numpy()
    block = batch.column("block").to_numpy()
    changes = 1 + np.flatnonzero((file[1:] != file[:-1]) | (block[1:] != block[:-1]))
    for start, end in pairwise([0, *changes.tolist(), len(file)]):
        key = batch.column("file")[start].as_py(), int(block[start])
        yield key, batch.column("value").slice(start, end - start)


def _walk_run(lines: pa.Array, quote: str, steps: Steps, walks: tuple[_Walk, _Walk]) -> None:
    returned = pc.equal(pc.binary_slice(lines, -1, None), b"\r").to_numpy(zero_copy_only=False)
    quoted = np.flatnonzero(pc.match_substring(lines, quote).to_numpy(zero_copy_only=False))
    start = 0
    for place in [*quoted.tolist(), len(lines)]:
        for walk in walks:
            walk.pass_plain(returned[start:place])
            if place < len(lines):
                walk.pass_quoted(steps, lines[place].as_py())
        start = place + 1


def _ends(at: tuple[str, int], walks: tuple[_Walk, _Walk]) -> pa.RecordBatch:
    rows = [
        {"file": at[0], "block": at[1], "inside": begins, "ends_inside": walk.inside, "bad": walk.bad,
         "crlf": walk.crlf, "lf": walk.lf, "last_is_lf": walk.last_is_lf}
        for begins, walk in zip((False, True), walks, strict=True)
    ]  # fmt: skip
    return pa.RecordBatch.from_pylist(rows, schema=ENDS)


@dataclass(frozen=True)
class Breaks:
    """What a walk over all blocks of one file comes to."""

    bad: bytes | None  # the first line that is no CSV
    is_open: bool  # the last quoted text is never closed
    crlf: int  # rows that end so
    lf: int

    @property
    def is_sound(self) -> bool:
        """Whether every line is CSV, and every quoted text ends."""
        return self.bad is None and not self.is_open

    @property
    def is_mixed(self) -> bool:
        """Whether rows end in two ways."""
        return self.crlf > 0 and self.lf > 0


def join_blocks(rows: Iterable[Any]) -> dict[str, Breaks]:
    """Join the blocks of each file, each from where the one before it ended."""
    blocks: dict[str, dict[int, dict[bool, Any]]] = {}
    for row in rows:
        blocks.setdefault(row["file"], {}).setdefault(row["block"], {})[row["inside"]] = row
    return {file: _join_file(of_file) for file, of_file in blocks.items()}


def _join_file(blocks: dict[int, dict[bool, Any]]) -> Breaks:
    inside, crlf, lf, last_is_lf = False, 0, 0, False
    for _, ways in sorted(blocks.items()):
        row = ways[inside]
        if row["bad"] is not None:
            return Breaks(bytes(row["bad"]), False, crlf, lf)
        inside, crlf, lf = row["ends_inside"], crlf + row["crlf"], lf + row["lf"]
        last_is_lf = row["last_is_lf"] if row["crlf"] + row["lf"] else last_is_lf
    return Breaks(None, inside, crlf, lf - last_is_lf)  # the last line of a file may have no end at all
