"""Users without any event, asked about alike by every kind of tables: rows, conditions, labels and sizes."""

from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from lib.attributes.columns import Attribute, Kind
from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.features import named
from lib.features.vocabulary import features_schema
from lib.labels.cohorts import cohort_sql, sizes_sql
from lib.labels.labels import labelled_cohort_sql
from lib.tables.contracts import DAILY_ACTIVITY, NAMED_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from tests.builders.attributes import put_users

DAY = date(2024, 6, 3)
USERS = [("ana", 5), ("new", 1), ("old", 28), ("older", 29), ("later", 0)]  # the days since they joined
ASKED = {"action": "big", "actions": "big=buy WHERE value > 1", "horizon_days": "7", "cohort_days": "28"}


def asked(**changes):
    return Question.from_widgets((defaults() | ASKED | {"newcomers": "joined"} | changes).__getitem__)


def home():
    """Ana looked, and bought in vain; all of them buy on the days after the cutoff."""
    tables, kind = MemoryTables(), asked().kinds[0]
    rows = [("ana", 3, "view"), ("ana", 3, "buy"), *((user, 0, "buy") for user, _ in USERS)]
    events = [
        {"user_id": user, "day": day, "event_type": of, "known_day": day, "count": 1, "value": 2.0, "items": None}
        for user, ago, of in rows if (day := DAY - timedelta(days=ago))
    ]  # fmt: skip
    own = [{name: one[name] for name in NAMED_ACTIVITY} | {"event_type": kind} for one in events[1:-1]]
    tables.replace("daily_activity", pa.Table.from_pylist(events, arrow_schema(DAILY_ACTIVITY)), "1 = 1")
    tables.replace("named_activity", pa.Table.from_pylist(own, arrow_schema(NAMED_ACTIVITY)), "1 = 1")
    features = pd.DataFrame([{"user_id": user, "cutoff": DAY, "recency": 3.0, "silence": 3.0} for user in ("", "ana")])
    schema = features_schema(["recency", "silence"])
    tables.replace("features", pa.Table.from_pandas(features, schema=schema, preserve_index=False), "1 = 1")
    joined = [(user, None, None, DAY - timedelta(days=ago)) for user, ago in USERS]
    put_users(tables, joined, [Attribute("joined", Kind.DATE, True)])
    first_days = named.read_first_days(tables, [kind], DAY)
    named.build_missing(tables, first_days, [DAY])
    named.write_blanks(tables, first_days, [DAY])
    return tables


def test_they_are_asked_about_alike(tables):
    for name, rows in home().stored.items():
        tables.replace(name, rows, "1 = 1")
    (kind,) = asked().kinds
    columns = f"user_id, cutoff, recency, {kind}__events_all, {kind}__recency"
    rows = tables.query(f"SELECT {columns}, label FROM ({labelled_cohort_sql(asked(), [DAY], date.max)}) r ORDER BY 1")
    assert rows.values.tolist() == [
        ["ana", DAY, 3.0, 1.0, 3.0, 1], ["new", DAY, 3.0, 0.0, 365.0, 1], ["old", DAY, 3.0, 0.0, 365.0, 1],
    ]  # fmt: skip
    some = asked(cohort_where="events('big') = 0 AND joined > date('2024-05-06') OR days_since_last('view') = 3")
    assert tables.query(f"{cohort_sql(some, [DAY])} ORDER BY user_id")["user_id"].tolist() == ["ana", "new"]
    assert tables.query(sizes_sql(some, [DAY])).values.tolist() == [[DAY, 1, 2]]
