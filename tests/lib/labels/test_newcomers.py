"""Users without any event yet: who is asked about, from when on, with which features and labels."""

from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.attributes.columns import Attribute, Kind
from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError
from lib.features import named
from lib.features.build import NOBODY, blank_rows
from lib.features.extraction import read_first_seen, write_features
from lib.features.vocabulary import choose_vocabulary, type_column
from lib.labels.cohorts import cohort_sql, newcomers_sql, sizes_sql
from lib.labels.labels import labelled_cohort_sql
from lib.stages.attributes import check_newcomers
from lib.tables.contracts import DAILY_ACTIVITY, NAMED_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from tests.builders.attributes import put_users
from tests.builders.identity_checks import put_identities

CUTOFF = date(2024, 6, 10)
JOINED = (Attribute("joined", Kind.DATE, True), Attribute("country", Kind.TEXT, True))


def ago(days):
    return CUTOFF - timedelta(days=days)


def asked(**changes):
    texts = {"action": "buy", "horizon_days": "7", "cohort_days": "28", "newcomers": "joined"} | changes
    return Question.from_widgets((defaults() | texts).__getitem__)


USERS = [  # user, valid_from, known_day, joined, country
    ("first day", None, None, ago(28), "DE"), ("too long ago", None, None, ago(29), "DE"),
    ("yesterday", None, None, ago(1), "FR"), ("same day", None, None, ago(0), "FR"),
    ("later", None, None, ago(-1), "FR"), ("no day", None, None, None, "DE"),
    ("seen", None, None, ago(5), "DE"), ("seen today", None, None, ago(5), "DE"),
    ("known today", None, ago(0), ago(5), "DE"), ("known yesterday", None, ago(1), ago(5), "DE"),
    ("corrected", None, ago(9), ago(40), "DE"), ("corrected", None, ago(2), ago(3), "DE"),
    ("web of seen", None, None, ago(5), "DE"), ("web of later", None, None, ago(5), "DE"),
]  # fmt: skip
NEW = ["corrected", "first day", "known yesterday", "seen today", "web of later", "yesterday"]


def home(users=USERS):
    tables = MemoryTables()
    events = [("seen", 3, "view"), ("old", 60, "view"), ("seen today", 0, "buy"), ("yesterday", -6, "buy"),
              ("first day", -7, "buy")]  # fmt: skip
    rows = [{"user_id": user, "day": ago(days), "event_type": kind, "known_day": ago(days), "count": 1, "value": 2.0}
            for user, days, kind in events]  # fmt: skip
    tables.replace("daily_activity", pa.Table.from_pylist(rows, arrow_schema(DAILY_ACTIVITY)), "1 = 1")
    put_users(tables, users, JOINED)
    put_identities(tables, [
        {"user_id": one, "person": "seen", "known_time": datetime.combine(day, time()), "known_day": day}
        for one, day in (("web of seen", ago(1)), ("web of later", ago(0)))
    ])  # fmt: skip
    plan = {CUTOFF: choose_vocabulary(read_first_seen(tables, ago(-10)), CUTOFF, 24, ("buy", "view"))}
    write_features(tables, plan)
    tables.append("features", blank_rows(plan))
    return tables


@pytest.mark.parametrize(("changes", "users"), [
    ({}, ["seen", *NEW]),
    ({"newcomers": ""}, ["seen"]),
    ({"cohort_days": "all"}, ["old", "seen", "too long ago", *NEW]),
    ({"cohort_where": "country = 'FR'"}, ["yesterday"]),
    ({"cohort_where": "events('view', 28) = 0"}, NEW),
    ({"cohort_where": "events('view', 28) >= 1"}, ["seen"]),
    ({"cohort_where": "days_since_first() >= 1"}, ["seen"]),
    ({"without": "true", "cohort_where": "country = 'FR'"}, ["yesterday"]),
])  # fmt: skip
def test_they_are_asked_about_from_the_day_after_they_signed_up(changes, users):
    tables, question = home(), asked(**changes)
    assert sorted(tables.query(cohort_sql(question, [CUTOFF]))["user_id"]) == sorted(users)
    sizes = tables.query(sizes_sql(question, [CUTOFF])).iloc[0].to_dict()
    assert sizes == {"cutoff": CUTOFF, "users": 2, "cohort": len(users)}  # of those who were ever seen there are two


