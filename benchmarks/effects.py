"""Is what contacting adds told rightly? Lists of worlds whose truth is known, where a contact works on some users only.

    PYTHONPATH=. .venv/bin/python -m benchmarks.effects --worlds 100

In each world users act by themselves with a probability of their own. A contact adds nothing to those who would act
anyway or never, something to those between, and puts some off. Three lists, the same tenth held out of each, are held
against what happened; then a fourth one is advised on. Counted is how often the truth lies within the 90 % interval:
of the effect on everybody listed, of the actions that contacting those advised adds, and of the profit that these make.
"""

import argparse
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from lib.audience.advice import Advice, give_advice
from lib.audience.contacts import choose_contacts, worth
from lib.audience.effects import pool_effect
from lib.audience.outcomes import outcome_rows
from lib.audience.ranking import HeldOut
from lib.config.question import ACTING
from lib.config.thresholds import Contacts
from lib.report.numbers import newest_outcomes, past_lists
from tests.builders.ranked import rank

USERS, LISTS, HORIZON = 4_000, 3, 28
HELD_OUT, VALUE, COST = 0.1, 10.0, 0.5
COUNTED = ("effect", "added actions", "incremental profit", "said to be known")
CUTOFF = date(2024, 6, 3)


def main() -> None:
    """Draw the worlds and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100)
    worlds = parser.parse_args().worlds
    for title, strength in (("a contact adds up to 15 points", 0.15), ("a contact adds nothing", 0.0)):
        inside = np.array([_world(seed, strength) for seed in range(worlds)])
        counts = ", ".join(f"{name} {count}" for name, count in zip(COUNTED, inside.sum(axis=0), strict=True))
        print(f"{title}: of {worlds} worlds, within the interval: {counts}", flush=True)


def _world(seed: int, strength: float) -> tuple[bool, bool, bool, bool]:
    rng = np.random.default_rng(seed)
    alone = rng.beta(0.8, 3.0, USERS)
    effect = strength * np.where(rng.random(USERS) < 0.1, -0.3, 4 * alone * (1 - alone))  # a tenth is put off
    effect = np.clip(alone + effect, 0, 1) - alone
    score = np.clip(alone + effect + rng.normal(0, 0.03, USERS), 0.001, 0.999)  # learnt under contacts
    users = [f"u{n}" for n in range(USERS)]
    predictions = pd.DataFrame(
        {"user_id": users, "propensity": score, "cutoff": CUTOFF, "true": effect, "alone": alone}
    )
    rows = rank(predictions, False, HeldOut("q", HELD_OUT, seed)).assign(resting=False)
    acting = rows["alone"] + rows["true"] * ~rows["held_out"]
    advice = _advise(rows, pd.concat([_outcome(rng, rows, acting, n) for n in range(LISTS)]))
    assert advice.effect is not None
    assert advice.added is not None
    true = rows.set_index("user_id")["true"]
    added = float(true[advice.contact["user_id"]].sum())
    listed = float(rows[~rows["held_out"]]["true"].mean())
    profit = worth(advice.added, len(advice.contact), VALUE, COST)
    gained = added * VALUE - COST * len(advice.contact)
    return (
        advice.effect.overall.low <= listed <= advice.effect.overall.high,
        advice.added.low <= added <= advice.added.high,
        profit.low <= gained <= profit.high,
        advice.is_effect_known,
    )


def _outcome(rng: np.random.Generator, rows: pd.DataFrame, p: "pd.Series[float]", number: int) -> pd.DataFrame:
    """What `outcomes` says of a list so many horizons before, once its users have acted or not."""
    scored = rows.assign(label=(rng.random(len(rows)) < p).astype(int), held=rows["held_out"], suppressed=False)
    grouped = scored.groupby(["decile", "band", "held", "suppressed"])
    counts = grouped.agg(users=("label", "size"), expected=("propensity", "sum"), observed=("label", "sum"))
    cutoff = CUTOFF - timedelta(days=HORIZON * (number + 1))
    told = outcome_rows(counts.reset_index(), scored, 0)
    return told.assign(cutoff=cutoff, as_of=CUTOFF, prediction_version="1")


def _advise(rows: pd.DataFrame, outcomes: pd.DataFrame) -> Advice:
    nothing = Contacts(top=0, value_of_action=None, cost_of_contact=None, quiet_days=0)
    wanted = replace(nothing, value_of_action=VALUE, cost_of_contact=COST)
    return give_advice(
        rows, choose_contacts(rows, wanted), wanted, past_lists(outcomes),
        pool_effect(newest_outcomes(outcomes), HORIZON), None, oldest=CUTOFF, base_rate=0.2, reach_days=HORIZON,
        delay_days=0, seed=0, question="act", judged_on="", when="", words=ACTING,
    )  # fmt: skip


if __name__ == "__main__":
    main()
