"""How long a process that is slow to be ready is waited for: as long as it works on, up to a bound."""

import contextlib
import sys
import threading
from collections.abc import Callable

import psutil

_IDLE_SECONDS = 1.0  # of CPU in one turn of waiting: less is what an idle Java spends on itself


def wait_for(
    ready: threading.Event,
    worked: Callable[[], float],
    *,
    seconds: float,
    longest: float,
    say: Callable[[str], None],
) -> str | None:
    """Wait until `ready` is set; return None then, else why there is no use in waiting on.

    Parameters
    ----------
    worked : () -> float
        The seconds of CPU that the process has had so far.
    seconds, longest : float
        It is looked at every `seconds`, and given up once it has done nothing since, or after `longest`.
    say : text -> None
        Told once, when it is waited for longer than `seconds`.
    """
    waited, before = 0.0, 0.0
    while not ready.wait(min(seconds, longest - waited)):
        announced, waited = waited > 0, min(waited + seconds, longest)
        now = worked()
        if now - before < _IDLE_SECONDS:
            return f"was not ready after {waited:g} s and does nothing"
        if waited >= longest:
            return f"was not ready after {waited:g} s, although it works: the machine is too busy"
        if not announced:
            say(f"The machine is busy: Spark is not ready after {waited:g} s. Still waiting, up to {longest:g} s ...")
        before = now
    return None


def cpu_seconds(parent: int) -> float:
    """The CPU time of all that a process has started and that still runs."""
    used = 0.0
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(parent).children(recursive=True):
            used += sum(child.cpu_times()[:2])
    return used


def say_once() -> Callable[[str], None]:
    """A way to tell on stderr, which tells no text twice: several tasks may wait for one server."""
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said:
            said.add(text)
            print(text, file=sys.stderr, flush=True)

    return say
