"""What is thin of a load and stops nothing: single days, and event types that fall silent, of the newest week."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from math import ceil

import pandas as pd

from lib.config.thresholds import LoadLimits
from lib.features.remarks import TOLD, Remark, format_days
from lib.features.weeks import PAST, WEEK, ThinDays, find_thin
from lib.tables.protocol import Tables
from lib.timeline import Window


def tell_thin(tables: Tables, as_of: date, limits: LoadLimits) -> list[Remark]:
    """What a person should know of the newest week, by what is stored of it and of the half year before.

    Counted by known day, so that all of it can be looked at again.
    """
    window = Window.lookback(as_of, WEEK * (PAST + 1))
    span = f"known_day >= DATE '{window.start}' AND known_day < DATE '{as_of}'"
    large = (
        f"SELECT event_type FROM {{daily_activity}} WHERE {span} GROUP BY event_type "
        f"HAVING SUM(count) >= {limits.min_counted_events}"
    )
    rows = tables.query(
        f"SELECT a.known_day, l.event_type AS kind, SUM(a.count) AS n FROM (SELECT * FROM {{daily_activity}} WHERE "
        f"{span}) a LEFT JOIN ({large}) l ON a.event_type = l.event_type GROUP BY a.known_day, l.event_type"
    )
    counts: dict[str, Counter[date]] = defaultdict(Counter)
    whole: Counter[date] = Counter()
    for day, kind, n in rows.itertuples(index=False):
        whole[day] += int(n)
        if not pd.isna(kind):
            counts[kind][day] += int(n)
    return [*_tell_days(whole, as_of, limits), *_tell_week(whole, as_of, limits), *_tell_types(counts, as_of, limits)]


def _tell_days(counts: Mapping[date, int], as_of: date, limits: LoadLimits) -> Iterator[Remark]:
    share, least = limits.min_week_share, limits.min_counted_events
    for back in range(WEEK):
        thin = find_thin(counts, as_of - timedelta(days=back), below=share, least=least, width=1)
        if thin is not None:
            yield _remark(thin, None, share)


def _tell_week(counts: Mapping[date, int], as_of: date, limits: LoadLimits) -> Iterator[Remark]:
    thin = find_thin(counts, as_of, below=limits.told_week_share, least=limits.min_counted_events)
    if thin is not None and thin.events >= limits.min_week_share * thin.usual:  # less was stopped, or accepted
        yield _remark(thin, None, limits.told_week_share)


def _tell_types(counts: Mapping[str, Mapping[date, int]], as_of: date, limits: LoadLimits) -> Iterator[Remark]:
    if len(counts) < 2:  # all events are of it
        return
    for kind in sorted(counts):
        thin = find_thin(counts[kind], as_of, below=limits.min_week_share, least=limits.min_counted_events)
        if thin is not None:
            yield _remark(thin, kind, limits.min_week_share)


def _remark(thin: ThinDays, kind: str | None, share: float) -> Remark:
    remark = Remark(TOLD, "", thin.days, kind, round(thin.usual), thin.events, ceil(share * thin.usual))
    return replace(remark, message=f"{format_days(remark)} are {thin.events}; usual is {thin.usual:g}.")
