"""Score the cohort with the pair that the run decided on: what the notebook `predict` calls."""

from dataclasses import dataclass

import pandas as pd

from lib.audience.spread import Spread, by_decile_sql
from lib.config.stages import PredictConfig
from lib.errors import ModelError
from lib.explain import reasons
from lib.features import extraction
from lib.labels import cohorts
from lib.stages import past
from lib.stages.champion import load_champion
from lib.stages.context import Context
from lib.stages.nearby import bring_near, hold_near
from lib.stages.records import list_sql, read_decided_version
from lib.stages.scoring import make_scorer
from lib.tables.contracts import PREDICTIONS
from lib.tables.schemas import arrow_schema

# Users who are scored in this process: for some thousand, a worker's start and imports take longer than the scoring.
MOST_SCORED_NEAR = 5_000


@dataclass(frozen=True)
class Scored:
    """What `predict` wrote."""

    rows: pd.DataFrame  # the scores by decile: who stands where is for the list to say, which leaves some users out
    summary: str
    spread: Spread  # of everybody's propensities


def run(context: Context[PredictConfig]) -> Scored:
    """Score the cohort at as_of with the pair that this run decided on, and replace that cutoff's predictions."""
    config, tables, registry = context.config, context.tables, context.registry
    extracted = extraction.read_extraction(tables, config.question, config.as_of)
    cutoffs = extracted.cutoffs
    newer = past.newer_list(config, tables, cutoffs.as_of)
    context.say("loading the pair")
    if newer:
        version: str | None = past.choose_version(context, cutoffs.as_of, newer)
    else:
        version = read_decided_version(config, tables) or registry.champion(config.question)
    if version is None:
        raise ModelError(f"No model is in use for {config.question}. Run retrain first.")
    pair = load_champion(context, version)
    context.say(f"scoring with preprocessing version {pair.preprocessing_version}, prediction version {version}")
    if config.reasons and not reasons.is_explainable(pair):
        context.say("no reasons: this pair was registered without its typical user; the next one will have it")
    sql = cohorts.cohort_sql(config.question, [cutoffs.as_of], extracted.attributes)
    (cohort,) = bring_near(tables, sql, most=MOST_SCORED_NEAR)
    score = make_scorer(pair, config.question, config.run_id, config.reasons)
    rows = cohort.tables.map_rows(cohort.sql, score, arrow_schema(PREDICTIONS))
    where = list_sql(config.question, cutoffs.as_of)
    tables.replace("predictions", rows, where)
    scored = f"SELECT user_id, propensity FROM {{predictions}} WHERE {where}"
    (scores,) = hold_near(rows) if cohort.here else bring_near(tables, scored)
    spread = scores.read_spread()
    mean = f"mean propensity {spread.mean:.4f}"
    summary = f"Scored: {spread.size} users, {mean}, with version {version} of the prediction model."
    return Scored(scores.tables.query(by_decile_sql(scores.sql, spread)), summary, spread)
