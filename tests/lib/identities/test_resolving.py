"""Whose the events of an id are: chains, moves and repeated rows by hand; what cannot be followed is named."""

from datetime import date, datetime, time, timedelta

import pyarrow as pa
import pytest

from lib.errors import SourceError
from lib.features import extraction
from lib.features.vocabulary import choose_vocabulary
from lib.identities.resolving import first_change_sql, resolve
from lib.labels.labels import positives_sql
from lib.tables.contracts import DAILY_ACTIVITY, IDENTITIES
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from tests.builders.identity_checks import JOINS, put_identities
from tests.builders.question_checks import question_of
from tests.builders.question_draws import Drawn

START = date(2024, 6, 1)
FIRST, LAST = date.min, date.max


def at(day):
    return START + timedelta(days=day)


def joins(*rows):
    """Rows (id, user, day of June from 0 on, or with hours)."""
    moments = [datetime.combine(START, time()) + timedelta(days=day) for _, _, day in rows]
    return [
        {"user_id": one, "person": user, "known_time": moment, "known_day": moment.date()}
        for (one, user, _), moment in zip(rows, moments, strict=True)
    ]


def resolved(*rows):
    """Rows (id, person, first_day, end_day, joined_after, joined_until), days counted; None is without an end."""
    tables = MemoryTables()
    put_identities(tables, joins(*rows))
    frame = tables.query("SELECT * FROM {identities} ORDER BY user_id, joined_after, first_day, person")
    ends = {FIRST: None, LAST: None}
    days = [[ends[day] if day in ends else (day - START).days for day in row[2:]] for row in frame.values.tolist()]
    return [(*row[:2], *rest) for row, rest in zip(frame.values.tolist(), days, strict=True)]


OWN = ("a", "a", None, None, None)  # the first row of an id, until it is joined


def test_an_id_is_its_own_until_it_is_joined():
    assert resolved(("a", "u", 10)) == [(*OWN, 10), ("a", "u", None, None, 10, None)]


def test_a_repeated_row_and_one_that_joins_an_id_to_itself_say_nothing_new():
    assert resolved(("a", "a", 3), ("a", "u", 10), ("a", "u", 14), ("b", "b", 1)) == resolved(("a", "u", 10))


def test_an_id_that_moves_leaves_its_past_with_the_first_user():
    assert resolved(("a", "u", 10), ("a", "v", 20.5)) == [
        (*OWN, 10), ("a", "u", None, 20, 10, None), ("a", "v", 20, None, 20, None),
    ]  # fmt: skip


