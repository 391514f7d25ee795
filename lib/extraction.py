"""From the user's events to features: what is new is read, what changed is read again, the rest is kept."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from lib import csv_files, definition, loads, timeline
from lib import events as event_rules
from lib.config import ExtractConfig, PublishConfig, Question
from lib.errors import NotEnoughHistory, SourceError
from lib.features import OTHER, Vocabulary, build_features, columns, schema, vocabulary
from lib.loads import Compared, Held
from lib.tables import DeltaTables, Tables
from lib.timeline import Cutoffs, Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lib.challenger import Say

SOURCE = "source"  # property of daily_activity: what it was read from


@dataclass(frozen=True)
class Extraction:
    """What one run of `extract_features` left for the stages after it."""

    question: str  # slug
    cutoffs: Cutoffs
    pooled: tuple[str, ...] = ()  # event types that share the columns of `other` at as_of
    pool: bool = False  # whether there are such columns

    def to_json(self) -> str:
        """Write down as a table property."""
        return json.dumps(
            {
                "question": self.question,
                "as_of": self.cutoffs.as_of.isoformat(),
                "matured": [day.isoformat() for day in self.cutoffs.matured],
                "training": [day.isoformat() for day in self.cutoffs.training],
                "pooled": self.pooled,
                "pool": self.pool,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Extraction":
        """Read back."""
        raw = json.loads(text)
        matured, training = (tuple(map(date.fromisoformat, raw[name])) for name in ("matured", "training"))
        cutoffs = Cutoffs(date.fromisoformat(raw["as_of"]), matured, training)
        return cls(raw["question"], cutoffs, tuple(raw.get("pooled", ())), raw.get("pool", False))


def last_extraction(tables: Tables, question: Question, as_of: date | None) -> Extraction:
    """What the last `extract_features` prepared, if it is what this stage needs.

    Raises
    ------
    NotEnoughHistory
        If nothing was extracted yet, or for another question or day; the message names both.
    """
    text = tables.get_property("features", definition.EXTRACTION)
    if not text:
        raise NotEnoughHistory("No features have been extracted in this schema. Run extract_features first.")
    found = Extraction.from_json(text)
    wanted = as_of or found.cutoffs.as_of
    if (found.question, found.cutoffs.as_of) != (question.slug, wanted):
        raise NotEnoughHistory(
            f"The last extraction was for {found.question} as of {found.cutoffs.as_of}, this stage asks for "
            f"{question.slug} as of {wanted}. Run extract_features with the same parameters first."
        )
    return found


def ingest(config: ExtractConfig, tables: DeltaTables, say: "Say" = print) -> date:
    """Bring `daily_activity` up to date with the source, and return the run's as_of.

    Only days after the last known one are read, and recent days whose number of events has changed, of which far fewer
    are refused; all days where what is there was read by another rule than today's.

    Raises
    ------
    SourceError
        If the source is not readable, is another one than before, is stale, has shrunk, holds nothing before as_of, or
        is to be read anew and no longer has the first days.
        Nothing was written then.
    """
    source = tables.source(config.events)
    events = event_rules.standard(source, config.event_columns)
    before, note = tables.get_property("daily_activity", SOURCE), _source_note(config, source.columns)
    if before is not None:
        _same_source(config, before, note, source.columns)
    stored = _held(tables)
    following = max(stored)[0] + timeline.ONE_DAY if stored else None
    anew = bool(stored) and _by_another_rule(before, note)
    ours, start = ({}, None) if anew else (stored, following)
    with tables.reading(config.events):
        as_of = config.as_of or max(newest_day(events), following or date.min)
        theirs = _seen(events, start, as_of)
        if anew:
            _reaches_back(config, stored, theirs, as_of)
        plan = _planned(config, events, ours, theirs, start, as_of)
    _fresh(config.events, config.max_source_gap_days, _days(ours, theirs, plan), as_of)
    if anew:
        say(f"all of {config.events!r} is read anew, once: quotes in CSV are read by {csv_files.RULE} from now on")
    if not plan.empty:
        # Cached features that the new rows outdate go first: a kill in between costs a recomputation, no more.
        if tables.exists("features"):
            definition.drop(tables, f"cutoff > DATE '{plan.first()}'")
        rows = event_rules.daily_rows(events.where(f"{plan.span} AND {plan.where}"))
        if anew:  # whatever of it lies beyond as_of goes too: the next run reads it as new days
            tables.replace("daily_activity", rows, "1 = 1")
        elif plan.changed:
            tables.replace("daily_activity", rows, plan.where)
        else:  # nothing that is there has one of these days: no file need be looked for
            tables.append("daily_activity", rows)
    if before is None or anew:  # last: a kill leads to another reading; and a commit that most runs need not pay for
        tables.set_property("daily_activity", SOURCE, note)
    return as_of


def build(config: ExtractConfig, tables: Tables, as_of: date) -> tuple[Extraction, int, int]:
    """Compute the features of every cutoff that the run needs and the table lacks.

    Returns the extraction, the number of cutoffs built and the number of feature columns.
    """
    seen = first_seen(tables, as_of)
    event_rules.known_actions(config.question.actions, list(seen), as_of)
    begun = min(day for action in config.question.actions for day, _ in seen[action])
    cutoffs = timeline.cutoffs(
        as_of, max(vocabulary(seen, as_of, config.max_event_types).log_start, begun),
        horizon_days=config.question.horizon_days, cadence_days=config.cadence_days, most=config.max_cutoffs,
    )  # fmt: skip
    defined = definition.renewed(tables, config.max_event_types, config.question.actions, seen, as_of)
    words = defined.words(seen, as_of)
    known = tables.query("SELECT DISTINCT cutoff FROM {features}")["cutoff"] if tables.exists("features") else ()
    stored = set(known)
    plan = {day: defined.words(seen, day) for day in cutoffs.all if day not in stored}
    if plan:
        write_features(tables, plan)
    definition.note(tables, defined)
    extraction = Extraction(config.question.slug, cutoffs, words.pooled, OTHER in words.prefixes)
    tables.set_property("features", definition.EXTRACTION, extraction.to_json())
    return extraction, len(plan), len(columns(words))


def write_features(tables: Tables, plan: dict[date, Vocabulary]) -> None:
    """Compute the features of some cutoffs in one pass, and replace those cutoffs' rows."""
    target = schema(list(dict.fromkeys(name for words in plan.values() for name in columns(words))))
    sql = f"SELECT * FROM {{daily_activity}} WHERE known_day < DATE '{max(plan)}'"
    rows = tables.map_users(sql, partial(build_features, plan=plan), target)
    days = ", ".join(f"DATE '{day}'" for day in plan)
    tables.replace("features", rows, f"cutoff IN ({days})")


