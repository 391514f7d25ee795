"""What past scores turned out to be worth: the ledger's rows, the word for them, and which cutoffs are due."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from lib.audience import live_record, outcomes
from lib.audience.outcomes import count_by_decile, due_cutoffs, format_outcomes, quality_word
from lib.audience.ranking import BANDS, HeldOut, equal_parts
from lib.config.question import Question
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality, measure_share
from lib.features.days import LATE_DAYS
from tests.builders.lists import outcome_rows
from tests.builders.ranked import name_bands

CUTOFF = date(2024, 6, 3)
QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)


def scored(users=400, seed=0, factor=1.0):
    """Users who act as probably as they are scored, or by a factor more rarely."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 4, users)
    acted = (rng.random(users) < p / factor).astype(int)
    return pd.DataFrame({"user_id": [f"u{n}" for n in range(users)], "propensity": p, "label": acted})


def nobody(rows):
    return np.zeros(len(rows), bool)


def of(found, part, metric):
    (row,) = found[(found["part"] == part) & (found["metric"] == metric)].to_dict("records")
    return row


def test_the_whole_list_has_the_metrics_that_others_would_compute():
    rows = scored()
    found = outcome_rows(rows, nobody(rows), 0)
    y, p = rows["label"], rows["propensity"]
    whole = found[found["part"] == "all"].set_index("metric")
    assert whole["measured"].drop("ece").to_dict() == pytest.approx({
        "auc": roc_auc_score(y, p), "average_precision": average_precision_score(y, p), "log_loss": log_loss(y, p),
        "base_rate_log_loss": log_loss(y, np.full(400, y.mean())),
        "skill_over_base_rate": 1 - log_loss(y, p) / log_loss(y, np.full(400, y.mean())),
        "ratio": p.sum() / y.sum(), "calibration": abs(np.log(p.sum() / y.sum())),
    })  # fmt: skip
    assert (whole["low"] <= whole["high"]).all()
    assert (whole["users"] == 400).all()
    assert whole["expected"].tolist() == pytest.approx([p.sum()] * 8)
    assert (whole["observed"] == y.sum()).all()


def test_deciles_and_bands_hold_everybody_once_and_lift_is_rate_over_rate():
    rows = scored()
    found = outcome_rows(rows, nobody(rows), 0)
    rates = found[found["metric"] == "rate"].set_index("part")
    for parts in (rates.filter(like="decile", axis=0), rates.filter(like="average", axis=0)):
        assert parts["users"].sum() == 400
        assert parts["observed"].sum() == rows["label"].sum()
        assert parts["expected"].sum() == pytest.approx(rows["propensity"].sum())
    best = rows.nlargest(40, "propensity")
    row = of(found, "decile 1", "rate")
    assert (row["users"], row["observed"], row["expected"]) == (40, best["label"].sum(), pytest.approx(
        best["propensity"].sum()))  # fmt: skip
    assert Measured(row["measured"], row["low"], row["high"]) == measure_share(int(best["label"].sum()), 40)
    lift = of(found, "decile 1", "lift")
    assert lift["measured"] == pytest.approx(best["label"].mean() / rows["label"].mean())
    assert lift["low"] == pytest.approx(row["low"] / rows["label"].mean())


def test_the_order_of_the_rows_does_not_matter():
    rows = scored()
    held = HeldOut("q", 0.2, 0)
    shuffled = rows.sample(frac=1, random_state=1)
    one, other = (outcome_rows(r, held.flags(r["user_id"]), 0) for r in (rows, shuffled))
    pd.testing.assert_frame_equal(one, other)


def in_pandas(rows, held, suppressed):
    """Users, expected and observed actions of each part, as they were counted when the whole list was one frame."""
    ranked = rows.assign(held=held & ~suppressed, suppressed=suppressed).sort_values(
        ["propensity", "user_id"], ascending=[False, True]
    )
    out, held = ranked["suppressed"].to_numpy(), ranked["held"].to_numpy()
    decile, band = equal_parts(len(ranked), 10), name_bands(ranked["propensity"].to_numpy(float))
    masks = {f"decile {number}": decile == number for number in range(1, 11)} | {name: band == name for name in BANDS}
    masks |= {"held out": held, "not held out": ~held & ~out} if held.any() else {}
    parts = {name: ranked[mask] for name, mask in (masks | {"suppressed": out}).items() if mask.any()}
    return {name: (len(part), part["propensity"].sum(), part["label"].sum()) for name, part in parts.items()}


