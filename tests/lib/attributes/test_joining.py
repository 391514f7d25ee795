"""Whose attributes are what at a cutoff: rows that held and were known before it, the newest of them."""

import numpy as np
import pandas as pd
import pytest

from lib.attributes.columns import Attribute, Kind, from_plain, to_plain
from lib.attributes.joining import attributes_sql, values_sql, with_attributes_sql
from lib.tables.memory import MemoryTables
from tests.builders.attributes import put_users
from tests.builders.runs import CUTOFF, ago

COUNTRY, AGE = Attribute("country", Kind.TEXT, True), Attribute("age", Kind.NUMBER, True)
JOINED, STUDENT = Attribute("joined", Kind.DATE, True), Attribute("student", Kind.FLAG, True)
EVERY = (COUNTRY, AGE, JOINED, STUDENT)


def held(tables, attributes, *cutoffs):
    """{(user, cutoff): the first attribute}."""
    found = tables.query(attributes_sql(attributes, cutoffs))
    return {(row.user_id, row.cutoff): getattr(row, attributes[0].stored) for row in found.itertuples()}


def test_a_row_counts_from_the_day_after_it_came_to_hold_and_was_known():
    tables = MemoryTables()
    rows = [
        # user, from when it holds, when it was known, what it says
        ("ana", ago(2), ago(2), "DE"),
        ("ana", ago(1), ago(1), "FR"),  # the last day before the cutoff
        ("ana", ago(0), ago(0), "ES"),  # the cutoff's own day
        ("bo", ago(9), ago(0), "IT"),  # it held long before, and was learnt of on the cutoff's day
        ("cy", None, ago(1), "PT"),  # from ever, known the day before
        ("di", ago(9), None, "LU"),
    ]
    put_users(tables, rows, [COUNTRY])
    assert held(tables, [COUNTRY], CUTOFF, ago(1), ago(-1)) == {
        ("ana", CUTOFF): "FR", ("ana", ago(1)): "DE", ("ana", ago(-1)): "ES", ("bo", ago(-1)): "IT",
        ("cy", CUTOFF): "PT", ("cy", ago(-1)): "PT",
        ("di", CUTOFF): "LU", ("di", ago(1)): "LU", ("di", ago(-1)): "LU",
    }  # fmt: skip


def test_of_several_rows_of_one_day_the_last_one_counts():
    tables = MemoryTables()
    put_users(tables, [("ana", ago(1), ago(1), "DE"), ("ana", ago(1), ago(1), "FR")], [COUNTRY])
    assert held(tables, [COUNTRY], CUTOFF) == {("ana", CUTOFF): "FR"}


def test_what_became_known_late_is_not_put_back_by_an_earlier_row():
    """Corrected later: on day 5 it was learnt that from day 9 on the user lived elsewhere than a newer row says."""
    tables = MemoryTables()
    put_users(tables, [("ana", ago(9), ago(5), "IT"), ("ana", ago(7), ago(7), "DE")], [COUNTRY])
    assert held(tables, [COUNTRY], CUTOFF, ago(6)) == {("ana", CUTOFF): "DE", ("ana", ago(6)): "DE"}


def test_rows_without_times_hold_at_every_cutoff():
    tables, country = MemoryTables(), Attribute("country", Kind.TEXT)
    put_users(tables, [("ana", None, None, "DE")], [country])
    assert held(tables, [country], CUTOFF, ago(400)) == {("ana", CUTOFF): "DE", ("ana", ago(400)): "DE"}


@pytest.mark.parametrize("is_timed", [True, False])
def test_rows_get_the_columns_of_their_attributes_and_nobody_is_lost(is_timed):
    tables = MemoryTables()
    attributes = [Attribute(one.name, one.kind, is_timed) for one in EVERY]
    put_users(tables, [("ana", None, None, "DE", 30.0, ago(10), "true"), ("bo", *[None] * 6)], attributes)
    tables.connection.register(
        "asked", pd.DataFrame({"user_id": ["ana", "bo", "cy"], "cutoff": [CUTOFF] * 3, "recency": [1, 2, 3]})
    )
    found = tables.query(with_attributes_sql("SELECT * FROM asked", attributes, [CUTOFF]) + " ORDER BY f.user_id")
    nothing = {"attribute_text_country": None, "attribute_text_student": None, "attribute_known_age": 0.0,
               "attribute_known_joined": 0.0}  # fmt: skip
    ana, bo, cy = found.astype(object).where(found.notna(), None).to_dict("records")
    assert ana == {
        "user_id": "ana", "cutoff": CUTOFF, "recency": 1, "attribute_text_country": "DE",
        "attribute_number_age": 30.0, "attribute_known_age": 1.0, "attribute_days_joined": 10.0,
        "attribute_known_joined": 1.0, "attribute_text_student": "true",
    }  # fmt: skip
    for row, user in ((bo, "bo"), (cy, "cy")):
        assert row["user_id"] == user
        assert {name: row[name] for name in nothing} == nothing
        assert row["attribute_number_age"] is None
        assert row["attribute_days_joined"] is None


def test_without_attributes_a_query_stays_what_it_was():
    assert with_attributes_sql("SELECT * FROM {features}", (), [CUTOFF]) == "SELECT * FROM {features}"


def test_a_condition_can_ask_for_values_by_their_kind():
    tables = MemoryTables()
    put_users(tables, [("ana", None, None, "DE", 30.0, ago(10), "true"), ("bo", *[None] * 6)], EVERY)
    rows = tables.query(f"{values_sql(EVERY, [CUTOFF])} ORDER BY user_id").drop(columns="cutoff")
    ana, bo = rows.astype(object).where(rows.notna(), None).to_dict("records")
    columns = ("user_id", "text_country", "number_age", "date_joined", "flag_student")
    assert ana == dict(zip(columns, ("ana", "DE", 30.0, ago(10), True), strict=True))
    assert bo == dict(zip(columns, ("bo", None, None, None, None), strict=True))


def test_columns_tell_names_apart_that_look_alike():
    names = ["plan", "Plan", "pl an", "pl_an", "pl__an", "events_all", "äge"]
    slugs = [Attribute(name, Kind.TEXT).slug for name in names]
    assert (slugs[0], slugs[3], len(set(slugs))) == ("plan", "pl_an", len(names))
    assert all("__" not in slug and slug.isascii() for slug in slugs)


def test_attributes_come_back_from_json_as_they_were():
    assert from_plain(to_plain(EVERY)) == EVERY


def test_any_drawn_table_says_at_any_cutoff_what_pandas_says():
    rng, days = np.random.default_rng(0), 30
    rows = []
    for user in range(60):
        moments = {(int(a), int(b)) for a, b in rng.integers(0, days, (int(rng.integers(1, 6)), 2))}
        for valid, known in sorted(moments):
            rows.append((f"u{user}", ago(days - valid), ago(days - known), f"v{len(rows)}"))
    tables = MemoryTables()
    put_users(tables, rows, [COUNTRY])
    cutoffs = [ago(days - n) for n in (0, 1, 7, 15, 30)]
    expected = {}
    for cutoff in cutoffs:
        for user, valid, known, value in rows:  # in the order of valid_from, then known_at: the last one stands
            if valid < cutoff and known < cutoff:
                expected[user, cutoff] = value
    assert held(tables, [COUNTRY], *cutoffs) == expected
    assert len(expected) > 80
