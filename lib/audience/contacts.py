"""Whom to contact: the top of a list, or everybody whose expected value is above what a contact costs."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from lib.config.thresholds import Contacts
from lib.config.words import Words
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
    free: pd.DataFrame  # all who may be contacted, best first, whether that is worth it or not


def choose_contacts(ranked: pd.DataFrame, wanted: Contacts) -> Chosen:
    """Choose whom of a list to contact: nobody who is held out, and nobody of those who are to have their quiet.

    With value and cost, those whose `propensity * value_of_action` is above `cost_of_contact`; where the list says what
    a contact adds, so many from the top that contacts no longer add what they cost.

    Parameters
    ----------
    ranked : DataFrame[rank, propensity, held_out, resting], and `adds` where what a contact adds is known
        A list, whom to contact first on top; who is `resting` is to have quiet.
    """
    held, resting = (ranked[name].astype(bool) for name in ("held_out", "resting"))
    free = ~held & ~resting
    worth = ~resting & (_pays(ranked, free, wanted) if "adds" in ranked else _is_worth_contacting(ranked, wanted))
    chosen, control = worth & ~held, worth & held
    most = _head_size(wanted.top, len(ranked))
    if most and int(chosen.sum()) > most:
        places = np.arange(len(ranked))
        last = places[chosen][most - 1]
        chosen &= places <= last
        control &= places < last
    return Chosen(ranked[chosen], int((resting & ~held).sum()), ranked[control], ranked[free])


def _pays(ranked: pd.DataFrame, free: "pd.Series[bool]", wanted: Contacts) -> "pd.Series[bool]":
    """Down to where, from the top, what contacts add is farthest above what they cost; nobody where it never is."""
    if wanted.value_of_action is None or wanted.cost_of_contact is None:
        return pd.Series(data=True, index=ranked.index)
    gains = np.where(free, ranked["adds"] * wanted.value_of_action - wanted.cost_of_contact, 0.0)
    profit = np.cumsum(gains)
    peak = int(np.argmax(profit)) if len(profit) and profit.max() > 0 else -1
    return pd.Series(np.arange(len(ranked)) <= peak, index=ranked.index)


def _head_size(top: float, users: int) -> int:
    """So many users at the most; of a share, as many as begin it."""
    return ceil(top * users) if top < 1 else int(top)


def _is_worth_contacting(ranked: pd.DataFrame, wanted: Contacts) -> "pd.Series[bool]":
    if wanted.value_of_action is None or wanted.cost_of_contact is None:
        return pd.Series(data=True, index=ranked.index)
    return ranked["propensity"] * wanted.value_of_action > wanted.cost_of_contact


def expected_actions(rows: pd.DataFrame, ratio: Measured | None, seed: int) -> Measured:
    """How many of these users act, if each does with its propensity, with a 90 % interval.

    Parameters
    ----------
    rows : DataFrame[propensity]
    ratio : Measured or None
        Of expected to observed actions, of the newest users whose outcome is known: as uncertain as that was about its
        own centre, so is this one. None: the interval is that of chance alone.
    seed : int
        Of the draws.
    """
    p = rows["propensity"].to_numpy(float)
    expected, chance = float(p.sum()), float(np.sqrt((p * (1 - p)).sum()))
    spread = 0.0 if ratio is None else float(np.log(ratio.high / ratio.low)) / (2 * ARM)
    rng = np.random.default_rng(seed)
    actions = expected * np.exp(rng.normal(0, spread, DRAWS)) + rng.normal(0, chance, DRAWS)
    low, high = np.percentile(np.clip(actions, 0, len(p)), INTERVAL)
    return Measured(expected, float(low), float(high))


def worth(actions: Measured, contacts: int, value: float, cost: float) -> Measured:
    """What so many actions are worth, less what so many contacts cost.

    What a contact adds to what a user would do anyway, no propensity knows: the effect on the users held out does.
    """
    return Measured(*(end * value - cost * contacts for end in (actions.value, actions.low, actions.high)))


def format_contacts(chosen: Chosen, whole: int, wanted: Contacts, words: Words) -> list[str]:
    """Say how many are contacted; nothing where nothing was chosen."""
    if wanted.everybody:
        return []
    expected = chosen.rows["propensity"].sum()
    doing = f"{expected:,.0f} expected to {words.act}, contacted or not"
    return [f"To contact: {len(chosen.rows):,} of {whole:,} users, {doing}.", *format_quiet(chosen, wanted)]


def format_quiet(chosen: Chosen, wanted: Contacts) -> list[str]:
    """Say how many are left in peace since they were contacted of late."""
    if not wanted.quiet_days:
        return []
    return [f"  {chosen.quiet:,} more are left in peace: they were contacted in the {wanted.quiet_days} days before."]
