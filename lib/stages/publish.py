"""Check the new list and replace the current one with it: what the notebook `publish` calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from lib.audience import contacts
from lib.audience import ranking as audience_rules
from lib.audience import release as release_rules
from lib.audience.contacts import Chosen
from lib.audience.files import Draft
from lib.audience.ranking import HeldOut
from lib.audience.release import ListDifference
from lib.config.stages import PublishConfig
from lib.errors import ModelError
from lib.features import extraction, freshness
from lib.labels import labels
from lib.report import page as page_rules
from lib.report import sentences
from lib.report.facts import Facts
from lib.stages import past
from lib.stages import publications as lists
from lib.stages.contacting import read_quiet, take_contacted, write_chosen
from lib.stages.context import Context
from lib.stages.exporting import Files, draft_files, prepare_files
from lib.stages.records import is_low_evidence, list_sql, question_sql, read_decision
from lib.stages.segments import format_segments
from lib.stages.suppressing import LeftOut, find_left_out, write_left_out
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
    config, tables, question = context.config, context.tables, context.config.question
    cutoffs = extraction.read_extraction(tables, question, config.as_of).cutoffs
    context.say("ranking the scores, and checking them against the last list")
    freshness.check_fresh(config, tables, cutoffs.as_of)
    take_contacted(config.contacted, tables)
    new = _check_scored(config, tables, cutoffs)
    kind, mean = new.publication["kind"], new.publication["mean_propensity"]
    context.say(f"the list may be {kind}: {len(new.listed)} users, {mean:.4f} on average")
    drafts = list(draft_files(config.export, question, new.files)) if new.files else []
    context.say("writing the report")
    facts = lists.report_facts(context, new.listed, new.old, new.publication, new.chosen)
    target = f"{config.reports}/{question.slug}/{cutoffs.as_of}.html" if config.reports else ""
    summary = "\n".join(_summarise(config, new, facts))
    published = Published(new.listed.head(10), summary, facts, target, not new.recorded)
    if target:
        drafts.append(Draft.of(target, published.page.encode()))
    write_left_out(question, tables, cutoffs.as_of, new.left_out.rows)
    if not new.recorded:
        tables.replace("audience", new.listed, question_sql(question))
    lists.record_publication(config, tables, new.publication)
    if new.files:
        write_chosen(question, tables, cutoffs.as_of, new.files.chosen["user_id"], config.export)
    for file in drafts:
        file.keep()
        context.say(f"written to {file.target}")
    return published


@dataclass(frozen=True)
class _NewList:
    """A list that was found sound, before anything is written."""

    listed: pd.DataFrame  # without those left out
    left_out: LeftOut
    old: pd.DataFrame | None  # the last list of an earlier cutoff, without them as well
    difference: ListDifference | None
    recorded: str  # why it does not come into use; blank where it does
    chosen: Chosen
    files: Files | None
    publication: Mapping[str, Any]


def _check_scored(config: PublishConfig, tables: Tables, cutoffs: Cutoffs) -> _NewList:
    """Hold all that was scored against the last list and what happens usually, then leave out who is to be left out."""
    question, as_of = config.question, cutoffs.as_of
    ranked = _rank_scored(config, tables, as_of)
    old, rate = lists.read_last_list(question, tables, as_of), lists.read_base_rate(question, tables, cutoffs)
    difference = release_rules.check_against_last(ranked, old, rate, config.bounds)
    left_out = find_left_out(config.suppress, question, tables, ranked)
    listed = audience_rules.leave_out(ranked, left_out.users)
    if old is not None and len(left_out.rows):
        old = audience_rules.order_by_propensity(old[~old["user_id"].isin(left_out.users)])
        difference = release_rules.compare_lists(listed, old) if len(old) else None
    recorded = past.why_not_in_use(config, tables, as_of)
    kind = "recorded" if recorded else "published"
    row = lists.publication_row(config, tables, listed, difference, old, rate, kind) | left_out.columns()
    quiet = read_quiet(question, tables, as_of, config.contacts.quiet_days)
    chosen = contacts.choose_contacts(listed, config.contacts, quiet)
    files = prepare_files(config.export, tables, chosen) if config.export.file and not recorded else None
    row |= {"chosen": len(files.chosen) if files else None, "quiet": chosen.quiet}
    return _NewList(listed, left_out, old, difference, recorded, chosen, files, row)


def _summarise(config: PublishConfig, new: _NewList, facts: Facts) -> list[str]:
    return [
        *_headline(new.listed, facts.as_of, new.recorded),
        *new.left_out.format(),
        *sentences.format_advice(facts.advice, config.currency),
        *release_rules.format_difference(new.difference, new.publication["previous_cutoff"]),
        *contacts.format_quiet(new.chosen, config.contacts),
        *format_segments(facts.segments),
        *(new.files.format(config.export) if new.files else []),
        "The ten likeliest:",
        *audience_rules.format_list(new.listed.head(10)),
    ]


def _rank_scored(config: PublishConfig, tables: Tables, as_of: date) -> pd.DataFrame:
    """Make a list of the cutoff's predictions, and see that it is whole and of the pair that the run decided on."""
    question = config.question
    if not tables.exists("predictions"):
        raise ModelError("Nothing has been scored in this schema. Run predict first.")
    predictions = tables.query(f"SELECT * FROM {{predictions}} WHERE {list_sql(question, as_of)}")
    cohort = tables.query(f"SELECT COUNT(*) AS n FROM ({labels.cohort_sql(question, [as_of])}) c")["n"].iloc[0]
    decided = read_decision(config, tables)
    if decided is None:  # by hand: the list follows whatever pair the predictions come from, but one pair only
        decided = predictions.iloc[0] if len(predictions) else pd.Series(dict.fromkeys(PAIR, ""))
    versions = {name: str(decided[name]) for name in PAIR}
    low = is_low_evidence(tables, question, versions["prediction_version"])
    ranked = audience_rules.rank(predictions, low, HeldOut(question.slug, config.held_out_share, config.seed))
    release_rules.check_complete(ranked, int(cohort), versions)
    return ranked


def _headline(ranked: pd.DataFrame, as_of: date, recorded: str) -> list[str]:
    low = ", low evidence" if ranked["low_evidence"].any() else ""
    done = "Recorded" if recorded else "Published"
    return [
        f"{done}: {len(ranked):,} users as of {as_of}{low}; {ranked['propensity'].sum():,.0f} of them expected to act, "
        f"{int(ranked['held_out'].sum()):,} held out.",
        *([f"Not put in use. {recorded}"] if recorded else []),
    ]
