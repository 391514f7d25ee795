"""What a past looks like at a cutoff: hand-made users with rows on every boundary, exact values."""

from datetime import date

import numpy as np
import pytest

from lib.features.build import build_features
from lib.features.vocabulary import (
    OTHER,
    TYPE_FEATURES,
    Vocabulary,
    choose_vocabulary,
    feature_columns,
    features_schema,
    lost_columns,
)
from lib.features.windows import first_of_run, sort_order
from lib.timeline import NEVER_DAYS
from tests.builders.runs import CUTOFF, activity, ago, features, plan, row

EDGES = [  # days before the cutoff, on both sides of every window; the counts add up to a sum that names its parts
    (91, 4000),  # a day too old for 90 days, history all the same
    (90, 1000),  # first day inside
    (29, 400),  # a day too old for 28 days
    (28, 100),  # first day inside
    (8, 40),  # a day too old for 7 days
    (7, 10),  # first day inside
    (1, 2),  # last day inside
    (0, 9_000_000),  # the cutoff itself: label, not feature
    (-1, 9_000_000),  # the future
]


def one(*rows, **given):
    """The features of the only user of some rows."""
    (found,) = features(*rows, **given).values()
    return found


def chosen(found, *names):
    return [found[name] for name in names]


def windows(what):
    return [f"{what}_{window}" for window in (7, 28, 90, "all")]


def test_every_window_reads_its_days_and_no_other():
    rows = [row("ana", ago(n), count=count, value=count / 2, items=[f"at {n}"]) for n, count in EDGES]

    ana = one(*rows)

    assert chosen(ana, *windows("events")) == [12, 152, 1552, 5552]
    assert chosen(ana, *windows("days")) == [2, 4, 6, 7]
    assert chosen(ana, *windows("value")) == [6, 76, 776, 2776]
    assert chosen(ana, *windows("items")) == [2, 4, 6, 7]
    assert chosen(ana, *(f"view__{name}" for name in TYPE_FEATURES[:-1])) == [
        12, 152, 1552, 5552,  # events
        4, 6,  # days of 28 and 90
        76,  # value of 28
        1, 1,  # recency, covered
    ]  # fmt: skip


@pytest.mark.parametrize(("days", "repeats", "alive"), [
    ((56,), 0, 1.0),  # bought once: the model has it there for sure
    # x = 1 in 56 days, the last 28 days ago: 1 / (1 + 0.793 / 2.426 * ((30.898 + 56) / (30.898 + 28)) ** 1.243)
    ((56, 28), 1, 1 / (1 + 0.793 / 2.426 * (86.898 / 58.898) ** 1.243)),
    ((56, 1), 1, 1 / (1 + 0.793 / 2.426 * (86.898 / 85.898) ** 1.243)),  # the last day inside
    ((56, 0), 0, 1.0),  # the cutoff itself is not seen
])  # fmt: skip
def test_what_a_model_of_repeat_buying_expects(days, repeats, alive):
    ana = one(*(row("ana", ago(n), "buy") for n in days))
    wanted = np.log((0.243 + repeats) / 86.898 * alive)
    assert chosen(ana, "expected", "buy__expected") == pytest.approx([wanted, wanted])


def test_a_type_never_seen_is_expected_less_the_longer_its_user_is_there():
    found = features(row("ana", ago(60)), row("bo", ago(10)), row("cy", ago(5), "buy"))
    wanted = [np.log(0.243 / (30.898 + tenure)) for tenure in (60, 10, 5)]
    assert [found[user]["buy__expected"] for user in ("ana", "bo", "cy")] == pytest.approx(wanted)


def test_a_row_counts_from_the_day_after_it_became_known():
    ana = one(
        row("ana", ago(6), known=ago(1), count=1, value=1.0, items=["on time"]),  # learnt on the last day: visible
        row("ana", ago(5), known=ago(0), count=90, value=90.0, items=["late"]),  # learnt on the cutoff: not visible
        row("ana", ago(4), known=ago(-3), count=900, value=900.0, items=["later"]),
    )
    assert chosen(ana, *windows("events"), *windows("value")) == [1] * 8
    assert chosen(ana, *windows("days"), *windows("items")) == [1] * 8
    assert chosen(ana, "recency", "tenure", "view__recency", "view__days_28") == [6, 6, 6, 1]


