"""Lists held against what happened, from a few rows: by the SQL that the ledger asks, in memory."""

import numpy as np
import pyarrow as pa

from lib.audience import outcomes
from lib.audience.spread import Spread, spread_sql
from lib.labels.rows import user_hash
from lib.tables.memory import MemoryTables

SCORED = "SELECT * FROM scored"


def outcome_rows(rows, held_out, seed, suppressed=None):
    """The ledger's rows of a frame with user_id, propensity and label; who is held out or suppressed is flagged."""
    held = {user for user, flag in zip(rows["user_id"], held_out, strict=True) if flag}
    tables = MemoryTables()
    tables.connection.execute("SET threads = 1")
    flagged = rows.assign(suppressed=np.zeros(len(rows), bool) if suppressed is None else suppressed)
    tables.stored["scored"] = pa.Table.from_pandas(flagged, preserve_index=False)
    tables.define("is_held_out", lambda users: [user in held for user in users], "boolean")
    tables.define("user_place", lambda users: user_hash(np.array(users, object), seed), "double")
    spread = Spread.of(tables.query(spread_sql(SCORED)))
    counts, measured = outcomes.counts_sql(SCORED, spread), outcomes.sample_sql(SCORED, spread.size)
    return outcomes.outcome_rows(tables.query(counts), tables.query(measured), seed)
