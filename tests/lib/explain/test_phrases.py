"""Reasons in words: the user's own figures, whatever the event type is called and however young the log is."""

import numpy as np
import pandas as pd
import pytest

from lib.explain.groups import ASPECTS
from lib.explain.phrases import DESCRIBED, describe_group, format_type_name
from tests.builders.runs import ago, features, row

KIND = {"events_28": 4, "events_90": 9, "events_all": 20, "days_90": 7, "recency": 3, "covered_90": 1}
USER = {
    "events_7": 3, "events_28": 20, "events_90": 60, "days_28": 6, "days_all": 45, "recency": 3, "tenure": 210,
    "value_28": 123.5, "value_90": 4567.25, "items_28": 12, "items_90": 30, "gap_mean": 5.24, "weekend_share": 0.625,
    "log_age": 300,
}  # fmt: skip
OLD = {"events_28": 0, "events_90": 0, "days_90": 0}


def said(group, names=(), **figures):
    (text,) = describe_group(group, pd.DataFrame([figures], dtype=np.float32), dict(names))
    return text


def kind(**changes):
    return said("rent__", **{f"rent__{name}": value for name, value in (KIND | changes).items()})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "rent: 4 times in 28 days, last 3 days ago"),
        ({"events_28": 1, "recency": 1}, "rent: once in 28 days, last 1 day ago"),
        ({"events_28": 1, "recency": 28}, "rent: once in 28 days, last 28 days ago"),
        ({"events_28": 0, "recency": 29}, "rent: 9 times in 90 days, last 29 days ago"),
        ({"events_28": 0, "events_90": 1, "recency": 90}, "rent: once in 90 days, last 90 days ago"),
        (OLD | {"recency": 91}, "rent: last 91 days ago"),
        (OLD | {"recency": 364}, "rent: last 364 days ago"),
        (OLD | {"recency": 365}, "rent: last a year or more ago"),  # a recency is capped there
        (OLD | {"events_all": 0, "recency": 365}, "rent: never"),
        ({"events_28": 12345}, "rent: 12,345 times in 28 days, last 3 days ago"),
    ],
)
def test_an_event_type_is_told_by_its_newest_window(changes, text):
    assert kind(**changes) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"recency": 20, "gap_median": 6}, "rent: 4 times in 28 days, last 20 days ago, usually every 6"),
        (OLD | {"recency": 364, "gap_median": 90}, "rent: last 364 days ago, usually every 90"),
        (OLD | {"recency": 365, "gap_median": 90}, "rent: last a year or more ago"),
        ({"recency": 20, "gap_median": 20}, "rent: 4 times in 28 days, last 20 days ago"),  # on one day only
        (OLD | {"events_all": 0, "recency": 365, "gap_median": 200}, "rent: never"),
    ],
)
def test_an_action_is_told_with_its_usual_gap(changes, text):
    assert kind(**changes) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"covered_90": 20 / 90}, "rent: 4 times in 20 days, last 3 days ago"),
        ({"covered_90": 28 / 90}, "rent: 4 times in 28 days, last 3 days ago"),
        ({"covered_90": 40 / 90}, "rent: 4 times in 28 days, last 3 days ago"),
        ({"covered_90": 40 / 90, "events_28": 0, "recency": 30}, "rent: 9 times in 40 days, last 30 days ago"),
        (OLD | {"events_all": 0, "covered_90": 89 / 90}, "rent: nothing in 89 days, as long as it is recorded"),
        (OLD | {"events_all": 0, "covered_90": 1 / 90}, "rent: nothing in 1 day, as long as it is recorded"),
        # known late: the events lie before the day on which the log of the type starts
        ({"covered_90": 1 / 90, "days_90": 5, "recency": 2}, "rent: 4 times in 5 days, last 2 days ago"),
        ({"covered_90": 1 / 90, "days_90": 5, "recency": 17}, "rent: 4 times in 17 days, last 17 days ago"),
    ],
)
def test_a_window_that_the_log_does_not_cover_is_not_claimed(changes, text):
    assert kind(**changes) == text


