"""What the measured numbers say: does a champion still hold, is a challenger better? Decides; changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lib.measure import Measured, Quality

Answer = Literal["good", "bad", "cannot_tell"]

# A metric fails when its whole interval lies below its threshold.
THRESHOLDS: Mapping[str, float] = {
    "skill_over_base_rate": 0.0,  # share of the base rate's log loss that the scores save
    "skill_over_naive": 0.0,  # the same, against the recency rule
    "auc_kept": -0.03,  # AUC now minus AUC when registered
    "calibration": -0.25,  # minus the absolute log ratio of expected to observed actions
}
BETTER_PROBABILITY = 0.9  # how sure a challenger's lower log loss must be to replace a champion that holds


@dataclass(frozen=True)
class Verdict:
    """Whether the registered models still hold."""

    answer: Answer
    reasons: tuple[str, ...]

    @property
    def retrain_needed(self) -> bool:
        """Only a good answer lets the job go on without new models."""
        return self.answer != "good"


@dataclass(frozen=True)
class Choice:
    """Whether a challenger takes the champion's place."""

    promote: bool
    low_evidence: bool
    why: str


def judge(quality: Quality | None, thresholds: Mapping[str, float] = THRESHOLDS) -> Verdict:
    """Say whether a champion holds: bad needs a whole interval beyond its threshold, good needs every metric there.

    `quality` None means that there is no champion. What could not be measured never counts as good.
    """
    if quality is None:
        return Verdict("cannot_tell", ("No model is registered for this question yet.",))
    missing = [name for name in thresholds if name not in quality.metrics]
    if missing:
        return Verdict(
            "cannot_tell",
            (f"{', '.join(missing)} cannot be measured on {quality.rows} rows with {quality.positives} positives.",),
        )
    failed = [name for name, least in thresholds.items() if quality.metrics[name].high < least]
    told = [f"{name} is {quality.metrics[name]}, at least {thresholds[name]:g} wanted" for name in thresholds]
    if failed:
        return Verdict("bad", tuple(text for name, text in zip(thresholds, told, strict=True) if name in failed))
    return Verdict("good", tuple(told))


def compare(challenger: Quality, difference: Measured | None, better: float | None, champion_is_bad: bool) -> Choice:
    """Decide on a challenger that was measured on the same rows as the champion.

    `difference` is the challenger's log loss minus the champion's and `better` the bootstrap probability that it
    is negative; both None without a champion. A first model is promoted unless it is shown to be worse than the
    base rate; a bad champion is replaced by any challenger that is not shown to be bad; a champion that holds,
    only by one that is better with probability `BETTER_PROBABILITY`.
    """
    skill = challenger.metrics.get("skill_over_base_rate")
    if skill is None:
        return Choice(False, True, "The challenger's skill cannot be measured on the holdout.")
    own = {name: least for name, least in THRESHOLDS.items() if name in challenger.metrics}
    verdict = judge(challenger, own)
    low = skill.low < 0
    doubt = ", low evidence" if low else ""
    if difference is None or better is None:
        worse = skill.high < 0
        told = f"skill over the base rate {skill}{doubt}"
        return Choice(not worse, low, f"First model, {'worse than the base rate' if worse else 'promoted'}: {told}.")
    told = f"log loss differs from the champion's by {difference}, lower with probability {better:.2f}{doubt}"
    if verdict.answer == "bad":
        return Choice(False, low, f"The challenger is bad ({'; '.join(verdict.reasons)}): {told}.")
    if champion_is_bad:
        return Choice(True, low, f"The champion no longer holds, the challenger is not shown to be bad: {told}.")
    if better >= BETTER_PROBABILITY:
        return Choice(True, low, f"The challenger is better: {told}.")
    return Choice(False, low, f"The challenger is not shown to be better: {told}.")
