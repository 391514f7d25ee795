"""Look at a source: what is in it, how to read it, whether it is enough, and the command that runs on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import repeat
from pathlib import Path
from shlex import quote

import duckdb

from lib.config.event_kinds import quote_name
from lib.config.events import Events
from lib.expressions.named import NamedAction
from lib.features.named_rows import check_readable
from lib.features.shapes import map_counts, map_parts
from lib.looking import mapping
from lib.looking.columns import shaped_sql
from lib.looking.measures import Measures, measure
from lib.looking.relations import Rows, connect, open_rows, unreadable
from lib.sources.presets import Preset

MAX_LEFT_OUT = 0.05  # share of rows that a first run may leave out without being asked
_ACTIONS = ("purchase", "order", "buy", "checkout", "subscribe", "transaction", "payment", "booking", "complete")


@dataclass(frozen=True)
class Look:
    """What one look saw."""

    events: str
    parts: Sequence[Rows]
    columns: dict[str, str]  # what to say in event_columns
    presets: Sequence[Preset]  # ready-made mappings that fit
    measures: Measures
    action: str | None  # what might be asked about
    named: Sequence[NamedAction]
    max_bad_rows: float  # what a run needs to be told to leave unusable rows out


def look(config: Events, run_date: date | None, named: Sequence[NamedAction] = ()) -> Look:
    """Look at the events of a configuration, and at those of named actions besides.

    Raises
    ------
    SourceError, ConfigError
        As the run would, where it can be known without Spark.
    """
    engine = connect()
    parts = open_rows(engine, config.events, config.event_options)
    given = config.mapping
    try:
        columns = mapping.propose_columns(engine, parts, given)
        full = replace(given, columns=columns)
        types = [rows.types for rows in parts]
        both = zip(map_parts(columns, types), map_counts(full.unpivot, types), strict=True)
        known = [replace(full, columns=kept, unpivot=counts) for kept, counts in both]
        check_readable(named, types)
        shaped = " UNION ALL ".join(map(shaped_sql, parts, known, repeat(config.time_zone), repeat(named)))
        names = [one.name for one in named]
        measures = measure(engine, shaped, len(full.key) + bool(full.key and full.unpivot), run_date, names)
    except duckdb.Error as error:
        raise unreadable(config.events, parts[0], error) from error
    bad = sum(one.rows for one in measures.unusable)
    share = bad / (measures.rows + bad) if bad else 0.0
    return Look(
        config.events, parts, columns, mapping.fitting_presets(parts), measures, _action(measures), named,
        -(-share * 1000 // 1) / 1000 if 0 < share <= MAX_LEFT_OUT else 0.0,
    )  # fmt: skip


def _action(measures: Measures) -> str | None:
    """The event type that a first question may be about: one whose name says so, or the rarest that enough do."""
    names = [kind.name for kind in measures.kinds]
    named = [name for word in _ACTIONS for name in names if word in name.lower()]
    rates = {kind.name: kind.rates.get(28, 0.0) for kind in measures.kinds}
    fitting = sorted((name for name in names if 0.005 <= rates[name] <= 0.9), key=lambda name: rates[name])
    return named[0] if named else fitting[0] if fitting else names[-1] if names else None


def first_parameters(seen: Look, given: dict[str, str]) -> dict[str, str]:
    """The parameters of a first run on what was looked at."""
    said = dict(given)
    if seen.columns and "event_preset" not in given:
        said["event_columns"] = ",".join(f"{ours}={theirs}" for ours, theirs in seen.columns.items())
    if seen.action:
        said.setdefault("action", quote_name(seen.action))
    said.setdefault("horizon_days", "28")
    if seen.max_bad_rows:
        said.setdefault("max_bad_rows", f"{seen.max_bad_rows:g}")
    return {"events": seen.events, **said}


def format_command(seen: Look, given: dict[str, str], file: Path | None = None) -> str:
    """The command that runs on what was looked at, or on the file that says it."""
    said = {"question_file": str(file)} if file else first_parameters(seen, given)
    words = [f"--param {quote(f'{name}={value}')}" for name, value in said.items()]
    return "./propensity run --home .home-of-my-log " + " ".join(words)
