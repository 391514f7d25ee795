"""Which labelled rows are read where there are too many: a sample with weights, drawn in SQL before they are moved."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from lib.attributes.columns import Attribute
from lib.config.question import Question
from lib.config.stages import TrainConfig
from lib.labels.labels import labelled_cohort_sql
from lib.labels.rows import WEIGHT
from lib.timeline import Cutoffs

OF_A_ROW = "user_id || ' ' || CAST(cutoff AS STRING)"  # what a row is drawn by
OF_A_USER = "user_id"


def cohort_sizes_sql(question: Question, cutoffs: Sequence[date], as_of: date) -> str:
    """SQL for the sizes of the cohorts of matured cutoffs. Columns: cutoff, users, acted."""
    return (
        "SELECT cutoff, COUNT(*) AS users, CAST(SUM(label) AS BIGINT) AS acted "
        f"FROM ({labelled_cohort_sql(question, cutoffs, as_of)}) l GROUP BY cutoff"
    )


def labelled_sample_sql(
    config: TrainConfig,
    cutoffs: Cutoffs,
    holdout: Sequence[date],
    sizes: pd.DataFrame,
    attributes: Sequence[Attribute] = (),
) -> str:
    """SQL for the labelled rows of all matured cutoffs, at most about `max_training_rows` to learn from.

    Of those, the rarer class keeps more, by a seeded hash of user and cutoff. The holdout keeps as many rows, by a
    hash of the user and whatever the label: what judges is a plain sample of users. Where anything is left out,
    `weight` says how many rows each one stands for.

    Parameters
    ----------
    sizes : DataFrame, by cutoff
        What `cohort_sizes_sql` gave: `users` and `acted`.
    """
    judging = sizes.index.isin(list(holdout))
    acted, users = int(sizes["acted"][~judging].sum()), int(sizes["users"][~judging].sum())
    most, holdout_users = config.max_training_rows, int(sizes["users"][judging].sum())
    to_learn, to_judge = (
        sample_shares(acted, users - acted, most),
        (min(1.0, most / holdout_users) if most and holdout_users else 1.0,) * 2,
    )
    if (*to_learn, *to_judge) == (1.0,) * 4:
        return labelled_cohort_sql(config.question, cutoffs.matured, cutoffs.as_of, attributes)
    older = [cutoff for cutoff in cutoffs.matured if cutoff not in holdout]
    parts = ((older, to_learn, OF_A_ROW), (list(holdout), to_judge, OF_A_USER))
    selects = [
        sample_sql(labelled_cohort_sql(config.question, days, cutoffs.as_of, attributes), shares, key, config.seed)
        for days, shares, key in parts
    ]
    return " UNION ALL ".join(selects)


def sample_shares(acted: int, others: int, most: int) -> tuple[float, float]:
    """The shares to keep of those who acted and of the others: together about `most` rows, 0 for all.

    The rarer class is kept whole, or makes up half of what is kept.
    """
    if not most or acted + others <= most:
        return 1.0, 1.0
    rare, common = sorted((acted, others))
    rare_rows = min(rare, most / 2)
    of_rare, of_common = rare_rows / rare if rare else 1.0, (most - rare_rows) / common
    return (of_rare, of_common) if acted <= others else (of_common, of_rare)


def sample_sql(sql: str, shares: tuple[float, float], key: str, seed: int) -> str:
    """Draw by an MD5 digest, which Spark and DuckDB spell alike: eight of its digits, compared as text."""
    acted, others = map(digest_limit, shares)
    weights = f"CASE WHEN label = 1 THEN {1 / shares[0]!r} ELSE {1 / shares[1]!r} END"
    return (
        f"SELECT l.*, CAST({weights} AS DOUBLE) AS {WEIGHT} "
        f"FROM ({sql}) l WHERE SUBSTR(MD5({key} || ' {seed}'), 1, 8) "
        f"< CASE WHEN label = 1 THEN '{acted}' ELSE '{others}' END"
    )


def digest_limit(share: float) -> str:
    """The text below which lies so large a share of all digests; a whole share lies below a letter that is no digit."""
    return "g" if share >= 1 else f"{int(share * 2**32):08x}"
