"""Versions put in use by hand: what is written down, in which order, and what is refused."""

from dataclasses import replace

import pytest

from lib.config.bases import ModelConfig
from lib.errors import ModelError, NotPromoted
from lib.models.notes import PairNotes
from lib.stages import by_hand
from lib.stages.context import Context
from tests.builders.runs import AS_OF, EVIDENCE, NEXT, World, asked, log

CONFIG = asked(ModelConfig, run_id="hand-1")
BUY = CONFIG.question.slug


@pytest.fixture
def several(world):
    """A home with three versions: 1 and 2 were in use, 3 is."""
    for version in ("2", "3"):
        pair = replace(world.registry.pairs[BUY, "1"], preprocessing_version="", prediction_version="")
        world.registry.register(CONFIG.question, pair, None, EVIDENCE)
        by_hand.promote(Context(replace(CONFIG, run_id=f"hand-{version}"), world.tables, world.registry), version)
    return world


def decisions(world):
    rows = world.tables.query("SELECT * FROM {decisions} ORDER BY number")
    return [
        (r.number, r.run_id, r.kind, r.prediction_version, r.preprocessing_version, r.as_of) for r in rows.itertuples()
    ]


def rollback(world, run_id="back-1"):
    return by_hand.rollback(Context(replace(CONFIG, run_id=run_id), world.tables, world.registry))


def test_a_promotion_by_hand_is_a_decision_like_any(several):
    assert several.registry.aliases == {BUY: "3"}
    assert decisions(several) == [
        (1, "run-1", "promoted", "1", "1", AS_OF), (2, "hand-2", "promoted", "2", "2", AS_OF),
        (3, "hand-3", "promoted", "3", "3", AS_OF),
    ]  # fmt: skip
    why = several.tables.query("SELECT why FROM {decisions} WHERE number = 3")["why"].iloc[0]
    assert why == "Promoted by hand, in the place of version 2."


def test_going_back_twice_goes_two_versions_back_and_no_further(several):
    assert rollback(several).summary == (
        f"Version 2 is in use for {CONFIG.question}: rolled back by hand, from version 3."
    )
    assert rollback(several, "back-2").version == "1"
    assert several.registry.aliases == {BUY: "1"}
    assert decisions(several)[3:] == [
        (4, "back-1", "rolled_back", "2", "2", AS_OF), (5, "back-2", "rolled_back", "1", "1", AS_OF),
    ]  # fmt: skip
    message = f"Version 1 is the first that was in use for {CONFIG.question}: there is none to go back to. Promote a"
    with pytest.raises(ModelError, match=message):
        rollback(several, "back-3")


def test_the_next_list_is_that_of_the_version_gone_back_to(several):
    rollback(several)
    several.predict(run_id="run-9")
    several.publish(run_id="run-9")
    assert set(several.rows("audience")["prediction_version"]) == {"2"}
    several.run(NEXT, run_id="run-10")  # and the next run judges it like any champion
    assert set(several.tables.query("SELECT * FROM {model_checks} WHERE run_id = 'run-10'")["prediction_version"]) == {
        "2"
    }


def test_a_promotion_that_was_cut_off_is_not_gone_back_to(several, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    pair = replace(several.registry.pairs[BUY, "1"], prediction_version="")
    for _ in range(2):
        several.registry.register(CONFIG.question, pair, None, EVIDENCE)
    with monkeypatch.context() as patch:
        patch.setattr(several.registry, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            by_hand.promote(Context(replace(CONFIG, run_id="hand-4"), several.tables, several.registry), "4")
    assert decisions(several)[-1][:4] == (4, "hand-4", "promoted", "4")  # written down before the alias moves
    assert several.registry.aliases == {BUY: "3"}
    by_hand.promote(Context(replace(CONFIG, run_id="hand-5"), several.tables, several.registry), "5")
    assert [rollback(several, f"back-{n}").version for n in range(3)] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1", "Version 1 is in use already for buy within 7 days, .* Promote another one"),
        ("7", f"Version 7 of {BUY} is not registered. Promote one that is"),
    ],
)
def test_a_promotion_that_changes_nothing_or_names_no_version_is_refused(world, version, message):
    before = decisions(world)
    with pytest.raises(ModelError, match=message):
        by_hand.promote(Context(CONFIG, world.tables, world.registry), version)
    assert (decisions(world), world.registry.aliases) == (before, {BUY: "1"})


def test_a_pair_that_is_not_whole_is_not_put_in_use(several):
    several.registry.pairs[BUY, "2"] = replace(several.registry.pairs[BUY, "2"], columns=("recency",))
    before = decisions(several)
    message = r"Version 2 of .* cannot be loaded: its .* was fitted on \d+ columns and 1 are recorded; they differ in"
    with pytest.raises(ModelError, match=message):
        rollback(several)
    with pytest.raises(ModelError, match=message):
        by_hand.promote(Context(CONFIG, several.tables, several.registry), "2")
    assert (decisions(several), several.registry.aliases) == (before, {BUY: "3"})


def test_a_pair_of_another_definition_is_not_put_in_use(several):
    several.registry.pairs[BUY, "2"] = replace(several.registry.pairs[BUY, "2"], notes=PairNotes())
    before = decisions(several)
    with pytest.raises(ModelError, match=r"Version 2 has learnt from features of definition 3, and definition"):
        rollback(several)
    assert (decisions(several), several.registry.aliases) == (before, {BUY: "3"})


def test_without_any_model_in_use_there_is_nothing_to_go_back_from():
    world = World(log())
    with pytest.raises(ModelError, match=r"No model is in use for buy within 7 days, .* Run retrain, or promote a"):
        rollback(world)


@pytest.mark.parametrize(("low", "expected"), [(-0.001, True), (0.0, False), (0.1, False)])
def test_a_first_pair_that_was_not_promoted_may_be_by_hand_and_its_list_says_on_what_evidence(
    monkeypatch, low, expected
):
    from lib.evaluation.promotion import Choice
    from lib.training import comparison

    world = World(log())
    world.extract(AS_OF)
    world.train()
    monkeypatch.setattr(comparison, "decide_promotion", lambda *_: Choice(False, True, "Worse."))
    with pytest.raises(NotPromoted):
        world.retrain()
    world.registry.intervals[BUY, "1"] = {"skill_over_base_rate": (low, 0.2)}
    by_hand.promote(Context(CONFIG, world.tables, world.registry), "1")
    assert decisions(world) == [
        (1, "run-1", "rejected", None, None, AS_OF), (2, "hand-1", "promoted", "1", "1", AS_OF),
    ]  # fmt: skip
    world.predict(run_id="")
    world.publish(run_id="")
    assert set(world.rows("audience")["low_evidence"]) == {expected}
