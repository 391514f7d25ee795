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
