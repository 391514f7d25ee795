"""Why a user's propensity is what it is: the groups of features that move it, each in words.

By occlusion: a group is given the typical user's values, and the change of the log-odds is what the user's own values
are worth (Robnik-Sikonja and Kononenko, "Explaining Classifications For Individual Instances", IEEE TKDE 20, 2008;
Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014). It asks only for scores, so it
works for any pair.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lib.attributes.columns import is_text
from lib.explain.groups import ATTRIBUTE, GroupView, group_features
from lib.explain.importance import measure_importances
from lib.explain.phrases import USUAL, describe_group, format_type_name
from lib.expressions.named import NamedAction
from lib.features.vocabulary import type_column
from lib.labels.rows import Rows
from lib.models.notes import PairNotes
from lib.models.pair import Pair

LEAST = 0.1  # change of the log-odds: what moves the odds by less than about a tenth is not worth a word
DIGITS = 6  # to which changes are compared: beyond, rounding would decide between equally strong reasons


def measure_changes(pair: Pair, features: pd.DataFrame, typical: pd.DataFrame) -> pd.DataFrame:
    """How much each group of features moves each user's log-odds, against a typical user's values of that group.

    Parameters
    ----------
    features : DataFrame[feature float], a row per user
    typical : DataFrame[feature float], one row

    Returns
    -------
    DataFrame[group float]
        A row per user, in nats: above 0, the user's own values raise the propensity. Exact for each group by itself;
        where groups say the same, each is credited with what it adds to the others.
    """
    view = GroupView.of(pair, typical)
    matrix, other = view.matrix(features), view.matrix(typical)[0]
    log_odds = view.log_odds(matrix)
    changes = {}
    for group, columns in view.columns.items():
        values = matrix[:, columns]
        matrix[:, columns] = other[columns]
        changes[group] = log_odds - view.log_odds(matrix)
        matrix[:, columns] = values
    return pd.DataFrame(changes, index=features.index)


def is_explainable(pair: Pair) -> bool:
    """Whether a pair was registered with its typical user."""
    return pair.notes.typical is not None


def format_reasons(pair: Pair, features: pd.DataFrame, most: int) -> list[str | None]:
    """The strongest reasons of each user's propensity in plain words, strongest first, `; ` between.

    Reasons that change the log-odds by less than `LEAST` are left out, equally strong ones stand in column order. None
    for a user without any, and for everybody where the pair was registered without its typical user.
    """
    if not (most and len(features) and is_explainable(pair)):
        return [None] * len(features)
    change = measure_changes(pair, features, pd.DataFrame([pair.notes.typical])).round(DIGITS)
    moved = change.to_numpy()
    order = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :most]
    matters = np.take_along_axis(np.abs(moved), order, axis=1) >= LEAST
    texts = np.full(order.shape, None, object)
    others = [name for name in features if str(name).endswith(USUAL) and name not in pair.columns]
    features = features.drop(columns=others)  # what another question has brought changes no word of this one
    for number, group in enumerate(map(str, change)):
        rows, places = np.nonzero((order == number) & matters)
        phrases = describe_group(group, features.iloc[rows], pair.notes.names)
        directions = np.where(moved[rows, number] > 0, "raises", "lowers").tolist()
        texts[rows, places] = [f"{text} ({way})" for text, way in zip(phrases, directions, strict=True)]
    return ["; ".join(filter(None, row)) or None for row in texts.tolist()]


def explanation_notes(
    pair: Pair, cohort: pd.DataFrame, judged: Rows, kinds: Iterable[str], seed: int, named: Iterable[NamedAction] = ()
) -> PairNotes:
    """What must be known of a pair to explain it later: its typical user, names of event types, importances.

    Parameters
    ----------
    cohort : DataFrame[feature float]
        The newest cohort learnt from: the medians of its users are the typical user, of texts the most frequent one.
    judged : Rows
        What the pair was judged on, and had not learnt: importances are evidence too.
    kinds : event types
        All of the log: their names, which columns spell in small letters and underscores.
    named : actions
        Those that the question names: what people call them.
    """
    groups = group_features(pair.columns)
    inputs = pair.inputs(cohort)
    typical = inputs.median()
    for name in filter(is_text, map(str, inputs)):
        typical[name] = inputs[name].mode().iloc[0]
    called = {**{kind: kind for kind in kinds}, **{one.kind: one.name for one in named}}
    names = {prefix: name for kind, name in called.items() if (prefix := type_column(kind, "")) in groups}
    importances = measure_importances(pair, typical.to_frame().T, judged.X, judged.y, seed)
    for row in importances:
        name = row["name"].removeprefix(ATTRIBUTE)
        row["name"] = format_type_name(name, names) if name.endswith("__") else name
    return PairNotes(
        typical={str(name): float(value) for name, value in typical.items()}, names=names, importances=importances
    )
