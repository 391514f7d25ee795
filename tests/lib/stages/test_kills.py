"""A run of three questions that dies before any of its writes: what is tried again does only what is not done.

The five stages as the notebooks call them, on tables and models in memory. A killed task is tried again, as the
platform does: then all is as if nothing had happened, and no question that was done is done again.
"""

import shutil
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count, islice

import pytest
from pandas.testing import assert_frame_equal

from lib.config.question_file import Entry
from lib.config.stages import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig, TrainConfig
from lib.features.extraction import AskedTypes, read_first_seen
from lib.features.ingest import Ingested
from lib.registry.memory import MemoryRegistry
from lib.stages import dictionary, extract_features, predict, publish, retrain, train
from lib.stages.context import Context
from lib.stages.earlier_lists import CARRIED
from lib.stages.profiles import write_profiles
from lib.stages.turns import ORDER, Turns
from lib.tables.memory import MemoryTables
from lib.training import challenger, space
from tests.builders.runs import AS_OF, NEXT, QUICK, World, as_told, asked, log

CONFIGS = dict(zip(ORDER, (ExtractConfig, TrainConfig, RetrainConfig, PredictConfig, PublishConfig), strict=True))
QUESTIONS = {
    "buy": {"action": "buy"}, "share": {"action": "share", "horizon_days": 14},
    "lost": {"action": "view", "without": "true"},
}  # fmt: skip
WRITES = ((MemoryTables, ("replace", "append", "delete", "set_properties", "remake")),
          (MemoryRegistry, ("register", "promote", "record_check")))  # fmt: skip
VERSIONS = ("preprocessing_version", "prediction_version", "challenger_version")
NOTED = "append question_runs"  # the last write of a question's turn
NUMBERS = count(1)
RUNS = [(run, stage) for run in ("first", "second") for stage in ORDER if (run, stage) != ("second", "retrain")]
pytestmark = pytest.mark.xdist_group("tests/lib/stages/test_kills")  # what ran undisturbed serves all tests here


@contextmanager
def watching(see):
    """Call `see` with what each write is and is of, before it is done; what a write is made of is none by itself."""
    inside = []

    def watched(name, call):
        def called(place, *args, **more):
            if not inside:
                see(f"{name} {args[0] if isinstance(args[0], str) else args[0].slug}")
            inside.append(name)
            try:
                return call(place, *args, **more)
            finally:
                inside.pop()

        return called

    with pytest.MonkeyPatch.context() as patch:
        for kind, names in WRITES:
            for name in names:
                patch.setattr(kind, name, watched(name, getattr(kind, name)))
        yield


@cache
def _made(key):
    return {}


def make(request, say):
    """A challenger is made once for all: what it is made of is the same whenever the process dies."""
    kept = _made((request.config.question.slug, request.as_of))
    if not kept:
        kept["made"] = challenger.make_challenger(request, say)
    return kept["made"]


class Job:
    """One run of the job over three questions."""

    def __init__(self, world, as_of, run_id, folder):
        self.world, self.as_of, self.run_id, self.folder, self.done = world, as_of, run_id, folder, []

    def copy(self, **changes):
        """The same home again, with its files: what happens in it stays in it."""
        folder = self.folder.with_name(f"{next(NUMBERS)}")
        shutil.copytree(self.folder, folder)
        said = {"world": self.world.copy(), "as_of": self.as_of, "run_id": self.run_id, "folder": folder}
        return Job(**said | changes)

    def configs(self, stage):
        same = {"run_id": self.run_id, "as_of": self.as_of, "keep_lists_days": 30, "reasons": 0}
        exports = {"buy": {"export": "buy.csv", "export_top": "20"}}
        more = exports if stage == "publish" else {}
        return [asked(CONFIGS[stage], **same | texts | more.get(name, {})) for name, texts in QUESTIONS.items()]

    def turns(self, stage):
        entries = [Entry(name) for name in QUESTIONS]
        return Turns(stage, entries, self.configs(stage), self.world.tables, self.as_of, say=as_told)

    def task(self, stage, most=None):
        """One task, as its notebook does it; of the questions that are due at most so many, where that is said."""
        tables, turns = self.world.tables, self.turns(stage)
        assert list(turns.redo() if stage == "publish" else ()) == []
        seen = AskedTypes(read_first_seen(tables, self.as_of), ("buy", "share", "view"))
        read = extract_features.ReadLog(Ingested(self.as_of), seen, ())
        is_there = [lambda config: extract_features.is_prepared(config, tables, read)] * (stage == "extract_features")
        for turn in islice(turns.due(*is_there), most):
            with turn, chdir(self.folder):
                self.done.append(turn.name)
                turn.say(**self.act(stage, turn.config, read))
        if most and self.done:  # and ends there, before what comes after the last question
            return
        if stage == "extract_features":
            dictionary.write_dictionary(tables, seen.first_seen, with_attributes=False)
        if stage == "publish":
            write_profiles(turns.named(), tables)
        turns.close()

    def act(self, stage, config, read):
        if stage == "extract_features":
            extract_features.prepare(config, self.world.tables, read, as_told)
            return {}
        context = Context(config, self.world.tables, self.world.registry, as_told)
        if stage == "train":
            return {"retrain_needed": train.run(context).retrain_needed}
        if stage == "retrain":
            return {"best": retrain.run(context, make).best}
        (predict if stage == "predict" else publish).run(context)
        return {}

    def rows(self, name):
        """A table's rows in one order; of versions of models only that there is one: a kill may leave one more.

        Of earlier lists none of this run: a list that takes its own place is kept there too, and passed over by whoever
        goes back.
        """
        earlier = f" WHERE run_id <> '{self.run_id}'" if name == "earlier_lists" else ""
        frame = self.world.tables.query(f"SELECT * FROM {{{name}}}{earlier}")
        frame = frame.assign(**{each: frame[each].notna() for each in VERSIONS if each in frame})
        return frame.sort_values([each for each in frame if frame[each].dtype != float], ignore_index=True)

    def besides(self):
        """What there is beside rows: notes, models in use by what they are, verdicts recorded, files."""
        notes, registry = self.world.tables.notes, self.world.registry
        noted = {key: text for key, text in notes.items() if key != ("earlier_lists", CARRIED)}
        used = {slug: registry.pairs[slug, version].params for slug, version in registry.aliases.items()}
        files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        return noted, used, {slug for slug, _ in registry.checks}, files


