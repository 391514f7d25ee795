"""From the user's events to features: what is new is read, what changed is read again, the rest is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import counting, forgotten
from lib.features.cells import read_cells
from lib.features.days import Ingestion
from lib.features.forgotten import ForgottenUsers
from lib.features.freshness import check_not_stale
from lib.features.likeness import check_likeness
from lib.features.loads import EventCounts
from lib.features.log import Log, Source
from lib.features.named_note import read_noted
from lib.features.named_rows import NamedRows, choose_named
from lib.features.planning import (
    check_sources_fresh,
    check_weeks,
    find_days,
    look_back,
    plan_ingestion,
)
from lib.features.read_again import READ_AGAIN, check_has_again, read_noted_again, without_again
from lib.features.remarks import LoadRefused, Remark, list_days, marked, read_remarks, write_remarks
from lib.features.shapes import COUNTED
from lib.features.source import Reading
from lib.features.source_note import (
    BEGAN,
    SOURCE,
    SourceNote,
    check_reaches_back,
    check_same_log,
    describe_log,
    is_other_rule,
)
from lib.features.writing import check_named, write_activity
from lib.progress import Say
from lib.sources.opening import open_source, reading
from lib.tables.delta import DeltaTables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Ingested:
    """What was read."""

    as_of: date
    notes: tuple[str, ...] = ()  # what a person should know of it
    remarks: tuple[Remark, ...] = ()  # and what checks said of days
    kept: Mapping[date, int] = field(default_factory=dict)  # days that stay as stored: what the source has of them
    tells_known: bool = False  # whether a source says when its events became known; else none is late
    said: tuple[Remark, ...] = ()  # what was said of days before this run


@dataclass(frozen=True)
class Examined:
    """A log that was found sound, and what is to be read of it."""

    log: Log
    as_of: date
    plan: Ingestion
    before: SourceNote | None  # what was noted of the log
    note: SourceNote  # what is to be noted
    listed: ForgottenUsers
    named: NamedRows  # what rows count as besides
    notes: tuple[str, ...]  # what a person should know of it
    remarks: tuple[Remark, ...]  # and what checks said of days
    kept: Mapping[date, int]  # days that stay as stored: what the source has of them
    said: tuple[Remark, ...]  # what was said of days before this run


def ingest(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> Ingested:
    """Bring `daily_activity` up to date with the source, and return the run's as_of.

    Only days after the last known one are read, and recent days whose number of events has changed, of which far fewer
    are refused; all days where what is there was read by another rule than today's.

    Raises
    ------
    SourceError
        As `examine`. Nothing was written then.
    """
    examined = _examine_or_note(config, tables)
    log, as_of, plan, note = examined.log, examined.as_of, examined.plan, examined.note
    if log.anew:
        say(f"all of {log.name!r} is read anew, once: text files are read by another rule from now on")
    for one in examined.named.added:
        say(f"reading {one.name} from all of {log.name!r}, once: {one.definition}")
    write_activity(tables, log, plan, note.begin, examined.named)
    if examined.before != note:  # last: a kill leads to another reading; and a commit that most runs need not pay for
        began = {} if log.stored or examined.before else {BEGAN: "usual"}
        tables.set_properties("daily_activity", {SOURCE: note.to_json(), **began})
    if log.is_again and not plan.is_empty:
        tables.set_property("daily_activity", READ_AGAIN, "")
    renewed = examined.listed.renew(log.forgotten, config.run_date or as_of, whole=log.is_whole)
    forgotten.write_renewed(tables, examined.listed, renewed)
    tells_known = any("known_at" in one.read for one in note.all)
    return Ingested(as_of, examined.notes, examined.remarks, examined.kept, tells_known, examined.said)


def _examine_or_note(config: ExtractConfig, tables: DeltaTables) -> Examined:
    """Examine a log; where a check of the load stops it, that is kept, and nothing else is written."""
    try:
        return examine(config, tables)
    except LoadRefused as refused:
        write_remarks(tables, refused.as_of, config.events, [refused.remark])
        raise SourceError(str(refused)) from None


def examine(config: ExtractConfig, tables: DeltaTables) -> Examined:
    """Look the source over, and hold it against what was read of it before; nothing is written.

    Raises
    ------
    SourceError
        If the source is not readable, is another one than before, is stale, has shrunk, holds nothing before as_of, or
        is to be read anew and no longer has the first days; or if the key to the list of forgotten users is not there.
    """
    text = tables.get_property("daily_activity", SOURCE)
    before = SourceNote.from_json(text) if text else None
    sources, note = _open(config, tables.spark, before)
    whole, acts = counting.read_stored(tables, config.question.source_types)
    again = read_noted_again(tables)
    stored, acts = (without_again(one, again) for one in (whole, acts))
    said = read_remarks(tables)
    listed = forgotten.read_forgotten(tables, config.schema, config.forgotten_key)
    anew = bool(stored) and (before is None or is_other_rule(before, note)) and note.is_text
    parts = [part for one in sources for part in one.parts]
    named = choose_named(config.question.named, parts, read_noted(tables), anew=anew)
    sources = [replace(one, reading=replace(one.reading, named=named.actions)) for one in sources]
    with reading(config.events):
        log, rows = _look(config, sources, stored, anew, listed, list_days(marked(said)), asks_all=bool(named.new))
        log = replace(log, is_again=again is not None)
        note = note.with_since([one.reading.since for one in log.sources])
        as_of, begin, notes = find_days(config, log, rows, note.begin)
        note = replace(note, begin=begin)
        rows = counting.before(rows, as_of, begin)
        if anew:
            check_reaches_back(config, stored, rows, as_of)
        if again:
            check_has_again(log.name, whole, again, counting.first_day(log.events), as_of)
        planned = plan_ingestion(config, log, rows, as_of, {} if anew else acts)
        plan = planned.ingestion
        named = check_named(tables, log, plan, begin, named, config.max_bad_rows)
    sound = [row for row in rows if not row["broken"]]  # the others were refused, or are left out
    check_sources_fresh(log, sound, as_of)
    check_not_stale(log.name, config.max_source_gap_days, _event_days(log.compared, sound, plan), as_of)
    notes = [*notes, *planned.notes, *named.notes, *_tell_gained(log)]
    remarks = [*planned.remarks, *check_weeks(config, log, sound, plan, {} if anew else acts, said)]
    with reading(config.events):
        cells = read_cells(log, tables, plan, sound, begin)
    if cells is not None:
        remarks += check_likeness(log.name, cells, as_of, config.accept_shrunk, config.load_limits, said)
    return Examined(
        log, as_of, plan, before, note, listed, named, tuple(notes), tuple(remarks), planned.kept, tuple(said)
    )


def _open(config: ExtractConfig, spark: "SparkSession", before: SourceNote | None) -> tuple[list[Source], SourceNote]:
    """The sources of a log, each with the columns that it has gained, and what is to be noted of them."""
    parts = [open_source(spark, one.events, one.event_options) for one in config.sources]
    note = describe_log(config, parts, before)
    gained = check_same_log(config, before, note, parts) if before else [[] for _ in parts]
    gaps = [config.max_source_gap_days, *(one.max_source_gap_days for one in config.further)]
    return [
        Source(one.events, own, Reading.of(one, config.time_zone, noted.since), columns, gap)
        for one, own, noted, columns, gap in zip(config.sources, parts, note.all, gained, gaps, strict=True)
    ], note


def _look(
    config: ExtractConfig, sources: Sequence[Source], stored: EventCounts, anew: bool, listed: ForgottenUsers,
    days: frozenset[date] = frozenset(), *, asks_all: bool = False,
) -> tuple[Log, Sequence[Any]]:  # fmt: skip
    """The log as it is now, without users who were forgotten, with its numbers, back to the marked `days`.

    `asks_all` says that old days are read too.
    Where a column came later, it is told since which day it is there.
    """
    log = replace(Log.of(sources, stored, anew), marked=days & {day for day, _ in stored})
    gained = any(one.gained for one in sources)
    is_whole = log.start is None or anew or gained or asks_all or listed.has_due(config.run_date or config.as_of)
    log = log.without(forgotten.find_shown(log.events, None if is_whole else look_back(log), listed), is_whole)
    new = [[ours for ours in one.gained if ours not in one.reading.since] for one in sources]
    log = log.with_since([counting.find_since(log.events_of(number), ours) for number, ours in enumerate(new)])
    rows = _count(config, log)
    if log.compared:
        return log, rows
    broken = [{row["broken"] for row in rows if row["source"] == number} for number in range(len(sources))]
    since = [
        counting.find_since(log.events_of(number), COUNTED) if columns & set(COUNTED) else {}
        for number, columns in enumerate(broken)
    ]
    known = log.with_since(since)
    return (known, _count(config, known)) if known is not log else (log, rows)


def read_newest_day(config: ExtractConfig, spark: "SparkSession") -> date:
    """The newest day of a log, by the rule of a blank as_of.

    Raises
    ------
    SourceError
        If a source cannot be read, or no event has a readable time.
    """
    blank = replace(config, as_of=None)
    sources, _ = _open(blank, spark, None)
    with reading(config.events):
        log, rows = _look(blank, sources, {}, False, ForgottenUsers())
        return find_days(blank, log, rows, None)[0]


def _tell_gained(log: Log) -> list[str]:
    lines = []
    for one in log.sources:
        which = f" {one.name!r}" if log.has_several else ""
        for ours in one.gained:
            day = one.reading.since.get(ours)
            since = "now, which holds nothing yet" if day is None else f"since {day}; days from then on were read again"
            lines.append(f"the events{which} have a column for {ours} {since}.")
    return lines


def _count(config: ExtractConfig, log: Log) -> Sequence[Any]:
    """Look once over what is new and what is recent."""
    start = None if log.anew else log.start
    looked_at = counting.look_at(log, look_back(log), config.as_of)
    return counting.count_days(looked_at, start, config.question.source_types, tolerant=config.max_bad_rows > 0)


def _event_days(ours: EventCounts, theirs: Sequence[Any], plan: Ingestion) -> set[date]:
    """The event days that `daily_activity` will hold, as they are known at as_of."""
    stored = {day for known_day, day in ours if known_day < plan.as_of and not plan.is_read(known_day)}
    return stored | {row["day"] for row in theirs if row["known_day"] and plan.is_read(row["known_day"])}
