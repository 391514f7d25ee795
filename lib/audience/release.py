"""Whether a list may take the place of the last one: what differs between both, and what must not be."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from lib.audience.spread import Spread, cut_pieces, of_piece_sql, piece_sql, ranked_sql
from lib.config.thresholds import PublishLimits
from lib.config.words import Words
from lib.errors import PublishRefused
from lib.evaluation.measured import Measured
from lib.tables.protocol import Tables
from lib.tables.sql import number_sql

STAYS = "The list stays."
NAMED = 5  # so many of those who entered or left are named


@dataclass(frozen=True)
class ListDifference:
    """What differs between a list and the last one of an earlier cutoff."""

    entered: int
    left: int
    jaccard: float  # of the two highest deciles: users in both, of those in either
    mean_shift: float
    score_shift: float  # Kolmogorov-Smirnov: the largest distance of the two cumulative distributions


@dataclass(frozen=True)
class Move:
    """Users who entered or left since the last list."""

    verb: str  # entered, left
    where: str  # the list, the first decile
    users: int
    on_both: int  # of them, those who stand on the other list too
    head: pd.DataFrame  # the strongest: user_id, propensity, rank, propensity_before, rank_before


@dataclass(frozen=True)
class Comparison:
    """Two lists side by side."""

    difference: ListDifference
    moves: Sequence[Move]


def compare_lists(tables: Tables, new: str, old: str, spreads: tuple[Spread, Spread]) -> Comparison:
    """Compare two lists where they lie.

    Parameters
    ----------
    new, old : SELECT with user_id, propensity
        Neither is empty.
    spreads : Spread of both
    """
    now, then = (
        ranked_sql(rows, spread, ("user_id", "propensity")) for rows, spread in zip((new, old), spreads, strict=True)
    )
    both = (
        "SELECT COALESCE(n.user_id, o.user_id) AS user_id, n.propensity, n.rank, n.decile, o.propensity AS "
        f"propensity_before, o.rank AS rank_before, o.decile AS decile_before FROM ({now}) n FULL OUTER JOIN "
        f"({then}) o ON n.user_id = o.user_id"
    )
    counts = ", ".join(
        f"COUNT(CASE WHEN {moved} THEN 1 END) AS n{place}, COUNT(CASE WHEN {moved} THEN {other} END) AS both{place}"
        for place, (*_, moved, other) in enumerate(_MOVES)
    )
    counted = tables.query(
        f"SELECT {counts}, COUNT(CASE WHEN decile = 1 AND decile_before = 1 THEN 1 END) AS tops, "
        f"COUNT(CASE WHEN decile = 1 OR decile_before = 1 THEN 1 END) AS either FROM ({both}) b"
    ).iloc[0]
    moves = _name_movers(tables, both, counted)
    entered, left = (move.users for move in moves if move.where == "the list")
    jaccard, shift = int(counted["tops"]) / int(counted["either"]), measure_shift(tables, new, old, spreads)
    return Comparison(ListDifference(entered, left, jaccard, spreads[0].mean - spreads[1].mean, shift), moves)


def _name_movers(tables: Tables, both: str, counts: "pd.Series[int]") -> list[Move]:
    """The strongest movers of each kind, by one query."""
    heads = " UNION ALL ".join(
        f"SELECT {place} AS move, m.* FROM (SELECT * FROM both_lists WHERE {moved} ORDER BY {order} LIMIT {NAMED}) m"
        for place, (*_, order, moved, _) in enumerate(_MOVES)
    )
    named = tables.query(f"WITH both_lists AS ({both}) {heads}")
    return [
        Move(
            verb, where, int(counts[f"n{place}"]), int(counts[f"both{place}"]),
            named[named["move"] == place].sort_values(order, ignore_index=True),
        )
        for place, (verb, where, order, *_) in enumerate(_MOVES)
    ]  # fmt: skip


_TOP, _TOP_BEFORE = "COALESCE(decile = 1, FALSE)", "COALESCE(decile_before = 1, FALSE)"
_MOVES = (  # verb, where, the order of the strongest, who it is, and what those have who stand on the other list too
    ("entered", "the first decile", "rank", f"{_TOP} AND NOT {_TOP_BEFORE}", "decile_before"),
    ("left", "the first decile", "rank_before", f"{_TOP_BEFORE} AND NOT {_TOP}", "decile"),
    ("entered", "the list", "rank", "decile_before IS NULL", "decile_before"),
    ("left", "the list", "rank_before", "decile IS NULL", "decile"),
)


def measure_shift(tables: Tables, new: str, old: str, spreads: tuple[Spread, Spread]) -> float:
    """The largest distance of the shares of two lists' users up to a propensity: Kolmogorov and Smirnov's."""
    lows = cut_pieces(spreads[0])
    events = (
        f"SELECT propensity, 1 AS new_one, 0 AS old_one FROM ({new}) n UNION ALL "
        f"SELECT propensity, 0 AS new_one, 1 AS old_one FROM ({old}) o"
    )
    heights = (
        "SELECT piece, propensity, SUM(new_one) AS new_ones, SUM(old_one) AS old_ones FROM "
        f"(SELECT *, {piece_sql(lows)} AS piece FROM ({events}) e) p GROUP BY piece, propensity"
    )
    new_share, old_share = (
        f"({of_piece_sql([number_sql(spread.below(low)) for low in (*lows, 0)])} + CAST(SUM({ones}) OVER (PARTITION BY "
        f"piece ORDER BY propensity ROWS UNBOUNDED PRECEDING) AS DOUBLE)) / {spread.size}"
        for ones, spread in zip(("new_ones", "old_ones"), spreads, strict=True)
    )
    shares = f"SELECT {new_share} AS new_share, {old_share} AS old_share FROM ({heights}) h"
    return float(tables.query(f"SELECT MAX(ABS(new_share - old_share)) AS apart FROM ({shares}) s")["apart"].iloc[0])


def difference_columns(difference: ListDifference | None) -> dict[str, Any]:
    """A difference as columns of `publications`; nulls without one."""
    names = ListDifference.__dataclass_fields__
    return dict.fromkeys(names) if difference is None else asdict(difference)


def completeness_sql(rows: str) -> str:
    """SQL for what `check_complete` counts of scored rows."""
    return (
        "SELECT COUNT(*) AS users, COUNT(*) - COUNT(user_id) AS nameless, COUNT(user_id) - COUNT(DISTINCT user_id) AS "
        f"doubles, COUNT(CASE WHEN propensity BETWEEN 0 AND 1 THEN 1 END) AS inside FROM ({rows}) r"
    )


def pairs_sql(rows: str) -> str:
    """SQL for the pairs by which rows were scored."""
    names = "preprocessing_version, prediction_version"
    return f"SELECT DISTINCT {names} FROM ({rows}) r ORDER BY {names}"


def check_complete(counts: pd.DataFrame, pairs: pd.DataFrame, cohort: int, versions: Mapping[str, str]) -> None:
    """Refuse a list that is no list of its cohort.

    Parameters
    ----------
    counts, pairs : DataFrame
        What `completeness_sql` and `pairs_sql` give.

    Raises
    ------
    PublishRefused
        If it is empty, not the whole cohort, names a user twice or none, holds no probability, or mixes models.
    """
    users, nameless, doubles, inside = (
        int(counts[name].iloc[0]) for name in ("users", "nameless", "doubles", "inside")
    )
    if not users and not cohort:
        raise PublishRefused(
            "Nobody is asked about: the cohort is empty. Widen cohort_days or cohort_where, or see what ended in the "
            f"events. {STAYS}"
        )
    if users != cohort:
        raise PublishRefused(f"The predictions hold {users} users and the cohort {cohort}. Run predict again. {STAYS}")
    if nameless:
        raise PublishRefused(f"{nameless} predictions name no user. Run extract_features and predict again. {STAYS}")
    if doubles:
        raise PublishRefused(f"{doubles} users stand twice in the predictions. Run predict again. {STAYS}")
    if inside < users:  # what is no number lies outside too
        raise PublishRefused(f"{users - inside} propensities are not between 0 and 1. Retrain. {STAYS}")
    for column, version in versions.items():
        scored_by = sorted(set(pairs[column]))
        if scored_by != [version]:
            raise PublishRefused(
                f"The predictions come from {column} {', '.join(map(str, scored_by))}, this run decided on {version}. "
                f"Run predict again. {STAYS}"
            )


def check_against_last(
    new: Spread, old: Spread | None, shift: float | None, base_rate: Measured, bounds: PublishLimits, words: Words
) -> None:
    """Refuse a list that differs too much from the last one, or from what happens usually.

    Parameters
    ----------
    old : Spread or None
        Of the last list of an earlier cutoff, if there is one.
    shift : float or None
        How far the propensities of both are apart, where the same pair scored them: another pair was put in use because
        it scores otherwise, and was held against what happened.
    base_rate : Measured
        Of the newest matured cutoff.

    Raises
    ------
    PublishRefused
        The message names what was counted, the bound, and the parameter that sets it.
    """
    low, high = base_rate.low / bounds.max_rate_ratio, base_rate.high * bounds.max_rate_ratio
    if not low <= new.mean <= high:
        raise PublishRefused(
            f"The mean propensity is {new.mean:.4f}, and of the newest users whose outcome is known {base_rate:.4f} "
            f"{words.acted}: a mean from {low:.4f} to {high:.4f} is allowed. {_way_out('max_rate_ratio')}"
        )
    if old is None:
        return
    smaller, larger = sorted((new.size, old.size))
    if larger > smaller * (1 + bounds.max_users_change):
        raise PublishRefused(
            f"The list has {new.size} users and the last one, of an earlier cutoff, {old.size}: one may be larger "
            f"than the other by {bounds.max_users_change:.0%} at the most. {_way_out('max_users_change')}"
        )
    if shift is not None and shift > bounds.max_score_shift:
        raise PublishRefused(
            f"The propensities have moved: at some height the shares of users below it differ by "
            f"{shift:.2f} between this list and the last one of an earlier cutoff, of the same pair; "
            f"at most {bounds.max_score_shift:g} is allowed, and the mean went from "
            f"{old.mean:.4f} to {new.mean:.4f}. {_way_out('max_score_shift')}"
        )


def refuse_new_pair(shift: float, means: tuple[float, float], limit: float, why: str) -> PublishRefused:
    """The error for a list whose pair says far otherwise of the same users than the pair before it."""
    return PublishRefused(
        "The new pair says otherwise of the same users than the one before: at some height the shares of users below "
        f"it differ by {shift:.2f}, at most {limit:g} is allowed, and the mean went from {means[0]:.4f} to "
        f"{means[1]:.4f}. No change of behaviour explains it: {why}. {_way_out('max_score_shift')}"
    )


def _way_out(parameter: str) -> str:
    return f"Look at the source and the model; if the change is real, run publish with a larger {parameter}. {STAYS}"


def format_difference(difference: ListDifference | None, since: Any) -> list[str]:
    """Say what differs from the last list, in one line; none without one."""
    if difference is None:
        return []
    moved = "higher" if difference.mean_shift > 0 else "lower"
    return [
        f"Since the list of {since}: {difference.entered:,} users entered, {difference.left:,} left. Of the users in "
        f"either top decile {difference.jaccard:.0%} are in both; the mean propensity is "
        f"{abs(difference.mean_shift):.4f} {moved}. At no height do the shares of users above it differ by more than "
        f"{difference.score_shift:.0%}."
    ]
