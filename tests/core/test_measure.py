"""How scores did: beside scikit-learn's own numbers, with intervals that hold what they promise."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from lib import measure as measuring
from lib.decision import judge
from lib.measure import log_losses, measure, paired_difference


def users(n):
    return np.array([f"u{number}" for number in range(n)], object)


def drawn(n=800, seed=0, base=0.0):
    """Probabilities, and labels that come true with exactly these."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(base - 1, 1.2, n)))
    return (rng.random(n) < p).astype(np.int64), p


def of(y, p, naive=None, *, who=None, seed=0, **more):
    naive = np.full(len(y), 0.5) if naive is None else naive
    return measure(np.asarray(y), np.asarray(p, float), naive, users(len(y)) if who is None else who, seed, **more)


def test_every_metric_is_what_it_is_called():
    y, p = drawn()
    naive = np.where(p > 0.3, 0.4, 0.2)
    found = of(y, p, naive, registered_auc=0.75)
    base = log_loss(y, np.full(len(y), y.mean()))
    assert (found.rows, found.positives) == (800, y.sum())
    assert found.plain == pytest.approx({
        "log_loss": log_loss(y, p),
        "auc": roc_auc_score(y, p),
        "base_rate_log_loss": base,
        "naive_log_loss": log_loss(y, naive),
        "skill_over_base_rate": 1 - log_loss(y, p) / base,
        "skill_over_naive": 1 - log_loss(y, p) / log_loss(y, naive),
        "calibration": -abs(np.log(p.sum() / y.sum())),
        "auc_kept": roc_auc_score(y, p) - 0.75,
    }, rel=1e-12)  # fmt: skip
    assert "auc_kept" not in of(y, p, naive).metrics


def test_auc_counts_ties_half_and_takes_weights():
    rng = np.random.default_rng(3)
    for distinct in (2, 5, 300):
        y, scores = rng.integers(0, 2, 300), rng.integers(0, distinct, 300) / distinct
        weights = rng.integers(0, 4, 300).astype(float)
        rank = np.unique(scores, return_inverse=True)[1]
        assert measuring._auc(y, rank, np.ones(300)) == pytest.approx(roc_auc_score(y, scores), abs=1e-12)
        wanted = roc_auc_score(y, scores, sample_weight=weights)
        assert measuring._auc(y, rank, weights) == pytest.approx(wanted, abs=1e-12)
    assert of([0, 1, 0, 1], [0.5] * 4).plain["auc"] == 0.5
    assert of([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]).plain["auc"] == 1


def test_a_wrong_certainty_costs_as_much_as_one_in_a_million():
    losses = log_losses(np.array([1, 0, 1, 0]), np.array([0.0, 1.0, 1.0, 0.5]))
    assert losses == pytest.approx([-np.log(1e-6), -np.log(1e-6), 0, np.log(2)], abs=2e-6)


@pytest.mark.parametrize("label", [0, 1])
def test_with_one_class_only_the_log_loss_is_left(label):
    found = of([label] * 5, [0.2] * 5, registered_auc=0.7)
    assert list(found.metrics) == ["log_loss"]
    assert judge(found).answer == "cannot_tell"


def test_nobody_can_be_measured():
    found = of([], [], registered_auc=0.7)
    assert (found.rows, found.positives, found.metrics) == (0, 0, {})
    assert judge(found).answer == "cannot_tell"


@pytest.mark.parametrize("labels", [[1, 0, 0, 0], [1, 1, 1, 0]], ids=["one positive", "one negative"])
def test_draws_of_one_class_give_no_auc_and_spoil_none(labels):
    found = of(labels, [0.9, 0.4, 0.3, 0.2])
    assert found.metrics["auc"] == measuring.Measured(1, 1, 1)
    assert all(np.isfinite([m.low, m.value, m.high]).all() for m in found.metrics.values())


def test_the_same_seed_gives_the_same_interval():
    y, p = drawn()
    assert of(y, p, seed=4) == of(y, p, seed=4)
    assert of(y, p, seed=4).metrics["log_loss"].low != of(y, p, seed=5).metrics["log_loss"].low


