"""What a report tells, section by section: the facts of a run as sentences' numbers, tables and plots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from lib.audience.advice import Advice
from lib.audience.outcomes import UNTOLD
from lib.config.question import Question
from lib.config.thresholds import Contacts
from lib.report import numbers, plots
from lib.report.tables import Column, Table, make_table
from lib.timeline import Window

NAMES = 5  # so many of those who entered or left are named
NEWEST = 12  # so many past lists, decisions and verdicts are shown in full
INPUTS = 20  # rows of drift and importances in their tables
INTERVAL = "90% interval"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a report tells; all frames have the columns of the tables of these names, in `lib.tables.contracts`."""

    question: Question
    as_of: date
    run_id: str  # blank outside a job
    audience: pd.DataFrame  # the whole new list, best first
    previous: pd.DataFrame | None  # the last list of an earlier cutoff: user_id, propensity, rank, decile, cutoff
    publication: Mapping[str, Any]  # this list's row of `publications`
    outcomes: pd.DataFrame  # all rows of the question, maybe none
    checks: pd.DataFrame  # rows of `model_checks` of this run and of earlier ones, maybe none
    drift: pd.DataFrame  # rows of this run, largest psi first, maybe none
    decisions: pd.DataFrame  # all rows of the question, in order
    importances: pd.DataFrame  # name, mean, std; the largest first; maybe none
    advice: Advice  # what its first screen says
    contacts: Contacts
    free: pd.DataFrame  # rows of the list that may be contacted, best first
    currency: str  # of amounts; blank for none
    evidence: pd.DataFrame  # of the pair in use on its own holdout: decile, users, expected, observed; maybe none
    list_size: int = 20  # rows of the list that are shown


def make_sections(facts: Facts) -> dict[str, Any]:
    """All that the template asks for, by name; the list must not be empty."""
    parts = _question, _list, _past, _deciles, _movers, _models
    return {name: value for part in parts for name, value in part(facts).items()}


def _question(facts: Facts) -> dict[str, Any]:
    cutoff = facts.audience["cutoff"].iloc[0]
    return {"cutoff": cutoff, "days": Window.horizon(cutoff, facts.question.horizon_days), "untold": UNTOLD}


def _list(facts: Facts) -> dict[str, Any]:
    listed, publication = facts.audience, facts.publication
    deciles = numbers.count_by(listed, "decile")
    ranges = [Column("Probability", "lowest", "share", to="highest")]
    counted = [Column("Users", "users", "count"), Column("Expected actions", "expected", "actions")]
    head = [
        Column("Rank", "rank", "count"), Column("User", "user_id"), Column("Probability", "propensity", "share"),
        Column("Band", "band"), Column("Held out", "held_out", "yes"), Column("Reasons", "reasons", "prose"),
    ]  # fmt: skip
    return {
        "users": len(listed),
        "scored": publication["scored"],
        "chosen": _number_or_none(publication["chosen"]),
        "quiet": publication["quiet"],
        "suppressed": json.loads(publication["suppressed_by"]),
        "expected": float(listed["propensity"].sum()),
        "mean": float(listed["propensity"].mean()),
        "base_rate": publication["base_rate"],
        "held_out": int(listed["held_out"].eq(True).sum()),
        "held_out_share": publication["held_out_share"],
        "low_evidence": bool(listed["low_evidence"].any()),
        "bands": make_table(
            "Bands of the list", numbers.count_by(listed, "band"), [Column("Band", "band"), *counted, *ranges]
        ),
        "deciles": make_table("Deciles of the list", deciles, [Column("Decile", "decile", "count"), *counted, *ranges]),
        "decile_plot": plots.plot_columns(
            "Expected actions of each decile of the list", deciles, "decile", "expected", ("decile", "expected actions")
        ),
        "head": make_table("Head of the list", listed.head(facts.list_size), head),
    }


SIDES = [  # the users held out beside the others
    Column("Left alone", "held", "share"), Column(INTERVAL, "held_low", "share", to="held_high"),
    Column("Others", "others", "share"), Column(INTERVAL, "others_low", "share", to="others_high"),
    Column("Effect, points", "effect", "points"), Column(INTERVAL, "effect_low", "points", to="effect_high"),
]  # fmt: skip


