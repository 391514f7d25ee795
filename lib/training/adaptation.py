"""After a change of behaviour: how much of the old one still helps, by which blueprint, and how sure to be."""

from dataclasses import dataclass

import numpy as np

from lib.config.question import Question
from lib.evaluation.metrics import log_losses
from lib.labels.rows import Rows, thin_rows, user_half
from lib.labels.split import Split
from lib.models.blueprint import Blueprint, OwnModels
from lib.models.calibration import pool_sharpness
from lib.training import space
from lib.training.fit import ask_rows, fit_pair, join_rows, remembered_rows
from lib.training.folds import SEARCH_ROWS, has_enough

REMEMBERED = (None, 4, 0)  # training cutoffs that are learnt from beside the changed behaviour
LIMITS = (0.5, 2.0)  # of the sharpness: what old behaviour earned says nothing about the new one
USUAL = 0.3  # and how far it lies from 1 then


@dataclass(frozen=True)
class Adaptation:
    """What came out best for the changed behaviour."""

    blueprint: Blueprint
    remembered: int | None  # training cutoffs, the newest; None: all
    sharpness: float | None


def adapt(
    training: Rows, recent: Rows, parts: Split, blueprint: Blueprint, question: Question, seed: int
) -> Adaptation:
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
    check = user_half(recent.users, seed + 1)
    learn, rest = recent.of(~check), recent.of(check)
    tried = [blueprint] if isinstance(blueprint, OwnModels) else [blueprint, *space.STARTS]
    best, least = Adaptation(blueprint, None, None), np.inf
    for cutoffs in REMEMBERED:
        rows = join_rows(thin_rows(remembered_rows(training, parts, cutoffs), SEARCH_ROWS, seed), learn)
        for one in tried if rows.has_both_classes else ():
            probe = fit_pair(rows, one, question, parts.holdout[0], seed)
            loss = float(np.average(log_losses(rest.y, probe.score(rest.X)), weights=rest.weight))
            if loss < least:
                tells = has_enough(rest) and not isinstance(one, OwnModels)
                earned = pool_sharpness([ask_rows(probe, rest)], LIMITS, USUAL) if tells else None
                best, least = Adaptation(one, cutoffs, earned), loss
    return best
