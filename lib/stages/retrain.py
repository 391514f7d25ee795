"""Make a challenger and put it in use where it is better: what the notebook `retrain` calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from lib.config.stages import RetrainConfig
from lib.errors import ConfigError, NotPromoted
from lib.evaluation.promotion import Choice
from lib.explain import importance
from lib.features import extraction
from lib.features.remarks import read_spoken
from lib.labels.split import Split
from lib.models.blueprint import OwnModels
from lib.models.pair import Pair
from lib.registry.protocol import Evidence
from lib.registry.spark_trials import SparkTrials
from lib.registry.versions import format_params
from lib.report import charts
from lib.stages import past
from lib.stages.champion import Champion, load_champion_to_beat, read_labelled
from lib.stages.context import Context
from lib.stages.records import is_low_evidence, metric_rows, write_decision
from lib.stages.summary import format_quality
from lib.tables.delta import DeltaTables
from lib.tables.protocol import Tables
from lib.training import challenger, space
from lib.training.challenger import ChallengerRequest, MadeChallenger, Make
from lib.training.search import SearchResult, TrialRunner
from lib.training.trials import Trial

MOST_OTHERS = 2  # of what searches for other questions have found: a short search has trials of its own to draw


@dataclass(frozen=True)
class Retrained:
    """What `retrain` did."""

    pair: Pair
    promoted: bool
    summary: str
    metrics: pd.DataFrame
    trials: pd.DataFrame
    importances: pd.DataFrame  # one row per group of features: name, mean, std; the largest first
    plots: Mapping[str, Any]  # figures of the search, by name
    best: Mapping[str, Any] | None = None  # what the search has found; None where nothing was searched for


def run(
    context: Context[RetrainConfig],
    make: Make = challenger.make_challenger,
    others: Sequence[Mapping[str, Any] | None] = (),
) -> Retrained:
    """Search, or take the challenger that was named; fit, register and compare it; put it in use where it is better.

    A replay says by `make` where a challenger comes from that it has made already. `others` are what searches for other
    questions of the run have found: the newest of them are tried early.

    Raises
    ------
    NotPromoted
        If the new pair is not good enough and there is no champion that holds: nothing is left to score with.
    ModelError
        If a newer list is in use, which stays, or if the new pair cannot be read again: the one before stays in use.
    ConfigError
        If trials are to run on Spark and the tables have none.
    """
    config, tables, registry = context.config, context.tables, context.registry
    runner = _trial_runner(config, tables)
    cutoffs = extraction.read_extraction(tables, config.question, config.as_of).cutoffs
    past.check_models_may_change(config, tables, cutoffs.as_of)
    context.say("reading the labelled rows")
    rows, parts = read_labelled(config, tables, cutoffs)
    holdout = rows.at(parts.holdout).X
    champion = load_champion_to_beat(context, cutoffs.as_of, holdout)
    kinds = tables.query("SELECT DISTINCT event_type FROM {daily_activity} ORDER BY event_type")["event_type"]
    named = SearchResult(registry.load_own(config.challenger), float("nan"), ()) if config.challenger else None
    request = ChallengerRequest(
        config, cutoffs.as_of, rows, parts, champion.pair, champion.retrain_needed, named, kinds, runner,
        _may_adapt(context, parts, cutoffs.as_of), [params for params in others if params][-MOST_OTHERS:],
    )  # fmt: skip
    made = make(request, context.say)
    choice = made.trained.choice
    context.say("recording the new pair in MLflow")
    plots = charts.SearchPlots(made.search.study, config.objective)
    pair = registry.register(config.question, made.pair, holdout, _evidence(request, made, plots))
    if choice.promote:
        registry.load(config.question, pair.prediction_version)  # what cannot be read again never comes into use
    _decide(context, cutoffs.as_of, pair, champion, choice)
    if not choice.promote and (champion.pair is None or not champion.holds):
        raise NotPromoted(
            f"Version {pair.prediction_version} was registered and not promoted: {choice.why} No model that may be "
            "used is left; the published list stays. Look at the versions in MLflow, or bring more history."
        )
    if choice.promote:
        registry.promote(config.question, pair.prediction_version, cutoffs.as_of)
    return Retrained(
        pair, choice.promote, _summary(made, pair, parts), metric_rows(made.trained.quality, config.thresholds),
        _trial_rows(made.search.trials, config.objective), pd.DataFrame(made.importances), plots,
        None if isinstance(made.search.params, OwnModels) else space.locate(made.search.params),
    )  # fmt: skip


def _may_adapt(context: Context[RetrainConfig], parts: Split, as_of: date) -> bool:
    """Whether no check of a load spoke of what a change of behaviour would be learnt from."""
    spoken = read_spoken(context.tables, parts.training, as_of)
    if spoken:
        context.say(f"no change of behaviour is learnt, since a check of the load spoke of {spoken[0]}")
    return not spoken


def _evidence(request: ChallengerRequest, made: MadeChallenger, plots: Mapping[str, Any]) -> Evidence:
    """What is recorded with the new pair of how it came about."""
    choice, result = made.trained.choice, made.search
    return Evidence(
        as_of=request.as_of.isoformat(), holdout=request.parts.holdout[0].isoformat(), run_id=request.config.run_id,
        tables=request.config.schema, kind=_kind(choice), why=choice.why, trials=result.trials, plots=plots,
        trial_runs=result.mlflow_run, intervals=made.trained.quality.intervals,
    )  # fmt: skip


def _decide(context: Context[RetrainConfig], as_of: date, pair: Pair, champion: Champion, choice: Choice) -> None:
    """Write down which pair is in use from now on, before anything acts on it."""
    in_use, low = (pair, choice.low_evidence) if choice.promote else (champion.pair, choice.low_evidence)
    if in_use and not choice.promote:
        low = is_low_evidence(context.tables, context.config.question, in_use.prediction_version)
    write_decision(
        context.config, context.tables, as_of, _kind(choice), in_use, pair.prediction_version, choice.why,
        low_evidence=low,
    )  # fmt: skip


def _kind(choice: Choice) -> str:
    return "promoted" if choice.promote else "rejected"


def _summary(made: MadeChallenger, pair: Pair, parts: Split) -> str:
    trials = made.search.trials
    return "\n".join([
        f"Retrained: version {pair.prediction_version} is {_kind(made.trained.choice)}. {made.trained.choice.why}",
        f"  {len(trials)} trials, {sum(t.pruned for t in trials)} pruned, "
        f"{sum(t.seconds for t in trials):.0f} s, on {made.learnt_from} rows; {format_params(pair.params)}",
        *format_quality("Challenger on the holdout", made.trained.quality, parts),
        *format_quality("Champion on the same rows", made.trained.champion, parts),
        f"  {importance.format_importances(made.importances)}",
    ])  # fmt: skip


def _trial_runner(config: RetrainConfig, tables: Tables) -> TrialRunner | None:
    """What runs the trials of the search where it is not this process."""
    if config.search_on == "driver":
        return None
    if not isinstance(tables, DeltaTables):
        raise ConfigError("search_on is spark, and these tables are in memory, without Spark. Set it to driver.")
    return SparkTrials(tables.spark, config.experiment)


def _trial_rows(trials: tuple[Trial, ...], objective: str) -> pd.DataFrame:
    return pd.DataFrame([
        {"trial": t.number, objective: t.value, "pruned": t.pruned, "seconds": t.seconds, **t.params} for t in trials
    ])  # fmt: skip
