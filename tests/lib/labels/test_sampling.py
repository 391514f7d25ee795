"""Samples of labelled rows: as large as asked for, the rarer class kept, weights that bring the population back."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from lib.config.stages import RetrainConfig
from lib.labels import sampling
from lib.labels.sampling import sample_shares
from lib.stages import champion
from lib.timeline import Cutoffs
from tests.builders.runs import AS_OF, World, ago, asked, log


@pytest.mark.parametrize(
    ("acted", "others", "most", "expected"),
    [
        (50, 50, 100, (1, 1)),  # exactly as many as may be
        (50, 51, 100, (1, 50 / 51)),
        (10, 1000, 0, (1, 1)),  # no cap
        (10, 990, 100, (1, 90 / 990)),  # the rarer class stays whole
        (990, 10, 100, (90 / 990, 1)),
        (200, 800, 100, (50 / 200, 50 / 800)),  # or makes up half
        (50, 800, 100, (1, 50 / 800)),
        (0, 200, 100, (1, 0.5)),
    ],
)
def test_the_rarer_class_keeps_more(acted, others, most, expected):
    assert sample_shares(acted, others, most) == pytest.approx(expected)


@pytest.fixture(scope="module")
def home():
    world = World(log(users=1500))
    return world.tables, world.extract(AS_OF)[0].cutoffs


def read(home, **changes):
    return champion.read_labelled(asked(RetrainConfig, **changes), *home)


def test_without_a_cap_every_row_is_there_and_weighs_nothing(home):
    rows, parts = read(home)
    assert rows.weight is None
    counts = (
        home[0]
        .query(sampling.cohort_sizes_sql(asked(RetrainConfig).question, home[1].matured, AS_OF))
        .set_index("cutoff")
    )
    assert counts["users"].sum() == len(rows)
    assert counts["acted"].sum() == rows.positives
    learnt = len(rows.frame[~rows.frame["cutoff"].isin(parts.holdout)])
    assert read(home, max_training_rows=learnt)[0].weight is None  # exactly as many as may be


def test_a_sample_is_as_large_as_asked_for_and_weighs_as_much_as_all(home):
    whole, parts = read(home)
    older = ~whole.frame["cutoff"].isin(parts.holdout)
    rows, sampled = read(home, max_training_rows=1000)
    assert sampled == parts  # the parting goes by true counts
    learn, judge = rows.frame[~rows.frame["cutoff"].isin(parts.holdout)], rows.at(parts.holdout).frame
    assert len(learn) == pytest.approx(1000, abs=95)  # three standard deviations
    for label in (0, 1):
        everybody = (older & (whole.frame["label"] == label)).sum()
        assert learn.loc[learn["label"] == label, "weight"].sum() == pytest.approx(everybody, rel=0.1)
    assert learn["label"].mean() == pytest.approx(0.5, abs=0.06)  # of 25 % in the log
    assert judge["weight"].nunique() == 1  # a plain sample of users, whatever their label
    assert len(judge) == pytest.approx(1000, abs=60)
    # the columns and values are those of the plain rows
    plain = whole.frame.merge(rows.frame[["user_id", "cutoff"]], on=["user_id", "cutoff"])
    columns = list(whole.frame.columns)
    order = ["cutoff", "user_id"]
    pd.testing.assert_frame_equal(
        plain.sort_values(order, ignore_index=True), rows.frame[columns].sort_values(order, ignore_index=True)
    )


def test_another_seed_draws_others_and_the_same_one_the_same(home):
    keys = [
        set(map(tuple, read(home, max_training_rows=500, seed=seed)[0].frame[["user_id", "cutoff"]].to_numpy()))
        for seed in (0, 0, 1)
    ]
    assert keys[0] == keys[1]
    assert len(keys[0] & keys[2]) < 0.5 * len(keys[0])


def test_a_user_is_drawn_at_each_cutoff_anew_but_once_for_the_holdout(home):
    rows, parts = read(home, max_training_rows=700, min_positives=100_000)
    assert len(parts.holdout) > 1
    judges = [set(rows.at([day]).users) for day in parts.holdout]
    plain = [set(read(home, min_positives=100_000)[0].at([day]).users) for day in parts.holdout]
    assert judges[0] & plain[1] == judges[1] & plain[0]  # who is in both cohorts is drawn for both or for none


def test_a_model_of_a_sample_means_the_probabilities_of_all(home):
    from lib.training.fit import fit_pair

    params = {"family": "logistic", "C": 1.0, "lifetime": True}
    question = asked(RetrainConfig).question
    whole, parts = read(home)
    rows, _ = read(home, max_training_rows=1000)
    X = whole.at(parts.holdout).X
    means = [
        fit_pair(some.at(parts.training), params, question, parts.training[0], 0).score(X).mean()
        for some in (whole, rows, type(rows)(rows.frame.drop(columns="weight")))
    ]
    assert means[1] == pytest.approx(means[0], rel=0.15)
    assert means[2] > 1.5 * means[0]  # without the weights the rarer class would count too much


def test_the_whole_job_runs_on_a_sample():
    world = World(log())
    assert world.run(AS_OF, max_training_rows=150).verdict.answer == "cannot_tell"
    assert len(world.rows("audience")) > 200  # everybody is scored
    assert world.run(AS_OF + timedelta(days=7), max_training_rows=150, run_id="run-2").metrics["measured"].notna().all()


def test_a_bound_lies_where_the_share_says():
    assert [sampling.digest_limit(share) for share in (0.0, 0.5, 1 / 16, 1.0)] == [
        "00000000",
        "80000000",
        "10000000",
        "g",
    ]
    # the largest share below all is eight digits still: nine would sort below most digests
    assert sampling.digest_limit(np.nextafter(1.0, 0.0)) == "ffffffff"


def test_cutoffs_between_training_and_holdout_are_drawn_like_training():
    sizes = pd.DataFrame({"users": [100, 100, 100], "acted": [10, 10, 10]}, index=[ago(7), ago(14), ago(21)])
    sql = sampling.labelled_sample_sql(
        asked(RetrainConfig, max_training_rows=100), Cutoffs(ago(0), tuple(sizes.index), (ago(21),)), [ago(7)], sizes
    )
    learnt, judged = sql.split(" UNION ALL SELECT l.*")
    assert f"DATE '{ago(14)}'" in learnt
    assert f"DATE '{ago(7)}', " not in learnt
    assert "< CASE WHEN label = 1 THEN 'g' ELSE 'g' END" in judged  # as many as may be: whole
