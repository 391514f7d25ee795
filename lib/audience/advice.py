"""What to do with a list: how good it is, whom to contact, and what that is expected to bring. Numbers, no words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from lib.audience.contacts import Chosen, expected_actions, worth
from lib.audience.effects import WORTH_KNOWING, Effect, has_estimates, lists_to_wait, when_known
from lib.audience.outcomes import quality_word
from lib.audience.track_record import Bias, find_bias
from lib.audience.uplift import Learnt, Uplift
from lib.config.thresholds import Contacts
from lib.config.words import Words
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality
from lib.timeline import known_on

Rule = Literal["added", "profit", "top", "average"]  # the first by what contacts add, the others by who acts


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What is told on the first screen of a list; intervals are of 90 %."""

    question: str  # what they do, or do not, in words
    when: str  # on which days, in words
    words: Words  # for those whom the list is about
    cutoff: date
    users: int
    held_out: int
    quiet: int
    quality: Quality | None  # of the models on users whose outcome is known, and whom they had not learnt from
    judged_on: str  # the newest day of these
    low_evidence: bool
    everybody: Measured  # how many of the whole list act
    rule: Rule
    contact: pd.DataFrame  # rows of the list: whom to contact, best first
    expected: Measured  # how many of these act
    held_share: float  # of those of the list who will act, how many are among them
    profit: Measured | None
    value: float | None
    cost: float | None
    past: pd.DataFrame  # a row per list whose outcome is known, oldest first: word, expected, observed, ...
    bias: Bias | None
    effect: Effect | None
    uplift: Uplift  # how an order by estimated effect does on past lists
    order: str  # that was asked for
    in_order: bool  # whether the list is in the order of estimated effects
    added: Measured | None  # how many of those contacted act since they are contacted; None: not known yet
    effect_known: date | None  # about when an effect worth knowing can be told; None: not in years
    first_known: date  # when the first outcome is known of a list that held users out
    again: date  # when the outcome of this list is known

    @property
    def word(self) -> str:
        """How good the models are, in a word; blank where nobody measured it."""
        return "" if self.quality is None else quality_word(self.quality)

    @property
    def is_effect_known(self) -> bool:
        """Whether past lists tell what contacting adds closely enough to act on."""
        return self.effect is not None and self.effect_known is not None and self.effect_known <= self.cutoff

    @property
    def paying_deciles(self) -> list[int] | None:
        """In which deciles of the list a contact adds more than it costs; None where that is not known."""
        if not self.is_effect_known or self.effect is None or not self.effect.deciles:
            return None
        if self.value is None or self.cost is None:
            return None
        adds = [one.value * self.value for one in self.effect.deciles]
        return [decile for decile, added in enumerate(adds, 1) if added > self.cost]


def give_advice(
    listed: pd.DataFrame,
    chosen: Chosen,
    wanted: Contacts,
    past: pd.DataFrame,
    effect: Effect | None,
    quality: Quality | None,
    learnt: Learnt,
    order: str,
    *,
    oldest: date,
    base_rate: float,
    reach_days: int,
    delay_days: int,
    seed: int,
    **names: Any,
) -> Advice:
    """Say what to do with a list.

    Parameters
    ----------
    listed, chosen : the list, and whom of it the parameters choose
    past : DataFrame[cutoff, word, expected, observed, ratio, ratio_low, ratio_high]
        A row per list whose outcome is known, oldest first.
    effect : Effect or None
        What past lists say of contacts.
    quality : Quality or None
        Of the models on the holdout.
    learnt, order : whom a contact moves by past lists, and the order that was asked for
    oldest : date
        Cutoff of the oldest list whose outcome is not known yet, maybe this one.
    base_rate : float
        Of the newest users whose outcome is known.
    reach_days : int
        From a cutoff to the day on which its outcome is known, but for the delay.
    names : question, when, words, judged_on
    """
    cutoff, held = listed["cutoff"].iloc[0], int(listed["held_out"].eq(True).sum())
    rule, rows = choose_head(listed, chosen, wanted)
    ratio = _newest_ratio(past, quality)
    expected = expected_actions(rows, ratio, seed)
    value, cost = wanted.value_of_action, wanted.cost_of_contact
    wanted_arm = cost / value if value and cost else WORTH_KNOWING * base_rate
    later = lists_to_wait(effect, base_rate, held, len(listed) - held, wanted_arm)
    return Advice(
        cutoff=cutoff, users=len(listed), held_out=held, quiet=chosen.quiet, quality=quality,
        low_evidence=bool(listed["low_evidence"].any()), everybody=expected_actions(listed, ratio, seed), rule=rule,
        contact=rows, expected=expected, held_share=_share(rows, listed),
        profit=None if value is None or cost is None else worth(expected, len(rows), value, cost), value=value,
        cost=cost, past=past, bias=find_bias(past, reach_days), effect=effect,
        uplift=learnt.uplift, order=order, in_order=(in_order := has_estimates(chosen.free)),
        added=_count_added(rows, effect, learnt if in_order else None, cost / value if value and cost else None),
        effect_known=when_known(cutoff, reach_days, delay_days, later),
        first_known=known_on(oldest, reach_days, delay_days), again=known_on(cutoff, reach_days, delay_days),
        **names,
    )  # fmt: skip


