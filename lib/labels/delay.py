"""How late events of an action become known, and so how long after its horizon a label is complete."""

from datetime import date

import numpy as np
import pandas as pd

from lib.config.question import Question
from lib.labels.activity import stored_sql
from lib.tables.sql import texts_sql
from lib.timeline import Window

SHARE = 0.99  # of an action's events, of which a label is to know: the last ones may take years
LOOKBACK_DAYS = 180  # so many days tell how late events are
SETTLED_DAYS = 30  # days as young as that may still gain events, and would make all look punctual


def delays_sql(question: Question, as_of: date) -> str:
    """SQL for when the action's events of settled days became known. Columns: day, known_day, events (their number)."""
    end = Window.lookback(as_of, SETTLED_DAYS).start
    window = Window.lookback(end, LOOKBACK_DAYS)
    return (
        f"SELECT day, known_day, SUM(count) AS events FROM {stored_sql(question)} a "
        f"WHERE event_type IN ({texts_sql(question.kinds)}) "
        f"AND day >= DATE '{window.start}' AND day < DATE '{window.end}' "
        f"AND known_day < DATE '{as_of}' GROUP BY day, known_day ORDER BY day, known_day"
    )


def estimate_delay(rows: pd.DataFrame) -> int | None:
    """The days after which `SHARE` of the action's events are known; None where each is known on its own day.

    Parameters
    ----------
    rows : DataFrame[day date, known_day date, events int]
        As `delays_sql` gives them. A known day before its own day, a clock that is ahead, counts as punctual.
    """
    late = np.array([max((known - day).days, 0) for day, known in zip(rows["day"], rows["known_day"], strict=True)])
    if not late.any():  # without known_at, or of nothing
        return None
    order = np.argsort(late, kind="stable")
    known = np.cumsum(rows["events"].to_numpy(np.int64)[order])
    return int(late[order][np.searchsorted(known, SHARE * known[-1])])


def format_delay(question: Question, rows: pd.DataFrame, waited: int) -> list[str]:
    """What is said of late events: nothing where each is known on its own day."""
    delay = estimate_delay(rows)
    if delay is None:
        return []
    lateness = f"{SHARE:.0%} of the events of {question.action} are known {delay} days after their day at the latest"
    if delay <= waited:
        return [f"{lateness}; labels wait for {waited} days."]
    return [
        f"{lateness}, and labels wait for {waited}: the newest ones may lack some, and their rate be too low. Set "
        f"label_complete_after_days to {delay}."
    ]
