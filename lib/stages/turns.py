"""One stage's way through the questions of a run, each by itself.

    turns = Turns("train", entries, configs, tables)
    for turn in turns.due():
        with turn:
            ...
            turn.say(retrain_needed=True)
    turns.close()

Where a run asks several questions, one that fails holds up no other: what became of each is noted in `question_runs`,
and a task that is tried again does only what is not done. Of one nothing is noted, and what fails is raised.
"""

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Any, Generic, TypeVar

import pandas as pd

from lib.config.bases import StageConfig
from lib.config.catalogue import STAGES
from lib.config.question_file import Entry
from lib.errors import PropensityError, QuestionsFailed, shorten_reason
from lib.progress import Say
from lib.tables.protocol import Tables
from lib.tables.several import QUESTION_RUNS

ConfigT = TypeVar("ConfigT", bound=StageConfig)
ORDER = tuple(STAGES)
_ASKS, _NEEDS, _OPTIONAL = "train", "retrain_needed", "retrain"  # the stage that is for those that another one names


@dataclass(frozen=True)
class Note:
    """What became of a question in a stage."""

    error: str | None = None
    said: dict[str, Any] = field(default_factory=dict)


class Turn(Generic[ConfigT]):
    """One question's turn in a stage: what fails within it is noted, and where several are asked goes no further."""

    def __init__(self, turns: "Turns[ConfigT]", config: ConfigT, name: str) -> None:
        self.config, self.name = config, name
        self._turns = turns
        self._said: dict[str, Any] = {}

    def say(self, **values: Any) -> None:
        """What the stage has to say of the question, for later stages and readers: values that JSON can hold."""
        self._said |= values

    def __enter__(self) -> "Turn[ConfigT]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            self._turns.note(self.config, Note(said=self._said))
            return False
        if not isinstance(error, Exception) or not self._turns.several:
            self._turns.stop()
            return False
        reason = str(error)
        if not isinstance(error, PropensityError):  # whose message is whole; what else is raised may be endless
            traceback.print_exception(kind, error, trace)
            reason = shorten_reason(f"{type(error).__name__}: {error}")
        self._turns.note(self.config, Note(reason))
        return True


