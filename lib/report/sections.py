"""What a report tells, section by section: the facts of a run as sentences' numbers, tables and plots."""

from typing import Any

import pandas as pd

from lib.audience.outcomes import UNTOLD
from lib.report import first_screen, numbers, plots, segments
from lib.report.facts import Facts
from lib.report.tables import INTERVAL, Column, Table, format_share, make_table

NEWEST = 12  # so many past lists, decisions and verdicts are shown in full
INPUTS = 20  # rows of drift and importances in their tables


def make_sections(facts: Facts) -> dict[str, Any]:
    """All that the template asks for, by name; the list must not be empty."""
    parts = _question, first_screen.make_first_screen, segments.make_segments, _past, _deciles, _movers, _models
    values = {name: value for part in parts for name, value in part(facts).items()}
    return values | {"contents": _contents(values)}


def _contents(values: dict[str, Any]) -> list[tuple[str, str]]:
    """The sections that have something to tell: the id of each, and its title in short."""
    sections = [
        ("advice", "What to do", True), ("sizes", "How many", True), ("head", "Whom to contact", True),
        ("left", "Whom to leave alone", True), ("parts", "The list in parts", True),
        ("past", "Past lists", values["newest"] is not None),
        ("believed", "Probabilities", bool(values["judged_deciles"])),
        ("effect", "What contacting added", values["left_alone"] is not None),
        ("moves", "Who entered and left", values["moves"] is not None),
        ("drift", "Change of behaviour", bool(values["inputs"])),
        ("inputs", "What the models look at", bool(values["importances"].rows)),
        ("decision", "The decision", True), ("versions", "Versions", True), ("terms", "Terms", True),
    ]  # fmt: skip
    return [(name, title) for name, title, is_there in sections if is_there]


def _question(facts: Facts) -> dict[str, Any]:
    cutoff = facts.audience["cutoff"].iloc[0]
    days = facts.question.window(cutoff)
    return {"cutoff": cutoff, "days": days, "untold": UNTOLD, "share_of": format_share}


SIDES = [  # the users held out beside the others
    Column("Left alone", "held", "share"), Column(INTERVAL, "held_low", "share", to="held_high"),
    Column("Others", "others", "share"), Column(INTERVAL, "others_low", "share", to="others_high"),
    Column("Effect, points", "effect", "points"), Column(INTERVAL, "effect_low", "points", to="effect_high"),
]  # fmt: skip


def _past(facts: Facts) -> dict[str, Any]:
    every = numbers.past_lists(facts.outcomes)
    left_alone = numbers.held_out_effects(facts.outcomes)
    day, users = Column("List of", "cutoff", "day"), Column("Users", "users", "count")
    expected, observed = Column("Expected", "expected", "count"), Column("Observed", "observed", "count")
    auc = [Column("AUC", "auc", "number"), Column(INTERVAL, "auc_low", "number", to="auc_high")]
    lift = [Column("Lift", "lift", "number"), Column(INTERVAL, "lift_low", "number", to="lift_high")]
    interval = Column(INTERVAL, "observed_low", "count", to="observed_high")
    ratio, version = Column("Expected / observed", "ratio", "number"), Column("Version", "prediction_version")
    turned_out = [day, Column("Proved", "word"), users, expected, observed, ratio, version]
    counts = ("expected", "expected", None), ("observed", "observed", ("observed_low", "observed_high"))
    rates = ("left alone", "held", ("held_low", "held_high")), ("others", "others", ("others_low", "others_high"))
    newest = every.tail(NEWEST)
    return {
        "matured": len(every),
        "newest": _last_row(every),
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
        "sides": make_table("Left alone and not, list by list", left_alone.tail(NEWEST)[::-1], [day, *SIDES]),
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
    if not facts.moves:
        return {"moves": None}
    now = [Column("Probability", "propensity", "share"), Column("Rank", "rank", "count")]
    before = [Column("Probability before", "propensity_before", "share"), Column("Rank before", "rank_before", "count")]
    moves: list[tuple[str, int, Table]] = []
    for move in facts.moves:
        here, there = (now, before) if move.verb == "entered" else (before, now)
        columns = [Column("User", "user_id"), *here, *(there if move.on_both else [])]  # else it is blank for all
        title = f"The strongest who {move.verb} {move.where}"
        moves.append((f"{move.verb} {move.where}", move.users, make_table(title, move.head, columns)))
    return {
        "moves": moves,
        "previous_cutoff": facts.publication["previous_cutoff"],
        "jaccard": _number_or_none(facts.publication["jaccard"]),
        "mean_shift": _number_or_none(facts.publication["mean_shift"]),
    }


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
            Column("What", "name"), Column("Log loss without it, more by", "mean", "small"),
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
