"""Give a library that knows only a clock so many CPU seconds: measure what it took, and turn its clock once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FIRST = 1.0  # seconds of the clock for each CPU second, before anything was measured: they have one thread
ENOUGH, TOO_MUCH = 0.95, 1.4  # of what was to be given: a try between these is kept as it is
TRIES = 2


@dataclass(frozen=True)
class Try:
    """One fit: what its clock was set to, what it took, and where its scores are."""

    limit: float  # seconds
    seconds: float  # CPU seconds
    file: Path


def is_done(budget: float, made: Sequence[Try]) -> bool:
    """Whether a try took about the budget, or all tries were made."""
    return len(made) >= TRIES or any(ENOUGH <= one.seconds / budget <= TOO_MUCH for one in made)


def nearest(budget: float, made: Sequence[Try]) -> Try:
    """The try that took most nearly the budget."""
    return min(made, key=lambda one: abs(one.seconds - budget))


def next_limit(budget: float, tries: Sequence[Try]) -> float:
    """What to set the clock to, in seconds: by the last try, whatever budget it was for."""
    if not tries:
        return FIRST * budget
    return tries[-1].limit * budget / tries[-1].seconds
