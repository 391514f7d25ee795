"""The dictionary of features: what each column means, in which unit, and what it is about in the words of reasons."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from lib.attributes.columns import Attribute, Kind
from lib.explain.groups import group_features
from lib.explain.phrases import format_type_name
from lib.expressions.named import NamedAction
from lib.features.meanings import OF_ACTIONS, OF_TYPES, OF_USERS, Meaning
from lib.features.vocabulary import OTHER, type_column
from lib.tables.contracts import FEATURE_DICTIONARY

THE_LOG = "the log"  # what columns are about that are the same for all users of a cutoff: nobody's reason
GONE = Meaning("computed by an earlier version of the project, and no longer", "none")
OF_KINDS: Mapping[Kind, tuple[Meaning, ...]] = {  # of an attribute's columns beside the features, by what it is
    Kind.TEXT: (Meaning("{kind}, as it was known at the cutoff", "text"),),
    Kind.FLAG: (Meaning("{kind}, as it was known at the cutoff", "true or false"),),
    Kind.NUMBER: (
        Meaning("{kind}, as it was known at the cutoff", "unit of the users' own"),
        Meaning("whether {kind} was known at the cutoff", "0 or 1"),
    ),
    Kind.DATE: (
        Meaning("days from {kind} to the cutoff, negative where it is still to come", "days"),
        Meaning("whether {kind} was known at the cutoff", "0 or 1"),
    ),
}
STORED: Mapping[Kind, str] = {  # the unit of an attribute's column in user_attributes
    Kind.TEXT: "text", Kind.FLAG: "true or false", Kind.NUMBER: "unit of the users' own", Kind.DATE: "days since 1970",
}  # fmt: skip


def describe_features(
    columns: Sequence[str],
    kinds: Iterable[str],
    attributes: Sequence[Attribute] = (),
    named: Sequence[NamedAction] = (),
) -> pd.DataFrame:
    """Look up what columns mean.

    Parameters
    ----------
    columns : Sequence[str]
        Feature columns of the table `features`.
    kinds : event types
        All of the log: their names, which columns spell in small letters and underscores.
    attributes : Sequence[Attribute]
        Of the users: their columns follow.
    named : Sequence[NamedAction]
        Actions by a condition: their columns follow, unless they are among `columns`; then those of the users.

    Returns
    -------
    DataFrame[feature, about, meaning, unit string]
        A row per column, in their order.
    """
    names = {type_column(kind, ""): kind for kind in kinds} | {type_column(one.kind, ""): one.name for one in named}
    of_named = [type_column(one.kind, name) for one in named for name in (*OF_TYPES, *OF_ACTIONS)]
    columns = list(dict.fromkeys([*columns, *of_named]))
    about = {column: group for group, members in group_features(columns).items() for column in members}
    rows = [_describe(column, about.get(column, THE_LOG), names) for column in columns]
    for one in attributes:
        for column, meaning in zip(one.columns, OF_KINDS[one.kind], strict=True):
            rows.append((column, one.slug, meaning.of(one.name)))
    return pd.DataFrame(
        [(column, topic, meaning.text, meaning.unit) for column, topic, meaning in rows],
        columns=list(FEATURE_DICTIONARY),
    )


def _describe(column: str, group: str, names: Mapping[str, str]) -> tuple[str, str, Meaning]:
    prefix, mark, feature = column.rpartition("__")
    if not mark:
        return column, group, OF_USERS.get(feature, GONE)
    name = format_type_name(prefix + mark, names)
    meaning = {**OF_TYPES, **OF_ACTIONS}.get(feature, GONE)
    return column, name, meaning.of(OTHER if prefix == OTHER else name)


def describe_attributes(attributes: Sequence[Attribute]) -> dict[str, str]:
    """What the columns of `user_attributes` hold, in one sentence each."""
    return {one.stored: f"{one.name}, in: {STORED[one.kind]}" for one in attributes}
