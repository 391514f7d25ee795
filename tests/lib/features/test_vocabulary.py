"""Which event types have columns at a cutoff, and what these are called."""

import numpy as np

from lib.features.build import build_features
from lib.features.vocabulary import (
    TYPE_FEATURES,
    USER_FEATURES,
    Vocabulary,
    choose_vocabulary,
    feature_columns,
    features_schema,
    type_column,
)
from tests.builders.runs import CUTOFF, activity, ago, features, plan, row


def chosen(found, *names):
    return [found[name] for name in names]


def test_types_beyond_the_most_used_share_other():
    rows = [row(user, ago(9), "view") for user in ("ana", "bo", "cy")] + [
        row("ana", ago(30), "rare", count=2, value=3.0),
        row("ana", ago(10), "rarer", count=5, value=7.0),
        row("ana", ago(10), "rare", count=1),  # a day with both is one day
    ]
    ana = features(*rows, most=1)["ana"]
    assert {name.partition("__")[0] for name in ana if "__" in name} == {"view", "other"}
    assert chosen(ana, "other__events_28", "other__events_90", "other__days_28", "other__days_90") == [6, 8, 1, 2]
    assert chosen(ana, "other__value_28", "other__recency", "other__covered_90") == [7, 10, np.float32(30 / 90)]
    assert chosen(ana, "events_all", "view__events_all") == [9, 1]


def test_an_own_type_called_other_keeps_its_columns_beside_the_pool():
    rows = [row(user, ago(9), "other") for user in ("ana", "bo")] + [row("ana", ago(3), "rare", count=5)]
    ana = features(*rows, most=1)["ana"]
    assert len(ana) == len(USER_FEATURES) + 2 * len(TYPE_FEATURES)
    own = type_column("other", "events_7"), type_column("other", "events_28")
    assert chosen(ana, *own, "other__events_7", "other__events_28") == [0, 1, 5, 5]


def test_a_type_first_seen_on_the_cutoff_is_not_known_yet():
    found = features(row("ana", ago(1), "view"), row("ana", ago(0), "new", count=7))
    assert [name for name in found["ana"] if "new" in name] == []
    assert found["ana"]["events_all"] == 1


def test_columns_stand_in_the_order_that_the_vocabulary_gives():
    table = activity(row("ana", ago(3), "b"), row("ana", ago(3), "a"))
    built = build_features(table, plan(table))
    assert built.schema == features_schema(feature_columns(plan(table)[CUTOFF]))
    assert built.column_names[:3] == ["user_id", "cutoff", "events_7"]
    assert built.column_names[-2 * len(TYPE_FEATURES)] == "a__events_7"


def test_type_columns_are_plain_and_distinct():
    odd = ["a'b", 'a"b', "a`b", "a.b", "a{b}", "a\\b", "a\n", "ä", "日本", "本日", "", " "]
    kinds = ["a", "a b", "a_b", "A_b", "a  b", *odd]
    names = [type_column(kind, feature) for kind in kinds for feature in TYPE_FEATURES]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in names)
    assert type_column("a_b", "recency") == "a_b__recency"


def test_odd_type_names_keep_their_values_apart():
    kinds = ["a b", "a_b", "it's {x}", "日本"]
    ana = features(*(row("ana", ago(2), kind, count=n) for n, kind in enumerate(kinds, start=1)))["ana"]
    assert [ana[type_column(kind, "events_7")] for kind in kinds] == [1, 2, 3, 4]


def test_the_most_used_types_are_kept_ties_by_name_columns_by_name():
    seen = {
        "d": [(ago(9), 5)],
        "c": [(ago(9), 2), (ago(1), 1)],  # 3 users
        "b": [(ago(9), 3)],
        "a": [(ago(9), 2), (ago(0), 9)],  # 2 users: those of the cutoff's own day are not known yet
        "z": [(ago(0), 99)],  # not known at all
    }
    assert choose_vocabulary(seen, CUTOFF, 2) == Vocabulary(("b", "d"), ("a", "c"), (ago(9), ago(9), ago(9)), ago(9))
    assert choose_vocabulary(seen, CUTOFF, 4) == Vocabulary(("a", "b", "c", "d"), (), (ago(9),) * 4, ago(9))
    assert choose_vocabulary({}, CUTOFF, 4) == Vocabulary((), (), (), CUTOFF)


def test_the_log_starts_when_the_types_of_most_users_had_begun():
    seen = {"early": [(ago(300), 2)], "main": [(ago(60), 2)], "late": [(ago(5), 1)]}
    assert choose_vocabulary(seen, CUTOFF, 9).log_start == ago(60)  # users in order of start: 300 300 60 60 5
    assert choose_vocabulary(seen | {"late": [(ago(5), 4)]}, CUTOFF, 9).log_start == ago(
        60
    )  # an even number: the earlier
    assert choose_vocabulary(seen | {"late": [(ago(5), 5)]}, CUTOFF, 9).log_start == ago(5)
