"""The numbers that a report shows, taken from the tables' rows: nothing is formatted or drawn here."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lib.audience.parts import ALL, HELD_OUT, NOT_HELD_OUT
from lib.evaluation.measured import Measured
from lib.evaluation.segments import OF_SEGMENT
from lib.evaluation.verdict import SENTENCES, MetricLimit

SIDES = (HELD_OUT, NOT_HELD_OUT)
MEASURED = ["measured", "low", "high"]


def count_by(audience: pd.DataFrame, column: str) -> pd.DataFrame:
    """Count a list's users by decile or band, the highest first: column, users, expected, share, lowest, highest.

    `expected` is the sum of the propensities, `share` its mean. Users without a value of the column are left out.
    """
    grouped = audience.groupby(column, sort=False)["propensity"]
    return grouped.agg(users="size", expected="sum", share="mean", lowest="min", highest="max").reset_index()


def past_lists(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Tell how each list turned out whose outcome is known, oldest first.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of `outcomes`, in any order. Of a cutoff that was written twice, the later rows count.

    Returns
    -------
    DataFrame[cutoff, prediction_version, word, users, expected, observed, observed_low, observed_high, and of auc,
    ratio, lift each value, value_low, value_high]
        `lift` is that of the first decile. The interval of `observed` is what the ratio's gives it. What was not
        measured is NaN.
    """
    newest = newest_outcomes(outcomes)
    lists = newest[newest["part"] == ALL].drop_duplicates("cutoff").set_index("cutoff")
    past = lists[["prediction_version", "word", "users", "expected", "observed"]]
    for name, part, metric in (("auc", ALL, "auc"), ("ratio", ALL, "ratio"), ("lift", "decile 1", "lift")):
        past = past.join(_metric(newest, part, metric, name))
    return past.assign(
        observed_low=past["expected"] / past["ratio_high"],
        observed_high=past["expected"] / past["ratio_low"],
    ).reset_index()


def newest_outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The rows of `outcomes` in order of cutoff, each part and metric of it once."""
    ordered = outcomes.sort_values(["cutoff", "as_of"], kind="stable")
    return ordered.drop_duplicates(["cutoff", "part", "metric"], keep="last")


def held_out_effects(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Compare the users held out with the others, for each list that had both, oldest first.

    Returns
    -------
    DataFrame[cutoff, and of held, others, effect each value, value_low, value_high; held_users, others_users]
        Shares that acted. `effect` is the others' less that of the users held out, NaN where it was not measured.
    """
    newest = newest_outcomes(outcomes)
    held, others = (
        _metric(newest, part, "rate", name, users=True) for part, name in zip(SIDES, ("held", "others"), strict=True)
    )
    effect = _metric(newest, SIDES[1], "effect", "effect")
    return held.join(others, how="inner").join(effect).reset_index()


def newest_deciles(outcomes: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The deciles of the newest list whose outcome is known; without one, those of the evidence.

    Returns
    -------
    DataFrame[decile, users, expected, observed, mean, rate, low, high, reached, gained, lift]
        Best first. `mean` and `rate` are the shares expected and observed, `low` and `high` the interval of `rate`
        (NaN for the evidence). Of everybody down to this decile: `reached` is their share of the users, `gained` of
        the actions, `lift` the one over the other; both NaN where nobody acted. Empty without either source.
    """
    rows = _deciles_of_newest(outcomes) if len(outcomes) else evidence.assign(low=float("nan"), high=float("nan"))
    rows = rows.sort_values("decile", ignore_index=True)
    reached = rows["users"].cumsum() / rows["users"].sum()
    gained = rows["observed"].cumsum() / rows["observed"].sum()
    return rows.assign(
        mean=rows["expected"] / rows["users"],
        rate=rows["observed"] / rows["users"],
        reached=reached,
        gained=gained,
        lift=gained / reached,
    )


def verdict_metrics(judged: pd.DataFrame) -> pd.DataFrame:
    """What one verdict measured, with a sentence where it has a limit; these come first.

    Parameters
    ----------
    judged : DataFrame
        Rows of `model_checks` of one verdict. One that could measure nothing has a row without a metric.

    Returns
    -------
    DataFrame[name, measured, low, high, threshold, sentence]
    """
    of_all = judged["metric"].notna() & ~judged["metric"].astype(str).str.contains(OF_SEGMENT, regex=False)
    rows = judged[of_all].sort_values("threshold", key=pd.isna, kind="stable")
    sentences: list[Any] = [_format_measured(row) for row in rows.to_dict("records")]
    return rows.assign(name=rows["metric"].str.replace("_", " "), sentence=sentences)


def rows_of_run(rows: pd.DataFrame, run_id: str, as_of: Any) -> pd.DataFrame:
    """The rows that a run wrote for this day; outside a job all runs have the same blank id."""
    chosen: pd.DataFrame = rows.loc[(rows["run_id"] == run_id) & (rows["as_of"] == as_of)]
    return chosen


def _format_measured(row: Mapping[Any, Any]) -> str | None:
    if pd.isna(row["threshold"]) or row["metric"] not in SENTENCES:
        return None
    limit = MetricLimit(row["metric"], "at most", row["threshold"])  # the sentence itself says what was wanted
    return limit.format_sentence(Measured(row["measured"], row["low"], row["high"]))


def _metric(newest: pd.DataFrame, part: str, metric: str, name: str, *, users: bool = False) -> pd.DataFrame:
    rows = newest.loc[(newest["part"] == part) & (newest["metric"] == metric)].set_index("cutoff")
    measured: pd.DataFrame = rows[MEASURED].astype(float).set_axis([name, f"{name}_low", f"{name}_high"], axis=1)
    return measured.assign(**{f"{name}_users": rows["users"]}) if users else measured


def _deciles_of_newest(outcomes: pd.DataFrame) -> pd.DataFrame:
    rows = newest_outcomes(outcomes)
    newest = rows[(rows["cutoff"] == rows["cutoff"].iloc[-1]) & (rows["metric"] == "rate")]
    parts = newest[newest["part"].str.fullmatch(r"decile \d+")]
    decile = parts["part"].str.removeprefix("decile ").astype(int)
    deciles: pd.DataFrame = parts.assign(decile=decile)[["decile", "users", "expected", "observed", "low", "high"]]
    return deciles
