"""Score a cohort with one pair, batch by batch, wherever the rows are."""

from collections.abc import Callable

import pyarrow as pa

from lib.config.question import Question
from lib.explain import reasons as reasons_rules
from lib.models.pair import Pair
from lib.tables.contracts import PREDICTIONS
from lib.tables.schemas import arrow_schema


def make_scorer(pair: Pair, question: Question, run_id: str, reasons: int) -> Callable[[pa.Table], pa.Table]:
    """Make the function that turns rows of `features` into rows of `predictions`.

    It carries the two fitted models with it, so it can be sent to where the rows lie. `reasons` says how many each
    user gets at the most.
    """
    schema = arrow_schema(PREDICTIONS)

    def score(features: pa.Table) -> pa.Table:
        n = len(features)
        figures = features.drop_columns(["user_id", "cutoff"]).to_pandas()
        columns = {
            "question": [question.slug] * n,
            "action": [question.action] * n,
            "horizon_days": [question.horizon_days] * n,
            "user_id": features["user_id"],
            "cutoff": features["cutoff"],
            "propensity": pair.score(figures),
            "preprocessing_version": [pair.preprocessing_version] * n,
            "prediction_version": [pair.prediction_version] * n,
            "run_id": [run_id] * n,
            "reasons": reasons_rules.format_reasons(pair, figures, reasons),
            "starts_in_days": [question.starts_in_days] * n,
        }
        return pa.table(columns, schema=schema)

    return score
