"""The workbench gives what a run gives of the same rows, to the last digit; and refuses by name what does not fit."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lib.attributes.columns import Attribute, Kind
from lib.config.stages import RetrainConfig
from lib.errors import ConfigError, ContractBroken, ModelError, OneClass
from lib.features.extraction import read_extraction
from lib.labels.cohorts import cohort_sql
from lib.stages.champion import read_labelled
from lib.tables.contracts import NAMED_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import to_pandas
from lib.workbench.sample import Users, read_sample, read_user
from lib.workbench.workbench import Workbench
from tests.builders.attributes import put_users
from tests.builders.identity_checks import put_identities
from tests.builders.runs import AS_OF, World, as_told, asked, log

KEYS = ["cutoff", "user_id"]
ASKED = {
    "action": "buy", "horizon_days": 7, "cohort_days": 28, "max_cutoffs": 4, "min_positives": 20, "as_of": AS_OF,
}  # fmt: skip
USERS = [Attribute("plan", Kind.TEXT), Attribute("age", Kind.NUMBER)]


@pytest.fixture(scope="module")
def bench():
    return Workbench(to_pandas(log()), ASKED)


@pytest.fixture(scope="module")
def features(bench):
    return bench.features()


@pytest.fixture(scope="module")
def labels(bench, features):
    return bench.labels(features)


def stored(world):
    """What a run reads to learn from."""
    config = asked(RetrainConfig, as_of=AS_OF)
    return read_labelled(config, world.tables, read_extraction(world.tables, config.question, AS_OF).cutoffs)


def ordered(frame):
    return frame.sort_values(KEYS, ascending=[False, True], ignore_index=True)


def test_features_are_those_that_a_run_has_stored(features, after_first_run):
    rows = ordered(to_pandas(after_first_run.tables.stored["features"]))
    assert len(rows) > len(features)  # the run keeps those too who are not asked about
    rows = rows[rows["recency"] <= 28].reset_index(drop=True)
    assert_frame_equal(features, rows, check_exact=True)


def test_every_column_of_them_has_a_meaning(bench, features):
    assert list(bench.describe(features)["feature"]) == list(features)[2:]


def test_labels_are_those_that_a_run_learns_from(features, labels, after_first_run):
    rows, _ = stored(after_first_run)
    assert 0 < labels["label"].mean() < 1
    assert_frame_equal(features.merge(labels, on=["user_id", "cutoff"]), rows.frame, check_exact=True)
    assert AS_OF in set(features["cutoff"])
    assert AS_OF not in set(labels["cutoff"])


def test_a_fit_is_the_one_of_a_run_with_the_same_parameters(bench, features, labels, after_first_run):
    registry, question = after_first_run.registry, bench.config.question
    champion = registry.load(question, registry.champion(question))
    fitted = bench.fit(features, labels, champion.params, as_told)
    newest = features[features["cutoff"] == AS_OF]
    assert np.array_equal(fitted.pair.score(newest), champion.score(newest))
    assert fitted.params == champion.params
    assert fitted.metrics.set_index("metric")["measured"].to_dict() == dict(champion.metrics)
    assert fitted.importances.to_dict("records") == list(champion.notes.importances)
    assert fitted.why.startswith("First model, promoted: ")
    again = bench.fit(features.sample(frac=1, random_state=1), labels, champion.params, as_told)
    assert np.array_equal(again.pair.score(newest), champion.score(newest))  # whatever the order of rows


def test_scores_and_reasons_are_those_of_a_list(bench, features, after_first_run):
    registry, question = after_first_run.registry, bench.config.question
    champion = registry.load(question, registry.champion(question))
    listed = to_pandas(after_first_run.tables.stored["predictions"])
    newest = features[features["cutoff"] == AS_OF].set_index("user_id", drop=False)
    in_its_order = newest.loc[listed["user_id"]].reset_index(drop=True)  # of a sum's terms too the order counts
    scores = bench.score(champion, in_its_order)
    assert scores["reasons"].notna().any()
    assert len(newest) == len(scores)
    assert_frame_equal(scores, listed[list(scores)], check_exact=True)


def test_without_parameters_a_search_finds_some(features, labels, monkeypatch):
    from lib.training import space
    from tests.builders.runs import QUICK

    monkeypatch.setattr(space, "STARTS", QUICK)
    bench = Workbench(to_pandas(log()), ASKED | {"n_trials": 2})
    fitted = bench.fit(features, labels, say=as_told)
    assert fitted.params in [dict(one) for one in QUICK]


def test_attributes_stand_beside_the_features_and_are_learnt_from(after_first_run):
    tables = MemoryTables()
    rows = [(f"u{n}", None, None, "plus" if n % 3 else "free", float(n % 50)) for n in range(0, 250, 2)]
    put_users(tables, rows, USERS)
    users = Users(tables.query("SELECT * FROM {user_attributes}"), tuple(USERS))
    bench = Workbench(to_pandas(log()), ASKED, users)
    features = bench.features()
    assert list(bench.describe(features)["feature"]) == list(features)[2:]
    one = features.set_index("user_id").loc["u2"].iloc[0]
    assert one[["attribute_text_plan", "attribute_number_age", "attribute_known_age"]].tolist() == ["plus", 2.0, 1.0]
    home = World(log())
    home.tables.stored["user_attributes"] = tables.stored["user_attributes"]
    home.tables.notes |= tables.notes
    home.extract(AS_OF, users="app.members", trusted_attributes="plan,age")
    rows, _ = stored(home)
    joined = features.merge(bench.labels(features), on=["user_id", "cutoff"])
    assert_frame_equal(joined, rows.frame, check_exact=True)
    params = {"family": "logistic", "C": 0.25, "lifetime": True, "groups": "all", "history": 0, "scale": "log"}
    fitted = bench.fit(features, joined, params, as_told)
    assert "attribute_number_age" in fitted.pair.columns


@pytest.mark.parametrize("asks", [{"cohort_where": "plan = 'plus'"}, {"newcomers": "joined"}])
def test_users_may_be_asked_about_by_what_the_table_of_users_says(asks):
    """Also by what models may not read: here the day of sign-up."""
    attributes = [Attribute("plan", Kind.TEXT), Attribute("joined", Kind.DATE)]
    rows = [(f"u{n}", None, None, "plus" if n % 3 else "free", date(2024, 1, 1)) for n in range(0, 250, 2)]
    rows.append(("new", None, None, "plus", AS_OF - timedelta(days=3)))
    home = World(log())
    put_users(home.tables, rows, attributes)
    home.extract(AS_OF, users="app.members", trusted_attributes="plan,joined", **asks)
    extracted = read_extraction(home.tables, asked(RetrainConfig, users="app.members", **asks).question, AS_OF)
    extracted = replace(extracted, attributes=tuple(attributes[:1]))
    sample = read_sample(home.tables, extracted, 10_000)
    bench = Workbench(sample.activity, ASKED | asks, sample.users, sample.types)
    features = bench.features()
    sql = cohort_sql(bench.config.question, extracted.cutoffs.all, extracted.attributes)
    assert_frame_equal(features, home.tables.query(f"SELECT * FROM ({sql}) c ORDER BY cutoff DESC, user_id"))
    assert ("new" in set(features["user_id"])) == ("newcomers" in asks)
    assert not [name for name in features if "joined" in name]


def prepared(world):
    return read_extraction(world.tables, asked(RetrainConfig).question, AS_OF)


def test_a_sample_holds_whole_users_and_the_same_ones_again(after_first_run):
    tables, extracted = after_first_run.tables, prepared(after_first_run)
    everybody = read_sample(tables, extracted, 10_000)
    assert (everybody.share, everybody.users, everybody.identities) == (1.0, None, None)
    assert len(everybody.activity) == len(log())
    some = read_sample(tables, extracted, 50)
    there = set(some.activity["user_id"])
    assert 20 < len(there) < 90
    assert len(some.activity) == everybody.activity["user_id"].isin(there).sum()
    assert there == set(read_sample(tables, extracted, 50).activity["user_id"])
    assert there != set(read_sample(tables, extracted, 50, seed=1).activity["user_id"])


def test_of_a_sample_every_user_has_the_features_of_the_whole(after_first_run):
    """Event types are chosen by everybody: one that nobody of the sample has keeps its columns."""
    home = after_first_run.copy()
    home.extract(AS_OF, action="share", max_event_types="1")  # asked about too, and all else shares `other`
    home.extract(AS_OF, max_event_types="1")
    some = read_sample(home.tables, prepared(home), 40)
    bench = Workbench(some.activity, ASKED | {"max_event_types": 1}, some.users, some.types)
    features = bench.features()
    assert "share__gap_median" in features
    rows = ordered(to_pandas(home.tables.stored["features"]))
    rows = rows[(rows["recency"] <= 28) & rows["user_id"].isin(set(some.activity["user_id"]))]
    assert_frame_equal(features, rows.reset_index(drop=True)[list(features)], check_exact=True)
    alone = Workbench(some.activity, ASKED | {"max_event_types": 1})
    pair = replace(after_first_run.registry.load(bench.config.question, "1"), columns=("recency", "share__gap_median"))
    with pytest.raises(ModelError) as refused:
        alone.score(pair, alone.features())
    assert str(refused.value) == (
        "The pair reads share__gap_median, which these rows have not. Give it the features that it has learnt from; of "
        "a sample, with the types of the whole."
    )


def test_one_user_s_events_the_newest_first(after_first_run):
    rows = read_user(after_first_run.tables, "u1", date(2030, 1, 1))
    assert list(rows) == ["day", "event_type", "count", "value", "items", "known_day"]
    assert len(rows) == to_pandas(log())["user_id"].eq("u1").sum()
    assert rows["day"].is_monotonic_decreasing
    before = read_user(after_first_run.tables, "u1", AS_OF)
    assert before["day"].max() < AS_OF < rows["day"].max()
    assert read_user(after_first_run.tables, "o'neil", AS_OF).empty


def test_ids_of_one_person_are_looked_at_as_one_and_never_cut_apart(after_first_run):
    home = World(log())
    spans = {"first_day": date(2024, 1, 1), "end_day": date(9999, 12, 31)}
    spans |= {"joined_after": date(2024, 2, 1), "joined_until": date(9999, 12, 31)}
    home.tables.replace("identities", pd.DataFrame([{"user_id": "u1", "person": "u2"} | spans]), "1 = 1")
    home.extract(AS_OF)
    extracted = prepared(home)
    sample = read_sample(home.tables, extracted, 1000)
    bench = Workbench(sample.activity, ASKED, sample.users, sample.types, sample.identities)
    features = bench.features()
    assert "u1" not in set(features.loc[features["cutoff"] == AS_OF, "user_id"])
    rows, _ = stored(home)
    assert_frame_equal(features.merge(bench.labels(features), on=["user_id", "cutoff"]), rows.frame, check_exact=True)
    alone = len(read_user(after_first_run.tables, "u2", AS_OF))
    assert len(read_user(home.tables, "u2", AS_OF)) == alone + len(read_user(after_first_run.tables, "u1", AS_OF))


def test_of_a_sample_every_person_has_the_features_and_labels_of_the_whole():
    """Forty have a second id, ten of these a third, and three pairs share one that went from one to the other."""
    rng = np.random.default_rng(0)
    ids = rng.permutation([f"u{n}" for n in range(250)])
    days = [AS_OF - timedelta(days=int(n)) for n in rng.integers(-20, 90, 60)]
    spans = ((0, 40), (80, 40), (90, 100), (90, 110))  # of who is joined to whom
    sizes = (40, 10, 3, 3)
    joins = [
        (ids[one + n], ids[other + n]) for (one, other), size in zip(spans, sizes, strict=True) for n in range(size)
    ]
    known = [*days[:50], *[AS_OF - timedelta(days=70)] * 3, *[AS_OF - timedelta(days=20)] * 3]
    home = World(log())
    put_identities(home.tables, [
        {"user_id": one, "person": person, "known_time": datetime.combine(day, time()), "known_day": day}
        for (one, person), day in zip(joins, known, strict=True)
    ])  # fmt: skip
    home.extract(AS_OF)
    rows, _ = stored(home)
    whole = rows.frame.set_index(["cutoff", "user_id"]).sort_index()
    for seed, has_shared in ((0, False), (4, True)):
        some = read_sample(home.tables, prepared(home), 60, seed)
        assert 0.2 < some.share < 0.4
        there = set(some.activity["user_id"])
        assert {one in there for one, _ in joins} == {True, False}
        assert [one for one, person in joins if (one in there) != (person in there)] == []
        assert any(one in there for one in ids[90:93]) == has_shared
        bench = Workbench(some.activity, ASKED, some.users, some.types, some.identities)
        features = bench.features()
        labelled = features.merge(bench.labels(features), on=["user_id", "cutoff"]).set_index(["cutoff", "user_id"])
        mine = whole[whole.index.get_level_values("user_id").isin(there)]
        assert_frame_equal(labelled.sort_index(), mine, check_exact=True)


@pytest.mark.parametrize(("changes", "message"), [
    ({"as_of": ""}, "as_of is blank, and nothing here says what the day is. Give one, like 2024-06-03."),
    ({"horizon": 7}, "There is no parameter 'horizon'. Did you mean horizon_days?"),
    ({"horizon_days": "soon"}, "horizon_days must be a whole number >= 1, got 'soon'."),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(changes, message):
    with pytest.raises(ConfigError) as refused:
        Workbench(to_pandas(log().slice(0, 10)), ASKED | changes)
    assert str(refused.value).startswith(message)


def test_rows_that_do_not_belong_together_are_refused(bench, features, labels):
    with pytest.raises(ContractBroken) as twice:
        bench.fit(features, pd.concat([labels, labels.head(1)]), {"family": "logistic"}, as_told)
    first = labels.iloc[0]
    assert str(twice.value) == (
        f"The labels have user {first['user_id']!r} at {first['cutoff']} more than once. Leave one row of each."
    )
    with pytest.raises(ContractBroken) as without:
        bench.fit(features[features["user_id"] != first["user_id"]], labels, {"family": "logistic"}, as_told)
    assert str(without.value).endswith("labels have no features of their user and cutoff. Take the labels of these "
                                       "features: labels(features).")  # fmt: skip
    with pytest.raises(OneClass, match=r"Of \d+ users at \d+ training cutoffs, 0 did buy"):
        bench.fit(features, labels.assign(label=0), {"family": "logistic"}, as_told)


def test_an_action_of_ones_own_is_looked_at_with_its_features():
    big = {"action": "big", "actions": "big=buy WHERE value >= 25"}
    (kind,) = asked(RetrainConfig, **big).question.kinds
    rows = to_pandas(log())
    bought = rows[rows["event_type"].eq("buy") & rows["value"].ge(25)].assign(event_type=kind)
    home = World(log())
    home.tables.replace("named_activity", bought[list(NAMED_ACTIVITY)], "1 = 1")
    home.extract(AS_OF, **big)
    extracted = read_extraction(home.tables, asked(RetrainConfig, **big).question, AS_OF)
    sample = read_sample(home.tables, extracted, 1000)
    some = read_sample(home.tables, extracted, 10)
    there = set(some.activity["user_id"])
    first = some.named.groupby("event_type")["day"].min()[kind]
    assert first > bought["day"].min()  # what the sample alone would take for the first day
    few = Workbench(some.activity, ASKED | big, types=some.types, named=some.named)
    whole = home.tables.query(
        f"SELECT * FROM ({cohort_sql(few.config.question, extracted.cutoffs.all)}) c ORDER BY cutoff DESC, user_id"
    )
    assert_frame_equal(few.features(), whole[whole["user_id"].isin(there)].reset_index(drop=True), check_exact=True)
    bench = Workbench(sample.activity, ASKED | big, named=sample.named)
    features = bench.features()
    assert f"{kind}__gap_median" in features
    sql = f"{cohort_sql(bench.config.question, extracted.cutoffs.all)} ORDER BY cutoff DESC, user_id"
    assert_frame_equal(features, home.tables.query(sql), check_exact=True)
    meanings = bench.describe(features)
    assert list(meanings["feature"]) == [name for name in features if name not in ("user_id", "cutoff")]
    assert set(meanings[meanings["feature"].str.startswith(kind)]["about"]) == {"big"}
