"""Rows that cannot be used: refused with one value as shown and where it stands, or left out up to a share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from lib.errors import SourceError
from lib.features.hints import NULL_TEXTS, ROUNDED, format_hint
from lib.features.log import Log
from lib.features.shapes import NOTHING
from lib.features.source import Reading, standardise
from lib.sources.files import format_address
from lib.sources.part import FILE, Part

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEW = 0.05  # of all rows; who leaves out more should say which
SHOWN = 120  # characters of a value
MOST_NULLS = 100  # one in so many events may be of such an id: somebody may be called so
PLACE = "__place"


@dataclass(frozen=True)
class Example:
    """One value that cannot be used."""

    shown: str
    file: str | None
    row: int | None  # 1 is the first under the header; None where a file was read in several pieces


def check_usable(log: Log, number: int, broken: Mapping[str, int], rows: int, most: float) -> str | None:
    """Refuse rows of a source that cannot be used where they are more than a share; else say which are left out.

    Raises
    ------
    SourceError
        The message has the number of rows by column, and of each one value as shown.
    """
    total = sum(broken.values())
    if not total:
        return None
    source = log.sources[number]
    named = f" {source.name!r}" if log.has_several else ""
    counted = [f"{column} in {n} rows" for column, n in sorted(broken.items())]
    if total <= most * rows:
        of = f" of the events{named}" if named else ""
        return f"{total} of {rows} rows{of} cannot be used and were left out: {', '.join(counted)}."
    shown = [
        f"{column} in {n} rows, {_format_example(source.parts, source.reading, column)}"
        for column, n in sorted(broken.items())
    ]
    share = -(-total * 1000 // rows) / 1000
    few = f", max_bad_rows={share:g} leaves out what cannot be used" if share <= FEW else ""
    raise SourceError(
        f"The events{named} hold null or unreadable values: {'; '.join(shown)}. Nothing was read. Mend or leave out "
        f"these rows: event_where keeps the rows that count{few}."
    )


def _format_example(parts: Sequence[Part], reading: Reading, column: str) -> str:
    example = find_example(parts, reading, column)
    if example is None:
        return "which were mended meanwhile"
    shown = example.shown if len(example.shown) <= SHOWN else example.shown[:SHOWN] + "..."
    where = f" in {example.file}" if example.file else ""
    row = f", row {example.row}" if example.row else ""
    value = shown if shown == NOTHING else repr(shown)
    return f"such as {value}{where}{row}{format_hint(column, shown, reading)}"


def find_example(parts: Sequence[Part], reading: Reading, column: str) -> Example | None:
    """One row that cannot be used for a column, as it stands."""
    from pyspark.sql import functions as F

    placed = [replace(part, frame=part.frame.withColumn(PLACE, F.monotonically_increasing_id())) for part in parts]
    rows = standardise(placed, reading, kept=(PLACE,)).where(F.col("broken") == column)
    first = rows.select("found", "file", PLACE).head(1)
    if not first:
        return None
    shown, file, place = first[0]
    if file is None:
        return Example(shown, None, None)
    named = [part.frame.select(FILE, PLACE) for part in placed if FILE in part.frame.columns]
    before = reduce(lambda one, other: one.unionByName(other), named).where(F.col(FILE) == file)
    pieces, rank = before.agg(
        F.count_distinct(F.shiftright(PLACE, 33)), F.count(F.when(F.col(PLACE) < place, 1))
    ).collect()[0]
    return Example(shown, format_address(file), rank + 1 if pieces == 1 else None)


def check_ids(events: "DataFrame", source: str, counted: Sequence[Any]) -> list[str]:
    """Refuse ids that are no ids, where they make up much of the log; else tell of them.

    `counted` has the events and, of these, those of ids that say nothing (`nulls`), that end in `.0` (`pointed`), that
    may be numbers which a spreadsheet rounded (`rounded`), and that begin with a zero (`zeroed`).

    Raises
    ------
    SourceError
        The message names one such id, and how many events are its.
    """
    total, *numbers = (sum(int(row[name] or 0) for row in counted) for name in ("rows", *_LOOKS))
    lines = []
    for number, look in zip(numbers, _LOOKS.values(), strict=True):
        lines += look(events, source, number, total) if number else []
    return lines


def _look_at_nulls(events: "DataFrame", source: str, number: int, total: int) -> list[str]:
    """Tell of an id that tools write where there is none; refuse it where it has much of the log."""
    from pyspark.sql import functions as F

    named = events.where(F.lower("user_id").isin(*NULL_TEXTS)).groupBy("user_id").count().collect()
    user = max(named, key=lambda row: int(row["count"]))["user_id"]
    said = f"{number} of {total} rows are of one user, {user!r}, as tools write that there is none"
    if number * MOST_NULLS >= total:
        raise SourceError(
            f"The events {source!r} hold ids that name nobody: {said}. Nothing was read. Leave such rows out with "
            f"event_where=user_id <> '{user}' (by the column's own name), or map another column."
        )
    return [f"{said}."]


def _look_at_rounded(events: "DataFrame", source: str, number: int, total: int) -> list[str]:
    """The same of numbers that were rounded: of what were several users, one is left."""
    from pyspark.sql import functions as F

    user = events.where(F.col("user_id").rlike(ROUNDED)).agg(F.min("user_id")).collect()[0][0]
    said = f"{number} of {total} rows are of ids like {user!r}, as spreadsheets round long numbers"
    if number * MOST_NULLS >= total:
        raise SourceError(
            f"The events {source!r} hold ids that have lost their digits: {said}, and several users are one. Nothing "
            "was read. Export them anew, with that column as text, or map another column."
        )
    return [f"{said}: several users may be one."]


def _look_at_zeroed(events: "DataFrame", source: str, number: int, total: int) -> list[str]:
    """Tell of ids that stand with the zeros before them, and without."""
    twins, one = _find_twins(events, "^[0-9]+$", "^0+(?=[0-9])")
    line = (
        f"{twins} ids stand with zeros before them and without, such as {one!r}: a tool that took them for numbers "
        "made two users of each. Mend the files, or take the zeros off: user_id=to_text(to_int(their_column))."
    )
    return [line] if twins else []


def _look_at_pointed(events: "DataFrame", source: str, number: int, total: int) -> list[str]:
    """Refuse ids that stand twice, as a whole number and with a point and zero behind."""
    twins, one = _find_twins(events, r"^[0-9]+(\.0)?$", r"\.0$")
    if twins:
        raise SourceError(
            f"The events {source!r} hold {twins} users under two ids each, such as '{one}.0' beside '{one}'. "
            "Nothing was read. Bring them to one form: event_columns=user_id=split_part(their_column, '.', 1)."
        )
    return []


_LOOKS = {
    "nulls": _look_at_nulls, "pointed": _look_at_pointed, "rounded": _look_at_rounded, "zeroed": _look_at_zeroed,
}  # fmt: skip


def _find_twins(events: "DataFrame", form: str, more: str) -> tuple[int, str]:
    """How many ids of a form are the same but for what is more in one of them, and one that is."""
    from pyspark.sql import functions as F

    ids = events.where(F.col("user_id").rlike(form)).select("user_id").distinct()
    stems = ids.groupBy(F.regexp_replace("user_id", more, "").alias("stem")).count().where("count > 1")
    twins, one = stems.agg(F.count("*"), F.min("stem")).collect()[0]
    return int(twins), str(one)


def count_broken(rows: Sequence[Any]) -> Counter[str]:
    """Rows that cannot be used, by column."""
    broken: Counter[str] = Counter()
    for row in rows:
        if row["broken"]:
            broken[row["broken"]] += int(row["rows"])
    return broken
