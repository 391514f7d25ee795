"""Scheduled runs of the past, replayed under a policy by the stages that the notebooks call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lib.attributes.columns import NOTE, TABLE
from lib.config.parameters import Get
from lib.config.question import Question
from lib.config.stages import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig
from lib.errors import PropensityError
from lib.evaluation.measured import Measured
from lib.features import extraction
from lib.progress import Say
from lib.registry.protocol import Registry
from lib.stages import predict, publish, retrain, train
from lib.stages.attributes import check_asked, choose_attributes
from lib.stages.context import Context
from lib.stages.records import list_sql, read_rows
from lib.tables.contracts import NAMED_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.protocol import Tables
from lib.training import challenger
from lib.training.challenger import Make

NEVER, EVERY, GATE, ORACLE = "never", "every", "gate", "oracle"
RUN_BY_RUN = (NEVER, EVERY, GATE)  # the oracle makes no models of its own
GROWING = {"named_features": "cutoff", "attribute_checks": "as_of"}  # beside features: a run adds rows of such a day
WHO = (TABLE, "identities")  # what was read of users, the same for all runs
SHARED = ("daily_activity", "named_activity", "features", *GROWING, *WHO)  # tables that no policy changes
NAMED = b"named"  # note with the activity: the kinds of its rows that are of named actions, one a line
Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Replayed:
    """What one run came to, as it was known on its own day."""

    policy: str
    as_of: date
    answer: str = ""  # of the verdict; blank where the job ended before it, and for the oracle
    reasons: str = ""
    retrained: bool = False
    promoted: bool = False
    version: str = ""  # of the prediction model that scored; blank where none did
    promised: Mapping[str, Measured] = field(default_factory=dict)  # what this version was registered with
    stopped: str = ""  # why the job ended without scores
    refused: str = ""  # why the list was not published
    seconds: float = field(default=0.0, compare=False)  # as whoever holds the watch says


def widget_values(parameters: Parameters, policy: str, as_of: date) -> Get:
    """What the notebooks' widgets hold in one run."""
    of_this_run = {"as_of": as_of.isoformat(), "resolved_as_of": "", "run_id": f"{policy}-{as_of}"}
    return {**parameters, **of_this_run}.__getitem__


def replay(
    policy: str,
    as_of: date,
    parameters: Parameters,
    tables: Tables,
    registry: Registry,
    say: Say,
    make: Make = challenger.make_challenger,
) -> Replayed:
    """Run the job's stages after the extraction.

    `gate` does as the job does. `never` retrains only while nothing is in use. `every` forgets the pair in use first,
    so that each of its runs is a first one. An error that an operator would have to mend ends this run, as it would
    end the job; the next one goes on from what is there.
    """
    get = widget_values(parameters, policy, as_of)
    config = RetrainConfig.from_widgets(get)
    registry_seen: Registry = RegistryWithoutChampion(registry) if policy == EVERY else registry
    result: dict[str, Any] = {}
    try:
        checked = train.run(Context(config, tables, registry_seen, say))
        result |= {"answer": checked.verdict.answer, "reasons": "; ".join(checked.verdict.reasons)}
        result["retrained"] = (
            registry_seen.champion(config.question) is None if policy == NEVER else checked.retrain_needed
        )
        if result["retrained"]:
            result["promoted"] = retrain.run(Context(config, tables, registry_seen, say), make).promoted
        predict.run(Context(PredictConfig.from_widgets(get), tables, registry_seen, say))
    except PropensityError as error:
        return Replayed(policy, as_of, **result, stopped=str(error))
    try:
        publish.run(Context(PublishConfig.from_widgets(get), tables, registry_seen, say))
    except PropensityError as error:
        result["refused"] = str(error)
    scores = read_rows(tables, "predictions", list_sql(config.question, as_of))
    if scores is None:  # an empty cohort
        return Replayed(policy, as_of, **result)
    version = str(scores["prediction_version"].iloc[0])
    return Replayed(
        policy, as_of, **result, version=version, promised=read_registered_metrics(registry, config.question, version)
    )


def read_registered_metrics(registry: Registry, question: Question, version: str) -> dict[str, Measured]:
    """The metrics, with their intervals, that a version was registered with."""
    (registered,) = (one for one in registry.versions(question) if one.prediction_version == version)
    return {
        name: Measured(value, *registered.intervals.get(name, (value, value)))
        for name, value in registered.metrics.items()
    }


