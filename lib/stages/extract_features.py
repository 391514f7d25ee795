"""Bring activity and features up to date with the source: what the notebook `extract_features` calls."""

from dataclasses import dataclass
from functools import partial

import pandas as pd

from lib.config.stages import ExtractConfig
from lib.features import extraction, ingest
from lib.features.users import load_users
from lib.labels import delay, labels
from lib.progress import Say
from lib.stages.attributes import choose_attributes
from lib.stages.summary import past_window
from lib.tables import keys
from lib.tables.delta import DeltaTables
from lib.tables.sql import days_sql
from lib.timeline import Cutoffs


@dataclass(frozen=True)
class Extracted:
    """What `extract_features` did."""

    cutoffs: Cutoffs
    summary: str
    table: pd.DataFrame  # one row per cutoff: users, cohort


def run(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> Extracted:
    """Bring activity and features up to date with the source."""
    if config.feature_keys == "yes":
        keys.check_can_have_keys(tables)
    say("looking for what is new in the events")
    ingested = ingest.ingest(config, tables, say)
    as_of = ingested.as_of
    say(f"activity is up to date, as of {as_of}")
    read = load_users(config, tables).lines if config.users else ()
    done, built, width = extraction.build_missing(
        config, tables, as_of, say, partial(choose_attributes, config, tables, say=say)
    )
    if config.feature_keys == "yes":
        keys.ensure_key(tables, "features")
    say(f"features: {built} of {len(done.cutoffs.all)} cutoffs built, the others were kept")
    table = tables.query(
        f"SELECT cutoff, COUNT(*) AS users, SUM(CASE WHEN {labels.in_cohort_sql(config.question)} THEN 1 ELSE 0 END) "
        f"AS cohort FROM {{features}} WHERE cutoff IN ({days_sql(done.cutoffs.all)}) "
        "GROUP BY cutoff ORDER BY cutoff DESC"
    )
    training = done.cutoffs.training
    notes = [*past_window(config, as_of), *ingested.notes, *read]
    if ingested.tells_known:
        late = tables.query(delay.delays_sql(config.question, as_of))
        notes += delay.format_delay(config.question, late, config.label_complete_after_days)
    if ingested.notes:
        checks = [{"as_of": as_of, "events": config.events, "kind": "told", "message": note} for note in ingested.notes]
        tables.append("source_checks", pd.DataFrame(checks))
    summary = "".join(f"Note: {line}\n" for line in notes) + (
        f"Question: {config.question}, as of {as_of}.\n"
        f"Features: {width} per user at {len(done.cutoffs.all)} cutoffs ({built} new); to learn from: "
        f"{len(training)}, {training[-1]} to {training[0]}; to judge on: {done.cutoffs.holdout}."
    )
    return Extracted(done.cutoffs, summary, table)
