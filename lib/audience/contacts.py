"""Whom to contact: the top of a list, or everybody whose expected value is above what a contact costs."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.config.thresholds import Contacts
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import INTERVAL

DRAWS = 4_000  # of the profit: an end of its interval then rests on 200 of them
ARM = 1.6448536269514722  # standard deviations from the centre of a normal distribution to an end of a 90 % interval


@dataclass(frozen=True)
class Chosen:
    """Whom of a list to contact, and who is left alone for having been contacted of late."""

    rows: pd.DataFrame  # of the list, best first
    quiet: int  # users
    control: pd.DataFrame  # the users held out who would be among them: what contacting adds is measured beside these


def choose_contacts(ranked: pd.DataFrame, wanted: Contacts, quiet: Collection[str] = ()) -> Chosen:
    """Choose whom of a list to contact: nobody who is held out, and nobody of those who are to have their quiet.

    With value and cost, those whose `propensity * value_of_action` is above `cost_of_contact`.
    """
    held, resting = ranked["held_out"].astype(bool), ranked["user_id"].isin(list(quiet))
    worth = ranked[~resting & _is_worth_contacting(ranked, wanted)]
    rows, control = (worth[worth["held_out"].astype(bool) == left_alone] for left_alone in (False, True))
    if wanted.top and len(rows) > wanted.top:
        rows = rows.head(wanted.top)
        control = control[control["rank"] < rows["rank"].iloc[-1]]
    return Chosen(rows, int((resting & ~held).sum()), control)


def _is_worth_contacting(ranked: pd.DataFrame, wanted: Contacts) -> "pd.Series[bool]":
    if wanted.value_of_action is None or wanted.cost_of_contact is None:
        return pd.Series(data=True, index=ranked.index)
    return ranked["propensity"] * wanted.value_of_action > wanted.cost_of_contact


@dataclass(frozen=True)
class Gain:
    """What contacting some users is expected to bring."""

    profit: Measured
    value_of_action: float
    cost_of_contact: float
    proven: bool  # whether a list whose outcome is known tells how far this one may be off

    def __str__(self) -> str:
        doubt = "chance, and how far the newest list whose outcome is known was off" if self.proven else "chance alone"
        return (
            f"Expected profit {self.profit:,.2f} at {self.value_of_action:g} for an action and "
            f"{self.cost_of_contact:g} for a contact; the interval tells of {doubt}."
        )


def expected_gain(contacted: pd.DataFrame, value: float, cost: float, ratio: Measured | None, seed: int) -> Gain:
    """The expected profit of contacting these users, if each acts with its propensity, with a 90 % interval.

    Parameters
    ----------
    ratio : Measured or None
        Of expected to observed actions, of the newest list whose outcome is known: as uncertain as that was about its
        own centre, so is this one. None: the interval is that of chance alone.
    seed : int
        Of the draws.

    What a contact adds to what a user would do anyway, no propensity knows: the effect on the users held out does.
    """
    p = contacted["propensity"].to_numpy(float)
    expected, chance = float(p.sum()), float(np.sqrt((p * (1 - p)).sum()))
    spread = 0.0 if ratio is None else float(np.log(ratio.high / ratio.low)) / (2 * ARM)
    rng = np.random.default_rng(seed)
    actions = expected * np.exp(rng.normal(0, spread, DRAWS)) + rng.normal(0, chance, DRAWS)
    low, high = np.percentile(np.clip(actions, 0, len(p)), INTERVAL) * value - cost * len(p)
    return Gain(Measured(expected * value - cost * len(p), float(low), float(high)), value, cost, ratio is not None)


def format_contacts(chosen: Chosen, whole: int, wanted: Contacts, gain: Gain | None) -> list[str]:
    """Say who is contacted and what that is expected to bring; nothing where nothing was chosen."""
    if wanted.everybody:
        return []
    expected = chosen.rows["propensity"].sum()
    lines = [f"To contact: {len(chosen.rows)} of {whole} users, {expected:.1f} expected to act."]
    if wanted.quiet_days:
        lines.append(
            f"  {chosen.quiet} more have their quiet: they were contacted in the {wanted.quiet_days} days before."
        )
    return lines if gain is None else [*lines, f"  {gain}"]