class Turns(Generic[ConfigT]):
    """The questions of a run in one stage."""

    def __init__(
        self, stage: str, entries: Sequence[Entry], configs: Sequence[ConfigT], tables: Tables,
        as_of: date | None = None, say: Say = print,
    ) -> None:  # fmt: skip
        self.stage, self.configs, self.tables = stage, tuple(configs), tables
        self.several = len(configs) > 1
        self.as_of, self.tell = as_of or configs[0].as_of, say
        self._names = {
            config.question.slug: entry.name or config.question.slug
            for entry, config in zip(entries, configs, strict=True)
        }
        self._run_id = configs[0].run_id if self.several else ""  # blank: nothing is noted, as by hand
        self._notes: dict[tuple[str, str], Note] = {}  # by question and stage
        self._number = 0
        self._ahead = ExitStack()  # while questions have their turns
        self._read()

    def due(self, is_there: Callable[[ConfigT], bool] = lambda _: True) -> Iterator[Turn[ConfigT]]:
        """Those that are not done yet and did not fail before; `retrain` is due where `train` asked for it.

        `is_there` says whether what a done turn has left is still there.
        """
        self._ahead.enter_context(self.tables.reading_ahead())
        for config in self.configs:
            slug = config.question.slug
            name, failed = self._names[slug], self._failed_before(slug)
            if failed:
                self.tell(f"{name}: passed over, since it failed in {failed}")
            elif self.is_done(slug) and is_there(config):
                self.tell(f"{name}: done before")
            elif self.stage != _OPTIONAL or self._is_needed(slug):
                if self.several:
                    self.tell(f"--- {name}: {config.question}")
                yield Turn(self, config, name)
        self.stop()

    def stop(self) -> None:
        """No question has its turn any more: others may write from here on."""
        self._ahead.close()

    def named(self) -> dict[str, ConfigT]:
        """All questions, by name."""
        return {self._names[config.question.slug]: config for config in self.configs}

    def is_done(self, slug: str, stage: str = "") -> bool:
        """Whether a question has come through a stage of this run, this one unless another is named."""
        note = self._notes.get((slug, stage or self.stage))
        return note is not None and note.error is None

    def any(self, key: str) -> bool:
        """Whether what was said by this name in this stage is true of any question."""
        return any(bool(said.get(key)) for said in self.said().values())

    def said(self, stage: str = "") -> dict[str, dict[str, Any]]:
        """What a stage said of each question that came through it, by name; this one unless another is named."""
        notes = {name: self._notes.get((slug, stage or self.stage)) for slug, name in self._names.items()}
        return {name: note.said for name, note in notes.items() if note is not None and note.error is None}

    @property
    def summary(self) -> str:
        """What the stage said in words: of several questions the first line of each, after its name."""
        texts = {name: str(said.get("summary", "")) for name, said in self.said().items()}
        if not self.several:
            return "".join(texts.values())
        failed = [f"{name}: failed in {stage}. {error}" for name, stage, error in self.failures()]
        return "\n".join([*(f"{name}: {_headline(text)}" for name, text in texts.items()), *failed])

    @property
    def headline(self) -> str:
        """What to do, as `publish` says it line by line: of several questions the one line of each to act on."""
        texts = {name: str(said.get("headline", "")) for name, said in self.said().items()}
        if not self.several:
            return "".join(texts.values())
        acts = {
            name: [line for line in text.splitlines() if line.startswith("Contact ")] for name, text in texts.items()
        }
        return "\n".join(f"{name}: {line}" for name, lines in acts.items() for line in lines)

    def failures(self) -> list[tuple[str, str, str]]:
        """The questions that failed up to this stage: name, stage and error, each by the first stage that failed."""
        failed = []
        for slug, name in self._names.items():
            stage = self._failed_before(slug) or self.stage
            note = self._notes.get((slug, stage))
            if note is not None and note.error is not None:
                failed.append((name, stage, note.error))
        return failed

    def redo(self) -> Iterator[str]:
        """The stages that a retry of the last one has to do again first, each after those before it were done.

        The tasks of these stages have succeeded, so that nothing else would begin there.
        """
        last = [self._notes.get((config.question.slug, self.stage)) for config in self.configs]
        if not any(note is not None and note.error is not None for note in last):  # not tried before
            return
        for stage in ORDER[: ORDER.index(self.stage)]:
            if any(self._begin_at(config.question.slug) == stage for config in self.configs):
                self.tell(f"once more: {stage}")
                yield stage
                self._read()

    def close(self) -> None:
        """End the stage: the last one fails where a question did, and so does any that nobody keeps notes of.

        Raises
        ------
        QuestionsFailed
            The message names each with its own error.
        """
        failures = self.failures()
        if not failures or not self.several or (self._run_id and self.stage != ORDER[-1]):
            return
        for config in self.configs:
            slug = config.question.slug
            if self._failed_before(slug) and (slug, self.stage) not in self._notes:
                self.note(config, Note(f"passed over: it failed in {self._failed_before(slug)}"))
        each = "; ".join(f"{name}, in {stage}: {error}" for name, stage, error in failures)
        raise QuestionsFailed(
            f"{len(failures)} of {len(self.configs)} questions failed, and the others are done. {each} Run this task "
            "again once that is mended: it begins where each of them failed."
        )

    def note(self, config: ConfigT, note: Note) -> None:
        """Note what became of a question."""
        slug = config.question.slug
        self._notes[slug, self.stage] = note
        if note.error is not None:
            self.tell(f"{self._names[slug]}: failed. {note.error}")
        if not self._run_id:
            return
        self._number += 1
        row = {
            "run_id": self._run_id, "question": slug, "name": self._names[slug], "stage": self.stage,
            "as_of": self.as_of, "state": "done" if note.error is None else "failed", "error": note.error,
            "said": json.dumps(note.said), "number": self._number, "repair_count": config.repair_count,
        }  # fmt: skip
        self.tables.append("question_runs", pd.DataFrame([row], columns=list(QUESTION_RUNS)))

    def _read(self) -> None:
        """What this run has noted, as of this day: a repair may ask for another one."""
        if not self._run_id or not self.tables.exists("question_runs"):
            return
        rows = self.tables.query(
            "SELECT question, stage, as_of, error, said, number FROM {question_runs} "
            f"WHERE run_id = '{self._run_id}' ORDER BY number"
        )
        self._number = int(rows["number"].max()) if len(rows) else 0
        for row in rows[rows["as_of"] == self.as_of].to_dict("records"):
            self._notes[row["question"], row["stage"]] = Note(row["error"], json.loads(row["said"]))

    def _failed_before(self, slug: str) -> str:
        """The first stage before this one in which a question failed; blank where it did not."""
        for stage in ORDER[: ORDER.index(self.stage)]:
            note = self._notes.get((slug, stage))
            if note is not None and note.error is not None:
                return stage
        return ""

    def _is_needed(self, slug: str) -> bool:
        """Whether new models are needed; where nothing tells, as by hand, they are."""
        note = self._notes.get((slug, _ASKS))
        return note is None or bool(note.said.get(_NEEDS, True))

    def _begin_at(self, slug: str) -> str:
        """The stage before this one that a question has to go through again or yet; blank where there is none."""
        if failed := self._failed_before(slug):
            return failed
        before = [stage for stage in ORDER[: ORDER.index(self.stage)] if stage != _OPTIONAL or self._is_needed(slug)]
        done = [number for number, stage in enumerate(before, 1) if self.is_done(slug, stage)]
        return "".join(before[max(done, default=len(before)) :][:1])


def _headline(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("Note: ")]
    return lines[0] if lines else ""