def _past(facts: Facts) -> dict[str, Any]:
    every = numbers.past_lists(facts.outcomes)
    left_alone = numbers.held_out_effects(facts.outcomes)
    first = facts.audience if facts.previous is None or facts.previous.empty else facts.previous
    first_list = first["cutoff"].iloc[0]
    day, users = Column("List of", "cutoff", "day"), Column("Users", "users", "count")
    expected, observed = Column("Expected", "expected", "actions"), Column("Observed", "observed", "count")
    auc = [Column("AUC", "auc", "number"), Column(INTERVAL, "auc_low", "number", to="auc_high")]
    lift = [Column("Lift", "lift", "number"), Column(INTERVAL, "lift_low", "number", to="lift_high")]
    interval = Column(INTERVAL, "observed_low", "actions", to="observed_high")
    ratio, version = Column("Expected / observed", "ratio", "number"), Column("Version", "prediction_version")
    turned_out = [day, Column("Proved", "word"), users, expected, observed, ratio, version]
    counts = ("expected", "expected", None), ("observed", "observed", ("observed_low", "observed_high"))
    rates = ("left alone", "held", ("held_low", "held_high")), ("others", "others", ("others_low", "others_high"))
    newest = every.tail(NEWEST)
    return {
        "matured": len(every),
        "newest": _last_row(every),
        "first_list": first_list,
        "first_known": Window.horizon(first_list, facts.question.horizon_days).end,
        "past": make_table("How past lists turned out", newest[::-1], turned_out),
        "auc_plot": plots.plot_over_time(
            "AUC of past lists", newest, "AUC", [("AUC", "auc", ("auc_low", "auc_high"))], 0.5
        ),
        "auc": make_table("AUC of past lists", newest[::-1], [day, *auc]),
        "counts_plot": plots.plot_over_time("Expected and observed actions, list by list", newest, "actions", counts),
        "counts": make_table("Expected and observed actions", newest[::-1], [day, expected, observed, interval]),
        "lift_plot": plots.plot_over_time(
            "Lift of the first decile of past lists", newest, "lift", [("lift", "lift", ("lift_low", "lift_high"))], 1.0
        ),
        "lifts": make_table("Lift of the first decile", newest[::-1], [day, *lift]),
        "left_alone": _last_row(left_alone),
        "sides_plot": plots.plot_over_time(
            "Observed shares, left alone and not", left_alone.tail(NEWEST), "observed share", rates, percent=True
        ),
        "sides": make_table("Effect of leaving users alone", left_alone.tail(NEWEST)[::-1], [day, *SIDES]),
    }


def _deciles(facts: Facts) -> dict[str, Any]:
    deciles = numbers.newest_deciles(facts.outcomes, facts.evidence)
    acted = bool(len(deciles)) and deciles["observed"].sum() > 0
    decile, users = Column("Decile", "decile", "count"), Column("Users", "users", "count")
    reliability = [
        decile, users, Column("Expected", "mean", "share"), Column("Observed", "rate", "share"),
        Column(INTERVAL, "low", "share", to="high"),
    ]  # fmt: skip
    reached = [
        decile, Column("Share of the list", "reached", "share"), Column("Share of the actions", "gained", "share"),
        Column("Lift", "lift", "number"),
    ]  # fmt: skip
    return {
        "judged_deciles": len(deciles),
        "acted": acted,
        "reliability_plot": plots.plot_reliability("Expected and observed shares, decile by decile", deciles)
        if len(deciles)
        else "",
        "reliability": make_table("Expected and observed shares", deciles, reliability),
        "gains_plot": plots.plot_gains("Gains: share of the actions reached by share of the list", deciles)
        if acted
        else "",
        "lift_curve": plots.plot_lift("Lift by share of the list", deciles) if acted else "",
        "gains": make_table("Gains and lift", deciles, reached),
    }


def _movers(facts: Facts) -> dict[str, Any]:
    if facts.previous is None or facts.previous.empty:
        return {"moves": None}
    now = [Column("Probability", "propensity", "share"), Column("Rank", "rank", "count")]
    before = [Column("Probability before", "propensity_before", "share"), Column("Rank before", "rank_before", "count")]
    moves: list[tuple[str, int, Table]] = []
    for top, where in ((True, "the first decile"), (False, "the list")):
        entered, left = numbers.find_movers(facts.audience, facts.previous, top)
        for verb, rows, columns in (("entered", entered, [*now, *before]), ("left", left, [*before, *now])):
            title = f"The strongest who {verb} {where}"
            moves.append(
                (f"{verb} {where}", len(rows), make_table(title, rows.head(NAMES), _user_columns(columns, rows)))
            )
    return {
        "moves": moves,
        "previous_cutoff": facts.previous["cutoff"].iloc[0],
        "jaccard": _number_or_none(facts.publication["jaccard"]),
        "mean_shift": _number_or_none(facts.publication["mean_shift"]),
    }


