"""Check the new list and replace the current one with it: what the notebook `publish` calls."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd

from lib.audience import contacts
from lib.audience import ranking as audience_rules
from lib.audience import release as release_rules
from lib.audience.files import Draft
from lib.audience.ranking import HeldOut
from lib.config.stages import PublishConfig
from lib.errors import ModelError
from lib.features import extraction, ingest
from lib.labels import labels
from lib.report import page as page_rules
from lib.report.sections import Facts
from lib.stages import past
from lib.stages import publications as lists
from lib.stages.context import Context
from lib.stages.records import is_low_evidence, list_sql, question_sql, read_decision
from lib.tables.protocol import Tables

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
    def page(self) -> str:
        """The report, HTML: written when it is asked for."""
        return page_rules.render_page(self.facts)


def run(context: Context[PublishConfig]) -> Published:
    """Check the question's new list and replace the current one with it, in one commit.

    A list of a day before the newest one, or on the way of a catch-up, is checked and recorded in the same way, with
    its report; neither the current list nor the exported file changes then. The report, and the files that come with
    a list, are written before: whatever fails then leaves the last list.
    """
    config, tables = context.config, context.tables
    cutoffs = extraction.read_extraction(tables, config.question, config.as_of).cutoffs
    as_of, question = cutoffs.as_of, config.question
    context.say("ranking the scores, and checking them against the last list")
    ingest.check_fresh(config, tables, as_of)
    ranked = _rank_scored(config, tables, as_of)
    old, rate = lists.read_last_list(question, tables, as_of), lists.read_base_rate(question, tables, cutoffs)
    difference = release_rules.check_against_last(ranked, old, rate, config.bounds)
    left_out = past.why_not_in_use(config, tables, as_of)
    kind = "recorded" if left_out else "published"
    row = lists.publication_row(config, tables, ranked, difference, old, rate, kind)
    context.say(f"the list may be {kind}: {len(ranked)} users, {row['mean_propensity']:.4f} on average")
    contacted = contacts.choose_contacts(ranked, config.contacts)
    drafts = [Draft.of(config.export, contacted)] if config.export and not left_out else []
    context.say("writing the report")
    facts = lists.report_facts(context, ranked, old, row)
    lines = [
        *_headline(ranked, as_of, left_out),
        *release_rules.format_difference(difference, row["previous_cutoff"]),
        *contacts.format_contacts(
            contacted, len(ranked), config.contacts, lists.expected_gain(config, facts.outcomes, contacted)
        ),
        "The ten highest propensities:",
        *audience_rules.format_list(ranked.head(10)),
    ]
    target = f"{config.reports}/{question.slug}/{as_of}.html" if config.reports else ""
    published = Published(ranked.head(10), "\n".join(lines), facts, target, not left_out)
    if target:
        drafts.append(Draft.of(target, published.page))
    if not left_out:
        tables.replace("audience", ranked, question_sql(question))
    lists.record_publication(config, tables, row)
    for file in drafts:
        file.keep()
        context.say(f"written to {file.target}")
    return published


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


def _headline(ranked: pd.DataFrame, as_of: date, left_out: str) -> list[str]:
    low = ", low evidence" if ranked["low_evidence"].any() else ""
    done = "Recorded" if left_out else "Published"
    return [
        f"{done}: {len(ranked)} users as of {as_of}{low}; {ranked['propensity'].sum():.1f} of them expected to act, "
        f"{int(ranked['held_out'].sum())} held out.",
        *([f"Not put in use. {left_out}"] if left_out else []),
    ]
