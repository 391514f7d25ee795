"""Several sources that are one log: each read in its own way, each held to its own past, all summed up together."""

import json
import re
from datetime import date, timedelta

import pandas as pd
import pytest

from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig
from lib.errors import SourceError
from lib.features import ingest as ingest_rules

START = date(2024, 3, 1)
DAYS = 120
NOW = START + timedelta(days=DAYS)


@pytest.fixture
def shop(tables, tmp_path):
    """Orders, mails on Berlin's clock, and visits summed up by the warehouse: written, and read as one log."""

    class Shop:
        def __init__(self):
            self.folder = tmp_path
            days = [START + timedelta(days=n) for n in range(DAYS)]
            self.orders = pd.DataFrame(
                [(f"u{n % 7}", f"{day} 10:00:00", "order", n) for n, day in enumerate(days) for _ in range(10)],
                columns=["user_id", "event_time", "event_type", "value"],
            )
            self.mails = pd.DataFrame(
                [(f"u{n % 5}", f"{day} 00:30", f"m{n}-{k}") for n, day in enumerate(days) for k in range(8)],
                columns=["recipient", "sent", "id"],
            )
            self.visits = pd.DataFrame(
                [(f"u{n % 3}", day, n % 4, 1) for n, day in enumerate(days)], columns=["who", "day", "views", "favs"]
            )
            self.changes = {}

        def further(self):
            mails = {
                "events": f"{tmp_path}/mails.csv", "time_zone": "Europe/Berlin", "event_key": "id",
                "event_columns": "user_id=recipient,event_time=sent,event_type='mail'", "event_options": "sep=';'",
            }  # fmt: skip
            visits = {
                "events": f"{tmp_path}/visits.parquet", "event_columns": "user_id=who,event_time=day",
                "event_unpivot": "view=views,favs",
            }  # fmt: skip
            return [mails | self.changes, visits]

        def ingest(self, as_of=None, *, write=True, further=None, **changes):
            if write:
                self.orders.to_csv(tmp_path / "orders.csv", index=False)
                self.mails.to_csv(tmp_path / "mails.csv", index=False, sep=";")
                self.visits.to_parquet(tmp_path / "visits.parquet", index=False)
            asked = {
                "schema": tables.schema, "events": f"{tmp_path}/orders.csv", "action": "order", "horizon_days": "7",
                "more_sources": json.dumps(self.further() if further is None else further),
                "as_of": str(as_of or NOW), **changes,
            }  # fmt: skip
            return ingest_rules.ingest(ExtractConfig.from_widgets((defaults() | asked).__getitem__), tables)

        def counts(self):
            rows = tables.query(
                "SELECT event_type, day, SUM(count) AS n FROM {daily_activity} GROUP BY event_type, day"
            )
            return {(kind, day): n for kind, day, n in rows.itertuples(index=False)}

        def expected(self):
            """By pandas, from what was written."""
            orders = pd.to_datetime(self.orders["event_time"])
            mails = pd.to_datetime(self.mails["sent"]).dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC")
            mails = mails[~self.mails["id"].duplicated()]
            counts = {("order", day): n for day, n in orders.dt.date.value_counts().items()}
            counts |= {("mail", day): n for day, n in mails.dt.date.value_counts().items()}
            for kind, column in (("view", "views"), ("favs", "favs")):
                shown = self.visits[self.visits[column] > 0]
                counts |= {(kind, day): n for day, n in zip(shown["day"], shown[column], strict=True)}
            return counts

        def refused(self, message, **said):
            with pytest.raises(SourceError, match=f"^{message}"):
                self.ingest(**said)

    return Shop()


def cut(frame, column, last):
    return frame[frame[column].astype(str).str[:10] <= str(last)]


