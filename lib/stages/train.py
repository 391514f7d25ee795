"""Judge the pair in use on what really happened: what the notebook `train` calls."""

from dataclasses import dataclass

import pandas as pd

from lib.audience import outcomes
from lib.config.stages import TrainConfig
from lib.evaluation.verdict import Verdict
from lib.features import extraction
from lib.stages import ledger, past
from lib.stages.attributes import tell_attributes
from lib.stages.champion import judge_champion, part_labelled, record_verdict
from lib.stages.context import Context
from lib.stages.records import is_low_evidence, write_decision
from lib.stages.score_table import compare_scores
from lib.stages.summary import format_quality


@dataclass(frozen=True)
class Checked:
    """What `train` found."""

    verdict: Verdict
    summary: str
    metrics: pd.DataFrame  # one row per metric: measured, low, high, threshold
    retrain_needed: bool  # by the verdict, or because a challenger was named
    drift: pd.DataFrame  # one row per feature: its PSI against what the pair learnt from, largest first


def run(context: Context[TrainConfig]) -> Checked:
    """Judge the registered pair in use on what really happened, and say whether new models are needed.

    Where a newer list stays, the pair in use then is judged, and none are.

    Raises
    ------
    ModelError
        If a newer list stays and a challenger was named, or no pair may score a list of that day.
    """
    config, tables, registry = context.config, context.tables, context.registry
    extracted = extraction.read_extraction(tables, config.question, config.as_of)
    cutoffs = extracted.cutoffs
    newer = past.newer_list(config, tables, cutoffs.as_of)
    if config.challenger:
        past.check_models_may_change(config, tables, cutoffs.as_of)
    version = past.choose_version(context, cutoffs.as_of, newer) if newer else registry.champion(config.question)
    context.say("holding past lists against what happened since")
    written = ledger.write_outcomes(config, tables, cutoffs.as_of)
    context.say("counting who acted after each cutoff")
    read, parts = part_labelled(config, tables, cutoffs)
    name = "the pair of that day" if newer else "champion"
    context.say(f"{name}: {'none' if version is None else f'version {version}'}")
    judged = judge_champion(context, version, read, parts, cutoffs.as_of)
    judged = judged.telling(tell_attributes(config.question, tables, extracted))
    pair, quality, verdict = judged.pair, judged.quality, judged.verdict
    checks = record_verdict(context, version, parts, cutoffs.as_of, judged)
    if not newer and not verdict.retrain_needed and pair is not None:
        low, why = is_low_evidence(tables, config.question, pair.prediction_version), "; ".join(verdict.reasons)
        write_decision(config, tables, cutoffs.as_of, "kept", pair, "", why, low_evidence=low)
    meaning = {
        "good": "good, the registered models hold",
        "bad": "bad, the registered models no longer hold",
        "cannot_tell": "cannot tell whether any models hold, and new ones are asked for",
    }
    due = ", and so much was learnt since that new ones are asked for" if verdict.outgrown else ""
    lines = [
        f"Verdict: {meaning[verdict.answer]}{due}.",
        *(f"  {r}" for r in verdict.reasons),
    ]
    lines += [
        *format_quality("Champion on the holdout", quality, parts),
        *outcomes.format_outcomes(written, config.question),
    ]
    lines += compare_scores(context, pair, read, parts)
    shown = checks[["metric", "measured", "low", "high", "threshold"]]
    needed = not newer and (verdict.retrain_needed or bool(config.challenger))
    if newer:
        lines.append(f"The list of {newer} is newer and stays: whatever the verdict, no models are made.")
    return Checked(verdict, "\n".join(lines), shown, needed, judged.drift)
