"""What checks of a load said of which days: kept in `source_checks`, and gone by until it is mended or accepted.

Days that were told stay marked: each run reads them again, however old they are by then. What was learnt on days that a
check spoke of is no change of behaviour.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from lib.errors import SourceError
from lib.tables.contracts import SOURCE_CHECKS
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql
from lib.timeline import FULL_HISTORY_DAYS, ONE_DAY, Window

TOLD, CORRECTED, STOPPED, ACCEPTED, MENDED = "told", "corrected", "stopped", "accepted", "mended"
_SHOWN = 5  # days that a line names


@dataclass(frozen=True)
class Remark:
    """One thing that a check said."""

    kind: str
    message: str
    days: Window | None = None  # None: of no days in particular
    about: str | None = None  # an event type, or what was counted; None: all events
    had: int | None = None  # events of these days before, or as is usual
    has: int | None = None
    needed: int | None = None  # with so many they are mended
    said_on: date | None = field(default=None, compare=False)  # the as_of of the run that said it; None: this one's
    source: str = field(default="", compare=False)  # of whose events; blank: those of this run

    @property
    def key(self) -> tuple[Window | None, str | None]:
        """What it speaks of."""
        return self.days, self.about

    def row(self, as_of: date, source: str) -> dict[str, Any]:
        """As a row of `source_checks`."""
        first, last = (self.days.start, self.days.last) if self.days else (None, None)
        return dict(
            zip(SOURCE_CHECKS, (as_of, source, self.kind, self.message, first, last, self.about, self.had, self.has,
                                self.needed), strict=True)
        )  # fmt: skip


class LoadRefused(SourceError):
    """A load that was stopped, with what is to be kept of it."""

    def __init__(self, message: str, remark: Remark, as_of: date) -> None:
        super().__init__(message)
        self.remark, self.as_of = remark, as_of


def write_remarks(tables: Tables, as_of: date, source: str, remarks: Sequence[Remark]) -> None:
    """Keep what was said in a run."""
    if remarks:
        rows = pd.DataFrame([one.row(as_of, source) for one in remarks], columns=list(SOURCE_CHECKS))
        tables.append("source_checks", rows.astype({name: "Int64" for name in ("had", "has", "needed")}))


def read_remarks(tables: Tables) -> list[Remark]:
    """The last thing that was said of each span of days, in the order of these."""
    if not tables.exists("source_checks"):
        return []
    rows = tables.query("SELECT * FROM {source_checks} WHERE first_day IS NOT NULL")
    order = {TOLD: 0, STOPPED: 0, ACCEPTED: 1, MENDED: 2}
    rows = rows.assign(place=rows["kind"].map(order)).sort_values(["as_of", "place"], kind="stable")
    last: dict[Any, Remark] = {}
    for row in rows[rows["kind"] != STOPPED].to_dict("records"):
        days = Window(row["first_day"], row["last_day"] + ONE_DAY)
        had, has, needed = (None if pd.isna(row[name]) else int(row[name]) for name in ("had", "has", "needed"))
        about = None if pd.isna(row["about"]) else str(row["about"])
        remark = Remark(row["kind"], row["message"], days, about, had, has, needed, row["as_of"], row["events"])
        last[remark.key] = remark
    return sorted(last.values(), key=lambda one: (one.days.start if one.days else date.min, one.about or ""))


def list_days(remarks: Collection[Remark]) -> frozenset[date]:
    """All days that some remarks speak of."""
    return frozenset(
        one.days.start + timedelta(days=n) for one in remarks if one.days for n in range(one.days.days)
    )  # fmt: skip


def read_spoken(tables: Tables, training: Sequence[date], as_of: date) -> list[date]:
    """The days that a check spoke of, told or accepted, and that are not mended, in order.

    Of those that models look at which learn from these cutoffs, the oldest one's past included, up to as_of.
    """
    open_ones = [one for one in read_remarks(tables) if one.kind in (TOLD, ACCEPTED)]
    first = min(training) - timedelta(days=FULL_HISTORY_DAYS)
    return sorted(day for day in list_days(open_ones) if first <= day < as_of)


def marked(remarks: Sequence[Remark]) -> list[Remark]:
    """Those whose days are to be read again."""
    return [one for one in remarks if one.kind == TOLD]


def find_mended(tables: Tables, remarks: Sequence[Remark], kept: Mapping[date, int]) -> list[Remark]:
    """What is mended of what was told: its days hold what they should by now.

    `kept` are days that stay as they were read: what the source has of them.
    """
    if not remarks:
        return []
    rows = tables.query(
        "SELECT known_day, event_type, SUM(count) AS n FROM {daily_activity} "
        f"WHERE known_day IN ({days_sql(sorted(list_days(remarks)))}) GROUP BY known_day, event_type"
    )
    held = Counter({(day, kind): int(n) for day, kind, n in rows.itertuples(index=False)})
    mended = []
    for one in remarks:
        days = list_days([one])
        counted = sum(n for (day, kind), n in held.items() if day in days - kept.keys() and one.about in (None, kind))
        has = counted + sum(kept[day] for day in days & kept.keys())
        if one.needed is not None and has >= one.needed:
            mended.append(replace(one, kind=MENDED, message=f"mended: {format_days(one)} hold {has} now.", has=has))
    return mended


def accept(remark: Remark) -> Remark:
    """The same, accepted as it is."""
    return replace(remark, kind=ACCEPTED, message=f"accepted: {remark.message}")


def format_days(remark: Remark) -> str:
    """The days that a remark speaks of, and what of them."""
    if remark.days is None:
        return ""
    first, last = remark.days.start, remark.days.last
    days = f"{first}" if first == last else f"{first} to {last}"
    return f"events {remark.about!r} of {days}" if remark.about else f"events of {days}"


def format_marked(remarks: Sequence[Remark], as_of: date) -> list[str]:
    """Say which days are still marked from earlier runs, in one line; none without any."""
    if not remarks:
        return []
    more = f" and {len(remarks) - _SHOWN} more" if len(remarks) > _SHOWN else ""
    shown = ", ".join(map(format_days, remarks[:_SHOWN]))
    return [
        f"told before and neither mended nor accepted: {shown}{more}. They are read again in each run; "
        f"accept_shrunk={as_of} takes them as they are."
    ]  # fmt: skip
