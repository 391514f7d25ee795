"""Several questions in one run: each by itself, what failed before passed over, and a retry does what is not done."""

import re
from contextlib import contextmanager
from datetime import date

import pandas as pd
import pytest

from lib.config.question_file import Entry
from lib.config.stages import PublishConfig, TrainConfig
from lib.errors import ModelError, QuestionsFailed
from lib.stages.turns import ORDER, Turns
from lib.tables.memory import MemoryTables
from tests.builders.runs import asked

DAY = date(2024, 6, 3)
NAMES = ("buy", "read", "share")


class Killed(BaseException):
    """The process ends here."""


class Job:
    """The five stages over questions, as the notebooks go through them: what was done, in its order."""

    def __init__(self, names=NAMES):
        self.names, self.tables, self.said, self.done = names, MemoryTables(), [], []
        self.failing, self.needing = {}, set()
        self.run_id, self.as_of = "run-1", DAY

    def turns(self, stage):
        kind = PublishConfig if stage == "publish" else TrainConfig
        configs = [
            asked(kind, action=name, run_id=self.run_id, as_of=str(self.as_of), resolved_as_of="")
            for name in self.names
        ]
        return Turns(stage, [Entry(name) for name in self.names], configs, self.tables, say=self.said.append)

    def task(self, stage):
        """One task: what it hands on."""
        turns = self.turns(stage)
        for before in turns.redo() if stage == "publish" else ():
            self.task(before)
        for turn in turns.due():
            with turn:
                name = turn.config.question.action
                if error := self.failing.get((stage, name)):
                    raise error
                self.done.append((stage, name))
                headline = f"Quality: good.\nContact the first {len(name)}; wait."
                turn.say(retrain_needed=name in self.needing, summary=f"{stage} of {name}", headline=headline)
        turns.close()
        return turns

    def run(self):
        """The whole job, by its one condition."""
        self.task("extract_features")
        if self.task("train").any("retrain_needed"):
            self.task("retrain")
        self.task("predict")
        return self.task("publish")


@pytest.fixture
def job():
    return Job()


def stages(job, name):
    return [stage for stage, each in job.done if each == name]


def test_each_stage_goes_through_the_questions_and_the_condition_is_of_any(job):
    job.needing = {"read"}
    turns = job.run()
    assert stages(job, "buy") == stages(job, "share") == ["extract_features", "train", "predict", "publish"]
    assert stages(job, "read") == list(ORDER)
    assert turns.summary == "buy: publish of buy\nread: publish of read\nshare: publish of share"
    rows = job.tables.query("SELECT * FROM {question_runs} ORDER BY number")
    assert rows["number"].tolist() == list(range(1, 14))
    assert set(rows["state"]) == {"done"}
    assert set(rows["as_of"]) == {DAY}


def test_what_fails_is_passed_over_and_the_others_are_published(job):
    job.failing = {("train", "read"): ModelError("It is broken."), ("predict", "share"): ValueError("x " * 999)}
    with pytest.raises(QuestionsFailed) as failed:
        job.run()
    assert stages(job, "buy") == ["extract_features", "train", "predict", "publish"]
    assert stages(job, "read") == ["extract_features"]
    assert stages(job, "share") == ["extract_features", "train"]
    assert re.fullmatch(
        r"2 of 3 questions failed, and the others are done\. read, in train: It is broken\.; share, in predict: "
        r"ValueError: x[x ]+\.\.\. Run this task again once that is mended: it begins where each of them failed\.",
        str(failed.value),
    )
    assert "read: passed over, since it failed in train" in job.said


def test_a_retry_of_publish_begins_where_each_failed(job):
    job.needing = {"read"}
    job.failing = {("train", "read"): ModelError("It is broken."), ("publish", "share"): ModelError("No list.")}
    with pytest.raises(QuestionsFailed):
        job.run()
    job.failing.clear()
    before = len(job.done)
    turns = job.task("publish")
    assert job.done[before:] == [
        ("train", "read"), ("retrain", "read"), ("predict", "read"), ("publish", "read"), ("publish", "share"),
    ]  # fmt: skip
    assert turns.failures() == []
    assert job.task("publish").said().keys() == set(NAMES)
    assert job.done[before + 5 :] == []


