"""The questions that are compared, on logs that `par.py` reads too."""

from dataclasses import dataclass
from datetime import date

from benchmarks.par.ours import Task


@dataclass(frozen=True)
class Asked:
    """A question, and how many later cutoffs it is judged at."""

    task: Task
    pool: int


TASKS = {
    "deli": Asked(Task("deli 14 d", "complete_journey", ("buy_deli",), 14, 90, date(2017, 12, 17), 14), 5),
    "coupon": Asked(Task("coupon 28 d", "complete_journey", ("coupon_redemption",), 28, 90, date(2017, 12, 3), 14), 4),
    "cdnow": Asked(Task("CDNOW 28 d", "cdnow", ("purchase",), 28, 2000, date(1998, 6, 3), 28), 6),
    "retail": Asked(Task("retail 28 d", "online_retail", ("purchase",), 28, 400, date(2011, 11, 11), 14), 4),
}
