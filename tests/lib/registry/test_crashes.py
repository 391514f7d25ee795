"""A process that dies at any call to MLflow: whatever was in use, old or new, stays whole, and orphans are named."""

import re
from contextlib import contextmanager

import pytest

from lib.errors import ModelError
from lib.evaluation.promotion import Choice
from lib.registry.versions import model_names
from lib.training import comparison
from tests.builders.runs import AS_OF, World, ago, labelled, log, registered

ROWS = labelled(ago(7), ago(14))
WRITES = ("create_", "set_", "log_", "update_", "finalize_", "delete_")


class Killed(BaseException):
    """The end of a process: nothing in it catches this."""


@contextmanager
def dying_at(nth):
    """Let the n-th call that changes MLflow's store end the process, and every one after it fail too."""
    from mlflow import MlflowClient

    calls = []

    def deadly(name, call):
        def called(*args, **more):
            calls.append(name)
            if len(calls) >= nth:
                raise Killed(name)
            return call(*args, **more)

        return called

    with pytest.MonkeyPatch.context() as patch:
        for name in filter(lambda name: name.startswith(WRITES), dir(MlflowClient)):
            patch.setattr(MlflowClient, name, deadly(name, getattr(MlflowClient, name)))
        yield calls


def test_a_kill_at_any_call_leaves_a_whole_pair_in_use_the_old_one_or_the_new_one(mlflow_registry, question):
    registry, moved, last, nth = mlflow_registry, [], "", 0
    registry.promote(question, registered(registry, question, through=14).prediction_version, ago(1))
    while last != "none":
        nth += 1
        before = registry.champion(question)
        old = registry.load(question, before)
        other = 7 if old.trained_through == str(ago(14)) else 14
        with dying_at(nth):
            try:
                made = registered(registry, question, through=other)
                registry.promote(question, made.prediction_version, ago(0))
                last = "none"
            except Killed as killed:
                last = str(killed)
        champion = registry.champion(question)
        pair = registry.load(question, champion)
        if champion == before:
            assert pair.score(ROWS.X).tolist() == old.score(ROWS.X).tolist(), last
            assert pair.trained_through == old.trained_through
        else:
            moved.append(last)
            assert pair.trained_through == str(ago(other)), last
            assert pair.score(ROWS.X).tolist() != old.score(ROWS.X).tolist()
        assert [version.in_use for version in registry.versions(question)].count(True) == 1
    assert nth > 15  # so many calls were tried
    assert moved[0] == "set_model_version_tag"  # the first call after the alias
    assert moved[-1] == "none"


def test_an_orphan_is_refused_by_name_and_listed(mlflow_registry, question):
    registry = mlflow_registry
    create = registry.client.create_model_version

    def crash(name, *rest, **more):
        if name.endswith("_prediction"):
            raise Killed
        return create(name, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.client, "create_model_version", crash)
        with pytest.raises(Killed):
            registered(registry, question)
    (orphan,) = registry.versions(question)
    assert (orphan.prediction_version, orphan.preprocessing_version, orphan.in_use) == ("", "1", False)
    transformers, predictors = model_names("app.propensity", question)
    message = (
        f"Version 1 of {predictors} is not registered: a kill left version 1 of {transformers} an orphan. "
        "Promote a whole pair."
    )
    for call in (lambda: registry.load(question, "1"), lambda: registry.promote(question, "1", ago(0))):
        with pytest.raises(ModelError, match=re.escape(message)):
            call()
    assert registry.champion(question) is None


KILLS = ["register", "decide", "promote"]


@pytest.mark.parametrize("at", [f"{when} {what}" for what in KILLS for when in ("before", "after")])
def test_a_retrain_that_is_killed_leaves_a_next_run_that_says_what_it_uses(after_first_run, at, monkeypatch):
    world, said = after_first_run.copy(), []
    world.extract(AS_OF)
    world.train(run_id="run-2")
    when, _, what = at.partition(" ")
    place, name = {"register": (world.registry, "register"), "decide": (world.tables, "replace"),
                   "promote": (world.registry, "promote")}[what]  # fmt: skip
    call = getattr(place, name)

    def deadly(*args):
        if name == "replace" and args[0] != "decisions":
            return call(*args)
        if when == "after":
            call(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, deadly)
        patch.setattr(comparison, "decide_promotion", lambda *_: Choice(True, False, "Better."))
        with pytest.raises(Killed):
            world.retrain(run_id="run-2")
    expected = "2" if at == "after promote" else "1"
    assert world.registry.aliases == {"buy_7d_cohort28d": expected}
    assert set(world.rows("audience")["prediction_version"]) == {"1"}  # the published list
    monkeypatch.setattr("tests.builders.runs.as_told", lambda text="": said.append(text))
    checked = world.run(AS_OF, run_id="run-3")
    assert checked.verdict.answer == "good"
    assert f"champion: version {expected}" in said
    assert f"scoring with preprocessing version {expected}, prediction version {expected}" in said
    assert set(world.rows("audience")["prediction_version"]) == {expected}


def test_the_decision_is_written_before_the_alias_moves(monkeypatch):
    world = World(log())
    world.extract(AS_OF)
    world.train()
    promote, seen = world.registry.promote, []

    def watched(question, version, as_of):
        seen.append(world.tables.query("SELECT prediction_version, number FROM {decisions}").to_dict("records"))
        promote(question, version, as_of)

    monkeypatch.setattr(world.registry, "promote", watched)
    world.retrain()
    assert seen == [[{"prediction_version": "1", "number": 1}]]
