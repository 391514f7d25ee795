"""The segments that a run is asked for: which value of which attribute a user had at a cutoff."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from lib.attributes.columns import Attribute, Kind, UsersNote, read_note
from lib.attributes.joining import attributes_sql
from lib.config.words import Words
from lib.errors import ConfigError
from lib.evaluation.segments import part_rows
from lib.tables.protocol import Tables

UNKNOWN = "not known"


def read_segments(names: Sequence[str], tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """The values of some attributes that users had at cutoffs, as texts; of whom the table lacks, `UNKNOWN`.

    Parameters
    ----------
    rows : DataFrame[user_id, cutoff]

    Returns
    -------
    DataFrame[a column of each name]
        With the rows and the index of `rows`.

    Raises
    ------
    ConfigError
        As `check_segments`.
    """
    nothing = pd.DataFrame(index=rows.index)
    if not names or rows.empty:
        return nothing
    wanted, cutoffs = check_segments(names, read_note(tables)), sorted(set(rows["cutoff"]))
    held = tables.query(attributes_sql(wanted, cutoffs))
    values = rows[["user_id", "cutoff"]].merge(held, on=["user_id", "cutoff"], how="left").set_index(rows.index)
    return values[[one.stored for one in wanted]].set_axis(list(names), axis=1).astype(object).fillna(UNKNOWN)


def check_segments(names: Sequence[str], note: UsersNote | None) -> list[Attribute]:
    """The attributes that segments are of.

    Raises
    ------
    ConfigError
        If there is no such attribute, or it is a number or a date.
    """
    known = {one.name: one for one in note.attributes} if note else {}
    for name in names:
        if name not in known:
            raise ConfigError(f"segments names {name!r}, and the users have {', '.join(known) or 'no attributes'}.")
        if known[name].kind in (Kind.NUMBER, Kind.DATE):
            raise ConfigError(
                f"segments names {name!r}, which is a {known[name].kind}. Make groups of it, like "
                f"user_columns=group=if({name} < 30, 'low', 'high'), and name these."
            )
    return [known[name] for name in names]


def count_segments(names: Sequence[str], tables: Tables, listed: pd.DataFrame, cutoff: date) -> pd.DataFrame:
    """Count a list by segment.

    Parameters
    ----------
    listed : DataFrame[user_id, propensity, decile]

    Returns
    -------
    DataFrame[segment, users, of_list, expected, mean, first_decile]
        `of_list` is the share of the list's users, `first_decile` that of the first decile's; empty without segments.
    """
    values = read_segments(names, tables, listed.assign(cutoff=cutoff))
    top = listed["decile"] == 1
    return pd.DataFrame(
        [
            (
                name, int(mask.sum()), float(mask.mean()), float(listed["propensity"][mask].sum()),
                float(listed["propensity"][mask].mean()), float(mask[top].mean()) if top.any() else 0.0,
            )
            for name, mask in part_rows(values)
        ],
        columns=["segment", "users", "of_list", "expected", "mean", "first_decile"],
    )  # fmt: skip


def format_segments(counted: pd.DataFrame, words: Words) -> list[str]:
    """What a summary says of a list's segments."""
    return [
        f"  {row['segment']}: {row['users']} users, {row['of_list']:.1%} of the list and {row['first_decile']:.1%} of "
        f"its first decile; {row['expected']:.1f} expected to {words.act}, {row['mean']:.1%}."
        for row in counted.to_dict("records")
    ]
