"""Challengers of a backtest in memory: one that needs no champion is made once, whichever policy asks for it."""

from collections.abc import Callable
from dataclasses import replace

from cli.replay.store import Store
from lib.progress import Say
from lib.training import challenger
from lib.training.challenger import ChallengerRequest, MadeChallenger


class ChallengerMaker:
    """Makes challengers, or takes them from the store.

    `seconds` adds up what a policy has been spared, which it would have spent.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store, self.clock, self.seconds = store, clock, 0.0

    def __call__(self, request: ChallengerRequest, say: Say) -> MadeChallenger:
        path = self.store.challenger(request.as_of)
        if request.champion is None and path.exists():
            seconds, stored = self.store.read(path)
            self.seconds += seconds
            return stored  # type: ignore[no-any-return]
        began = self.clock()
        made = challenger.make_challenger(request, say)
        if request.champion is None:
            plain = replace(made, search=replace(made.search, study=None))  # of which nobody here draws plots
            self.store.write(path, (self.clock() - began, plain))
        return made