def first_seen(tables: Tables, as_of: date) -> dict[str, list[tuple[date, int]]]:
    """For every event type, how many users showed it first on which day."""
    frame = tables.query(
        "SELECT event_type, first_day, COUNT(*) AS users FROM (SELECT user_id, event_type, MIN(known_day) AS first_day "
        f"FROM {{daily_activity}} WHERE known_day < DATE '{as_of}' GROUP BY user_id, event_type) f "
        "GROUP BY event_type, first_day ORDER BY event_type, first_day"
    )
    seen: dict[str, list[tuple[date, int]]] = {}
    for kind, day, users in frame.itertuples(index=False):
        seen.setdefault(kind, []).append((day, int(users)))
    return seen


def _held(tables: Tables) -> Held:
    """What `daily_activity` holds: one query tells the next day to read, the recent counts and the quiet days."""
    if not tables.exists("daily_activity"):
        return {}
    found = tables.query("SELECT known_day, day, SUM(count) AS n FROM {daily_activity} GROUP BY known_day, day")
    return {(known_day, day): int(n) for known_day, day, n in found.itertuples(index=False)}


def newest_day(events: "DataFrame") -> date:
    """The day of the last event; one that no date can name, beyond the year 9999, does not count.

    Raises
    ------
    SourceError
        If there is none.
    """
    from pyspark.sql import functions as F

    told = events.where(F.col("day") <= F.lit(date.max))
    newest: date | None = told.agg(F.max("day").alias("day")).collect()[0]["day"]
    if newest is None:
        raise SourceError("The events are empty, or none has a readable event_time. Load events, or name other ones.")
    return newest


