"""What makes two registered models a pair: the rules that a registry applies before it hands one out."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from lib.config.question import Question
from lib.errors import ModelError
from lib.features.vocabulary import DEFINITION
from lib.models.pair import Pair, positive_probability

MEND = "Promote another version, or run retrain."
PROBED = (0.05, 0.25, 0.5, 0.75, 0.95)  # the quantiles of a cohort at which a pair is probed
SAME = 1e-9  # how far scores of one pair may lie apart


def check_question(tags: Mapping[str, str], question: Question, where: str) -> None:
    """Refuse a model that was trained for another question."""
    if tags.get("question") != question.slug:
        raise ModelError(
            f"{where} answers the question {tags.get('question')!r}, not {question.slug!r}. "
            "Promote a version of this question, or run retrain."
        )


def check_partners(tags: Mapping[str, str], partner: Mapping[str, str], names: str) -> None:
    """Refuse a mixed pair: two versions that two registrations made. `names` says which, for the message."""
    if "pair" not in tags or partner.get("pair") != tags["pair"]:
        raise ModelError(f"{names} as its preprocessing, and the two were not registered together. {MEND}")


def parse_trained_through(tags: Mapping[str, str], where: str) -> str:
    """Take from the tags through which day a pair has learnt."""
    text = tags.get("trained_through", "")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ModelError(f"{where} says of trained_through {text!r}, which is no day. {MEND}") from None


def check_definition(pair: Pair, where: str) -> None:
    """Refuse a pair that learnt when features meant something else: its columns are there, with other numbers in them.

    Raises
    ------
    ModelError
        The message names both definitions.
    """
    if pair.notes.definition != DEFINITION:
        raise ModelError(
            f"{where} has learnt from features of definition {pair.notes.definition}, and definition {DEFINITION} is "
            f"computed now: columns of the same name may mean something else. {MEND}"
        )


def check_pair(pair: Pair, where: str) -> None:
    """Refuse two models that do not fit together, or not the list of columns that they are to read.

    Raises
    ------
    ModelError
        The message says what the one gives and what the other takes.
    """
    named = list(getattr(pair.preprocessing, "feature_names_in_", pair.columns))
    if named != list(pair.columns):
        odd = sorted(set(named) ^ set(pair.columns)) or ["their order"]
        raise ModelError(
            f"{where} cannot be loaded: its preprocessing model was fitted on {len(named)} columns and "
            f"{len(pair.columns)} are recorded; they differ in {', '.join(odd[:3])}. {MEND}"
        )
    nobody = pd.DataFrame(np.zeros((1, len(pair.columns))), columns=list(pair.columns))
    outputs = pair.preprocessing.transform(nobody)
    # 0 is that nobody knows: CatBoost's model says so once it was read from its file.
    takes = getattr(pair.prediction, "n_features_in_", 0) or np.shape(outputs)[1]
    if np.shape(outputs)[1] != takes:
        raise ModelError(
            f"{where} cannot be loaded: its preprocessing model gives {np.shape(outputs)[1]} columns and its "
            f"prediction model takes {takes}. {MEND}"
        )
    positive_probability(pair.prediction, outputs)


def take_probe(pair: Pair, cohort: pd.DataFrame) -> dict[str, Any]:
    """What a pair says of users that nobody is: every column at one quantile of a cohort.

    Returns
    -------
    {"rows": a list of numbers for each, in the order of the pair's columns; "scores": their propensities}
    """
    rows = pair.inputs(cohort).quantile(list(PROBED))
    return {"rows": rows.to_numpy().tolist(), "scores": pair.score(rows).tolist()}


def check_scores(pair: Pair, where: str) -> None:
    """Refuse a pair that scores otherwise than when it was made: other libraries read its files in another way.

    Raises
    ------
    ModelError
        The message gives one score of then and of now.
    """
    if pair.notes.probe is None:  # registered before probes were taken
        return
    then = np.asarray(pair.notes.probe["scores"], float)
    now = pair.score(pd.DataFrame(pair.notes.probe["rows"], columns=list(pair.columns)))
    worst = int(np.abs(now - then).argmax())
    if abs(now[worst] - then[worst]) > SAME:
        raise ModelError(
            f"{where} gives {now[worst]:.12g} where it gave {then[worst]:.12g} when it was made: the libraries that "
            f"are installed now read it otherwise. {MEND}"
        )
