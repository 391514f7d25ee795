"""What a report begins with: the advice, how many to contact, and whom."""

import json
import re
from typing import Any

import pandas as pd

from lib.audience.advice import Advice, sizes
from lib.audience.outcomes import WORDS
from lib.config.words import STAYING
from lib.report import amounts, numbers, plots, sentences
from lib.report.facts import Facts
from lib.report.tables import Column, make_table

STEPS = 100  # of the slider
GOOD = [word for word, least in WORDS.items() if least >= WORDS["good"]]
ROWS = 10  # of the table beside it


def make_first_screen(facts: Facts) -> dict[str, Any]:
    """All that the template asks for of the first sections, by name."""
    listed, publication, advice = facts.audience, facts.publication, facts.advice
    held = listed[listed["held_out"].eq(True)]
    deciles = numbers.count_by(listed, "decile")
    ranges = [Column("Probability", "lowest", "share", to="highest")]
    counted = [Column("Users", "users", "count"), Column(f"Expected to {advice.words.act}", "expected", "count")]
    return {
        "users": len(listed),
        "scored": publication["scored"],
        "chosen": None if pd.isna(publication["chosen"]) else int(publication["chosen"]),
        "quiet": publication["quiet"],
        "suppressed": json.loads(publication["suppressed_by"]),
        "mean": float(listed["propensity"].mean()),
        "base_rate": publication["base_rate"],
        "held_out": len(held),
        "free": len(facts.free),
        "good_words": GOOD,
        "held_out_share": publication["held_out_share"],
        "low_evidence": advice.low_evidence,
        "bands": make_table("Bands", numbers.count_by(listed, "band"), [Column("Band", "band"), *counted, *ranges]),
        "deciles": make_table("Deciles", deciles, [Column("Decile", "decile", "count"), *counted, *ranges]),
        "decile_plot": plots.plot_columns(
            f"Expected to {advice.words.act} in each decile",
            deciles,
            "decile",
            "expected",
            ("decile", f"expected to {advice.words.act}"),
        ),
        "head": _head(facts.free.head(facts.list_size), sentences.format_head(advice)),
        "in_order": advice.in_order,
        "left": _head(held.head(facts.list_size), "The likeliest who are held out"),
        **_advice(advice, facts.currency),
        **_sizes(facts),
    }


def _advice(advice: Advice, currency: str) -> dict[str, Any]:
    lines = (
        sentences.format_reason(advice, currency), sentences.format_effect(advice, currency),
        sentences.format_order(advice),
        sentences.format_past(advice), sentences.format_bias(advice), sentences.format_quality(advice),
    )  # fmt: skip
    auc = None if advice.quality is None else advice.quality.metrics.get("auc")
    return {
        "phrase": advice.question,
        "asked": advice.question.removeprefix("do ") if advice.words == STAYING else advice.question,
        "words": advice.words,
        "recommendation": sentences.format_recommendation(advice),
        "because": [re.split(r"(?<=[:?]) ", line, maxsplit=1) for line in lines if line],
        "tiles": [
            ("Quality, by the holdout", advice.word or "not recorded",
             "" if auc is None else f"AUC {auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f})"),
            (f"Expected to {advice.words.act}", amounts.format_people(advice.everybody, alone=True),
             _interval(amounts.format_people(advice.everybody))),
            ("To contact first", f"{len(advice.contact):,}", f"of {advice.users:,} users"),
            ("Last list proved", *_last_word(advice)),
            ("Added by contacts", *_effect(advice)),
        ],
    }  # fmt: skip


def _last_word(advice: Advice) -> tuple[str, str]:
    if advice.past.empty:
        return "not known yet", f"first on {amounts.format_day(advice.first_known)}"
    last = advice.past.iloc[-1]
    return str(last["word"]), f"{last['expected']:,.0f} expected, {last['observed']:,} {advice.words.acted}"


def _effect(advice: Advice) -> tuple[str, str]:
    if advice.effect is None or not advice.is_effect_known:
        known = advice.effect_known
        return "not known yet", "" if known is None else f"about {amounts.format_day(known)}"
    overall = advice.effect.overall
    return f"{100 * overall.value:+.1f} points", f"{100 * overall.low:+.1f} to {100 * overall.high:+.1f}"


def _interval(text: str) -> str:
    return text.partition(" (")[2].removesuffix(")")


def _sizes(facts: Facts) -> dict[str, Any]:
    """The slider's numbers, and the same as a table for whoever has no script."""
    total, advised = float(facts.audience["propensity"].sum()), len(facts.advice.contact)
    steps, few = (sizes(facts.free, total, facts.contacts, most, advised) for most in (STEPS, ROWS))
    money, adds = "profit" in steps, "added" in steps
    profit = "added_profit" if adds else "profit"
    words, unit = facts.advice.words, f", {facts.currency}" * bool(facts.currency)
    columns = [Column("Users", "users", "count"), Column(f"Of them {words.act}", "expected", "count"),
               Column(f"Of all who will {words.act}", "share", "share")]  # fmt: skip
    columns += [Column("Because of a contact", "added", "count")] if adds else []
    columns += [Column(f"Profit of these alone{unit}", profit, "count")] if adds else []
    columns += [Column(f"Profit{' counting all' if adds else ''}{unit}", "profit", "count")] if money else []
    names = "Those reached by how many are contacted", "Expected profit by how many are contacted"
    label = "profit of what contacts add" if adds else "profit"
    return {
        "steps": json.dumps(_round(steps).to_dict("list")),
        "first_step": int((steps["users"] < advised).sum()),
        "last_step": len(steps) - 1,
        "adds": adds,
        "sizes": make_table("How many to contact", few[few["users"] > 0], columns),
        "every_size": make_table("Every step of the slider", steps[steps["users"] > 0], columns),
        "sizes_plot": plots.plot_sizes(names[0], steps, advised, "share", f"of all who will {words.act}"),
        "profit_plot": plots.plot_sizes(names[1], steps, advised, profit, label) if money else "",
    }


def _round(steps: pd.DataFrame) -> pd.DataFrame:
    return steps.round({"expected": 1, "share": 4, "profit": 2, "added": 1, "added_profit": 2})


def _head(rows: pd.DataFrame, caption: str) -> Any:
    columns = [
        Column("Rank", "rank", "count"), Column("User", "user_id"), Column("Probability", "propensity", "share"),
        Column("Band", "band"), Column("Why", "reasons", "chips"),
    ]  # fmt: skip
    return make_table(caption, rows, columns)
