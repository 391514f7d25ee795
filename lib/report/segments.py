"""The segments of a list, where some were asked for: how it is made up, how models did on each, how each turned out."""

from typing import Any

import pandas as pd

from lib.evaluation.segments import OF_SEGMENT
from lib.report import numbers
from lib.report.facts import Facts
from lib.report.tables import INTERVAL, Column, make_table

MEASURED = [
    Column("Segment", "segment"), Column("AUC", "auc", "number"), Column(INTERVAL, "auc_low", "number", to="auc_high"),
    Column("Expected / observed", "ratio", "number"), Column(INTERVAL, "ratio_low", "number", to="ratio_high"),
]  # fmt: skip


def make_segments(facts: Facts) -> dict[str, Any]:
    """Their three tables, without a row where there is nothing to tell."""
    of_run = numbers.rows_of_run(facts.checks, facts.run_id, facts.as_of)
    shares = [
        Column("Segment", "segment"), Column("Users", "users", "count"),
        Column("Share of the list", "of_list", "share"), Column("Share of the first decile", "first_decile", "share"),
        Column(f"Expected to {facts.question.words.act}", "expected", "count"), Column("Probability", "mean", "share"),
    ]  # fmt: skip
    return {
        "segments": make_table("Segments of the list", facts.segments, shares),
        "segments_judged": make_table("How the models did by segment", judged_segments(of_run), MEASURED),
        "segments_known": make_table(
            "The newest list whose outcome is known, by segment", known_segments(facts.outcomes), MEASURED
        ),
    }


def judged_segments(judged: pd.DataFrame) -> pd.DataFrame:
    """What one verdict measured by segment, from its rows of `model_checks`: as `known_segments`."""
    parted = judged["metric"].astype(str).str.extract(rf"^(?P<metric>.*?){OF_SEGMENT}(?P<part>.*)$")
    return _by_segment(judged.drop(columns="metric").join(parted.fillna("")))


def known_segments(outcomes: pd.DataFrame) -> pd.DataFrame:
    """How the newest list turned out by segment: segment, auc, ratio, each with `_low` and `_high`."""
    newest = numbers.newest_outcomes(outcomes)
    return _by_segment(newest[newest["cutoff"] == newest["cutoff"].max()])


def _by_segment(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["part"].astype(str).str.contains(": ", regex=False)]
    table = pd.DataFrame({"segment": rows["part"].unique()})
    for metric in ("auc", "ratio"):
        one = rows[rows["metric"] == metric].drop_duplicates("part", keep="last").set_index("part")[numbers.MEASURED]
        named = one.astype(float).set_axis([metric, f"{metric}_low", f"{metric}_high"], axis=1)
        table = table.join(named, on="segment")
    return table
