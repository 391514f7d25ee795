"""The logs of drawn questions as one source, and what a home should keep of their named actions: event by event."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.config.stages import ExtractConfig
from lib.expressions.named import NamedAction
from lib.features.ingest import ingest
from lib.tables.delta import DeltaTables
from tests.builders import question_draws as draws
from tests.builders.question_draws import Drawn

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KINDS = (
    "user_id string, event_time timestamp, event_type string, value decimal(12, 1), count int, known_at timestamp, "
    "place string"
)
Kept = dict[tuple[str, str, date, date], tuple[int, float | None]]  # kind, user, day, known day -> count, value


def draws_of(zone: str, seeds: Iterable[int]) -> list[Drawn]:
    """The draws whose log is of a zone."""
    return [made for made in map(draws.draw, seeds) if made.zone == zone]


def rows_of(many: Sequence[Drawn]) -> list[tuple[Any, ...]]:
    """The events of some draws as rows of `KINDS`; each draw has users of its own."""
    return [
        (f"{number}-{e.user}", e.moment, e.kind, e.value, e.count, e.known or e.moment, e.place)
        for number, made in enumerate(many) for e in made.events
    ]  # fmt: skip


def actions_of(many: Sequence[Drawn]) -> dict[str, tuple[NamedAction, str, int]]:
    """The named actions of some draws by their kinds: as the parameter reads them, with type and place in the draws."""
    found = {}
    for made in many:
        for one in Question.of(defaults() | made.texts).named:
            kind, place = made.named[one.name]
            found[one.kind] = (one, kind, place)
    return found


def kept_of(many: Sequence[Drawn]) -> Kept:
    """What should be kept."""
    sums = defaultdict[tuple[str, str, date, date], list[draws.Event]](list)
    for stored, (_, kind, place) in actions_of(many).items():
        for number, made in enumerate(many):
            for event in made.events:
                if event.kind == kind and draws.DEFINITIONS[place][1](event):
                    day = made.local_day(event.moment)
                    known = max(day, made.local_day(event.known_from))
                    sums[stored, f"{number}-{event.user}", day, known].append(event)
    return {key: (sum(e.count for e in events), _sum(events)) for key, events in sums.items()}


def _sum(events: Sequence[draws.Event]) -> float | None:
    values = [float(event.value) for event in events if event.value is not None]
    return sum(values) if values else None


def config_of(many: Sequence[Drawn], events: str, schema: str, as_of: date) -> ExtractConfig:
    """A run that reads them."""
    texts = {
        "events": events, "schema": schema, "as_of": str(as_of), "action": "buy", "time_zone": many[0].zone,
        "max_source_gap_days": "3650", "accept_shrunk": str(as_of),  # drawn logs have long gaps and thin weeks
    }  # fmt: skip
    config = ExtractConfig.from_widgets((defaults() | texts).__getitem__)
    named = tuple(action for action, _, _ in actions_of(many).values())
    return replace(config, question=replace(config.question, named=named))


def check_reading(spark: "SparkSession", tables: DeltaTables, many: Sequence[Drawn]) -> int:
    """Read some draws of one zone as a log, and hold what is kept against the truth; how many rows that is."""
    spark.createDataFrame(rows_of(many), KINDS).createOrReplaceTempView("drawn")
    as_of = max(made.local_day(e.known_from) for made in many for e in made.events) + timedelta(days=1)
    ingest(config_of(many, "drawn", tables.schema, as_of), tables, lambda _: None)
    rows = tables.query("SELECT event_type, user_id, day, known_day, count, value FROM {named_activity}")
    kept: Kept = {tuple(key): (count, value) for *key, count, value in rows.astype(object).itertuples(index=False)}
    true = kept_of(many)
    assert {key: count for key, (count, _) in kept.items()} == {key: count for key, (count, _) in true.items()}
    for key, (_, value) in true.items():
        assert kept[key][1] == pytest.approx(value, abs=1e-9) if value is not None else pd.isna(kept[key][1]), key
    return len(kept)
