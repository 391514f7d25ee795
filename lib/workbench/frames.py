"""What is given to the workbench, looked at before it is used."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import pandas as pd
import pyarrow as pa

from lib.config.catalogue import all_parameters
from lib.config.parameters import Get
from lib.errors import ConfigError, ContractBroken, ModelError
from lib.features.vocabulary import type_prefix
from lib.models.pair import Pair

ROWS = "workbench_rows"  # what queries call rows that were lent to them
KEYS = pa.schema([("user_id", pa.string()), ("cutoff", pa.date32())])


def read_asked(asked: Mapping[str, object], *, with_users: bool) -> Get:
    """The texts of parameters, and a default for each that was not given; `with_users` says that users were given."""
    parameters = all_parameters()
    for name in asked:
        if name not in parameters:
            near = get_close_matches(name, parameters, 1)
            raise ConfigError(f"There is no parameter {name!r}.{f' Did you mean {near[0]}?' if near else ''}")
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in asked.items()}
    unasked = {name: each.widget or "" for name, each in parameters.items()} | {"events": ROWS}  # none are read here
    if with_users:
        unasked |= {"users": ROWS}
    return (unasked | texts).__getitem__


def join_labels(features: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Rows with their labels; features whose label is not known stay out."""
    keys = list(KEYS.names)
    for name, frame in (("features", features), ("labels", labels)):
        if frame.duplicated(keys).any():
            user, cutoff = frame.loc[frame.duplicated(keys), keys].iloc[0]
            raise ContractBroken(f"The {name} have user {user!r} at {cutoff} more than once. Leave one row of each.")
    joined = features.merge(labels[[*keys, "label"]], on=keys)
    if len(joined) < len(labels):
        raise ContractBroken(
            f"{len(labels) - len(joined)} of {len(labels)} labels have no features of their user and cutoff. Take "
            "the labels of these features: labels(features)."
        )
    return joined


def check_readable(pair: Pair, features: pd.DataFrame, pooled_types: Iterable[str]) -> None:
    """Refuse rows without a column that is not 0: to a pair, one that lacks is of a type without any event."""
    pooled = set(map(type_prefix, pooled_types))
    there = {name.rpartition("__")[0] for name in map(str, features)} | pooled
    lacking = [name for name in pair.columns if name not in features and name.rpartition("__")[0] in there]
    if lacking:
        raise ModelError(
            f"The pair reads {lacking[0]}, which these rows have not. Give it the features that it has learnt "
            "from; of a sample, with the types of the whole."
        )