def test_a_day_that_became_known_in_parts_is_one_day():
    ana = one(
        row("ana", ago(3), count=1, value=1.0, items=["a"]),
        row("ana", ago(3), known=ago(2), count=10, value=10.0, items=["a", "b"]),
        row("ana", ago(3), known=ago(0), count=100, value=100.0, items=["c"]),  # this part is not known yet
        row("ana", ago(2), known=ago(0), count=100),  # of this day nothing is
    )
    assert chosen(ana, "events_7", "value_7", "days_7", "items_7", "recency") == [11, 11, 1, 2, 3]
    assert chosen(ana, "view__events_7", "view__days_28", "view__recency") == [11, 1, 3]


def test_what_is_known_before_it_happens_waits_for_its_day():
    ana = one(row("ana", ago(9), items=["a"]), row("ana", ago(0), known=ago(1), count=50, items=["b"]))
    assert chosen(ana, "events_all", "days_all", "items_all", "recency", "view__recency") == [1, 1, 1, 9, 9]


@pytest.mark.parametrize("first", [date(1969, 12, 30), date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 2)])
def test_days_around_the_beginning_of_numbered_days_are_days_like_others(first):
    ana = one(row("ana", first), cutoff=date(1970, 1, 8))
    assert chosen(ana, "recency", "tenure") == [(date(1970, 1, 8) - first).days] * 2
    assert ana["events_7"] == (first >= date(1970, 1, 1))


def test_an_item_belongs_to_the_windows_of_its_last_visible_day():
    ana = one(
        row("ana", ago(40), items=["long ago", "again"]),
        row("ana", ago(8), items=["again", "week old"]),
        row("ana", ago(7), "buy", items=["again"]),  # of another type: the same item
        row("ana", ago(6), known=ago(0), items=["long ago"]),  # seen again, not known yet
        row("ana", ago(2), items=None),  # rows that come aggregated name no items
    )
    assert chosen(ana, *windows("items")) == [1, 2, 3, 3]


def test_items_of_one_user_are_not_those_of_another():
    found = features(row("ana", ago(2), items=["a", "b"]), row("bo", ago(2), items=["b", "c", "d"]))
    assert [found[user]["items_7"] for user in ("ana", "bo")] == [2, 3]


@pytest.mark.parametrize(("days", "recency"), [(1, 1), (NEVER_DAYS - 1, 364), (NEVER_DAYS, 365), (NEVER_DAYS + 1, 365)])
def test_recency_is_capped(days, recency):
    assert chosen(one(row("ana", ago(days))), "recency", "view__recency") == [recency, recency]


def test_a_type_that_the_user_never_did_counts_as_never():
    found = features(row("ana", ago(3), "view"), row("bo", ago(5), "buy"))
    assert chosen(found["ana"], "view__recency", "buy__recency") == [3, NEVER_DAYS]
    assert chosen(found["bo"], "view__recency", "buy__recency") == [NEVER_DAYS, 5]
    assert chosen(found["ana"], "buy__events_all", "buy__days_90", "buy__value_28") == [0, 0, 0]


def test_silence_is_recency_without_an_end():
    assert chosen(one(row("ana", ago(NEVER_DAYS + 35))), "recency", "silence") == [NEVER_DAYS, NEVER_DAYS + 35]
    assert one(row("ana", ago(1)), row("ana", ago(0)))["silence"] == 1  # the cutoff itself is not seen


def test_an_action_that_is_asked_about_has_columns_besides():
    ana = one(row("ana", ago(14), "buy"), row("ana", ago(28), "buy"), row("ana", ago(3)), actions=["buy", "never"])
    assert {name.partition("__")[0] for name in ana if name.endswith("__gap_median")} == {"buy"}
    assert chosen(ana, "buy__faded_14", "buy__gap_median") == [0.5 + 0.25, 14]
    assert ana["buy__faded_60"] == np.float32(2 ** (-14 / 60) + 2 ** (-28 / 60))


@pytest.mark.parametrize(
    ("days", "usual"),
    [
        ([], 30),  # never: as long as the user is there
        ([9], 9),  # once: as long as that is ago
        ([20, 9], 11),
        ([20, 9, 7], 2),  # of two the smaller
        ([21, 20, 9, 7], 2),  # 1, 11 and 2
        ([20, 9, 7, 0], 2),  # the cutoff itself is not seen
    ],
)
def test_the_usual_gap_is_the_middle_one(days, usual):
    rows = [row("ana", ago(30)), row("bo", ago(2), "buy"), *(row("ana", ago(n), "buy") for n in days)]
    assert features(*rows, actions=["buy"])["ana"]["buy__gap_median"] == usual


