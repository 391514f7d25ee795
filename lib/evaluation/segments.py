"""How scores do in each segment, that is of the users with one value of an attribute: quality and level."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.config.words import Words
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure

LEAST = 100  # users, or more: of fewer every interval is so wide that it says nothing
MOST = 30  # values of an attribute, the most frequent ones
OF_SEGMENT = " of "  # in a row of `model_checks`, between a metric and the segment that it is of
MEASURED = ("auc", "log_loss", "skill_over_base_rate", "ratio", "calibration")


@dataclass(frozen=True)
class Segment:
    """What was measured of the users with one value of an attribute."""

    name: str  # as `country: ES`
    users: int
    metrics: Mapping[str, Measured]


def part_rows(values: pd.DataFrame) -> Iterator[tuple[str, "pd.Series[bool]"]]:
    """The segments that are large enough, each with a mask of its rows; the most frequent value first.

    Parameters
    ----------
    values : DataFrame[a column of each attribute: text]
        A row for each row that is to be parted, with the same index.
    """
    for name in map(str, values):
        counts = values[name].value_counts()
        for value in counts[counts >= LEAST].head(MOST).index:
            yield f"{name}: {value}", values[name] == value


def measure_segments(rows: pd.DataFrame, values: pd.DataFrame, seed: int) -> list[Segment]:
    """Measure scores in each segment, with intervals from resampling users.

    Parameters
    ----------
    rows : DataFrame[user_id, propensity, label], and weight where they are a sample
    values : as in `part_rows`
    """
    segments = []
    for name, mask in part_rows(values):
        part = rows[mask]
        weight = part["weight"].to_numpy(float) if "weight" in part else None
        y, scores = part["label"].to_numpy(np.int64), part["propensity"].to_numpy(float)
        metrics = measure(y, scores, None, part["user_id"].to_numpy(object), seed, weight=weight).metrics
        measured = {metric: metrics[metric] for metric in MEASURED if metric in metrics}
        segments.append(Segment(name, int(part["user_id"].nunique()), measured))
    return segments


def metric_rows(segments: Sequence[Segment], max_calibration_error: float) -> pd.DataFrame:
    """What was measured, as rows of `model_checks`: metric, measured, low, high, threshold."""
    limits = {"calibration": max_calibration_error}
    return pd.DataFrame(
        [
            (f"{metric}{OF_SEGMENT}{one.name}", m.value, m.low, m.high, limits.get(metric))
            for one in segments
            for metric, m in one.metrics.items()
        ],
        columns=["metric", "measured", "low", "high", "threshold"],
    )


def format_off(segments: Sequence[Segment], max_calibration_error: float, words: Words) -> list[str]:
    """A sentence for each segment whose level is off: with the whole interval, by the limit that holds for all."""
    sentences = []
    for one in segments:
        error, ratio = (one.metrics.get(name) for name in ("calibration", "ratio"))
        if error is None or ratio is None or not error.low > max_calibration_error:
            continue
        sentences.append(
            f"Of {one.name} ({one.users} users) {ratio:.2f} times as many are expected to {words.act} as did; between "
            f"{math.exp(-max_calibration_error):.2f} and {math.exp(max_calibration_error):.2f} is allowed."
        )
    return sentences
