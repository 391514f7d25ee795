"""The parts of a list in the ledger, and the rows that each has there."""

from typing import Any

import pandas as pd

from lib.audience import ranking
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure_share

ALL = "all"  # the part of the ledger that speaks of the whole list
DECILES = tuple(f"decile {number}" for number in range(1, 11))
HELD_OUT, NOT_HELD_OUT, SUPPRESSED = "held out", "not held out", "suppressed"
CHOSEN, CONTROL = "chosen", "control"  # who stood in a file, and the users held out who would have


def split_parts(counts: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Deciles, bands, suppressed users, and of the others both sides of a comparison: each that has users.

    Parameters
    ----------
    counts : DataFrame
        As `lib.audience.outcomes.counts_sql` gives it.
    """
    held, spoilt, suppressed = (counts[name].to_numpy(bool) for name in ("held", "spoilt", "suppressed"))
    masks: dict[str, Any] = {name: counts["decile"] == number for number, name in enumerate(DECILES, start=1)}
    masks |= {name: counts["band"] == name for name in ranking.BANDS}
    if held.any():
        masks |= {HELD_OUT: held, NOT_HELD_OUT: ~held & ~suppressed & ~spoilt}
    if {CHOSEN, CONTROL} <= set(counts["file"]):
        masks |= {side: (counts["file"] == side) & ~suppressed & ~spoilt for side in (CHOSEN, CONTROL)}
    masks |= {SUPPRESSED: suppressed}
    return [(name, counts[mask]) for name, mask in masks.items() if mask.any()]


def share_rows(name: str, part: pd.DataFrame, rate: float) -> list[dict[str, object]]:
    """A part's `rate`, and its `lift` over the rate of all."""
    share = share_of(part)
    rows = [metric_row(name, part, "rate", share)]
    if rate:
        lift = Measured(share.value / rate, share.low / rate, share.high / rate)
        rows.append(metric_row(name, part, "lift", lift))
    return rows


def share_of(part: pd.DataFrame) -> Measured:
    """How many of a part's users acted."""
    return measure_share(int(part["observed"].sum()), int(part["users"].sum()))


def metric_row(name: str, part: pd.DataFrame, metric: str, measured: Measured) -> dict[str, object]:
    """One row of the ledger."""
    return {
        "part": name, "users": int(part["users"].sum()), "expected": float(part["expected"].sum()),
        "observed": int(part["observed"].sum()), "metric": metric, "measured": measured.value, "low": measured.low,
        "high": measured.high,
    }  # fmt: skip
