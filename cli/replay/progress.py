"""What a backtest prints while it runs."""

import time
from datetime import date

from lib.backtest.replay import Replayed


class Progress:
    """Prints each run as it ends, and how much is left."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def report(self, policy: str, as_of: date, run: Replayed | None, left: int) -> None:
        """One line on a run; without a policy, on a challenger that needs no champion."""
        spent = time.monotonic() - self.began
        print(f"{spent:5.0f} s, {left:3} left  {policy or 'search':6} {as_of}  {_format_run(run)}", flush=True)


def be_silent(_: str) -> None:
    """Swallow what a run says: of a hundred, each is told in one line, not in its trials."""


def _format_run(run: Replayed | None) -> str:
    if run is None:
        return "made a challenger without a champion"
    if run.stopped:
        return f"ended without scores: {run.stopped}"
    did = f", retrained and {'promoted' if run.promoted else 'rejected'}" if run.retrained else ""
    refusal = f"; not published: {run.refused}" if run.refused else ""
    return f"{run.answer.replace('_', ' ')}{did}, version {run.version or 'none'}{refusal}"
