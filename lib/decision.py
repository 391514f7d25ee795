"""What the measured numbers say: does a champion still hold, is a challenger better? Decides; changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Users = npt.NDArray[np.object_]
Answer = Literal["good", "bad", "cannot_tell"]

DRAWS = 400  # bootstrap draws: a 90 % interval's ends then rest on 20 draws each
INTERVAL = (5.0, 95.0)
# A metric fails when its whole interval lies below its threshold.
THRESHOLDS: Mapping[str, float] = {
    "skill_over_base_rate": 0.0,  # share of the base rate's log loss that the scores save
    "skill_over_naive": 0.0,  # the same, against the recency rule
    "auc_kept": -0.03,  # AUC now minus AUC when registered
    "calibration": -0.25,  # minus the absolute log ratio of expected to observed actions
}
BETTER_PROBABILITY = 0.9  # how sure a challenger's lower log loss must be to replace a champion that holds


@dataclass(frozen=True)
class Measured:
    """One number with its 90 % interval over users."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Quality:
    """How scores did on labelled rows."""

    rows: int
    positives: int
    metrics: Mapping[str, Measured]

    @property
    def plain(self) -> dict[str, float]:
        """The values without their intervals."""
        return {name: measured.value for name, measured in self.metrics.items()}


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


def log_losses(y: Labels, p: Floats) -> Floats:
    """Log loss of each row, in nats; a certainty that was wrong costs as much as one in a million."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def measure(
    y: Labels, scores: Floats, naive: Floats, users: Users, seed: int, registered_auc: float | None = None
) -> Quality:
    """Measure scores on labelled rows, with intervals from resampling users: one may stand at several cutoffs.

    `naive` are the probabilities of the recency rule for the same rows; `registered_auc` is what the champion
    had when it was registered, if it is one. Metrics: log_loss, auc, base_rate_log_loss, naive_log_loss,
    skill_over_base_rate, skill_over_naive (shares of the other's log loss that are saved), calibration (minus
    the absolute log ratio of expected to observed actions), auc_kept. With one class only, all but log_loss
    are left out; with no rows, all.
    """
    if len(y) == 0:
        return Quality(0, 0, {})
    own, rule, rank = log_losses(y, scores), log_losses(y, naive), np.unique(scores, return_inverse=True)[1]
    draws: dict[str, list[float]] = {}
    for weights in _draws(users, seed):
        total, acted = float(weights.sum()), float(weights @ y)
        loss, rule_loss = float(weights @ own / total), float(weights @ rule / total)
        now: dict[str, float] = {"log_loss": loss}
        if 0 < acted < total:
            rate = acted / total
            base = -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
            now |= {
                "auc": _auc(y, rank, weights),
                "base_rate_log_loss": base,
                "naive_log_loss": rule_loss,
                "skill_over_base_rate": 1 - loss / base,
                "skill_over_naive": 1 - loss / rule_loss,
                "calibration": -abs(float(np.log(max(float(weights @ scores), 1e-12) / acted))),
            }
            if registered_auc is not None:
                now["auc_kept"] = now["auc"] - registered_auc
        for name, value in now.items():
            draws.setdefault(name, []).append(float(value))
    return Quality(len(y), int(y.sum()), {name: _interval(values) for name, values in draws.items()})


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


def paired_difference(
    y: Labels, challenger: Floats, champion: Floats, users: Users, seed: int
) -> tuple[Measured, float]:
    """Bootstrap the mean log-loss difference on the same rows; also the share of draws in which it is negative."""
    gain = log_losses(y, challenger) - log_losses(y, champion)
    differences = [float(weights @ gain / weights.sum()) for weights in _draws(users, seed)]
    return _interval(differences), float(np.mean(np.array(differences[1:]) < 0))


def _draws(users: Users, seed: int) -> Iterator[Floats]:
    """Row weights of each draw: first the sample itself, then users resampled with replacement."""
    position = np.unique(users.astype(str), return_inverse=True)[1]
    n = int(position.max()) + 1
    yield np.ones(len(users))
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield np.bincount(rng.integers(0, n, n), minlength=n)[position].astype(float)


def _interval(draws: list[float]) -> Measured:
    """The first draw is the value; the others give the interval."""
    low, high = np.percentile(draws[1:], INTERVAL)
    return Measured(draws[0], float(low), float(high))


def _auc(y: Labels, rank: npt.NDArray[np.intp], weights: Floats) -> float:
    """Area under the ROC curve of weighted rows; ties count half. `rank` numbers the distinct scores, ascending."""
    positive = np.bincount(rank, weights * y)
    negative = np.bincount(rank, weights * (1 - y))
    below = np.cumsum(negative) - negative
    return float(positive @ (below + negative / 2) / (positive.sum() * negative.sum()))
