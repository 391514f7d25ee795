"""Whom a contact moves: learnt from what past lists left behind, and estimated for a new one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from lib import timeline
from lib.audience import uplift as rules
from lib.audience.effect_model import LABEL_BY, EffectModel, label_by
from lib.audience.parts import CHOSEN, CONTROL
from lib.audience.ranking import HeldOut
from lib.audience.uplift import Learnt, learn_uplift
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.config.words import STAYING
from lib.labels.activity import with_named_features_sql
from lib.labels.cohorts import cohort_sql
from lib.labels.labels import labelled_sql
from lib.labels.rows import user_hash
from lib.stages.ledger import read_held_out, with_sides_sql
from lib.stages.listed import Listed
from lib.stages.records import question_sql, read_rows
from lib.stages.slices import bring_lists, tells_of_effects
from lib.tables.contracts import AUDIENCE
from lib.tables.protocol import Tables
from lib.tables.sql import column_sql, number_sql

MOST_ROWS = 50_000  # users of one list who are learnt from
TAKEN_BACK = ("rolled_back", "undone")  # kinds of what stands right after a list that did not stay in use
SIDED = ("label", "propensity")  # what is the other way round of those who stay away
ESTIMATES = pa.schema([("user_id", pa.string()), ("effect", pa.float64())])


def read_uplift(config: PublishConfig, tables: Tables, as_of: date) -> Learnt:
    """What the lists teach whose outcome is known at as_of, and that left users alone.

    What was learnt is behaviour under contacts and without them, side by side: no model of propensities reads it.
    """
    cutoffs = _known_cutoffs(config, tables, as_of)
    held_out = [read_held_out(config.question, tables, cutoff) for cutoff in cutoffs]
    if not config.question.newcomers:  # whose cohorts are read by more than these tables hold
        tables = bring_lists(tables, config.question, cutoffs, as_of, with_features=True)
    lists = [
        _read_list(config, tables, cutoff, cutoffs, as_of, alone)
        for cutoff, alone in zip(cutoffs, held_out, strict=True)
    ]
    rows = pd.concat([one for one in lists if len(one)], ignore_index=True) if any(map(len, lists)) else _nobody()
    return learn_uplift(rows, config.question.reach_days, config.label_complete_after_days)


def add_estimates(listed: Listed, tables: Tables, question: Question, cutoff: date, model: EffectModel) -> Listed:
    """A list with the estimated effect of a contact on each user, in the column `effect`.

    Estimated where the rows lie; the numbers alone are brought here.
    """
    names = [name for name in model.columns if name != "propensity"]
    turned = question.words == STAYING

    def estimate(rows: pa.Table) -> pa.Table:
        known = rows.to_pandas()
        known["propensity"] = 1 - known["propensity"] if turned else known["propensity"]
        return pa.table([rows["user_id"], pa.array(model.estimate(known))], schema=ESTIMATES)

    there = [name for name in names if name in _feature_names(tables, question, cutoff)]
    columns = "".join(f", {column_sql(name)}" for name in there)
    rows = (
        f"SELECT f.user_id, p.propensity{columns} FROM ({_features_sql(question, cutoff)}) f JOIN {{predictions}} p "
        f"ON f.user_id = p.user_id AND f.cutoff = p.cutoff WHERE p.question = '{question.slug}'"
    )
    listed.near.tables.lend("estimated_effects", tables.summarise(rows, estimate, ESTIMATES))
    others = ", ".join(f"l.{name}" for name in (*AUDIENCE, "resting") if name != "effect")
    sql = f"SELECT {others}, e.effect FROM ({listed.near.sql}) l LEFT JOIN estimated_effects e ON l.user_id = e.user_id"
    return replace(listed, near=replace(listed.near, sql=sql))


def _known_cutoffs(config: PublishConfig, tables: Tables, as_of: date) -> list[date]:
    """The newest lists that were in use, left users alone, and whose days are over and do not overlap.

    One that was taken out of use again before the next came tells of no contacts: another was acted on in its days.
    """
    question = config.question
    newest = timeline.newest_matured(as_of, question.reach_days, config.label_complete_after_days)
    where = f"{question_sql(question)} AND kind <> 'recorded'"
    rows = read_rows(tables, "publications", where, "number, kind, cutoff, users * held_out_share AS alone")
    if rows is None:
        return []
    rows = rows.sort_values("number")
    of_runs = rows.assign(taken_back=rows["kind"].shift(-1).isin(TAKEN_BACK))[rows["kind"] == "published"]
    last = of_runs.drop_duplicates("cutoff", keep="last")
    is_known = ~last["taken_back"].astype(bool) & (last["cutoff"] <= newest)
    enough = last[is_known & (last["alone"] >= rules.FEWEST / 2)]  # about so many: smaller lists are not even read
    return sorted(timeline.apart(enough["cutoff"], question.reach_days))[-rules.MOST_LISTS :]


def _read_list(
    config: PublishConfig, tables: Tables, cutoff: date, others: Sequence[date], as_of: date, held_out: HeldOut
) -> pd.DataFrame:
    """The rows of one list that can be learnt from; none where its features are kept no longer.

    With their labels as known at as_of, and as known on the days of the other lists that can be judged by this one.
    """
    question, seed = config.question, config.seed
    tables.define("is_held_out", held_out.flags, "boolean")
    tables.define("user_place", lambda users: user_hash(np.array(users, object), seed), "double")
    scored = with_sides_sql(question, tables, cutoff, as_of)
    known = timeline.known_on(cutoff, question.reach_days, config.label_complete_after_days)
    judged = [day for day in others if day >= known]
    for day in judged:
        scored = labelled_sql(scored, question, [cutoff], day, label_by(day))
    users = int(tables.query(f"SELECT COUNT(*) AS n FROM ({scored}) s")["n"].iloc[0])
    some = f"user_place(s.user_id) < {number_sql(MOST_ROWS / users)}" if users > MOST_ROWS else "1 = 1"
    names = _feature_names(tables, question, cutoff)
    columns = "".join([f", s.{label_by(day)}" for day in judged] + [f", f.{column_sql(name)}" for name in names])
    rows = tables.query(
        f"SELECT s.user_id, s.cutoff, s.propensity, s.label, s.file, s.reached, "
        f"is_held_out(s.user_id) AS alone{columns} FROM ({scored}) s "
        f"JOIN ({_features_sql(question, cutoff)}) f ON s.user_id = f.user_id AND s.cutoff = f.cutoff "
        f"WHERE NOT s.suppressed AND {some} ORDER BY s.user_id"
    )
    return _sides(rows, of_home=held_out.of_home, turned=question.words == STAYING)


def _sides(rows: pd.DataFrame, *, of_home: bool, turned: bool) -> pd.DataFrame:
    """Who stood in a file beside its control where a list had one, else everybody else beside those held out."""
    by_file = {CHOSEN, CONTROL} <= set(rows["file"])
    treated = rows["file"] == CHOSEN if by_file else ~rows["alone"].astype(bool)
    alone = rows["file"] == CONTROL if by_file else rows["alone"].astype(bool)
    if of_home:
        alone &= ~rows["reached"].astype(bool)
    kept = rows.assign(treated=treated.to_numpy(bool))[(treated | alone).to_numpy(bool)]
    kept = kept.drop(columns=["file", "reached", "alone"])
    # whoever is kept by a contact does not stay away: the effect is that on those who do not
    of_both = [name for name in kept.columns.astype(str) if name in SIDED or name.startswith(LABEL_BY)]
    return kept.assign(**{name: 1 - kept[name] for name in of_both}) if turned else kept


def _feature_names(tables: Tables, question: Question, cutoff: date) -> list[str]:
    there = tables.arrow(f"SELECT * FROM ({_features_sql(question, cutoff)}) f LIMIT 0").column_names
    return [name for name in there if tells_of_effects(name, question)]


def _features_sql(question: Question, cutoff: date) -> str:
    """SQL for what was known of users at a cutoff, with the columns of the actions that the question names.

    A newcomer has no row in `features`: then those who were asked about are read as predict reads them.
    """
    if question.newcomers:
        return cohort_sql(question, [cutoff])
    rows = f"SELECT * FROM {{features}} WHERE cutoff = DATE '{cutoff}'"
    return with_named_features_sql(rows, question, [cutoff])


def _nobody() -> pd.DataFrame:
    return pd.DataFrame(
        {"user_id": [], "cutoff": [], "treated": pd.Series([], dtype=bool), "label": [], "propensity": []}
    )
