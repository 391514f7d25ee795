"""Whether the rows of a table beside the events can be used: each value readable, each user and moment once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lib.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@contextmanager
def about(whose: str, place: str) -> Iterator[None]:
    """Say of a table beside the events what is said of events that cannot be read."""
    try:
        yield
    except SourceError as error:
        raise SourceError(str(error).replace(f"The events {place!r}", f"The {whose} {place!r}")) from error


def check_usable(rows: "DataFrame", most: float, whose: str, mend: str) -> list[str]:
    """Refuse a table with more than a share of rows that cannot be used; says what is left out.

    `whose` is the parameter that names the table, `mend` the way out.

    Raises
    ------
    SourceError
        The message counts them by column, and shows one value of each.
    """
    from pyspark.sql import functions as F

    counted = rows.groupBy("broken").agg(F.count("*").alias("n"), F.min("found").alias("found")).collect()
    total = sum(row["n"] for row in counted)
    broken = sorted((row["broken"], row["n"], row["found"]) for row in counted if row["broken"])
    number = sum(n for _, n, _ in broken)
    if not total:
        raise SourceError(f"The table of {whose} is empty. Fill it, or leave {whose} blank.")
    said = "; ".join(f"{name} in {n} rows, such as {value!r}" for name, n, value in broken)
    if number > most * total:
        raise SourceError(
            f"The {whose} hold null or unreadable values: {said}. Nothing was read. Mend these rows{mend}."
        )
    return [f"{number} of {total} rows of the {whose} cannot be used and were left out: {said}."] if number else []


def check_unique(rows: "DataFrame") -> None:
    """Refuse a table that says two things of a user for one moment.

    Raises
    ------
    SourceError
        The message names the user and the moment.
    """
    twice = rows.groupBy("user_id", "valid_time", "known_time").count().where("count > 1").orderBy("user_id").head(1)
    if twice:
        user, valid, known = twice[0][:3]
        moment = f" for {valid or known}" if valid or known else ""
        raise SourceError(
            f"The users hold several rows of user {user!r}{moment}, which say different things. Nothing was read. Keep "
            "one row, or tell them apart by a column valid_from or known_at."
        )
