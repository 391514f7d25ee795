"""One function per notebook: read, let the core decide, write. Order and effects stand here; rules do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from lib import audience as audience_rules
from lib import challenger, charts, contacts, explain, extraction, importance, labels, ledger, outcomes, report
from lib import publishing as lists
from lib import release as release_rules
from lib.audience import HeldOut
from lib.challenger import Challenge, Make, Say
from lib.config import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig, TrainConfig
from lib.contracts import PREDICTIONS, arrow_schema
from lib.decision import Verdict
from lib.drafts import Draft
from lib.errors import ConfigError, ModelError, NotPromoted
from lib.history import spoken
from lib.judging import champion_to_beat, judged, labelled, record, usable
from lib.measure import Quality
from lib.models import Pair
from lib.predictions import scorer
from lib.records import decide, decided_version, decision_of, list_rows, metric_rows, on_question, was_low
from lib.registered import Evidence, Registry
from lib.report import Facts
from lib.search import Elsewhere, Found
from lib.spark_search import SparkTrials
from lib.split import Split
from lib.tables import DeltaTables, Tables
from lib.timeline import Cutoffs
from lib.trials import Trial

PAIR = ("preprocessing_version", "prediction_version")


@dataclass(frozen=True)
class Extracted:
    """What `extract_features` did."""

    cutoffs: Cutoffs
    summary: str
    table: pd.DataFrame  # one row per cutoff: users, cohort


@dataclass(frozen=True)
class Checked:
    """What `train` found."""

    verdict: Verdict
    summary: str
    metrics: pd.DataFrame  # one row per metric: measured, low, high, threshold
    retrain_needed: bool  # by the verdict, or because a challenger was named
    drift: pd.DataFrame  # one row per feature: its PSI against what the pair learnt from, largest first


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


@dataclass(frozen=True)
class Scored:
    """What `predict` wrote."""

    rows: pd.DataFrame  # the highest propensities
    summary: str
    propensities: pd.Series  # of everybody


@dataclass(frozen=True)
class Published:
    """What `publish` wrote."""

    rows: pd.DataFrame  # the highest propensities
    summary: str
    facts: Facts
    report: str = ""  # its file; blank for none

    @cached_property
    def page(self) -> str:
        """The report, HTML: written when it is asked for."""
        return report.page(self.facts)


def extract_features(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> Extracted:
    """Bring activity and features up to date with the source."""
    as_of = extraction.ingest(config, tables, say)
    say(f"activity is up to date, as of {as_of}")
    done, built, width = extraction.build(config, tables, as_of)
    say(f"features: {built} of {len(done.cutoffs.all)} cutoffs built, the others were kept")
    days = ", ".join(f"DATE '{day}'" for day in done.cutoffs.all)
    table = tables.query(
        f"SELECT cutoff, COUNT(*) AS users, SUM(CASE WHEN recency <= {config.question.cohort_days} THEN 1 ELSE 0 END) "
        f"AS cohort FROM {{features}} WHERE cutoff IN ({days}) GROUP BY cutoff ORDER BY cutoff DESC"
    )
    training = done.cutoffs.training
    summary = (
        f"Question: {config.question}, as of {as_of}.\n"
        f"Features: {width} per user at {len(done.cutoffs.all)} cutoffs ({built} new); to learn from: "
        f"{len(training)}, {training[-1]} to {training[0]}; to judge on: {done.cutoffs.holdout}."
    )
    return Extracted(done.cutoffs, summary, table)


def train(config: TrainConfig, tables: Tables, registry: Registry, say: Say = print) -> Checked:
    """Judge the registered pair in use on what really happened, and say whether new models are needed."""
    cutoffs = extraction.last_extraction(tables, config.question, config.as_of).cutoffs
    written = ledger.settle(config, tables, cutoffs.as_of)
    rows, parts = labelled(config, tables, cutoffs)
    version = registry.champion(config.question)
    say(f"champion: {'none' if version is None else f'version {version}'}")
    found = judged(config, tables, registry, version, rows, parts, cutoffs.as_of)
    pair, quality, verdict = found.pair, found.quality, found.verdict
    checks = record(config, tables, registry, version, parts, cutoffs.as_of, found)
    if not verdict.retrain_needed and pair is not None:
        decide(
            config,
            tables,
            cutoffs.as_of,
            "kept",
            pair,
            "",
            "; ".join(verdict.reasons),
            low_evidence=was_low(tables, config.question, pair.prediction_version),
        )
    told = {"good": "the registered models hold", "bad": "they no longer hold", "cannot_tell": "so new ones are needed"}
    due = ", and new ones are due" if verdict.outgrown else ""
    lines = [
        f"Verdict: {verdict.answer.replace('_', ' ')}, {told[verdict.answer]}{due}.",
        *(f"  {r}" for r in verdict.reasons),
    ]
    lines += [*_quality_lines("Champion on the holdout", quality, parts), *outcomes.spoken(written)]
    shown = checks[["metric", "measured", "low", "high", "threshold"]]
    needed = verdict.retrain_needed or bool(config.challenger)
    return Checked(verdict, "\n".join(lines), shown, needed, found.drift)


def retrain(
    config: RetrainConfig, tables: Tables, registry: Registry, say: Say = print, make: Make = challenger.make
) -> Retrained:
    """Search, or take the challenger that was named; fit, register and compare it; put it in use where it is better.

    A replay says by `make` where a challenger comes from that it has made already.

    Raises
    ------
    NotPromoted
        If the new pair is not good enough and there is no champion that holds: nothing is left to score with.
    ConfigError
        If trials are to run on Spark and the tables have none.
    """
    elsewhere = _elsewhere(config, tables)
    cutoffs = extraction.last_extraction(tables, config.question, config.as_of).cutoffs
    rows, parts = labelled(config, tables, cutoffs)
    holdout = rows.at(parts.holdout).X
    champion = champion_to_beat(config, tables, registry, cutoffs.as_of, holdout, say)
    kinds = tables.query("SELECT DISTINCT event_type FROM {daily_activity} ORDER BY event_type")["event_type"]
    named = _named(config, registry)
    asked = Challenge(
        config, cutoffs.as_of, rows, parts, champion.pair, champion.retrain_needed, named, kinds, elsewhere
    )
    made = make(asked, say)
    found, quality, choice = made.found, made.trained.quality, made.trained.choice
    plots = charts.SearchPlots(found.study, config.objective)
    kind = "promoted" if choice.promote else "rejected"
    evidence = Evidence(
        as_of=cutoffs.as_of.isoformat(), holdout=parts.holdout[0].isoformat(),
        run_id=config.run_id, tables=config.schema,
        kind=kind, why=choice.why, trials=found.trials, plots=plots, trial_runs=found.mlflow_run,
        intervals=quality.intervals,
    )  # fmt: skip
    pair = registry.register(config.question, made.pair, holdout, evidence)
    in_use = pair if choice.promote else champion.pair
    low = choice.low_evidence
    if in_use and not choice.promote:
        low = was_low(tables, config.question, in_use.prediction_version)
    decide(config, tables, cutoffs.as_of, kind, in_use, pair.prediction_version, choice.why, low_evidence=low)
    if in_use is None or not (choice.promote or champion.holds):
        raise NotPromoted(
            f"Version {pair.prediction_version} was registered and not promoted: {choice.why} No model that may be "
            "used is left; the published list stays. Look at the versions in MLflow, or bring more history."
        )
    if choice.promote:
        registry.promote(config.question, pair.prediction_version, cutoffs.as_of)
    lines = [
        f"Retrained: version {pair.prediction_version} is {kind}. {choice.why}",
        f"  {len(found.trials)} trials, {sum(t.pruned for t in found.trials)} pruned, "
        f"{sum(t.seconds for t in found.trials):.0f} s, on {made.learnt_from} rows; {spoken(pair.params)}",
        *_quality_lines("Challenger on the holdout", quality, parts),
        *_quality_lines("Champion on the same rows", made.trained.champion, parts),
        f"  {importance.summary(made.importances)}",
    ]
    table = _trial_rows(found.trials, config.objective)
    return Retrained(
        pair, choice.promote, "\n".join(lines), metric_rows(quality, config.thresholds), table,
        pd.DataFrame(made.importances), plots,
    )  # fmt: skip


def predict(config: PredictConfig, tables: Tables, registry: Registry, say: Say = print) -> Scored:
    """Score the cohort at as_of with the pair that this run decided on, and replace that cutoff's predictions."""
    cutoffs = extraction.last_extraction(tables, config.question, config.as_of).cutoffs
    version = decided_version(config, tables) or registry.champion(config.question)
    if version is None:
        raise ModelError(f"No model is in use for {config.question}. Run retrain first.")
    pair = usable(config, tables, registry, version)
    say(f"scoring with preprocessing version {pair.preprocessing_version}, prediction version {version}")
    if config.reasons and not explain.explainable(pair):
        say("no reasons: this pair was registered without its typical user; the next one will have it")
    sql = labels.cohort(config.question, [cutoffs.as_of])
    score = scorer(pair, config.question, config.run_id, config.reasons)
    rows = tables.map_rows(sql, score, arrow_schema(PREDICTIONS))
    where = list_rows(config.question, cutoffs.as_of)
    tables.replace("predictions", rows, where)
    written = tables.query(f"SELECT * FROM {{predictions}} WHERE {where} ORDER BY propensity DESC, user_id")
    mean = written["propensity"].mean() if len(written) else float("nan")
    summary = (
        f"Scored: {len(written)} users, mean propensity {mean:.4f}, with version {version} of the prediction model."
    )
    return Scored(written.head(10), summary, written["propensity"])


