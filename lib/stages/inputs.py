"""How far what a pair reads has moved since it learnt: counted where the rows lie, whatever the number of users."""

from datetime import date

import pandas as pd
import pyarrow as pa

from lib.config.question import Question
from lib.evaluation import drift
from lib.evaluation.measured import Measured
from lib.features import extraction
from lib.labels import cohorts, labels
from lib.labels.rows import Rows
from lib.models.pair import Pair
from lib.stages.nearby import MOST_WIDE, bring_near
from lib.tables.protocol import Tables
from lib.timeline import Window


def compare_inputs(
    question: Question, tables: Tables, pair: Pair, as_of: date
) -> tuple[dict[str, Measured], pd.DataFrame]:
    """Compare today's cohort, of which no label is known yet, with the one that the pair learnt from."""
    then = pair.notes.reference
    if then is None:
        return {}, pd.DataFrame(columns=list(drift.SHOWN))
    attributes = extraction.read_extraction(tables, question, as_of).attributes
    (cohort,) = bring_near(tables, cohorts.cohort_sql(question, [as_of], attributes), most=MOST_WIDE)

    def count(rows: pa.Table) -> pa.Table:
        return drift.count_features(then, Rows(rows.to_pandas(date_as_object=True).assign(label=0)).X)

    now = drift.sum_counts(then, cohort.tables.summarise(cohort.sql, count, drift.COUNTED))
    if not now.users:
        return {}, pd.DataFrame(columns=list(drift.SHOWN))
    compared = drift.compare_features(then, now)
    recent = tables.query(labels.recent_events_sql(Window.lookback(as_of, drift.RECENT_DAYS)))
    return {
        "drifted_share": drift.drifted_share(compared),
        "unseen_share": drift.unseen_share(then, now, recent),
    }, compared
