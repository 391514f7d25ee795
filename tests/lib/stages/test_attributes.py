"""The whole job with a table of users: what its models read, what is left out and said, what a user is told."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from lib.attributes.columns import Attribute, Kind
from lib.config.stages import ExtractConfig
from lib.config.words import STAYING
from lib.errors import ConfigError, ModelError, NotEnoughHistory, SourceError
from lib.features import extraction
from lib.models.notes import PairNotes
from lib.stages.segments import format_segments
from tests.builders.attributes import put_users
from tests.builders.runs import AS_OF, NEXT, World, asked, log

TIMED = (
    Attribute("country", Kind.TEXT, True),
    Attribute("age", Kind.NUMBER, True),
    Attribute("joined", Kind.DATE, True),
)
COLUMNS = ("attribute_text_country", "attribute_number_age", "attribute_known_age", "attribute_days_joined",
           "attribute_known_joined")  # fmt: skip
GIVEN = {"users": "app.members"}
PLAN = (Attribute("plan", Kind.TEXT, True),)
START = date(2023, 1, 1)


def members(rng, n=250):
    """Users u0 to u249: of u0 to u9 nothing is known."""
    countries = rng.choice(["DE", "FR", "ES"], n, p=[0.6, 0.3, 0.1])
    ages, days = rng.integers(18, 80, n).astype(float), rng.integers(0, 300, n)
    return [
        (f"u{k}", None, None, countries[k], ages[k] if k % 7 else None, START + timedelta(days=int(days[k])))
        for k in range(10, n)
    ]


@cache
def first_run():
    world = World(log())
    put_users(world.tables, members(np.random.default_rng(0)), TIMED)
    world.first = world.run(AS_OF, **GIVEN)
    return world


def pair_of(world, version="1"):
    return world.registry.pairs["buy_7d_cohort28d", version]


def test_models_read_the_attributes_and_everybody_is_scored():
    world = first_run()
    assert set(COLUMNS) <= set(pair_of(world).columns)
    audience, cohort = world.rows("audience"), world.tables.query(
        f"SELECT user_id FROM {{features}} WHERE cutoff = DATE '{AS_OF}' AND recency <= 28"
    )  # fmt: skip
    assert set(audience["user_id"]) == set(cohort["user_id"])
    assert {"u3", "u4"} & set(audience["user_id"])  # whom the table of users lacks
    assert set(world.tables.stored["features"].column_names) & set(COLUMNS) == set()  # features stay what they are


def test_a_value_that_nobody_had_then_counts_as_a_rare_one():
    pair = pair_of(first_run())
    row = first_run().tables.query(f"SELECT * FROM {{features}} WHERE cutoff = DATE '{AS_OF}' LIMIT 1")
    scores = [
        pair.score(row.assign(attribute_text_country=value))[0] for value in ("DE", "XX", "YY", None)
    ]  # fmt: skip
    assert scores[1] == scores[2]  # nobody was ever seen with either
    assert len(set(scores)) == 3


def test_reasons_tell_an_attribute_in_plain_words():
    world = first_run().copy()
    pair = pair_of(world)
    assert {"country", "age", "joined"} <= {row["name"] for row in pair.notes.importances}
    assert {"attribute age", "attribute_number_age"} & {row["name"] for row in pair.notes.importances} == set()
    world.predict(reasons=10, **GIVEN)
    told = "; ".join(world.rows("predictions")["reasons"].dropna())
    assert any(f"country: {value} (" in told for value in ("DE", "FR", "ES", "not known"))


def test_without_the_parameter_nothing_of_the_table_is_read():
    world, usual = World(log()), World(log())
    put_users(world.tables, members(np.random.default_rng(0)), TIMED)
    world.run(AS_OF)
    usual.run(AS_OF)
    assert world.differs(usual, ("features", "predictions", "audience")) == []
    assert world.tables.properties("features") == usual.tables.properties("features") != {}


def test_a_pair_that_reads_attributes_is_refused_where_there_are_none_any_more():
    world = first_run().copy()
    world.extract(NEXT)
    with pytest.raises(ModelError, match=r"^Version 1 reads attribute_number_age and 4 more columns, no longer"):
        world.predict(run_id="")
    checked = world.train()
    assert (checked.verdict.answer, checked.retrain_needed) == ("cannot_tell", True)


def test_a_table_of_other_people_is_refused():
    world = World(log())
    put_users(world.tables, [("7", None, None, "plus"), ("8", None, None, "free")], PLAN)
    with pytest.raises(
        SourceError,
        match=r"^Of the 250 users of the events, such as 'u0', the table of users has none; "
        r"it has '7'\. Name the column of the same ids: user_columns=user_id=their_column\.$",
    ):
        world.extract(AS_OF, **GIVEN)


def test_another_table_of_users_in_its_place_asks_for_another_extraction():
    world = first_run().copy()
    put_users(world.tables, [("u10", None, None, "plus")], PLAN, "app.others")
    with pytest.raises(
        NotEnoughHistory,
        match=r"^The last extraction for buy_7d_cohort28d reads the attribute country, "
        r"and the table of users is read from 'app\.others' since, where it is none or another\. Run",
    ):
        world.predict()


def test_a_home_without_attributes_can_take_them_up():
    world = World(log())
    world.run(AS_OF)
    put_users(world.tables, members(np.random.default_rng(0)), TIMED)
    checked = world.run(NEXT, run_id="run-2", **GIVEN)
    assert checked.verdict.answer == "good"  # the pair in use reads none, and holds
    assert set(COLUMNS) & set(pair_of(world).columns) == set()


UNTIMED = (Attribute("country", Kind.TEXT), Attribute("last_buy", Kind.DATE))


def world_with_a_leak():
    """The country is drawn, the day of the last purchase is that of today."""
    world, last = World(log()), {}
    for one in log().to_pylist():
        if one["event_type"] == "buy" and one["day"] < AS_OF:
            last[one["user_id"]] = max(last.get(one["user_id"], date.min), one["day"])
    rng = np.random.default_rng(0)
    rows = [(f"u{k}", None, None, str(rng.choice(["DE", "FR"])), last.get(f"u{k}")) for k in range(250)]
    put_users(world.tables, rows, UNTIMED)
    return world


def test_an_attribute_that_knows_what_happened_is_named_and_left_out():
    world = world_with_a_leak()
    checked = world.run(AS_OF, **GIVEN)
    used, left_out = checked.verdict.reasons[-2:]
    assert used == "Attributes without times may know what came later: country."
    assert left_out.startswith("Attribute last_buy seems to know what happened later. For ")
    assert left_out.endswith(" It is left out. trusted_attributes=last_buy would let it in.")
    assert used in checked.summary
    assert "attribute_text_country" in pair_of(world).columns
    assert not any("last_buy" in column for column in pair_of(world).columns)
    found = world.rows("attribute_checks").set_index("attribute")
    assert found["finding"].to_dict() == {"country": "nothing found", "last_buy": "knows what happened"}
    assert found["used"].to_dict() == {"country": True, "last_buy": False}


def test_whoever_trusts_it_may_have_it():
    world = world_with_a_leak()
    checked = world.run(AS_OF, trusted_attributes="last_buy", **GIVEN)
    assert checked.verdict.reasons[-1].endswith(" It is used, since trusted_attributes names it.")
    assert "attribute_days_last_buy" in pair_of(world).columns


def test_an_unknown_attribute_cannot_be_trusted():
    world = world_with_a_leak()
    with pytest.raises(
        ConfigError, match=r"^trusted_attributes names 'lastbuy', and the users have country, last_buy\.$"
    ):
        world.extract(AS_OF, trusted_attributes="lastbuy", **GIVEN)


@pytest.mark.parametrize(("name", "text"), [
    ("user_columns", "country=land"), ("user_options", "sep=';'"), ("trusted_attributes", "country"),
])  # fmt: skip
def test_what_is_said_of_no_table_is_refused(name, text):
    with pytest.raises(ConfigError, match=f"^{name} is {text!r} and users names no table. Name one, or leave {name}"):
        asked(ExtractConfig, **{name: text})


def test_an_extraction_notes_its_attributes_and_older_notes_have_none():
    world = first_run()
    question = asked(ExtractConfig).question
    assert extraction.read_extraction(world.tables, question, AS_OF).attributes == TIMED
    assert '"attributes"' not in extraction.Extraction("q", extraction.Cutoffs(AS_OF, (), ())).to_json()
    assert PairNotes().definition != ""


ASKED = GIVEN | {"segments": "plan"}


@cache
def two_runs():
    """A home whose lists are counted by plan: most have one, few another, and of u0 to u9 none is known."""
    world = World(log())
    rows = [(f"u{k}", None, None, "plus" if k % 9 == 0 else "free") for k in range(10, 250)]
    put_users(world.tables, rows, PLAN)
    world.run(AS_OF, **ASKED)
    world.second = world.run(NEXT, run_id="run-2", **ASKED)
    return world


def test_quality_and_level_are_measured_by_segment():
    checks = two_runs().rows("model_checks", f"as_of = DATE '{NEXT}'").set_index("metric")
    of_free = checks[checks.index.str.endswith(" of plan: free")]
    assert set(of_free.index) == {
        f"{name} of plan: free" for name in ("auc", "log_loss", "skill_over_base_rate", "ratio", "calibration")
    }
    assert not checks.index.str.contains("plus").any()  # fewer than a hundred
    assert of_free.loc["calibration of plan: free", "threshold"] == 0.25
    assert of_free.loc["ratio of plan: free", "low"] < of_free.loc["ratio of plan: free", "high"]
    assert set(checks["answer"]) == {two_runs().second.verdict.answer}


def test_who_stays_away_is_not_said_to_act():
    counted = pd.DataFrame([
        {"segment": "plan: free", "users": 120, "of_list": 0.6, "first_decile": 0.25, "expected": 30.0, "mean": 0.25},
    ])  # fmt: skip
    assert format_segments(counted, STAYING) == [
        "  plan: free: 120 users, 60.0% of the list and 25.0% of its first decile; 30.0 expected to stay away, 25.0%."
    ]


def test_outcomes_have_a_part_of_each_segment():
    world = two_runs()
    known = world.rows("outcomes", "part = 'plan: free'").set_index("metric")
    assert {"rate", "lift", "auc", "ratio"} <= set(known.index)
    free = {f"u{k}" for k in range(10, 250) if k % 9}
    scores = world.rows("predictions", f"cutoff = DATE '{AS_OF}'")
    mine = scores[scores["user_id"].isin(free)]
    assert known.loc["rate", "users"] == len(mine)
    assert known.loc["rate", "expected"] == pytest.approx(mine["propensity"].sum())


def test_the_list_is_counted_by_segment_in_summary_and_report():
    world = two_runs().copy()
    published = world.publish(run_id="run-2", **ASKED)
    listed = world.rows("audience")
    free = listed["user_id"].isin({f"u{k}" for k in range(10, 250) if k % 9})
    assert f"  plan: free: {free.sum()} users, {free.mean():.1%} of the list and " in published.summary
    assert "Segments of the list" in published.page
    assert "How the models did by segment" in published.page
    assert "The newest list whose outcome is known, by segment" in published.page
    assert "auc of plan" not in published.page
    assert "Segments of the list" not in world.publish(run_id="run-2").page


@pytest.mark.parametrize(("name", "message"), [
    ("tariff", r"^segments names 'tariff', and the users have country, age, joined\.$"),
    ("age", r"^segments names 'age', which is a number\. Make groups of it, like user_columns=group=if\(age < 30, "),
])  # fmt: skip
def test_what_can_be_no_segment_is_refused_by_the_first_task(name, message):
    world = World(log())
    put_users(world.tables, members(np.random.default_rng(0)), TIMED)
    with pytest.raises(ConfigError, match=message):
        world.extract(AS_OF, segments=name, **GIVEN)


def test_segments_without_a_table_of_users_are_refused():
    with pytest.raises(ConfigError, match=r"^segments names plan and users names no table that has them\. Name one, "):
        asked(ExtractConfig, segments="plan")
