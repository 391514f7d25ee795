"""Quality and level by segment: which are large enough, what is measured, which are named."""

import numpy as np
import pandas as pd

from lib.config.words import ACTING, STAYING
from lib.evaluation.segments import format_off, measure_segments, metric_rows, part_rows


def rows_of(rates, expected, users=400):
    """Users in segments, of whom a share acts and a share is expected to."""
    rng = np.random.default_rng(0)
    frames = []
    for (name, rate), promise in zip(rates.items(), expected, strict=True):
        label = np.zeros(users, int)
        label[: round(rate * users)] = 1
        scores = np.clip(promise + 0.05 * rng.standard_normal(users) + 0.02 * label, 0.001, 0.999)
        frames.append(pd.DataFrame({
            "user_id": [f"{name}{n}" for n in range(users)], "label": label, "propensity": scores, "country": name,
        }))  # fmt: skip
    rows = pd.concat(frames, ignore_index=True)
    return rows, rows[["country"]]


def test_a_segment_needs_a_hundred_users_and_stands_by_its_size():
    values = pd.DataFrame({"plan": ["free"] * 150 + ["plus"] * 100 + ["old"] * 99})
    assert [(name, int(mask.sum())) for name, mask in part_rows(values)] == [("plan: free", 150), ("plan: plus", 100)]
    assert list(part_rows(pd.DataFrame(index=range(9)))) == []


def test_a_level_that_is_off_is_named_and_one_that_holds_is_not():
    rows, values = rows_of({"DE": 0.2, "ES": 0.4}, (0.2, 0.2))
    segments = measure_segments(rows, values, 0)
    assert [(one.name, one.users) for one in segments] == [("country: DE", 400), ("country: ES", 400)]
    (sentence,) = format_off(segments, 0.25, ACTING)
    assert sentence.startswith("Of country: ES (400 users) 0.5")
    assert sentence.endswith(" times as many are expected to act as did; between 0.78 and 1.28 is allowed.")
    assert " times as many are expected to stay away as did; " in format_off(segments, 0.25, STAYING)[0]
    assert format_off(segments, 1.5, ACTING) == []


def test_rows_say_the_metric_and_its_segment_and_the_level_has_its_limit():
    segments = measure_segments(*rows_of({"DE": 0.2}, (0.2,)), 0)
    rows = metric_rows(segments, 0.25).set_index("metric")
    assert list(rows.index) == [
        "auc of country: DE", "log_loss of country: DE", "skill_over_base_rate of country: DE",
        "ratio of country: DE", "calibration of country: DE",
    ]  # fmt: skip
    assert rows["threshold"].dropna().to_dict() == {"calibration of country: DE": 0.25}
    ratio = rows.loc["ratio of country: DE"]
    assert ratio["low"] < 1 < ratio["high"]


def test_of_a_segment_in_which_nobody_acts_only_the_loss_is_told():
    (segment,) = measure_segments(*rows_of({"MT": 0.0}, (0.1,)), 0)
    assert set(segment.metrics) == {"log_loss"}
    assert format_off([segment], 0.25, ACTING) == []
