"""A list is the same list whatever engine it is ranked on."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.audience import outcomes, spread
from lib.audience.effect_model import fit_effects
from lib.audience.habits import habit_sql
from lib.audience.ranking import HeldOut
from lib.audience.release import check_complete, compare_lists, completeness_sql, pairs_sql
from lib.audience.spread import RANKED, Spread, counted_sql, ranked_sql, spread_sql
from lib.audience.suppression import UserList, digest_user, find_suppressed, take_each_once
from lib.config.stages import PublishConfig
from lib.labels.rows import user_hash
from lib.stages.contacting import sides_sql, with_resting_sql, write_chosen
from lib.stages.listed import rank_list
from lib.stages.nearby import Near
from lib.stages.suppressing import LeftOut, leave_out
from lib.stages.uplift import add_estimates
from lib.tables.contracts import AUDIENCE, EVALUATIONS
from lib.tables.schemas import arrow_schema
from tests.builders.exports import users_of
from tests.builders.lists import compare
from tests.builders.ranked import rank, sums_of_both
from tests.builders.runs import asked

ROWS = "SELECT * FROM {predictions} WHERE question = 'q'"
ODD = ["Zoe", "ana", "Ärger", "z", "é", "\U0001f600", "\uffff", "o'neil", "", "10", "9", "a b"]  # order by bytes
FIRST = {
    "question": "q", "action": "buy", "horizon_days": 7, "cutoff": date(2024, 6, 3), "preprocessing_version": "1",
    "prediction_version": "2", "run_id": "r1", "reasons": None, "starts_in_days": 0,
}  # fmt: skip


@pytest.fixture
def drawn():
    """Propensities of users with odd names, rare ones, many of them equal."""
    rng = np.random.default_rng(0)
    names = [f"{ODD[n % len(ODD)]}{'~' * (n // len(ODD))}" for n in range(300)]
    propensities = np.where(rng.random(300) < 0.5, rng.beta(0.5, 60, 300), rng.integers(0, 5, 300) / 4)
    return pd.DataFrame({"user_id": rng.permutation(names), "propensity": propensities}).assign(**FIRST)


def test_rows_stand_where_pandas_puts_them(tables, drawn, monkeypatch):
    monkeypatch.setattr(spread, "PIECE", 70)  # several pieces
    tables.replace("predictions", drawn, "1 = 1")

    known = Spread.of(tables.query(spread_sql(ROWS)))
    ranked = ranked_sql(ROWS, known, ("user_id", "propensity"))
    found = tables.query(f"SELECT * FROM ({ranked}) l ORDER BY rank")

    wanted = rank(drawn, False, HeldOut("q", 0.0, 0))
    exact = ["user_id", "propensity", *RANKED[:4]]
    assert found[exact].to_numpy().tolist() == wanted[exact].to_numpy().tolist()
    np.testing.assert_allclose(found["expected_actions"], wanted["expected_actions"], rtol=1e-12, atol=0)
    assert [str(found[name].dtype) for name in RANKED[:3]] == ["int32"] * 3
    counted = tables.query(counted_sql(ranked, "decile"))
    assert counted["users"].tolist() == [30] * 10
    assert counted["highest"].tolist() == wanted.groupby("decile")["propensity"].max().tolist()


def test_what_happened_is_counted_and_measured_alike(tables, drawn, monkeypatch):
    monkeypatch.setattr(spread, "PIECE", 70)
    monkeypatch.setattr(outcomes, "MOST_ROWS", 150)
    label, held_out = np.random.default_rng(1).integers(0, 2, 300), HeldOut("q", 0.2, 0)
    told = drawn.assign(label=label.astype(np.int32), as_of=date(2024, 7, 1))[list(EVALUATIONS)]
    tables.replace("evaluations", told, "1 = 1")
    sides = "'' AS file, 1 = 0 AS contacted, 1 = 0 AS reached"
    scored = f"SELECT *, user_id > 'b' AND user_id < 'p' AS suppressed, {sides} FROM {{evaluations}}"
    tables.define("is_held_out", held_out.flags, "boolean")
    tables.define("user_place", lambda users: user_hash(np.array(users, object), 0), "double")

    known = Spread.of(tables.query(spread_sql(scored)))
    counts = tables.query(outcomes.counts_sql(scored, known))
    measured = tables.query(outcomes.sample_sql(scored, known.size))

    wanted = rank(told, False, held_out)
    parts = ["decile", "band", "held", "suppressed"]
    wanted["suppressed"] = (wanted["user_id"] > "b") & (wanted["user_id"] < "p")
    wanted["held"] = wanted["held_out"] & ~wanted["suppressed"]
    users = wanted.groupby(parts).agg(users=("user_id", "size"), observed=("label", "sum"))
    assert counts.set_index(parts)[["users", "observed"]].sort_index().to_dict() == users.to_dict()
    sampled = told[user_hash(told["user_id"].to_numpy(object), 0) < 0.5]
    assert sorted(measured["user_id"]) == sorted(sampled["user_id"])
    assert 0 < wanted["suppressed"].sum() < 300

    other = "SELECT user_id, propensity / 2 AS propensity, 1 - label AS label FROM {evaluations} WHERE user_id <> 'z'"
    sums = tables.query(habit_sql(scored, other)).sort_values("side", ignore_index=True)
    before = told[told["user_id"] != "z"].assign(propensity=told["propensity"] / 2, label=1 - told["label"])
    wanted_sums = sums_of_both(told, before, set(told["user_id"][held_out.flags(told["user_id"])]))
    pd.testing.assert_frame_equal(sums[wanted_sums.columns], wanted_sums, check_dtype=False, rtol=1e-12)
    assert sums["users"].sum() == 299


def test_a_list_is_compared_parted_and_left_out_of_alike(tables, drawn, monkeypatch):
    monkeypatch.setattr(spread, "PIECE", 70)
    before = drawn.sample(250, random_state=1).assign(question="before")
    before["propensity"] = before["propensity"].sample(frac=1, random_state=2).to_numpy()
    tables.replace("predictions", pd.concat([drawn, before]), "1 = 1")
    rows = with_resting_sql(ROWS, "SELECT user_id FROM {predictions} WHERE question = 'before' AND propensity > 0.5")
    named = UserList("crm", pd.DataFrame({"user_id": [digest_user("Zoe"), "ana", "who"], "reason": "staff"}), 3)

    found = find_suppressed(tables, rows, [named])
    assert sorted(take_each_once(found)["user_id"]) == ["Zoe", "ana"]
    new = leave_out(Near(tables, rows), LeftOut(found, 300, [named], None))
    old = Near(tables, "SELECT * FROM {predictions} WHERE question = 'before'")
    spreads = new.read_spread(), old.read_spread()
    listed = rank_list(new, spreads[0], HeldOut("q", 0.2, 0), low_evidence=True)
    tables.replace("audience", listed.rows, "1 = 1")

    kept = drawn[~drawn["user_id"].isin(["Zoe", "ana"])]
    wanted, last = (rank(rows, True, HeldOut("q", 0.2, 0)) for rows in (kept, before))
    exact = [name for name in AUDIENCE if name not in ("expected_actions", "reasons", "effect")]
    written = tables.query("SELECT * FROM {audience} ORDER BY rank")
    assert written[exact].to_numpy().tolist() == wanted[exact].to_numpy().tolist()
    resting = set(before.loc[before["propensity"] > 0.5, "user_id"])
    assert set(listed.read().query("resting")["user_id"]) == resting & set(kept["user_id"])
    assert compare_lists(tables, new.sql, old.sql, spreads).difference == compare(wanted, last).difference
    counts, pairs = (tables.query(sql(rows)) for sql in (completeness_sql, pairs_sql))
    check_complete(counts, pairs, 300, {"preprocessing_version": "1", "prediction_version": "2"})


def test_estimated_effects_and_what_is_known_of_contacts_come_to_the_list_alike(tables, drawn):
    config = asked(PublishConfig, export="list.csv")
    question, cutoff = config.question, date(2024, 6, 3)
    predictions = drawn.assign(question=question.slug)
    tables.replace("predictions", predictions, "1 = 1")
    recency = np.arange(300, dtype=np.float32)
    keys = pa.table(
        [predictions["user_id"], [cutoff] * 300], schema=arrow_schema({"user_id": "string", "cutoff": "date"})
    )
    tables.remake("features", rows_of(tables, keys.append_column("recency", pa.array(recency))))
    past = predictions[["user_id", "propensity"]].assign(
        cutoff=cutoff, treated=np.arange(300) % 3 > 0, label=np.arange(300) % 2, recency=recency
    )
    model = fit_effects(past)
    near = Near(tables, with_resting_sql(f"SELECT * FROM {{predictions}} WHERE question = '{question.slug}'", ""))
    listed = rank_list(near, near.read_spread(), HeldOut("q", 0.2, 0), low_evidence=False)
    found = add_estimates(listed, tables, question, cutoff, model).read(whole=True).set_index("user_id")["effect"]
    wanted = pd.Series(model.estimate(past), index=past["user_id"])
    np.testing.assert_allclose(found.sort_index(), wanted.sort_index())

    write_chosen(question, tables, cutoff, config.export, users_of(["ana", "o'neil"], ["Zoe"]))
    sides = tables.query(f"{sides_sql(question, cutoff)} ORDER BY user_id").to_numpy().tolist()
    assert sides == [
        ["Zoe", "control", False, False], ["ana", "chosen", False, True], ["o'neil", "chosen", False, True],
    ]  # fmt: skip


def rows_of(tables, rows):
    """Arrow rows on their way into a table of whatever kind."""
    tables.lend("lent_rows", rows)
    return tables.rows("SELECT * FROM lent_rows")
