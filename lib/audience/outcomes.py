"""What past scores turned out to be worth, once what they spoke of has happened: the ledger's rows, and a word."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.audience import ranking
from lib.audience.parts import ALL, metric_row, share_rows, split_parts
from lib.audience.sides import effect_rows
from lib.audience.spread import Spread, ranked_sql
from lib.config.question import Question
from lib.evaluation.metrics import Quality, measure
from lib.evaluation.segments import measure_segments, part_rows
from lib.features.days import LATE_DAYS
from lib.tables.sql import number_sql
from lib.timeline import is_final

SHOWN = ("auc", "average_precision", "log_loss", "base_rate_log_loss", "skill_over_base_rate", "ratio", "calibration",
         "ece")  # fmt: skip
COUNTED = ("decile", "band", "held", "spoilt", "suppressed", "file", "contacted")  # by which users are counted
UNTOLD = "too few to tell"
# The word for an AUC of at least so much, the best first: how often one who acted stood above one who did not.
WORDS: Mapping[str, float] = {"excellent": 0.9, "very good": 0.8, "good": 0.7, "fair": 0.6, "poor": 0.0}
HONEST = 1.25  # beyond this factor between expected and observed, with the whole interval, no list is more than fair
MOST_ROWS = 200_000  # so many rows are measured at the most; counted are all


def counts_sql(scored: str, spread: Spread, *, of_home: bool = False) -> str:
    """SQL for what `outcome_rows` counts of the scores of one cutoff.

    Parameters
    ----------
    scored : SELECT with user_id, propensity, label, suppressed, file, contacted, and reached
        Every scored user once; label 1 where what was asked came true, else 0; `suppressed` where one stood on
        no list; `file` is chosen or control for who stood in a file or beside it; `contacted` where somebody told so;
        `reached` where a user who is held out was contacted all the same, on whatever question, and is to count on no
        side. The tables know a function `is_held_out`.
    spread : Spread
        Of these very rows.
    of_home : bool
        Whether who is held out is so of all questions: only then `reached` counts.
    """
    ranked = ranked_sql(
        scored, spread, ("user_id", "propensity", "label", "suppressed", "file", "contacted", "reached")
    )
    reached = "reached" if of_home else "1 = 0"
    flagged = f"SELECT l.*, is_held_out(user_id) AND NOT suppressed AS alone FROM ({ranked}) l"
    sides = f"SELECT f.*, alone AND NOT {reached} AS held, alone AND {reached} AS spoilt FROM ({flagged}) f"
    parts = ", ".join(COUNTED)
    return (
        f"SELECT {parts}, COUNT(*) AS users, SUM(propensity) AS expected, CAST(SUM(label) AS BIGINT) AS observed "
        f"FROM ({sides}) s GROUP BY {parts}"
    )


def sample_sql(scored: str, users: int) -> str:
    """SQL for the rows that are measured of so many: all, or about `MOST_ROWS` by the tables' function `user_place`."""
    some = f" WHERE user_place(user_id) < {number_sql(MOST_ROWS / users)}" if users > MOST_ROWS else ""
    return f"SELECT user_id, propensity, label FROM ({scored}) s{some}"


def outcome_rows(counts: pd.DataFrame, measured: pd.DataFrame, seed: int, *, without: bool = False) -> pd.DataFrame:
    """Hold the scores of one cutoff against what happened.

    Parameters
    ----------
    counts : DataFrame[COUNTED, users, expected, observed]
        Of every scored user, as `counts_sql` has them. `held`: nobody was to contact them, so that what contacting adds
        can be measured; `suppressed` users stood on no list, and `spoilt` ones were contacted though they were held
        out: measured with the others, and compared with nobody.
    measured : DataFrame[user_id, propensity, label]
        Every scored user, or a sample.
    without : bool
        Whether it was asked who will not do it: the word is then of the rarer ones, whichever these are.

    Returns
    -------
    DataFrame[part, users, expected, observed, metric, measured, low, high, word]
        Part `all` has the metrics `SHOWN`, as `lib.evaluation.metrics` defines them, and the word; of one class only,
        log_loss alone. Each decile, each band that has users, the suppressed ones, and of all others those held out and
        not, chosen for a file and its control (where there are both) have their `rate` of acting and its `lift` over
        the list's. `not held out`, and each decile and band that has both, have the effects of `lib.audience.sides`.
        Intervals of shares are Wilson's, the others come from resampling users.
    """
    counts = counts.sort_values(list(COUNTED), ignore_index=True)
    quality = _measure_list(measured, seed)
    whole = [metric_row(ALL, counts, name, quality.metrics[name]) for name in SHOWN if name in quality.metrics]
    rate = int(counts["observed"].sum()) / int(counts["users"].sum())
    parts = pd.DataFrame([*whole, *(row for name, part in split_parts(counts) for row in share_rows(name, part, rate))])
    effects = effect_rows(counts)
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
            *share_rows(name, _count(rows[mask]), rate),
            *(metric_row(name, _count(rows[mask]), metric, one) for metric, one in measured[name].items()),
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
