"""How features are computed, noted with their table: an action that is asked about keeps its own columns, always."""

from datetime import timedelta

import pytest

from lib.config.stages import ExtractConfig
from lib.errors import NotEnoughHistory
from lib.features import extraction
from lib.features.build import build_features
from lib.features.cache import Definition, read_definition
from lib.features.vocabulary import choose_vocabulary
from lib.tables.memory import MemoryTables
from tests.builders.runs import AS_OF, World, activity, ago, asked, first_seen, log, row

WEEK = timedelta(days=7)
FEW = {"max_event_types": 1}  # of view, buy and share: views have the most users


def columns(world, kind):
    """The cutoffs at which an event type has columns of its own."""
    if f"{kind}__covered_90" not in world.tables.stored["features"].column_names:
        return []
    sql = f"SELECT DISTINCT cutoff FROM {{features}} WHERE {kind}__covered_90 > 0 ORDER BY cutoff"
    return world.tables.query(sql)["cutoff"].tolist()


def cutoffs(world):
    return world.tables.query("SELECT DISTINCT cutoff FROM {features} ORDER BY cutoff")["cutoff"].tolist()


@pytest.fixture(scope="module")
def asked_for_buys():
    world = World(log())
    world.extract(AS_OF, **FEW)
    return world


@pytest.fixture
def home(asked_for_buys):
    return asked_for_buys.copy()


def test_pinned_types_stay_out_of_the_pool_and_take_nobodys_place():
    seen = {kind: [(ago(9), users)] for kind, users in (("a", 9), ("b", 8), ("c", 2), ("d", 1))}
    plain, pinned = (choose_vocabulary(seen, ago(0), 2, pins) for pins in ((), ("d", "a", "unknown")))
    assert (plain.types, plain.pooled) == (("a", "b"), ("c", "d"))
    assert (pinned.types, pinned.pooled) == (("a", "b", "d"), ("c",))
    assert pinned.prefixes == ("a", "b", "d", "other")
    assert choose_vocabulary(seen, ago(9), 2, ("d",)).types == ()  # not known yet


def test_a_pool_that_pins_have_emptied_keeps_its_columns_as_of_types_that_nobody_did():
    rows = [row(user, ago(9), "view") for user in ("ana", "bo")] + [row("ana", ago(3), "rare", count=5)]
    table = activity(*rows)
    (ana, bo) = build_features(table, {ago(0): choose_vocabulary(first_seen(table), ago(0), 1, ("rare",))}).to_pylist()
    assert (ana["rare__events_7"], ana["rare__recency"]) == (5, 3)
    assert (ana["other__events_7"], ana["other__recency"]) == (bo["other__events_7"], bo["other__recency"]) == (0, 365)
    assert ana["events_7"] == 5
    whole = build_features(table, {ago(0): choose_vocabulary(first_seen(table), ago(0), 2)})
    assert "other__recency" not in whole.column_names


def test_an_action_that_few_do_has_columns_of_its_own(asked_for_buys):
    assert columns(asked_for_buys, "buy") == columns(asked_for_buys, "view") == cutoffs(asked_for_buys)
    assert columns(asked_for_buys, "share") == []
    assert columns(asked_for_buys, "other") == cutoffs(asked_for_buys)


def test_a_question_on_a_pooled_action_has_the_cached_cutoffs_built_again(home, asked_for_buys):
    assert home.extract(AS_OF, action="share", **FEW)[1] == len(cutoffs(asked_for_buys))
    assert columns(home, "share") == columns(home, "buy") == cutoffs(home)  # the first question keeps its own
    assert home.extract(AS_OF, action="share", **FEW)[1] == 0
    assert home.extract(AS_OF, **FEW)[1] == 0  # and the first one again costs nothing
    assert read_definition(home.tables).pinned == ("buy", "share")