def test_times_of_the_table_can_say_when_somebody_signed_up():
    users = [
        ("new", ago(5), ago(4), None, "DE"), ("new", ago(2), ago(2), None, "FR"), ("ahead", ago(0), ago(4), None, "DE"),
        ("told today", ago(5), ago(0), None, "DE"), ("for ever", None, ago(9), None, "DE"),
    ]  # fmt: skip
    tables = home(users)
    for column, those in (("valid_from", ["new"]), ("known_at", ["for ever", "new"])):
        rows = tables.query(newcomers_sql(asked(newcomers=column), [CUTOFF]))
        assert sorted(rows["user_id"]) == those
    week = tables.query(newcomers_sql(asked(newcomers="known_at", cohort_days="7"), [CUTOFF]))
    assert week["user_id"].tolist() == ["new"]


def test_their_features_are_those_of_no_event_and_their_labels_what_they_did():
    tables = home()
    rows = tables.query(f"{labelled_cohort_sql(asked(), [CUTOFF], ago(-20), JOINED)} ORDER BY user_id").set_index(
        "user_id"
    )
    assert rows["label"].to_dict() == dict.fromkeys([*NEW, "seen"], 0) | {"seen today": 1, "yesterday": 1}
    new = rows.loc[NEW].drop(columns=["label", "cutoff", "attribute_text_country", "attribute_days_joined"])
    assert np.isfinite(new.to_numpy(float)).all()
    assert len(new.drop_duplicates()) == 1
    first = new.iloc[0]
    counted = ["events_all", "days_all", "tenure", "silence", "recency", "view__events_all", "view__recency"]
    assert first[counted].tolist() == [0, 0, 0, 0, 365, 0, 365]
    same = ["log_age", "covered_28", "covered_90", "view__covered_90"]  # what is of the log, and of nobody in it
    pd.testing.assert_series_equal(first[same], rows.loc["seen", same], check_names=False, check_dtype=False)
    assert rows.loc["yesterday", "attribute_days_joined"] == 1


def test_what_is_later_than_the_cutoff_changes_nothing():
    tables = home()
    whole = tables.query(f"{cohort_sql(asked(), [CUTOFF], JOINED)} ORDER BY user_id")
    before = [row for row in USERS if (row[3] is None or row[3] < CUTOFF) and (row[2] is None or row[2] < CUTOFF)]
    then = home(before)
    for name, day in (("daily_activity", "known_day"), ("identities", "joined_after")):
        then.delete(name, f"{day} >= DATE '{CUTOFF}'")
    pd.testing.assert_frame_equal(whole, then.query(f"{cohort_sql(asked(), [CUTOFF], JOINED)} ORDER BY user_id"))


def test_the_row_of_nobody_is_no_user():
    tables = home()
    for changes in ({}, {"newcomers": ""}, {"cohort_days": "all", "newcomers": ""}):
        assert NOBODY not in set(tables.query(cohort_sql(asked(**changes), [CUTOFF]))["user_id"])


LOOKED = {"action": "looked,buy", "actions": "looked=view WHERE value > 1"}


def home_with_named():
    """The same home, where every view is one of the named action too."""
    tables = home()
    (action,) = asked(**LOOKED).named
    rows = [one for one in tables.stored["daily_activity"].to_pylist() if one["event_type"] == "view"]
    rows = [{name: row[name] for name in NAMED_ACTIVITY} | {"event_type": action.kind} for row in rows]
    rows.append({**rows[0], "user_id": "yesterday", "day": ago(-6), "known_day": ago(-6)})  # and looked, later
    tables.replace("named_activity", pa.Table.from_pylist(rows, arrow_schema(NAMED_ACTIVITY)), "1 = 1")
    first_days = named.read_first_days(tables, [action.kind], ago(-10))
    for _ in range(2):  # again is no change
        named.build_missing(tables, first_days, [CUTOFF])
        named.write_blanks(tables, first_days, [CUTOFF])
    return tables, action.kind


