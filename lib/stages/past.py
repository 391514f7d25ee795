"""A run for a day before the newest list: what it may use, and what it must leave as it is."""

from collections.abc import Iterator
from datetime import date

from lib import timeline
from lib.config.bases import ChangeConfig
from lib.config.question import Question
from lib.config.stages import PublishConfig, TrainConfig
from lib.errors import ModelError
from lib.registry.protocol import Registry
from lib.stages.context import Context
from lib.stages.records import question_sql, read_decisions, read_lists
from lib.tables.protocol import Tables

WAY_OUT = "Give replace_newer=true to let that day's run change what is in use."


def newer_list(config: ChangeConfig, tables: Tables, as_of: date) -> date | None:
    """The cutoff of the question's list where that is later than as_of and is to stay; else None."""
    if config.replace_newer:
        return None
    rows = read_lists(tables, f"{question_sql(config.question)} AND cutoff > DATE '{as_of}'")
    return None if rows is None else max(rows["cutoff"])


def why_not_in_use(config: PublishConfig, tables: Tables, as_of: date) -> str:
    """Why the list of this day is recorded and not put in use, in one sentence; blank where it is to be in use."""
    newer = newer_list(config, tables, as_of)
    if newer:
        return f"The list of {newer} is newer and stays in use. {WAY_OUT}"
    if config.catch_up_to and as_of < config.catch_up_to:
        return f"It is on the way to {config.catch_up_to}, whose list is to be in use."
    return ""


def check_models_may_change(config: TrainConfig, tables: Tables, as_of: date) -> None:
    """Refuse to make models for a day before the newest list.

    Raises
    ------
    ModelError
        The message names both days.
    """
    newer = newer_list(config, tables, as_of)
    if newer:
        raise ModelError(f"No models are made for {as_of}, since the list of {newer} is newer and stays. {WAY_OUT}")


def choose_version(context: Context[ChangeConfig], as_of: date, newer: date) -> str:
    """The prediction version that a list of a past day is scored by: the one in use then, by the decisions.

    Where that has learnt what came later, as after a promotion by hand: another that was in use once and has not.

    Raises
    ------
    ModelError
        If each of them has; the message names the day.
    """
    question, tables, registry = context.config.question, context.tables, context.registry
    through = {one.prediction_version: one.trained_through for one in registry.versions(question) if one.was_in_use}
    for version in _candidates(tables, registry, question, as_of):
        if version in through and _learnt_nothing_after(as_of, through[version], question.reach_days):
            return version
    raise ModelError(
        f"The list of {newer} is newer than as_of {as_of} and stays, and no pair that was ever in use for {question} "
        f"had learnt nothing after {as_of}: scores for that day would know what came later. {WAY_OUT}"
    )


def _candidates(tables: Tables, registry: Registry, question: Question, as_of: date) -> Iterator[str]:
    """Prediction versions, the best choice first; some are named twice."""
    decisions = read_decisions(tables, question)
    in_use = decisions["prediction_version"].notna()
    yield from decisions[in_use & (decisions["as_of"] <= as_of)]["prediction_version"].tail(1)
    champion = registry.champion(question)
    if champion:
        yield champion
    yield from (one.prediction_version for one in registry.versions(question))


def _learnt_nothing_after(as_of: date, trained_through: str, horizon_days: int) -> bool:
    try:
        through = date.fromisoformat(trained_through)
    except ValueError:  # nobody noted it: it may have learnt anything
        return False
    return bool(timeline.unlearnt_cutoffs([as_of], through, horizon_days))