def _count_added(
    rows: pd.DataFrame, effect: Effect | None, learnt: Learnt | None, least: float | None
) -> Measured | None:
    """How many more act: by deciles, or as those did of past lists who would have been chosen by estimated effects."""
    if learnt is not None and len(rows):
        lowest = float(rows["effect"].min()) if least is None else least
        return learnt.added(lowest, len(rows))
    return None if effect is None else effect.added(_by_decile(rows))


def choose_head(listed: pd.DataFrame, chosen: Chosen, wanted: Contacts) -> tuple[Rule, pd.DataFrame]:
    """Whom to contact, and by which rule: whom it pays for, so many as were asked for, or the likelier than average.

    It pays by what contacts add, where the list says so, else by who acts.

    A contact of somebody less likely than the list's average reaches fewer who act than one drawn by chance; up to
    there the list is farthest ahead of chance. That number is rounded: its neighbours are as good.
    """
    if wanted.value_of_action is not None:
        return "added" if "adds" in chosen.rows else "profit", chosen.rows
    if wanted.top:
        return "top", chosen.rows
    if has_estimates(chosen.free):
        moved = int((chosen.rows["effect"] > chosen.free["effect"].mean()).sum())
        return "average", chosen.rows.head(_round_head(moved))
    likelier = int((chosen.rows["propensity"] > listed["propensity"].mean()).sum())
    return "average", chosen.rows.head(_round_head(likelier))


def sizes(free: pd.DataFrame, total: float, wanted: Contacts, most: int, besides: int = 0) -> pd.DataFrame:
    """What contacting the first so many users comes to, from nobody to all.

    Parameters
    ----------
    free : DataFrame[propensity], and `adds` where what a contact adds is known
        Who may be contacted, best first.
    total : float
        How many of the whole list are expected to act.
    most, besides : int
        So many sizes at the most, evenly spread, and one size more.

    Returns
    -------
    DataFrame[users, expected, share, and profit where value and cost are known]
        `share` is of those of the whole list who will act. Where `free` says what contacts add there are also `added`,
        how many act because of them, and `added_profit`, which counts these alone.
    """
    sums = np.concatenate([[0.0], np.cumsum(free["propensity"].to_numpy(float))])
    evenly = np.linspace(0, len(free), min(most, len(free)) + 1).round().astype(int)
    users = np.unique([*evenly, besides])
    table = pd.DataFrame({"users": users, "expected": sums[users], "share": sums[users] / (total or 1.0)})
    if wanted.value_of_action is None or wanted.cost_of_contact is None:
        return table
    costs = table["users"] * wanted.cost_of_contact
    table = table.assign(profit=table["expected"] * wanted.value_of_action - costs)
    if "adds" not in free:
        return table
    added = np.concatenate([[0.0], np.cumsum(free["adds"].to_numpy(float))])[users]
    return table.assign(added=added, added_profit=added * wanted.value_of_action - costs)


def registered_quality(metrics: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]) -> Quality | None:
    """What was noted with models of how they did on the holdout; None where it is not whole."""
    wanted = ("auc", "ratio", "skill_over_base_rate")
    if not all(name in metrics and name in intervals for name in wanted):
        return None
    return Quality(0, 0, {name: Measured(metrics[name], *intervals[name]) for name in wanted})


def _newest_ratio(past: pd.DataFrame, quality: Quality | None) -> Measured | None:
    known = past[past["ratio"].notna() & (past["ratio_low"] > 0) & np.isfinite(past["ratio_high"].astype(float))].tail(
        1
    )
    if len(known):
        return Measured(*known[["ratio", "ratio_low", "ratio_high"]].iloc[0].astype(float))
    ratio = None if quality is None else quality.metrics.get("ratio")
    return ratio if ratio is not None and 0 < ratio.low <= ratio.high < np.inf else None


def _round_head(users: int) -> int:
    step = 50 if users >= 1_000 else 10 if users >= 100 else 1
    return users // step * step


def _share(rows: pd.DataFrame, listed: pd.DataFrame) -> float:
    return float(rows["propensity"].sum()) / (float(listed["propensity"].sum()) or 1.0)


def _by_decile(rows: pd.DataFrame) -> list[int]:
    counts = rows["decile"].value_counts()
    return [int(counts.get(decile, 0)) for decile in range(1, 11)]
