"""Whom a contact moves: whether the order of effects estimated user by user is shown to beat the propensity's.

Learnt from past lists, on which chance decided who was left alone (`lib.audience.effect_model`). How an order did is
measured on lists that it was not learnt from, each by an order that was known on its day and never of a user by what
was learnt from that user's own earlier lists.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.audience.contacts import ARM
from lib.audience.effect_model import EffectModel, Floats, fit_effects, label_by
from lib.evaluation.measured import Measured
from lib.timeline import known_on

UPLIFT = "uplift"  # the order, as the parameter `order` names it
CERTAIN = 2.5758293035489004  # standard deviations to an end of a 99 % interval: it is looked at with every list
MOST_LISTS = 6  # whose rows are read, the newest
FEWEST = 100  # users left alone that a list must have
MOST_MORE = 60  # lists: what takes more is not waited for

Fit = Callable[[pd.DataFrame], EffectModel]


@dataclass(frozen=True)
class Uplift:
    """How an order by estimated effect did, beside the propensity's, on lists whose contacts it was not learnt from."""

    lists: int  # that tell of contacts
    judged: int  # of these, the later ones by which the orders are compared
    gain: Measured | None  # between the two Qini curves, in actions per user of a list; the interval is of 99 %
    more: int | None  # so many more lists are needed to tell; 0: it is shown; None: not in the next `MOST_MORE`

    @property
    def is_shown(self) -> bool:
        """Whether the order is shown to be better."""
        return self.gain is not None and self.gain.low > 0


@dataclass(frozen=True)
class Learnt:
    """What past lists teach about whom a contact moves."""

    uplift: Uplift
    model: EffectModel | None  # of all of them; None where there is nothing to learn from
    judged: Sequence[tuple[pd.DataFrame, Floats]]  # rows of the later lists, and what earlier ones estimated of them

    def added(self, least: float, users: int) -> Measured | None:
        """How many more of so many users act since they are contacted, each with an estimated effect above `least`.

        As users so chosen did on the judged lists, with a 90 % interval; None where there was none.
        """
        effect = measure_added(self.judged, least)
        return None if effect is None else Measured(*(users * end for end in (effect.value, effect.low, effect.high)))


def learn_uplift(rows: pd.DataFrame, reach_days: int, delay_days: int = 0, fit: "Fit | None" = None) -> Learnt:
    """Learn from past lists whom a contact moves, and compare the orders on each list that can be judged.

    Parameters
    ----------
    rows : DataFrame
        As `fit_effects` has them; of lists whose outcome is known and whose days do not overlap. Of a list that others
        are judged by, `label_by` their days is there where labels may have changed since.
    """
    fit, rows = fit or fit_effects, take_lists(rows)
    judged = list(judged_estimates(rows, reach_days, delay_days, fit))
    uplift = compare_orders([_contributions(part, estimates) for part, estimates in judged], rows["cutoff"].nunique())
    return Learnt(uplift, fit(rows) if len(rows) else None, judged)


def judged_estimates(
    rows: pd.DataFrame, reach_days: int, delay_days: int, fit: Fit
) -> Iterator[tuple[pd.DataFrame, Floats]]:
    """The rows of each list that can be judged, with what was estimated of them by earlier lists.

    By what was known of those on its day: a label that a late event has changed since then is in `label_by` as it was.
    """
    for cutoff in sorted(set(rows["cutoff"])):
        before = rows[rows["cutoff"].map(lambda day: known_on(day, reach_days, delay_days)) <= cutoff]
        if len(before):
            known = label_by(cutoff)
            before = before.assign(label=before[known]) if known in before else before
            part = rows[rows["cutoff"] == cutoff]
            yield part, fit(before).estimate(part)


def compare_orders(parts: Sequence["pd.Series[float]"], lists: int) -> Uplift:
    """What lists say together; a user who stands on several counts as one.

    Parameters
    ----------
    parts : sequence of Series[float], indexed by user
        Of each judged list what each user adds to the area between the two curves.
    """
    users = sum(len(part) for part in parts)
    if not users:
        return Uplift(lists, 0, None, max(1, 2 - lists))
    of_users = pd.concat(parts).groupby(level=0).sum().to_numpy(float)
    value = float(of_users.sum()) / users
    deviation = math.sqrt(float(((of_users - of_users.mean()) ** 2).sum())) / users
    gain = Measured(value, value - CERTAIN * deviation, value + CERTAIN * deviation)
    return Uplift(lists, len(parts), gain, _lists_needed(gain, len(parts)))


def measure_added(parts: Sequence[tuple[pd.DataFrame, Floats]], least: float) -> Measured | None:
    """The effect, with its 90 % interval, on those whose estimated effect was above `least`; None without any such.

    Each list was judged by another model, and the order is only asked for where it did well: so the interval is no
    narrower than what the lists differ by, each of them counted once.
    """
    scores = [
        of_list[estimates > least]
        for part, estimates in parts
        if part.loc[estimates > least, "treated"].nunique() == 2 and len(of_list := _scores(part))
    ]
    if not scores:
        return None
    of_users = pd.concat([(of_list - of_list.mean()) / (len(of_list) * len(scores)) for of_list in scores])
    of_lists = np.array([of_list.mean() for of_list in scores])
    arm = ARM * math.sqrt(float((of_users.groupby(level=0).sum() ** 2).sum()))
    if len(scores) > 1:
        from scipy.stats import t  # loaded where it is needed

        differ = float(of_lists.std(ddof=1)) / math.sqrt(len(scores))
        arm = max(arm, differ * float(t.ppf(0.95, len(scores) - 1)))
    value = float(of_lists.mean())
    return Measured(value, value - arm, value + arm)


def take_lists(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the newest lists that have enough users on both sides."""
    least = rows.groupby("cutoff")["treated"].agg(lambda treated: min(int(treated.sum()), int((~treated).sum())))
    cutoffs = sorted(least[least >= FEWEST].index)[-MOST_LISTS:]
    return rows[rows["cutoff"].isin(cutoffs)]


def _contributions(part: pd.DataFrame, estimates: Floats) -> "pd.Series[float]":
    """What each user of a list adds to the area by which the curve of the estimates' order lies above the other."""
    propensity = part["propensity"].to_numpy(float)
    by_propensity, by_effect = _places(-propensity), _places(-estimates, -propensity)
    return _scores(part) * ((by_propensity - by_effect) / len(part))


def _scores(part: pd.DataFrame) -> "pd.Series[float]":
    """Of each user of one list the effect as this one user tells it: right on average, whoever is taken together."""
    share = part["treated"].mean()
    side = np.where(part["treated"], 1 / share, -1 / (1 - share))
    beyond = (part["label"] - part["propensity"]).to_numpy(float)
    return pd.Series((beyond - beyond.mean()) * side, index=part["user_id"].to_numpy(object))


def _places(*keys: Floats) -> Floats:
    places = np.empty(len(keys[0]))
    places[np.lexsort(keys[::-1])] = np.arange(len(places))
    return places


def _lists_needed(gain: Measured, judged: int) -> int | None:
    """So many more lists tell, if the gain stays what it is; None: not in the next `MOST_MORE`, or it is none."""
    if gain.low > 0:
        return 0
    if gain.value <= 0:
        return None
    more = math.ceil(judged * ((gain.high - gain.value) / gain.value) ** 2) - judged
    return max(1, more) if more <= MOST_MORE else None
