"""Check the new list and replace the current one with it: what the notebook `publish` calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from lib.audience import contacts
from lib.audience import ranking as audience_rules
from lib.audience import release as release_rules
from lib.audience.contacts import Chosen
from lib.audience.effects import with_effects
from lib.audience.files import Drafts
from lib.audience.ranking import HeldOut
from lib.audience.release import ListDifference, Move
from lib.audience.spread import Spread
from lib.audience.uplift import UPLIFT, Learnt
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.errors import ModelError
from lib.evaluation.measured import Measured
from lib.features import extraction, freshness
from lib.labels import cohorts
from lib.report import page as page_rules
from lib.report import sentences
from lib.report.facts import Facts
from lib.stages import earlier_lists, ledger, past
from lib.stages import publications as lists
from lib.stages.advising import find_effect
from lib.stages.contacting import quiet_sql, take_contacted, with_resting_sql, write_chosen
from lib.stages.context import Context
from lib.stages.exporting import Files, draft_files, prepare_files
from lib.stages.listed import Listed, rank_list
from lib.stages.nearby import Near, bring_near
from lib.stages.new_pair import check_new_pair
from lib.stages.records import is_low_evidence, list_sql, question_sql, read_decision
from lib.stages.segments import format_segments
from lib.stages.suppressing import LeftOut, find_left_out, leave_out, write_left_out
from lib.stages.uplift import add_estimates, read_uplift
from lib.tables.protocol import Tables
from lib.timeline import Cutoffs

PAIR = ("preprocessing_version", "prediction_version")


@dataclass(frozen=True)
class Published:
    """What `publish` wrote."""

    rows: pd.DataFrame  # the highest propensities
    summary: str
    facts: Facts
    report: str = ""  # its file; blank for none
    in_use: bool = True  # else it was recorded, and the list before stays
    figures: Mapping[str, float | str] = field(default_factory=dict)  # of the list, as questions stand side by side

    @cached_property
    def headline(self) -> str:
        """How good the list is and what to do with it, line by line, without a user's id."""
        return "\n".join(sentences.format_advice(self.facts.advice, self.facts.currency))

    @cached_property
    def page(self) -> str:
        """The report, HTML: written when it is asked for."""
        return page_rules.render_page(self.facts)


def run(context: Context[PublishConfig]) -> Published:
    """Check the question's new list and replace the current one with it, in one commit.

    A list of a day before the newest one, or on the way of a catch-up, is checked and recorded in the same way, with
    its report; neither the current list nor the exported file changes then. The report, and the files that come with
    a list, are written before: whatever fails then leaves the last list.
    """
    with Drafts() as drafts:
        return _publish(context, drafts)


def _publish(context: Context[PublishConfig], drafts: Drafts) -> Published:
    config, tables, question = context.config, context.tables, context.config.question
    cutoffs = extraction.read_extraction(tables, question, config.as_of).cutoffs
    context.say("ranking the scores, and checking them against the last list")
    freshness.check_fresh(config, tables, cutoffs.as_of)
    take_contacted(config.contacted, tables)
    new = _check_scored(context, cutoffs)
    kind, mean = new.publication["kind"], new.publication["mean_propensity"]
    context.say(f"the list may be {kind}: {len(new.shown)} users, {mean:.4f} on average")
    if new.files:
        draft_files(config.export, question, new.files, drafts)
    context.say("writing the report")
    facts = lists.report_facts(context, new.shown, new.publication, new.chosen, new.learnt, new.moves, new.outcomes)
    target = f"{config.reports}/{question.slug}/{cutoffs.as_of}.html" if config.reports else ""
    summary = "\n".join(_summarise(config, new, facts))
    users = new.publication["users"]
    figures: dict[str, float | str] = {
        "users": int(users), "expected": float(users * mean), "mean": float(mean), "quality": facts.advice.word,
        "contact": len(facts.advice.contact),
    }  # fmt: skip
    published = Published(new.shown.head(10), summary, facts, target, not new.recorded, figures)
    if target:
        drafts.add(target, lambda file: file.write(published.page.encode()))
    write_left_out(question, tables, cutoffs.as_of, new.left_out.rows)
    if not new.recorded:
        earlier_lists.keep_list(question, tables)
        tables.replace("audience", new.listed.rows, question_sql(question))
    lists.record_publication(config, tables, new.publication)
    if new.files:
        write_chosen(question, tables, cutoffs.as_of, config.export, new.files.near)
    for written in drafts.keep():
        context.say(f"written to {written}")
    return published


