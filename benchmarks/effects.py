"""Is what contacting adds told rightly, and is it worth following? Worlds whose truth is known.

    PYTHONPATH=. .venv/bin/python -m benchmarks.effects --worlds 100 --kept worlds.csv

Settings: 12,000 users, a tenth held out, the same ones in each of six lists that
are one horizon of 28 days apart; an action is worth 10, a contact costs 0.5. Each user has four characteristics, of
which two say how probably the user acts alone. The propensity knows what users did under the contacts of its time, to
about 0.3 of its log-odds; half of the variance of that error is the user's own and lasts from list to list, as habits
do that no characteristic tells, the other half is drawn anew for each list. In `differ` a contact adds up to 25 points
where that is open (nothing to those who would act anyway or never), more to some by the third characteristic, and the
fourth says who is put off by 10 points; in `same` it adds 10 points to everybody; in `none` it does nothing, so that
an order that is offered there is an error.

Followed is what is recommended: whom the propensity says it pays for, then what contacts add, and the order by
estimated effect once that is offered. Beside it stands the propensity's top, which is what is worth a contact by the
propensity alone, list after list.

The settings, the learner and the rule by which nobody is advised were settled by looking at worlds of the seeds 0 to
10; those that are counted begin at --first, where none had been drawn by then. Worlds that the file of --kept holds are
not drawn again.
"""

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.audience.contacts import Chosen, choose_contacts, worth
from lib.audience.effect_model import EffectModel, fit_effects
from lib.audience.effects import pool_effect, with_effects
from lib.audience.habits import HABIT, measure_habit
from lib.audience.outcomes import COUNTED, outcome_rows
from lib.audience.parts import ALL, metric_row
from lib.audience.ranking import HeldOut
from lib.audience.uplift import Learnt, learn_uplift
from lib.config.thresholds import Contacts
from lib.report.numbers import newest_outcomes
from tests.builders.ranked import rank, sums_of_both

USERS, LISTS, HORIZON, CHARACTERISTICS = 12_000, 6, 28, 4
HELD_OUT, VALUE, COST, NOISE = 0.1, 10.0, 0.5, 0.3
LASTING = 0.5  # of the variance of the propensity's error
FIRST = date(2024, 1, 1)
KINDS = ("differ", "same", "none")
WANTED = Contacts(top=0, value_of_action=VALUE, cost_of_contact=COST, quiet_days=0)
Floats = npt.NDArray[np.float64]


def main() -> None:
    """Draw the worlds and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--kept", type=Path, default=None)
    given = parser.parse_args()
    done = pd.read_csv(given.kept) if given.kept and given.kept.exists() else pd.DataFrame(columns=["kind", "seed"])
    seeds = range(given.first, given.first + given.worlds)
    for seed in seeds:
        for kind in KINDS:
            if not ((done["kind"] == kind) & (done["seed"] == seed)).any():
                row = pd.DataFrame([{"kind": kind, "seed": seed, **draw_world(kind, seed)}])
                done = row if done.empty else pd.concat([done, row], ignore_index=True)
                if given.kept:
                    done.to_csv(given.kept, index=False)
    for kind in KINDS:
        print(format_kind(kind, done[(done["kind"] == kind) & done["seed"].isin(seeds)]), flush=True)


def format_kind(kind: str, worlds: pd.DataFrame) -> str:
    """What came out of the worlds of one kind, as a row of a table."""
    top, followed = worlds["top"].mean(), worlds["followed"].mean()
    gain, arm = followed - top, 1.96 * (worlds["followed"] - worlds["top"]).std() / np.sqrt(len(worlds))
    inside = f"{worlds['effect_inside'].sum()} | {worlds['profit_inside'].sum()}"
    told = f"{gain:+,.0f} ({gain - arm:+,.0f} to {gain + arm:+,.0f}), {gain / abs(top):+.1%}"
    offered = (worlds["offered"] > 0).sum()
    return f"| {kind} | {len(worlds)} | {inside} | {top:,.0f} | {followed:,.0f} | {told} | {offered} |"


def draw_world(kind: str, seed: int) -> dict[str, Any]:
    """One world: the true incremental profits of six lists, whether intervals held, how often uplift was offered."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    known = rng.normal(size=(USERS, CHARACTERISTICS))
    alone = 1 / (1 + np.exp(1.6 - 1.1 * known[:, 0] - 0.6 * known[:, 1]))
    truth = np.clip(alone + _effect(kind, known, alone), 0, 1) - alone
    habit = rng.normal(0, NOISE * LASTING**0.5, USERS)
    ids = [f"u{n}" for n in range(USERS)]
    users = pd.DataFrame({"user_id": ids, "alone": alone, "true": truth, "habit": habit})
    users[[f"x{n}" for n in range(CHARACTERISTICS)]] = known
    held_out, past = HeldOut("q", HELD_OUT, seed), _Past()
    totals = {"followed": 0.0, "top": 0.0, "offered": 0, "effect_inside": False, "profit_inside": False}
    for number in range(LISTS):
        listed = _list(rng, users, held_out, FIRST + timedelta(days=HORIZON * number))
        chosen, added = past.recommend(listed)
        gained = _profit(chosen.rows)
        totals["followed"] += gained
        totals["top"] += _profit(choose_contacts(listed, WANTED).rows)
        totals["offered"] += past.learnt is not None and past.learnt.uplift.is_shown
        if number == LISTS - 1 and added is not None:
            told = worth(added, len(chosen.rows), VALUE, COST)
            totals["profit_inside"] = told.low <= gained <= told.high
        measured = past.happen(rng, listed, chosen)
        if measured is not None:
            totals["effect_inside"] = measured["low"] <= chosen.rows["true"].mean() <= measured["high"]
    return totals


