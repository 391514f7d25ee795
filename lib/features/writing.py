"""Write what was read of a log: the activity, and beside it that of named actions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from lib.features import cache, counting, named_rows
from lib.features import source as event_rules
from lib.features.days import Ingestion
from lib.features.log import Log
from lib.features.named_note import TABLE, NamedNote, write_noted
from lib.features.named_rows import NamedRows
from lib.features.planning import look_back
from lib.tables.protocol import Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

EVERYTHING = "1 = 1"


def write_activity(tables: Tables, log: Log, plan: Ingestion, begin: date | None, named: NamedRows) -> None:
    """Write the rows of the days to read; features that they outdate go first: a kill in between costs no more.

    Those of named actions come before the activity: days that the activity lacks are read again by the next run, of
    these too.
    """
    if not plan.is_empty:
        cache.drop_features(tables, f"cutoff > DATE '{plan.first_day()}'")
    if where := named.where_sql(plan):
        cache.drop_named(tables, list(named.new))
        tables.replace(TABLE, named_rows.sum_named(_named_events(log, plan, begin, named)), where)
    if named.actions or named.notes:
        write_noted(tables, NamedNote(named.actions, named.begins))
    if plan.is_empty:
        return
    rows = event_rules.sum_by_day(events_to_read(log, plan, begin))
    if log.anew or (log.is_again and plan.start is None):
        tables.replace("daily_activity", rows, EVERYTHING)  # beyond as_of too: the next run reads that as new days
    elif log.is_again:
        tables.replace("daily_activity", rows, f"({plan.where_sql} OR known_day >= DATE '{plan.start}')")
    elif plan.changed_days:
        tables.replace("daily_activity", rows, plan.where_sql)
    else:  # nothing that is there has one of these days: no file need be looked for
        tables.append("daily_activity", rows)


def check_named(
    tables: Tables, log: Log, plan: Ingestion, begin: date | None, named: NamedRows, most: float
) -> NamedRows:
    """Hold the rows that may count as named actions against what can be told; adds what a person should know of them.

    Raises
    ------
    SourceError
        As `named_rows.settle_unclear` and `named_rows.check_new_names`.
    """
    if named.new:
        events = _all_events(log, plan, begin)
        named_rows.check_new_names(events, [one for one in named.added if one.kind in named.asked])
        named = named_rows.settle_unclear(named, named_rows.find_unclear(events, named.added), most)
        late = {} if log.anew else named_rows.read_begins(tables, events, named.added)
        lines = tuple(late[one.kind].format(one) for one in named.added if one.kind in late)
        begins = {**named.begins, **{kind: begin.day for kind, begin in late.items()}}
        named = replace(named, begins=begins, notes=(*named.notes, *lines))
    others = [one for one in named.actions if one.kind not in named.new]
    if not others or plan.is_empty:
        return named
    return named_rows.settle_unclear(named, named_rows.find_unclear(events_to_read(log, plan, begin), others), most)


def _named_events(log: Log, plan: Ingestion, begin: date | None, named: NamedRows) -> "DataFrame":
    """The events to count as named actions: of those that come to be read all days, of the others those to read."""
    from pyspark.sql import functions as F

    def marked(events: "DataFrame", kinds: Sequence[str]) -> "DataFrame":
        kept = F.array_intersect(named_rows.MARKS, F.array(*map(F.lit, kinds)))
        return events.withColumn(named_rows.MARKS, kept).where(F.size(named_rows.MARKS) > 0)

    known = [one.kind for one in named.actions if one.kind not in named.new]
    parts = []
    if named.new:
        types = sorted({one.event_type for one in named.added})
        parts.append(marked(_all_events(log, plan, begin).where(F.col("event_type").isin(types)), list(named.new)))
    if known and not plan.is_empty:
        parts.append(marked(events_to_read(log, plan, begin), known))
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def _all_events(log: Log, plan: Ingestion, begin: date | None) -> "DataFrame":
    """The rows of all days that were read, or are to be, each event once."""
    until = plan.as_of if plan.start is None else max(plan.start, plan.as_of)
    return _sound(counting.look_at(log, None, until), begin).where(f"known_day < DATE '{until}'")


def events_to_read(log: Log, plan: Ingestion, begin: date | None) -> "DataFrame":
    """The rows of the days to read, each event once."""
    looked_at = log.events.where(plan.span_sql)
    if log.has_key:  # the same rows as were counted: a repeated event may lie on an earlier day
        first = look_back(log)
        looked_at = counting.look_at(log, min(plan.first_day(), first) if first else None, plan.as_of)
    return _sound(looked_at.where(plan.where_sql), begin)


def _sound(events: "DataFrame", begin: date | None) -> "DataFrame":
    from pyspark.sql import functions as F

    rows = events.where(F.col("broken").isNull())
    return rows if begin is None else rows.where(F.col("day") >= F.lit(begin))
