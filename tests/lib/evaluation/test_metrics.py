"""How scores did: beside scikit-learn's own numbers, with intervals that hold what they promise."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from lib.evaluation import metrics as measuring
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality, log_losses, measure, measure_difference
from lib.evaluation.verdict import failed_limits, judge_metrics
from tests.builders.runs import THRESHOLDS


def users(n):
    return np.array([f"u{number}" for number in range(n)], object)


def drawn(n=800, seed=0, base=0.0):
    """Probabilities, and labels that come true with exactly these."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(base - 1, 1.2, n)))
    return (rng.random(n) < p).astype(np.int64), p


def of(y, p, naive=None, *, who=None, seed=0, past_rate=0.5, **more):
    naive = np.full(len(y), 0.5) if naive is None else naive
    who = users(len(y)) if who is None else who
    return measure(np.asarray(y), np.asarray(p, float), naive, who, seed, past_rate=past_rate, **more)


def exactly(**values):
    """Registered values that are known for certain."""
    return {name: Measured(value, value, value) for name, value in values.items()}


def verdict_on(quality):
    """The verdict where the inputs have not moved."""
    return judge_metrics(
        Quality(quality.rows, quality.positives, {
            **quality.metrics, **exactly(drifted_share=0.0, unseen_share=0.0, age_days=7.0),
        }),
        THRESHOLDS,
    )  # fmt: skip


def test_every_metric_is_what_it_is_called():
    y, p = drawn()
    naive = np.where(p > 0.3, 0.4, 0.2)
    found = of(y, p, naive, past_rate=0.3, registered=exactly(auc=0.75, normalised_ap=0.5, log_loss=0.4))
    base, rate = log_loss(y, np.full(len(y), y.mean())), y.mean()
    precision = average_precision_score(y, p)
    assert (found.rows, found.positives) == (800, y.sum())
    plain = found.plain
    assert 0 <= plain.pop("ece") < 0.03  # calibrated: by a simulation below
    assert plain == pytest.approx({
        "log_loss": log_loss(y, p),
        "auc": roc_auc_score(y, p),
        "average_precision": precision,
        "normalised_ap": (precision - rate) / (1 - rate),
        "base_rate_log_loss": base,
        "naive_log_loss": log_loss(y, naive),
        "skill_over_base_rate": 1 - log_loss(y, p) / base,
        "skill_over_past_rate": 1 - log_loss(y, p) / log_loss(y, np.full(len(y), 0.3)),
        "skill_over_naive": 1 - log_loss(y, p) / log_loss(y, naive),
        "ratio": p.sum() / y.sum(),
        "calibration": abs(np.log(p.sum() / y.sum())),
        "auc_kept": roc_auc_score(y, p) - 0.75,
        "ap_kept": (precision - rate) / (1 - rate) - 0.5,
    }, rel=1e-12)  # fmt: skip
    assert found.intervals["auc"] == (found.metrics["auc"].low, found.metrics["auc"].high)
    alone = of(y, p, naive, registered=exactly(auc=0.75)).metrics
    assert ("auc_kept" in alone, "ap_kept" in alone) == (True, False)


def test_without_a_rule_or_a_past_rate_nothing_is_held_against_them():
    y, p = drawn()
    whole = of(y, p, p).plain
    alone = measuring.measure(y, p, None, np.arange(800).astype(object), 0).plain
    assert set(whole) - set(alone) == {"naive_log_loss", "skill_over_naive", "skill_over_past_rate"}
    assert alone == {name: whole[name] for name in alone}


@pytest.mark.parametrize(("part", "whole", "low", "high"), [
    (0, 10, 0.0, 0.2129), (10, 10, 0.7871, 1.0), (250, 1000, 0.2282, 0.2732),
])  # fmt: skip
def test_a_share_has_the_interval_of_wilson(part, whole, low, high):
    z, p = 1.6448536, part / whole  # the quadratic in the true share, solved
    centre, arm = (p + z * z / (2 * whole)), z * np.sqrt(p * (1 - p) / whole + z * z / (4 * whole**2))
    found = measuring.measure_share(part, whole)
    assert found.value == p
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    scaled = [(centre - arm) / (1 + z * z / whole), (centre + arm) / (1 + z * z / whole)]
    assert (found.low, found.high) == pytest.approx(tuple(scaled), abs=1e-6)


def test_auc_and_average_precision_count_ties_at_one_place_and_take_weights():
    rng = np.random.default_rng(3)
    for distinct in (2, 5, 300):
        y, scores = rng.integers(0, 2, 300), rng.integers(0, distinct, 300) / distinct
        rank = np.unique(scores, return_inverse=True)[1]
        for weights in (np.ones(300), rng.integers(0, 4, 300).astype(float), rng.random(300)):
            wanted = [f(y, scores, sample_weight=weights) for f in (roc_auc_score, average_precision_score)]
            assert measuring._ranking(y, rank, weights) == pytest.approx(wanted, abs=1e-12)
    plain = of([0, 1, 0, 1], [0.5] * 4).plain
    assert (plain["auc"], plain["average_precision"], plain["normalised_ap"]) == (0.5, 0.5, 0)
    plain = of([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]).plain
    assert (plain["auc"], plain["average_precision"], plain["normalised_ap"]) == (1, 1, 1)