def _effect(kind: str, known: Floats, alone: Floats) -> Floats:
    if kind != "differ":
        return np.full(len(alone), 0.1 if kind == "same" else 0.0)
    moved = 0.25 * 4 * alone * (1 - alone) / (1 + np.exp(-2 * known[:, 2]))
    return np.asarray(moved - 0.1 * (known[:, 3] > 1), float)


def _list(rng: np.random.Generator, users: pd.DataFrame, held_out: HeldOut, cutoff: date) -> pd.DataFrame:
    """A list whose propensities were learnt while all but those held out were contacted."""
    acting = np.clip(users["alone"] + (1 - HELD_OUT) * users["true"], 0.001, 0.999)
    odds = np.log(acting / (1 - acting)) + users["habit"] + rng.normal(0, NOISE * (1 - LASTING) ** 0.5, USERS)
    rows = users.assign(propensity=np.clip(1 / (1 + np.exp(-odds)), 0.001, 0.999), cutoff=cutoff)
    return rank(rows, False, held_out).assign(resting=False)


def _profit(rows: pd.DataFrame) -> float:
    """The true profit of what contacting these users adds."""
    return float(rows["true"].sum()) * VALUE - COST * len(rows)


class _Past:
    """What is known of the lists so far."""

    def __init__(self) -> None:
        self.outcomes: list[pd.DataFrame] = []
        self.rows: list[pd.DataFrame] = []
        self.before: pd.DataFrame | None = None  # the last list
        self.learnt: Learnt | None = None
        self._models: dict[int, EffectModel] = {}  # by the number of lists

    def recommend(self, listed: pd.DataFrame) -> tuple[Chosen, Any]:
        """Whom to contact by what is known, and how many more act because of that."""
        effect = pool_effect(newest_outcomes(pd.concat(self.outcomes)), HORIZON) if self.outcomes else None
        if self.rows:
            self.learnt = learn_uplift(pd.concat(self.rows), HORIZON, fit=self._fit)
            if self.learnt.uplift.is_shown and self.learnt.model:
                estimated = listed.assign(effect=self.learnt.model.estimate(listed))
                chosen = choose_contacts(with_effects(estimated, effect, VALUE, COST), WANTED)
                return chosen, self.learnt.added(COST / VALUE, len(chosen.rows))
        chosen = choose_contacts(with_effects(listed, effect, VALUE, COST), WANTED)
        return chosen, None if effect is None else effect.added(_by_decile(chosen.rows))

    def happen(self, rng: np.random.Generator, listed: pd.DataFrame, chosen: Chosen) -> Any:
        """Let users act, and remember; the effect as it is measured of this list."""
        contacted = listed["user_id"].isin(chosen.rows["user_id"])
        file = np.where(contacted, "chosen", np.where(listed["user_id"].isin(chosen.control["user_id"]), "control", ""))
        label = (rng.random(len(listed)) < listed["alone"] + listed["true"] * contacted).astype(int)
        flags: dict[str, Any] = {
            "held": listed["held_out"],
            "spoilt": False,
            "suppressed": False,
            "contacted": contacted,
        }
        told = listed.assign(label=label, file=file, **flags)
        counts = told.groupby(list(COUNTED)).agg(
            users=("label", "size"), expected=("propensity", "sum"), observed=("label", "sum")
        )
        cutoff = listed["cutoff"].iloc[0]
        outcome = outcome_rows(counts.reset_index(), told.head(200), 0)
        if self.before is not None:
            sums = sums_of_both(told, self.before, set(told.loc[told["held_out"], "user_id"]))
            row = metric_row(ALL, counts, HABIT, measure_habit(sums, USERS, USERS))
            outcome = pd.concat([outcome, pd.DataFrame([row])], ignore_index=True)
        self.before = told
        outcome = outcome.assign(cutoff=cutoff, as_of=cutoff)
        self.outcomes.append(outcome)
        columns = ["user_id", "cutoff", "label", "propensity", *(f"x{n}" for n in range(CHARACTERISTICS))]
        self.rows.append(told[told["file"] != ""].assign(treated=contacted)[[*columns, "treated"]])
        whole = outcome[(outcome["metric"] == "effect_chosen") & (outcome["part"] == "not held out")]
        return whole.iloc[0] if len(whole) else None

    def _fit(self, rows: pd.DataFrame) -> EffectModel:
        number = rows["cutoff"].nunique()
        if number not in self._models:
            self._models[number] = fit_effects(rows)
        return self._models[number]


def _by_decile(rows: pd.DataFrame) -> list[int]:
    return [int((rows["decile"] == decile).sum()) for decile in range(1, 11)]


if __name__ == "__main__":
    main()
