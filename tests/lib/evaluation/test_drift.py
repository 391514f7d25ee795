"""How far inputs have moved: spread by spread, type by type, and never by chance alone."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import chi2

from lib.config.stages import RetrainConfig
from lib.evaluation import drift
from lib.evaluation.measured import Measured
from lib.labels import cohorts, labels
from lib.labels.rows import Rows
from lib.timeline import Window, days_since_learnt
from tests.builders.runs import AS_OF, CUTOFF, World, ago, asked, log

QUESTION = asked(RetrainConfig).question


def frame(**columns):
    return pd.DataFrame(columns, dtype=np.float32)


def spread(rows, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return frame(events_7=rng.poisson(3 + shift, rows), recency=rng.exponential(20 - 3 * shift, rows))


def counted(then, *parts):
    """Today's features by the bins of a reference, counted part by part."""
    return drift.sum_counts(then, pa.concat_tables([drift.count_features(then, part) for part in parts]))


def compared(then, now):
    reference = drift.reference_spread(then, CUTOFF)
    return drift.compare_features(reference, counted(reference, now)).set_index("feature")


def test_the_reference_is_small_and_what_json_holds():
    X = frame(recency=np.arange(1000), events_7=[0] * 900 + [5] * 100, buy__covered_90=[0.5] * 1000)
    kept = drift.reference_spread(X, CUTOFF)
    assert json.loads(json.dumps(kept)) == kept
    assert (kept["cutoff"], kept["rows"], kept["types"]) == (str(CUTOFF), 1000, ["buy"])
    assert kept["columns"]["events_7"] == {"edges": [0.0], "shares": [0.9, 0.1]}  # equal quantiles are one bin
    assert kept["columns"]["recency"]["edges"] == [99, 199, 299, 399, 499, 599, 699, 799, 899]
    assert kept["columns"]["recency"]["shares"] == [0.1] * 10
    assert list(kept["columns"]) == ["recency", "events_7"]


def test_psi_is_the_sum_over_bins_less_its_noise():
    then = frame(events_7=[0] * 500 + [1] * 300 + [2] * 200)
    now = frame(events_7=[0] * 100 + [1] * 300 + [2] * 600)
    p, q = (np.array(counts) + 0.5 for counts in ([500, 300, 200, 0], [100, 300, 600, 0]))
    p, q = p / p.sum(), q / q.sum()
    psi, scale = float(((q - p) * np.log(q / p)).sum()), 2 / 1000
    found = compared(then, now).loc["events_7"]
    assert found.tolist() == pytest.approx([
        psi - 3 * scale, psi - scale * chi2.ppf(0.95, 3), psi - scale * chi2.ppf(0.05, 3), True
    ])  # fmt: skip


def test_features_are_counted_in_parts_as_in_one():
    then = drift.reference_spread(spread(2000, 0).assign(a__covered_90=1.0), CUTOFF)
    X = spread(999, 1).assign(a__covered_90=0.0, b__covered_90=np.float32(0.0)).astype(np.float32)
    X.loc[700:, "b__covered_90"] = 0.5
    X.loc[::7, "events_7"] = np.nan  # counts as 0
    parts = [X[:300], X[300:301], X[:0], X[301:].drop(columns="recency").assign(recency=X["recency"])]
    one, several = counted(then, X), counted(then, *parts)
    assert (one.users, one.own_types) == (several.users, several.own_types) == (999, {"b"})
    for name, spread_then in then["columns"].items():
        edges = np.array(spread_then["edges"])
        wanted = np.bincount(np.searchsorted(edges, X[name].fillna(0.0)), minlength=len(edges) + 1)
        assert one.counts[name].tolist() == several.counts[name].tolist() == wanted.tolist()


def test_a_feature_has_drifted_above_the_limit_and_not_on_it(monkeypatch):
    then, now = spread(2000, 0), spread(2000, 1, shift=5)
    monkeypatch.setattr(drift, "DRIFTED", compared(then, now)["psi"].min())
    assert compared(then, now)["drifted"].tolist() == [True, False]


def test_what_has_not_moved_is_none_and_a_column_that_is_gone_has_moved():
    same = spread(2000, 0)
    found = compared(same, same)
    assert found[["psi", "low", "high"]].to_numpy().tolist() == [[0, 0, 0]] * 2
    assert not found["drifted"].any()
    gone = compared(same, same.drop(columns="events_7"))
    assert gone["drifted"].to_dict() == {"events_7": True, "recency": False}
    assert compared(same, same.assign(new=1.0)).index.tolist() == found.index.tolist()  # it was not learnt from


@pytest.mark.parametrize("rows", [15, 40, 150, 2000])
def test_few_users_do_not_drift_by_chance(rows):
    shares = [drift.drifted_share(compared(spread(rows, seed), spread(rows, 1000 + seed)).reset_index())
              for seed in range(40)]  # fmt: skip
    assert sum(share.low > 0.3 for share in shares) == 0
    moved = [drift.drifted_share(compared(spread(2000, seed), spread(rows, 1000 + seed, shift=5)).reset_index())
             for seed in range(40)]  # fmt: skip
    assert sum(share.low > 0.3 for share in moved) >= 39


def test_the_share_counts_what_lies_above_a_quarter():
    found = pd.DataFrame({"psi": [0.3, 0.25, 0.26, 0.1], "low": [0.26, 0.2, 0.2, 0.0], "high": [0.4, 0.3, 0.3, 0.25]})
    assert drift.drifted_share(found) == Measured(0.5, 0.25, 0.75)
    assert drift.drifted_share(found.head(0)) == Measured(0, 0, 0)


