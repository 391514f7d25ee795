"""Measure scores against what really happened, with intervals from resampling users. Says how it is, not what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Users = npt.NDArray[np.object_]

DRAWS = 400  # bootstrap draws: a 90 % interval's ends then rest on 20 draws each
INTERVAL = (5.0, 95.0)


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


def log_losses(y: Labels, p: Floats) -> Floats:
    """Log loss of each row, in nats; a certainty that was wrong costs as much as one in a million."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def measure(
    y: Labels,
    scores: Floats,
    naive: Floats,
    users: Users,
    seed: int,
    registered_auc: float | None = None,
    weight: Floats | None = None,
) -> Quality:
    """Measure scores on labelled rows, with intervals from resampling users: one may stand at several cutoffs.

    `naive` are the probabilities of the recency rule for the same rows; `registered_auc` is what the champion
    had when it was registered, if it is one; `weight` is how many rows each one stands for, None: for itself.
    Metrics: log_loss, auc, base_rate_log_loss, naive_log_loss,
    skill_over_base_rate, skill_over_naive (shares of the other's log loss that are saved), calibration (minus
    the absolute log ratio of expected to observed actions), auc_kept. With one class only, all but log_loss
    are left out; with no rows, all.
    """
    if len(y) == 0:
        return Quality(0, 0, {})
    own, rule, rank = log_losses(y, scores), log_losses(y, naive), np.unique(scores, return_inverse=True)[1]
    draws: dict[str, list[float]] = {}
    for weights in _draws(users, seed, weight):
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


def paired_difference(
    y: Labels, challenger: Floats, champion: Floats, users: Users, seed: int, weight: Floats | None = None
) -> tuple[Measured, float]:
    """Bootstrap the mean log-loss difference on the same rows; also the share of draws in which it is negative."""
    gain = log_losses(y, challenger) - log_losses(y, champion)
    differences = [float(weights @ gain / weights.sum()) for weights in _draws(users, seed, weight)]
    return _interval(differences), float(np.mean(np.array(differences[1:]) < 0))


def _draws(users: Users, seed: int, weight: Floats | None = None) -> Iterator[Floats]:
    """Row weights of each draw: first the sample itself, then users resampled with replacement."""
    own = np.ones(len(users)) if weight is None else weight
    position = np.unique(users.astype(str), return_inverse=True)[1]
    n = int(position.max()) + 1
    yield own
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield np.bincount(rng.integers(0, n, n), minlength=n)[position] * own


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