def test_of_two_moves_of_one_day_the_last_counts_from_that_day_on():
    assert resolved(("a", "u", 5), ("a", "v", 10.2), ("a", "w", 10.8)) == [
        (*OWN, 5), ("a", "u", None, 10, 5, None), ("a", "w", 10, None, 10, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [(10, 20), (20, 10)])
def test_a_chain_is_followed_whichever_part_became_known_first(first, second):
    rows = resolved(("a", "b", first), ("b", "u", second))
    between = [("a", "b", None, None, 10, 20)] if first < second else []
    assert rows == [
        (*OWN, first), *between, ("a", "u", None, None, 20, None),
        ("b", "b", None, None, None, second), ("b", "u", None, None, second, None),
    ]  # fmt: skip


def test_a_chain_through_an_id_that_moves_is_parted_by_days():
    assert [row for row in resolved(("a", "b", 5), ("b", "u", 10), ("b", "v", 20)) if row[0] == "a"] == [
        (*OWN, 5), ("a", "b", None, None, 5, 10), ("a", "u", None, 20, 10, None), ("a", "v", 20, None, 20, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), [
    ([("a", "u", 1), ("a", "v", 1)],
     "The identities join 'a' to two users at 2024-06-02 00:00:00: 'u' and 'v'. Nothing was read. Keep the one whose "
     "it is; an id that goes to another user does so at a later known_at."),
    ([("a", "u", 1), ("a", "a", 2)],
     "The identities join 'a' to itself at 2024-06-03 00:00:00, and before that to 'u'. Nothing was read. Leave that "
     "row out: an id stays a user's until it is another's."),
    ([("z", "a", 0), ("a", "x", 1), ("a", "b", 2), ("b", "c'{", 3), ("c'{", "a", 9)],
     """The identities join ids in a circle: 'a' to 'b', 'b' to "c'{", "c'{" to 'a'. Nothing was read. Join each of """
     "them to the one id that the user is to be known by."),
    ([(f"i{n:02}", f"i{n + 1:02}", n) for n in range(11)],
     "The identities lead from 'i00' to its user through 10 ids or more. Nothing was read. Join each id to its user "
     "itself."),
])  # fmt: skip
def test_what_cannot_be_followed_is_named(rows, message):
    tables = MemoryTables()
    tables.lend("joins", pa.Table.from_pylist(joins(*rows), JOINS))
    with pytest.raises(SourceError) as caught:
        resolve(tables, "joins")
    assert str(caught.value) == message


def test_a_chain_of_ten_steps_is_followed():
    rows = resolved(*((f"i{n:02}", f"i{n + 1:02}", n) for n in range(10)))
    assert ("i00", "i10", None, None, 9, None) in rows


@pytest.mark.parametrize(("before", "after", "day"), [
    ([], [("a", "u", 10)], 10),
    ([("a", "u", 10)], [], 10),
    ([("a", "u", 10)], [("a", "u", 10)], None),
    ([("a", "u", 10)], [("a", "u", 10), ("a", "v", 20)], 20),  # what was seen until then stays
    ([("a", "u", 10)], [("a", "u", 10), ("u", "w", 15), ("b", "w", 30)], 15),
    ([("a", "u", 10)], [("a", "v", 10)], 10),
    ([("a", "u", 10)], [("a", "u", 12)], 10),
])  # fmt: skip
def test_the_first_day_after_which_anything_is_otherwise_is_told(before, after, day):
    tables = MemoryTables()
    for name, rows in (("stored", before), ("new", after)):
        tables.replace("identities", arrow_schema(IDENTITIES).empty_table(), "1 = 1")
        put_identities(tables, joins(*rows))
        tables.lend(name, tables.stored["identities"])
    found = tables.query(first_change_sql("SELECT * FROM new", "SELECT * FROM stored"))["day"].iloc[0]
    assert found == (None if day is None else at(day)), found


def home(activity, *rows):
    """A home of rows (id, day, type), and joins."""
    tables = MemoryTables()
    whole = [
        {"user_id": one, "day": at(day), "event_type": kind, "known_day": at(day), "count": 1} for one, day, kind in
        activity
    ]  # fmt: skip
    tables.replace("daily_activity", pa.Table.from_pylist(whole, arrow_schema(DAILY_ACTIVITY)), "1 = 1")
    put_identities(tables, joins(*rows))
    return tables


def test_an_id_is_nobody_of_its_own_from_the_day_after_it_was_joined():
    tables = home([("a", 1, "view"), ("u", 2, "buy"), ("a", 9, "view")], ("a", "u", 4))
    first_seen = extraction.read_first_seen(tables, at(12))
    extraction.write_features(tables, {at(day): choose_vocabulary(first_seen, at(day), 24) for day in (4, 5, 12)})
    rows = tables.query("SELECT cutoff, user_id, events_all, tenure FROM {features} ORDER BY cutoff, user_id")
    assert rows.values.tolist() == [
        [at(4), "a", 1, 3], [at(4), "u", 1, 2], [at(5), "u", 2, 4], [at(12), "u", 3, 11],
    ]  # fmt: skip


def test_whoever_turned_out_to_be_a_user_did_what_that_user_did():
    """Asked at day 10 about days [10, 17): the joins of days up to the 16th count, and no later one."""
    tables = home(
        [("u", 12, "buy"), ("v", 16, "buy"), ("d", 16, "buy"), ("w", 17, "buy"), ("e", 10, "buy")],
        ("early", "u", 9), ("a", "u", 10), ("b", "u", 16.9), ("late", "u", 17),
        ("m", "v", 10.1), ("m", "x", 10.5),  # of two moves on the cutoff's day, the first has what was before it
        ("d", "y", 11),  # an id of y's buys; so y did, and who was asked about as d
        ("e", "w", 12), ("e", "z", 20),
    )  # fmt: skip
    texts = {"action": "buy", "horizon_days": "7", "cohort_days": "90"}
    question = question_of(Drawn("UTC", (), (at(10),), at(40), texts, None))
    rows = tables.query(f"SELECT * FROM ({positives_sql(question, [at(10)], at(40))}) p")
    assert rows["user_id"].is_unique
    # early was u's before the cutoff, so nobody asks about it; it is here all the same, and does no harm
    assert sorted(rows["user_id"]) == ["a", "b", "d", "e", "early", "m", "u", "v", "w", "y"]
