"""What the job asks of a model registry, and what is recorded with a pair: in MLflow as in the kind in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from lib.config.question import Question
from lib.evaluation.verdict import Check
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.registry import versions as versions_rules
from lib.registry.versions import Version

if TYPE_CHECKING:
    from lib.models.blueprint import OwnModels
    from lib.training.trials import Trial

LONGEST_TAG = 250  # catalogs cut or refuse longer texts; the description has the whole


@dataclass(frozen=True)
class Evidence:
    """What is recorded with a new pair: how it came about, and how it did where."""

    as_of: str
    holdout: str  # newest cutoff that it was judged on
    run_id: str
    tables: str  # the schema that the features come from
    kind: str  # promoted or rejected
    why: str
    trials: "Sequence[Trial]" = ()
    trial_runs: str = ""  # where the trials are MLflow runs already: the run above them
    plots: Mapping[str, Any] = field(default_factory=dict)  # figures of the search, by name
    intervals: Mapping[str, tuple[float, float]] | None = None


class Registry(Protocol):
    """What the pipeline asks of the model registry."""

    def champion(self, question: Question) -> str | None:
        """The prediction version in use; None when the alias map names none."""

    def load(self, question: Question, version: str) -> Pair:
        """Load the pair of one prediction version, and see that both belong together and to the question."""

    def notes(self, question: Question, version: str) -> PairNotes:
        """What was noted with the pair of one prediction version, without its models."""

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        """Register both models as new versions; nothing is in use before `promote`."""

    def promote(self, question: Question, version: str, as_of: date) -> None:
        """Point the champion alias at a prediction version, and note on both champions since and until when."""

    def versions(self, question: Question) -> list[Version]:
        """Every pair of the question, the newest first, then the orphans: preprocessing versions of no pair."""

    def remove(self, question: Question, pair: Version) -> None:
        """Take a pair out of the registry, with its files where these lie with the records of runs, which stay."""

    def columns(self, question: Question, version: str) -> tuple[str, ...]:
        """The feature columns that the pair of one prediction version reads."""

    def load_own(self, uri: str) -> "OwnModels":
        """Read a data scientist's own models, to be challengers."""

    def record_check(self, question: Question, check: Check) -> None:
        """Record a verdict beside the searches, to be looked at; what acts on it reads `model_checks`."""


def pair_tags(question: Question, pair: Pair, evidence: Evidence) -> dict[str, str]:
    """What both versions of a pair say of themselves, for whoever compares versions in the MLflow UI."""
    about = {
        "question": question.slug, "trained_through": pair.trained_through, "as_of": evidence.as_of,
        "holdout": evidence.holdout, "decision": evidence.kind, "why": evidence.why, "run_id": evidence.run_id,
    }  # fmt: skip
    about |= {f"param_{name}": str(value) for name, value in pair.params.items()}
    return {name: shorten(text, LONGEST_TAG, placeholder=" ...") for name, text in about.items()}


def format_description(question: Question, pair: Pair, evidence: Evidence) -> str:
    """The description of both versions of a pair, in Markdown."""
    opening = f"{question}. Trained through {pair.trained_through}. {evidence.kind}: {evidence.why}"
    measured = versions_rules.format_metrics(pair.metrics, evidence.intervals or {})
    rows = [f"| {name} | {text} |" for name, text in measured.items()]
    return "\n".join([opening, "", f"| metric | on the holdout {evidence.holdout} |", "|---|---|", *rows])