class RegistryWithoutChampion:
    """A registry in which nothing is in use until this run promotes: what `every` sees of the real one."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._promoted = registry, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def champion(self, question: Question) -> str | None:
        return self._registry.champion(question) if self._promoted else None

    def promote(self, question: Question, version: str, as_of: date) -> None:
        self._registry.promote(question, version, as_of)
        self._promoted = True


@dataclass(frozen=True)
class ExtractedDay:
    """What the extraction as of one day left beside the rows: enough to see the tables as they were then."""

    as_of: date
    columns: tuple[str, ...]  # of features
    properties: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class WhoUsersAre:
    """What was read of users and of their ids: of each run its queries see what was known before its cutoffs."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)  # those of `WHO` that there are
    note: str = ""  # of the users' attributes
    written: date | None = None  # by when these tables were, so that an attribute may know what came until then

    def put_into(self, tables: MemoryTables) -> None:
        """Keep them as a run does that has read them."""
        tables.stored |= self.tables
        if self.note:
            tables.set_property(TABLE, NOTE, self.note)


@dataclass(frozen=True)
class SharedTables:
    """Activity and features of all runs, made once: each run sees of them what was known by its own day."""

    activity: pa.Table  # with rows of named actions where its note `NAMED` says so
    features: pa.Table
    stages: Mapping[date, ExtractedDay]
    growing: Mapping[str, pa.Table] = field(default_factory=dict)  # those of `GROWING` that there are
    who: WhoUsersAre = WhoUsersAre()

    @classmethod
    def extract(
        cls, activity: pa.Table, days: Iterable[date], parameters: Parameters, say: Say, who: WhoUsersAre | None = None
    ) -> "SharedTables":
        """Compute the features of every run, each from what had become known before its day.

        Raises
        ------
        PropensityError
            As the extraction of the first run that cannot be made does.
        """
        tables, stages, who = MemoryTables(), {}, who or WhoUsersAre()
        who.put_into(tables)
        for as_of in sorted(days):
            tables.stored |= activity_tables(_known_before(activity, as_of))
            config = ExtractConfig.from_widgets(widget_values(parameters, "", as_of))
            config = replace(config, run_date=who.written)
            check_asked(config, tables)
            finish = partial(choose_attributes, config, tables, say=say)
            done, built, _ = extraction.build_missing(config, tables, as_of, finish=finish)
            stages[as_of] = ExtractedDay(as_of, tuple(tables.stored["features"].column_names), dict(tables.notes))
            say(f"features as of {as_of}: {built} of {len(done.cutoffs.all)} cutoffs built, the others were there")
        growing = {name: tables.stored[name] for name in GROWING if name in tables.stored}
        return cls(activity, tables.stored["features"], stages, growing, who)

    def tables(self, as_of: date, policy_rows: Mapping[str, pa.Table]) -> MemoryTables:
        """The tables as the stages of one run find them: the shared ones as they were then, and a policy's own."""
        stage, tables = self.stages[as_of], MemoryTables()
        # A column that came with a later cutoff is not there yet: even without any value it would take part in draws.
        then = self.features.filter(pc.less_equal(self.features["cutoff"], as_of)).select(list(stage.columns))
        tables.stored = {**policy_rows, **activity_tables(_known_before(self.activity, as_of)), "features": then}
        for name, rows in self.growing.items():
            tables.stored[name] = rows.filter(pc.less_equal(rows[GROWING[name]], as_of))
        self.who.put_into(tables)
        tables.notes = dict(stage.properties)
        return tables


def tables_in_hindsight(
    policy_rows: Mapping[str, pa.Table], activity: pa.Table, who: WhoUsersAre | None = None
) -> MemoryTables:
    """A policy's tables with all that became known until the replay's end: to judge by, never to learn from."""
    tables = MemoryTables()
    tables.stored = {**policy_rows, **activity_tables(activity)}
    (who or WhoUsersAre()).put_into(tables)
    return tables


def activity_tables(activity: pa.Table) -> dict[str, pa.Table]:
    """The activity as a home keeps it: that of named actions in a table of its own."""
    kinds = (activity.schema.metadata or {}).get(NAMED, b"").decode().split()
    if not kinds:
        return {"daily_activity": activity}
    is_named = pc.is_in(activity["event_type"], value_set=pa.array(kinds, pa.string()))
    named = activity.filter(is_named).select(list(NAMED_ACTIVITY))
    return {"daily_activity": activity.filter(pc.invert(is_named)), "named_activity": named}


def _known_before(activity: pa.Table, as_of: date) -> pa.Table:
    return activity.filter(pc.less(activity["known_day"], as_of))


def policy_tables(tables: MemoryTables) -> dict[str, pa.Table]:
    """The tables that belong to one policy."""
    return {name: rows for name, rows in tables.stored.items() if name not in SHARED}