@pytest.mark.parametrize("users", [1, 9, 1000])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("held_out", "left_out"), [(0.0, 0.0), (0.3, 0.0), (0.3, 0.2), (0.0, 0.2), (0.5, 1.0)])
def test_each_part_holds_whom_it_held_in_one_frame(users, ties, held_out, left_out):
    rng = np.random.default_rng(users)
    rows = scored(users)
    rows["propensity"] = rng.integers(0, 4, users) / 4 if ties else rows["propensity"]
    held, suppressed = rng.random(users) < held_out, rng.random(users) < left_out
    found = outcome_rows(rows, held, 0, suppressed)
    parts = found[found["metric"] == "rate"].set_index("part")
    wanted = in_pandas(rows, held, suppressed)
    assert list(parts.index) == list(wanted)  # in this order too
    assert list(zip(parts["users"], parts["observed"], strict=True)) == [(n, acted) for n, _, acted in wanted.values()]
    assert parts["expected"].tolist() == pytest.approx([expected for _, expected, _ in wanted.values()], rel=1e-12)


def test_the_effect_is_what_the_others_did_more_than_those_held_out():
    rows = scored(1000)
    held = np.arange(1000) % 5 == 0
    rows.loc[~held, "label"] = (np.arange(800) % 2 == 0).astype(int)
    rows.loc[held, "label"] = (np.arange(200) % 4 == 0).astype(int)
    found = outcome_rows(rows, held, 0)
    assert of(found, "held out", "rate")["measured"] == 0.25
    effect = of(found, "not held out", "effect")
    assert effect["measured"] == 0.25
    assert (effect["low"], effect["high"]) == pytest.approx((0.19, 0.30), abs=0.02)
    assert (effect["users"], effect["observed"]) == (800, 400)
    compared = found[found["metric"] == "effect"]
    assert {f"decile {n}" for n in range(1, 11)} < set(compared["part"])
    first = of(found, "decile 1", "effect")
    top = rows.assign(held=held).sort_values(["propensity", "user_id"], ascending=[False, True]).head(100)
    rates = top.groupby("held")["label"].mean()
    assert first["measured"] == pytest.approx(rates[False] - rates[True])
    assert first["users"] == (~top["held"]).sum()
    assert not found[found["part"] == "all"].equals(outcome_rows(rows, nobody(rows), 0))
    assert "held out" not in set(outcome_rows(rows, nobody(rows), 0)["part"])


@pytest.mark.parametrize(("label", "metrics"), [(0, {"rate"}), (1, {"rate", "lift"})])
def test_one_class_only_leaves_rates_and_the_log_loss(label, metrics):
    rows = scored().assign(label=label)
    found = outcome_rows(rows, nobody(rows), 0)
    assert found[found["part"] == "all"]["metric"].tolist() == ["log_loss"]
    assert set(found[found["part"] != "all"]["metric"]) == metrics
    assert set(found[found["part"] == "all"]["word"]) == {"too few to tell"}


def test_the_word_stands_with_the_whole_list_only():
    found = outcome_rows(scored(), nobody(scored()), 0)
    assert set(found[found["part"] == "all"]["word"]) == {"good"}
    assert found[found["part"] != "all"]["word"].isna().all()


@pytest.mark.parametrize(
    ("auc", "ratio", "skill", "expected"),
    [
        (0.90, (1, 0.9, 1.1), 0.1, "excellent"), (0.899, (1, 0.9, 1.1), 0.1, "very good"),
        (0.799, (1, 0.9, 1.1), 0.1, "good"), (0.699, (1, 0.9, 1.1), 0.1, "fair"),
        (0.599, (1, 0.9, 1.1), 0.1, "poor"), (0.3, (1, 0.9, 1.1), 0.1, "poor"),
        (0.95, (1.4, 1.26, 1.5), 0.1, "fair"), (0.95, (1.4, 1.25, 1.5), 0.1, "excellent"),
        (0.95, (0.7, 0.6, 0.79), 0.1, "fair"), (0.95, (0.7, 0.6, 0.8), 0.1, "excellent"),
        (0.55, (1.4, 1.26, 1.5), 0.1, "poor"), (0.95, (1, 0.9, 1.1), 0.0, "poor"),
    ],
)  # fmt: skip
def test_the_word_follows_its_rule(auc, ratio, skill, expected):
    metrics = {
        "auc": Measured(auc, 0, 1), "ratio": Measured(*ratio),
        "skill_over_base_rate": Measured(skill - 0.1, skill - 0.2, skill),
    }  # fmt: skip
    assert quality_word(Quality(100, 10, metrics)) == expected
    assert quality_word(Quality(100, 0, {"log_loss": Measured(0.1, 0.1, 0.1)})) == "too few to tell"


