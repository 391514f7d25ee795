"""Labels and cohorts of drawn questions, held against what is true event by event; the draws lie on the boundaries."""

import pytest

from lib.labels.cohorts import cohort_sql
from tests.builders.question_checks import check_draw, daily_rows, question_of, tables_of
from tests.builders.question_draws import draw

DRAWS = 40  # of the suite; benchmarks/drawn_questions.py makes more


@pytest.mark.parametrize("seeds", [range(first, first + 10) for first in range(0, DRAWS, 10)], ids=str)
def test_labels_and_cohorts_are_what_is_true_event_by_event(seeds):
    rows, acted = zip(*map(check_draw, seeds), strict=True)
    assert 0 < sum(acted) < sum(rows)  # neither nobody nor everybody


@pytest.mark.parametrize("seed", range(5))
def test_no_event_at_or_after_a_cutoff_moves_a_cohort(seed):
    made = draw(seed)
    cutoff = min(made.cutoffs)
    past = [row for row in daily_rows(made) if row["day"] < cutoff and row["known_day"] < cutoff]
    sql = f"{cohort_sql(question_of(made), [cutoff])} ORDER BY user_id"
    whole, cut = tables_of(made).query(sql), tables_of(made, past).query(sql)
    assert whole["user_id"].tolist() == cut["user_id"].tolist()