@dataclass(frozen=True)
class _NewList:
    """A list that was found sound, before anything is written."""

    listed: Listed  # without those left out
    shown: pd.DataFrame  # what is seen of it here, best first
    left_out: LeftOut
    difference: ListDifference | None  # from the last list of an earlier cutoff, without them as well
    moves: Sequence[Move]  # since then
    recorded: str  # why it does not come into use; blank where it does
    chosen: Chosen
    learnt: Learnt  # whom a contact moves, by past lists
    outcomes: pd.DataFrame  # the ledger, as it is known by then
    files: Files | None
    publication: Mapping[str, Any]


def _check_scored(context: Context[PublishConfig], cutoffs: Cutoffs) -> _NewList:
    """Hold all that was scored against the last list and what happens usually, then leave out who is to be left out."""
    config, tables = context.config, context.tables
    question, as_of = config.question, cutoffs.as_of
    last, scored, old = _bring_scored(config, tables, as_of)
    low_evidence = _check_complete(config, tables, as_of, scored)
    rate = lists.read_base_rate(question, tables, cutoffs)
    spread, old_spread = scored.read_spread(), old.read_spread() if old else None
    _check_against_last(context, cutoffs, (scored, spread), (old, old_spread), rate)
    left_out = find_left_out(config.suppress, question, tables, as_of, scored, spread.size)
    listed, old = leave_out(scored, left_out), leave_out(old, left_out) if old else None
    if len(left_out.rows):
        spread, old_spread = listed.read_spread(), old.read_spread() if old else None
    compared = None
    if old and old_spread and old_spread.size:
        compared = release_rules.compare_lists(listed.tables, listed.sql, old.sql, (spread, old_spread))
    held_out = HeldOut.of(question.slug, config.hold_out_for, config.held_out_share, config.seed)
    ranked = rank_list(listed, spread, held_out, low_evidence=low_evidence)
    learnt = read_uplift(config, tables, as_of)
    if config.order == UPLIFT and learnt.uplift.is_shown and learnt.model:
        ranked = add_estimates(ranked, tables, question, as_of, learnt.model)
    recorded = past.why_not_in_use(config, tables, as_of)
    is_exported = bool(config.export.file) and not recorded
    shown = ranked.read(whole=bool(config.segments))
    value, cost = config.contacts.value_of_action, config.contacts.cost_of_contact
    outcomes = ledger.read_outcomes(config, tables, as_of)
    effect = find_effect(question, outcomes)
    chosen = contacts.choose_contacts(with_effects(shown, effect, value, cost), config.contacts)
    files = prepare_files(config.export, tables, chosen, ranked.near) if is_exported else None
    difference = compared.difference if compared else None
    kind = "recorded" if recorded else "published"
    row = lists.publication_row(config, tables, shown, difference, last, rate, kind) | left_out.columns()
    row |= {"chosen": files.chosen if files else None, "quiet": chosen.quiet}
    moves = compared.moves if compared else ()
    return _NewList(ranked, shown, left_out, difference, moves, recorded, chosen, learnt, outcomes, files, row)


