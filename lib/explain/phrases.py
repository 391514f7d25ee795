"""What a group of features says of one user, in plain words with the user's own figures."""

from collections.abc import Callable, Mapping

import pandas as pd

from lib.attributes.columns import DAYS, is_text
from lib.explain.groups import ATTRIBUTE, group_features
from lib.features.vocabulary import OTHER
from lib.timeline import NEVER_DAYS

NOTHING_YET = "no events yet"  # of users whom only the table of users knows
LONGEST_NAME = 40  # characters of an event type; what is longer would fill a line
Describe = Callable[..., str]


def describe_group(group: str, rows: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Describe one group of features for each row.

    Parameters
    ----------
    group : str
        A key of `DESCRIBED`; an event type's column prefix with its `__`; an attribute; or a column of its own.
    rows : DataFrame[feature float; of attributes text too]
        Rows of `features`. A group that the table, or a row, knows nothing of has "no figures".
    names : {column prefix with its `__`: event type}
    """
    if group.startswith(ATTRIBUTE):
        return [f"{group.removeprefix(ATTRIBUTE)}: {text}" for text in _describe_attribute(group, rows)]
    if group.endswith("__"):
        label, describe = format_type_name(group, names), _format_kind
        columns = [f"{group}{name}" for name in (KIND if f"{group}{USUAL}" not in rows else (*KIND, USUAL))]
    else:
        describe, sources = DESCRIBED.get(group, (_format_number, (group,)))
        label, columns = group, list(sources)
    if set(columns) - set(rows):
        return [f"{label}: no figures"] * len(rows)
    figures = rows[columns].astype(float)
    complete = figures.notna().all(axis=1)
    cases = zip(complete, figures.to_numpy().tolist(), strict=True)
    return [f"{label}: {describe(*values) if is_complete else 'no figures'}" for is_complete, values in cases]


def _describe_attribute(group: str, rows: pd.DataFrame) -> list[str]:
    columns = group_features([str(name) for name in rows]).get(group, [])
    if not columns:
        return ["no figures"] * len(rows)
    first = columns[0]
    if is_text(first):
        return ["not known" if pd.isna(value) else _format_value(value) for value in rows[first]]
    describe = _format_since if first.startswith(DAYS) else _format_number
    values = rows[columns].astype(float).to_numpy().tolist()
    return ["not known" if known != 1 else describe(value) for value, known in values]


def _format_value(value: object) -> str:
    """A value of an attribute: in one line, not too long, and free of what parts two reasons."""
    text = " ".join(str(value).replace(";", ",").split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 3]}..."


def _format_since(days: float) -> str:
    if days == 0:
        return "that day"
    return f"{_format_days(days)} ago" if days > 0 else f"in {_format_days(-days)}"


def format_type_name(group: str, names: Mapping[str, str]) -> str:
    """An event type as people call it: in one line, not too long, and free of what parts two reasons."""
    prefix = group.removesuffix("__")
    name = " ".join(names.get(group, "other events" if prefix == OTHER else prefix).replace(";", ",").split())
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _format_kind(
    n_28: float, n_90: float, n_all: float, days_90: float, recency: float, covered: float, usual: float = 0.0
) -> str:
    # An event known late may lie before the day on which its type's log starts: the window then holds it all the same.
    days_known = max(round(90 * covered), days_90, recency if n_90 else 0)
    if n_28:
        return f"{_format_times(n_28)} in {_format_days(min(28, days_known))}, {_format_last(recency, usual)}"
    if n_90:
        return f"{_format_times(n_90)} in {_format_days(min(90, days_known))}, {_format_last(recency, usual)}"
    if n_all:
        return _format_last(recency, usual)
    return "never" if days_known >= 90 else f"nothing in {_format_days(days_known)}, as long as it is recorded"


def _format_last(recency: float, usual: float) -> str:
    """`last 20 days ago, usually every 6`. Who did it on one day has no gap: there the silence stands for it."""
    last = f"last {_format_spell(recency)} ago"
    return last if not usual or usual == recency or recency >= NEVER_DAYS else f"{last}, usually every {usual:.0f}"


def _format_activity(days_28: float, recency: float, log_age: float, tenure: float) -> str:
    if not tenure:
        return NOTHING_YET
    if days_28:
        return (
            f"on {days_28:.0f} of {_format_days(_covered_days(28, log_age, tenure))}, last {_format_days(recency)} ago"
        )
    return f"nothing for {_format_spell(recency)}"


def _format_rhythm(gap: float, days_all: float, recency: float) -> str:
    if not days_all:
        return NOTHING_YET
    return (
        "active on one day only"
        if days_all == 1
        else f"every {gap:.1f} days on average, last {_format_days(recency)} ago"
    )


def _format_history(tenure: float, days_all: float) -> str:
    return (
        NOTHING_YET
        if not days_all
        else f"first seen {_format_days(tenure)} ago, active on {_format_days(days_all)} since"
    )


def _format_weekends(share: float) -> str:
    return f"{share:.0%} of active days"


def _format_two_spans(n_28: float, n_90: float, log_age: float, tenure: float) -> str:
    return _format_spans([(28, n_28), (90, n_90)], log_age, tenure)


def _format_three_spans(n_7: float, n_28: float, n_90: float, log_age: float, tenure: float) -> str:
    return _format_spans([(7, n_7), (28, n_28), (90, n_90)], log_age, tenure)


def _format_spans(figures: list[tuple[int, float]], log_age: float, tenure: float) -> str:
    """`3 in 7 days, 20 in 28`; windows that a young log cuts to one are told once."""
    cut = {_covered_days(window, log_age, tenure): _format_sum(value) for window, value in figures}
    (first, value), *others = cut.items()
    return ", ".join([f"{value} in {_format_days(first)}", *(f"{value} in {window:.0f}" for window, value in others)])


def _covered_days(window: int, log_age: float, tenure: float) -> float:
    """How much of a window the log covers. A user may be known for longer than most event types."""
    return min(window, max(log_age, tenure))


def _format_number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _format_sum(value: float) -> str:
    """A sum, with its thousands apart: another number may be a year."""
    return f"{value:,.0f}" if abs(value) >= 1000 else _format_number(value)


def _format_times(count: float) -> str:
    return "once" if count == 1 else f"{count:,.0f} times"


def _format_days(count: float) -> str:
    return "1 day" if count == 1 else f"{count:.0f} days"


def _format_spell(recency: float) -> str:
    return "a year or more" if recency >= NEVER_DAYS else _format_days(recency)


KIND = ("events_28", "events_90", "events_all", "days_90", "recency", "covered_90")  # what is said of an event type
USUAL = "gap_median"  # and of one that was asked about, besides
DESCRIBED: Mapping[str, tuple[Describe, tuple[str, ...]]] = {  # how an aspect is told, and from which columns
    "activity": (_format_activity, ("days_28", "recency", "log_age", "tenure")),
    "value": (_format_two_spans, ("value_28", "value_90", "log_age", "tenure")),
    "different items": (_format_two_spans, ("items_28", "items_90", "log_age", "tenure")),
    "rhythm": (_format_rhythm, ("gap_mean", "days_all", "recency")),
    "trend of events": (_format_three_spans, ("events_7", "events_28", "events_90", "log_age", "tenure")),
    "history": (_format_history, ("tenure", "days_all")),
    "weekends": (_format_weekends, ("weekend_share",)),
}