def test_a_retry_that_fails_again_says_the_new_error(job):
    job.failing = {("extract_features", "buy"): ModelError("No history.")}
    with pytest.raises(QuestionsFailed, match=r"1 of 3 .* buy, in extract_features: No history"):
        job.run()
    job.failing = {("predict", "buy"): ModelError("No pair.")}
    with pytest.raises(QuestionsFailed, match=r"1 of 3 .* buy, in predict: No pair"):
        job.task("publish")
    assert stages(job, "buy") == ["extract_features", "train"]
    job.failing.clear()
    job.task("publish")
    assert stages(job, "buy") == ["extract_features", "train", "predict", "publish"]


@pytest.mark.parametrize("task", ORDER)
def test_a_task_that_is_killed_at_any_question_does_only_what_is_left(task):
    for at in NAMES:
        job = Job()
        job.needing = set(NAMES)
        job.failing = {(task, at): Killed()}
        for stage in ORDER:
            if stage != task:
                job.task(stage)
                continue
            with pytest.raises(Killed):
                job.task(stage)
            job.failing.clear()
            assert job.task(stage).any("retrain_needed")  # of what was done before the kill too
        assert sorted(job.done) == sorted((stage, name) for stage in ORDER for name in NAMES)


def test_a_kill_while_it_is_noted_leads_to_one_question_done_again(job, monkeypatch):
    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(job.tables, "append", killed)
        with pytest.raises(Killed):
            job.task("train")
    job.task("train")
    assert stages(job, "buy") == ["train", "train"]
    assert stages(job, "read") == ["train"]


def test_another_run_and_another_day_begin_anew(job):
    job.task("train")
    job.run_id = "run-2"
    job.task("train")
    job.as_of = date(2024, 6, 10)
    job.task("train")
    assert stages(job, "buy") == ["train"] * 3


def test_what_a_done_question_has_left_may_be_gone(job):
    job.task("extract_features")
    turns = job.turns("extract_features")
    assert [turn.name for turn in turns.due(lambda config: config.question.action != "read")] == ["read"]


def test_one_question_is_noted_nowhere_and_its_error_is_its_own():
    job = Job(["buy"])
    assert job.run().summary == "publish of buy"
    assert not job.tables.exists("question_runs")
    job.failing = {("train", "buy"): ModelError("It is broken.")}
    with pytest.raises(ModelError, match=r"^It is broken\.$"):
        job.task("train")
    job.failing.clear()
    job.task("train")
    assert stages(job, "buy").count("train") == 2  # a repair does it all again, as it always did
    job.task("retrain")  # whoever calls it means it
    assert stages(job, "buy")[-1] == "retrain"


def test_by_hand_nothing_is_noted_and_every_stage_says_what_failed(job):
    job.run_id = ""
    job.failing = {("train", "read"): ModelError("It is broken.")}
    with pytest.raises(QuestionsFailed, match=r"1 of 3 .* read, in train: It is broken"):
        job.task("train")
    assert stages(job, "share") == ["train"]
    assert not job.tables.exists("question_runs")


def test_a_part_of_a_run_needs_no_note_of_the_rest(job):
    job.task("predict")
    job.task("publish")
    assert job.done == [(stage, name) for stage in ("predict", "publish") for name in NAMES]


def test_notes_are_rows_of_their_contract(job):
    job.failing = {("train", "read"): ModelError("It's broken: {x}.")}
    job.task("train")
    rows = job.tables.query("SELECT name, question, error, said FROM {question_runs} ORDER BY number")
    assert rows["error"].where(pd.notna(rows["error"]), None).tolist() == [None, "It's broken: {x}.", None]
    assert rows["question"].tolist() == [f"{name}_7d_cohort28d" for name in NAMES]


def test_of_one_question_all_is_said_on_top_and_of_several_what_to_do_with_each(job):
    assert Job(["buy"]).run().headline == "Quality: good.\nContact the first 3; wait."
    assert job.run().headline.splitlines() == [
        "buy: Contact the first 3; wait.", "read: Contact the first 4; wait.", "share: Contact the first 5; wait.",
    ]  # fmt: skip


def test_small_tables_are_read_ahead_while_questions_have_their_turns_and_no_longer():
    class Watched(MemoryTables):
        ahead = False

        @contextmanager
        def reading_ahead(self):
            self.ahead = True
            yield
            self.ahead = False

    job = Job()
    job.tables = Watched()
    turns = job.turns("train")
    assert not job.tables.ahead
    for turn in turns.due():
        with turn:
            assert job.tables.ahead
    assert not job.tables.ahead
    by_hand = Job(["buy"])
    by_hand.tables = Watched()
    due = by_hand.turns("train").due()  # which a traceback would keep
    with pytest.raises(ModelError), next(due):
        raise ModelError("broken")
    assert not by_hand.tables.ahead