@pytest.mark.parametrize("column", [
    "tenure", "log_age", "overdue", "events_all", "buy__events_all", "covered_7", "buy__covered_90", "expected",
    "buy__expected",
])  # fmt: skip
def test_what_ages_with_the_log_is_left_out(column):
    X = frame(**{column: np.arange(50), "recency": np.arange(50)})
    assert list(drift.reference_spread(X, CUTOFF)["columns"]) == ["recency"]


def test_a_window_that_the_log_did_not_fill_grows_with_the_log_and_is_left_out():
    names = ["events_7", "events_28", "trend_7_28", "trend_28_90", "events_90", "buy__events_28", "buy__days_90"]
    X = frame(**dict.fromkeys(names, np.arange(50)))
    assert list(drift.reference_spread(X, CUTOFF)["columns"]) == names  # nothing is known of the log
    young = X.assign(covered_7=1.0, covered_28=1.0, covered_90=0.9)
    assert list(drift.reference_spread(young, CUTOFF)["columns"]) == [
        "events_7",
        "events_28",
        "trend_7_28",
        "buy__events_28",
    ]
    old = X.assign(covered_7=1.0, covered_28=1.0, covered_90=1.0, buy__covered_90=0.9)
    assert list(drift.reference_spread(old, CUTOFF)["columns"]) == names[:-1]


def events(**numbers):
    """Recent events of each type, known long ago."""
    return pd.DataFrame([{"event_type": kind, "since": ago(300), "events": n} for kind, n in numbers.items()])


def covered(*kinds):
    return frame(**{f"{kind}__covered_90": [1.0, 1.0] for kind in kinds})


@pytest.mark.parametrize(("own_then", "own_now", "share"), [
    (["a", "b"], ["a", "b"], 0.0),  # c is pooled, then and now
    (["a", "b"], ["a"], 0.3),  # b is pooled now
    (["a"], ["a", "b"], 0.3),
    (["a", "b"], ["a", "c"], 0.4),
    (["a", "b", "other"], ["a", "b"], 0.0),  # the pool is no type
])  # fmt: skip
def test_types_that_are_read_otherwise_now_are_unseen(own_then, own_now, share):
    then = drift.reference_spread(covered(*own_then), CUTOFF)
    found = drift.unseen_share(then, counted(then, covered(*own_now)), events(a=60, b=30, c=10))
    assert found == Measured(share, share, share)


def test_a_type_first_known_at_the_reference_or_later_was_not_learnt():
    then = drift.reference_spread(covered("a"), CUTOFF)
    for since, share in ((ago(1), 0.0), (ago(0), 0.4), (ago(-1), 0.4)):
        recent = pd.concat([events(a=60), events(new=40).assign(since=since)])
        assert drift.unseen_share(then, counted(then, covered("a")), recent).value == share


def test_the_pool_is_no_type():
    assert drift.reference_spread(covered("a", "other"), CUTOFF)["types"] == ["a"]


def test_a_column_of_another_cutoff_is_no_type_of_this_one():
    X = covered("a", "b").assign(b__covered_90=0.0)
    assert drift.reference_spread(X, CUTOFF)["types"] == ["a"]


def test_where_nothing_happened_nothing_is_unseen():
    then = drift.reference_spread(covered("a"), CUTOFF)
    assert drift.unseen_share(then, counted(then, covered()), events(a=0)).value == 0


def test_recent_events_are_those_of_the_window_and_known_by_its_end():
    from tests.builders.runs import activity, row

    world = World(activity(
        row("ana", ago(29), "a", count=5),  # a day too old, and known since
        row("ana", ago(28), "a", count=3),
        row("ana", ago(1), "a", count=4),
        row("ana", ago(0), "a", count=100),
        row("ana", ago(3), "b", count=7, known=ago(0)),  # not known yet
        row("ana", ago(200), "c", known=ago(150)),
    ))  # fmt: skip
    found = world.tables.query(labels.recent_events_sql(Window.lookback(CUTOFF, 28)))
    assert [tuple(one) for one in found.itertuples(index=False)] == [("a", ago(29), 7), ("c", ago(150), 0)]


def test_the_age_of_a_pair_counts_from_the_end_of_its_newest_label():
    assert days_since_learnt(ago(7), 7, CUTOFF) == 0
    assert days_since_learnt(ago(100), 28, CUTOFF) == 72


def cohort(world, cutoff):
    found = world.tables.query(cohorts.cohort_sql(QUESTION, [cutoff]))
    return Rows(found.assign(label=0)).X


def test_a_calm_log_shows_no_drift_and_a_switched_one_does():
    later = AS_OF + timedelta(days=14)
    calm, moved = World(log(days=150)), World(log(days=150, drift=(AS_OF - date(2024, 1, 1)).days))
    for world in (calm, moved):
        world.extract(AS_OF)
        world.extract(later)
    then = drift.reference_spread(cohort(calm, AS_OF), AS_OF)
    still, now = (drift.compare_features(then, counted(then, cohort(world, later))) for world in (calm, moved))
    assert drift.drifted_share(still) == Measured(0, 0, 0)
    assert drift.drifted_share(now).low > 0.2
    assert now["feature"].head(4).str.startswith("buy__").all()
    assert now["psi"].is_monotonic_decreasing
