"""What to do with a list that is about to be published: its advice, from what the tables and the registry hold."""

from datetime import date

import pandas as pd

from lib.audience.advice import Advice, give_advice, registered_quality
from lib.audience.contacts import Chosen
from lib.audience.effects import Effect, pool_effect
from lib.audience.uplift import Learnt
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.config.words import STAYING
from lib.evaluation.metrics import Quality
from lib.report import numbers
from lib.stages.context import Context


def read_advice(
    context: Context[PublishConfig],
    listed: pd.DataFrame,
    last: date | None,
    chosen: Chosen,
    learnt: Learnt,
    outcomes_known: pd.DataFrame,
    checks: pd.DataFrame,
    base_rate: float,
) -> Advice:
    """What to do with a list, by what is known at its cutoff."""
    config, version = context.config, listed["prediction_version"].iloc[0]
    quality, judged_on = _read_quality(context, version, checks)
    question = config.question
    return give_advice(
        listed, chosen, config.contacts, numbers.past_lists(outcomes_known), find_effect(question, outcomes_known),
        quality, learnt, config.order, oldest=last or listed["cutoff"].iloc[0], base_rate=base_rate,
        reach_days=question.reach_days, delay_days=config.label_complete_after_days, seed=config.seed,
        judged_on=judged_on, question=question.phrase(config.action_name), when=question.when, words=question.words,
    )  # fmt: skip


def find_effect(question: Question, outcomes_known: pd.DataFrame) -> Effect | None:
    """What past lists say of contacts: of who stays away, by how many more are kept.

    Parameters
    ----------
    outcomes_known : DataFrame
        Rows of `outcomes` of the question.
    """
    effect = pool_effect(numbers.newest_outcomes(outcomes_known), question.reach_days)
    return effect.turned() if effect is not None and question.words == STAYING else effect


def _read_quality(context: Context[PublishConfig], version: str, checks: pd.DataFrame) -> tuple[Quality | None, str]:
    """How good a version is: by this run's verdict on it, else by what was noted when it was made; and since when."""
    mine = checks[(checks["run_id"] == context.config.run_id) & (checks["prediction_version"] == version)]
    if len(mine) and (judged := registered_quality(*_metrics(mine))):
        return judged, str(mine["holdout"].iloc[0])
    made = next((one for one in context.registry.versions(context.config.question)
                 if one.prediction_version == version), None)  # fmt: skip
    return (None, "") if made is None else (registered_quality(made.metrics, made.intervals), made.holdout)


def _metrics(checks: pd.DataFrame) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    rows = [row for row in checks.to_dict("records") if row["metric"] is not None]
    return (
        {row["metric"]: row["measured"] for row in rows},
        {row["metric"]: (row["low"], row["high"]) for row in rows},
    )