def test_the_area_alone_is_scikit_learn_s_too():
    y, p = drawn()
    for scores in (p, np.round(p, 1)):  # the second has ties
        assert measuring.area_under_curve(y == 1, scores) == pytest.approx(roc_auc_score(y, scores), abs=1e-12)


def test_a_score_that_no_drawn_row_has_adds_nothing():
    rank = np.array([0, 1, 2])
    assert measuring._ranking(np.array([0, 1, 0]), rank, np.array([1.0, 1.0, 0.0])) == (1, 1)


def test_a_wrong_certainty_costs_as_much_as_one_in_a_million():
    losses = log_losses(np.array([1, 0, 1, 0]), np.array([0.0, 1.0, 1.0, 0.5]))
    assert losses == pytest.approx([-np.log(1e-6), -np.log(1e-6), 0, np.log(2)], abs=2e-6)


@pytest.mark.parametrize("label", [0, 1])
def test_with_one_class_only_the_log_loss_is_left(label):
    found = of([label] * 5, [0.2] * 5, registered=exactly(auc=0.7))
    assert list(found.metrics) == ["log_loss"]
    assert verdict_on(found).answer == "cannot_tell"


def test_nobody_can_be_measured():
    found = of([], [], registered=exactly(auc=0.7))
    assert (found.rows, found.positives, found.metrics) == (0, 0, {})
    assert verdict_on(found).answer == "cannot_tell"


@pytest.mark.parametrize("labels", [[1, 0, 0, 0], [1, 1, 1, 0]], ids=["one positive", "one negative"])
def test_draws_of_one_class_give_no_auc_and_spoil_none(labels):
    found = of(labels, [0.9, 0.4, 0.3, 0.2])
    assert found.metrics["auc"] == Measured(1, 1, 1)
    assert all(np.isfinite([m.low, m.value, m.high]).all() for m in found.metrics.values())


def test_a_number_is_told_with_its_interval_unless_it_is_certain():
    assert str(Measured(0.25, 0.125, 0.5)) == "0.2500 (0.1250 to 0.5000)"
    assert f"{-Measured(0.25, 0.125, 0.5):.1f}" == "-0.2 (-0.5 to -0.1)"
    assert f"{Measured(7, 7, 7):g}" == "7"


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


def test_a_distance_is_measured_either_way():
    y = np.arange(400) % 4 == 0  # a quarter
    for p, low in ((0.25, 0.0), (0.5, 0.5), (0.125, 0.5)):
        found = of(y.astype(int), np.full(400, p)).metrics["calibration"]
        assert found.value == pytest.approx(abs(np.log(4 * p)))
        assert found.low <= found.value <= found.high
        assert found.low == 0 if low == 0 else found.low > low
    near = measuring._fold_absolute([0.1, *np.linspace(-0.2, 0.4, 101)])
    assert (near.value, near.low, near.high) == pytest.approx((0.1, 0, 0.37))
    below = measuring._fold_absolute([-0.3, *np.linspace(-0.5, -0.1, 101)])
    assert (below.value, below.low, below.high) == pytest.approx((0.3, 0.12, 0.48))


def test_the_reliability_takes_off_what_noise_adds():
    drawn_too_far = [0.05, *np.linspace(0.04, 0.1, 101)]  # mean 0.07, ends 0.043 and 0.097
    found = measuring._remove_noise(drawn_too_far)
    assert (found.value, found.low, found.high) == pytest.approx((0.03, 0.003, 0.057))
    assert measuring._remove_noise([0.02, *[0.05] * 9]) == Measured(0, 0, 0)


@pytest.mark.parametrize(("users", "bins"), [(9, 1), (99, 1), (100, 2), (499, 9), (500, 10), (5000, 10)])
def test_the_reliability_has_a_bin_for_each_fifty_users(users, bins):
    scores = np.arange(900) / 900
    found = measuring._ScoredRows.of(np.zeros(900, np.int64), scores, {}, users)
    assert len(set(found.bin)) == bins
    assert np.ptp(np.bincount(found.bin)) <= 2


@pytest.mark.parametrize(("rows", "seeds"), [(200, 12), (600, 8), (3000, 4)])
def test_calibrated_scores_do_not_fail_by_noise(monkeypatch, rows, seeds):
    monkeypatch.setattr(measuring, "DRAWS", 200)
    for seed in range(seeds):
        y, p = drawn(rows, seed)
        found = of(y, p, np.full(rows, p.mean()), past_rate=p.mean())
        assert failed_limits(found, THRESHOLDS) == ()
        assert found.metrics["ece"].low <= found.metrics["ece"].value <= found.metrics["ece"].high


