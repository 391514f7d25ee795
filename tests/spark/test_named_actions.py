"""Named actions from a changing source: what is read for them, in which commits, and what a kill leaves behind."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError, SourceError
from lib.features import ingest as ingest_rules
from tests.builders.named_draws import check_reading, draws_of

START = date(2024, 4, 1)
BIG = "big=buy WHERE value > 50"
WIDGETS = defaults() | {
    "events": "log", "action": "big", "actions": BIG, "horizon_days": "7", "cohort_days": "28", "max_cutoffs": "2",
}  # fmt: skip
KINDS = (
    "user_id string, event_time timestamp, event_type string, value double, category string, price string, id string"
)


def day(number):
    return START + timedelta(days=number)


def log(days):
    """Six users who buy every other day, for 0 to 99, of three categories, and look at things every day."""
    rows = []
    for n in range(days):
        for user in range(6):
            moment = datetime.combine(day(n), datetime.min.time()) + timedelta(hours=(n * 7 + user) % 24)
            worth = float((n * 37 + user * 11) % 100)
            buys = [("buy", worth, ("dairy", "meat", None)[(n + user) % 3], f"{worth:.2f}")] * ((n + user) % 2)
            for kind, value, category, price in [("view", None, "dairy", None), *buys]:
                rows.append((f"u{user}", moment, kind, value, category, price, f"{n}-{user}-{kind}"))
    return pd.DataFrame(rows, columns=[part.split()[0] for part in KINDS.split(", ")])


def counted(rows, kept):
    """What a home should keep of the rows that count, straight from the raw events."""
    chosen = rows[kept].assign(day=rows["event_time"].dt.date)
    sums = chosen.groupby(["user_id", "day"]).agg(count=("value", "size"), value=("value", "sum")).reset_index()
    return sums.sort_values(["user_id", "day"], ignore_index=True)


@pytest.fixture
def home(spark, tables):
    class Home:
        def load(self, rows):
            spark.createDataFrame(rows, KINDS).createOrReplaceTempView("log")
            return self

        def config(self, as_of, **changes):
            asked = {"schema": tables.schema, "as_of": str(day(as_of))}
            return ExtractConfig.from_widgets((WIDGETS | asked | changes).__getitem__)

        def ingest(self, as_of, **changes):
            return ingest_rules.ingest(self.config(as_of, **changes), tables, lambda _: None)

        def kept(self, text=BIG):
            (action,) = self.config(40, action=text.partition("=")[0], actions=text).question.named
            sql = f"SELECT * FROM {{named_activity}} WHERE event_type = '{action.kind}'"
            rows = tables.query(sql).sort_values(["user_id", "day"], ignore_index=True)
            assert (rows["day"] == rows["known_day"]).all()
            return rows[["user_id", "day", "count", "value"]]

        def commits(self, name):
            return tables.commits(name)

    return Home()


def same(found, wanted):
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_they_are_read_with_new_days_and_changed_ones_and_a_new_one_alone(home, tables):
    rows = log(60)
    home.load(rows[rows["event_time"] < pd.Timestamp(day(50))]).ingest(50)
    big = rows["event_type"].eq("buy") & rows["value"].gt(50)
    before = rows["event_time"] < pd.Timestamp(day(50))
    same(home.kept(), counted(rows, big & before))
    assert int(tables.query("SELECT SUM(count) AS n FROM {daily_activity}")["n"][0]) == before.sum()  # they add nothing
    activity = home.commits("daily_activity")

    # another one: read of all days, in one commit, and nothing else is written
    dairy, versions = "dairy=buy WHERE category = 'dairy'", home.commits("named_activity")
    home.ingest(50, action="dairy,big", actions=f"{dairy}, {BIG}")
    milk = rows["event_type"].eq("buy") & rows["category"].eq("dairy")
    same(home.kept(dairy), counted(rows, milk & before))
    same(home.kept(), counted(rows, big & before))
    assert home.commits("daily_activity") == activity
    assert home.commits("named_activity") == versions + 2  # the rows, and the note that they are there

    # new days and a late row, by a run that asks about none of them
    late = pd.DataFrame([("u0", datetime.combine(day(45), datetime.min.time()), "buy", 99.0, "dairy", "99", "late")],
                        columns=rows.columns)  # fmt: skip
    rows = pd.concat([rows, late], ignore_index=True)
    home.load(rows).ingest(60, action="buy", actions="")
    big, milk = (rows["event_type"].eq("buy") & one for one in (rows["value"].gt(50), rows["category"].eq("dairy")))
    same(home.kept(), counted(rows, big))
    same(home.kept(dairy), counted(rows, milk))

    # another definition of the same name is another action, and the first one stays
    huge = "big=buy WHERE value > 90"
    home.ingest(60, actions=huge)
    same(home.kept(huge), counted(rows, rows["event_type"].eq("buy") & rows["value"].gt(90)))
    same(home.kept(), counted(rows, big))


def test_a_run_that_is_killed_at_any_write_loses_nothing(home, tables, monkeypatch):
    rows = log(60)
    big = rows["event_type"].eq("buy") & rows["value"].gt(50)
    home.load(rows[rows["event_time"] < pd.Timestamp(day(50))]).ingest(50, action="buy", actions="")
    home.load(rows)

    def kill(name):
        def killed(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(tables, name, killed)
            with pytest.raises(KeyboardInterrupt):
                home.ingest(60)

    for name in ("replace", "set_property", "append"):  # the rows, the note, the activity
        kill(name)
    home.ingest(60)
    same(home.kept(), counted(rows, big))
    assert tables.query("SELECT SUM(count) AS n FROM {daily_activity}")["n"][0] == len(rows)


def test_each_event_counts_once_and_conditions_that_cannot_be_read_are_named(home, tables):
    rows = log(40)
    home.load(pd.concat([rows, rows.iloc[::3]]))
    home.ingest(40, event_key="id")
    same(home.kept(), counted(rows, rows["event_type"].eq("buy") & rows["value"].gt(50)))
    by_price = "big=buy WHERE to_number(price) > 50"
    home.ingest(40, actions=by_price, event_key="id")
    same(home.kept(by_price), counted(rows, rows["event_type"].eq("buy") & rows["value"].gt(50)))
    odd = rows.assign(price=rows["price"].where(rows["id"] != "20-1-buy", "free"))
    versions = home.commits("named_activity")
    text = "big=buy WHERE to_number(price) >= 50"
    with pytest.raises(SourceError, match="actions: a condition cannot be read in 1 of 120 rows, such as 'big: free'"):
        home.load(odd).ingest(40, actions=text, event_key="id")
    with pytest.raises(
        ConfigError, match=r"actions: big: cannot read .*: the events have no column 'brand'; found: user_id"
    ):
        home.ingest(40, actions="big=buy WHERE brand = 'x'", event_key="id")
    with pytest.raises(SourceError, match="actions names 'view', and the events have a type of that name"):
        home.ingest(40, action="view", actions="view=buy WHERE value > 1", event_key="id")
    assert home.commits("named_activity") == versions
    notes = home.ingest(40, actions=text, event_key="id", max_bad_rows="0.01").notes
    assert any("they count as not meant" in note for note in notes)


def test_what_is_kept_of_drawn_logs_is_what_is_true_event_by_event(spark, tables):
    made = draws_of("Asia/Kolkata", range(60))
    check_reading(spark, tables, made)
