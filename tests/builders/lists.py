"""Lists compared, and held against what happened, from a few rows: by the SQL that the stages ask, in memory."""

import numpy as np
import pyarrow as pa

from lib.audience import habits, outcomes, release, suppression
from lib.audience.spread import Spread, spread_sql
from lib.config.words import ACTING
from lib.labels.rows import user_hash
from lib.tables.memory import MemoryTables

SCORED = "SELECT * FROM scored"


def outcome_rows(rows, held_out, seed, suppressed=None, *, of_home=False):
    """The ledger's rows of a frame with user_id, propensity and label; who is held out or suppressed is flagged.

    What is known of contacts are columns of the frame, or nothing.
    """
    held = {user for user, flag in zip(rows["user_id"], held_out, strict=True) if flag}
    out = np.zeros(len(rows), bool) if suppressed is None else suppressed
    sides = {"file": "", "contacted": False, "reached": False}
    missing = {name: value for name, value in sides.items() if name not in rows}
    tables, spreads = lists_of(scored=rows.assign(suppressed=out, **missing))
    spread = spreads["scored"]
    tables.define("is_held_out", lambda users: [user in held for user in users], "boolean")
    tables.define("user_place", lambda users: user_hash(np.array(users, object), seed), "double")
    counts, measured = outcomes.counts_sql(SCORED, spread, of_home=of_home), outcomes.sample_sql(SCORED, spread.size)
    return outcomes.outcome_rows(tables.query(counts), tables.query(measured), seed)


def habit(now, before, held_out):
    """How alike the users of two frames with user_id, propensity and label stray; who is held out is in a set."""
    tables, spreads = lists_of(now=now, before=before)
    tables.define("is_held_out", lambda users: [user in held_out for user in users], "boolean")
    sums = tables.query(habits.habit_sql("SELECT * FROM now", "SELECT * FROM before"))
    return habits.measure_habit(sums, spreads["now"].size, spreads["before"].size)


def lists_of(**frames):
    """Tables in memory that hold these frames, and the spread of each."""
    tables = MemoryTables()
    tables.connection.execute("SET threads = 1")
    for name, rows in frames.items():
        tables.lend(name, pa.Table.from_pandas(rows, preserve_index=False))
    return tables, {name: Spread.of(tables.query(spread_sql(f"SELECT * FROM {name}"))) for name in frames}


def check_complete(rows, cohort, versions):
    """See that rows of predictions are the whole of a cohort."""
    tables, _ = lists_of(scored=rows)
    counts, pairs = (tables.query(sql(SCORED)) for sql in (release.completeness_sql, release.pairs_sql))
    release.check_complete(counts, pairs, cohort, versions)


def compare(new, old):
    """Two frames side by side."""
    tables, spreads = lists_of(new_rows=new, old_rows=old)
    return release.compare_lists(tables, "SELECT * FROM new_rows", "SELECT * FROM old_rows", tuple(spreads.values()))


def check_against_last(new, old, rate, bounds, words=ACTING):
    """Hold a frame against the last list's; how far their propensities are apart."""
    if old is None:
        return release.check_against_last(lists_of(rows=new)[1]["rows"], None, None, rate, bounds, words)
    tables, spreads = lists_of(new_rows=new, old_rows=old)
    both = tuple(spreads.values())
    shift = release.measure_shift(tables, "SELECT * FROM new_rows", "SELECT * FROM old_rows", both)
    same_pair = set(new["prediction_version"]) == set(old["prediction_version"])
    release.check_against_last(*both, shift if same_pair else None, rate, bounds, words)
    return shift


def find_suppressed(users, lists):
    """Who of some users is left out, each once."""
    tables = MemoryTables()
    tables.lend("scored", pa.table({"user_id": users}))
    return suppression.take_each_once(suppression.find_suppressed(tables, SCORED, lists))