SILENT = 10  # days


@pytest.mark.parametrize(
    ("gaps", "lasted", "ended"),
    [
        ([], 0, (0, 0, 0)),
        ([9], 0, (0, 0, 0)),  # a day shorter than the silence: says nothing of it
        ([10], 1, (1, 1, 1)),  # ended on the day that is next
        ([16], 1, (1, 1, 1)),  # the last day within 7
        ([17], 1, (0, 1, 1)),
        ([37], 1, (0, 1, 1)),  # the last day within 28
        ([38], 1, (0, 0, 1)),
        ([99], 1, (0, 0, 1)),  # the last day within 90
        ([100], 1, (0, 0, 0)),
        ([9, 10, 17, 200], 3, (1, 2, 2)),
    ],
)
def test_of_gaps_as_long_as_the_silence_the_share_is_told_that_ended_in_time(gaps, lasted, ended):
    days = np.cumsum([SILENT, *gaps]).tolist()
    ana = one(*(row("ana", ago(n), "buy") for n in days), actions=["buy"])
    for within, n in zip((7, 28, 90), ended, strict=True):
        prior = 1 - np.exp(-np.exp(ana["buy__expected"]) * within)
        odds = [share / (1 - share) for share in ((n + 5 * prior) / (lasted + 5), prior)]
        assert ana[f"buy__ends_within_{within}"] == pytest.approx(np.log(odds[0] / odds[1]), abs=2e-6)


@pytest.mark.parametrize(
    ("days", "tenure", "gap_mean", "gap_std", "recency"),
    [
        ([10], 10, 10, 0, 10),  # one day seen: the gap is at least that long
        ([1], 1, 1, 0, 1),
        ([10, 4], 10, 6, 0, 4),
        ([20, 10, 8], 20, 6, 4, 8),  # gaps 10 and 2
        ([20, 10, 8, 0], 20, 6, 4, 8),  # the cutoff itself is no active day
    ],
)
def test_rhythm_is_measured_between_active_days(days, tenure, gap_mean, gap_std, recency):
    kinds = ["view", "buy"] * 2  # the rhythm of a user does not ask for the type
    ana = one(*(row("ana", ago(n), kind) for n, kind in zip(days, kinds, strict=False)))
    assert chosen(ana, "tenure", "gap_mean", "gap_std", "recency") == [tenure, gap_mean, gap_std, recency]
    assert ana["overdue"] == np.float32(recency / gap_mean)


def test_rhythm_knows_only_what_was_known():
    late = [row("ana", ago(10), known=ago(0)), row("ana", ago(3), known=ago(0))]
    rows = [row("ana", ago(20)), *late, row("ana", ago(8))]
    assert chosen(one(*rows), "gap_mean", "gap_std", "recency", "tenure") == [12, 0, 8, 20]


def test_the_weekend_is_saturday_and_sunday():
    # the cutoff is a Monday: 1 = Sunday, 2 = Saturday, 3 = Friday; two rows of one Sunday are one day
    assert one(row("ana", ago(1)), row("ana", ago(3)))["weekend_share"] == 0.5
    assert one(row("ana", ago(2)), row("ana", ago(7)), row("ana", ago(8)), row("ana", ago(9)))["weekend_share"] == 0.75
    assert one(row("ana", ago(1)), row("ana", ago(1), "buy"), row("ana", ago(4)))["weekend_share"] == 0.5


def test_trends_compare_a_window_with_its_share_of_the_next():
    ana = one(row("ana", ago(7), count=3), row("ana", ago(28), count=4), row("ana", ago(90), count=20))
    assert ana["trend_7_28"] == np.float32(np.log((3 + 1) / (7 * 7 / 28 + 1)))
    assert ana["trend_28_90"] == np.float32(np.log((7 + 1) / (27 * 28 / 90 + 1)))
    assert chosen(one(row("ana", ago(91))), "trend_7_28", "trend_28_90") == [0, 0]


