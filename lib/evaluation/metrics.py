"""Measure scores against what really happened, with intervals from resampling users. Says how it is, not what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib.evaluation.measured import Measured

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Users = npt.NDArray[np.object_]

DRAWS = 400  # bootstrap draws: a 90 % interval's ends then rest on 20 draws each
INTERVAL = (5.0, 95.0)
ECE_BINS, ECE_USERS = 10, 50  # bins of equal numbers of rows: ten at most, one for each so many users
KEPT = {"auc": "auc_kept", "normalised_ap": "ap_kept"}  # what is held against its registered value, and as what


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

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The intervals without their values."""
        return {name: (measured.low, measured.high) for name, measured in self.metrics.items()}


def log_losses(y: Labels, p: Floats) -> Floats:
    """Log loss of each row, in nats; a certainty that was wrong costs as much as one in a million."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def area_under_curve(y: Labels, p: Floats) -> float:
    """Area under the ROC curve of scores for labels of both kinds."""
    rank = np.unique(p, return_inverse=True)[1]
    return _ranking(np.asarray(y, np.int64), rank, np.ones(len(rank)))[0]


def measure(
    y: Labels,
    scores: Floats,
    naive_rule: Floats | None,
    users: Users,
    seed: int,
    *,
    past_rate: float | None = None,
    registered: Mapping[str, Measured] | None = None,
    weight: Floats | None = None,
    of_others: bool = False,
) -> Quality:
    """Measure scores on labelled rows, with intervals from resampling users: one may stand at several cutoffs.

    Parameters
    ----------
    naive_rule : array of probabilities or None
        What the naive rule gives the same rows; None leaves out what is held against it.
    past_rate : float or None
        The action's rate on the training cutoffs: the best constant score that could have been known before. None
        leaves out what is held against it.
    registered : {metric: Measured} or None
        What the champion had when it was registered, if it is one; of `KEPT` only those there are measured.
    weight : array or None
        How many rows each one stands for; None: for itself.
    of_others : bool
        Measure how well those of label 0 were told, as where they are the rarer ones: a question and its opposite then
        have the same metrics. Scores, the rule's and the rate are turned round.

    Returns
    -------
    Quality
        Large is good: auc; average_precision, and normalised_ap, which is `(AP - rate) / (1 - rate)`;
        skill_over_base_rate, skill_over_past_rate, skill_over_naive (the share of the other's log loss that is
        saved); auc_kept, ap_kept (now minus then). Small is good: log_loss; calibration, the absolute log ratio
        of expected to observed actions; ece. For comparison: base_rate_log_loss, naive_log_loss, and ratio, which is
        expected over observed actions. With one class only, all but log_loss are left out; with no rows, all.
    """
    if len(y) == 0:
        return Quality(0, 0, {})
    positives = int(y.sum())
    if of_others:
        y, scores = 1 - y, 1.0 - scores
        naive_rule = None if naive_rule is None else 1.0 - naive_rule
        past_rate = None if past_rate is None else 1.0 - past_rate
    rivals = {} if naive_rule is None else {"naive": naive_rule}
    rivals |= {} if past_rate is None else {"past_rate": np.full(len(y), past_rate)}
    rows = _ScoredRows.of(y, scores, rivals, len(set(users)), weight)
    drawn: dict[str, list[float]] = {}
    for weights in bootstrap_weights(users, seed, weight):
        for name, value in rows.measure_weighted(weights).items():
            drawn.setdefault(name, []).append(float(value))
    ends = {"ece": _remove_noise, "calibration": _fold_absolute}
    metrics = {name: ends.get(name, bootstrap_interval)(values) for name, values in drawn.items()}
    then = registered or {}
    metrics |= {
        change: measure_change(then[name], metrics[name])
        for name, change in KEPT.items()
        if name in then and name in metrics
    }
    return Quality(len(y), positives, metrics)


def measure_difference(
    y: Labels, challenger: Floats, champion: Floats, users: Users, seed: int, weight: Floats | None = None
) -> tuple[Measured, float]:
    """Bootstrap the mean log-loss difference on the same rows; also the share of draws in which it is negative."""
    gain = log_losses(y, challenger) - log_losses(y, champion)
    differences = [float(weights @ gain / weights.sum()) for weights in bootstrap_weights(users, seed, weight)]
    return bootstrap_interval(differences), float(np.mean(np.array(differences[1:]) < 0))


@dataclass(frozen=True)
class _ScoredRows:
    """Scored rows, with what no draw of users changes."""

    y: Labels
    scores: Floats
    losses: Floats  # log loss of each row
    rivals: Mapping[str, Floats]  # the log losses of other scores, by their name
    rank: Places  # number of the row's score among the distinct ones, ascending
    bin: Places  # of the reliability

    @classmethod
    def of(
        cls, y: Labels, scores: Floats, rivals: Mapping[str, Floats], users: int, weight: Floats | None = None
    ) -> "_ScoredRows":
        bins = max(1, min(ECE_BINS, users // ECE_USERS))
        places = np.linspace(0, 1, bins + 1)[1:-1]
        edges = np.unique(np.quantile(scores, places, weights=weight, method="inverted_cdf"))
        losses = {name: log_losses(y, rival) for name, rival in rivals.items()}
        return cls(
            y, scores, log_losses(y, scores), losses,
            np.unique(scores, return_inverse=True)[1], np.searchsorted(edges, scores),
        )  # fmt: skip

    def measure_weighted(self, weights: Floats) -> dict[str, float]:
        """Every metric of the rows, each counted as often as it weighs."""
        total, acted = float(weights.sum()), float(weights @ self.y)
        loss = float(weights @ self.losses / total)
        if not 0 < acted < total:
            return {"log_loss": loss}
        rate, expected = acted / total, max(float(weights @ self.scores), 1e-12)
        base = float(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
        rivals = {name: float(weights @ losses / total) for name, losses in self.rivals.items()}
        shown = {"naive_log_loss": rivals["naive"]} if "naive" in rivals else {}
        auc, precision = _ranking(self.y, self.rank, weights)
        return {
            "log_loss": loss,
            "auc": auc,
            "average_precision": precision,
            "normalised_ap": (precision - rate) / (1 - rate),
            "base_rate_log_loss": base,
            **shown,
            # rounded, so that a score which is the rate itself saves nothing, and not one in 1e16
            "skill_over_base_rate": round(1 - loss / base, 12),
            **{f"skill_over_{name}": round(1 - loss / rival, 12) for name, rival in rivals.items()},
            "ratio": expected / acted,
            "calibration": float(np.log(expected / acted)),  # signed, for now
            "ece": float(np.abs(np.bincount(self.bin, weights * (self.y - self.scores))).sum() / total),
        }


def bootstrap_weights(users: Users, seed: int, weight: Floats | None = None) -> Iterator[Floats]:
    """Row weights of each draw: first the sample itself, then users resampled with replacement."""
    base = np.ones(len(users)) if weight is None else weight
    position = np.unique(users.astype(str), return_inverse=True)[1]
    n = int(position.max()) + 1
    yield base
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield np.bincount(rng.integers(0, n, n), minlength=n)[position] * base


def bootstrap_interval(drawn: Sequence[float]) -> Measured:
    """The first draw is the value; the others give the interval."""
    low, high = np.percentile(drawn[1:], INTERVAL)
    return Measured(drawn[0], float(low), float(high))


def _fold_absolute(drawn: Sequence[float]) -> Measured:
    """The absolute value of a signed number, and the interval that its signed interval folds into."""
    signed = bootstrap_interval(drawn)
    near, far = sorted((abs(signed.low), abs(signed.high)))
    return Measured(abs(signed.value), 0.0 if signed.low <= 0 <= signed.high else near, far)


def _remove_noise(drawn: Sequence[float]) -> Measured:
    """The basic bootstrap of a distance, which noise alone makes larger, never smaller.

    Calibrated scores of 300 users show an ECE of 0.06. A draw is as far above the sample as the sample is above the
    truth, so all is mirrored at the sample (Davison and Hinkley, "Bootstrap Methods and their Application", 5.2),
    and what falls below 0 is 0.
    """
    low, high = np.percentile(drawn[1:], INTERVAL)
    mirrored = (max(0.0, 2 * drawn[0] - float(end)) for end in (np.mean(drawn[1:]), high, low))
    return Measured(*mirrored)


def measure_share(part: int, whole: int) -> Measured:
    """A share with its 90 % interval by Wilson's score method, which is honest at 0 of n too (JASA 22, 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(part, whole).proportion_ci((INTERVAL[1] - INTERVAL[0]) / 100, method="wilson")
    return Measured(part / whole, float(interval.low), float(interval.high))


def measure_change(then: Measured, now: Measured) -> Measured:
    """Now minus then, each with its own noise.

    The interval is made from both intervals by the square root of the summed squares of their arms (Zou and Donner,
    "Construction of confidence limits about effect measures", Statistics in Medicine 2008).
    """
    value = now.value - then.value
    return Measured(
        value,
        value - float(np.hypot(now.value - now.low, then.high - then.value)),
        value + float(np.hypot(now.high - now.value, then.value - then.low)),
    )


def _ranking(y: Labels, rank: Places, weights: Floats) -> tuple[float, float]:
    """Area under the ROC curve, and average precision, of weighted rows. Rows of one score stand at one place."""
    positive = np.bincount(rank, weights * y)
    negative = np.bincount(rank, weights * (1 - y))
    below = np.cumsum(negative) - negative
    auc = float(positive @ (below + negative / 2) / (positive.sum() * negative.sum()))
    hits = np.cumsum(positive[::-1])
    listed = hits + np.cumsum(negative[::-1])
    precision = hits / np.where(listed > 0, listed, 1.0)  # a score that no drawn row has adds nothing
    return auc, float(positive[::-1] @ precision / positive.sum())