def test_they_are_one_log_and_go_on_as_one(shop):
    whole, last = (shop.orders, shop.mails, shop.visits), START + timedelta(days=DAYS - 8)
    shop.orders, shop.mails, shop.visits = (
        cut(frame, column, last) for frame, column in zip(whole, ("event_time", "sent", "day"), strict=True)
    )
    assert shop.ingest(as_of=last + timedelta(days=1)).notes == ()
    assert shop.counts() == shop.expected()
    shop.orders, shop.mails, shop.visits = whole
    shop.mails = pd.concat([shop.mails, shop.mails.tail(3)])  # sent again: the same event by its key
    shop.visits = shop.visits.assign(value=1.5)  # a wide row's own value is of no behaviour
    assert shop.ingest().notes == ()
    assert shop.counts() == shop.expected()


def test_one_that_is_stale_stops_the_run_by_name_and_may_be_allowed_to_be(shop):
    shop.mails = cut(shop.mails, "sent", START + timedelta(days=DAYS - 5))
    end = START + timedelta(days=DAYS - 6)  # half past midnight in Berlin is the day before
    shop.refused(
        rf"The events '{re.escape(str(shop.folder))}/mails\.csv' end on {end} and as_of is {NOW}: 5 days are missing, "
        r"at most 1 are usual\. Wait for the load, run with an earlier as_of, or raise max_source_gap_days\."
    )
    shop.changes = {"max_source_gap_days": 5}
    assert shop.ingest(accept_shrunk=str(NOW)).as_of == NOW


def test_a_thin_newest_week_of_one_stops_the_run_by_name(shop):
    thin = shop.mails["sent"].str[:10] > str(START + timedelta(days=DAYS - 8))
    shop.mails = shop.mails[~thin | shop.mails["id"].str.endswith("-0")]
    shop.refused(rf"The newest week of the events '{re.escape(str(shop.folder))}/mails\.csv' is thin: its events from ")
    accepted = [one.message for one in shop.ingest(accept_shrunk=str(NOW)).remarks]
    assert [message for message in accepted if message.startswith("accepted for this as_of: its events from")]


def test_rows_that_cannot_be_used_are_named_with_their_source(shop):
    shop.visits = shop.visits.assign(views=[-1, *shop.visits["views"][1:]])
    shop.refused(
        rf"The events '{re.escape(str(shop.folder))}/visits\.parquet' hold null or unreadable values: count in 1 rows, "
        r"such as 'view -1' in .*visits\.parquet, row 1 \(wanted: a whole number from 0 on\)\. Nothing was read\."
    )
    (note,) = shop.ingest(max_bad_rows="0.01").notes
    assert note.startswith("1 of ")
    assert f"of the events '{shop.folder}/visits.parquet' cannot be used and were left out: count in 1 rows." in note


def test_another_log_is_refused_and_a_new_column_of_one_is_taken(shop, tables):
    shop.ingest()
    mails, visits = shop.further()
    tables_were = r"The tables of schema .* were read"
    shop.refused(
        rf"{tables_were} from '.*orders\.csv' and '.*mails\.csv' and '.*visits\.parquet', this run asks for "
        r"'.*orders\.csv' and '.*mails\.csv'\. Give another log a schema",
        further=[mails],
    )
    shop.refused(rf"{tables_were} from '.*mails\.csv', this run asks for '.*\.parquet'\.", further=[visits, mails])
    shop.refused(rf"{tables_were} with time_zone Europe/Berlin, this run asks for UTC\.",
                 further=[mails | {"time_zone": "UTC"}, visits])  # fmt: skip
    day = START + timedelta(days=DAYS - 2)
    shop.mails["value"] = [2.5 if sent[:10] > str(day) else None for sent in shop.mails["sent"]]
    (note,) = shop.ingest().notes
    assert note == f"the events '{shop.folder}/mails.csv' have a column for value since {day}; days from then on " \
                   "were read again."  # fmt: skip
    value = tables.query("SELECT SUM(value) AS v FROM {daily_activity} WHERE event_type = 'mail'")["v"][0]
    assert value == 2.5 * 8
