"""Say what a look saw, in lines of a terminal."""

from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

from lib import timeline
from lib.features.clocks import Span
from lib.looking.look import Look, format_command
from lib.looking.measures import Kind
from lib.looking.samples import HORIZONS

LEAST_USERS = 50  # who act: fewer teach nothing


def format_look(seen: Look, given: dict[str, str], file: Path | None = None) -> list[str]:
    """Everything, the command last; where a file says what is asked, the one that reads it."""
    return [
        *_sources(seen), "", *_mapping(seen), "", *_numbers(seen), "", *_types(seen), "", *_faults(seen), "",
        *_enough(seen), "", "To run on it:", f"  {format_command(seen, given, file)}",
    ]  # fmt: skip


def _sources(seen: Look) -> Iterator[str]:
    for rows in seen.parts:
        more = f" and {len(rows.files) - 1} more" if len(rows.files) > 1 else ""
        yield f"{rows.files[0]}{more}: {rows.shown}"


def _mapping(seen: Look) -> Iterator[str]:
    if seen.columns:
        yield "Read as: " + ", ".join(f"{ours} = {theirs}" for ours, theirs in seen.columns.items())
    else:
        yield "Read as it is: the columns have our names."
    for preset in seen.presets:
        yield f"It looks like {preset.title}. Mind: {preset.trap}"


def _numbers(seen: Look) -> Iterator[str]:
    measures = seen.measures
    half = f"; half of them have {measures.events_per_user} or more" if measures.events_per_user else ""
    yield f"{measures.events:,} events in {measures.rows:,} rows, of {measures.users} users{half}"
    if measures.days:
        days = sorted(measures.days)
        yield f"{days[0]} to {days[-1]}, {len(days)} days with events{_of_span(measures.days, measures.span)}"
    if values := measures.values:
        spread = f"{values.least:,.6g} to {values.most:,.6g}, half of them {values.median} or more"
        yield f"value: {values.total:,.2f} in all, {spread}; none in {measures.nulls['value']:,} rows"
    if (n := measures.nulls["item_id"]) < measures.rows:
        yield f"item_id: none in {n:,} rows"
    if measures.late:
        yield f"{measures.late:,} rows became known a day or more after they happened"
    if measures.is_estimated:
        yield "(~: estimates, with the bounds of 95 in 100 cases; all other counts, sums, days and bounds are exact)"


def _of_span(days: Collection[date], span: Span | None) -> str:
    if span is None:
        return ""
    own = timeline.Window(span.begin or min(days), span.newest + timeline.ONE_DAY)
    return f"; the longest gap is {timeline.longest_gap(sorted(days), own)} days. A blank as_of is {span.newest}."


def _types(seen: Look) -> Iterator[str]:
    measures = seen.measures
    heads = "".join(f"{f'{days} d':>9}" for days in HORIZONS)
    yield f"{'event type':<32}{'events':>14}{'users':>20}{heads}   (share of the users active before who do it)"
    for kind in measures.kinds:
        yield f"{kind.name[:31]:<32}{kind.events:>14,}{kind.users!s:>20}{_rates(kind)}"
    if measures.kinds_in_all > len(measures.kinds):
        yield f"and {measures.kinds_in_all - len(measures.kinds)} more"
    for kind, action in zip(measures.named, seen.named, strict=True):
        yield f"{kind.name[:31]:<32}{kind.events:>14,}{kind.users!s:>20}{_rates(kind)}   {action.definition}"


def _rates(kind: Kind) -> str:
    return "".join(f"{kind.rates[days]:>9.1%}" if days in kind.rates else f"{'':>9}" for days in HORIZONS)


def _faults(seen: Look) -> Iterator[str]:
    measures, faults = seen.measures, 0
    for one in measures.unusable:
        faults += 1
        yield f"! {one.column} cannot be used in {one.rows:,} rows, such as {one.example!r}"
    rows, example = measures.unclear
    if rows:
        faults += 1
        yield f"! a condition of actions cannot be read in {rows:,} rows, such as {example!r}"
    for user, rows in measures.odd_ids:
        faults += 1
        yield f"! {rows:,} rows are of one user {user!r}: tools write so that there is none"
    if measures.pointed is not None:
        faults += 1
        yield f"! {measures.pointed + '.0'!r} stands beside {measures.pointed!r}: one user under two ids"
    if measures.zeroed is not None:
        faults += 1
        yield f"! {measures.zeroed!r} stands with zeros before it, too: one user under two ids, if a tool took them off"
    if measures.rounded[0]:
        faults += 1
        rows, user = measures.rounded
        yield f"! {rows:,} rows are of ids like {user!r}, as spreadsheets round long numbers: several users may be one"
    for names in measures.alike:
        faults += 1
        yield f"! {' and '.join(map(repr, names))} differ in capitals or blanks alone, and count apart"
    if measures.top_user and measures.top_user[1].number * 20 > measures.rows > 1000:
        faults += 1
        user, theirs = measures.top_user
        yield f"! one user, {user!r}, has {theirs.number / measures.rows:.0%} of all rows: {theirs}"
    if measures.duplicates.number:
        faults += 1
        yield f"! {measures.duplicates} rows repeat another in everything: real, or copies (see event_key)"
    for note in measures.span.notes() if measures.span else []:
        faults += 1
        yield f"! {note}"
    if not faults:
        yield "Nothing odd was seen."


def _enough(seen: Look) -> Iterator[str]:
    kind = next((one for one in seen.measures.kinds if one.name == seen.action), None)
    if kind is None:
        yield "There is nothing to ask about: no row can be used."
        return
    days = seen.measures.length
    if days < timeline.MIN_HISTORY_DAYS + 2 * 28:
        yield f"Not enough to learn what happens within 28 days: the log has {days}. Ask a shorter horizon_days."
    elif 28 not in kind.rates or kind.rates[28] * seen.measures.users.number < LEAST_USERS:
        yield f"Few do {kind.name!r}: a verdict will say that it cannot tell. Ask for a longer horizon_days."
    else:
        yield f"Enough to learn from: {days} days, and {kind.rates[28]:.1%} do {kind.name!r} within 28 days."
