"""A list that is about to be published: ranked where its rows lie, and what of it this process gets to see."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lib.audience.ranking import HeldOut
from lib.audience.spread import RANKED, Spread, ranked_sql
from lib.stages.nearby import Near, hold_near
from lib.stages.suppressing import LeftOut, leave_out
from lib.tables.contracts import AUDIENCE, PREDICTIONS
from lib.tables.protocol import Rows
from lib.tables.schemas import to_arrow

HEAD = 1_000  # users of a large list who are known by name here: of all, who may be contacted, and who is held out
NUMBERS = ("rank", "propensity", "decile", "band", "held_out", "resting", "effect")  # what is known here of everybody
SHARED = ("cutoff", "preprocessing_version", "prediction_version")  # the same for all rows
NAMES = ("user_id", "reasons")
IN_ORDER = "effect DESC, rank"  # whom to contact first; without estimated effects they are all null


@dataclass(frozen=True)
class Listed:
    """A list: its rows as `audience` has them, and `resting`; and how its propensities are spread."""

    near: Near
    spread: Spread

    @property
    def rows(self) -> Rows:
        """The rows for the table."""
        return self.near.tables.rows(f"SELECT {', '.join(AUDIENCE)} FROM ({self.near.sql}) l")

    def read(self, *, whole: bool = False) -> pd.DataFrame:
        """The list, best first; of a large one, unless all of it is asked for, numbers and the names of its head."""
        if whole or self.near.here:
            return self.near.tables.query(f"SELECT * FROM ({self.near.sql}) l ORDER BY rank")
        asked = self.near.tables.arrow(f"SELECT {', '.join(NUMBERS)} FROM ({self.near.sql}) l")
        # column by column, each freed as it is taken over: of ten million users there is no room for two copies
        numbers: pd.DataFrame = asked.to_pandas(split_blocks=True, self_destruct=True)
        del asked
        numbers = numbers.sort_values("rank", ignore_index=True)
        columns = ", ".join((*NAMES, "rank", *SHARED, "low_evidence"))
        firsts = " UNION ALL ".join(
            f"SELECT h.* FROM (SELECT {columns} FROM ranked WHERE {whose} ORDER BY {order} LIMIT {HEAD}) h"
            for whose, order in (
                ("1 = 1", "rank"), ("NOT held_out AND NOT resting", IN_ORDER), ("held_out", IN_ORDER),
            )
        )  # fmt: skip
        heads = self.near.tables.query(f"WITH ranked AS ({self.near.sql}) {firsts}")
        for name in NAMES:
            named = np.full(len(numbers), None, object)
            named[heads["rank"] - 1] = heads[name]
            numbers[name] = named
        for name in SHARED:  # as a category, whose rows take a byte each
            numbers[name] = pd.Series([heads[name].iloc[0]] * len(numbers), dtype="category")
        return numbers.assign(low_evidence=bool(heads["low_evidence"].iloc[0]))


def rank_list(scored: Near, spread: Spread, held_out: HeldOut, *, low_evidence: bool) -> Listed:
    """Make a list of one question's predictions at one cutoff, with `resting`.

    Equal propensities are ranked by user_id; decile 1 and percentile 1 are the highest.
    """
    scored.tables.define("is_held_out", held_out.flags, "boolean")
    ranked = ranked_sql(scored.sql, spread, (*PREDICTIONS, "resting"))
    low = "TRUE" if low_evidence else "FALSE"
    own = f"{low} AS low_evidence, is_held_out(user_id) AS held_out, CAST(NULL AS DOUBLE) AS effect"
    sql = f"SELECT l.*, {own} FROM ({ranked}) l"
    return Listed(replace(scored, sql=sql), spread)


def list_again(ranked: pd.DataFrame, left_out: LeftOut) -> pd.DataFrame:
    """A list of before without some users: those behind them move up, and who is held out stays held out."""
    if left_out.rows.empty:
        return ranked
    (listed,) = hold_near(to_arrow("audience", ranked))
    kept = leave_out(listed, left_out)
    columns = [name for name in AUDIENCE if name not in RANKED]
    return kept.tables.query(f"SELECT * FROM ({ranked_sql(kept.sql, kept.read_spread(), columns)}) l ORDER BY rank")
