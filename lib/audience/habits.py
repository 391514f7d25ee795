"""How alike users stray from their propensities list after list: lists of the same users tell less than as many others.

The users held out of a question are the same ones on every list, and habits that no propensity knows last. What chance
made of these users then comes back with each list, and does not average out.
"""

import math

import pandas as pd

from lib.audience.contacts import ARM
from lib.evaluation.measured import Measured

HABIT = "habit"  # the metric of the ledger
UNKNOWN = 1.0  # counts where nobody measured it: any number of lists is then taken to tell as much as one


def habit_sql(now: str, before: str) -> str:
    """SQL for what `measure_habit` needs of two lists whose days do not overlap: sums over the users of both, by side.

    Parameters
    ----------
    now, before : SELECT with user_id, propensity, label
        Every scored user once. The tables know a function `is_held_out`.
    """
    beyond = (
        "SELECT is_held_out(n.user_id) AS side, n.label - n.propensity AS now, b.label - b.propensity AS before "
        f"FROM ({now}) n JOIN ({before}) b ON n.user_id = b.user_id"
    )
    return (
        "SELECT side, COUNT(*) AS users, SUM(now) AS now, SUM(before) AS before, SUM(now * now) AS now_squared, "
        f"SUM(before * before) AS before_squared, SUM(now * before) AS product FROM ({beyond}) b GROUP BY side"
    )


def measure_habit(sums: pd.DataFrame, users: int, users_before: int) -> Measured:
    """The correlation between what the users of two lists did beyond their propensities; who is on one alone adds none.

    By how much a whole side did more is no habit: each side is held against its own mean. The interval is Fisher's.

    Parameters
    ----------
    sums : DataFrame[side, users, now, before, now_squared, before_squared, product]
        As `habit_sql` gives it.
    users, users_before : int
        How many are on each list.
    """
    sums = sums.sort_values("side")
    both, of_both = sums["users"], int(sums["users"].sum())
    varied = float((sums["now_squared"] - sums["now"] ** 2 / both).sum())
    varied_before = float((sums["before_squared"] - sums["before"] ** 2 / both).sum())
    if of_both < 4 or min(varied, varied_before) <= 0:
        return Measured(0.0, 0.0, 0.0)
    together = float((sums["product"] - sums["now"] * sums["before"] / both).sum())
    correlation = max(-1.0, min(1.0, together / math.sqrt(varied * varied_before)))
    place, arm = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, correlation))), ARM / math.sqrt(of_both - 3)
    shared = of_both / math.sqrt(users * users_before)
    return Measured(correlation * shared, math.tanh(place - arm) * shared, math.tanh(place + arm) * shared)


def find_habit(outcomes: pd.DataFrame) -> float | None:
    """What the lists of a question say of it together, from 0 to 1; None where none was held against one before.

    Each was held against the one before: what fades with time is then taken to last, which errs on the safe side.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of `outcomes` of one question, each cutoff, part and metric once.
    """
    rows = outcomes[outcomes["metric"] == HABIT]
    if rows.empty:
        return None
    weights = rows["users"].to_numpy(float)
    return max(0.0, float(weights @ rows["measured"].to_numpy(float) / weights.sum()))
