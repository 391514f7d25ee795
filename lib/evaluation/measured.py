"""A number that was measured, with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One number with its 90 % interval over users."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        spec = spec or ".4f"
        if self.low == self.value == self.high:  # counted, not estimated
            return format(self.value, spec)
        return f"{self.value:{spec}} ({self.low:{spec}} to {self.high:{spec}})"

    def __str__(self) -> str:
        return format(self)

    def __neg__(self) -> "Measured":
        return Measured(0.0 - self.value, 0.0 - self.high, 0.0 - self.low)  # no minus stands before a zero


def format_change(change: Measured, spec: str = ".4f") -> str:
    """A difference in words, each of its ends too: 0.010 lower (0.030 lower to 0.005 higher)."""
    value, low, high = (
        f"{abs(end):{spec}} {'higher' if end > 0 else 'lower'}" for end in (change.value, change.low, change.high)
    )
    return f"{value} ({low} to {high})"
