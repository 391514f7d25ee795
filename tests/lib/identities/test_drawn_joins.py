"""Features, cohorts and labels of persons with several ids, held against what is true join by join."""

import pytest
from pandas.testing import assert_frame_equal

from lib.labels.cohorts import cohort_sql
from tests.builders.identity_checks import check_draw, read_features, tables_of
from tests.builders.identity_draws import draw
from tests.builders.question_checks import question_of

DRAWS = 40  # of the suite; benchmarks/drawn_joins.py makes more


@pytest.mark.parametrize("seeds", [range(first, first + 10) for first in range(0, DRAWS, 10)], ids=str)
def test_features_cohorts_and_labels_are_what_is_true_join_by_join(seeds):
    rows, acted = zip(*map(check_draw, seeds), strict=True)
    assert 0 < sum(acted) < sum(rows)  # neither nobody nor everybody


@pytest.mark.parametrize("seed", range(8))
def test_no_event_and_no_join_at_or_after_a_cutoff_moves_a_feature_or_a_cohort(seed):
    persons = draw(seed)
    cutoff = min(persons.made.cutoffs)
    then = persons.before(cutoff)
    assert len(then.joins) < len(persons.joins)
    whole, cut = tables_of(persons), tables_of(then)
    assert_frame_equal(read_features(whole, cutoff), read_features(cut, cutoff), check_like=True)
    sql = f"SELECT user_id FROM ({cohort_sql(question_of(persons.made), [cutoff])}) c ORDER BY user_id"
    assert whole.query(sql)["user_id"].tolist() == cut.query(sql)["user_id"].tolist()