def _first_day(events: "DataFrame") -> date | None:
    """The source's own first day, as days are counted; None where it holds nothing."""
    from pyspark.sql import functions as F

    told = events.where(F.col("known_day") <= F.lit(date.max))
    first: date | None = told.agg(F.min("known_day").alias("day")).collect()[0]["day"]
    return first


def _seen(events: "DataFrame", start: date | None, as_of: date) -> Sequence[Any]:
    """Look once over what is new and what is recent: numbers by known_day, day and, of what is new, broken column.

    What is recent was sound when it was read; `_broken_since` looks again where its number has changed. Only a count
    that cannot be read is told at once, since no number shows it.
    """
    from pyspark.sql import functions as F

    since = f"known_time >= DATE '{_recent(start).start}' AND " if start else ""
    sums = F.coalesce(F.sum("count"), F.lit(0)).alias("n"), F.count("*").alias("rows")
    # a null time would slip every later filter
    looked_at = events.where(f"known_time IS NULL OR ({since}known_time < DATE '{as_of}')")
    new = F.col("known_time").isNull() | (F.col("known_time") >= F.lit(start)) if start else F.lit(True)
    uncounted = F.col("count").isNull() | (F.col("count") < 1)
    broken = F.when(new | uncounted, F.col("broken")).alias("broken")
    return looked_at.groupBy("known_day", "day", broken).agg(*sums).collect()


def _broken_since(events: "DataFrame", days: Collection[date]) -> Counter[str]:
    """Count the rows with a null or unreadable value on recent days that are to be read anew, by column."""
    from pyspark.sql import functions as F

    span = f"known_time >= DATE '{min(days)}' AND known_time < DATE '{max(days) + timeline.ONE_DAY}'"
    rows = events.where(span).where(F.col("known_day").isin(list(days)) & F.col("broken").isNotNull())
    return Counter({row["broken"]: row["count"] for row in rows.groupBy("broken").count().collect()})


def _planned(
    config: ExtractConfig, events: "DataFrame", ours: Held, theirs: Sequence[Any], start: date | None, as_of: date
) -> event_rules.Ingestion:
    """Say which days to read.

    Raises
    ------
    SourceError
        If a row that is to be read holds a null or unreadable value, or if days read before hold far fewer events now.
    """
    again = loads.compared(ours, theirs, _recent(start), as_of) if start else Compared({}, {})
    if again.fallen:
        again = again.after(_first_day(events))
    plan = event_rules.Ingestion(start, as_of, again.changed)
    told = _broken_since(events, plan.changed) if plan.changed else Counter()
    for row in theirs:
        day = row["known_day"]  # of days that changed all rows were looked at above
        if row["broken"] and (day is None or (plan.reads(day) and day not in plan.changed)):
            told[row["broken"]] += int(row["rows"])
    if told and not plan.empty:
        values = ", ".join(f"{column} in {rows} rows" for column, rows in sorted(told.items()))
        raise SourceError(
            f"The events hold null or unreadable values: {values}. Nothing was read. Mend or leave out these rows."
        )
    loads.check_not_shrunk(config.events, again, as_of, config.accept_shrunk)
    return plan


def _recent(start: date) -> Window:
    """The days read before to which rows may have been added since."""
    return Window.lookback(start, event_rules.LATE_DAYS)


