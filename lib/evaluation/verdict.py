"""What the measured numbers say: does a champion still hold, is a challenger better? Decides; changes nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from lib.config.thresholds import Thresholds
from lib.evaluation.measured import Measured, format_change
from lib.evaluation.metrics import Quality

Answer = Literal["good", "bad", "cannot_tell"]
# What a failed metric means: the sentence's two clauses, for the measured number and for its limit.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "skill_over_base_rate": ("The scores save {:.1%} of the base rate's log loss", "more than {:.1%} is wanted"),
    "skill_over_naive": ("The scores save {:.1%} of the naive rule's log loss", "more than {:.1%} is wanted"),
    "auc_kept": ("AUC is {} than when the models were registered", "at most {:g} lower is allowed"),
    "ap_kept": ("Normalised average precision is {} than when the models were registered",
                "at most {:g} lower is allowed"),
    "calibration": ("Expected and observed actions differ by a factor of {:.2f}", "at most {:.2f} is allowed"),
    "ece": ("Scores and observed rates lie {:.3f} apart", "at most {:g} is allowed"),
    "drifted_share": ("{:.1%} of the features have drifted", "at most {:.1%} is allowed"),
    "unseen_share": ("{:.1%} of the newest events are of types that the pair has not learnt as they are read now",
                     "at most {:.1%} is allowed"),
    "live_skill_over_base_rate": ("Over its lists whose outcome is known, scores saved {:.1%} of the base rate's "
                                  "log loss", "more than {:.1%} is wanted"),
    "live_calibration": ("Over its lists whose outcome is known, expected and observed actions differ by a factor of "
                         "{:.2f}", "at most {:.2f} is allowed"),
    "age_days": ("The last label that the pair learnt from is {:.0f} days old", "at most {:g} is allowed"),
}  # fmt: skip


@dataclass(frozen=True)
class MetricLimit:
    """What one metric must not lie beyond with its whole interval."""

    metric: str
    wanted: Literal["more than", "at least", "at most"]
    limit: float
    if_there: bool = False  # not there for a pair none of whose lists has matured: the verdict does without

    def is_failed_by(self, measured: Measured) -> bool:
        if self.wanted == "at most":
            return measured.low > self.limit
        return measured.high <= self.limit if self.wanted == "more than" else measured.high < self.limit

    def format_sentence(self, measured: Measured) -> str:
        """Say what was measured and what was wanted."""
        limit = self.limit
        values: tuple[object, ...] = (measured,)
        if self.metric in ("auc_kept", "ap_kept"):
            values, limit = (format_change(measured, ".3f"),), -limit
        elif self.metric.endswith("calibration"):
            values = (Measured(*map(math.exp, (measured.value, measured.low, measured.high))),)
            limit = math.exp(limit)
        clause, wanted = SENTENCES[self.metric]
        return f"{clause.format(*values)}; {wanted.format(limit)}."

    def format_short(self, measured: Measured) -> str:
        return f"{self.metric.replace('_', ' ')} {measured.value:.3g} ({self.wanted} {self.limit:g})"


def metric_limits(thresholds: Thresholds) -> tuple[MetricLimit, ...]:
    """The metrics that are judged, each with its limit in its own unit and direction."""
    return (
        MetricLimit("skill_over_base_rate", "more than", thresholds.min_skill_over_base_rate),
        MetricLimit("skill_over_naive", "more than", thresholds.min_skill_over_naive),
        MetricLimit("auc_kept", "at least", -thresholds.max_auc_drop),
        MetricLimit("ap_kept", "at least", -thresholds.max_ap_drop),
        MetricLimit("calibration", "at most", thresholds.max_calibration_error),
        MetricLimit("ece", "at most", thresholds.max_ece),
        MetricLimit("drifted_share", "at most", thresholds.max_drifted_share),
        MetricLimit("unseen_share", "at most", thresholds.max_unseen_share),
        MetricLimit("age_days", "at most", thresholds.max_age_days),
        MetricLimit("live_skill_over_base_rate", "more than", thresholds.min_skill_over_base_rate, if_there=True),
        MetricLimit("live_calibration", "at most", thresholds.max_calibration_error, if_there=True),
    )


@dataclass(frozen=True)
class Verdict:
    """Whether the registered models still hold."""

    answer: Answer
    reasons: tuple[str, ...]
    outgrown: bool = False  # so much has been learnt since of what the models were made for that a new fit is due

    @property
    def retrain_needed(self) -> bool:
        """Only a good answer lets the job go on without new models, and not where a new fit is due."""
        return self.answer != "good" or self.outgrown


@dataclass(frozen=True)
class Check:
    """A verdict and what it rests on, as it is recorded."""

    as_of: date
    holdout: date  # newest cutoff judged on
    run_id: str  # blank outside a job
    version: str  # prediction version of the champion; blank without one
    verdict: Verdict
    quality: Quality | None
    drift: pd.DataFrame  # one row per feature, as lib.evaluation.drift compares them; empty where nothing was compared


def judge_metrics(quality: Quality | None, thresholds: Thresholds) -> Verdict:
    """Say whether a champion holds: bad needs a whole interval beyond its limit, good needs every metric there.

    Only its track record may be missing: its first list has not matured yet.

    `quality` None means that there is no champion. What could not be measured never counts as good.
    """
    if quality is None:
        return Verdict("cannot_tell", ("No model is registered for this question yet.",))
    wanted = [limit for limit in metric_limits(thresholds) if not limit.if_there or limit.metric in quality.metrics]
    missing = [limit.metric for limit in wanted if not is_measured(quality, limit.metric)]
    if missing:
        where = f"on {quality.rows} rows with {quality.positives} positives"
        return Verdict("cannot_tell", (f"{', '.join(missing)} cannot be measured {where}.",))
    failed = failed_limits(quality, thresholds)
    if failed:
        return Verdict("bad", (*failed, *explain_bias(quality, thresholds)))
    short = ", ".join(limit.format_short(quality.metrics[limit.metric]) for limit in wanted)
    return Verdict("good", (f"Every measure is within its limit: {short}.",))


def failed_limits(quality: Quality, thresholds: Thresholds) -> tuple[str, ...]:
    """A sentence for every measured metric whose whole interval lies beyond its limit."""
    return tuple(
        limit.format_sentence(quality.metrics[limit.metric])
        for limit in metric_limits(thresholds)
        if _fails(quality, limit)
    )


def explain_bias(quality: Quality, thresholds: Thresholds) -> tuple[str, ...]:
    """Where probabilities have failed: whether level or sharpness moved, and whether for one list or for several."""
    beyond = {limit.metric for limit in metric_limits(thresholds) if _fails(quality, limit)}
    sentences = []
    if beyond & {"calibration", "ece"} and is_measured(quality, "ratio") and is_measured(quality, "sharpness"):
        ratio, slope = quality.metrics["ratio"], quality.metrics["sharpness"]
        moved = [_format_moved(what, one) for what, one in (("level", ratio), ("sharpness", slope))]
        sentences.append(
            f"Expected over observed actions is {ratio:.2f}, and log-odds should have been {slope:.2f} times as large: "
            f"{' and '.join(moved)}."
        )
    if "live_calibration" in beyond and is_measured(quality, "live_lists"):
        lists, above = (quality.metrics[name].value for name in ("live_lists", "live_lists_above"))
        lasting = lists > 1 and above in (0, lists)
        sentences.append(
            f"Of its {lists:.0f} lists whose outcome is known, {above:.0f} expected more than happened: "
            f"{'a bias that lasts' if lasting else 'no bias that lasts over several lists'}."
        )
    return tuple(sentences)


def _fails(quality: Quality, limit: MetricLimit) -> bool:
    return is_measured(quality, limit.metric) and limit.is_failed_by(quality.metrics[limit.metric])


def _format_moved(what: str, ratio: Measured) -> str:
    """Whether something that should be 1 is shown to be more or less."""
    return f"the {what} {'did not move' if ratio.low <= 1 <= ratio.high else 'moved'}"


def is_measured(quality: Quality, name: str) -> bool:
    """Whether a metric was measured, and is a number."""
    measured = quality.metrics.get(name)
    return measured is not None and not any(map(math.isnan, (measured.value, measured.low, measured.high)))
