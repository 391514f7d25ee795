"""What a report tells of, before anything is counted or drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from lib.audience.advice import Advice
from lib.audience.release import Move
from lib.config.question import Question
from lib.config.thresholds import Contacts


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a report tells; all frames have the columns of the tables of these names, in `lib.tables.contracts`."""

    question: Question
    as_of: date
    run_id: str  # blank outside a job
    audience: pd.DataFrame  # the whole new list, best first; of a large one numbers, and the names of its head
    moves: Sequence[Move]  # since the last list of an earlier cutoff; none without it
    publication: Mapping[str, Any]  # this list's row of `publications`
    outcomes: pd.DataFrame  # all rows of the question, maybe none
    checks: pd.DataFrame  # rows of `model_checks` of this run and of earlier ones, maybe none
    drift: pd.DataFrame  # rows of this run, largest psi first, maybe none
    decisions: pd.DataFrame  # all rows of the question, in order
    importances: pd.DataFrame  # name, mean, std; the largest first; maybe none
    advice: Advice  # what its first screen says
    contacts: Contacts
    free: pd.DataFrame  # rows of the list that may be contacted, best first
    currency: str  # of amounts; blank for none
    evidence: pd.DataFrame  # of the pair in use on its own holdout: decile, users, expected, observed; maybe none
    segments: pd.DataFrame = field(default_factory=pd.DataFrame)  # as lib.stages.segments counts them; maybe none
    list_size: int = 20  # rows of the list that are shown
