"""What past scores turned out to be worth, once what they spoke of has happened: the ledger's rows, and a word."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.audience import ranking
from lib.audience.spread import Spread, ranked_sql
from lib.config.question import Question
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality, measure, measure_change, measure_share
from lib.evaluation.segments import measure_segments, part_rows
from lib.features.days import LATE_DAYS
from lib.tables.sql import number_sql
from lib.timeline import is_final

ALL = "all"  # the part of the ledger that speaks of the whole list
DECILES = tuple(f"decile {number}" for number in range(1, 11))
HELD_OUT, NOT_HELD_OUT, SUPPRESSED = "held out", "not held out", "suppressed"
SHOWN = ("auc", "average_precision", "log_loss", "base_rate_log_loss", "skill_over_base_rate", "ratio", "calibration",
         "ece")  # fmt: skip
UNTOLD = "too few to tell"
# The word for an AUC of at least so much, the best first: how often one who acted stood above one who did not.
WORDS: Mapping[str, float] = {"excellent": 0.9, "very good": 0.8, "good": 0.7, "fair": 0.6, "poor": 0.0}
HONEST = 1.25  # beyond this factor between expected and observed, with the whole interval, no list is more than fair
MOST_ROWS = 200_000  # so many rows are measured at the most; counted are all


def counts_sql(scored: str, spread: Spread) -> str:
    """SQL for what `outcome_rows` counts of the scores of one cutoff.

    Parameters
    ----------
    scored : SELECT with user_id, propensity, label, and suppressed
        Every scored user once; label 1 where what was asked came true, else 0; `suppressed` where one stood on
        no list. The tables know a function `is_held_out`.
    spread : Spread
        Of these very rows.
    """
    ranked = ranked_sql(scored, spread, ("user_id", "propensity", "label", "suppressed"))
    flagged = f"SELECT l.*, is_held_out(user_id) AND NOT suppressed AS held FROM ({ranked}) l"
    return (
        "SELECT decile, band, held, suppressed, COUNT(*) AS users, SUM(propensity) AS expected, "
        f"CAST(SUM(label) AS BIGINT) AS observed FROM ({flagged}) f GROUP BY decile, band, held, suppressed"
    )


def sample_sql(scored: str, users: int) -> str:
    """SQL for the rows that are measured of so many: all, or about `MOST_ROWS` by the tables' function `user_place`."""
    some = f" WHERE user_place(user_id) < {number_sql(MOST_ROWS / users)}" if users > MOST_ROWS else ""
    return f"SELECT user_id, propensity, label FROM ({scored}) s{some}"


def outcome_rows(counts: pd.DataFrame, measured: pd.DataFrame, seed: int, *, without: bool = False) -> pd.DataFrame:
    """Hold the scores of one cutoff against what happened.

    Parameters
    ----------
    counts : DataFrame[decile, band, held, suppressed, users, expected, observed]
        Of every scored user, as `counts_sql` has them. `held`: nobody was to contact them, so that what contacting adds
        can be measured; `suppressed` users stood on no list: measured with the others, and compared with nobody.
    measured : DataFrame[user_id, propensity, label]
        Every scored user, or a sample.
    without : bool
        Whether it was asked who will not do it: the word is then of the rarer ones, whichever these are.

    Returns
    -------
    DataFrame[part, users, expected, observed, metric, measured, low, high, word]
        Part `all` has the metrics `SHOWN`, as `lib.evaluation.metrics` defines them, and the word; of one class only,
        log_loss alone. Each decile, each band that has users, the suppressed ones, and of all others those held out and
        not (where there are both) have their `rate` of acting and its `lift` over the list's. `not held out`, and each
        decile and band that has both, have the `effect`: the rate of those not held out less that of the others; its
        users are those not held out. Intervals of shares are Wilson's, the others come from resampling users.
    """
    counts = counts.sort_values(["decile", "band", "held", "suppressed"], ignore_index=True)
    quality = _measure_list(measured, seed)
    whole = [_metric_row(ALL, counts, name, quality.metrics[name]) for name in SHOWN if name in quality.metrics]
    rate = int(counts["observed"].sum()) / int(counts["users"].sum())
    parts = pd.DataFrame(
        [*whole, *(row for name, part in _split_parts(counts) for row in _share_rows(name, part, rate))]
    )
    effects = [row for name, part in _compared_parts(counts) for row in _effect_rows(name, part)]
    parts = pd.concat([parts, pd.DataFrame(effects)], ignore_index=True) if effects else parts
    parts["word"] = None
    turned = without and rate > 0.5
    judged = _measure_list(measured, seed, of_others=True) if turned else quality
    parts.loc[parts["part"] == ALL, "word"] = quality_word(judged)
    return parts


