"""What every feature means, and in which unit: a feature is declared here by its name, and is none without both.

Figures are of one user, from what was known before the cutoff. `{kind}` stands for an event type's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lib.features.rhythm import HALVED, WITHIN
from lib.features.windows import WINDOWS
from lib.timeline import NEVER_DAYS

VALUE = "unit of the source's value"


@dataclass(frozen=True)
class Meaning:
    """What a column says of a user, and in which unit."""

    text: str
    unit: str

    def of(self, kind: str) -> "Meaning":
        """The same of an event type."""
        return Meaning(self.text.replace("{kind}", kind), self.unit)


def _window(days: int | None) -> str:
    return f"in the {days} days before the cutoff" if days else "at any time before the cutoff"


def _by_window(name: str, text: str, unit: str) -> dict[str, Meaning]:
    return {f"{name}_{days or 'all'}": Meaning(f"{text} {_window(days)}", unit) for days in WINDOWS}


def _covered(days: int, what: str) -> Meaning:
    return Meaning(f"how much of the {days} days before the cutoff {what} covers; the same for all users", "share")


def _expected(days: str) -> Meaning:
    return Meaning(f"{days} to expect per day from the cutoff on, by BG/NBD", "log of days per day")


def _ends_within(days: int) -> Meaning:
    text = f"how much likelier than BG/NBD expects the next {{kind}} event comes within {days} days, by how silences "
    return Meaning(f"{text}like the present one have ended before; 0: there was none", "log-odds")


OF_USERS: Mapping[str, Meaning] = {  # what is about all event types together
    **_by_window("events", "events of all types", "events"),
    **_by_window("days", "days with an event", "days"),
    **_by_window("value", "sum of the values of all events", VALUE),
    **_by_window("items", "different items", "items"),
    "recency": Meaning(f"days since the last event, at most {NEVER_DAYS}", "days"),
    "silence": Meaning("days since the last event, without an end", "days"),
    "tenure": Meaning("days since the first event", "days"),
    "gap_mean": Meaning("mean gap between two days with an event; of a single day the days since", "days"),
    "gap_std": Meaning("standard deviation of the gaps between days with an event", "days"),
    "overdue": Meaning("recency as a multiple of the mean gap", "ratio"),
    "trend_7_28": Meaning("events of 7 days against those of 28, both per day; 0: as many", "log ratio"),
    "trend_28_90": Meaning("events of 28 days against those of 90, both per day; 0: as many", "log ratio"),
    "weekend_share": Meaning("of the days with an event, how many were a Saturday or a Sunday", "share"),
    **{f"covered_{days}": _covered(days, "the log") for days in WINDOWS if days},
    "log_age": Meaning("days from the log's start to the cutoff; the same for all users", "days"),
    "expected": _expected("days with an event"),
}
OF_TYPES: Mapping[str, Meaning] = {  # of every event type with columns of its own, and of those that share `other`
    **_by_window("events", "{kind} events", "events"),
    **{f"days_{days}": Meaning(f"days with {{kind}} events {_window(days)}", "days") for days in (28, 90)},
    "value_28": Meaning(f"sum of the values of {{kind}} events {_window(28)}", VALUE),
    "recency": Meaning(
        f"days since the last {{kind}} event, at most {NEVER_DAYS}, which also stands for never", "days"
    ),
    "covered_90": _covered(90, "what is recorded of {kind} events"),
    "expected": _expected("days with {kind} events"),
}
OF_ACTIONS: Mapping[str, Meaning] = {  # of the actions that were ever asked about, besides
    **{
        f"faded_{half}": Meaning(f"days with {{kind}} events, each by half for every {half} days of its age", "days")
        for half in HALVED
    },
    "gap_median": Meaning("usual gap between two days with {kind} events; without one, the silence so far", "days"),
    **{f"ends_within_{days}": _ends_within(days) for days in WITHIN},
}
