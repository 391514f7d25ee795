"""CDNOW: the purchases of 23,570 people who first bought at an online music shop in early 1997.

The classic log of repeat buying, carried inside the package lifetimes; it ends in June 1998. It is
unlike the built-in data in every way that matters to a test: one event type, days without a time,
no items, user ids with leading zeros, nobody new after the first quarter.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from datasets.files import locate_packaged, write_once


def write(folder: Path) -> Path:
    """Write the purchases to one CSV file in `folder`, unless it is there; return the file.

    Columns: user_id (five digits), event_time (a date), event_type (always purchase), value (US dollars).
    """
    return write_once(folder / "cdnow.csv", lambda draft: csv.write_csv(purchases(), draft))


def purchases() -> pa.Table:
    """Read the package's file of customer, yyyymmdd, number of CDs, dollars: one row per purchase."""
    file = locate_packaged("lifetimes", "lifetimes", "datasets/CDNOW_master.txt")
    _, *rows = file.read_text(encoding="ascii").splitlines()  # the first line names the columns
    lines = pa.array(rows)
    fields = pc.extract_regex(lines, r"^ *(?P<user>\d+) +(?P<day>\d+) +\d+ +(?P<dollars>[\d.]+) *$")
    days = pc.strptime(pc.struct_field(fields, "day"), format="%Y%m%d", unit="s")
    return pa.table(
        {
            "user_id": pc.struct_field(fields, "user"),
            "event_time": days.cast(pa.date32()),
            "event_type": pa.repeat("purchase", len(lines)),
            "value": pc.struct_field(fields, "dollars").cast(pa.float64()),
        }
    )
