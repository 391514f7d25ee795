"""Write the dictionary of features: a table of its own, and comments of the columns that it is about."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from lib.attributes.columns import TABLE, read_note
from lib.errors import ContractBroken
from lib.explain.dictionary import describe_attributes, describe_features
from lib.features.named_note import read_noted
from lib.tables.comments import write_comments
from lib.tables.contracts import FEATURES
from lib.tables.delta import DeltaTables
from lib.tables.protocol import Tables

NAME = "feature_dictionary"
NOTE = "digest"  # property of the table: of what was written, so that the same is not written again


def write_dictionary(tables: DeltaTables, kinds: Iterable[str], *, with_attributes: bool) -> str:
    """Say what each feature means, and each attribute where a run reads some; what is said already stays.

    Parameters
    ----------
    kinds : event types
        All of the log.

    Returns
    -------
    str
        A line for the reader of the run; blank where no features are there.
    """
    if not tables.exists("features"):
        return ""
    note = read_note(tables) if with_attributes else None
    attributes = note.attributes if note else ()
    rows = describe_features(feature_names(tables), kinds, attributes, read_noted(tables).actions)
    digest = blake2b(rows.to_csv(index=False).encode(), digest_size=16).hexdigest()
    texts = {name: f"{meaning} ({unit})" for name, _, meaning, unit in rows.itertuples(index=False)}
    refused = _comment(tables, "features", texts)
    if attributes:
        refused = _comment(tables, TABLE, describe_attributes(attributes)) or refused
    if tables.get_property(NAME, NOTE) != digest:
        tables.replace(NAME, rows, "1 = 1")
        tables.set_property(NAME, NOTE, digest)
    return f"Dictionary: {len(rows)} columns, each with its meaning and unit, in the table {NAME}.{refused}"


def _comment(tables: DeltaTables, name: str, texts: Mapping[str, str]) -> str:
    """Write comments of columns, which no stage reads: where they are refused, why, for the reader of the run."""
    try:
        write_comments(tables, name, texts)
    except ContractBroken as error:
        return f" {error}"
    return ""


def feature_names(tables: Tables) -> list[str]:
    """The feature columns of the table `features`, in order."""
    columns = tables.arrow("SELECT * FROM {features} WHERE 1 = 0").column_names
    return [name for name in columns if name not in FEATURES]