@dataclass
class Task:
    """One task that ran undisturbed: its writes, whose turn it was, and the home before each of them and at the end."""

    writes: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)  # blank after the last question
    homes: list[Job] = field(default_factory=list)

    def do(self, job, stage):
        job.done = []

        def see(write):
            noted = self.writes.count(NOTED)
            self.writes.append(write)
            self.turns.append(job.done[-1] if noted < len(job.done) else "")
            self.homes.append(job.copy())

        with watching(see):
            job.task(stage)
        self.homes.append(job.copy())

    def end_of(self, name):
        """The home once a question was noted; without a name, at the end."""
        if not name:
            return self.homes[-1]
        return self.homes[1 + max(n for n, turn in enumerate(self.turns) if turn == name)]


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """All tasks of a first run, which makes models, and of a second one, which finds that they hold."""
    folder = tmp_path_factory.mktemp("homes") / "0"
    folder.mkdir()
    job, made = Job(World(log(users=80)), AS_OF, "first", folder), {}
    with pytest.MonkeyPatch.context() as patch:
        set_stage(patch)
        for run_id, as_of in (("first", AS_OF), ("second", NEXT)):
            job = job.copy(run_id=run_id, as_of=as_of)
            for stage in ORDER:
                if stage != "retrain" or job.turns("train").any("retrain_needed"):
                    made[run_id, stage] = Task()
                    made[run_id, stage].do(job, stage)
    return made


def set_stage(patch):
    patch.setattr(space, "STARTS", QUICK)
    patch.setattr(dictionary, "_comment", lambda *_: "")  # by Spark alone, and of what is written again


def test_so_many_writes_are_tried(tasks):
    assert list(tasks) == RUNS
    for task in tasks.values():
        assert task.writes.count(NOTED) == len(QUESTIONS)
    assert sum(len(task.writes) for task in tasks.values()) > 80
    of = {write.partition(" ")[2] for task in tasks.values() for write in task.writes}
    assert of >= {"features", "model_checks", "decisions", "predictions", "audience", "earlier_lists", "publications",
                  "contacts", "outcomes", "drift", "profiles", "question_runs", "feature_dictionary"}  # fmt: skip


@pytest.mark.parametrize(("run", "stage"), RUNS)
def test_a_task_that_dies_before_any_write_does_only_what_is_not_done(tasks, monkeypatch, run, stage):
    """Each state after a question is as it would have been; from there on all goes on as it did."""
    set_stage(monkeypatch)
    task = tasks[run, stage]
    for write, turn, home in zip(task.writes, task.turns, task.homes, strict=False):
        again = home.copy()
        again.task(stage, most=1)
        assert again.done == [turn] * bool(turn), write  # those before are done, and those after are not begun
        check_same(again, task.end_of(turn), f"{write} of {turn}")


def check_same(found, wanted, at):
    one, other = found.world.tables.stored, wanted.world.tables.stored
    assert one.keys() - other.keys() <= {"earlier_lists"}, at
    assert other.keys() <= one.keys(), at
    for name in other:
        if one[name] is not other[name]:  # a table that nobody has written since
            assert_frame_equal(found.rows(name), wanted.rows(name), obj=f"{name} after a kill before {at}")
    assert found.besides() == wanted.besides(), at
