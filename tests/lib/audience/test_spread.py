"""A list ranked by SQL, in one piece or in many, beside the same list in pandas."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.audience import spread
from lib.audience.ranking import HeldOut
from lib.audience.spread import RANKED, Spread, counted_sql, ranked_sql, spread_sql
from lib.tables.memory import MemoryTables
from tests.builders.ranked import rank

ROWS = "SELECT * FROM {predictions}"
ODD = ["Zoe", "ana", "Ärger", "z", "é", "\U0001f600", "\uffff", "o'neil", "", "10", "9", "a b"]  # order by bytes


def drawn(kind, users, seed=0):
    """Propensities of many users with odd names, by what kind of list it is."""
    rng = np.random.default_rng(seed)
    propensities = {
        "spread": rng.random(users), "rare": rng.beta(0.5, 60, users), "ties": rng.integers(0, 4, users) / 4,
        "alike": np.full(users, 0.3), "certain": rng.integers(0, 2, users).astype(float),
    }[kind]  # fmt: skip
    names = [f"{ODD[n % len(ODD)]}{'~' * (n // len(ODD))}" for n in range(users)]
    return pd.DataFrame({"user_id": rng.permutation(names), "propensity": propensities})


def ranked(rows, tables=None):
    tables = tables or MemoryTables()
    tables.stored["predictions"] = pa.Table.from_pandas(rows, preserve_index=False)
    known = Spread.of(tables.query(spread_sql(ROWS)))
    sql = ranked_sql(ROWS, known, ("user_id", "propensity"))
    return tables.query(f"SELECT * FROM ({sql}) l ORDER BY rank"), known, tables


@pytest.mark.parametrize("piece", [1, 50, 10**6])
@pytest.mark.parametrize("users", [0, 1, 2, 11, 1000])
@pytest.mark.parametrize("kind", ["spread", "rare", "ties", "alike", "certain"])
def test_rows_stand_where_pandas_puts_them(monkeypatch, kind, users, piece):
    monkeypatch.setattr(spread, "PIECE", piece)
    rows = drawn(kind, users)

    found, known, _ = ranked(rows)

    wanted = rank(rows, False, HeldOut("q", 0.0, 0))
    exact = ["user_id", "propensity", "rank", "decile", "percentile", "band"]
    assert found[exact].to_numpy().tolist() == wanted[exact].to_numpy().tolist()
    np.testing.assert_allclose(found["expected_actions"], wanted["expected_actions"], rtol=1e-12, atol=0)
    assert [str(found[name].dtype) for name in RANKED[:3]] == ["int32"] * 3
    assert known.size == users


@pytest.mark.parametrize(("piece", "pieces"), [(1, range(100, 201)), (250, [4]), (1000, [1])])
def test_pieces_are_of_whole_steps_and_never_too_many(monkeypatch, piece, pieces):
    monkeypatch.setattr(spread, "PIECE", piece)
    _, known, tables = ranked(drawn("spread", 1000))
    rows = ranked_sql(ROWS, known, ("user_id",)).partition("FROM (SELECT *, ")[2].partition(" FROM (SELECT * FROM")[0]
    assert (
        tables.query(f"SELECT COUNT(DISTINCT piece) AS n FROM (SELECT {rows} FROM {{predictions}}) p")["n"][0] in pieces
    )


@pytest.mark.parametrize("kind", ["rare", "ties", "certain"])
@pytest.mark.parametrize("column", ["decile", "band"])
def test_parts_of_a_list_are_counted(kind, column):
    rows = drawn(kind, 700)
    _, known, tables = ranked(rows)
    found = tables.query(counted_sql(ranked_sql(ROWS, known, ("propensity",)), column))
    grouped = rank(rows, False, HeldOut("q", 0.0, 0)).groupby(column, sort=False)["propensity"]
    wanted = grouped.agg(users="size", expected="sum", share="mean", lowest="min", highest="max").reset_index()
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, rtol=1e-12, atol=0)


def test_the_histogram_is_that_of_the_propensities():
    rows = pd.DataFrame({"user_id": [str(n) for n in range(9)],
                         "propensity": [0.0, 0.024, 0.025, 0.31, 0.5, 0.98, 0.99, 1.0, 1.0]})  # fmt: skip
    _, known, _ = ranked(rows)
    assert known.histogram(40).tolist() == np.histogram(rows["propensity"], bins=40, range=(0, 1))[0].tolist()
    assert (known.size, known.mean) == (9, pytest.approx(rows["propensity"].mean(), rel=1e-12))


def test_a_list_of_nobody_has_no_mean():
    _, known, _ = ranked(drawn("spread", 0))
    assert (known.size, known.total, np.isnan(known.mean)) == (0, 0.0, True)
    assert known.histogram(40).tolist() == [0] * 40