def test_of_very_many_rows_a_sample_is_measured_and_all_are_counted(monkeypatch):
    rows = scored(3000)
    monkeypatch.setattr(outcomes, "MOST_ROWS", 1000)
    sampled = outcome_rows(rows, nobody(rows), 0)
    monkeypatch.setattr(outcomes, "MOST_ROWS", 3000)
    whole = outcome_rows(rows, nobody(rows), 0)
    for name in ("users", "expected", "observed"):
        assert sampled[name].tolist() == whole[name].tolist()
    assert of(sampled, "all", "auc")["measured"] != of(whole, "all", "auc")["measured"]
    assert of(sampled, "all", "auc")["measured"] == pytest.approx(of(whole, "all", "auc")["measured"], abs=0.06)


def test_the_record_of_a_pair_counts_a_user_s_cutoffs_together():
    rows = pd.concat([scored(seed=1), scored(seed=2)]).assign(cutoff=CUTOFF)
    found = live_record.live_metrics(rows, 0)
    assert set(found) == {"live_skill_over_base_rate", "live_calibration", "live_lists", "live_lists_above"}
    assert found["live_calibration"].value == pytest.approx(abs(np.log(rows["propensity"].sum() / rows["label"].sum())))
    off = live_record.live_metrics(scored(2000, factor=2.0).assign(cutoff=CUTOFF), 0)["live_calibration"]
    assert 0.45 < off.low < off.value < off.high < 0.95
    assert set(live_record.live_metrics(rows.assign(label=0), 0)) == {"live_lists", "live_lists_above"}


def test_tenths_of_scored_rows():
    found = count_by_decile(np.array([0.1, 0.9, 0.5, 0.5]), np.array([0, 1, 1, 0]))
    assert found.to_dict("list") == {
        "decile": [1, 3, 6, 8], "users": [1, 1, 1, 1], "expected": [0.9, 0.5, 0.5, 0.1], "observed": [1, 1, 0, 0],
    }  # fmt: skip


def known(*rows):
    return pd.DataFrame(rows, columns=["cutoff", "prediction_version", "as_of"])


FINAL = CUTOFF + timedelta(days=7 + LATE_DAYS)


@pytest.mark.parametrize(
    ("told", "as_of", "expected"),
    [
        (known(), CUTOFF + timedelta(days=7), [CUTOFF]),  # never told
        (known((CUTOFF, "1", CUTOFF + timedelta(days=7))), CUTOFF + timedelta(days=7), []),  # this very day
        (known((CUTOFF, "1", CUTOFF + timedelta(days=7))), CUTOFF + timedelta(days=8), [CUTOFF]),  # may have changed
        (known((CUTOFF, "1", FINAL - timedelta(days=1))), FINAL + timedelta(days=99), [CUTOFF]),
        (known((CUTOFF, "1", FINAL)), FINAL + timedelta(days=99), []),  # nothing late is waited for any more
        (known((CUTOFF, "1", CUTOFF + timedelta(days=20))), CUTOFF + timedelta(days=10), []),  # it knew more
        (known((CUTOFF, "2", FINAL)), FINAL, [CUTOFF]),  # another pair has scored since
    ],
)
def test_a_cutoff_is_due_until_nothing_late_can_change_it(told, as_of, expected):
    assert due_cutoffs(pd.DataFrame({"cutoff": [CUTOFF], "prediction_version": ["1"]}), told, 7, as_of) == expected


def test_what_became_of_a_list_is_told_in_a_line():
    rows = scored()
    found = outcome_rows(rows, nobody(rows), 0).assign(cutoff=CUTOFF)
    auc, loss = (of(found, "all", name)["measured"] for name in ("auc", "log_loss"))
    assert format_outcomes(found, QUESTION) == [
        f"The list of 2024-06-03 proved good: of 400 users, {rows['propensity'].sum():.1f} actions were expected "
        f"and {rows['label'].sum()} observed, AUC {auc:.4f}, log loss {loss:.4f}."
    ]
    alike = rows.assign(label=0)
    assert (
        " and 0 observed, log loss "
        in format_outcomes(outcome_rows(alike, nobody(alike), 0).assign(cutoff=CUTOFF), QUESTION)[0]
    )
    assert format_outcomes(pd.DataFrame(columns=["part", "cutoff"]), QUESTION) == []
