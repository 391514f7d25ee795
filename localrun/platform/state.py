"""Where a task or a job stands. Apart from the rules, which need the SDK: whoever lists runs needs this only."""

from enum import StrEnum


class State(StrEnum):
    """Where a task or a job stands; the final ones carry the names of the platform's API."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"
    DISABLED = "DISABLED"  # left out by --only
    SUCCESS_WITH_FAILURES = "SUCCESS_WITH_FAILURES"

    @property
    def is_final(self) -> bool:
        return self not in (State.PENDING, State.RUNNING)
