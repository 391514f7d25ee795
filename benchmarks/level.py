"""Do pairs keep the level? How many are expected to act, over how many truly would, where one day was odd.

    python -m benchmarks.level [--seeds 50] [--users 4000] [--start 1]     about a quarter of an hour on one core

Users whose true log-odds are known, at 26 weekly cutoffs, of which the newest had 1.3 times the rate. A pair is fitted
and calibrated as `retrain` does it, then asked about a day of the usual rate. Printed for each rate: the mean, the 5 %
and the 95 % point over the seeds; over the true probabilities, so that no chance of that day's labels is in it.
"""

import argparse
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from lib.config.question import Question
from lib.labels.rows import Rows
from lib.training.fit import earn_sharpness, fit_pair
from lib.training.folds import ask_folds, prepare_folds
from lib.training.space import STARTS

RATES = (0.005, 0.01, 0.05, 0.2, 0.5)
ODD = 1.3  # times the rate, on one day
CUTOFFS = 26
QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
NEWEST = date(2024, 6, 3)


def main() -> None:
    """Print one line for each rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--users", type=int, default=4_000, help="at each cutoff")
    parser.add_argument("--start", type=int, default=1, choices=range(len(STARTS)), help="of the search space")
    given = parser.parse_args()
    print("rate    mean   5 %    95 %")
    for rate in RATES:
        found = [expected_over_true(rate, seed, STARTS[given.start], given.users) for seed in range(given.seeds)]
        low, high = np.percentile(found, [5, 95])
        print(f"{rate:<7g} {np.mean(found):.3f}  {low:.3f}  {high:.3f}", flush=True)


def expected_over_true(rate: float, seed: int, params: Mapping[str, Any], users: int) -> float:
    """How many a pair expects to act on a usual day, over the sum of their true probabilities."""
    rng = np.random.default_rng([seed, round(1000 * rate)])
    cutoffs = [NEWEST - timedelta(days=7 * n) for n in range(CUTOFFS)]
    frames = [_draw(rng, cutoff, users, rate * (ODD if cutoff == NEWEST else 1.0)) for cutoff in cutoffs]
    rows = Rows(pd.concat([frame.drop(columns="truth") for frame in frames], ignore_index=True))
    earned = earn_sharpness(ask_folds(prepare_folds(rows, cutoffs, QUESTION, seed), params))
    pair = fit_pair(rows, params, QUESTION, NEWEST, seed, earned)
    usual = _draw(rng, NEWEST + timedelta(days=7), 20_000, rate)
    return float(pair.score(usual).sum() / usual["truth"].sum())


def _draw(rng: np.random.Generator, cutoff: date, users: int, rate: float) -> pd.DataFrame:
    """Users of one cutoff: how often and how lately they acted, which decides their true probability, and labels."""
    often, lately = rng.gamma(0.7, 4.0, users), rng.gamma(1.0, 20.0, users)
    wish = 0.9 * np.arcsinh(often) - 0.5 * np.arcsinh(lately)
    truth = expit(wish + brentq(lambda a: expit(wish + a).mean() - rate, -30, 30))
    return pd.DataFrame({
        "user_id": [f"u{n}" for n in range(users)], "cutoff": cutoff, "label": (rng.random(users) < truth).astype(int),
        "truth": truth, "recency": lately, "buy__recency": lately, "events_90": often, "buy__events_90": often,
    })  # fmt: skip


if __name__ == "__main__":
    main()
