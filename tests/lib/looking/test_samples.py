"""What a part of a log tells of all of it, beside what counting it gives; digests are fixed, and so are the figures."""

from datetime import date

import duckdb
import pytest

from lib.config.events import Events
from lib.looking import samples
from lib.looking.counts import Count, scale
from lib.looking.format import format_look
from lib.looking.look import look


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """40,000 rows of 5,000 users, of which one has a tenth; 4,000 rows repeat another."""
    path = tmp_path_factory.mktemp("look") / "log.parquet"
    rows = """
        SELECT CASE WHEN range % 10 = 0 THEN 'bot' ELSE 'u' || hash(range) % 5000 END AS user_id,
               TIMESTAMP '2024-01-01' + to_minutes(CAST(range * 3 AS INT)) AS event_time,
               CASE WHEN hash(range, 1) % 5 = 0 THEN 'buy' ELSE 'view' END AS event_type,
               CASE WHEN hash(range, 1) % 5 = 0 THEN CAST(range % 100 AS DOUBLE) END AS value, 'i' AS item_id
        FROM range(36000)"""
    duckdb.sql(f"COPY ({rows} UNION ALL SELECT * FROM ({rows}) LIMIT 40000) TO '{path}'")
    return path


def see(log):
    texts = {"events": str(log)}
    return look(Events.from_widgets(lambda name: texts.get(name, "")), date(2024, 6, 30))


def test_of_a_log_that_is_not_large_everything_is_counted(log):
    seen = see(log)
    measures = seen.measures
    counts = [measures.users, measures.duplicates, measures.top_user[1], *(kind.users for kind in measures.kinds)]
    assert [count.error for count in counts] == [None] * 5
    assert measures.duplicates == Count(4000)
    assert (measures.values.median.low, measures.values.median.high) == (measures.values.median.median,) * 2
    assert "~" not in "\n".join(format_look(seen, {}))


def test_estimates_of_a_large_log_hold_what_is_true(log, monkeypatch):
    true = see(log).measures
    monkeypatch.setattr(samples, "EXACT_ROWS", 8000)
    monkeypatch.setattr(samples, "EXACT_USERS", 1000)
    seen = see(log)
    about = seen.measures
    assert (about.rows, about.days, about.nulls, about.values.total, about.values.least, about.values.most) == (
        true.rows, true.days, true.nulls, true.values.total, true.values.least, true.values.most
    )  # fmt: skip
    assert [(kind.name, kind.events) for kind in about.kinds] == [(kind.name, kind.events) for kind in true.kinds]
    pairs = [(about.users, true.users), (about.duplicates, true.duplicates), (about.top_user[1], true.top_user[1])]
    pairs += [(one.users, other.users) for one, other in zip(about.kinds, true.kinds, strict=True)]
    for estimate, counted in pairs:
        assert 0 < estimate.error < counted.number / 5
        assert abs(estimate.number - counted.number) <= 2 * estimate.error  # what one in 10,000 draws misses
    assert about.top_user[0] == "bot"
    for middle, exact in ((about.values.median, true.values.median), (about.events_per_user, true.events_per_user)):
        assert middle.low <= exact.median <= middle.high
    for one, other in zip(about.kinds, true.kinds, strict=True):
        assert one.rates == pytest.approx(other.rates, abs=0.05)
    text = "\n".join(format_look(seen, {}))
    assert f"of {about.users} users" in text
    assert "(~: estimates, with the bounds of 95 in 100 cases;" in text


@pytest.mark.parametrize(("units", "part", "squares", "count", "text"), [
    (1234, 1, None, Count(1234), "1,234"), (400, 10, None, Count(4000, 372), "~4,000 ± 372"),
    (4, 10, 16, Count(40, 74), "~40 ± 74"), (0, 10, 0, Count(0, 20), "~0 ± 20"),
])  # fmt: skip
def test_a_share_tells_of_all_with_its_error(units, part, squares, count, text):
    assert (scale(units, part, squares), str(count)) == (count, text)