def test_a_named_action_has_the_columns_of_nobody_for_them_too():
    tables, kind = home_with_named()
    rows = tables.query(f"{labelled_cohort_sql(asked(**LOOKED), [CUTOFF], ago(-20))} ORDER BY user_id")
    assert rows["user_id"].tolist() == sorted([*NEW, "seen"])
    for name in named.FEATURES:  # as of the event type that it is all of, of users and of newcomers
        same = rows[type_column("view", name)].tolist()
        assert rows[type_column(kind, name)].tolist() == same, name
    assert rows.set_index("user_id")[type_column(kind, "recency")].to_dict() == dict.fromkeys(NEW, 365) | {"seen": 3}
    plain = cohort_sql(asked(action="buy"), [CUTOFF])
    assert not [name for name in tables.query(plain) if name.startswith(kind)]  # nobody else's columns


@pytest.mark.parametrize(("changes", "doers"), [
    ({}, {"seen today", "yesterday"}),
    ({"all_actions": "true"}, {"yesterday"}),
    ({"without": "true", "cohort_where": "events('looked', 28) = 0"}, {*NEW} - {"seen today", "yesterday"}),
    ({"action": "looked"}, {"yesterday"}),
])  # fmt: skip
def test_a_named_action_is_held_to_what_newcomers_then_did(changes, doers):
    tables, _ = home_with_named()
    rows = tables.query(labelled_cohort_sql(asked(**LOOKED | changes), [CUTOFF], ago(-20)))
    assert set(rows["user_id"][rows["label"] == 1]) == doers


@pytest.mark.parametrize(("where", "users"), [
    ("events('looked', 28) = 0", NEW), ("events('looked', 28) >= 1", ["seen"]),
    ("days_since_last('looked') >= 1", ["seen"]), ("days_since_first() IS NULL AND country = 'FR'", ["yesterday"]),
])  # fmt: skip
def test_conditions_read_nothing_of_a_named_action_of_theirs(where, users):
    tables, _ = home_with_named()
    question = asked(action="buy", actions=LOOKED["actions"], cohort_where=where)
    assert sorted(tables.query(cohort_sql(question, [CUTOFF]))["user_id"]) == sorted(users)
    assert tables.query(sizes_sql(question, [CUTOFF]))["cohort"].tolist() == [len(users)]


@pytest.mark.parametrize(("changes", "message"), [
    ({"newcomers": "joined", "users": "none"},
     "newcomers is 'joined', and users names no table that has it. Name one, or leave newcomers blank."),
    ({"newcomers": "joined", "without": "true"},
     "newcomers is 'joined', which asks about users without any event, and without=true asks about those who did it "
     "before: nobody is both. Leave one out, or say with cohort_where who is asked."),
])  # fmt: skip
def test_what_cannot_be_asked_is_said_before_anything_is_read(changes, message):
    given = defaults() | {"schema": "app", "events": "x", "action": "buy", "users": "y"} | changes
    with pytest.raises(ConfigError) as caught:
        ExtractConfig.from_widgets(given.__getitem__)
    assert str(caught.value) == message


@pytest.mark.parametrize(("column", "message"), [
    ("valid_from", "newcomers is 'valid_from', and no row of the users has one. Name a date of theirs that says when "
     "users signed up."),
    ("country", "newcomers is 'country', which is a text: it must be a date of the users that says when they signed "
     "up, as one of joined, valid_from, known_at."),
    ("signed_up", "newcomers is 'signed_up', which is none of their columns: it must be a date of the users that "
     "says when they signed up, as one of joined, valid_from, known_at."),
])  # fmt: skip
def test_a_table_that_does_not_say_when_users_signed_up_is_refused(column, message):
    with pytest.raises(ConfigError) as caught:
        check_newcomers(asked(newcomers=column), home())
    assert str(caught.value) == message
    check_newcomers(asked(newcomers="known_at"), home())


def test_it_is_another_question_and_told_in_words():
    with_new, plain = asked(), asked(newcomers="")
    assert plain.slug == "buy_7d_cohort28d"
    assert with_new.slug.startswith("buy_7d_cohort28d_")
    assert Question.of(with_new.texts()) == with_new
    assert with_new.whom == "users active in the last 28 days, or signed up then without any event yet"
    assert asked(cohort_days="all").whom == "all users ever seen, or signed up without any event yet"
