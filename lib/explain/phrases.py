"""What a group of features says of one user, in plain words with the user's own figures."""

from collections.abc import Callable, Mapping

import pandas as pd

from lib.features.vocabulary import OTHER
from lib.timeline import NEVER_DAYS

LONGEST_NAME = 40  # characters of an event type; what is longer would fill a line
Describe = Callable[..., str]


def describe_group(group: str, rows: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Describe one group of features for each row.

    Parameters
    ----------
    group : str
        A key of `DESCRIBED`; an event type's column prefix with its `__`; or a column of its own.
    rows : DataFrame[feature float]
        Rows of `features`. A group that the table, or a row, knows nothing of has "no figures".
    names : {column prefix with its `__`: event type}
    """
    if group.endswith("__"):
        label, describe = format_type_name(group, names), _kind
        columns = [f"{group}{name}" for name in KIND]
    else:
        describe, own = DESCRIBED.get(group, (_number, (group,)))
        label, columns = group, list(own)
    if set(columns) - set(rows):
        return [f"{label}: no figures"] * len(rows)
    figures = rows[columns].astype(float)
    known = figures.notna().all(axis=1)
    spoken = zip(known, figures.to_numpy().tolist(), strict=True)
    return [f"{label}: {describe(*values) if there else 'no figures'}" for there, values in spoken]


def format_type_name(group: str, names: Mapping[str, str]) -> str:
    """An event type as people call it: in one line, not too long, and free of what parts two reasons."""
    prefix = group.removesuffix("__")
    name = " ".join(names.get(group, "other events" if prefix == OTHER else prefix).replace(";", ",").split())
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _kind(n_28: float, n_90: float, n_all: float, days_90: float, recency: float, covered: float) -> str:
    # An event known late may lie before the day on which its type's log starts: the window then holds it all the same.
    known = max(round(90 * covered), days_90, recency if n_90 else 0)
    if n_28:
        return f"{_times(n_28)} in {_days(min(28, known))}, last {_days(recency)} ago"
    if n_90:
        return f"{_times(n_90)} in {_days(min(90, known))}, last {_days(recency)} ago"
    if n_all:
        return f"last {_spell(recency)} ago"
    return "never" if known >= 90 else f"nothing in {_days(known)}, as long as it is recorded"


def _activity(days_28: float, recency: float, log_age: float, tenure: float) -> str:
    if days_28:
        return f"on {days_28:.0f} of {_days(_seen(28, log_age, tenure))}, last {_days(recency)} ago"
    return f"nothing for {_spell(recency)}"


def _rhythm(gap: float, days_all: float, recency: float) -> str:
    return "active on one day only" if days_all == 1 else f"every {gap:.1f} days on average, last {_days(recency)} ago"


def _history(tenure: float, days_all: float) -> str:
    return f"first seen {_days(tenure)} ago, active on {_days(days_all)} since"


def _weekends(share: float) -> str:
    return f"{share:.0%} of active days"


def _two_spans(n_28: float, n_90: float, log_age: float, tenure: float) -> str:
    return _spans([(28, n_28), (90, n_90)], log_age, tenure)


def _three_spans(n_7: float, n_28: float, n_90: float, log_age: float, tenure: float) -> str:
    return _spans([(7, n_7), (28, n_28), (90, n_90)], log_age, tenure)


def _spans(figures: list[tuple[int, float]], log_age: float, tenure: float) -> str:
    """`3 in 7 days, 20 in 28`; windows that a young log cuts to one are told once."""
    cut = {_seen(window, log_age, tenure): _number(value) for window, value in figures}
    (first, value), *others = cut.items()
    return ", ".join([f"{value} in {_days(first)}", *(f"{value} in {window:.0f}" for window, value in others)])


def _seen(window: int, log_age: float, tenure: float) -> float:
    """How much of a window the log covers. A user may be known for longer than most event types."""
    return min(window, max(log_age, tenure))


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _times(count: float) -> str:
    return "once" if count == 1 else f"{count:.0f} times"


def _days(count: float) -> str:
    return "1 day" if count == 1 else f"{count:.0f} days"


def _spell(recency: float) -> str:
    return "a year or more" if recency >= NEVER_DAYS else _days(recency)


KIND = ("events_28", "events_90", "events_all", "days_90", "recency", "covered_90")  # what is said of an event type
DESCRIBED: Mapping[str, tuple[Describe, tuple[str, ...]]] = {  # how an aspect is told, and from which columns
    "activity": (_activity, ("days_28", "recency", "log_age", "tenure")),
    "value": (_two_spans, ("value_28", "value_90", "log_age", "tenure")),
    "different items": (_two_spans, ("items_28", "items_90", "log_age", "tenure")),
    "rhythm": (_rhythm, ("gap_mean", "days_all", "recency")),
    "trend of events": (_three_spans, ("events_7", "events_28", "events_90", "log_age", "tenure")),
    "history": (_history, ("tenure", "days_all")),
    "weekends": (_weekends, ("weekend_share",)),
}
