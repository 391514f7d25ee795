"""Sound weeks of a log: what stops them, by which bound, and what is told."""

from collections import Counter
from datetime import date, timedelta

from benchmarks.load_logs import Log, count_days
from lib.config.thresholds import LoadLimits
from lib.features import likeness, weeks
from lib.features.thin import tell_thin
from lib.tables.memory import MemoryTables

WEEK = timedelta(days=7)


def count_weeks(log: Log) -> dict[str, int]:
    """On each sound week of a log, what stops it by which bound, and what is told."""
    rows = log.activity.to_pandas()
    counts, acts = (Counter({day: n for (_, day), n in one.items()}) for one in count_days(rows, log.action))
    first, last = min(counts), max(counts)
    limits = LoadLimits.from_widgets(lambda _: "")
    found: Counter[str] = Counter()
    tables = MemoryTables()
    tables.stored["daily_activity"] = log.activity
    for back in range(52):
        as_of = last - WEEK * back
        if as_of - WEEK * (weeks.BEFORE + 1) < first:
            break
        found["weeks"] += 1
        stops = [
            name
            for name, one, share in (("all", counts, limits.min_week_share), ("action", acts, limits.min_action_share))
            if weeks.find_thin(_until(one, as_of), as_of, below=share, least=limits.min_counted_events)
        ]
        past = rows[(rows["day"] < as_of) & (rows["day"] >= as_of - timedelta(days=likeness.DAYS))]
        stops += [one.about for one in likeness.find_odd(past.rename(columns={"count": "n"}), as_of, limits)]
        found.update(f"stopped, {name}" for name in stops)
        found["stopped"] += bool(stops)
        told = tell_thin(tables, as_of, limits)
        found["told of days"] += sum(one.about is None and one.days is not None and one.days.days == 1 for one in told)
        found["told of weeks"] += sum(one.about is None and one.days is not None and one.days.days == 7 for one in told)
        found["told of types"] += sum(one.about is not None for one in told)
    return dict(found)


def _until(counts: Counter[date], as_of: date) -> dict[date, int]:
    return {day: n for day, n in counts.items() if day < as_of}
