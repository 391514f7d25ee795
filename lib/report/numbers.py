"""The numbers that a report shows, taken from the tables' rows: nothing is formatted or drawn here."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lib.audience.outcomes import ALL, HELD_OUT, NOT_HELD_OUT
from lib.evaluation.metrics import Measured
from lib.evaluation.verdict import SENTENCES, MetricLimit

SIDES = (HELD_OUT, NOT_HELD_OUT)
MEASURED = ["measured", "low", "high"]
LIST = ["user_id", "propensity", "rank", "decile"]


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
        Rows of `outcomes`, in any order. Of a cutoff told twice, the later telling counts.

    Returns
    -------
    DataFrame[cutoff, prediction_version, word, users, expected, observed, and of auc, ratio, lift, seen each value,
    value_low, value_high]
        `lift` is that of the first decile. `seen` is the observed count with the interval that the ratio's gives it.
        What was not measured is NaN.
    """
    told = newest_outcomes(outcomes)
    lists = told[told["part"] == ALL].drop_duplicates("cutoff").set_index("cutoff")
    found = lists[["prediction_version", "word", "users", "expected", "observed"]]
    for name, part, metric in (("auc", ALL, "auc"), ("ratio", ALL, "ratio"), ("lift", "decile 1", "lift")):
        found = found.join(_metric(told, part, metric, name))
    return found.assign(
        seen=found["observed"].astype(float),
        seen_low=found["expected"] / found["ratio_high"],
        seen_high=found["expected"] / found["ratio_low"],
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
    told = newest_outcomes(outcomes)
    held, others = (
        _metric(told, part, "rate", name, users=True) for part, name in zip(SIDES, ("held", "others"), strict=True)
    )
    effect = _metric(told, SIDES[1], "effect", "effect")
    return held.join(others, how="inner").join(effect).reset_index()


def newest_deciles(outcomes: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The tenths of the newest list whose outcome is known; without one, those of the evidence.

    Returns
    -------
    DataFrame[decile, users, expected, observed, mean, rate, low, high, reached, gained, lift]
        Best first. `mean` and `rate` are the shares expected and observed, `low` and `high` the interval of `rate`
        (NaN for the evidence). Of everybody down to this tenth: `reached` is their share of the users, `gained` of
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


def find_movers(audience: pd.DataFrame, previous: pd.DataFrame, top: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Who entered and who left since the previous list, or, with `top`, its highest tenth; the strongest first.

    Returns
    -------
    two DataFrame[user_id, propensity, rank, propensity_before, rank_before]
        NaN where a user is not on that list at all.
    """
    both = audience[LIST].merge(previous[LIST], on="user_id", how="outer", suffixes=("", "_before"))
    now, then = (both[name] == 1 if top else both[name].notna() for name in ("decile", "decile_before"))
    return both[now & ~then].sort_values("rank"), both[then & ~now].sort_values("rank_before")


def verdict_metrics(judged: pd.DataFrame) -> pd.DataFrame:
    """What one verdict measured, in words where it has a limit; these come first.

    Parameters
    ----------
    judged : DataFrame
        Rows of `model_checks` of one verdict. One that could measure nothing has a row without a metric.

    Returns
    -------
    DataFrame[name, measured, low, high, threshold, words]
    """
    rows = judged[judged["metric"].notna()].sort_values("threshold", key=pd.isna, kind="stable")
    words: list[Any] = [_words(row) for row in rows.to_dict("records")]
    return rows.assign(name=rows["metric"].str.replace("_", " "), words=words)


def rows_of_run(rows: pd.DataFrame, run_id: str, as_of: Any) -> pd.DataFrame:
    """The rows that a run wrote for this day; outside a job all runs have the same blank id."""
    found: pd.DataFrame = rows.loc[(rows["run_id"] == run_id) & (rows["as_of"] == as_of)]
    return found


def _words(row: Mapping[Any, Any]) -> str | None:
    if pd.isna(row["threshold"]) or row["metric"] not in SENTENCES:
        return None
    bound = MetricLimit(row["metric"], "at most", row["threshold"])  # the sentence itself says what was wanted
    return bound.sentence(Measured(row["measured"], row["low"], row["high"]))


def _metric(told: pd.DataFrame, part: str, metric: str, name: str, *, users: bool = False) -> pd.DataFrame:
    rows = told.loc[(told["part"] == part) & (told["metric"] == metric)].set_index("cutoff")
    found: pd.DataFrame = rows[MEASURED].astype(float).set_axis([name, f"{name}_low", f"{name}_high"], axis=1)
    return found.assign(**{f"{name}_users": rows["users"]}) if users else found


def _deciles_of_newest(outcomes: pd.DataFrame) -> pd.DataFrame:
    told = newest_outcomes(outcomes)
    newest = told[(told["cutoff"] == told["cutoff"].iloc[-1]) & (told["metric"] == "rate")]
    parts = newest[newest["part"].str.fullmatch(r"decile \d+")]
    decile = parts["part"].str.removeprefix("decile ").astype(int)
    found: pd.DataFrame = parts.assign(decile=decile)[["decile", "users", "expected", "observed", "low", "high"]]
    return found
