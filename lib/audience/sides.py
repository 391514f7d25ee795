"""What contacting added to a list: those who could be contacted beside those left alone, in three ways.

`effect`: everybody on the list beside the users held out, whatever is known of contacts. `effect_chosen`: who stood in
a file beside the users held out who would have, by intent to treat. `effect_contacted`: the same difference for each
user who was really contacted, as others told; among the others it is shared out as if a contact were all that tells the
two sides apart. Users who were suppressed are on no side.
"""

from collections.abc import Iterator

import pandas as pd

from lib.audience.parts import CHOSEN, CONTROL, DECILES, NOT_HELD_OUT, metric_row, share_of, split_parts
from lib.audience.ranking import BANDS
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure_change

EFFECTS = ("effect_contacted", "effect_chosen", "effect")  # what tells of a contact most nearly comes first
FEWEST_CONTACTED = 0.1  # share by which contacts must differ between the sides: less tells of too few


def effect_rows(counts: pd.DataFrame) -> list[dict[str, object]]:
    """The effects of the whole list, as of part `not held out`, and of each decile and band that has both sides.

    The users of a row are those of the side that could be contacted; of `effect_contacted` those who were.

    Parameters
    ----------
    counts : DataFrame
        As `lib.audience.outcomes.counts_sql` gives it.
    """
    counts = counts[~counts["suppressed"].to_numpy(bool) & ~counts["spoilt"].to_numpy(bool)]
    compared = [
        (NOT_HELD_OUT, counts),
        *((name, part) for name, part in split_parts(counts) if name in (*DECILES, *BANDS)),
    ]
    by_file = {CHOSEN, CONTROL} <= set(counts["file"])
    rows = [row for name, part in compared for row in _rows_of_part(name, part, by_file=by_file)]
    of_whole = {row["metric"] for row in rows if row["part"] == NOT_HELD_OUT}
    return [row for row in rows if row["metric"] in of_whole]  # of parts no more than of the whole


def _rows_of_part(name: str, part: pd.DataFrame, *, by_file: bool) -> Iterator[dict[str, object]]:
    held = part["held"].to_numpy(bool)
    others, alone = part[~held], part[held]
    if len(others) and len(alone):
        yield metric_row(name, others, "effect", measure_change(share_of(alone), share_of(others)))
    if by_file:
        others, alone = (part[part["file"] == side] for side in (CHOSEN, CONTROL))
    if not len(others) or not len(alone):
        return
    added = _allow_for_propensity(others, alone)
    if by_file:
        yield metric_row(name, others, "effect_chosen", added)
    apart = _contacted_share(others) - _contacted_share(alone)
    if apart >= FEWEST_CONTACTED:
        of_contact = Measured(added.value / apart, added.low / apart, added.high / apart)
        yield metric_row(name, others[others["contacted"].to_numpy(bool)], "effect_contacted", of_contact)


def _allow_for_propensity(others: pd.DataFrame, alone: pd.DataFrame) -> Measured:
    """By how much more one side acted, less by how much more was expected of it."""
    added = measure_change(share_of(alone), share_of(others))
    ahead = float(others["expected"].sum() / others["users"].sum() - alone["expected"].sum() / alone["users"].sum())
    return Measured(added.value - ahead, added.low - ahead, added.high - ahead)


def _contacted_share(part: pd.DataFrame) -> float:
    return float(part.loc[part["contacted"].to_numpy(bool), "users"].sum() / part["users"].sum())
