"""All feature columns as one DuckDB query over raw events: an independent second method, for one cutoff."""

from datetime import date

from datasets.recipe_app import TYPES
from lib.features.windows import BG_A, BG_ALPHA, BG_B, BG_R, WINDOWS
from lib.timeline import NEVER_DAYS


def features_sql(files: str, cutoff: date, log_start: date) -> str:
    """SQL for every column of `lib.features.build` at one cutoff; every type of the log is as old as the log."""
    c = f"DATE '{cutoff}'"
    inside = {w: f"day >= {c} - {w}" if w else "true" for w in WINDOWS}
    per_user = [
        expression
        for w in WINDOWS
        for expression in (
            f"count(*) FILTER ({inside[w]}) AS events_{w or 'all'}",
            f"count(DISTINCT day) FILTER ({inside[w]}) AS days_{w or 'all'}",
            f"coalesce(sum(value) FILTER ({inside[w]}), 0) AS value_{w or 'all'}",
            f"count(DISTINCT item_id) FILTER ({inside[w]}) AS items_{w or 'all'}",
        )
    ]
    age = (cutoff - log_start).days
    for kind in TYPES:
        of_kind = f"event_type = '{kind}'"
        per_user += [f"count(*) FILTER ({of_kind} AND {inside[w]}) AS {kind}__events_{w or 'all'}" for w in WINDOWS]
        per_user += [f"count(DISTINCT day) FILTER ({of_kind} AND {inside[w]}) AS {kind}__days_{w}" for w in (28, 90)]
        per_user += [
            f"coalesce(sum(value) FILTER ({of_kind} AND {inside[28]}), 0) AS {kind}__value_28",
            f"coalesce(least({c} - max(day) FILTER ({of_kind}), {NEVER_DAYS}), {NEVER_DAYS}) AS {kind}__recency",
            f"{min(1.0, age / 90)} AS {kind}__covered_90",
            f"{_expected_sql(c, of_kind)} AS {kind}__expected",
        ]
    per_user.append(f"{_expected_sql(c, 'true')} AS expected")
    covered = ", ".join(f"{min(1.0, age / w)} AS covered_{w}" for w in WINDOWS if w)
    return f"""
WITH e AS (SELECT *, event_time::DATE AS day FROM read_parquet('{files}') WHERE event_time < {c}),
counts AS (SELECT user_id, {", ".join(per_user)} FROM e GROUP BY user_id),
steps AS (
    SELECT user_id, day, day - lag(day) OVER (PARTITION BY user_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT user_id, day FROM e)
),
rhythm AS (
    SELECT user_id, least({c} - max(day), {NEVER_DAYS}) AS recency, {c} - max(day) AS silence, {c} - min(day) AS tenure,
        coalesce(avg(gap), greatest({c} - min(day), 1)) AS gap_mean, coalesce(stddev_pop(gap), 0) AS gap_std,
        avg((isodow(day) >= 6)::INT) AS weekend_share
    FROM steps GROUP BY user_id
)
SELECT counts.*, rhythm.* EXCLUDE (user_id), recency / greatest(gap_mean, 1) AS overdue,
    ln((events_7 + 1) / (events_28 * 7 / 28 + 1)) AS trend_7_28,
    ln((events_28 + 1) / (events_90 * 28 / 90 + 1)) AS trend_28_90,
    {covered}, {age} AS log_age
FROM counts JOIN rhythm USING (user_id)"""


def _expected_sql(c: str, of_kind: str) -> str:
    """BG/NBD on the active days of some events; without any, the user's own first day is where the silence began."""
    x = f"greatest(count(DISTINCT day) FILTER ({of_kind}) - 1, 0)"
    age = f"({c} - coalesce(min(day) FILTER ({of_kind}), min(day)))"
    lived = f"(max(day) FILTER ({of_kind}) - min(day) FILTER ({of_kind}))"
    gone = f"{BG_A} / ({BG_B} + {x} - 1) * pow(({BG_ALPHA} + {age}) / ({BG_ALPHA} + {lived}), {BG_R} + {x})"
    return f"ln(({BG_R} + {x}) / ({BG_ALPHA} + {age})) - CASE WHEN {x} > 0 THEN ln(1 + {gone}) ELSE 0 END"
