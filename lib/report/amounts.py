"""How days, numbers of people and amounts of money are written in sentences."""

import math
from datetime import date

from lib.evaluation.measured import Measured


def format_day(day: "date | str") -> str:
    """A day as people write it; an ISO text too."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{day.day} {day:%B %Y}"


def format_people(number: Measured, *, alone: bool = False) -> str:
    """A number of people and its interval, whole, in digits that the interval leaves certain."""
    half = (number.high - number.low) / 2
    step = 10 ** max(0, math.floor(math.log10(half / 2))) if half > 2 else 1
    value, low, high = (f"{round(end / step) * step:,}" for end in (number.value, number.low, number.high))
    return value if alone else f"{value} ({low} to {high})"


def format_money(amount: float, currency: str) -> str:
    """An amount with its currency, without digits that nobody counts."""
    text = f"{amount:,.0f}" if abs(amount) >= 10 or amount == int(amount) else f"{amount:,.2f}"
    return f"{text} {currency}".strip()


def format_worth(amount: Measured, currency: str) -> str:
    """An amount and its interval."""
    low, high = (format_money(end, "") for end in (amount.low, amount.high))
    return f"{format_money(amount.value, currency)} ({low} to {high})"
