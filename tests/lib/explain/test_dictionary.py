"""The dictionary of features: every column has a meaning and a unit, and is called as reasons call it."""

import pandas as pd
import pytest

from lib.attributes.columns import Attribute, Kind
from lib.config.question_kinds import named_actions
from lib.explain.dictionary import GONE, OF_KINDS, STORED, THE_LOG, describe_attributes, describe_features
from lib.explain.groups import group_features
from lib.explain.phrases import describe_group
from lib.features.build import build_features
from lib.features.named import FEATURES
from lib.features.vocabulary import type_column
from tests.builders.runs import activity, ago, plan, row

KINDS = ["buy", "share it!", "rare", "rarer"]
USERS = [
    Attribute("plan", Kind.TEXT),
    Attribute("age", Kind.NUMBER),
    Attribute("signed up", Kind.DATE),
    Attribute("vip", Kind.FLAG),
]


@pytest.fixture(scope="module")
def columns():
    """Those of a log with an action, an odd name, and types that share `other`."""
    rows = [row(user, ago(9), kind) for user in ("ana", "bo") for kind in KINDS[:2]]
    table = activity(*rows, row("ana", ago(3), "rare"), row("bo", ago(2), "rarer"))
    return build_features(table, plan(table, most=2, actions=["buy"])).column_names[2:]


def test_every_column_that_is_built_has_a_meaning_and_a_unit(columns):
    rows = describe_features(columns, KINDS, USERS)
    assert list(rows["feature"]) == [*columns, *(name for one in USERS for name in one.columns)]
    assert rows["feature"].is_unique
    assert (rows.map(str.strip) == rows).all(axis=None)
    assert (rows.map(len) > 0).all(axis=None)
    assert GONE.text not in set(rows["meaning"])
    assert rows["meaning"].is_unique  # no two columns are told alike
    assert not rows["meaning"].str.contains("[{}]").any()


def test_what_a_column_is_about_is_called_as_reasons_call_it(columns):
    everything = [*columns, *(name for one in USERS for name in one.columns)]
    about = dict(describe_features(columns, KINDS, USERS)[["feature", "about"]].itertuples(index=False))
    names = {type_column(kind, ""): kind for kind in KINDS}
    blank = pd.DataFrame([dict.fromkeys(everything, 0.0)])
    for group, members in group_features(everything).items():
        (phrase,) = describe_group(group, blank, names)
        assert {about.pop(name) for name in members} == {phrase.partition(":")[0]}
    assert set(about.values()) <= {THE_LOG, "buy", "share it!", "other events"}  # the same for all users: no reasons


def test_the_words_of_a_few():
    odd = type_column("share it!", "events_28")
    rows = describe_features(["events_7", "buy__recency", odd, "other__days_90", "covered_28"], KINDS, USERS[1:3])
    assert list(rows.itertuples(index=False, name=None)) == [
        ("events_7", "activity", "events of all types in the 7 days before the cutoff", "events"),
        ("buy__recency", "buy", "days since the last buy event, at most 365, which also stands for never", "days"),
        (odd, "share it!", "share it! events in the 28 days before the cutoff", "events"),
        ("other__days_90", "other events", "days with other events in the 90 days before the cutoff", "days"),
        (
            "covered_28",
            "the log",
            "how much of the 28 days before the cutoff the log covers; the same for all users",
            "share",
        ),
        ("attribute_number_age", "age", "age, as it was known at the cutoff", "unit of the users' own"),
        ("attribute_known_age", "age", "whether age was known at the cutoff", "0 or 1"),
        (
            USERS[2].columns[0],
            USERS[2].slug,
            "days from signed up to the cutoff, negative where it is still to come",
            "days",
        ),
        (USERS[2].columns[1], USERS[2].slug, "whether signed up was known at the cutoff", "0 or 1"),
    ]


def test_what_an_earlier_version_has_left_is_said_to_be_gone():
    rows = describe_features(["buy__streak", "mood"], KINDS)
    assert list(rows["meaning"]) == [GONE.text] * 2


def test_every_kind_of_attribute_is_told():
    assert set(OF_KINDS) == set(STORED) == set(Kind)
    assert describe_attributes(USERS[2:]) == {USERS[2].stored: "signed up, in: days since 1970", "flag_vip": (
        "vip, in: true or false"
    )}  # fmt: skip


def test_columns_of_named_actions_are_told_by_their_names(columns):
    named = named_actions().read("actions", "big=buy WHERE value > 50")
    rows = describe_features(columns, KINDS, USERS, named)
    own = rows[rows["feature"].str.startswith(named[0].kind)]
    assert list(own["feature"]) == [type_column(named[0].kind, name) for name in FEATURES]
    assert set(own["about"]) == {"big"}
    assert own["meaning"].iloc[0] == "big events in the 7 days before the cutoff"