def segment_rows(rows: pd.DataFrame, values: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The scores of one cutoff by segment: a part of each, with its `rate`, `lift` and what segments are judged by.

    Parameters
    ----------
    rows : DataFrame[user_id, propensity, label]
    values : DataFrame[a column of each attribute: text], with the index of `rows`
    """
    masks, rate = dict(part_rows(values)), float(rows["label"].mean())
    measured = {one.name: one.metrics for one in measure_segments(rows, values, seed)}
    return pd.DataFrame(
        row
        for name, mask in masks.items()
        for row in (
            *_share_rows(name, _count(rows[mask]), rate),
            *(_metric_row(name, _count(rows[mask]), metric, one) for metric, one in measured[name].items()),
        )
    )


def _count(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {"users": [len(rows)], "expected": [rows["propensity"].sum()], "observed": [rows["label"].sum()]}
    )


def quality_word(quality: Quality) -> str:
    """How good scores proved to be, for those who do not read AUC.

    The word of `WORDS` for the AUC; not better than fair where expected and observed actions differ by more than a
    factor of `HONEST` with the whole interval; poor where the scores are not shown to beat the base rate.
    """
    if "auc" not in quality.metrics:
        return UNTOLD
    auc, ratio, skill = (quality.metrics[name] for name in ("auc", "ratio", "skill_over_base_rate"))
    if skill.high <= 0:
        return "poor"
    word = next(name for name, least in WORDS.items() if auc.value >= least)
    dishonest = ratio.low > HONEST or ratio.high < 1 / HONEST
    return "fair" if dishonest and WORDS[word] > WORDS["fair"] else word


def count_by_decile(propensities: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Expected and observed actions of each decile of some scored rows: decile, users, expected, observed."""
    order = np.argsort(-propensities, kind="stable")
    rows = pd.DataFrame({"decile": ranking.equal_parts(len(order), 10), "p": propensities[order], "y": labels[order]})
    grouped = rows.groupby("decile")
    return pd.DataFrame(
        {"users": grouped.size(), "expected": grouped["p"].sum(), "observed": grouped["y"].sum()}
    ).reset_index()


def format_outcomes(settled_rows: pd.DataFrame, question: Question) -> list[str]:
    """A line for each cutoff whose outcome was written; rows as `outcomes` has them."""
    counted = "users who stay away" if question.without else "actions"
    lines = []
    for cutoff, rows in settled_rows[settled_rows["part"] == ALL].groupby("cutoff"):
        first, measured = rows.iloc[0], rows.set_index("metric")["measured"]
        auc = f", AUC {measured['auc']:.4f}" if "auc" in measured else ""
        lines.append(
            f"The list of {cutoff} proved {first['word']}: of {first['users']} users, {first['expected']:.1f} "
            f"{counted} were expected and {first['observed']} observed{auc}, log loss {measured['log_loss']:.4f}."
        )
    return lines


def due_cutoffs(scored: pd.DataFrame, written: pd.DataFrame, horizon_days: int, as_of: date) -> list[date]:
    """The cutoffs whose outcome is to be written, or written anew: late events still change young ones.

    Parameters
    ----------
    scored : DataFrame[cutoff, prediction_version]
        What was scored at cutoffs matured by as_of.
    written : DataFrame[cutoff, prediction_version, as_of]
        What the ledger holds. An outcome that was written at a later as_of stays: it knew more.
    """
    written_at = {(cutoff, version): day for cutoff, version, day in written.itertuples(index=False)}

    def is_settled(cutoff: date, version: str) -> bool:
        before = written_at.get((cutoff, version))
        return before is not None and (before >= as_of or is_final(cutoff, horizon_days, before, LATE_DAYS))

    return sorted({cutoff for cutoff, version in scored.itertuples(index=False) if not is_settled(cutoff, version)})


def _measure_list(measured: pd.DataFrame, seed: int, *, of_others: bool = False) -> Quality:
    ordered = measured.sort_values(["propensity", "user_id"], ascending=[False, True])
    y, scores = ordered["label"].to_numpy(np.int64), ordered["propensity"].to_numpy(float)
    return measure(y, scores, None, ordered["user_id"].to_numpy(object), seed, of_others=of_others)


def _split_parts(counts: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Deciles, bands, suppressed users, and of the others those held out or not: each that has users."""
    held, suppressed = (counts[name].to_numpy(bool) for name in ("held", "suppressed"))
    masks: dict[str, Any] = {name: counts["decile"] == number for number, name in enumerate(DECILES, start=1)}
    masks |= {name: counts["band"] == name for name in ranking.BANDS}
    if held.any():
        masks |= {HELD_OUT: held, NOT_HELD_OUT: ~held & ~suppressed}
    masks |= {SUPPRESSED: suppressed}
    return [(name, counts[mask]) for name, mask in masks.items() if mask.any()]


def _compared_parts(counts: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The parts in which users held out are held against the others: the whole list, its deciles and bands."""
    held_or_not = (HELD_OUT, NOT_HELD_OUT, SUPPRESSED)
    return [(NOT_HELD_OUT, counts), *((name, part) for name, part in _split_parts(counts) if name not in held_or_not)]


def _effect_rows(name: str, part: pd.DataFrame) -> list[dict[str, object]]:
    sides = {held: rows for held, rows in part[~part["suppressed"]].groupby("held")}
    if len(sides) < 2:
        return []
    held, others = (_share(sides[side]) for side in (True, False))
    return [_metric_row(name, sides[False], "effect", measure_change(held, others))]


def _share_rows(name: str, part: pd.DataFrame, rate: float) -> list[dict[str, object]]:
    share = _share(part)
    rows = [_metric_row(name, part, "rate", share)]
    if rate:
        lift = Measured(share.value / rate, share.low / rate, share.high / rate)
        rows.append(_metric_row(name, part, "lift", lift))
    return rows


def _share(part: pd.DataFrame) -> Measured:
    return measure_share(int(part["observed"].sum()), int(part["users"].sum()))


def _metric_row(name: str, part: pd.DataFrame, metric: str, measured: Measured) -> dict[str, object]:
    return {
        "part": name, "users": int(part["users"].sum()), "expected": float(part["expected"].sum()),
        "observed": int(part["observed"].sum()), "metric": metric, "measured": measured.value, "low": measured.low,
        "high": measured.high,
    }  # fmt: skip