def _user_columns(columns: Sequence[Column], rows: pd.DataFrame) -> list[Column]:
    """A user's columns, without those that are blank for all."""
    return [Column("User", "user_id"), *(column for column in columns if rows[column.source].notna().any())]


def _models(facts: Facts) -> dict[str, Any]:
    judged = numbers.rows_of_run(facts.checks, facts.run_id, facts.as_of)
    decided = numbers.rows_of_run(facts.decisions, facts.run_id, facts.as_of)
    latest = decided if len(decided) else facts.decisions
    verdicts = facts.checks.drop_duplicates(["run_id", "as_of"], keep="last").sort_values("as_of", kind="stable")
    versions = [Column("Day", "as_of", "day"), Column("Decision", "kind"), Column("Version", "prediction_version")]
    return {
        "verdict": _last_row(judged),
        "sentences": str(judged["reasons"].iloc[-1]).split("\n") if len(judged) else [],
        "metrics": make_table("What the verdict rests on", numbers.verdict_metrics(judged), [
            Column("Measure", "name"), Column("Measured", "measured", "measure"),
            Column(INTERVAL, "low", "measure", to="high"), Column("Limit", "threshold", "measure"),
            Column("In words", "sentence", "prose"),
        ]),
        "verdicts": make_table(
            "Verdicts so far",
            verdicts.assign(answer=verdicts["answer"].str.replace("_", " "))[::-1].head(NEWEST),
            [Column("Day", "as_of", "day"), Column("Verdict", "answer"), Column("Version", "prediction_version"),
             Column("Why", "reasons", "prose")],
        ),
        "decision": _last_row(latest),
        "decided_now": bool(len(decided)),
        "decisions": make_table("Decisions so far", facts.decisions.assign(kind=facts.decisions["kind"].str.replace(
            "_", " "))[::-1].head(NEWEST), [*versions, Column("Low evidence", "low_evidence", "yes"),
                                            Column("Why", "why", "prose")]),
        **_inputs(facts),
    }  # fmt: skip


def _inputs(facts: Facts) -> dict[str, Any]:
    drifted = facts.drift.assign(name=[_format_feature(name) for name in facts.drift["feature"]])
    weights = facts.importances.assign(
        low=facts.importances["mean"] - facts.importances["std"],
        high=facts.importances["mean"] + facts.importances["std"],
    )
    return {
        "inputs": len(drifted),
        "drifted": int(drifted["drifted"].sum()),
        "drift_plot": plots.plot_bars("Drift of the inputs that moved most", drifted, "name", "psi", ("low", "high"),
                                 "population stability index", 0.25) if len(drifted) else "",
        "drift": make_table("Inputs that moved most", drifted.head(INPUTS), [
            Column("Input", "name"), Column("PSI", "psi", "number"), Column(INTERVAL, "low", "number", to="high"),
            Column("Drifted", "drifted", "yes"),
        ]),
        "importance_plot": plots.plot_bars("What the model looks at", weights, "name", "mean", ("low", "high"),
                                      "rise of the log loss when exchanged", 0.0) if len(weights) else "",
        "importances": make_table("What the model looks at", weights.head(INPUTS), [
            Column("What", "name"), Column("Log loss saved", "mean", "small"),
            Column("Standard deviation", "std", "small"),
        ]),
    }  # fmt: skip


def _format_feature(feature: str) -> str:
    """A feature's name as people read it: `rent__events_28` is "rent: events 28"."""
    return feature.replace("__", ": ").replace("_", " ")


def _last_row(rows: pd.DataFrame) -> dict[str, Any] | None:
    """The last row, with None for what is not known; None without rows."""
    last = rows.tail(1).to_dict("records")
    return {str(name): None if pd.isna(value) else value for name, value in last[0].items()} if last else None


def _number_or_none(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
