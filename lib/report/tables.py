"""Tables of a report: numbers as people read them, each with the value that it is sorted by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

NOTHING = "-"  # what is not known
INTERVAL = "90% interval"  # the title of a column of ends


def format_share(share: float) -> str:
    """A share in the digits that matter: 23%, 8.1%, 0.04%."""
    if round(share, 3) >= 0.1 or share == 0:
        return f"{share:.0%}"
    if share < 0.0001:
        return "<0.01%"
    return f"{share:.1%}" if share >= 0.01 else f"{100 * share:.2g}%"


KINDS: Mapping[str, Callable[[Any], str]] = {
    "text": str,
    "prose": str,  # so long that it needs a wide column
    "day": str,
    "chips": str,  # of parts that a semicolon ends, each with a sign for whether it raises or lowers
    "yes": lambda value: "yes" if value else "no",
    "count": "{:,.0f}".format,
    "share": format_share,
    "points": lambda value: f"{100 * value:+.1f}",  # a difference of two shares, in percentage points
    "number": "{:.2f}".format,
    "measure": lambda value: f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3f}",  # of any unit
    "small": "{:.4f}".format,
}
TEXTS = ("text", "prose", "chips", "day", "yes")  # these are sorted as texts, all others as numbers


@dataclass(frozen=True)
class Column:
    """What stands in one column of a table, and where it comes from."""

    title: str
    source: str
    kind: str = "text"
    to: str = ""  # the source of the interval's other end: the cell then reads "0.61 to 0.70"

    @property
    def numeric(self) -> bool:
        return self.kind not in TEXTS


@dataclass(frozen=True)
class Cell:
    """A text, and what it is sorted by: a number with all its digits, a text, or blank for nothing."""

    text: str
    value: str

    @property
    def chips(self) -> list[tuple[str, str]]:
        """The parts of a text that is several, each with `raises`, `lowers` or nothing."""
        parts = [part for part in self.text.split("; ") if part != NOTHING]
        ends = [next((end for end in ("raises", "lowers") if part.endswith(f"({end})")), "") for part in parts]
        return [(part.removesuffix(f"({end})").strip(), end) for part, end in zip(parts, ends, strict=True)]


@dataclass(frozen=True)
class Table:
    """Columns and rows, ready to be laid out."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def make_table(caption: str, frame: pd.DataFrame, columns: Sequence[Column]) -> Table:
    """Lay out a frame's rows in their order; NaN and null are told as `NOTHING`."""
    rows = frame.to_dict("records")
    return Table(caption, columns, [[_make_cell(row, column) for column in columns] for row in rows])


def _make_cell(row: Mapping[Any, Any], column: Column) -> Cell:
    ends = [row[name] for name in (column.source, column.to) if name]
    if any(pd.isna(end) for end in ends):
        return Cell(NOTHING, "")
    text = " to ".join(dict.fromkeys(KINDS[column.kind](end) for end in ends))  # of two ends that read alike, one
    return Cell(text, f"{float(ends[0]):.12g}" if column.numeric else text)
