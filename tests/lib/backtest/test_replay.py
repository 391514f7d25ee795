"""The replay of past runs: what each policy does, and that no run sees more than was known on its day."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from lib.backtest import hindsight, ratios, replay
from lib.backtest.replay import EVERY, GATE, NEVER, ORACLE, SharedTables
from lib.config.question import Question
from lib.errors import ModelError, NotEnoughHistory
from lib.registry.memory import MemoryRegistry
from lib.training import challenger, space
from tests.builders.runs import QUICK, WIDGETS, World, activity, as_told, log, row

DAYS = tuple(date(2024, 4, 5) + timedelta(days=7 * week) for week in range(4))
UNTIL = date(2024, 5, 3)  # the last horizon's end
QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
DRIFT = 85  # day of the log, 26 March: the labels of the second run have seen all of it


class Replay:
    """One policy's runs in memory, one after the other."""

    def __init__(self, past, policy, days=DAYS, make=challenger.make_challenger):
        self.policy, self.registry, self.own, self.runs = policy, MemoryRegistry(), {}, []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(space, "STARTS", QUICK)
            for day in days:
                tables = past.tables(day, self.own)
                self.runs.append(replay.replay(policy, day, WIDGETS, tables, self.registry, as_told, make))
                self.own = replay.policy_tables(tables)
        self.tables = replay.tables_in_hindsight({**self.own, "features": past.features}, past.activity)

    def scored(self, days=DAYS):
        return hindsight.read_scored(self.tables, QUESTION, days, UNTIL)

    def of(self, name):
        return [getattr(run, name) for run in self.runs]


@pytest.fixture(scope="module")
def past():
    """Four weeks in which behaviour changes."""
    return SharedTables.extract(log(drift=DRIFT), DAYS, WIDGETS, as_told)


@pytest.fixture(scope="module")
def replays(past):
    """All policies that run on them."""
    return {policy: Replay(past, policy) for policy in replay.RUN_BY_RUN}


def test_never_trains_once_and_keeps_to_that_whatever_the_verdict(replays):
    never = replays[NEVER]
    assert never.of("retrained") == [True, False, False, False]
    assert never.of("version") == ["1"] * 4
    assert "bad" in never.of("answer")


def test_every_run_of_every_is_a_first_one(replays):
    every = replays[EVERY]
    assert every.of("answer") == ["cannot_tell"] * 4
    assert every.of("reasons") == ["No model is registered for this question yet."] * 4
    assert every.of("retrained") == [True] * 4
    assert every.of("version") == ["1", "2", "3", "4"]


def test_the_gate_does_what_the_job_does(replays, past):
    job = World(log(drift=DRIFT))
    for day in DAYS:
        job.run(day, run_id=f"gate-{day}")
    gate = replays[GATE]
    assert True in gate.of("retrained")[1:]
    assert gate.of("retrained").count(False) > 0
    for name in ("predictions", "decisions", "model_checks", "audience"):
        sql = f"SELECT * FROM {{{name}}}"
        assert_frame_equal(gate.tables.query(sql), job.tables.query(sql))


def test_a_run_tells_what_its_pair_had_promised(replays):
    for replayed in replays.values():
        for run in replayed.runs:
            pair = replayed.registry.load(QUESTION, run.version)
            assert {name: metric.value for name, metric in run.promised.items()} == pair.metrics
            assert (run.promised["auc"].low, run.promised["auc"].high) == pair.notes.intervals["auc"]


def test_the_oracle_takes_the_best_pair_that_there_was(replays):
    every = replays[EVERY]
    happened = every.scored()
    runs, scored = hindsight.choose_in_hindsight(every.runs, every.tables, every.registry, QUESTION, happened)
    assert [(run.policy, run.as_of) for run in runs] == [(ORACLE, day) for day in DAYS]
    for number, run in enumerate(runs):
        cohort = every.tables.query(f"SELECT * FROM {{features}} WHERE cutoff = DATE '{run.as_of}' AND recency <= 28")
        acted = happened[happened["cutoff"] == run.as_of].set_index("user_id")["acted"].reindex(cohort["user_id"])
        losses = {}
        for version in every.of("version")[: number + 1]:
            p = every.registry.load(QUESTION, version).score(cohort)
            losses[version] = -np.mean(np.where(acted == 1, np.log(p), np.log1p(-p)))
        assert run.version == min(losses, key=losses.get)
        rows = scored[scored["cutoff"] == run.as_of]
        assert ratios.mean_log_loss(rows) == pytest.approx(losses[run.version], abs=1e-9)
    assert runs[0].promoted
    assert [run.promoted for run in runs[1:]] == [a.version != b.version for a, b in pairwise(runs)]


