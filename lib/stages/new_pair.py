"""A list that another pair scored than the last one: held against the pair before, on the same users.

Where both differ as much as no list of one pair may, a genuine change has to show: no check spoke of the days that the
new pair learnt from or the list rests on, and what happened moved as the scores did, among users whom the source held
before and after.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.audience import release
from lib.config.stages import PublishConfig
from lib.errors import ContractBroken, ModelError
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure_change, measure_share
from lib.features import extraction
from lib.features.remarks import read_spoken
from lib.labels import cohorts
from lib.labels.labels import labelled_cohort_sql
from lib.models.pair import Pair
from lib.stages.champion import load_champion
from lib.stages.context import Context
from lib.stages.nearby import bring_near
from lib.stages.predict import MOST_SCORED_NEAR
from lib.timeline import Cutoffs

STEPS = 1_000  # in which propensities are counted
COUNTED = pa.schema([("step", pa.int64()), ("new_ones", pa.int64()), ("old_ones", pa.int64())])


@dataclass(frozen=True)
class TwoPairs:
    """What a new pair and the one before say of the same users."""

    shift: float  # Kolmogorov-Smirnov
    old_mean: float
    new_mean: float


def check_new_pair(context: Context[PublishConfig], cutoffs: Cutoffs, old: str, new: str) -> None:
    """Refuse a list of a new pair that says far otherwise than the pair before, where no change shows.

    A pair before that cannot be loaded, or cannot score, tells nothing: the base rate alone has its say then.

    Raises
    ------
    PublishRefused
        The message says by how much they differ, and why no change of behaviour explains it.
    """
    try:
        pairs = load_champion(context, old), load_champion(context, new)
        both = _compare(context, cutoffs.as_of, *pairs)
    except (ModelError, ContractBroken):
        return
    limit = context.config.bounds.max_score_shift
    if both.shift > limit:
        why = _why_no_change(context, cutoffs, pairs[0], both)
        if why:
            raise release.refuse_new_pair(both.shift, (both.old_mean, both.new_mean), limit, why)


def _compare(context: Context[PublishConfig], as_of: date, old: Pair, new: Pair) -> TwoPairs:
    """Score the cohort by both pairs where it lies, and count."""

    def count(features: pa.Table) -> pa.Table:
        figures = features.drop_columns(["user_id", "cutoff"]).to_pandas()
        steps = [np.clip((pair.score(figures) * STEPS).astype(int), 0, STEPS - 1) for pair in (new, old)]
        return pa.table([np.arange(STEPS), *(np.bincount(one, minlength=STEPS) for one in steps)], schema=COUNTED)

    tables, question = context.tables, context.config.question
    attributes = extraction.read_extraction(tables, question, as_of).attributes
    (cohort,) = bring_near(tables, cohorts.cohort_sql(question, [as_of], attributes), most=MOST_SCORED_NEAR)
    counted = cohort.tables.summarise(cohort.sql, count, COUNTED).to_pandas().groupby("step").sum()
    shares = counted / counted.sum()
    shift = float((shares["new_ones"].cumsum() - shares["old_ones"].cumsum()).abs().max())
    means = ((shares[name] * (shares.index + 0.5)).sum() / STEPS for name in ("old_ones", "new_ones"))
    return TwoPairs(shift, *map(float, means))


def _why_no_change(context: Context[PublishConfig], cutoffs: Cutoffs, old: Pair, both: TwoPairs) -> str:
    """Why what both pairs say is not explained by what happened; blank where it is."""
    spoken = read_spoken(context.tables, cutoffs.training, cutoffs.as_of)
    if spoken:
        return f"a check of the load spoke of {spoken[0]}, which the new pair learnt from or the list rests on"
    before = [day for day in cutoffs.matured if day.isoformat() <= old.trained_through]
    then = max(before, default=min(cutoffs.matured))
    if then == cutoffs.holdout:
        return f"nothing newer has matured than {then}, which the pair before had learnt from"
    rates = _rates_of_both(context, then, cutoffs.holdout, cutoffs.as_of)
    if rates is None:
        return f"nobody was in the cohorts of both {then} and {cutoffs.holdout}"
    change = measure_change(*rates)
    moved = change.low > 0 if both.new_mean > both.old_mean else change.high < 0
    acted = context.config.question.words.acted
    both_days = f"of the users in the cohorts of both {then} and {cutoffs.holdout}"
    return "" if moved else f"{both_days}, {rates[0]:.4f} and {rates[1]:.4f} {acted}"


def _rates_of_both(
    context: Context[PublishConfig], then: date, now: date, as_of: date
) -> tuple[Measured, Measured] | None:
    """What share acted after each of two cutoffs, of the users who were asked about at both."""
    labelled = labelled_cohort_sql(context.config.question, [then, now], as_of)
    both = f"SELECT user_id FROM ({labelled}) b GROUP BY user_id HAVING COUNT(*) = 2"
    rows: pd.DataFrame = context.tables.query(
        f"SELECT l.cutoff, COUNT(*) AS users, SUM(l.label) AS acted FROM ({labelled}) l JOIN ({both}) u "
        "ON l.user_id = u.user_id GROUP BY l.cutoff ORDER BY l.cutoff"
    )
    if len(rows) < 2:
        return None
    first, second = (measure_share(int(acted), int(users)) for users, acted in rows[["users", "acted"]].to_numpy())
    return first, second
