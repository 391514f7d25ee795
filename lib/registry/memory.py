"""The kind of registry in memory, for tests and replays."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pandas as pd

from lib.config.question import Question
from lib.errors import ModelError
from lib.evaluation.verdict import Check
from lib.models import checks
from lib.models.blueprint import OwnModels
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.registry.protocol import Evidence, pair_tags
from lib.registry.versions import Version


class MemoryRegistry:
    """Pairs, their tags and the alias in dictionaries; versions of both models are counted apart, as MLflow does."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], Pair] = {}  # by question and prediction version
        self.tags: dict[tuple[str, str], dict[str, str]] = {}
        self.intervals: dict[tuple[str, str], Mapping[str, tuple[float, float]]] = {}
        self.removed: list[tuple[str, str]] = []  # whose numbers no other gets
        self.aliases: dict[str, str] = {}
        self.own_models: dict[str, OwnModels] = {}  # by URI
        self.checks: list[tuple[str, Check]] = []  # question, what was recorded

    def copy(self) -> "MemoryRegistry":
        """The same registry again: what happens in it stays in it."""
        copy = MemoryRegistry()
        copy.pairs, copy.aliases, copy.own_models = dict(self.pairs), dict(self.aliases), dict(self.own_models)
        copy.intervals, copy.checks, copy.removed = dict(self.intervals), list(self.checks), list(self.removed)
        copy.tags = {key: dict(tags) for key, tags in self.tags.items()}
        return copy

    def champion(self, question: Question) -> str | None:
        return self.aliases.get(question.slug)

    def load(self, question: Question, version: str) -> Pair:
        self._check_registered(question, version)
        pair = self.pairs[question.slug, version]
        where = f"Version {version} of {question.slug}"
        checks.check_question({"question": pair.question}, question, where)
        checks.check_pair(pair, where)
        return pair

    def notes(self, question: Question, version: str) -> PairNotes:
        self._check_registered(question, version)
        return self.pairs[question.slug, version].notes

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        version = str(1 + sum(slug == question.slug for slug, _ in (*self.pairs, *self.removed)))
        registered = replace(pair, preprocessing_version=version, prediction_version=version)
        self.pairs[question.slug, version] = registered
        self.tags[question.slug, version] = pair_tags(question, pair, evidence)
        self.intervals[question.slug, version] = dict(evidence.intervals or {})
        return registered

    def promote(self, question: Question, version: str, as_of: date) -> None:
        self._check_registered(question, version)
        before = self.champion(question)
        self.aliases[question.slug] = version
        if before == version:
            return
        if before is not None:
            self.tags[question.slug, before]["champion_until"] = as_of.isoformat()
        self.tags[question.slug, version].pop("champion_until", None)
        self.tags[question.slug, version]["champion_since"] = as_of.isoformat()

    def versions(self, question: Question) -> list[Version]:
        champion = self.champion(question)
        mine = [(version, pair) for (slug, version), pair in self.pairs.items() if slug == question.slug]
        return [
            Version.of((version, pair.preprocessing_version), self.tags[question.slug, version], champion,
                       params=pair.params, metrics=pair.metrics, intervals=self.intervals[question.slug, version])
            for version, pair in reversed(mine)
        ]  # fmt: skip

    def remove(self, question: Question, pair: Version) -> None:
        key = question.slug, pair.prediction_version
        if key in self.pairs:
            del self.pairs[key], self.tags[key], self.intervals[key]
            self.removed.append(key)

    def columns(self, question: Question, version: str) -> tuple[str, ...]:
        self._check_registered(question, version)
        return self.pairs[question.slug, version].columns

    def load_own(self, uri: str) -> OwnModels:
        if uri not in self.own_models:
            raise ModelError(f"The challenger {uri} cannot be found.")
        return self.own_models[uri]

    def _check_registered(self, question: Question, version: str) -> None:
        if (question.slug, version) not in self.pairs:
            raise ModelError(f"Version {version} of {question.slug} is not registered. Promote one that is.")

    def record_check(self, question: Question, check: Check) -> None:
        self.checks.append((question.slug, check))
