"""Users of the activity whom the source no longer has: whoever was erased there may have to be forgotten here too."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features.ingest import examine
from lib.sources.opening import reading
from lib.tables.delta import DeltaTables
from lib.tables.views import JOINED_IDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Missing:
    """Who is not in the source any more."""

    users: tuple[str, ...]  # sorted
    known: int  # users of the activity
    joined: int = 0  # who are not in the source by one id, and by another one they are


def find_missing(config: ExtractConfig, tables: DeltaTables) -> Missing:
    """Compare all users of `daily_activity` with the source; nothing is written, and nobody is forgotten.

    Of a person with several ids the source may have lost any: missing is who is there by none of them.

    Raises
    ------
    SourceError
        If there is no activity, if a check of the load speaks, or if the source does not reach back to the first day of
        somebody who is not in it: whoever is older than a source may be in what it no longer keeps.
    """
    from pyspark.sql import functions as F

    if not tables.exists("daily_activity"):
        raise SourceError(
            f"No events were read in schema {config.schema} yet, so nobody is missing. Run the job first."
        )
    log = examine(config, tables).log
    stored = tables.frame("SELECT user_id, MIN(day) AS day FROM {daily_activity} GROUP BY user_id")
    with reading(config.events):
        there = log.events.select("user_id").distinct()
        gone = stored.join(there, "user_id", "left_anti")
        rows = gone.join(_still_there(tables, there), "user_id", "left_anti").collect()
        joined = gone.count() - len(rows) if tables.exists("identities") else 0
        known, begin = stored.agg(F.count("*"), F.min("day")).collect()[0]
        sound = log.events.where(F.col("broken").isNull())
        firsts = [row[0] for row in sound.groupBy("source").agg(F.min("day")).drop("source").collect()]
    first = max(firsts) if len(firsts) == len(log.sources) else None  # the day from which on all sources are there
    # A source that keeps its newest days only may keep part of the first.
    early = [row["day"] for row in rows if first is None or row["day"] < first or begin < row["day"] == first]
    if early:
        raise SourceError(
            f"The events {log.name!r} begin on {first}, and {len(early)} of the {len(rows)} users who are not in "
            f"them were there before, the first on {min(early)}: they may be in what the source no longer keeps, and "
            "are not missing for certain. Bring the older events back, or name who is to be forgotten yourself."
        )
    return Missing(tuple(sorted(row["user_id"] for row in rows)), known, joined)


def _still_there(tables: DeltaTables, there: "DataFrame") -> "DataFrame":
    """The ids of persons of whom the source has any id; to forget one would be to forget all of them."""
    links = tables.frame(f"SELECT DISTINCT user_id, person FROM {JOINED_IDS} j")
    persons = links.join(there, "user_id").select("person").union(there.select("user_id")).distinct()
    return links.join(persons, "person").select("user_id").union(persons.select("person")).distinct()