def _bring_scored(config: PublishConfig, tables: Tables, as_of: date) -> tuple[date | None, Near, Near | None]:
    """The last list's cutoff, if there is one, what was scored, with `resting`, and the scores of the last list."""
    question = config.question
    if not tables.exists("predictions"):
        raise ModelError("Nothing has been scored in this schema. Run predict first.")
    quiet = quiet_sql(question, tables, as_of, config.contacts.quiet_days)
    new = with_resting_sql(f"SELECT * FROM {{predictions}} WHERE {list_sql(question, as_of)}", quiet)
    last = lists.find_last_cutoff(question, tables, as_of)
    if last is None:
        (scored,) = bring_near(tables, new)
        return None, scored, None
    columns = "user_id, propensity, prediction_version"
    scored, old = bring_near(tables, new, f"SELECT {columns} FROM {{predictions}} WHERE {list_sql(question, last)}")
    return (last, scored, old) if old.has_rows() else (None, scored, None)


def _check_complete(config: PublishConfig, tables: Tables, as_of: date, scored: Near) -> bool:
    """See that the scores are whole and of the pair that the run decided on; whether that has low evidence."""
    question = config.question
    cohort = tables.query(f"SELECT COUNT(*) AS n FROM ({cohorts.cohort_sql(question, [as_of])}) c")["n"].iloc[0]
    counts, pairs = (
        scored.tables.query(sql(scored.sql)) for sql in (release_rules.completeness_sql, release_rules.pairs_sql)
    )
    decided = read_decision(config, tables)
    if decided is None:  # by hand: the list follows whatever pair the predictions come from, but one pair only
        decided = pairs.iloc[0] if len(pairs) else pd.Series(dict.fromkeys(PAIR, ""))
    versions = {name: str(decided[name]) for name in PAIR}
    release_rules.check_complete(counts, pairs, int(cohort), versions)
    return is_low_evidence(tables, question, versions["prediction_version"])


def _check_against_last(
    context: Context[PublishConfig],
    cutoffs: Cutoffs,
    new: tuple[Near, Spread],
    last: tuple[Near | None, Spread | None],
    rate: Measured,
) -> None:
    (scored, spread), (old, old_spread) = new, last
    shift, pairs = None, [_read_pairs(one) for one in (old, scored) if one]
    if old and old_spread and pairs[0] == pairs[1]:
        shift = release_rules.measure_shift(scored.tables, scored.sql, old.sql, (spread, old_spread))
    words = context.config.question.words
    release_rules.check_against_last(spread, old_spread, shift, rate, context.config.bounds, words)
    if old and old_spread and shift is None:
        check_new_pair(context, cutoffs, pairs[0][0], pairs[1][0])


def _read_pairs(rows: Near) -> list[str]:
    """The prediction versions by which rows were scored."""
    versions = f"SELECT DISTINCT prediction_version FROM ({rows.sql}) s ORDER BY prediction_version"
    return list(rows.tables.query(versions)["prediction_version"])


def _summarise(config: PublishConfig, new: _NewList, facts: Facts) -> list[str]:
    return [
        *_headline(config.question, new.shown, facts.as_of, new.recorded),
        *new.left_out.format(),
        *sentences.format_advice(facts.advice, config.currency),
        *release_rules.format_difference(new.difference, new.publication["previous_cutoff"]),
        *contacts.format_quiet(new.chosen, config.contacts),
        *format_segments(facts.segments, config.question.words),
        *(new.files.format(config.export) if new.files else []),
        f"{sentences.format_head(facts.advice, 'ten ')}:",
        *audience_rules.format_list(new.chosen.free.head(10)),
    ]


def _headline(question: Question, ranked: pd.DataFrame, as_of: date, recorded: str) -> list[str]:
    low = ", low evidence" if ranked["low_evidence"].any() else ""
    done = "Recorded" if recorded else "Published"
    return [
        f"{done}: {len(ranked):,} users as of {as_of}{low}; {ranked['propensity'].sum():,.0f} of them expected "
        f"to {question.words.act}, {int(ranked['held_out'].sum()):,} held out.",
        *([f"Not put in use. {recorded}"] if recorded else []),
    ]
