"""From the user's events to features: what is new is read, what changed is read again, the rest is kept."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from lib import definition, timeline
from lib import events as event_rules
from lib.config import ExtractConfig, Question
from lib.errors import NotEnoughHistory, SourceError
from lib.features import OTHER, Vocabulary, build_features, columns, schema, vocabulary
from lib.tables import DeltaTables, Tables
from lib.timeline import Cutoffs, Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SOURCE = "source"  # property of daily_activity: what it was read from
EXTRACTION = "extraction"  # property of features: what the last extraction prepared


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
    text = tables.get_property("features", EXTRACTION)
    if text is None:
        raise NotEnoughHistory("No features have been extracted in this schema. Run extract_features first.")
    found = Extraction.from_json(text)
    wanted = as_of or found.cutoffs.as_of
    if (found.question, found.cutoffs.as_of) != (question.slug, wanted):
        raise NotEnoughHistory(
            f"The last extraction was for {found.question} as of {found.cutoffs.as_of}, this stage asks for "
            f"{question.slug} as of {wanted}. Run extract_features with the same parameters first."
        )
    return found


def ingest(config: ExtractConfig, tables: DeltaTables) -> date:
    """Bring `daily_activity` up to date with the source, and return the run's as_of.

    Only days after the last known one are read, and recent days whose number of events has changed.

    Raises
    ------
    SourceError
        If the source is not readable, is another one than before, is stale, or holds nothing before as_of.
    """
    source = tables.source(config.events)
    events = event_rules.standard(source, config.event_columns)
    _same_source(config, tables, source.columns)
    start = _next_day(tables)
    with tables.reading(config.events):
        as_of = config.as_of or _newest(events, start)
        plan = _planned(tables, events, start, as_of)
    if not plan.empty:
        # Cached features that the new rows outdate go first: a kill in between costs a recomputation, no more.
        if tables.exists("features"):
            tables.delete("features", f"cutoff > DATE '{plan.first()}'")
        tables.replace("daily_activity", event_rules.daily_rows(events.where(plan.where)), plan.where)
        tables.set_property("daily_activity", SOURCE, _source_note(config, source.columns))
    _fresh(config, tables, as_of)
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
    tables.set_property("features", EXTRACTION, extraction.to_json())
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


def _next_day(tables: Tables) -> date | None:
    """The first day that has not been read yet; None where nothing has."""
    if not tables.exists("daily_activity"):
        return None
    last = tables.query("SELECT MAX(known_day) AS last FROM {daily_activity}")["last"].iloc[0]
    return None if last is None else last + timeline.ONE_DAY


def _newest(events: "DataFrame", start: date | None) -> date:
    from pyspark.sql import functions as F

    newest: date | None = events.agg(F.max("day").alias("day")).collect()[0]["day"]
    if newest is None:
        raise SourceError("The events are empty, or none has a readable event_time. Load events, or name other ones.")
    return max(newest, start or newest)


def _planned(tables: Tables, events: "DataFrame", start: date | None, as_of: date) -> event_rules.Ingestion:
    """Look once over what is new and what is recent, and say which days to read.

    Raises
    ------
    SourceError
        If a row that is to be read holds a null or unreadable value; a null time would slip every later filter.
    """
    from pyspark.sql import functions as F

    recent = Window.lookback(start, event_rules.LATE_DAYS) if start else None
    since = f"known_day >= DATE '{recent.start}' AND " if recent else ""
    inside = f"{since}known_day < DATE '{as_of}'"
    # a day of unreadable counts only has no sum: as -1 it has changed, is read, and its rows are told of
    sums = F.coalesce(F.sum("count"), F.lit(-1)).alias("n"), F.count("*").alias("rows")
    found = events.where(f"known_day IS NULL OR ({inside})").groupBy("known_day", "broken").agg(*sums).collect()
    plan = event_rules.Ingestion(start, as_of, _changed(tables, found, recent, inside) if recent else ())
    told: Counter[str] = Counter()
    for row in found:
        if row["broken"] and (row["known_day"] is None or plan.reads(row["known_day"])):
            told[row["broken"]] += int(row["rows"])
    if told and not plan.empty:
        values = ", ".join(f"{column} in {rows} rows" for column, rows in sorted(told.items()))
        raise SourceError(
            f"The events hold null or unreadable values: {values}. Nothing was read. Mend or leave out these rows."
        )
    return plan


def _changed(tables: Tables, found: Sequence[Any], recent: Window, inside: str) -> tuple[date, ...]:
    """Recent days, read before, on which the source now holds more or fewer events."""
    theirs: Counter[date] = Counter()
    for row in found:
        if row["known_day"] is not None and row["known_day"] < recent.end:
            theirs[row["known_day"]] += int(row["n"])
    sql = (
        f"SELECT known_day, SUM(count) AS n FROM {{daily_activity}} WHERE {inside} AND known_day < DATE '{recent.end}'"
    )
    ours = tables.query(f"{sql} GROUP BY known_day")
    return event_rules.changed_days({day: int(n) for day, n in ours.itertuples(index=False)}, theirs)


def _fresh(config: ExtractConfig, tables: Tables, as_of: date) -> None:
    """Refuse to run on a source whose last event day is further back than its quiet spells ever were."""
    sql = f"SELECT DISTINCT day FROM {{daily_activity}} WHERE day < DATE '{as_of}' ORDER BY day"
    days = [] if not tables.exists("daily_activity") else list(tables.query(sql)["day"])
    if not days:
        raise SourceError(
            f"The events {config.events!r} hold nothing before as_of {as_of}. "
            "Run with a later as_of, or load older events."
        )
    allowed = config.max_source_gap_days
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
    return json.dumps({"events": config.events, "event_columns": config.event_columns, "read": read})


def _same_source(config: ExtractConfig, tables: Tables, found: list[str]) -> None:
    text = tables.get_property("daily_activity", SOURCE)
    if text is None:
        return
    before, now = json.loads(text), json.loads(_source_note(config, found))
    gone = sorted(set(before["read"]) - set(now["read"]))
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
    if gone:
        raise SourceError(f"The events had a column for {gone[0]} before and have none now. Found: {', '.join(found)}.")
