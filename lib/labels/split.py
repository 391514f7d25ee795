"""Which rows are learnt from and which are judged on: always apart in time, never by chance alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lib.timeline import Cutoffs, one_horizon_before


@dataclass(frozen=True)
class Split:
    """The cutoffs of one run by their use; every training label window ends before the holdout's begins."""

    training: tuple[date, ...]  # newest first
    holdout: tuple[date, ...]  # newest first


def split_cutoffs(cutoffs: Cutoffs, rarer: dict[date, int], horizon_days: int, least: int) -> Split:
    """Take the newest matured cutoff as holdout, and older ones with it until `least` users are of the rarer class.

    At least one training cutoff is always left: with too few of them for both, learning comes first and
    the intervals on a small holdout say how little it shows.
    """
    holdout: list[date] = []
    for cutoff in cutoffs.matured:
        before = one_horizon_before(cutoff, horizon_days)
        if holdout and (sum(rarer.get(c, 0) for c in holdout) >= least or before < cutoffs.training[-1]):
            break
        holdout.append(cutoff)
    last = one_horizon_before(holdout[-1], horizon_days)
    return Split(tuple(cutoff for cutoff in cutoffs.training if cutoff <= last), tuple(holdout))


def fold_cutoffs(training: Sequence[date], horizon_days: int, most: int) -> list[tuple[list[date], date]]:
    """Pair validation cutoffs with the cutoffs to learn from, newest first: forward chaining, purged.

    A label window that is learnt from ends before the validation's begins. Validation cutoffs are one
    horizon apart, so that they judge different days.
    """
    pairs: list[tuple[list[date], date]] = []
    for cutoff in training:
        if pairs and cutoff > one_horizon_before(pairs[-1][1], horizon_days):
            continue
        learnt = [older for older in training if older <= one_horizon_before(cutoff, horizon_days)]
        if not learnt or len(pairs) == most:
            break
        pairs.append((learnt, cutoff))
    return pairs
