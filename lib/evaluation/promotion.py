"""Whether a challenger takes the champion's place, by what both measured on the same rows. Decides; changes nothing."""

from dataclasses import dataclass

from lib.config.thresholds import Thresholds
from lib.evaluation.measured import Measured, format_change
from lib.evaluation.metrics import Quality
from lib.evaluation.verdict import failed_limits, is_measured


@dataclass(frozen=True)
class Choice:
    """Whether a challenger takes the champion's place."""

    promote: bool
    low_evidence: bool
    why: str


def decide_promotion(
    challenger: Quality,
    difference: Measured | None,
    better: float | None,
    retrain_needed: bool,
    thresholds: Thresholds,
) -> Choice:
    """Decide on a challenger that was measured on the same rows as the champion.

    `difference` is the challenger's log loss minus the champion's and `better` the bootstrap probability that it
    is negative; both None without a champion. A first model is promoted unless it is shown to be no better than the
    rate of the training cutoffs: the holdout's own rate, which a season may lift, nobody knew before. Where the check
    asked for new models, any challenger that is not shown to be bad replaces the champion; otherwise only one that is
    better with probability `promote_probability`.
    """
    if not all(is_measured(challenger, name) for name in ("skill_over_base_rate", "skill_over_past_rate")):
        return Choice(False, True, "The challenger's skill cannot be measured on the holdout.")
    skill, past = challenger.metrics["skill_over_base_rate"], challenger.metrics["skill_over_past_rate"]
    low = skill.low < 0 or past.low < 0
    doubt = ", low evidence" if low else ""
    if difference is None or better is None:
        worse = past.high <= 0
        skills = (
            f"it saves {skill:.1%} of the log loss of a constant at the holdout's own rate, and {past:.1%} of that of "
            f"one at the rate known before{doubt}"
        )
        return Choice(not worse, low, f"First model, {'no better than a constant' if worse else 'promoted'}: {skills}.")
    losses = (
        f"log loss is {format_change(difference)} than that of the models in use; the probability that it is better is "
        f"{better:.1%}{doubt}"
    )
    failed = failed_limits(challenger, thresholds)
    if failed:
        return Choice(False, low, f"The challenger is bad. {' '.join(failed)} Its {losses}.")
    if retrain_needed:
        return Choice(True, low, f"New models are needed, and the challenger is not shown to be bad: its {losses}.")
    if better >= thresholds.promote_probability:
        return Choice(True, low, f"The challenger is better: its {losses}.")
    wanted = f"{thresholds.promote_probability:.0%} is wanted"
    return Choice(False, low, f"The challenger is not shown to be better: its {losses}, and {wanted}.")