@pytest.mark.parametrize(
    ("start", "covered"),
    [
        (6, [6 / 7, 6 / 28, 6 / 90]),
        (7, [1, 7 / 28, 7 / 90]),
        (28, [1, 1, 28 / 90]),
        (89, [1, 1, 89 / 90]),
        (90, [1, 1, 1]),
        (91, [1, 1, 1]),
    ],
)
def test_coverage_is_the_share_of_a_window_inside_the_log(start, covered):
    ana = one(row("ana", ago(start)), row("ana", ago(1)))
    assert chosen(ana, "covered_7", "covered_28", "covered_90", "log_age") == [*np.float32(covered), start]
    assert ana["view__covered_90"] == np.float32(covered[2])


def test_each_type_has_a_log_of_its_own_and_one_odd_type_does_not_move_the_log():
    rows = [row(f"u{n}", ago(45), "view") for n in range(3)] + [row("u0", ago(200), "odd"), row("u1", ago(9), "buy")]
    found = features(*rows)["u0"]
    assert found["log_age"] == 45  # by when the types that most users know had begun
    assert chosen(found, "odd__covered_90", "view__covered_90", "buy__covered_90") == [1, 0.5, np.float32(0.1)]


def test_a_user_without_a_visible_past_has_no_row():
    found = features(row("ana", ago(1)), row("bo", ago(0)), row("cy", ago(2), known=ago(0)), row("di", ago(-4)))
    assert set(found) == {"ana"}


@pytest.mark.parametrize(
    "planned",
    [{}, {CUTOFF: Vocabulary((), (), (), CUTOFF)}, {CUTOFF: Vocabulary(("view",), (), (ago(9),), ago(9))}],
)
def test_no_activity_gives_no_rows_and_all_columns(planned):
    names = feature_columns(planned[CUTOFF]) if planned else []
    assert build_features(activity(), planned).equals(features_schema(names).empty_table())


def test_only_rows_after_the_cutoff_give_no_rows():
    table = activity(row("ana", ago(0)), row("bo", ago(-3)))
    assert build_features(table, plan(table)).num_rows == 0


@pytest.mark.parametrize("wide", [1, 2**40], ids=["packed into one key", "too wide to pack"])
def test_rows_are_sorted_by_their_keys_in_order(wide):
    rng = np.random.default_rng(0)
    keys = [rng.integers(-3, 4, 500) * wide, rng.integers(0, 5, 500) * wide, rng.integers(19_000, 19_900, 500)]
    order = sort_order(*keys)
    assert [tuple(key[n] for key in keys) for n in order] == sorted(zip(*keys, strict=True))
    assert sort_order(np.array([], np.int64)).tolist() == []


def test_a_run_begins_where_any_key_changes():
    user, day = np.array([1, 1, 1, 2, 2]), np.array([5, 5, 6, 6, 6])
    assert first_of_run(user, day).tolist() == [True, False, True, True, False]
    assert first_of_run(user[:0]).tolist() == []


@pytest.mark.parametrize(
    ("names", "pooled", "expected"),
    [
        (["recency", "buy__recency", "other__events_7"], ["view"], []),
        (["recency", "buy__recency", "view__recency"], ["buy", "view"], ["buy__recency", "view__recency"]),
        (["gone__events_7"], ["view"], []),  # a type without events: 0 is right
        (["a_b__events_7", "a_b_c2b4f2__events_7"], ["a_b"], ["a_b__events_7"]),
        (["other__events_7", "recency"], [], ["other__events_7"]),  # nothing is pooled any more
        (["events_5", "buy__events_5"], ["view"], ["events_5", "buy__events_5"]),  # features that were given up
        ([], [], []),
    ],
)
def test_columns_that_are_computed_no_longer_are_told_from_those_of_types_without_events(names, pooled, expected):
    assert lost_columns(names, pooled, pool=bool(pooled)) == expected


def test_every_column_that_is_computed_is_none_of_the_lost():
    start = (CUTOFF,) * 3
    for words in (Vocabulary(("buy", "view"), ("share",), start, CUTOFF), Vocabulary(("buy",), (), start[:1], CUTOFF)):
        assert lost_columns(feature_columns(words), words.pooled, pool=OTHER in words.prefixes) == []
    emptied = choose_vocabulary({"buy": [(ago(3), 9)], "view": [(ago(3), 5)]}, CUTOFF, 1, ["view"])  # its pool stays
    assert lost_columns(feature_columns(emptied), emptied.pooled, pool=OTHER in emptied.prefixes) == []
    odd = Vocabulary(("buy", OTHER), ("Share it",), start, CUTOFF)  # a type named like the pool
    assert lost_columns(feature_columns(odd), odd.pooled, pool=True) == []
