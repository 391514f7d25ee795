"""Whether events reach up to the day of a run: a source whose last event is too old is one whose load did not come."""

from collections.abc import Collection
from datetime import date

from lib import timeline
from lib.config.stages import PublishConfig
from lib.errors import SourceError
from lib.tables.protocol import Tables
from lib.timeline import Window


def check_fresh(config: PublishConfig, tables: Tables, as_of: date) -> None:
    """Refuse to publish what rests on a stale source: by the rule of `ingest`, on what it has read.

    Raises
    ------
    SourceError
        The message names both dates.
    """
    days = tables.query(f"SELECT DISTINCT day FROM {{daily_activity}} WHERE known_day < DATE '{as_of}'")["day"]
    check_not_stale(f"of {config.schema}", config.max_source_gap_days, days, as_of)


def check_not_stale(
    source: str, allowed: int | None, held: Collection[date], as_of: date, *, is_one_of: bool = False
) -> None:
    """Refuse to run on events whose last day is further back than their quiet spells ever were.

    `is_one_of` says whether there are other sources, so that its name tells which it is.

    Raises
    ------
    SourceError
        The message names both days.
    """
    days = sorted(day for day in held if day < as_of)
    if not days:
        raise SourceError(
            f"The events {source!r} hold nothing before as_of {as_of}. Run with a later as_of, or load older events."
        )
    if allowed is None:
        allowed = timeline.longest_gap(days, Window.lookback(as_of, 90))
    behind = timeline.days_behind(days[-1], as_of)
    if behind > allowed:
        which = f" {source!r}" if is_one_of else ""
        raise SourceError(
            f"The events{which} end on {days[-1]} and as_of is {as_of}: {behind} days are missing, at most {allowed} "
            "are usual. Wait for the load, run with an earlier as_of, or raise max_source_gap_days."
        )
