"""A list that another pair scored than the last one: what both say of the same users, and what explains it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lib.config.stages import PublishConfig
from lib.errors import ModelError, NotPromoted, PublishRefused
from lib.features.remarks import MENDED, TOLD, Remark, write_remarks
from lib.stages import champion, new_pair
from lib.timeline import Window
from tests.builders.runs import AS_OF, EVIDENCE, NEXT, World, asked, log, two_lists


class Other:
    """A pair that says something else than the one it is made of."""

    def __init__(self, pair, change):
        self._pair, self._change = pair, change

    def __getattr__(self, name):
        return getattr(self._pair, name)

    def score(self, figures):
        return self._change(self._pair.score(figures))


@pytest.fixture
def world():
    return two_lists().copy()


def change_pair(monkeypatch, change):
    """Let the list of NEXT be of version 2, which is version 1 with its scores changed."""

    def load(context, version):
        pair = champion.load_champion(context, "1")
        return pair if version == "1" else Other(replace(pair, prediction_version="2"), change)

    monkeypatch.setattr(new_pair, "load_champion", load)


def scored_by_another(world, shift=0.0):
    question = asked(PublishConfig).question
    world.registry.register(question, world.registry.load(question, "1"), None, EVIDENCE)
    where = f"cutoff = DATE '{NEXT}'"
    rows = world.tables.query(f"SELECT * FROM {{predictions}} WHERE {where}")
    changed = rows.assign(prediction_version="2", preprocessing_version="2", propensity=rows["propensity"] + shift)
    world.tables.replace("predictions", changed, where)
    decided = world.tables.query("SELECT * FROM {decisions} WHERE run_id = 'run-2'")
    changed = decided.assign(prediction_version="2", preprocessing_version="2")
    world.tables.replace("decisions", changed, "run_id = 'run-2'")


REFUSED = (
    r"The new pair says otherwise of the same users than the one before: at some height the shares of users below it "
    r"differ by 0\.\d\d, at most 0\.3 is allowed, and the mean went from 0\.\d{4} to 0\.\d{4}\. No change of behaviour "
    r"explains it: "
)


def test_a_new_pair_that_says_about_the_same_is_published(world, monkeypatch):
    change_pair(monkeypatch, lambda scores: scores * 1.02)
    scored_by_another(world)
    world.publish(run_id="run-2", max_score_shift=0.3)
    assert set(world.rows("audience")["prediction_version"]) == {"2"}


@pytest.mark.parametrize("change", [lambda scores: scores / 2 + 0.5, lambda scores: scores / 20])
def test_a_new_pair_that_says_far_otherwise_is_refused_where_what_happened_has_not_moved(world, monkeypatch, change):
    change_pair(monkeypatch, change)
    scored_by_another(world)
    before = world.copy()
    why = rf"of the users in the cohorts of both \S+ and {AS_OF}, 0\.\d{{4}} \(.*\) and 0\.\d{{4}} \(.*\) acted\. Look"
    with pytest.raises(PublishRefused, match=f"{REFUSED}{why}"):
        world.publish(run_id="run-2", max_score_shift=0.3, max_rate_ratio=10)
    assert world.differs(before, ["audience", "publications"]) == []
    world.publish(run_id="run-2", max_score_shift=1, max_rate_ratio=10)


def test_a_pair_before_that_cannot_be_loaded_tells_nothing(world, monkeypatch):
    def load(context, version):
        raise ModelError("gone")

    monkeypatch.setattr(new_pair, "load_champion", load)
    scored_by_another(world, 0.0)
    world.publish(run_id="run-2", max_score_shift=0.01)


@pytest.fixture(scope="module")
def changed():
    """A home whose users buy far more from a week before AS_OF on, seen by the list of NEXT."""
    made = World(log(drift=116))
    made.run(AS_OF)
    made.extract(NEXT, run_id="run-2")
    checked = made.train(run_id="run-2")
    assert checked.verdict.answer == "bad"
    return made


def test_a_change_that_happened_is_published_without_a_hand(changed):
    world = changed.copy()
    world.retrain(run_id="run-2")
    world.predict(run_id="run-2")
    world.publish(run_id="run-2", max_score_shift=0.3)
    assert set(world.rows("audience")["prediction_version"]) == {"2"}


def test_no_change_is_learnt_from_days_that_a_check_spoke_of_nor_published(changed):
    world, day = changed.copy(), NEXT - timedelta(days=10)
    told = Remark(TOLD, "said.", Window(day, day + timedelta(days=1)), None, 100, 40, 95)
    write_remarks(world.tables, NEXT, "app.events", [told])
    mended = world.copy()
    with pytest.raises(NotPromoted, match="No model that may be used is left; the published list stays"):
        world.retrain(run_id="run-2")
    assert world.registry.pairs[asked(PublishConfig).question.slug, "2"].notes.adapts is None
    write_remarks(mended.tables, NEXT, "app.events", [replace(told, kind=MENDED)])
    again = mended.retrain(run_id="run-2")
    assert again.pair.notes.adapts == AS_OF.isoformat()
    mended.predict(run_id="run-2")
    write_remarks(mended.tables, NEXT + timedelta(days=1), "app.events", [told])
    why = f"a check of the load spoke of {day}, which the new pair learnt from or the list rests on"
    with pytest.raises(PublishRefused, match=f"{REFUSED}{why}"):
        mended.publish(run_id="run-2", max_score_shift=0.3)
