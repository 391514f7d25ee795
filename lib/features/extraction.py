"""What `extract_features` prepared for the stages after it, and the features of every cutoff that the table lacks.

Each question's extraction is noted by itself, so that several can be prepared and then worked on in one run.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from lib import timeline
from lib.attributes.columns import Attribute, from_plain, read_note, to_plain
from lib.config.question import Question
from lib.config.stages import ExtractConfig
from lib.errors import NotEnoughHistory, SourceError
from lib.features import cache, named
from lib.features import source as event_rules
from lib.features.build import NOBODY, blank_rows, each_cutoff
from lib.features.named_note import read_noted
from lib.features.named_rows import refuse_taken
from lib.features.vocabulary import OTHER, Vocabulary, choose_vocabulary, feature_columns, features_schema
from lib.progress import Say
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql
from lib.timeline import Cutoffs


@dataclass(frozen=True)
class Extraction:
    """What one run of `extract_features` left for the stages after it."""

    question: str  # slug
    cutoffs: Cutoffs
    pooled: tuple[str, ...] = ()  # event types that share the columns of `other` at as_of
    pool: bool = False  # whether there are such columns
    attributes: tuple[Attribute, ...] = ()  # of the users, which models may read

    def to_json(self) -> str:
        """Write down as a table property."""
        plain = {
            "question": self.question,
            "as_of": self.cutoffs.as_of.isoformat(),
            "matured": [day.isoformat() for day in self.cutoffs.matured],
            "training": [day.isoformat() for day in self.cutoffs.training],
            "pooled": self.pooled,
            "pool": self.pool,
        }
        return json.dumps(plain | ({"attributes": to_plain(self.attributes)} if self.attributes else {}))

    @classmethod
    def from_json(cls, text: str) -> "Extraction":
        """Read back."""
        raw = json.loads(text)
        matured, training = (tuple(map(date.fromisoformat, raw[name])) for name in ("matured", "training"))
        cutoffs = Cutoffs(date.fromisoformat(raw["as_of"]), matured, training)
        attributes = from_plain(raw.get("attributes", ()))
        return cls(raw["question"], cutoffs, tuple(raw.get("pooled", ())), raw.get("pool", False), attributes)


@dataclass(frozen=True)
class NamedDays:
    """Of named actions, by kind: when each was first known, and where a source had lost its first days."""

    first: Mapping[str, date]
    begins: Mapping[str, date]


@dataclass(frozen=True)
class AskedTypes:
    """What all questions of a run have in common: the event types that there are, and those that are asked about."""

    first_seen: Mapping[str, list[tuple[date, int]]]  # of each type, how many users showed it first on which day
    actions: tuple[str, ...]
    named: NamedDays | None = None  # where the rows are a sample: those of everybody


def read_extraction(tables: Tables, question: Question, as_of: date | None) -> Extraction:
    """What the last `extract_features` of a question prepared, if it is what this stage needs.

    Raises
    ------
    NotEnoughHistory
        If nothing was extracted yet, or for another question or day, or an attribute that it reads is gone since; the
        message names what was asked and what there is.
    """
    there = {one.question: one for one in map(Extraction.from_json, cache.extraction_notes(tables).values())}
    if not there:
        raise NotEnoughHistory("No features have been extracted in this schema. Run extract_features first.")
    extraction = there.get(question.slug) or max(there.values(), key=lambda one: one.cutoffs.as_of)
    wanted = as_of or extraction.cutoffs.as_of
    if (extraction.question, extraction.cutoffs.as_of) != (question.slug, wanted):
        raise NotEnoughHistory(
            f"The last extraction was for {extraction.question} as of {extraction.cutoffs.as_of}, this stage asks for "
            f"{question.slug} as of {wanted}. Run extract_features with the same parameters first."
        )
    _check_attributes(tables, extraction)
    return extraction


def _check_attributes(tables: Tables, extraction: Extraction) -> None:
    """Refuse an extraction whose attributes another table of users has taken the place of: they would be blank."""
    note = read_note(tables) if extraction.attributes else None
    gone = [one.name for one in extraction.attributes if note is None or one not in note.attributes]
    if gone:
        where = f"read from {note.users!r} since" if note else "gone"
        raise NotEnoughHistory(
            f"The last extraction for {extraction.question} reads the attribute {gone[0]}, and the table of users is "
            f"{where}, where it is none or another. Run extract_features with the same parameters first."
        )


def find_stored(tables: Tables, cutoffs: Sequence[date]) -> set[date]:
    """Those of some cutoffs whose features are in the table."""
    listed = f"SELECT DISTINCT cutoff FROM {{features}} WHERE cutoff IN ({days_sql(cutoffs)})"
    return set(tables.query(listed)["cutoff"])


def build_missing(
    config: ExtractConfig,
    tables: Tables,
    as_of: date,
    say: Say = lambda _: None,
    finish: Callable[[Extraction], Extraction] = lambda extraction: extraction,
    find: Callable[[Tables, Sequence[date]], set[date]] = find_stored,
    run: AskedTypes | None = None,
) -> tuple[Extraction, int, int]:
    """Compute the features of every cutoff that the question needs and the table lacks; `run` says what all ask about.

    `finish` adds what has to be known before any stage works on the extraction: it is noted last. `find` tells which
    cutoffs are there, where the last extraction still stands.

    Returns the extraction, the number of cutoffs built and the number of feature columns.
    """
    run = run or AskedTypes(read_first_seen(tables, as_of), config.question.plain_actions)
    first_seen = run.first_seen
    kinds = [one.kind for one in config.question.named]
    days = run.named or read_named_days(tables, kinds, as_of)
    first_days = {kind: days.first[kind] for kind in kinds if kind in days.first}
    _check_types(config.question, first_seen, first_days, as_of)
    known = first_days | {kind: min(day for day, _ in days) for kind, days in first_seen.items()}
    begins = [day for kind, day in days.begins.items() if kind in first_days]
    begun = max([min(known[kind] for kind in config.question.kinds), *begins])
    cutoffs = timeline.lay_out_cutoffs(
        as_of, max(choose_vocabulary(first_seen, as_of, config.max_event_types).log_start, begun),
        horizon_days=config.question.reach_days, cadence_days=config.cadence_days, most=config.max_cutoffs,
        delay_days=config.label_complete_after_days,
    )  # fmt: skip
    # Those of all questions, before any is noted: what one of them asks about first would undo the others' features.
    definition = cache.renew_definition(tables, config.max_event_types, run.actions, first_seen, as_of)
    vocabulary = definition.vocabulary(first_seen, as_of)
    note = f"{cache.EXTRACTION}.{config.question.slug}"
    noted = tables.get_property("features", note)  # blank where features were dropped since
    stored = (find if noted else find_stored)(tables, cutoffs.all) if tables.exists("features") else set()
    plan = {day: definition.vocabulary(first_seen, day) for day in cutoffs.all if day not in stored}
    if plan:
        say(f"computing the features of {len(plan)} cutoffs, {min(plan)} to {max(plan)}")
        write_features(tables, plan)
    if config.question.newcomers:
        _write_blanks(tables, {day: definition.vocabulary(first_seen, day) for day in cutoffs.all})
    cache.write_definition(tables, definition)
    built = max(len(plan), named.build_missing(tables, first_days, cutoffs.all))
    if config.question.newcomers:
        named.write_blanks(tables, first_days, cutoffs.all)
    extraction = finish(Extraction(config.question.slug, cutoffs, vocabulary.pooled, OTHER in vocabulary.prefixes))
    if noted != (text := extraction.to_json()):  # the same day again is no change: others need not read the table anew
        tables.set_property("features", note, text)
    return extraction, built, len(feature_columns(vocabulary)) + len(first_days) * len(named.FEATURES)


def _check_types(question: Question, first_seen: Collection[str], first_days: Collection[str], as_of: date) -> None:
    """Refuse what nobody ever did, and an action of one's own that is called as an event type is."""
    for one in question.named:
        if one.name in first_seen:
            refuse_taken(one.name)
        event_rules.check_actions([one.event_type], first_seen, as_of, f"the type of {one.name} in actions")
        if one.kind not in first_days:
            raise SourceError(
                f"Nobody has ever done {one.name!r} before {as_of}: no event {one.event_type!r} meets {one.where!r}. "
                "Change its condition in actions."
            )
    own = {one.name for one in question.named}
    event_rules.check_actions(question.plain_actions, first_seen, as_of)
    if where := question.cohort_where:
        plain = [kind for kind in where.event_types if kind not in own]
        event_rules.check_actions(plain, first_seen, as_of, "the event types in cohort_where")