def _days(ours: Held, theirs: Sequence[Any], plan: event_rules.Ingestion) -> set[date]:
    """The event days that `daily_activity` will hold, as they are known at as_of."""
    kept = {day for known_day, day in ours if known_day < plan.as_of and not plan.reads(known_day)}
    return kept | {row["day"] for row in theirs if row["known_day"] and plan.reads(row["known_day"])}


def still_fresh(config: PublishConfig, tables: Tables, as_of: date) -> None:
    """Refuse to publish what rests on a stale source: by the rule of `ingest`, on what it has read.

    Raises
    ------
    SourceError
        The message names both dates.
    """
    found = tables.query(f"SELECT DISTINCT day FROM {{daily_activity}} WHERE known_day < DATE '{as_of}'")["day"]
    _fresh(f"of {config.schema}", config.max_source_gap_days, found, as_of)


def _fresh(source: str, allowed: int | None, held: Collection[date], as_of: date) -> None:
    """Refuse to run on a source whose last event day is further back than its quiet spells ever were."""
    days = sorted(day for day in held if day < as_of)
    if not days:
        raise SourceError(
            f"The events {source!r} hold nothing before as_of {as_of}. Run with a later as_of, or load older events."
        )
    if allowed is None:
        allowed = timeline.longest_gap(days, Window.lookback(as_of, 90))
    behind = timeline.days_behind(days[-1], as_of)
    if behind > allowed:
        raise SourceError(
            f"The events end on {days[-1]} and as_of is {as_of}: {behind} days are missing, at most {allowed} are "
            "usual. Wait for the load, run with an earlier as_of, or raise max_source_gap_days."
        )


def _source_note(config: ExtractConfig, found: list[str]) -> str:
    read = sorted(ours for ours in event_rules.EVENTS if ours in found or ours in config.event_columns)
    note = {"events": config.events, "event_columns": config.event_columns, "read": read}
    return json.dumps(note | ({"csv": csv_files.RULE} if csv_files.is_csv(config.events) else {}))


def _by_another_rule(old: str | None, new: str) -> bool:
    """Whether rows of CSV files were read by another rule than today's, or before there was a note of it."""
    rule = json.loads(new).get("csv")
    return rule is not None and rule != json.loads(old or "{}").get("csv")


def _reaches_back(config: ExtractConfig, stored: Held, theirs: Sequence[Any], as_of: date) -> None:
    """Refuse to read anew what would lose the first days that are stored."""
    held = [day for known_day, day in stored if known_day < as_of]
    found = [row["day"] for row in theirs if row["day"]]
    if held and found and min(held) < min(found):
        raise SourceError(
            f"The tables of schema {config.schema} were read from {config.events!r} before quotes in CSV were read by "
            f"{csv_files.RULE}, and must be read anew, whole. They begin on {min(held)}, the files on {min(found)} by "
            "now. Nothing was changed. Bring the older files back, or drop daily_activity and features, so that all "
            "begins with what is left: see Starting over in docs/operations.md."
        )


def _same_source(config: ExtractConfig, old: str, new: str, found: list[str]) -> None:
    before, now = json.loads(old), json.loads(new)
    if before["events"] != now["events"]:
        raise SourceError(
            f"The tables of schema {config.schema} were read from {before['events']!r}, this run asks for "
            f"{now['events']!r}. Give the new events a schema (or --home) of their own, or drop the old tables."
        )
    if before["event_columns"] != now["event_columns"]:
        raise SourceError(
            f"The tables of schema {config.schema} were read with event_columns {before['event_columns']}, this run "
            f"asks for {now['event_columns']}. Give the new meaning a schema (or --home) of its own."
        )
    held, read = set(before["read"]), set(now["read"])
    if gone := sorted(held - read):
        raise SourceError(f"The events had a column for {gone[0]} before and have none now. Found: {', '.join(found)}.")
    if come := sorted(read - held):  # rows read before would go on without it, beside new ones that have it
        raise SourceError(
            f"The events have a column for {come[0]} now and had none when they were read before. Drop daily_activity "
            f"and features of schema {config.schema}, so that all is read anew, or give the events without that column."
        )