@pytest.mark.parametrize(
    ("group", "changes", "text"),
    [
        ("activity", {}, "activity: on 6 of 28 days, last 3 days ago"),
        ("activity", {"days_28": 1, "recency": 28}, "activity: on 1 of 28 days, last 28 days ago"),
        ("activity", {"days_28": 0, "recency": 41}, "activity: nothing for 41 days"),
        ("activity", {"days_28": 0, "recency": 365}, "activity: nothing for a year or more"),
        ("activity", {"log_age": 20, "tenure": 15}, "activity: on 6 of 20 days, last 3 days ago"),
        ("activity", {"log_age": 20, "tenure": 25}, "activity: on 6 of 25 days, last 3 days ago"),  # early odd events
        ("value", {}, "value: 123.5 in 28 days, 4,567 in 90"),
        ("value", {"value_28": -50, "value_90": 0.125}, "value: -50 in 28 days, 0.125 in 90"),
        ("value", {"value_28": 5, "value_90": 5, "log_age": 20, "tenure": 9}, "value: 5 in 20 days"),
        ("value", {"log_age": 50, "tenure": 9}, "value: 123.5 in 28 days, 4,567 in 50"),
        ("different items", {}, "different items: 12 in 28 days, 30 in 90"),
        ("rhythm", {}, "rhythm: every 5.2 days on average, last 3 days ago"),
        ("rhythm", {"days_all": 1, "gap_mean": 210}, "rhythm: active on one day only"),
        ("rhythm", {"days_all": 2, "gap_mean": 1}, "rhythm: every 1.0 days on average, last 3 days ago"),
        ("trend of events", {}, "trend of events: 3 in 7 days, 20 in 28, 60 in 90"),
        ("trend of events", {"log_age": 10, "tenure": 9}, "trend of events: 3 in 7 days, 60 in 10"),
        ("trend of events", {"log_age": 1, "tenure": 1}, "trend of events: 60 in 1 day"),
        ("history", {}, "history: first seen 210 days ago, active on 45 days since"),
        ("history", {"tenure": 1, "days_all": 1}, "history: first seen 1 day ago, active on 1 day since"),
        ("weekends", {}, "weekends: 62% of active days"),
        ("distance", {"distance": 2.5}, "distance: 2.5"),  # a column that no aspect knows
    ],
)
def test_an_aspect_is_told_by_its_own_figures(group, changes, text):
    assert said(group, **(USER | changes)) == text


def test_every_aspect_can_be_told():
    assert set(DESCRIBED) == set(ASPECTS)


def test_the_columns_are_those_that_features_have():
    made = features(row("ana", ago(3), "rent"), row("ana", ago(40), "view"))["ana"]
    assert said("rent__", **made) == "rent: once in 3 days, last 3 days ago"
    for aspect in ASPECTS:
        assert "no figures" not in said(aspect, **made)


@pytest.mark.parametrize("gone", ["rent__recency", "rent__covered_90"])
def test_what_the_table_does_not_know_has_no_figures(gone):
    figures = {f"rent__{name}": value for name, value in KIND.items() if f"rent__{name}" != gone}
    assert said("rent__", **figures) == "rent: no figures"
    assert said("rent__", **figures, **{gone: None}) == "rent: no figures"  # another cutoff knows it
    assert said("distance") == "distance: no figures"


def test_each_row_has_its_own_figures():
    rows = pd.DataFrame({"distance": [1.0, None, 2000.4]}, index=[7, 7, 3])
    assert describe_group("distance", rows, {}) == ["distance: 1", "distance: no figures", "distance: 2000"]
    assert describe_group("distance", rows.iloc[:0], {}) == []


@pytest.mark.parametrize(
    ("group", "name", "spoken"),
    [
        ("it_s_odd_1a2b3c__", "It's odd", "It's odd"),
        ("a_b_1a2b3c__", "a; b\n c", "a, b c"),  # "; " parts two reasons, a line break two users
        ("x__", "x" * 40, "x" * 40),
        ("x__", "x" * 41, "x" * 37 + "..."),
        ("rent__", None, "rent"),
        ("a___", None, "a_"),  # a type whose name ends in an underscore
        ("other__", None, "other events"),
        ("other_d0941e__", "other", "other"),  # a type of that name
    ],
)
def test_an_event_type_is_called_by_its_name(group, name, spoken):
    assert format_type_name(group, {} if name is None else {group: name}) == spoken
