"""How late events are, and so how long labels are waited for."""

from datetime import timedelta

import pandas as pd
import pytest

from lib.config.stages import ExtractConfig
from lib.labels.delay import delays_sql, estimate_delay, format_delay
from lib.tables.memory import MemoryTables
from tests.builders.runs import CUTOFF, World, activity, ago, asked, log, row

BUY = asked(ExtractConfig).question


def rows(*late):
    """Events of one day, each given by the days after which it was known and by how many there are."""
    day = ago(40)
    known = [{"day": day, "known_day": day + timedelta(days=days), "events": events} for days, events in late]
    return pd.DataFrame(known, columns=["day", "known_day", "events"])


@pytest.mark.parametrize(("late", "delay"), [
    ([], None),
    ([(0, 100)], None),
    ([(-1, 50), (0, 50)], None),  # a clock that is ahead
    ([(0, 99), (5, 1)], 0),  # 99 % are known on their own day
    ([(0, 98), (5, 2)], 5),
    ([(9, 3), (0, 90), (2, 7)], 9),
    ([(0, 900), (3, 95), (60, 5)], 3),
])  # fmt: skip
def test_the_delay_is_the_day_by_which_99_of_100_are_known(late, delay):
    assert estimate_delay(rows(*late)) == delay


def test_only_settled_days_of_the_action_count_and_only_what_is_known():
    tables = MemoryTables()
    kept = [
        row("u", ago(31), "buy", known=ago(29), count=3),  # the youngest settled day
        row("u", ago(210), "buy", known=ago(1)),  # the oldest day that tells, known on the last day
    ]
    others = [
        row("u", ago(30), "buy", known=ago(30)),  # too young: it may gain late events yet
        row("u", ago(211), "buy", known=ago(200)),  # too old
        row("u", ago(40), "buy", known=CUTOFF),  # nobody knows of it yet
        row("u", ago(40), "view", known=ago(20)),
    ]
    tables.replace("daily_activity", activity(*kept, *others), "1 = 1")
    read = tables.query(delays_sql(BUY, CUTOFF))
    assert [(day, known, int(events)) for day, known, events in read.itertuples(index=False)] == [
        (ago(210), ago(1), 1), (ago(31), ago(29), 3),
    ]  # fmt: skip


def test_the_delay_is_told_beside_what_labels_wait_for():
    late = rows((0, 90), (5, 10))
    told = "99% of the events of buy are known 5 days after their day at the latest"
    assert format_delay(BUY, rows((0, 7)), 0) == []
    assert format_delay(BUY, late, 5) == [f"{told}; labels wait for 5 days."]
    assert format_delay(BUY, late, 4) == [
        f"{told}, and labels wait for 4: the newest ones may lack some, and their rate be too low. Set "
        "label_complete_after_days to 5."
    ]


def test_a_run_learns_from_no_label_that_is_not_complete():
    """Every buy is known three days late: without waiting, the holdout's last days look as if nobody had bought."""
    table = log().to_pandas()
    bought = table["event_type"] == "buy"
    table.loc[bought, "known_day"] = table.loc[bought, "day"] + timedelta(days=3)
    rates, cutoffs = {}, {}
    for wait in (0, 2, 3):
        world = World(log().from_pandas(table, schema=log().schema, preserve_index=False))
        as_of = CUTOFF - timedelta(days=38)
        done, *_ = world.extract(as_of, label_complete_after_days=wait)
        checked = world.train(label_complete_after_days=wait)
        checks = world.tables.query("SELECT holdout FROM {model_checks}")
        assert checked.verdict.answer == "cannot_tell"
        cutoffs[wait] = (as_of - done.cutoffs.holdout).days, (as_of - checks["holdout"][0]).days
        rates[wait] = acted(world, done.cutoffs.holdout, as_of) / acted(world, done.cutoffs.holdout, CUTOFF)
    assert cutoffs == {0: (7, 7), 2: (9, 9), 3: (10, 10)}
    assert rates[0] < 0.8 < rates[2] < 1 == rates[3]


def acted(world, cutoff, as_of):
    """How many bought in the week from a cutoff on, as far as it was known by a day."""
    where = f"event_type = 'buy' AND day >= DATE '{cutoff}' AND day < DATE '{cutoff + timedelta(days=7)}'"
    sql = f"SELECT COUNT(DISTINCT user_id) AS n FROM {{daily_activity}} WHERE {where} AND known_day < DATE '{as_of}'"
    return int(world.tables.query(sql)["n"][0])