def test_a_user_at_two_cutoffs_is_no_second_witness():
    y, p = drawn(300)
    once = of(y, p, who=users(300))
    twice = of(np.tile(y, 2), np.tile(p, 2), who=np.tile(users(300), 2))
    for name, measured in once.metrics.items():
        again = twice.metrics[name]
        assert (again.value, again.low, again.high) == pytest.approx((measured.value, measured.low, measured.high))


def test_a_90_percent_interval_holds_the_truth_nine_times_in_ten(monkeypatch):
    monkeypatch.setattr(measuring, "DRAWS", 100)
    truth = -np.mean([p * np.log(p) + (1 - p) * np.log(1 - p) for p in drawn(200_000, seed=99)[1]])
    held = 0
    for seed in range(100):
        loss = of(*drawn(200, seed)).metrics["log_loss"]
        held += loss.low <= truth <= loss.high
    assert 84 <= held <= 96  # 90 wanted; two standard deviations


def test_calibrated_scores_are_good():
    y, p = drawn(2000, seed=1)
    naive = np.full(2000, y.mean())
    verdict = judge(of(y, p, naive, registered_auc=roc_auc_score(y, p)))
    assert verdict.answer == "good", verdict


def test_a_coin_toss_on_a_rare_action_is_bad():
    y = (np.arange(1000) % 20 == 0).astype(np.int64)  # 5 % act
    verdict = judge(of(y, np.full(1000, 0.5), np.full(1000, 0.05), registered_auc=0.5))
    assert verdict.answer == "bad"
    assert [reason.split(" is ")[0] for reason in verdict.reasons] == [
        "skill_over_base_rate", "skill_over_naive", "calibration"
    ]  # fmt: skip


def test_the_paired_difference_says_who_is_better_and_how_surely():
    y, p = drawn()
    worse = np.clip(p * 1.8, 0.01, 0.99)
    difference, better = paired_difference(y, p, worse, users(800), seed=0)
    assert difference.value == pytest.approx(log_loss(y, p) - log_loss(y, worse))
    assert difference.low <= difference.value <= difference.high < 0
    assert better == 1.0
    other_way, worst = paired_difference(y, worse, p, users(800), seed=0)
    assert (other_way.value, worst) == (-difference.value, 0.0)
    assert paired_difference(y, p, p, users(800), seed=0) == (measuring.Measured(0, 0, 0), 0.0)  # no better than itself


def test_a_paired_interval_is_narrower_than_two_apart():
    y, p = drawn()
    near = np.clip(p * 1.05, 0.01, 0.99)
    difference, _ = paired_difference(y, p, near, users(800), seed=0)
    alone = of(y, p).metrics["log_loss"]
    assert difference.high - difference.low < (alone.high - alone.low) / 5


def test_a_row_that_stands_for_three_is_measured_like_three():
    y, p = drawn(400)
    naive, weight = np.where(p > 0.3, 0.4, 0.2), np.where(y == 1, 1.0, 3.0)
    weighted = of(y, p, naive, weight=weight)
    times = weight.astype(int)
    copies = [np.repeat(values, times) for values in (y, p, naive)]
    assert weighted.plain == pytest.approx(of(*copies, who=np.repeat(users(400), times)).plain, rel=1e-12)
    assert (weighted.rows, weighted.positives) == (400, y.sum())  # what was seen, not what it stands for
    other = np.clip(p * 1.3, 0.01, 0.99)
    gains = [
        paired_difference(y, p, other, users(400), 0, weight)[0].value,
        paired_difference(copies[0], copies[1], np.repeat(other, times), np.repeat(users(400), times), 0)[0].value,
    ]
    assert gains[0] == pytest.approx(gains[1], rel=1e-12)


def test_equal_weights_change_no_interval():
    y, p = drawn(400)
    plain, weighted = of(y, p), of(y, p, weight=np.full(400, 4.0))
    for name, measured in plain.metrics.items():
        again = weighted.metrics[name]
        assert (again.low, again.value, again.high) == pytest.approx((measured.low, measured.value, measured.high))
