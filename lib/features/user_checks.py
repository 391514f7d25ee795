"""Whether the rows of a table of users can be used: each value readable, each user and moment once."""

from typing import TYPE_CHECKING

from lib.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def check_usable(rows: "DataFrame", most: float) -> list[str]:
    """Refuse a table with more than a share of rows that cannot be used; says what is left out.

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
        raise SourceError("The table of users is empty. Fill it, or leave users blank.")
    said = "; ".join(f"{name} in {n} rows, such as {value!r}" for name, n, value in broken)
    if number > most * total:
        raise SourceError(
            f"The users hold null or unreadable values: {said}. Nothing was read. Mend these rows, or name the column "
            "as an expression that makes null of them, like user_columns=age=to_number(age)."
        )
    return [f"{number} of {total} rows of the users cannot be used and were left out: {said}."] if number else []


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