def test_a_question_on_an_action_that_was_no_action_before_gives_it_the_columns_of_one(home, asked_for_buys):
    assert "view__faded_14" not in asked_for_buys.tables.query("SELECT * FROM {features}")
    assert home.extract(AS_OF, action="view", **FEW)[1] == len(cutoffs(asked_for_buys))
    assert read_definition(home.tables).pinned == ("buy", "view")
    assert {"view__faded_14", "buy__faded_14"} <= set(home.tables.query("SELECT * FROM {features}"))
    assert home.extract(AS_OF, **FEW)[1] == 0


def test_a_week_later_an_action_of_another_question_is_still_pinned(home):
    home.extract(AS_OF, action="share", **FEW)
    assert home.extract(AS_OF + WEEK, **FEW)[1] == 1
    assert columns(home, "share") == cutoffs(home)


def test_cutoffs_after_as_of_are_built_again_for_a_new_action(home):
    home.extract(AS_OF + WEEK, **FEW)
    before = cutoffs(home)
    home.extract(AS_OF, action="view", **FEW)
    assert [day for day in before if day not in cutoffs(home)] == [AS_OF + WEEK]


def test_with_another_number_of_types_all_is_built_again_and_the_pins_stay(home):
    home.extract(AS_OF, action="share", **FEW)
    assert home.extract(AS_OF, max_event_types=2)[1] == len(cutoffs(home))
    assert read_definition(home.tables) == Definition(read_definition(home.tables).version, 2, ("buy", "share"))


def test_a_kill_while_a_new_action_is_built_leaves_nothing_that_is_not_noted(home, asked_for_buys, monkeypatch):
    """The next run may be the other question's: then a cutoff that it finds must mean what the note says."""

    def killed(self, name, rows, where):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MemoryTables, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            home.extract(AS_OF, action="share", **FEW)
    assert read_definition(home.tables).pinned == ("buy", "share")
    assert cutoffs(home) == []
    assert home.extract(AS_OF, **FEW)[1] == len(cutoffs(asked_for_buys))
    assert columns(home, "share") == cutoffs(home)


def test_two_questions_on_rare_actions_run_side_by_side_with_two_types():
    """Whole runs: each model reads the columns of its own action, and the first one's list stays as it was."""
    table = log()
    rare = [
        row(f"u{n}", AS_OF - timedelta(days=back), "rare")
        for n in range(0, 250, 10)
        for back in range(1 + n % 7, 115, 9)
    ]  # a tenth of the users, every nine days
    world = World(activity(*table.to_pylist(), *rare))
    few = {"max_event_types": 2, "cohort_days": 60, "min_positives": 2}
    world.run(AS_OF, **few)
    first = world.copy()
    assert columns(world, "rare") == []
    world.run(AS_OF, action="rare", horizon_days=14, run_id="run-2", **few)
    assert columns(world, "rare") == cutoffs(world)
    assert "rare__recency" in world.registry.pairs["rare_14d_cohort60d", "1"].columns
    assert first.differs(world, ["audience", "predictions"], "question = 'buy_7d_cohort60d'") == []
    verdict = world.run(AS_OF + WEEK, run_id="run-3", **few).verdict
    assert verdict.answer == "good", verdict.reasons


@pytest.mark.parametrize("changes", [FEW | {"action": "share"}, {"max_event_types": 2}], ids=["pinned", "anew"])
def test_no_stage_works_on_what_a_kill_after_the_deletion_has_left(home, monkeypatch, changes):
    question = asked(ExtractConfig, **FEW).question
    assert extraction.read_extraction(home.tables, question, AS_OF).cutoffs.as_of == AS_OF

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "write_features", killed)
        with pytest.raises(KeyboardInterrupt):
            home.extract(AS_OF, **changes)
    assert cutoffs(home) == []
    with pytest.raises(NotEnoughHistory, match="No features have been extracted in this schema"):
        extraction.read_extraction(home.tables, question, AS_OF)
    home.extract(AS_OF, **FEW)
    assert extraction.read_extraction(home.tables, question, AS_OF).cutoffs.as_of == AS_OF