def test_the_oracle_refuses_scores_of_other_users(replays):
    every = replays[EVERY]
    happened = every.scored().iloc[1:]
    with pytest.raises(ModelError, match="The scores at 2024-04-05 are not those of its cohort"):
        hindsight.choose_in_hindsight(every.runs, every.tables, every.registry, QUESTION, happened)


def test_what_became_known_on_a_run_s_day_or_later_changes_nothing_of_it(replays):
    day = DAYS[1]
    users = [f"u{n}" for n in range(250)]
    planted = [row(user, day - timedelta(days=back), kind, count=9, known=known)
               for user in users for back, kind in ((3, "buy"), (20, "view"), (1, "new"))
               for known in (day, day + timedelta(days=40))]  # fmt: skip
    more = pa.concat_tables([log(drift=DRIFT), activity(*planted)])
    again = Replay(SharedTables.extract(more, DAYS, WIDGETS, as_told), GATE, DAYS[:2])
    assert again.runs == replays[GATE].runs[:2]
    assert_frame_equal(again.scored(DAYS[:1])[["user_id", "propensity"]],
                       replays[GATE].scored(DAYS[:1])[["user_id", "propensity"]])  # fmt: skip
    assert again.tables.query("SELECT * FROM {model_checks}").equals(
        replays[GATE].tables.query(f"SELECT * FROM {{model_checks}} WHERE as_of <= DATE '{day}'")
    )


def test_a_run_finds_the_features_as_they_were():
    """A type that begins later has no column yet: even an empty one would take part in the draws of a search."""
    late = activity(*(row(f"u{n}", DAYS[2], "new") for n in range(250)))
    more = pa.concat_tables([log(), late])
    past = SharedTables.extract(more, DAYS, WIDGETS, as_told)
    assert [name for name in past.features.column_names if name.startswith("new__")]
    job = World(more)
    for day in DAYS:
        job.extract(day)
        found, then = past.tables(day, {}), job.tables
        assert found.query("SELECT * FROM {features} ORDER BY cutoff, user_id").equals(
            then.query("SELECT * FROM {features} ORDER BY cutoff, user_id")
        )
        assert found.properties("features") == then.properties("features") != {}
        assert found.query("SELECT MAX(known_day) AS day FROM {daily_activity}")["day"][0] < day


def test_a_first_day_that_is_too_early_is_refused():
    with pytest.raises(NotEnoughHistory, match="the log starts on 2024-01-01 and as_of is 2024-01-20"):
        SharedTables.extract(log(), [date(2024, 1, 20)], WIDGETS, as_told)


def test_a_run_that_an_operator_would_have_to_mend_ends_and_the_next_goes_on():
    """Nobody buys but in the newest week before the second run: the first one has one class only."""
    rng = np.random.default_rng(0)
    users, start = [f"u{n}" for n in range(200)], date(2024, 1, 1)
    views = [row(user, start + timedelta(days=int(d))) for user in users for d in rng.integers(0, 95, 9)]
    buys = [row(user, start + timedelta(days=d), "buy") for user in users for d in (31, 91, 92)]
    past = SharedTables.extract(activity(*views, *buys), DAYS[:1], WIDGETS, as_told)
    (run,) = Replay(past, GATE, DAYS[:1]).runs
    assert (run.answer, run.retrained, run.promoted, run.version) == ("cannot_tell", True, False, "")
    assert "with one class only nothing can be learnt or judged" in run.stopped
    assert run.promised == {}


def test_scores_of_matured_cutoffs_stand_beside_what_happened(replays):
    scored = replays[NEVER].scored()
    bought = {
        (one["user_id"], day)
        for one in log(drift=DRIFT).filter(pa.compute.field("event_type") == "buy").to_pylist()
        for day in DAYS
        if day <= one["day"] < day + timedelta(days=7)
    }
    assert set(scored["cutoff"]) == set(DAYS)
    keys = zip(scored["user_id"], scored["cutoff"], strict=True)
    assert list(scored["acted"]) == [int(key in bought) for key in keys]
    assert 0 < scored["acted"].mean() < 1


