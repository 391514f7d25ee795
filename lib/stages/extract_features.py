"""Bring activity and features up to date with the source: what the notebook `extract_features` calls.

The source is read once for all questions of a run, then each question's features are seen to by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import pandas as pd

from lib.config.question import Question
from lib.config.stages import ExtractConfig
from lib.errors import NotEnoughHistory
from lib.features import extraction, ingest, thin
from lib.features.extraction import AskedTypes
from lib.features.identities import load_identities, tell_joined
from lib.features.ingest import Ingested
from lib.features.namesakes import tell_namesakes
from lib.features.remarks import (
    MENDED,
    TOLD,
    Remark,
    accept,
    find_mended,
    format_marked,
    marked,
    write_remarks,
)
from lib.features.users import load_users
from lib.labels import cohorts, delay
from lib.progress import Say
from lib.stages.attributes import check_asked, choose_attributes, tell_attributes
from lib.stages.summary import past_window
from lib.tables import keys
from lib.tables.delta import DeltaTables
from lib.tables.protocol import Tables
from lib.timeline import Cutoffs


@dataclass(frozen=True)
class Extracted:
    """What `extract_features` did."""

    cutoffs: Cutoffs
    summary: str
    table: pd.DataFrame  # one row per cutoff: users, cohort


@dataclass(frozen=True)
class ReadLog:
    """The activity, brought up to date for all questions of a run."""

    ingested: Ingested
    asked: AskedTypes
    users: tuple[str, ...]  # what a person should know of the tables of users and of their ids

    @property
    def as_of(self) -> date:
        """The run's now."""
        return self.ingested.as_of


def run(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> Extracted:
    """Bring activity and features up to date with the source, for one question."""
    return prepare(config, tables, read([config], tables, say), say)


def read(configs: Sequence[ExtractConfig], tables: DeltaTables, say: Say = print) -> ReadLog:
    """Bring the activity up to date with the source, once for all questions of a run.

    Raises
    ------
    SourceError
        As `ingest.examine`: no question can be answered then.
    """
    first = configs[0]
    if first.feature_keys == "yes":
        keys.check_can_have_keys(tables)
    joined = load_identities(first, tables, say)  # before the events: some ids may be a forgotten user's
    questions = [config.question for config in configs]
    types = tuple(sorted({kind for question in questions for kind in question.source_types}))
    named = tuple(sorted({one for question in questions for one in question.named}))
    say("looking for what is new in the events")
    ingested = ingest.ingest(replace(first, question=replace(first.question, actions=types, named=named)), tables, say)
    say(f"activity is up to date, as of {ingested.as_of}")
    ingested = _say_of_load(first, tables, ingested)
    joined += tell_joined(tables, say)
    users = tuple(load_users(first, tables).lines) if first.users else ()
    actions = tuple(sorted({action for question in questions for action in question.plain_actions}))
    asked = AskedTypes(extraction.read_first_seen(tables, ingested.as_of), actions)
    return ReadLog(ingested, asked, (*joined, *users))


def _say_of_load(config: ExtractConfig, tables: DeltaTables, ingested: Ingested) -> Ingested:
    """Keep what was said of the load, with what is thin of it by what is stored now; a person is told all of it."""
    as_of, is_accepted = ingested.as_of, config.accept_shrunk == ingested.as_of
    known = {one.key for one in ingested.said if one.kind != MENDED}
    remarks = [*ingested.remarks, *thin.tell_thin(tables, as_of, config.load_limits)]
    new = [one for one in remarks if one.kind != TOLD or one.key not in known]
    mended = find_mended(tables, marked(ingested.said), ingested.kept)
    settled = {one.key for one in [*mended, *new]}
    still = [one for one in marked(ingested.said) if one.key not in settled]
    if is_accepted:
        new, still = [one if one.kind != TOLD else accept(one) for one in new], [accept(one) for one in still]
    said = [*new, *mended, *(still if is_accepted else [])]
    write_remarks(tables, as_of, config.events, [*(Remark(TOLD, note) for note in ingested.notes), *said])
    marks = [] if is_accepted else format_marked(still, as_of)
    return replace(ingested, notes=(*ingested.notes, *(one.message for one in said), *marks))


def is_prepared(config: ExtractConfig, tables: DeltaTables, log: ReadLog) -> bool:
    """Whether what was prepared for a question as of this day still stands."""
    try:
        extraction.read_extraction(tables, config.question, log.as_of)
    except NotEnoughHistory:
        return False
    return True


def prepare(config: ExtractConfig, tables: DeltaTables, log: ReadLog, say: Say = print) -> Extracted:
    """Build the features that a question needs and lacks."""
    as_of, ingested = log.as_of, log.ingested
    check_asked(config, tables)
    counts, choose = _Counts(config.question), partial(choose_attributes, config, tables, say=say)
    done, built, width = extraction.build_missing(config, tables, as_of, say, choose, counts.find, log.asked)
    if config.feature_keys == "yes":
        keys.ensure_key(tables, "features")
    say(f"features: {built} of {len(done.cutoffs.all)} cutoffs built, the others were kept")
    table = counts.table if counts.table is not None and not built else counts.count(tables, done.cutoffs.all)
    training = done.cutoffs.training
    notes = [*past_window(config, as_of), *ingested.notes, *log.users]
    notes += tell_namesakes(config.question, log.asked.first_seen)
    notes += tell_attributes(config.question, tables, done) if config.users else []
    if ingested.tells_known:
        late = tables.query(delay.delays_sql(config.question, as_of))
        notes += delay.format_delay(config.question, late, config.label_complete_after_days)
    summary = "".join(f"Note: {line}\n" for line in notes) + (
        f"Question: {config.question}, as of {as_of}.\n"
        f"Features: {width} per user at {len(done.cutoffs.all)} cutoffs ({built} new); to learn from: "
        f"{len(training)}, {training[-1]} to {training[0]}; to judge on: {done.cutoffs.holdout}."
    )
    return Extracted(done.cutoffs, summary, table)


class _Counts:
    """How many users each cutoff has: counted once where nothing was built, which also tells what there is."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.table: pd.DataFrame | None = None

    def find(self, tables: Tables, cutoffs: Sequence[date]) -> set[date]:
        """Those of some cutoffs that are there."""
        self.table = self.count(tables, cutoffs)
        return set(self.table["cutoff"])

    def count(self, tables: Tables, cutoffs: Sequence[date]) -> pd.DataFrame:
        """One row per cutoff, the newest first: users, cohort."""
        return tables.query(cohorts.sizes_sql(self._question, cutoffs))