def publish(config: PublishConfig, tables: Tables, registry: Registry, say: Say = print) -> Published:
    """Check the question's new list and replace the current one with it, in one commit.

    Its report, and the files that come with it, are written before: whatever fails then leaves the last list.
    """
    cutoffs = extraction.last_extraction(tables, config.question, config.as_of).cutoffs
    as_of, question = cutoffs.as_of, config.question
    extraction.still_fresh(config, tables, as_of)
    if not tables.exists("predictions"):
        raise ModelError("Nothing has been scored in this schema. Run predict first.")
    predictions = tables.query(f"SELECT * FROM {{predictions}} WHERE {list_rows(question, as_of)}")
    cohort = tables.query(f"SELECT COUNT(*) AS n FROM ({labels.cohort(question, [as_of])}) c")["n"].iloc[0]
    decided = decision_of(config, tables)
    if decided is None:  # by hand: the list follows whatever pair the predictions come from, but one pair only
        decided = predictions.iloc[0] if len(predictions) else pd.Series(dict.fromkeys(PAIR, ""))
    versions = {name: str(decided[name]) for name in PAIR}
    low = was_low(tables, question, versions["prediction_version"])
    ranked = audience_rules.rank(predictions, low, HeldOut(question.slug, config.held_out_share, config.seed))
    release_rules.whole(ranked, int(cohort), versions)
    old, rate = lists.earlier(question, tables, as_of), lists.base_rate(question, tables, cutoffs)
    found = release_rules.usual(ranked, old, rate, config.bounds)
    row = lists.publication(config, tables, ranked, found, old, rate)
    say(f"the list may be published: {len(ranked)} users, {row['mean_propensity']:.4f} on average")
    contacted = contacts.chosen(ranked, config.contacts)
    drafts = [Draft.of(config.export, contacted)] if config.export else []
    facts = lists.facts(config, tables, registry, ranked, old, row)
    lines = [
        f"Published: {len(ranked)} users as of {as_of}{', low evidence' if low else ''}; "
        f"{ranked['propensity'].sum():.1f} of them expected to act, {int(ranked['held_out'].sum())} held out.",
        *release_rules.spoken(found, row["previous_cutoff"]),
        *contacts.spoken(contacted, len(ranked), config.contacts, lists.gain(config, facts.outcomes, contacted)),
        "The ten highest propensities:",
        *audience_rules.spoken(ranked.head(10)),
    ]
    target = f"{config.reports}/{question.slug}/{as_of}.html" if config.reports else ""
    published = Published(ranked.head(10), "\n".join(lines), facts, target)
    if target:
        drafts.append(Draft.of(target, published.page))
    tables.replace("audience", ranked, on_question(question))
    lists.record(config, tables, row)
    for file in drafts:
        file.keep()
        say(f"written to {file.target}")
    return published


def _named(config: RetrainConfig, registry: Registry) -> Found | None:
    """A data scientist's own models in the place of what a search would find."""
    return Found(registry.own(config.challenger), float("nan"), ()) if config.challenger else None


def _elsewhere(config: RetrainConfig, tables: Tables) -> Elsewhere | None:
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


def _quality_lines(title: str, quality: Quality | None, parts: Split) -> list[str]:
    if quality is None:
        return []
    wanted = ("log_loss", "naive_log_loss", "base_rate_log_loss", "auc")
    names = {"log_loss": "log loss", "naive_log_loss": "naive rule", "base_rate_log_loss": "base rate", "auc": "AUC"}
    told = ", ".join(f"{names[name]} {quality.metrics[name]}" for name in wanted if name in quality.metrics)
    days = ", ".join(map(str, parts.holdout))
    return [f"{title} ({days}; {quality.rows} rows, {quality.positives} positive): {told}."]