def test_what_is_realised_is_what_the_ledger_has(replays):
    gate = replays[GATE]
    told = gate.tables.query("SELECT * FROM {outcomes} WHERE part = 'all'").set_index(["cutoff", "metric"])
    assert set(told.index.get_level_values("cutoff")) == set(DAYS[:-1])  # the last one had matured by no run's day
    scored = gate.scored()
    for day in DAYS[:-1]:
        found = ratios.list_quality(scored[scored["cutoff"] == day], 0)
        for name in ratios.SHOWN:
            row = told.loc[(day, name)]
            assert [found[name].value, found[name].low, found[name].high] == pytest.approx(
                [row["measured"], row["low"], row["high"]], abs=1e-12
            )
        row = told.loc[(day, "auc")]
        assert (found["expected"].value, found["observed"].value) == pytest.approx((row["expected"], row["observed"]))


def test_an_action_of_ones_own_is_replayed_as_any_other():
    texts = WIDGETS | {"action": "big", "actions": "big=buy WHERE value >= 25"}
    question = Question.of(texts)
    rows = log().to_pandas()
    big = rows[(rows["event_type"] == "buy") & (rows["value"] >= 25)]
    named = pa.Table.from_pandas(
        big.assign(event_type=question.kinds[0], items=None), log().schema, preserve_index=False
    )
    both = pa.concat_tables([log(), named]).replace_schema_metadata({replay.NAMED: question.kinds[0].encode()})
    past = SharedTables.extract(both, DAYS[:1], texts, as_told)
    tables, registry = past.tables(DAYS[0], {}), MemoryRegistry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "STARTS", QUICK)
        run = replay.replay(GATE, DAYS[0], texts, tables, registry, as_told)
    assert (run.stopped, run.promoted) == ("", True)
    afterwards = replay.tables_in_hindsight(replay.policy_tables(tables), past.activity)
    scored = hindsight.read_scored(afterwards, question, DAYS[:1], UNTIL)
    bought = big[(big["day"] >= DAYS[0]) & (big["day"] < DAYS[0] + timedelta(days=7))]["user_id"]
    assert set(scored[scored["acted"] == 1]["user_id"]) == set(bought) & set(scored["user_id"])
    assert 0 < scored["acted"].mean() < 1


def test_without_scores_there_is_nothing_to_judge(past):
    assert hindsight.read_scored(replay.tables_in_hindsight({}, past.activity), QUESTION, DAYS, UNTIL).empty


def frame(propensities, acted, cutoff=DAYS[0], users="abcdefgh"):
    return pd.DataFrame({"user_id": list(users)[: len(acted)], "cutoff": cutoff, "propensity": propensities,
                         "acted": acted})  # fmt: skip


class TestComparison:
    """Ways of scoring, held against what happened."""

    def test_quality_is_measured_with_intervals(self):
        found = ratios.list_quality(frame([0.9, 0.6, 0.4, 0.1], [1, 1, 0, 0]), 0)
        assert found["log_loss"].value == pytest.approx(-(np.log(0.9) + np.log(0.6)) / 2)
        assert (found["auc"].value, found["expected"].value, found["observed"].value) == (1, 2, 2)
        assert found["observed"].low < 2 < found["observed"].high
        assert (found["ratio"].value, found["expected"].low, found["expected"].high) == (1, 2, 2)

    def test_with_one_class_there_is_no_auc(self):
        assert sorted(ratios.list_quality(frame([0.2, 0.1], [0, 0]), 0)) == ["expected", "log_loss", "observed"]

    def test_cutoffs_count_alike_and_draws_are_paired(self):
        few = frame([0.5, 0.5], [1, 0])
        many = frame([0.8] * 8, [1] * 8, DAYS[1])
        base = pd.concat([few, many])
        means = [np.log(2), -np.log(0.8)]
        assert ratios.mean_log_loss(base) == pytest.approx(np.mean(means))
        worse = base.assign(propensity=np.where(base["cutoff"] == DAYS[1], 0.5, 0.5))
        found = ratios.log_loss_ratios({"base": base, "same": base.iloc[::-1], "worse": worse}, "base", 0)
        assert (found["base"].low, found["base"].value, found["base"].high) == (1, 1, 1)
        assert (found["same"].low, found["same"].high) == (1, 1)  # whatever the order of rows
        assert found["worse"].value == pytest.approx(np.log(2) / np.mean(means))

    def test_other_users_cannot_be_compared(self):
        with pytest.raises(ValueError, match="b and a have not scored the same users at the same cutoffs"):
            ratios.log_loss_ratios({"a": frame([0.5], [1]), "b": frame([0.5], [1], users="z")}, "a", 0)
