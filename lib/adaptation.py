"""After a change of behaviour: how much of the old one still helps, by which blueprint, and how sure to be."""

from dataclasses import dataclass

import numpy as np

from lib import space
from lib.blueprint import Blueprint, Own
from lib.config import Question
from lib.fitting import calibrated, enough, fitted, joined, remembered
from lib.fold import SEARCH_ROWS
from lib.measure import log_losses
from lib.models import Calibration
from lib.split import Rows, Split, half, thinned

REMEMBERED = (None, 4, 0)  # training cutoffs that are learnt from beside the changed behaviour
LIMITS = (0.5, 2.0)  # of the sharpness: what old behaviour earned says nothing about the new one


@dataclass(frozen=True)
class Adapted:
    """What came out best for the changed behaviour."""

    blueprint: Blueprint
    remembered: int | None  # training cutoffs, the newest; None: all
    calibration: Calibration | None


def adapted(training: Rows, recent: Rows, parts: Split, blueprint: Blueprint, question: Question, seed: int) -> Adapted:
    """Try blueprints, and amounts of old behaviour, on one half of the recent users against the other.

    The search has tuned for years of old rows; of the new behaviour there are few. So the space's starting points are
    tried beside what it found, each with as much old behaviour as helps.

    Parameters
    ----------
    training : Rows
        Of the training cutoffs, whose labels ended before the change.
    recent : Rows
        Of some users, at all matured cutoffs after those.
    """
    check = half(recent.users, seed + 1)
    learn, rest = recent.of(~check), recent.of(check)
    tried = [blueprint] if isinstance(blueprint, Own) else [blueprint, *space.STARTS]
    best, least = Adapted(blueprint, None, None), np.inf
    for cutoffs in REMEMBERED:
        rows = joined(thinned(remembered(training, parts, cutoffs), SEARCH_ROWS, seed), learn)
        for one in tried if rows.has_both_classes else ():
            probe = fitted(rows, one, question, parts.holdout[0], seed)
            loss = float(np.average(log_losses(rest.y, probe.score(rest.X)), weights=rest.weight))
            if loss < least:
                earned = calibrated(probe, rest, LIMITS) if enough(rest) and not isinstance(one, Own) else None
                best, least = Adapted(one, cutoffs, earned), loss
    return best