def read_named_days(tables: Tables, kinds: Sequence[str], as_of: date) -> NamedDays:
    """The days of some named actions. No cutoff may learn from days that a source had lost: other types have them."""
    if not kinds:
        return NamedDays({}, {})
    return NamedDays(named.read_first_days(tables, kinds, as_of), read_noted(tables).begins)


def write_features(tables: Tables, plan: dict[date, Vocabulary]) -> None:
    """Compute the features of some cutoffs in one pass, and replace those cutoffs' rows."""
    names = dict.fromkeys(name for vocabulary in plan.values() for name in feature_columns(vocabulary))
    rows = tables.map_users(
        visible_activity_sql(tables, max(plan)), partial(each_cutoff, plan=plan), features_schema(list(names))
    )
    tables.replace("features", rows, f"cutoff IN ({days_sql(plan)})")


def _write_blanks(tables: Tables, plan: dict[date, Vocabulary]) -> None:
    """Add the features of no event at all to the cutoffs that lack them: those of users without any event."""
    listed = f"SELECT cutoff FROM {{features}} WHERE user_id = '{NOBODY}' AND cutoff IN ({days_sql(plan)})"
    there = set(tables.query(listed)["cutoff"])
    if lacking := {day: vocabulary for day, vocabulary in plan.items() if day not in there}:
        tables.append("features", blank_rows(lacking))


def visible_activity_sql(tables: Tables, until: date) -> str:
    """SQL for what any cutoff up to one may know, as `build_features` takes it."""
    if not tables.exists("identities"):
        return f"SELECT * FROM {{daily_activity}} WHERE known_day < DATE '{until}'"
    return (
        "SELECT user_id, day, event_type, GREATEST(known_day, joined_after) AS known_day, count, value, items, "
        f"joined_until FROM {{activity}} WHERE known_day < DATE '{until}' AND joined_after < DATE '{until}' "
        "AND known_day < joined_until"
    )


def read_first_seen(tables: Tables, as_of: date) -> dict[str, list[tuple[date, int]]]:
    """For every event type, how many users showed it first on which day."""
    frame = tables.query(
        "SELECT event_type, first_day, COUNT(*) AS users FROM (SELECT user_id, event_type, MIN(known_day) AS first_day "
        f"FROM {{daily_activity}} WHERE known_day < DATE '{as_of}' GROUP BY user_id, event_type) f "
        "GROUP BY event_type, first_day ORDER BY event_type, first_day"
    )
    first_seen: dict[str, list[tuple[date, int]]] = {}
    for kind, day, users in frame.itertuples(index=False):
        first_seen.setdefault(kind, []).append((day, int(users)))
    return first_seen