@pytest.mark.parametrize("seed", range(4))
def test_scores_a_tenth_off_fail_by_their_reliability(monkeypatch, seed):
    """The mean is right and the order too: only the spread is not."""
    monkeypatch.setattr(measuring, "DRAWS", 200)
    y, p = drawn(2000, seed)
    off = np.clip(p + 0.1 * np.sign(p - np.median(p)), 0.001, 0.999)
    found = of(y, off, np.full(2000, 0.5))
    assert any(reason.startswith("Scores and observed rates lie 0.") for reason in failed_limits(found, THRESHOLDS))
    assert found.metrics["ece"].value == pytest.approx(0.1, abs=0.02)


def test_what_is_kept_carries_the_noise_of_then_and_now():
    then, now = Measured(0.80, 0.76, 0.83), Measured(0.75, 0.72, 0.79)
    kept = measuring.measure_change(then, now)
    assert (kept.value, kept.low, kept.high) == pytest.approx((-0.05, -0.05 - np.hypot(0.03, 0.03), -0.05 + np.hypot(
        0.04, 0.04)))  # fmt: skip


def test_a_good_champion_is_not_thrown_away_by_noise_on_sixty_positives(monkeypatch):
    """Two holdouts of the same behaviour, one when it was registered and one now, twenty times."""
    monkeypatch.setattr(measuring, "DRAWS", 200)
    answers = []
    for seed in range(20):
        then, now = (of(*drawn(600, number, base=-1.9), np.full(600, 0.1), past_rate=0.1)
                     for number in (100 + seed, seed))  # fmt: skip
        assert 35 <= now.positives <= 85
        y, p = drawn(600, seed, base=-1.9)
        answers.append(verdict_on(of(y, p, np.full(600, 0.1), past_rate=0.1, registered=then.metrics)).answer)
    assert answers == ["good"] * 20


def test_calibrated_scores_are_good():
    y, p = drawn(2000, seed=1)
    naive = np.full(2000, y.mean())
    then = of(y, p, naive).metrics
    verdict = verdict_on(of(y, p, naive, registered=then))
    assert verdict.answer == "good", verdict


@pytest.mark.parametrize(("rate", "score", "loss"), [
    (0.05, 0.5, 0.693), (0.01, 0.5, 0.693), (0.05, 0.05, 0.199), (0.5, 0.5, 0.693), (0.01, 0.01, 0.056),
])  # fmt: skip
def test_a_constant_never_passes_however_low_its_log_loss(rate, score, loss):
    """A cap on the log loss lets all of these pass: 0.9 does, and so would 0.7."""
    y = (np.arange(2000) % round(1 / rate) == 0).astype(np.int64)
    found = of(y, np.full(2000, score), np.full(2000, rate), registered=exactly(auc=0.5, normalised_ap=0))
    assert found.plain["log_loss"] == pytest.approx(loss, abs=1e-3)
    verdict = verdict_on(found)
    assert verdict.answer == "bad"
    assert "base rate's log loss; more than 0.0% is wanted" in verdict.reasons[0]


def test_one_percent_of_positives_widens_intervals_and_proves_nothing():
    y, p = drawn(5000, seed=2, base=-4.3)
    assert 40 <= y.sum() <= 60  # one in a hundred
    found = of(y, p, np.full(5000, p.mean()), past_rate=p.mean())
    assert found.metrics["auc"].high - found.metrics["auc"].low > 0.05
    assert verdict_on(replace(found, metrics=found.metrics | exactly(auc_kept=0, ap_kept=0))).answer == "good"


def test_the_paired_difference_says_who_is_better_and_how_surely():
    y, p = drawn()
    worse = np.clip(p * 1.8, 0.01, 0.99)
    difference, better = measure_difference(y, p, worse, users(800), seed=0)
    assert difference.value == pytest.approx(log_loss(y, p) - log_loss(y, worse))
    assert difference.low <= difference.value <= difference.high < 0
    assert better == 1.0
    other_way, worst = measure_difference(y, worse, p, users(800), seed=0)
    assert (other_way.value, worst) == (-difference.value, 0.0)
    assert measure_difference(y, p, p, users(800), seed=0) == (Measured(0, 0, 0), 0.0)  # no better than itself


def test_a_paired_interval_is_narrower_than_two_apart():
    y, p = drawn()
    near = np.clip(p * 1.05, 0.01, 0.99)
    difference, _ = measure_difference(y, p, near, users(800), seed=0)
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
        measure_difference(y, p, other, users(400), 0, weight)[0].value,
        measure_difference(copies[0], copies[1], np.repeat(other, times), np.repeat(users(400), times), 0)[0].value,
    ]
    assert gains[0] == pytest.approx(gains[1], rel=1e-12)


def test_equal_weights_change_no_interval():
    y, p = drawn(400)
    plain, weighted = of(y, p), of(y, p, weight=np.full(400, 4.0))
    for name, measured in plain.metrics.items():
        again = weighted.metrics[name]
        assert (again.low, again.value, again.high) == pytest.approx((measured.low, measured.value, measured.high))
